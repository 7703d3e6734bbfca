//! `docker build` and `docker compose`: the images that a Dockerfile or a compose file names, and what runs
//! while they are built. Only what is passed reaches them (rule G26).

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    component::{self, Use},
    machine::{Frame, Machine, Source, Started, Variable},
    options::{Grammar, Parsed},
    value::{Blob, Text, Value, has_marks, without_marks},
    world::{What, basename, resolve},
    wrappers::exported,
};
use crate::ci::{
    dockerfile::{self, Dockerfile, Instruction},
    model::{Hides, Kind},
    yaml::{self, Node, NodeKind},
};

const BUILD: Grammar = Grammar {
    short: "tfoc",
    long: "tag file build-arg secret target output platform cache-from cache-to label network builder \
           progress ssh add-host iidfile metadata-file build-context allow shm-size ulimit memory isolation \
           cgroup-parent attest annotation format volume isolation layers jobs",
    stop: false,
    single_dash: false,
};

/// The services of one compose file that are looked at.
const MOST_SERVICES: usize = 500;

type Variables = HashMap<String, Variable>;

/// `docker build [-f FILE] [-t NAME] CONTEXT`
pub(super) fn build(machine: &mut Machine<'_, '_>, frame: &Frame, rest: &[Value], at: usize) {
    let parsed = BUILD.parse(rest);
    let context = parsed.operands.first().map_or("", Value::first).to_owned();
    let passed = passed(frame, &parsed);
    let file = parsed.value(&["f", "file"]).map(|file| file.first().to_owned());
    let bases = match context.as_str() {
        // Standard input, or nothing: no Dockerfile of the repository.
        "" => Vec::new(),
        "-" => {
            unread(machine, frame, at, "the Dockerfile comes on standard input");
            Vec::new()
        }
        context => match (is_remote(context), &file) {
            (true, _) => {
                unread(machine, frame, at, "the build context lies elsewhere");
                Vec::new()
            }
            (false, Some(file)) => from_file(machine, frame, file, context, passed, at),
            (false, None) => {
                let file = match context.trim_end_matches('/') {
                    "." => "Dockerfile".to_owned(),
                    context => format!("{context}/Dockerfile"),
                };
                from_file(machine, frame, &file, context, passed, at)
            }
        },
    };
    for name in parsed.values(&["t", "tag"]) {
        machine.world.bases.insert(name.first().to_owned(), bases.clone());
    }
}

fn is_remote(context: &str) -> bool {
    context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/")
}

fn unread(machine: &mut Machine<'_, '_>, frame: &Frame, at: usize, reason: &str) {
    machine.gap(frame.place(at), &format!("images of a build: {reason}"), Hides::Kind(Kind::Image));
}

/// `--build-arg NAME[=VALUE]`, `--secret id=X,env=NAME`
fn passed(frame: &Frame, parsed: &Parsed) -> Variables {
    let mut passed = Variables::new();
    let from_env = |name: &str, passed: &mut Variables| {
        if let Some(variable) = frame.vars.get(name) {
            passed.insert(name.to_owned(), Variable { exported: true, ..variable.clone() });
        }
    };
    for value in parsed.values(&["build-arg"]) {
        match value.first().split_once('=') {
            Some((name, _)) => {
                let content = super::options::strip(value, &format!("{name}="));
                passed.insert(name.to_owned(), exported(content));
            }
            None => from_env(value.first(), &mut passed),
        }
    }
    for value in parsed.values(&["secret"]) {
        let part = |name: &str| {
            value.first().split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        if let Some(name) = part("env").or(part("id")) {
            from_env(name, &mut passed);
        }
    }
    passed
}

/// Follows one Dockerfile, and gives the images that what it builds stands on.
pub(super) fn from_file(
    machine: &mut Machine<'_, '_>,
    frame: &Frame,
    file: &str,
    context: &str,
    passed: Variables,
    at: usize,
) -> Vec<Blob> {
    let path = machine.path(frame, file);
    let (name, bytes) = match machine.world.repository_file(&path) {
        Some(Ok(found)) => found,
        Some(Err(reason)) => {
            unread(machine, frame, at, &reason);
            return Vec::new();
        }
        None => {
            let shown = machine.world.unknowns.show(file);
            unread(machine, frame, at, &format!("`{shown}` is not in the checkout"));
            return Vec::new();
        }
    };
    // A build that is run again by another step is another build: only a circle ends here.
    if machine.depth >= super::machine::MAX_DEPTH {
        return Vec::new();
    }
    let text = without_marks(&String::from_utf8_lossy(&bytes));
    let parsed = dockerfile::parse(&text);
    let mut inner = frame.cut_to(passed);
    inner.errexit = true;
    "/".clone_into(&mut inner.cwd);
    inner.via.push(frame.place(at));
    inner.source = Rc::new(Source { file: Arc::clone(&name), ..Source::default() });
    let mut build = Build {
        machine,
        frame: inner,
        context: String::new(),
        arguments: HashMap::new(),
        stages: HashSet::new(),
        count: 0,
        bases: Vec::new(),
    };
    build.context = build.machine.path(frame, context);
    for (line, odd) in parsed.odd.iter().take(20) {
        let place = super::super::model::Place { file: Arc::clone(&name), line: *line };
        let hides = Hides::Text(Arc::from(odd.as_str()));
        build.machine.gap(place, "a line of a Dockerfile that is no instruction", hides);
    }
    build.follow(&parsed);
    build.bases
}

struct Build<'b, 's, 'a> {
    machine: &'b mut Machine<'s, 'a>,
    frame: Frame,
    /// Where it lies outside.
    context: String,
    /// Values of `ARG`.
    arguments: HashMap<String, String>,
    stages: HashSet<String>,
    count: usize,
    bases: Vec<Blob>,
}

impl Build<'_, '_, '_> {
    fn follow(&mut self, file: &Dockerfile) {
        if let Some((line, image)) = &file.syntax {
            self.image(image, *line);
        }
        for instruction in &file.instructions {
            match instruction.name.as_str() {
                "ARG" => self.argument(&instruction.arguments),
                "FROM" => self.stage(instruction),
                "COPY" | "ADD" => self.copy(instruction),
                "WORKDIR" => {
                    let dir = self.substitute(&instruction.arguments);
                    self.frame.cwd = resolve(&self.frame.cwd, dir.trim_matches('"'));
                }
                "RUN" => self.run(instruction),
                _ => {}
            }
        }
    }

    /// What is passed from outside stands over the default.
    fn argument(&mut self, text: &str) {
        for word in text.split_whitespace() {
            let (name, default) = word.split_once('=').unwrap_or((word, ""));
            let given = self.frame.vars.get(name).and_then(|variable| variable.values.first());
            let given = given.map(|value| self.machine.world.unknowns.show(value.first()));
            let value = given.unwrap_or_else(|| default.trim_matches(['"', '\'']).to_owned());
            if !value.is_empty() {
                self.arguments.insert(name.to_owned(), value);
            }
        }
    }

    /// `$NAME`, `${NAME}`, `${NAME:-default}`; what is not known stays as it is written.
    fn substitute(&self, text: &str) -> String {
        interpolate(text, &|name| self.arguments.get(name).cloned())
    }

    fn stage(&mut self, instruction: &Instruction) {
        let (_, rest) = dockerfile::options(&instruction.arguments);
        let words: Vec<&str> = rest.split_whitespace().collect();
        let Some(image) = words.first() else { return };
        let image = self.substitute(image);
        if !self.stages.contains(&image.to_ascii_lowercase()) && image != "scratch" {
            self.image(&image, instruction.line);
        }
        if let [_, word, name, ..] = words.as_slice()
            && word.eq_ignore_ascii_case("as")
        {
            self.stages.insert(name.to_ascii_lowercase());
        }
        self.stages.insert(self.count.to_string());
        self.count += 1;
        "/".clone_into(&mut self.frame.cwd);
        self.frame.mounts.clear();
    }

    fn image(&mut self, image: &str, line: u32) {
        if image.is_empty() || self.machine.world.images.contains(image) {
            return;
        }
        let component = component::image(image);
        self.at_line(line);
        if component.name.contains('$') {
            let reason = format!("the image `{image}` of a build is known only while it runs");
            self.machine.gap(self.frame.place(0), &reason, Hides::Kind(Kind::Image));
            return;
        }
        let what = What::Component(component);
        let blob = self.machine.fetched(&self.frame, what, 0, false);
        self.bases.push(blob);
        let started = Started { frame: &self.frame, at: 0, argv: &[], reads_stdin: false };
        self.machine.runs(started, &[blob], Use::Started);
    }

    fn at_line(&mut self, line: u32) {
        let file = Arc::clone(&self.frame.source.file);
        self.frame.source = Rc::new(Source { file, lines: vec![(0, line)], ..Source::default() });
    }

    /// `COPY --from=image`, and which files of the context lie where.
    fn copy(&mut self, instruction: &Instruction) {
        let (options, rest) = dockerfile::options(&instruction.arguments);
        if let Some((_, from)) = options.iter().find(|(name, _)| *name == "from") {
            let from = self.substitute(from);
            if !self.stages.contains(&from.to_ascii_lowercase()) {
                self.image(&from, instruction.line);
            }
            return;
        }
        let listed = rest.trim_matches(['[', ']']).replace(['"', ','], " ");
        let words: Vec<String> = listed.split_whitespace().map(|w| self.substitute(w)).collect();
        let Some((target, sources)) = words.split_last() else { return };
        let inside = resolve(&self.frame.cwd, target);
        for source in sources.iter().filter(|source| !source.contains("://")) {
            let outside = resolve(&self.context, source.trim_start_matches('/'));
            let is_file = self.machine.world.in_repository(&outside) || source.contains('*');
            let mount = match (is_file, target.ends_with(['/', '.']) || sources.len() > 1) {
                // A file into a folder: beside it lie the others of its folder.
                (true, true) => (inside.clone(), super::world::dirname(&outside).to_owned()),
                (true, false) if basename(&inside) == basename(&outside) => (
                    super::world::dirname(&inside).to_owned(),
                    super::world::dirname(&outside).to_owned(),
                ),
                (true, false) => continue,
                (false, _) => (inside.clone(), outside),
            };
            // The later copy lies over the earlier.
            self.frame.mounts.insert(0, (mount.0.trim_end_matches('/').to_owned(), mount.1));
        }
    }

    fn run(&mut self, instruction: &Instruction) {
        let (_, rest) = dockerfile::options(&instruction.arguments);
        let mut texts: Vec<(u32, String)> = instruction.documents.clone();
        if texts.is_empty() {
            let text = match serde_json::from_str::<Vec<String>>(rest) {
                Ok(words) => words.join(" "),
                Err(_) => rest.to_owned(),
            };
            texts.push((instruction.line, text));
        }
        for (line, text) in texts {
            self.at_line(line);
            let mut content = Text::new(text);
            let breaks = content.s.match_indices('\n').map(|(at, _)| at + 1);
            content.lines = std::iter::once(0).chain(breaks).zip(line..).collect();
            content.file = Some(Arc::clone(&self.frame.source.file));
            let value = Value { texts: vec![content], flows: Vec::new() };
            let mut process = self.frame.clone();
            self.machine.text(&mut process, &value, 0);
        }
    }
}

/// Replaces `$NAME`, `${NAME}`, `${NAME:-default}` where the name is known or has a default.
fn interpolate(text: &str, find: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (inside, length) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            Some((inside, _)) => (inside, inside.len() + 2),
            None => {
                let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        let end = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
        let default = inside[end..].trim_start_matches(':').strip_prefix('-');
        match find(&inside[..end]).or_else(|| default.map(str::to_owned)) {
            Some(value) if !inside.is_empty() => out.push_str(&value),
            _ => out.push_str(&rest[at..=at + length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

/// `docker compose [-f FILE] up|run|build|pull|create`
pub(super) fn compose(
    machine: &mut Machine<'_, '_>,
    frame: &Frame,
    files: &[String],
    subcommand: &str,
    at: usize,
) {
    let runs = match subcommand {
        "up" | "run" | "create" | "start" | "watch" => true,
        "build" | "pull" => false,
        _ => return,
    };
    const DEFAULT: [&str; 4] =
        ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
    let mut found = Vec::new();
    if files.is_empty() {
        let first = DEFAULT.iter().find_map(|name| {
            let path = machine.path(frame, name);
            machine.world.repository_file(&path).map(|read| (path, read))
        });
        found.extend(first);
        for name in ["docker-compose.override.yml", "compose.override.yaml"] {
            let path = machine.path(frame, name);
            found.extend(machine.world.repository_file(&path).map(|read| (path, read)));
        }
    }
    for name in files {
        let path = machine.path(frame, name);
        match machine.world.repository_file(&path) {
            Some(read) => found.push((path, read)),
            None => {
                let shown = machine.world.unknowns.show(name);
                let reason = format!("the compose file `{shown}` is not in the checkout");
                unread(machine, frame, at, &reason);
            }
        }
    }
    if files.is_empty() && found.is_empty() {
        unread(machine, frame, at, "the compose file is not in the checkout");
    }
    for (path, read) in found {
        match read {
            Ok((name, bytes)) => compose_file(machine, frame, (&name, &path), &bytes, runs, at),
            Err(reason) => unread(machine, frame, at, &reason),
        }
    }
}

fn compose_file(
    machine: &mut Machine<'_, '_>,
    frame: &Frame,
    (name, path): (&Arc<str>, &str),
    bytes: &[u8],
    runs: bool,
    at: usize,
) {
    let parsed = yaml::parse(bytes);
    for trouble in parsed.troubles.iter().take(10) {
        if matches!(trouble.effect, yaml::Effect::Lost | yaml::Effect::Ended) {
            let place = super::super::model::Place { file: Arc::clone(name), line: trouble.line };
            let reason = format!("a compose file not read to its end: {}", trouble.reason);
            machine.gap(place, &reason, Hides::Kind(Kind::Image));
        }
    }
    let Some(services) = parsed.root.as_ref().and_then(|root| root.get("services").cloned()) else {
        return;
    };
    let folder = super::world::dirname(path).to_owned();
    for service in services.entries().iter().take(MOST_SERVICES) {
        let node = &service.value;
        let mut inner = frame.cut_to(environment(machine, frame, node, &folder));
        inner.via.push(frame.place(at));
        let find = |name: &str| {
            let value = frame.vars.get(name)?.values.first()?;
            (!has_marks(value.first())).then(|| value.first().to_owned())
        };
        if let Some(build) = node.get("build") {
            built(machine, frame, build, &folder, at);
        }
        let Some((image, line)) =
            node.get("image").and_then(|n| Some((n.text()?.to_owned(), n.line)))
        else {
            continue;
        };
        if node.get("build").is_some() {
            continue;
        }
        let lines = vec![(0, line)];
        inner.source = Rc::new(Source { file: Arc::clone(name), lines, ..Source::default() });
        let component = component::image(&interpolate(&image, &find));
        if component.name.contains('$') {
            let reason = format!("the image `{image}` of a service is known only while it runs");
            machine.gap(inner.place(0), &reason, Hides::Kind(Kind::Image));
            continue;
        }
        let blob = machine.fetched(&inner, What::Component(component), 0, false);
        machine.world.fetches[blob.fetch].kept = true;
        if runs {
            let started = Started { frame: &inner, at: 0, argv: &[], reads_stdin: false };
            machine.runs(started, &[blob], Use::Started);
        }
    }
}

/// `build: DIR`, or `context`, `dockerfile`, `args`.
fn built(machine: &mut Machine<'_, '_>, frame: &Frame, build: &Node, folder: &str, at: usize) {
    let text = |key: &str| build.get(key).and_then(|node| node.text());
    let context = build.text().or_else(|| text("context")).unwrap_or(".").to_owned();
    if is_remote(&context) {
        return unread(machine, frame, at, "the build context lies elsewhere");
    }
    if text("dockerfile_inline").is_some() {
        return unread(machine, frame, at, "a Dockerfile inside a compose file is not read");
    }
    let context = resolve(folder, &context);
    let file = resolve(&context, text("dockerfile").unwrap_or("Dockerfile"));
    let passed = build.get("args").map(|args| variables(frame, args)).unwrap_or_default();
    from_file(machine, frame, &file, &context, passed, at);
}

/// `environment:` and `env_file:` of a service: only what they name reaches it.
fn environment(
    machine: &mut Machine<'_, '_>,
    frame: &Frame,
    service: &Node,
    folder: &str,
) -> Variables {
    let mut passed =
        service.get("environment").map(|node| variables(frame, node)).unwrap_or_default();
    let files = match service.get("env_file").map(|node| &node.kind) {
        Some(NodeKind::Scalar(one)) => vec![one.text.to_string()],
        Some(NodeKind::Seq(items)) => {
            let path = |item: &Arc<Node>| {
                let node = item.get("path").map_or(&**item, |node| node);
                node.text().map(str::to_owned)
            };
            items.iter().filter_map(path).collect()
        }
        _ => Vec::new(),
    };
    for file in files {
        // Written by the job itself; one that lies in the repository holds nothing of the platform's.
        if let Some(content) = machine.world.read(&resolve(folder, &file)) {
            passed.insert(file, exported(content));
        }
    }
    passed
}

/// Names and values of a list (`NAME=value`, `NAME`) or a mapping.
fn variables(frame: &Frame, node: &Node) -> Variables {
    let mut entries: Vec<(String, Option<String>)> = Vec::new();
    match &node.kind {
        NodeKind::Seq(items) => {
            for text in items.iter().filter_map(|item| item.text()) {
                match text.split_once('=') {
                    Some((name, value)) => {
                        entries.push((name.to_owned(), Some(value.to_owned())));
                    }
                    None => entries.push((text.to_owned(), None)),
                }
            }
        }
        _ => entries.extend(node.entries().iter().map(|entry| {
            let value = entry.value.text().map(str::to_owned);
            (entry.key.text.to_string(), value.filter(|_| !entry.value.is_null()))
        })),
    }
    let mut passed = Variables::new();
    for (name, value) in entries {
        let mut content = Value::default();
        let text = value.unwrap_or_else(|| format!("${name}"));
        let named = text.split('$').skip(1).map(|rest| {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        });
        for variable in named.filter_map(|name| frame.vars.get(name)) {
            variable.values.iter().for_each(|value| content.or(value));
        }
        if content.texts.is_empty() {
            content = Value::plain(without_marks(&text));
        }
        passed.insert(name, exported(content));
    }
    passed
}
