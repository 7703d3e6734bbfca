//! The abstract machine that the languages share: processes, their environment, and what they run.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    Outcome,
    component::Use,
    posix::ast::{Script, Stmt},
    value::{Blob, Value, has_marks},
    world::{CHECKOUT, ENV_FILE, Fetch, HOME, MAX_TREES, OUTPUT_FILE, PATH_FILE, What, World},
};
use crate::ci::{
    literal,
    model::{
        Binding, Certainty, Component, EnvView, Flow, Gap, Hides, Mention, Place, Scope, Secret,
        Verified, Way,
    },
};

/// Statements that one script may run, functions and called scripts included; a long one gets more.
const MAX_COMMANDS: u32 = 150_000;
/// Calls, substitutions and nested texts inside each other.
pub(super) const MAX_DEPTH: u32 = 48;
const MAX_MENTIONS: usize = 5_000;
const GAP_TEXT: usize = 2_000;

pub(super) struct Machine<'s, 'a> {
    pub(super) world: &'s mut World<'a>,
    pub(super) out: Outcome,
    pub(super) depth: u32,
    budget: u32,
    /// Files of the repository being run now, outermost first.
    pub(super) calls: Vec<Arc<str>>,
    /// Functions that are being run, innermost last.
    pub(super) running: Vec<Rc<Stmt>>,
    /// Texts that are being run as scripts, innermost last.
    pub(super) texts: Vec<Rc<str>>,
    /// What was called already, with its arguments and environment.
    pub(super) called: HashSet<u64>,
    /// Mentions by what they say, with their position.
    seen: HashMap<(Component, Place, bool), usize>,
    /// Files whose check was made good by what only happens after it.
    pub(super) settled: HashSet<String>,
}

/// A parsed text and where its lines come from.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) file: Arc<str>,
    pub(super) script: Script,
    pub(super) lines: Vec<(usize, u32)>,
}

impl Source {
    pub(super) fn line(&self, offset: usize) -> u32 {
        match self.lines.partition_point(|(start, _)| *start <= offset) {
            0 => self.lines.first().map_or(1, |(_, line)| *line),
            n => self.lines[n - 1].1,
        }
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        Place { file: Arc::clone(&self.file), line: self.line(offset) }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Variable {
    pub(super) values: Vec<Value>,
    pub(super) exported: bool,
    /// Set by the script, not by the step.
    pub(super) assigned: bool,
}

pub(super) type Function = (Rc<Stmt>, Rc<Source>);

/// One process: what it sees and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) source: Rc<Source>,
    pub(super) vars: HashMap<String, Variable>,
    /// Shared: most processes define none.
    pub(super) functions: Rc<HashMap<String, Function>>,
    pub(super) cwd: String,
    /// Behind `docker run`, `ssh`, `sudo` …: only `vars` that are exported were passed.
    pub(super) cut: bool,
    /// Directories that `popd` and `cd -` go back to.
    pub(super) dirs: Vec<String>,
    pub(super) via: Vec<Place>,
    pub(super) errexit: bool,
    pub(super) pipefail: bool,
    /// `$1` …
    pub(super) args: Vec<Value>,
    pub(super) stdin: Value,
    /// Path in a container → path outside.
    pub(super) mounts: Vec<(String, String)>,
    pub(super) certainty: Certainty,
}

impl Frame {
    pub(super) fn new(source: Rc<Source>, cwd: String) -> Self {
        Self {
            source,
            vars: HashMap::new(),
            functions: Rc::default(),
            cwd,
            cut: false,
            dirs: Vec::new(),
            via: Vec::new(),
            errexit: false,
            pipefail: false,
            args: Vec::new(),
            stdin: Value::default(),
            mounts: Vec::new(),
            certainty: Certainty::Inferred,
        }
    }

    pub(super) fn place(&self, at: usize) -> Place {
        self.source.place(at)
    }

    pub(super) fn set(&mut self, name: &str, value: Value, export: bool) {
        let variable = self.vars.entry(name.to_owned()).or_default();
        variable.values = vec![value];
        variable.assigned = true;
        variable.exported |= export;
    }

    /// A process whose environment is only what is passed.
    pub(super) fn cut_to(&self, passed: HashMap<String, Variable>) -> Self {
        let mut inner = self.clone();
        inner.vars = passed;
        inner.functions = Rc::default();
        inner.cut = true;
        inner
    }

    /// A new process in the same environment: unexported variables and functions stay behind.
    pub(super) fn child(&self) -> Self {
        let mut inner = self.clone();
        inner.vars.retain(|_, variable| variable.exported);
        inner.functions = Rc::default();
        inner.errexit = false;
        inner.pipefail = false;
        inner
    }
}

/// Files that were checked, and how.
pub(super) type Checks = Vec<(String, Verified)>;

/// What a statement did.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// Its standard output.
    pub(super) out: Value,
    /// Known to be good if it succeeded, if it failed.
    pub(super) success: Checks,
    pub(super) failure: Checks,
    /// Known to be good behind it where a failure ends the script (`set -e`), and in any case.
    pub(super) fatal: Checks,
    pub(super) always: Checks,
    /// It never comes back: `exit`, `return`.
    pub(super) ends: bool,
    /// It ends with a failure that only its own process notices: `(exit 1)`.
    pub(super) fails: bool,
}

impl Effect {
    pub(super) fn output(out: Value) -> Self {
        Self { out, ..Self::default() }
    }

    pub(super) fn checked(checks: Checks) -> Self {
        Self { success: checks.clone(), fatal: checks, ..Self::default() }
    }
}

/// A program about to run, as far as a mention needs it.
#[derive(Clone, Copy)]
pub(super) struct Started<'f> {
    pub(super) frame: &'f Frame,
    pub(super) at: usize,
    pub(super) argv: &'f [Value],
    /// Whether standard input belongs to it.
    pub(super) reads_stdin: bool,
}

impl<'s, 'a> Machine<'s, 'a> {
    pub(super) fn new(world: &'s mut World<'a>, length: usize) -> Self {
        Self {
            world,
            out: Outcome::default(),
            depth: 0,
            budget: MAX_COMMANDS.saturating_add(u32::try_from(length).unwrap_or(u32::MAX)),
            calls: Vec::new(),
            running: Vec::new(),
            texts: Vec::new(),
            called: HashSet::new(),
            seen: HashMap::new(),
            settled: HashSet::new(),
        }
    }

    /// Counts one command; `false` once the script has run for long enough.
    pub(super) fn spend(&mut self, frame: &Frame, at: usize) -> bool {
        if self.budget == 0 {
            return false;
        }
        self.budget -= 1;
        if self.budget == 0 {
            self.give_up(frame, at);
        }
        true
    }

    /// What comes from here on is not followed, and that is said.
    pub(super) fn give_up(&mut self, frame: &Frame, at: usize) {
        let reason = "the script runs too many commands to follow";
        self.gap(frame.place(at), reason, Hides::Anything);
    }

    /// Whether the next command would be the first that is not followed.
    pub(super) fn is_spent(&self) -> bool {
        self.budget <= 1
    }

    /// Counts work that grows with what a script has gathered.
    pub(super) fn spend_bytes(&mut self, bytes: usize) {
        let cost = u32::try_from(bytes / 256).unwrap_or(u32::MAX);
        self.budget = self.budget.saturating_sub(cost).max(u32::from(self.budget > 0));
    }

    /// Runs `inside` one level deeper, unless that is too deep.
    pub(super) fn deeper<T: Default>(
        &mut self,
        frame: &mut Frame,
        at: usize,
        inside: impl FnOnce(&mut Self, &mut Frame) -> T,
    ) -> T {
        if self.depth >= MAX_DEPTH {
            self.gap(frame.place(at), "calls nest too deeply to follow", Hides::Anything);
            return T::default();
        }
        self.depth += 1;
        let result = inside(self, frame);
        self.depth -= 1;
        result
    }

    pub(super) fn gap(&mut self, place: Place, reason: &str, hides: Hides) {
        let gap = Gap { place, reason: reason.to_owned(), hides };
        if self.out.gaps.len() < 200 && !self.out.gaps.contains(&gap) {
            self.out.gaps.push(gap);
        }
    }

    /// Fetches each candidate of a URL.
    pub(super) fn fetch(&mut self, frame: &Frame, url: &Value, at: usize) -> Vec<Blob> {
        self.fetch_each(frame, url, at).into_iter().flat_map(|(_, blobs)| blobs).collect()
    }

    pub(super) fn fetched(&mut self, frame: &Frame, what: What, at: usize, guessed: bool) -> Blob {
        let fetch = Fetch {
            what,
            place: frame.place(at),
            via: frame.via.clone(),
            runs: false,
            kept: false,
            reported: false,
            guessed,
        };
        self.world.fetched(fetch)
    }

    /// Records that fetched bytes run.
    pub(super) fn runs(&mut self, started: Started<'_>, blobs: &[Blob], using: Use) {
        let place = started.frame.place(started.at);
        for blob in blobs {
            let fetch = &mut self.world.fetches[blob.fetch];
            fetch.runs = true;
            let guessed = fetch.guessed;
            let mut component = fetch.what.component(using);
            component.verified = component.verified.max(blob.verified);
            let via = led_by(&started.frame.via, &fetch.place, &place);
            let key = (component.clone(), place.clone(), started.frame.cut);
            if let Some(number) = self.seen.get(&key) {
                // The same line once more, in a loop or by another call: other secrets may be in it.
                let flows = self.arguments(started);
                let known = &mut self.out.mentions[*number].arguments;
                known.extend(
                    flows.into_iter().filter(|flow| !known.contains(flow)).collect::<Vec<_>>(),
                );
                continue;
            }
            if self.out.mentions.len() >= MAX_MENTIONS {
                self.gap(place.clone(), "more fetches run than are listed", Hides::Anything);
                return;
            }
            self.seen.insert(key, self.out.mentions.len());
            let certainty = started.frame.certainty;
            let mention = Mention {
                component,
                place: place.clone(),
                via,
                runs: true,
                env: self.environment(started.frame),
                inputs: Vec::new(),
                arguments: self.arguments(started),
                certainty: if guessed { certainty.max(Certainty::Possible) } else { certainty },
            };
            self.out.mentions.push(mention);
        }
    }

    fn arguments(&self, started: Started<'_>) -> Vec<Flow> {
        let mut flows = Vec::new();
        let stdin = started.reads_stdin.then_some(&started.frame.stdin);
        for value in started.argv.iter().chain(stdin) {
            for flow in self.world.unknowns.flows(value) {
                if !flows.contains(&flow) {
                    flows.push(flow);
                }
            }
        }
        flows.extend(written_in(started.argv, &started.frame.place(started.at)));
        flows
    }

    pub(super) fn environment(&self, frame: &Frame) -> EnvView {
        let mut bindings: Vec<Binding> = frame
            .vars
            .iter()
            .filter(|(_, variable)| variable.exported && (frame.cut || variable.assigned))
            .map(|(name, variable)| self.world.binding(name, variable))
            .collect();
        bindings.sort_by(|a, b| a.name.cmp(&b.name));
        if frame.cut {
            EnvView::Only { passed: bindings }
        } else {
            EnvView::Inherits { plus: bindings }
        }
    }

    /// Mentions what this script fetched and kept, and nothing runs.
    pub(super) fn report_unrun(&mut self, frame: &Frame, from: usize) {
        if self.world.trees.len() >= MAX_TREES {
            let reason = "more archives and clones than are followed";
            self.gap(frame.place(0), reason, Hides::Anything);
        }
        for fetch in &mut self.world.fetches[from..] {
            if fetch.runs || !fetch.kept || fetch.reported {
                continue;
            }
            fetch.reported = true;
            let component = fetch.what.component(Use::Kept);
            if self.out.mentions.len() < MAX_MENTIONS {
                self.out.mentions.push(Mention {
                    component,
                    place: fetch.place.clone(),
                    via: led_by(&fetch.via, &fetch.place, &fetch.place),
                    runs: false,
                    env: EnvView::Inherits { plus: Vec::new() },
                    inputs: Vec::new(),
                    arguments: Vec::new(),
                    certainty: if fetch.guessed {
                        Certainty::Possible
                    } else {
                        Certainty::Inferred
                    },
                });
            }
        }
    }

    /// Reports what the grammar did not cover.
    pub(super) fn syntax_gaps(&mut self, source: &Source, text: &str) {
        for error in &source.script.errors {
            let region = text.get(error.at..error.end).unwrap_or(text);
            let shown = self.world.unknowns.show(region);
            let shown: String = shown.chars().take(GAP_TEXT).collect();
            let cut = region.chars().count() > GAP_TEXT;
            let hides = if cut { Hides::Anything } else { Hides::Text(Arc::from(shown)) };
            let reason = format!("script not understood: {}", error.what);
            self.gap(source.place(error.at), &reason, hides);
        }
    }
}

/// Credentials that are written out as the value of an option, by the option's name: `-t 1f0c2a8e-…`.
fn written_in(argv: &[Value], place: &Place) -> Vec<Flow> {
    let mut flows: Vec<Flow> = Vec::new();
    let mut option = None;
    for value in argv {
        let text = value.first();
        let (name, value) = match text.split_once('=') {
            Some((name, value)) if name.starts_with('-') => (Some(name), value),
            _ => (option, text),
        };
        option = text.starts_with('-').then_some(text);
        let Some(name) = name else { continue };
        let meaning = if name == "-t" { "token" } else { name };
        if has_marks(value) || !literal::is_credential(meaning, value) {
            continue;
        }
        let secret = Secret { scope: Scope::Literal, name: Arc::from(name) };
        let certainty = Certainty::Inferred;
        let flow = Flow { secret, way: Way::Script, place: place.clone(), certainty };
        if !flows.contains(&flow) {
            flows.push(flow);
        }
    }
    flows
}

/// Calls and the fetch, outermost first; what happens on the line itself led nowhere.
fn led_by(calls: &[Place], fetch: &Place, place: &Place) -> Vec<Place> {
    let mut via: Vec<Place> = Vec::new();
    for step in calls.iter().chain([fetch]) {
        if step != place && !via.contains(step) {
            via.push(step.clone());
        }
    }
    via
}

/// Variables that the runner sets and that decide about paths.
pub(super) fn predefined(frame: &Frame, name: &str) -> Option<Value> {
    let text = match name {
        "PWD" => frame.cwd.as_str(),
        "HOME" => HOME,
        "GITHUB_WORKSPACE" | "CI_PROJECT_DIR" | "TRAVIS_BUILD_DIR" => CHECKOUT,
        "RUNNER_TEMP" => "/home/runner/work/_temp",
        "TMPDIR" => "/tmp",
        "GITHUB_ENV" => ENV_FILE,
        "GITHUB_OUTPUT" => OUTPUT_FILE,
        "GITHUB_PATH" => PATH_FILE,
        "GITHUB_SERVER_URL" => "https://github.com",
        "PATH" => {
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:\
             /home/runner/.local/bin:/home/runner/bin:/home/runner/go/bin:/home/runner/.cargo/bin"
        }
        _ => return None,
    };
    Some(Value::plain(text))
}

pub(super) fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next().unwrap_or(rest);
    url.starts_with("file:")
        || url.starts_with('-')
        || matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "[" | "host.docker.internal")
        || url.starts_with("http://[::1]")
}

/// `a{b,c}d` → `abd`, `acd`, as shells and curl do.
pub(super) fn expand_braces(text: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![text.to_owned()];
    while let Some(text) = open.pop() {
        match alternatives(&text) {
            Some((before, inside, after)) if open.len() + done.len() < 64 => {
                for option in inside.split(',').rev() {
                    open.push(format!("{before}{option}{after}"));
                }
            }
            _ => done.push(text),
        }
    }
    done
}

fn alternatives(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(start) = text[from..].find('{').map(|at| at + from) {
        let inside = &text[start + 1..];
        let end = inside.find(['}', '{'])?;
        let body = &inside[..end];
        // `${NAME}` and `{{ … }}` are no alternatives.
        let expansion = text[..start].ends_with(['$', '{']);
        if inside[end..].starts_with('}') && body.contains(',') && !expansion && !body.contains(' ')
        {
            return Some((&text[..start], body, &inside[end + 1..]));
        }
        from = start + 1;
    }
    None
}
