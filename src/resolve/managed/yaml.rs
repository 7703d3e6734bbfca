//! Kubernetes objects, SOPS, Pulumi's YAML and Terraform's JSON.

use super::{Found, Known, Names, Target, Tool, Writer, kind};
use crate::ci::yaml::{self, Node, NodeKind};

/// Of SOPS the file's own key, at the start of a line.
pub(super) const CLUES: &[&str] = &["SealedSecret", "ExternalSecret", "PushSecret", "\nsops:"];

pub(super) const PULUMI_CLUES: &[&str] = &["secure:", "resources:"];

/// Larger files are generated.
const LARGEST: usize = 2 << 20;

/// Names of one file; more are no list of secrets.
const MOST_NAMES: usize = 2_000;

pub(super) fn parse(text: &str, clues: &[&str]) -> Found {
    let mut found = Found::default();
    if too_large(text, &mut found) {
        return found;
    }
    for (base, document) in documents(text) {
        if !clues.iter().any(|clue| document.contains(clue)) {
            continue;
        }
        read(document, base, &mut found, |root, found| {
            kubernetes(root, base, found);
            pulumi(root, base, found);
            sops(root, base, found);
        });
    }
    found
}

pub(super) fn parse_json(text: &str) -> Found {
    let mut found = Found::default();
    if too_large(text, &mut found) {
        return found;
    }
    read(text, 0, &mut found, |root, found| {
        terraform(root, found);
        sops(root, 0, found);
    });
    found
}

/// `NAME=ENC[…]` with `sops_…` beside it.
pub(super) fn parse_dotenv(text: &str) -> Found {
    let mut found = Found::default();
    if too_large(text, &mut found) || !text.lines().any(|line| line.starts_with("sops_")) {
        return found;
    }
    let names = text.lines().zip(1..).filter_map(|(line, number)| {
        let (name, value) = line.split_once('=')?;
        let encrypted = value.trim_matches(['"', '\'', ' ']).starts_with("ENC[");
        (encrypted && !name.starts_with("sops_")).then(|| (name.trim().to_owned(), number))
    });
    let names: Vec<(String, u32)> = names.take(MOST_NAMES).collect();
    found.writers.extend(store(Tool::Sops, "encrypted dotenv", "a SOPS file", 1, names));
    found
}

fn too_large(text: &str, found: &mut Found) -> bool {
    let large = text.len() > LARGEST;
    if large {
        found.troubles.push((1, format!("larger than {} MB", LARGEST >> 20)));
    }
    large
}

/// The documents of a stream, each with the lines before it.
fn documents(text: &str) -> Vec<(u32, &str)> {
    let (mut documents, mut start, mut base) = (Vec::new(), 0, 0);
    let mut at = 0;
    for (line, number) in text.split_inclusive('\n').zip(0_u32..) {
        let rule = line.trim_end() == "---" || line.starts_with("--- ");
        if rule && at > start {
            documents.push((base, &text[start..at]));
            (start, base) = (at, number);
        }
        at += line.len();
    }
    documents.push((base, &text[start..]));
    documents
}

fn read(text: &str, base: u32, found: &mut Found, with: impl FnOnce(&Node, &mut Found)) {
    let parsed = yaml::parse(text.as_bytes());
    // A template of Helm or Jinja is no YAML; its own words might hold a value.
    if let Some(trouble) = parsed.troubles.iter().find(|trouble| trouble.is_fatal()) {
        found.troubles.push((base + trouble.line, "not valid YAML".to_owned()));
    }
    if let Some(root) = &parsed.root {
        with(root, found);
    }
}

fn store(
    tool: Tool,
    resource: impl Into<String>,
    what: &'static str,
    line: u32,
    literal: Vec<(String, u32)>,
) -> Option<Writer> {
    (!literal.is_empty()).then(|| Writer {
        tool,
        resource: resource.into(),
        line,
        target: Target::Store(what),
        names: Names { literal, doubt: None },
        repository: Known::Absent,
        environment: Known::Absent,
        sources: Vec::new(),
        ignores_changes: false,
    })
}

fn at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, key| node.get(key).map(|found| &**found))
}

fn kubernetes(root: &Node, base: u32, found: &mut Found) {
    let Some(of) = root.get("kind").and_then(|node| node.text()) else { return };
    let name = at(root, &["metadata", "name"]).and_then(Node::text).unwrap_or("?");
    let line = base + root.entry("kind").map_or(1, |entry| entry.key_line);
    let keys = |node: Option<&Node>| -> Vec<(String, u32)> {
        let entries = node.map_or(&[][..], Node::entries);
        let key = |entry: &yaml::Entry| (entry.key.text.to_string(), base + entry.key_line);
        entries.iter().take(MOST_NAMES).map(key).collect()
    };
    // Lists of `secretKey` with the place it comes from, or goes to.
    let listed = |node: Option<&Node>, fields: &[&[&str]]| -> Vec<(String, u32)> {
        let items = node.map_or(&[][..], Node::items).iter().take(MOST_NAMES);
        let names = items.flat_map(|item| fields.iter().filter_map(move |field| at(item, field)));
        names.filter_map(|node| Some((node.text()?.to_owned(), base + node.line))).collect()
    };
    let (tool, what, names) = match of {
        "SealedSecret" => {
            (Tool::SealedSecrets, "a sealed secret", keys(at(root, &["spec", "encryptedData"])))
        }
        "ExternalSecret" => (
            Tool::ExternalSecrets,
            "an external secret",
            listed(at(root, &["spec", "data"]), &[&["secretKey"]]),
        ),
        "ClusterExternalSecret" => {
            let data = at(root, &["spec", "externalSecretSpec", "data"]);
            (Tool::ExternalSecrets, "an external secret", listed(data, &[&["secretKey"]]))
        }
        "PushSecret" => {
            let fields: [&[&str]; 2] =
                [&["match", "remoteRef", "remoteKey"], &["match", "secretKey"]];
            let data = at(root, &["spec", "data"]);
            (Tool::ExternalSecrets, "a secret that is pushed elsewhere", listed(data, &fields))
        }
        _ => return,
    };
    found.writers.extend(store(tool, format!("{of}/{name}"), what, line, names));
}

/// Keys whose values SOPS has encrypted.
fn sops(root: &Node, base: u32, found: &mut Found) {
    let Some(entry) = root.entry("sops") else { return };
    let marks = ["mac", "lastmodified", "version"];
    if marks.iter().filter(|mark| entry.value.get(mark).is_some()).count() < 2 {
        return;
    }
    let mut names = Vec::new();
    let mut open: Vec<&Node> = vec![root];
    while let Some(node) = open.pop() {
        if names.len() >= MOST_NAMES {
            break;
        }
        open.extend(node.items().iter().map(|item| &**item));
        for entry in node.entries() {
            let encrypted = entry.value.text().is_some_and(|text| text.starts_with("ENC["));
            if encrypted {
                names.push((entry.key.text.to_string(), base + entry.key_line));
            } else if !std::ptr::eq(node, root) || &*entry.key.text != "sops" {
                open.push(&entry.value);
            }
        }
    }
    let line = base + entry.key_line;
    found.writers.extend(store(Tool::Sops, "encrypted file", "a SOPS file", line, names));
}

/// `Pulumi.STACK.yaml`: `config: {project:name: {secure: …}}`; and resources of a program in YAML.
fn pulumi(root: &Node, base: u32, found: &mut Found) {
    let config = root.get("config").map_or(&[][..], |node| node.entries());
    let secure = config.iter().filter(|entry| entry.value.get("secure").is_some());
    let name = |key: &str| key.rsplit(':').next().unwrap_or(key).to_owned();
    let names: Vec<(String, u32)> = secure
        .take(MOST_NAMES)
        .map(|entry| (name(&entry.key.text), base + entry.key_line))
        .collect();
    found.writers.extend(store(
        Tool::Pulumi,
        "stack configuration",
        "Pulumi's configuration",
        base + 1,
        names,
    ));
    for entry in root.get("resources").map_or(&[][..], |node| node.entries()) {
        let Some(of) = entry.value.get("type").and_then(|of| of.text()) else { continue };
        let Some(of) = pulumi_type(of) else { continue };
        let resource = format!("{of}.{}", entry.key.text);
        let properties =
            entry.value.get("properties").map_or_else(|| entry.value.clone(), Clone::clone);
        let line = base + entry.key_line;
        found.writers.extend(resource_of(Tool::Pulumi, of, resource, &properties, line, base));
    }
}

/// `github:ActionsSecret` and `github:index/actionsSecret:ActionsSecret` are one.
fn pulumi_type(of: &str) -> Option<&'static str> {
    let (package, rest) = of.split_once(':')?;
    let class = rest.rsplit(':').next()?;
    pulumi_class(package, class)
}

/// The type of Terraform that a class of Pulumi wraps.
pub(super) fn pulumi_class(package: &str, class: &str) -> Option<&'static str> {
    Some(match (package, class) {
        ("github", "ActionsSecret") => "github_actions_secret",
        ("github", "ActionsEnvironmentSecret") => "github_actions_environment_secret",
        ("github", "ActionsOrganizationSecret") => "github_actions_organization_secret",
        ("github", "DependabotSecret") => "github_dependabot_secret",
        ("github", "CodespacesSecret") => "github_codespaces_secret",
        ("gitlab", "ProjectVariable") => "gitlab_project_variable",
        ("gitlab", "GroupVariable") => "gitlab_group_variable",
        ("aws", "AccessKey") => "aws_iam_access_key",
        _ => return None,
    })
}

/// `resource: {TYPE: {NAME: {…}}}`.
fn terraform(root: &Node, found: &mut Found) {
    for of in root.get("resource").map_or(&[][..], |node| node.entries()) {
        if kind(&of.key.text).is_none() {
            continue;
        }
        for entry in of.value.entries() {
            let resource = format!("{}.{}", of.key.text, entry.key.text);
            let body = entry.value.items().first().unwrap_or(&entry.value);
            let line = entry.key_line;
            found.writers.extend(resource_of(
                Tool::Terraform,
                &of.key.text,
                resource,
                body,
                line,
                0,
            ));
        }
    }
}

fn resource_of(
    tool: Tool,
    of: &str,
    resource: String,
    body: &Node,
    line: u32,
    base: u32,
) -> Option<Writer> {
    let kind = kind(of)?;
    // Pulumi writes `secretName`, Terraform `secret_name`.
    let property = |name: &str| body.get(name).or_else(|| body.get(&camel(name)));
    let known = |name: &str| match property(name).and_then(|node| node.text()) {
        None => Known::Absent,
        Some(text) if text.contains("${") => Known::Expression("an expression".to_owned()),
        Some(text) => Known::Text(text.to_owned()),
    };
    let mut names = Names { literal: Vec::new(), doubt: None };
    match (kind.target, property(kind.name)) {
        (Target::Store(_), Some(node)) => {
            let key = |entry: &yaml::Entry| (entry.key.text.to_string(), base + entry.key_line);
            names.literal = node.entries().iter().take(MOST_NAMES).map(key).collect();
        }
        (_, Some(node)) => match &node.kind {
            NodeKind::Scalar(scalar) if !scalar.text.contains("${") => {
                names.literal.push((scalar.text.to_string(), base + node.line));
            }
            _ => names.doubt = Some("the name is an expression".to_owned()),
        },
        (_, None) => {}
    }
    Some(Writer {
        tool,
        resource,
        line,
        target: kind.target,
        names,
        repository: known(kind.repository),
        environment: known(kind.environment),
        sources: Vec::new(),
        ignores_changes: false,
    })
}

fn camel(name: &str) -> String {
    let mut out = String::new();
    for (at, part) in name.split('_').enumerate() {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if at > 0 => out.push(first.to_ascii_uppercase()),
            Some(first) => out.push(first),
            None => {}
        }
        out.push_str(letters.as_str());
    }
    out
}
