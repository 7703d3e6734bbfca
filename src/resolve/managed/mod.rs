//! Definitions in git that write placements: found in a file, and matched to a placement. Pure.
//!
//! No value is kept: names, addresses and lines only.

mod program;
mod terraform;
mod yaml;

use crate::{
    assess::{Confidence, Tool},
    ci::model::Platform,
};

/// What one file writes.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub writers: Vec<Writer>,
    /// What could not be read, by line.
    pub troubles: Vec<(u32, String)>,
}

/// A definition that writes, makes or holds something.
#[derive(Clone, Debug)]
pub struct Writer {
    pub tool: Tool,
    pub resource: String,
    pub line: u32,
    pub target: Target,
    pub names: Names,
    pub repository: Known,
    pub environment: Known,
    /// Addresses of what its value is taken from.
    pub sources: Vec<String>,
    /// Changes of the value by hand stay.
    pub ignores_changes: bool,
}

/// Where the value goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// Secrets of a repository's workflows.
    Repository(Platform),
    Environment(Platform),
    /// An organisation, a group, an instance or a context.
    Above(Platform),
    /// Secrets of the same platform for something else than its workflows.
    Beside(Platform, &'static str),
    /// A store that the workflows do not read by themselves.
    Store(&'static str),
    /// The credential is made here.
    AwsAccessKey,
}

#[derive(Clone, Debug)]
pub struct Names {
    /// As written, with their lines.
    pub literal: Vec<(String, u32)>,
    /// Why these may not be the names, or not all of them.
    pub doubt: Option<String>,
}

/// A value of a definition, as far as its text tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known {
    Absent,
    Text(String),
    /// Only the tool knows, from these references.
    Expression(String),
}

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub platform: Platform,
    /// As in a report: `repo`, `environment:NAME`, `unknown`, …
    pub scope: &'a str,
    pub name: &'a str,
    /// `owner/repo`, or `host/group/repo`.
    pub repository: &'a str,
}

/// Why a writer counts for a placement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Match {
    pub line: u32,
    pub certainty: Confidence,
    pub reason: Option<String>,
}

/// What kind of file a path may be; `None`: nothing that writes placements.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    Hcl,
    Yaml,
    /// `Pulumi.yaml` and the configuration of its stacks.
    Pulumi,
    /// JSON is read as YAML.
    Json,
    Dotenv,
    /// A program of Pulumi, where a `Pulumi.yaml` stands above it.
    Program,
}

impl Format {
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (stem, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "tf" | "tofu" => Self::Hcl,
            "yaml" | "yml" if name.starts_with("Pulumi.") => Self::Pulumi,
            "yaml" | "yml" => Self::Yaml,
            "json" if stem.ends_with(".tf") || stem.ends_with(".tofu") => Self::Json,
            "json" if stem.contains("sops") || stem.contains(".enc") || stem.contains("secret") => {
                Self::Json
            }
            "env" => Self::Dotenv,
            _ if stem.is_empty() && extension.starts_with("env") => Self::Dotenv,
            _ if stem.starts_with(".env") => Self::Dotenv,
            "ts" | "js" | "py" | "go" | "cs" => Self::Program,
            _ => return None,
        })
    }

    /// Texts of which one stands in every file that is worth parsing.
    pub fn clues(self) -> &'static [&'static str] {
        match self {
            Self::Hcl => terraform::CLUES,
            Self::Yaml => yaml::CLUES,
            Self::Pulumi => yaml::PULUMI_CLUES,
            Self::Json => &[
                "github_",
                "gitlab_",
                "circleci_",
                "kubernetes_secret",
                "vault_",
                "aws_iam_access_key",
                "\"sops\"",
            ],
            Self::Dotenv => &["sops_"],
            Self::Program => program::CLUES,
        }
    }
}

/// Reads one file; never fails, see [`Found::troubles`].
pub fn parse(text: &str, format: Format) -> Found {
    match format {
        Format::Hcl => terraform::parse(text),
        Format::Yaml => yaml::parse(text, yaml::CLUES),
        Format::Pulumi => yaml::parse(text, yaml::PULUMI_CLUES),
        Format::Json => yaml::parse_json(text),
        Format::Dotenv => yaml::parse_dotenv(text),
        Format::Program => program::parse(text),
    }
}

/// Whether a definition writes the placement; `here`: it stands in the placement's own repository.
pub fn matches(writer: &Writer, wanted: &Wanted<'_>, here: bool) -> Option<Match> {
    let mut reasons: Vec<String> = Vec::new();
    match writer.target {
        Target::Repository(platform)
        | Target::Environment(platform)
        | Target::Above(platform)
        | Target::Beside(platform, _)
            if platform != wanted.platform =>
        {
            return None;
        }
        Target::Store(_) | Target::AwsAccessKey if !here => return None,
        _ => {}
    }
    let line = named(writer, wanted, &mut reasons)?;
    repository(writer, wanted, here, &mut reasons)?;
    scope(writer, wanted, &mut reasons)?;
    let certainty = if reasons.is_empty() { Confidence::Inferred } else { Confidence::Possible };
    if writer.ignores_changes {
        reasons.push("it ignores changes of the value: one that is set by hand stays".to_owned());
    }
    let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    Some(Match { line, certainty, reason })
}

fn named(writer: &Writer, wanted: &Wanted<'_>, reasons: &mut Vec<String>) -> Option<u32> {
    match writer.target {
        Target::AwsAccessKey => {
            let name = plain(wanted.name);
            let fits = name.contains("AWS") && name.contains("ACCESS_KEY");
            reasons.push(
                "an access key is made here; the files do not tell that it is this one".into(),
            );
            return fits.then_some(writer.line);
        }
        Target::Store(store) => {
            let name = plain(wanted.name);
            // A name of one word (`password`) is the same by chance.
            let same = |(key, _): &&(String, u32)| plain(key) == name && name.contains('_');
            let line = writer.names.literal.iter().find(same).map(|(_, line)| *line)?;
            reasons.push(format!(
                "{store} holds a value of that name; whether it is the same one the files do not tell"
            ));
            return Some(line);
        }
        _ => {}
    }
    let same = |(name, _): &&(String, u32)| match wanted.platform {
        Platform::Github => name.eq_ignore_ascii_case(wanted.name),
        _ => name == wanted.name,
    };
    let literal = writer.names.literal.iter().find(same).map(|(_, line)| *line);
    match (&writer.names.doubt, literal) {
        (None, literal) => literal,
        (Some(doubt), Some(line)) => {
            reasons.push(doubt.clone());
            Some(line)
        }
        // Names that are told, and this is none of them.
        (Some(_), None) if !writer.names.literal.is_empty() => None,
        (Some(doubt), None) => {
            reasons.push(doubt.clone());
            Some(writer.line)
        }
    }
}

fn repository(
    writer: &Writer,
    wanted: &Wanted<'_>,
    here: bool,
    reasons: &mut Vec<String>,
) -> Option<()> {
    if matches!(writer.target, Target::Above(_) | Target::Store(_) | Target::AwsAccessKey) {
        return Some(());
    }
    match &writer.repository {
        Known::Text(name) => {
            // Either may leave out the host, the owner or the groups.
            let whole = wanted.repository.split(" (").next().unwrap_or_default();
            let mut parts = name.rsplit('/').zip(whole.rsplit('/'));
            parts.all(|(a, b)| a.eq_ignore_ascii_case(b)).then_some(())
        }
        // A number in the place of a project, or a reference.
        Known::Expression(from) => {
            reasons.push(format!("which repository it writes to only {from} tells"));
            Some(())
        }
        Known::Absent if here => {
            reasons.push("the definition names no repository".to_owned());
            Some(())
        }
        Known::Absent => None,
    }
}

fn scope(writer: &Writer, wanted: &Wanted<'_>, reasons: &mut Vec<String>) -> Option<()> {
    let environment = wanted.scope.strip_prefix("environment:");
    match writer.target {
        Target::Beside(_, what) => reasons.push(format!("it writes a secret of that name for {what}")),
        Target::Above(_) => match wanted.scope {
            "repo" => return None,
            _ if environment.is_some() => return None,
            "org" => {}
            _ => reasons.push(
                "it writes one for more than this repository; a secret of the repository itself would hide it".to_owned(),
            ),
        },
        Target::Environment(_) => match (&writer.environment, environment) {
            (Known::Text(name), Some(wanted)) if name.eq_ignore_ascii_case(wanted) => {}
            (Known::Text(_), Some(_)) => return None,
            (_, Some(_)) => reasons.push("which environment it writes to is an expression".to_owned()),
            (_, None) if matches!(wanted.scope, "repo" | "org") => return None,
            (Known::Text(name), None) => {
                reasons.push(format!("it writes the one of the environment `{name}`"));
            }
            (_, None) => reasons.push("it writes the one of an environment".to_owned()),
        },
        Target::Repository(_) if wanted.scope == "org" => return None,
        Target::Repository(_) if environment.is_some() => {
            reasons.push("it writes the repository's; the environment's own would hide it".to_owned());
        }
        Target::Repository(_) | Target::Store(_) | Target::AwsAccessKey => {}
    }
    Some(())
}

/// `npmToken`, `npm-token` and `NPM_TOKEN` are one.
fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower {
            out.push('_');
        }
        lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    }
    out
}

/// What a type of resource writes, and which of its attributes say where.
#[derive(Clone, Copy, Debug)]
struct Kind {
    target: Target,
    name: &'static str,
    repository: &'static str,
    environment: &'static str,
}

/// The types of Terraform's providers.
fn kind(of: &str) -> Option<Kind> {
    use Platform::{Circleci, Github, Gitlab};
    let dependabot = "what Dependabot starts";
    let codespaces = "codespaces";
    let (target, name, repository) = match of {
        "github_actions_secret" => (Target::Repository(Github), "secret_name", "repository"),
        "github_actions_environment_secret" => {
            (Target::Environment(Github), "secret_name", "repository")
        }
        "github_actions_organization_secret" => (Target::Above(Github), "secret_name", ""),
        "github_dependabot_secret" => {
            (Target::Beside(Github, dependabot), "secret_name", "repository")
        }
        "github_codespaces_secret" => {
            (Target::Beside(Github, codespaces), "secret_name", "repository")
        }
        "github_dependabot_organization_secret" => (Target::Above(Github), "secret_name", ""),
        "github_codespaces_organization_secret" => (Target::Above(Github), "secret_name", ""),
        "gitlab_project_variable" => (Target::Repository(Gitlab), "key", "project"),
        "gitlab_group_variable" | "gitlab_instance_variable" => (Target::Above(Gitlab), "key", ""),
        "circleci_environment_variable" => (Target::Repository(Circleci), "name", "project"),
        "circleci_context_environment_variable" => (Target::Above(Circleci), "name", ""),
        "kubernetes_secret" | "kubernetes_secret_v1" => {
            (Target::Store("a Kubernetes secret"), "data", "")
        }
        "vault_generic_secret" | "vault_kv_secret" | "vault_kv_secret_v2" => {
            (Target::Store("Vault"), "data_json", "")
        }
        "aws_iam_access_key" => (Target::AwsAccessKey, "", ""),
        _ => return None,
    };
    Some(Kind { target, name, repository, environment: "environment" })
}
