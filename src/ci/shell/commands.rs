//! Commands by name: what each does with bytes, files and processes.

use std::{rc::Rc, sync::Arc};

use super::{
    component::Use,
    fetch, file_tools, installs,
    machine::{Effect, Frame, Machine, Started, Variable, predefined},
    options::{Grammar, listed},
    packages,
    repo_calls::{self, runners},
    value::{Unknown, Value, has_marks, is_mark},
    verify,
    world::basename,
    wrappers,
};
use crate::ci::model::Certainty;

/// Commands whose output is what they read, changed or not.
const FILTERS: &str = "sed awk gawk grep egrep fgrep tr cut head tail sort uniq jq yq envsubst tac rev fold \
            iconv dos2unix pv sponge column perl unexpand expand nl fmt openssl gpg m4 unix2dos";

/// Commands that unpack a stream.
const UNPACKERS: &str = "gunzip gzip zcat bunzip2 bzip2 bzcat unxz xz xzcat zstd zstdcat unzstd lz4 brotli \
            uncompress funzip";

/// Tools that run what the folder they stand in tells them.
const BUILDERS: &str = "make gmake npm yarn pnpm bun pip pip3 poetry cargo go cmake ninja meson mvn mvnw \
            gradle gradlew ant sbt rake bundle tox nox just task bazel scons composer";

impl Machine<'_, '_> {
    /// Runs one command; its standard input is that of `frame`.
    pub(super) fn command(&mut self, frame: &mut Frame, argv: Vec<Value>, at: usize) -> Effect {
        if argv.is_empty() {
            return Effect::default();
        }
        if self.runs_word(frame, &argv, at) {
            return Effect::default();
        }
        if let Some(effect) = self.candidate_commands(frame, &argv, at) {
            return effect;
        }
        let name = argv[0].first().to_owned();
        if frame.functions.contains_key(&name) {
            return self.function(frame, &name, argv, at);
        }
        if let Some(effect) = self.builtin(frame, &name, &argv, at) {
            return effect;
        }
        runners::note(self, frame, &argv, at);
        // A program from elsewhere may have the name of one that is modelled below.
        let found = self.found_program(frame, &argv, at);
        let tool = basename(&name);
        let tool = tool.strip_suffix(".exe").unwrap_or(tool);
        let known = !name.contains('/') || is_system(&name);
        if known && let Some(effect) = self.tool(frame, tool, &argv, at) {
            return effect;
        }
        match found {
            Some(effect) => effect,
            None if name.contains('/') && !is_system(&name) => self
                .repository_program(frame, &argv, at)
                .unwrap_or_else(|| self.stranger(frame, &argv, at)),
            None => self.stranger(frame, &argv, at),
        }
    }

    /// `${{ matrix.command }} arguments`: each command that the matrix lists.
    fn candidate_commands(
        &mut self,
        frame: &mut Frame,
        argv: &[Value],
        at: usize,
    ) -> Option<Effect> {
        let mut chars = argv[0].first().chars();
        let unknown = self.world.unknowns.behind(chars.next()?)?;
        if unknown.candidates.is_empty() || chars.next().is_some() {
            return None;
        }
        let mut out = Value::default();
        for candidate in unknown.candidates.clone() {
            let mut text = Value { texts: vec![candidate], flows: Vec::new() };
            for argument in &argv[1..] {
                text.append(&Value::plain(" "));
                text.append(argument);
            }
            out.or(&self.text(frame, &text, at).out);
        }
        Some(Effect::output(out))
    }

    fn builtin(
        &mut self,
        frame: &mut Frame,
        name: &str,
        argv: &[Value],
        at: usize,
    ) -> Option<Effect> {
        let rest = &argv[1..];
        Some(match name {
            ":" | "true" | "wait" | "jobs" | "hash" | "umask" | "ulimit" | "shopt" | "alias" => {
                Effect::default()
            }
            "false" => Effect { ends: frame.errexit, ..Effect::default() },
            "exit" | "return" => Effect { ends: true, ..Effect::default() },
            "cd" | "pushd" => {
                change_directory(self, frame, rest);
                Effect::default()
            }
            "popd" => {
                if let Some(dir) = frame.dirs.pop() {
                    frame.cwd = dir;
                }
                Effect::default()
            }
            "pwd" => Effect::output(Value::plain(frame.cwd.clone())),
            "echo" | "print" => echo(rest),
            "printf" => printf(rest),
            "export" | "declare" | "local" | "typeset" | "readonly" => {
                declare(frame, name, rest);
                Effect::default()
            }
            "unset" => {
                for value in rest {
                    frame.vars.remove(value.first());
                }
                Effect::default()
            }
            "set" => {
                set_options(frame, rest);
                Effect::default()
            }
            "shift" => {
                let count = rest.first().and_then(|value| value.first().parse().ok()).unwrap_or(1);
                let keep = 1..1 + usize::min(count, frame.args.len().saturating_sub(1));
                if keep.end <= frame.args.len() && !frame.args.is_empty() {
                    frame.args.drain(keep);
                }
                Effect::default()
            }
            "read" | "mapfile" | "readarray" => {
                read(self, frame, rest);
                Effect::default()
            }
            "test" | "[" => verify::compare(self, rest),
            "eval" => self.eval(frame, rest, at),
            "source" | "." => self.source_file(frame, rest, at),
            "trap" => {
                if let Some(body) = rest.first() {
                    self.text(frame, body, at);
                }
                Effect::default()
            }
            _ => return None,
        })
    }

    fn tool(&mut self, frame: &mut Frame, tool: &str, argv: &[Value], at: usize) -> Option<Effect> {
        installs::note(self, frame, tool, argv, at);
        if listed(FILTERS, tool) && !matches!(tool, "perl") {
            return Some(filter(self, frame, tool, argv));
        }
        if listed(UNPACKERS, tool) {
            return Some(file_tools::unpack_stream(self, frame, argv));
        }
        if let Some(effect) = wrappers::run(self, frame, tool, argv, at) {
            return Some(effect);
        }
        if let Some(effect) = super::interpreters::run(self, frame, tool, argv, at) {
            return Some(effect);
        }
        if let Some(effect) = fetch::run(self, frame, tool, argv, at) {
            return Some(effect);
        }
        self.foreign_build(frame, tool, argv, at);
        if let Some(effect) = packages::run(self, frame, tool, argv, at) {
            return Some(effect);
        }
        if let Some(effect) = file_tools::run(self, frame, tool, argv, at) {
            return Some(effect);
        }
        if let Some(effect) = verify::run(self, frame, tool, argv) {
            return Some(effect);
        }
        repo_calls::run(self, frame, tool, argv, at)
    }

    /// A build tool in a tree that was fetched runs what that tree says.
    fn foreign_build(&mut self, frame: &Frame, tool: &str, argv: &[Value], at: usize) {
        if self.world.trees.is_empty() || !listed(BUILDERS, tool) {
            return;
        }
        // Building a Go program runs nothing of it.
        let verb = argv.get(1).map_or("", Value::first);
        if tool == "go" && !matches!(verb, "run" | "test" | "generate") {
            return;
        }
        let mut dirs = vec![frame.cwd.clone()];
        for (number, value) in argv.iter().enumerate().skip(1) {
            let text = value.first();
            let named = matches!(
                argv[number - 1].first(),
                "-C" | "--prefix" | "--cwd" | "--path" | "-f" | "-S"
            );
            let operand =
                matches!(tool, "pip" | "pip3") && (text.starts_with('.') || text.contains('/'));
            if named || operand {
                dirs.push(self.path(frame, text.trim_end_matches("/Makefile")));
            }
        }
        for dir in dirs {
            let blobs = self.world.tree_holding(&dir);
            let started = Started { frame, at, argv: &argv[1..], reads_stdin: true };
            self.runs(started, &blobs, Use::Started);
        }
    }

    /// A program that the job fetched, by path or through `PATH`.
    fn found_program(&mut self, frame: &mut Frame, argv: &[Value], at: usize) -> Option<Effect> {
        if self.world.fetches.is_empty() && self.world.states.is_empty() {
            return None;
        }
        if let Some(effect) = self.installed_program(frame, argv, at) {
            return Some(effect);
        }
        let mut found = None;
        for text in &argv[0].texts {
            let paths = if text.s.contains('/') {
                vec![self.path(frame, &text.s)]
            } else if !self.world.may_hold(&text.s) {
                continue;
            } else {
                self.path_candidates(frame, &text.s)
            };
            let paths: Vec<String> =
                paths.into_iter().flat_map(|path| self.world.matching(&path)).collect();
            for path in paths {
                if let Some(effect) = self.start(frame, &path, argv, at) {
                    found = Some(effect);
                    break;
                }
            }
        }
        found
    }

    /// A program known by its name only: `go install`, `pipx install`.
    fn installed_program(
        &mut self,
        frame: &mut Frame,
        argv: &[Value],
        at: usize,
    ) -> Option<Effect> {
        let name = argv[0].first();
        let binary = ["/bin/", "/Scripts/"].iter().any(|dir| name.contains(dir));
        if name.contains('/') && !binary {
            return None;
        }
        let blobs = self.world.programs.get(basename(name)).cloned()?;
        let started = Started { frame, at, argv: &argv[1..], reads_stdin: true };
        self.runs(started, &blobs, Use::Started);
        Some(self.passed_through(frame))
    }

    fn path_candidates(&mut self, frame: &Frame, name: &str) -> Vec<String> {
        if name.is_empty() || name.chars().any(is_mark) {
            return Vec::new();
        }
        let path = frame
            .vars
            .get("PATH")
            .and_then(|variable| variable.values.first().cloned())
            .or_else(|| predefined(frame, "PATH"))
            .unwrap_or_default();
        let mut dirs: Vec<String> = self.world.path.clone();
        for text in &path.texts {
            // `C:\…` has a colon that separates nothing; PowerShell joins with `;`.
            let separator = if text.s.contains(';') { ';' } else { ':' };
            dirs.extend(text.s.split(separator).map(str::to_owned));
        }
        dirs.into_iter()
            .filter(|dir| !dir.is_empty())
            .map(|dir| self.path(frame, &format!("{}/{name}", dir.trim_end_matches('/'))))
            .collect()
    }

    /// Starts the program at `path` if it came from elsewhere or was written by the job.
    fn start(
        &mut self,
        frame: &mut Frame,
        path: &str,
        argv: &[Value],
        at: usize,
    ) -> Option<Effect> {
        if let Some(content) = self.world.states.contains_key(path).then(|| self.world.read(path)) {
            let content = content.unwrap_or_default();
            return Some(self.start_content(frame, &content, argv, at));
        }
        let blobs = self.world.member_of(path);
        if blobs.is_empty() {
            return None;
        }
        // Through `PATH`, a directory that holds other programs too proves little: the name must fit.
        if !argv[0].first().contains('/') {
            let name = basename(path).to_lowercase();
            let hint = self.world.hint(&blobs);
            let own = self.world.trees.iter().any(|tree| tree.dir == super::world::dirname(path));
            let standard = path.starts_with("/usr/") || path.starts_with("/bin/");
            if !hint.contains(&name) {
                if standard && own || is_well_known(&name) {
                    return None;
                }
                let mut guess = frame.clone();
                guess.certainty = Certainty::Possible;
                let started = Started { frame: &guess, at, argv: &argv[1..], reads_stdin: true };
                self.runs(started, &blobs, Use::Started);
                return Some(self.passed_through(frame));
            }
        }
        let started = Started { frame, at, argv: &argv[1..], reads_stdin: true };
        self.runs(started, &blobs, Use::Started);
        Some(self.passed_through(frame))
    }

    fn start_content(
        &mut self,
        frame: &mut Frame,
        content: &Value,
        argv: &[Value],
        at: usize,
    ) -> Effect {
        let known = content.texts.iter().any(|text| !text.s.trim_start().starts_with(is_mark));
        let blobs = self.world.unknowns.blobs(content);
        if !known || (!blobs.is_empty() && !content.first().contains('\n')) {
            let started = Started { frame, at, argv: &argv[1..], reads_stdin: true };
            self.runs(started, &blobs, Use::Started);
            return self.passed_through(frame);
        }
        self.run_script_text(frame, content, argv.to_vec(), at)
    }

    /// A command that nothing is known of.
    fn stranger(&mut self, frame: &mut Frame, argv: &[Value], at: usize) -> Effect {
        if let Some(effect) = wrappers::unknown(self, frame, argv, at) {
            return effect;
        }
        self.passed_through(frame)
    }

    /// Output of a program that may pass on what it reads.
    pub(super) fn passed_through(&mut self, frame: &Frame) -> Effect {
        let stdin = frame.stdin.clone();
        Effect::output(self.derived(&stdin, "$(…)"))
    }
}

fn change_directory(machine: &Machine<'_, '_>, frame: &mut Frame, rest: &[Value]) {
    let target = rest.iter().find(|value| !value.first().starts_with('-') || value.first() == "-");
    let before = frame.cwd.clone();
    match target.map(Value::first) {
        None => super::world::HOME.clone_into(&mut frame.cwd),
        Some("-") => frame.cwd = frame.dirs.pop().unwrap_or_default(),
        Some(path) => frame.cwd = machine.path(frame, path),
    }
    if frame.dirs.len() < 100 {
        frame.dirs.push(before);
    }
}

fn echo(rest: &[Value]) -> Effect {
    let skip = rest
        .iter()
        .take_while(|value| matches!(value.first(), "-n" | "-e" | "-E" | "-ne" | "-en" | "-r"))
        .count();
    let mut out = Value::default();
    for (number, value) in rest[skip..].iter().enumerate() {
        if number > 0 {
            out.append(&Value::plain(" "));
        }
        out.append(value);
    }
    if rest[..skip].iter().any(|value| value.first().contains('e')) {
        out = out.map(|text| text.replace("\\n", "\n").replace("\\t", "\t"));
    }
    out.append(&Value::plain("\n"));
    Effect::output(out)
}

/// `%s` and the like take the arguments in turn.
fn printf(rest: &[Value]) -> Effect {
    let Some((format, mut arguments)) = rest.split_first() else { return Effect::default() };
    if format.first() == "-v" {
        return Effect::default();
    }
    let text = format.first().replace("\\n", "\n").replace("\\t", "\t");
    let mut out = Value { texts: Vec::new(), flows: format.flows.clone() };
    loop {
        let mut pieces = text.split('%');
        let head = pieces.next().unwrap_or_default();
        let mut plain = format.map(|_| head.to_owned());
        plain.flows.clear();
        out.append(&plain);
        let mut consumed = false;
        while let Some(piece) = pieces.next() {
            if piece.is_empty() {
                out.append(&Value::plain(format!("%{}", pieces.next().unwrap_or_default())));
                continue;
            }
            let end =
                piece.find(|c: char| c.is_ascii_alphabetic()).map_or(piece.len(), |at| at + 1);
            if let Some((argument, after)) = arguments.split_first() {
                out.append(argument);
                arguments = after;
                consumed = true;
            }
            out.append(&Value::plain(&piece[end..]));
        }
        if arguments.is_empty() || !consumed {
            return Effect::output(out);
        }
    }
}

fn declare(frame: &mut Frame, name: &str, rest: &[Value]) {
    let exports = name == "export"
        || rest.iter().any(|value| {
            let text = value.first();
            text.starts_with('-') && text.contains('x')
        });
    for value in rest {
        let text = value.first();
        match text.split_once('=') {
            Some((name, _)) if !name.starts_with('-') => {
                let name = name.trim_end_matches('+').to_owned();
                let prefix = &text[..=text.find('=').unwrap_or(0)];
                let content = super::options::strip(value, prefix);
                frame.set(&name, content, exports);
            }
            _ if exports && !text.starts_with('-') && !text.is_empty() && !has_marks(text) => {
                let set = frame.vars.entry(text.to_owned()).or_insert_with(|| Variable {
                    values: Vec::new(),
                    exported: true,
                    assigned: true,
                });
                set.exported = true;
            }
            _ => {}
        }
    }
}

fn set_options(frame: &mut Frame, rest: &[Value]) {
    let mut rest = rest.iter().enumerate();
    while let Some((number, value)) = rest.next() {
        let text = value.first();
        if text == "--" {
            let mut args = vec![frame.args.first().cloned().unwrap_or_default()];
            args.extend(rest.map(|(_, value)| value.clone()));
            frame.args = args;
            return;
        }
        let on = text.starts_with('-');
        if !on && !text.starts_with('+') {
            let _ = number;
            return;
        }
        if text.contains('e') {
            frame.errexit = on;
        }
        if text.contains('o')
            && let Some((_, option)) = rest.next()
        {
            match option.first() {
                "pipefail" => frame.pipefail = on,
                "errexit" => frame.errexit = on,
                _ => {}
            }
        }
    }
}

fn read(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: &[Value]) {
    const GRAMMAR: Grammar =
        Grammar { short: "adinNptu", long: "", stop: false, single_dash: false };
    let parsed = GRAMMAR.parse(rest);
    let stdin = frame.stdin.clone();
    for name in parsed.operands.iter().chain(parsed.values(&["a"])) {
        let lines: Vec<&str> = stdin.first().lines().collect();
        let value = match lines.as_slice() {
            [only] if stdin.texts.len() == 1 => stdin.map(|_| (*only).to_owned()),
            _ => machine.derived(&stdin, &format!("${}", name.first())),
        };
        frame.set(name.first(), value, false);
    }
}

/// Text goes through as it is: what a filter changes is rarely what decides.
fn filter(machine: &mut Machine<'_, '_>, frame: &mut Frame, tool: &str, argv: &[Value]) -> Effect {
    if let Some(effect) = verify::filter(machine, frame, tool, argv) {
        return effect;
    }
    let mut input = frame.stdin.clone();
    for operand in argv[1..].iter().filter(|value| !value.first().starts_with('-')) {
        if let Some(content) = machine.file_content(frame, operand) {
            input = content;
            if tool == "sed" && argv.iter().any(|value| value.first().starts_with("-i")) {
                // Edited in place: the file is still what was fetched.
                input = Value::default();
            }
        }
    }
    if tool == "gpg" || tool == "openssl" {
        let grammar = if tool == "gpg" {
            Grammar { short: "or", long: "output", ..Grammar::default() }
        } else {
            Grammar { long: "in out", single_dash: true, ..Grammar::default() }
        };
        let output = grammar.parse(&argv[1..]).value(&["o", "output", "out"]).cloned();
        if let Some(output) = output {
            machine.write_paths(frame, &output, &input, false);
            return Effect::default();
        }
    }
    if matches!(tool, "jq" | "yq" | "awk" | "gawk" | "cut")
        && machine.world.unknowns.blobs(&input).is_empty()
    {
        let out = machine.derived(&input, "$(…)");
        return Effect::output(keep_digest(machine, &input, out));
    }
    Effect::output(input)
}

/// A digest that went through `cut` is still that digest.
fn keep_digest(machine: &Machine<'_, '_>, input: &Value, out: Value) -> Value {
    let digest =
        machine.world.unknowns.in_value(input).any(|unknown| !unknown.digest_of.is_empty());
    if digest { input.clone() } else { out }
}

/// Directories whose programs are the system's own.
fn is_system(path: &str) -> bool {
    ["/bin/", "/usr/bin/", "/usr/local/bin/", "/usr/sbin/", "/sbin/", "/opt/homebrew/bin/"]
        .iter()
        .any(|dir| path.strip_prefix(dir).is_some_and(|rest| !rest.contains('/')))
}

/// Programs that a runner has: an unpacked directory in `PATH` does not replace them unless its name says so.
fn is_well_known(name: &str) -> bool {
    const NAMES: &str = "ls cat cp mv rm mkdir rmdir grep sed awk tar unzip zip curl wget git bash sh sudo \
            apt-get apt brew choco python python3 pip pip3 docker chmod chown sleep date find \
            xargs tee make echo env which diff head tail sort sha256sum shasum ln touch dirname \
            basename uname id whoami timeout jq gpg cargo rustup rustc cross npm npx node yarn \
            pnpm go java mvn gradle dotnet cmake ninja gcc g++ clang strip gh hub aws az gcloud \
            gsutil kubectl helm terraform ruby gem bundle php composer perl tox pytest poetry \
            conda file";
    listed(NAMES, name)
}

/// A mark for a digest of files.
pub(super) fn digest(machine: &mut Machine<'_, '_>, paths: Vec<String>) -> Value {
    machine.world.unknowns.value(Unknown {
        shown: Rc::from("$(sha256sum …)"),
        digest_of: paths.into_iter().map(|path| Arc::from(path.as_str())).collect(),
        ..Unknown::default()
    })
}
