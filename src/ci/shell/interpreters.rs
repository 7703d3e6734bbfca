//! Programs that read a program: shells, Python, Node and others.

use std::rc::Rc;

use super::{
    cmd,
    component::Use,
    machine::{Effect, Frame, Machine, Source, Started},
    options::{Grammar, listed},
    powershell, python,
    value::{Value, is_mark},
};

const SHELLS: &str = "bash sh zsh dash ksh ash rbash mksh";

/// Interpreter, the option that takes program text, options with a value.
const OTHERS: [(&str, &str, &str); 16] = [
    ("node", "e", "re"),
    ("nodejs", "e", "re"),
    ("ruby", "e", "eIrC"),
    ("perl", "e", "eIM"),
    ("php", "r", "rdc"),
    ("deno", "", ""),
    ("bun", "e", "e"),
    ("Rscript", "e", "e"),
    ("lua", "e", "el"),
    ("java", "", ""),
    ("groovy", "e", "e"),
    ("julia", "e", "e"),
    ("osascript", "e", "e"),
    ("tclsh", "", ""),
    ("elixir", "e", "e"),
    ("dotnet", "", ""),
];

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    if listed(SHELLS, tool) {
        return Some(machine.shell(frame, argv, at));
    }
    match tool {
        "pwsh" | "powershell" => return Some(powershell::start(machine, frame, argv, at)),
        "cmd" => return Some(cmd::start(machine, frame, argv, at)),
        _ => {}
    }
    if tool.starts_with("python") || tool == "pypy" || tool == "pypy3" || tool == "py" {
        return Some(python::start(machine, frame, argv, at));
    }
    let (_, text_option, valued) = OTHERS.into_iter().find(|(name, ..)| *name == tool)?;
    Some(other(machine, frame, tool, (text_option, valued), argv, at))
}

impl Machine<'_, '_> {
    /// `bash [options] [-c text | file | -s] [arguments]`
    pub(super) fn shell(&mut self, frame: &mut Frame, argv: &[Value], at: usize) -> Effect {
        const GRAMMAR: Grammar =
            Grammar { short: "oO", long: "rcfile init-file", stop: true, single_dash: false };
        let parsed = GRAMMAR.parse(&argv[1..]);
        self.spend_bytes(frame.vars.len() * 512);
        let mut inner = frame.child();
        for (name, value) in &parsed.options {
            match (name.as_str(), value) {
                ("e", _) => inner.errexit = true,
                ("o", Some(value)) if value.first() == "pipefail" => inner.pipefail = true,
                ("o", Some(value)) if value.first() == "errexit" => inner.errexit = true,
                _ => {}
            }
        }
        let operands: Vec<Value> =
            parsed.operands.iter().skip_while(|value| value.first() == "-").cloned().collect();
        if parsed.has(&["c"]) {
            let Some((text, rest)) = operands.split_first() else { return Effect::default() };
            inner.args = if rest.is_empty() { vec![argv[0].clone()] } else { rest.to_vec() };
            return self.text_process(inner, text, at);
        }
        if parsed.has(&["s"]) || operands.is_empty() {
            let mut args = vec![argv[0].clone()];
            args.extend(operands);
            return self.read_script(inner, &frame.stdin.clone(), &args, at);
        }
        self.run_file(inner, &operands, at)
    }

    /// A file given to a shell: fetched, written by the job, or of the repository.
    pub(super) fn run_file(&mut self, mut inner: Frame, argv: &[Value], at: usize) -> Effect {
        let path = &argv[0];
        if let Some(content) = self.outside_content(&inner, path) {
            return self.read_script(inner, &content, argv, at);
        }
        self.repository_script(&mut inner, argv, at).unwrap_or_default()
    }

    /// Content of a file that does not come from the repository as it is.
    pub(super) fn outside_content(&mut self, frame: &Frame, path: &Value) -> Option<Value> {
        let mut content: Option<Value> = None;
        for text in &path.texts {
            let special =
                text.s.starts_with(is_mark) || text.s.starts_with("/dev/") || text.s == "-";
            let found = if special {
                self.file_content(frame, &Value::plain(text.s.clone()))
            } else {
                let path = self.path(frame, &text.s);
                self.world.read(&path)
            };
            match (&mut content, found) {
                (Some(content), Some(found)) => content.or(&found),
                (None, found) => content = found,
                (Some(_), None) => {}
            }
        }
        content
    }

    /// Text that a shell reads as its script.
    pub(super) fn read_script(
        &mut self,
        mut inner: Frame,
        content: &Value,
        argv: &[Value],
        at: usize,
    ) -> Effect {
        if self.runs_stream(&inner, content, argv, at) {
            return Effect::default();
        }
        inner.args = argv.to_vec();
        self.text_process(inner, content, at)
    }

    /// Reports content that is nothing but fetched bytes.
    pub(super) fn runs_stream(
        &mut self,
        frame: &Frame,
        content: &Value,
        argv: &[Value],
        at: usize,
    ) -> bool {
        let mut fetched = Vec::new();
        for text in &content.texts {
            let trimmed = text.s.trim();
            let mut chars = trimmed.chars();
            if let (Some(mark), None) = (chars.next(), chars.next())
                && let Some(unknown) = self.world.unknowns.behind(mark)
            {
                fetched.extend(unknown.blobs.iter().copied());
            }
        }
        if fetched.is_empty() {
            return false;
        }
        let rest = argv.get(1..).unwrap_or_default();
        let started = Started { frame, at, argv: rest, reads_stdin: true };
        self.runs(started, &fetched, Use::Interpreted);
        true
    }

    fn text_process(&mut self, mut inner: Frame, text: &Value, at: usize) -> Effect {
        let mut effect = self.text(&mut inner, text, at);
        effect.ends = false;
        effect.always.clear();
        effect
    }

    /// A script written by the job, started by its path.
    pub(super) fn run_script_text(
        &mut self,
        frame: &mut Frame,
        content: &Value,
        argv: Vec<Value>,
        at: usize,
    ) -> Effect {
        let mut inner = frame.child();
        let first = content.first().lines().next().unwrap_or_default();
        if let Some(interpreter) = first.strip_prefix("#!") {
            inner.errexit = interpreter.contains(" -e");
            if interpreter.contains("python") {
                python::text(self, &mut inner, content, at);
                return Effect::default();
            }
            if !SHELLS.split(' ').any(|shell| interpreter.contains(shell)) {
                return Effect::default();
            }
        }
        inner.args = argv;
        self.text_process(inner, content, at)
    }

    pub(super) fn eval(&mut self, frame: &mut Frame, rest: &[Value], at: usize) -> Effect {
        let mut text = Value::default();
        for (number, value) in rest.iter().enumerate() {
            if number > 0 {
                text.append(&Value::plain(" "));
            }
            text.append(value);
        }
        if self.runs_stream(frame, &text, &[], at) {
            return Effect::default();
        }
        self.text(frame, &text, at)
    }

    pub(super) fn source_file(&mut self, frame: &mut Frame, rest: &[Value], at: usize) -> Effect {
        let Some(path) = rest.first() else { return Effect::default() };
        if let Some(content) = self.outside_content(frame, path) {
            if self.runs_stream(frame, &content, rest, at) {
                return Effect::default();
            }
            let mut effect = self.text(frame, &content, at);
            effect.ends = false;
            return effect;
        }
        self.source_repository(frame, rest, at)
    }
}

fn other(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    (text_option, valued): (&str, &'static str),
    argv: &[Value],
    at: usize,
) -> Effect {
    let rest = match (tool, argv.get(1).map(Value::first)) {
        ("java", Some(_)) => return java(machine, frame, argv, at),
        ("deno" | "bun", Some("run")) => &argv[2..],
        ("deno" | "dotnet" | "bun", _) => return Effect::default(),
        _ => &argv[1..],
    };
    let grammar = Grammar { short: valued, long: "eval require", stop: true, single_dash: false };
    let parsed = grammar.parse(rest);
    if !text_option.is_empty() && (parsed.has(&[text_option, "eval", "p", "n"])) {
        // Program text of another language: what it is given on standard input is data.
        if let Some(program) = parsed.value(&[text_option, "eval", "p"]).cloned() {
            machine.runs_stream(frame, &program, argv, at);
        }
        return machine.passed_through(frame);
    }
    let Some(script) = parsed.operands.first() else {
        let stdin = frame.stdin.clone();
        machine.runs_stream(frame, &stdin, argv, at);
        return Effect::default();
    };
    if script.first().starts_with("https://") || script.first().starts_with("http://") {
        let blobs = machine.fetch(frame, script, at);
        let started = Started { frame, at, argv: &parsed.operands[1..], reads_stdin: true };
        machine.runs(started, &blobs, Use::Interpreted);
        return Effect::default();
    }
    if let Some(content) = machine.outside_content(frame, script) {
        machine.runs_stream(frame, &content, &parsed.operands, at);
    }
    machine.passed_through(frame)
}

fn java(machine: &mut Machine<'_, '_>, frame: &mut Frame, argv: &[Value], at: usize) -> Effect {
    for pair in argv.windows(2) {
        let jar = match pair[0].first() {
            "-jar" | "-cp" | "-classpath" => &pair[1],
            _ => continue,
        };
        if let Some(content) = machine.outside_content(frame, jar) {
            let blobs = machine.world.unknowns.blobs(&content);
            let started = Started { frame, at, argv: &argv[1..], reads_stdin: true };
            machine.runs(started, &blobs, Use::Started);
        }
    }
    Effect::default()
}

/// A source for text that no shell grammar reads; only its lines count.
pub(super) fn lines_only(frame: &Frame, value: &Value, at: usize) -> Rc<Source> {
    let text = value.texts.first();
    let lines = match text {
        Some(text) if !text.lines.is_empty() => text.lines.clone(),
        _ => vec![(0, frame.source.line(at))],
    };
    let file = text.and_then(|text| text.file.clone()).unwrap_or_else(|| frame.source.file.clone());
    Rc::new(Source { file, lines, ..Source::default() })
}
