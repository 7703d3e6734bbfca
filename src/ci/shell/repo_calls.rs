//! Scripts, `make` targets and `package.json` scripts of the repository that a command calls.

mod make;
mod npm;
pub(super) mod runners;
mod tox;

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::{
    cmd,
    machine::{Effect, Frame, Machine},
    powershell, python,
    value::{Text, Value, without_marks},
    world::basename,
};
use crate::ci::model::Hides;

/// A longer script is a gap, not an analysis.
const MAX_SCRIPT: usize = 8 << 20;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Language {
    Posix,
    Python,
    PowerShell,
    Cmd,
    Other,
}

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    match tool {
        "make" | "gmake" => Some(make::run(machine, frame, argv, at)),
        "tox" => tox::run(machine, frame, argv, at),
        "npm" | "yarn" | "pnpm" | "bun" | "run-s" | "run-p" | "npm-run-all" => {
            npm::run(machine, frame, tool, argv, at)
        }
        _ => None,
    }
}

impl Machine<'_, '_> {
    /// `./script` of the repository, by its `#!` or its name.
    pub(super) fn repository_program(
        &mut self,
        frame: &mut Frame,
        argv: &[Value],
        at: usize,
    ) -> Option<Effect> {
        let mut inner = frame.child();
        let language = None;
        self.called_file(&mut inner, argv, at, language)
    }

    /// `bash script`
    pub(super) fn repository_script(
        &mut self,
        inner: &mut Frame,
        argv: &[Value],
        at: usize,
    ) -> Option<Effect> {
        let found = self.called_file(inner, argv, at, Some(Language::Posix));
        if found.is_none() {
            self.missing_script(inner, argv, at);
        }
        found
    }

    pub(super) fn repository_python(&mut self, inner: &mut Frame, argv: &[Value], at: usize) {
        self.called_file(inner, argv, at, Some(Language::Python));
    }

    pub(super) fn repository_powershell(&mut self, inner: &mut Frame, argv: &[Value], at: usize) {
        self.called_file(inner, argv, at, Some(Language::PowerShell));
    }

    pub(super) fn source_repository(
        &mut self,
        frame: &mut Frame,
        argv: &[Value],
        at: usize,
    ) -> Effect {
        for path in self.paths(frame, &argv[0]) {
            let Some(text) = self.repository_text(&path) else { continue };
            if !self.enter(frame, &path, argv, at) {
                continue;
            }
            let args = frame.args.clone();
            if argv.len() > 1 {
                frame.args = argv.to_vec();
            }
            let mut effect = self.text(frame, &text, at);
            frame.args = args;
            self.calls.pop();
            effect.ends = false;
            return effect;
        }
        Effect::default()
    }

    /// A file of the repository as a script: its lines are its own.
    pub(super) fn repository_text(&mut self, path: &str) -> Option<Value> {
        let (file, bytes) = self.world.repository_file(path)?.ok()?;
        script_text(file, &bytes)
    }

    fn paths(&self, frame: &Frame, path: &Value) -> Vec<String> {
        path.texts.iter().map(|text| self.path(frame, &text.s)).collect()
    }

    fn called_file(
        &mut self,
        inner: &mut Frame,
        argv: &[Value],
        at: usize,
        language: Option<Language>,
    ) -> Option<Effect> {
        let mut found = None;
        for path in self.paths(inner, &argv[0]) {
            let (file, bytes) = match self.world.repository_file(&path) {
                Some(Ok(read)) => read,
                Some(Err(reason)) => {
                    let reason = format!("called script: {reason}");
                    self.gap(inner.place(at), &reason, Hides::Anything);
                    continue;
                }
                None => continue,
            };
            found = Some(Effect::default());
            let language = language.unwrap_or_else(|| language_of(&file, &bytes));
            if language == Language::Other {
                continue;
            }
            let Some(text) = script_text(Arc::clone(&file), &bytes) else {
                if bytes.len() > MAX_SCRIPT {
                    self.gap(
                        inner.place(at),
                        "called script is too long to follow",
                        Hides::Anything,
                    );
                }
                continue;
            };
            if !self.enter(inner, &path, argv, at) {
                continue;
            }
            inner.errexit |= shebang(&bytes).contains(" -e");
            inner.args = argv.to_vec();
            let effect = match language {
                Language::Posix => self.text(inner, &text, at),
                Language::Python => {
                    python::text(self, inner, &text, at);
                    Effect::default()
                }
                Language::PowerShell => {
                    powershell::text(self, inner, &text, at);
                    Effect::default()
                }
                Language::Cmd => cmd::text(self, inner, &text, at),
                Language::Other => Effect::default(),
            };
            self.calls.pop();
            found = Some(Effect::output(effect.out));
        }
        found
    }

    /// A script that is named and not there: made by the job, or of another checkout.
    fn missing_script(&mut self, frame: &Frame, argv: &[Value], at: usize) {
        let shown = self.world.unknowns.show(argv[0].first());
        if self.world.repository_path(&self.path(frame, argv[0].first())).is_some()
            && shown.ends_with(".sh")
        {
            let reason = format!("the script `{shown}` is not in the checkout");
            self.gap(frame.place(at), &reason, Hides::Text(Arc::from(shown)));
        }
    }

    /// Notes a call; `false` where it is running already or was made with the same environment.
    pub(super) fn enter(&mut self, frame: &Frame, path: &str, argv: &[Value], at: usize) -> bool {
        if self.calls.iter().any(|call| call.as_ref() == path) {
            return false;
        }
        if self.calls.len() > 24 {
            self.gap(frame.place(at), "calls nest too deeply to follow", Hides::Anything);
            return false;
        }
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        frame.cut.hash(&mut hasher);
        frame.via.hash(&mut hasher);
        frame.place(at).hash(&mut hasher);
        frame.cwd.hash(&mut hasher);
        for value in argv {
            for text in &value.texts {
                text.s.hash(&mut hasher);
            }
        }
        let mut names: Vec<&String> = frame
            .vars
            .iter()
            .filter(|(_, variable)| variable.exported)
            .map(|(name, _)| name)
            .collect();
        names.sort();
        names.hash(&mut hasher);
        if !self.called.insert(hasher.finish()) {
            return false;
        }
        self.calls.push(Arc::from(path));
        true
    }
}

fn script_text(file: Arc<str>, bytes: &[u8]) -> Option<Value> {
    if bytes.len() > MAX_SCRIPT || bytes.contains(&0) {
        return None;
    }
    let text = without_marks(&String::from_utf8_lossy(bytes));
    let lines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    let lines = std::iter::once(0).chain(lines).zip(1..).collect();
    Some(Value { texts: vec![Text { s: text, lines, file: Some(file) }], flows: Vec::new() })
}

fn shebang(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match line.strip_prefix(b"#!") {
        Some(line) => String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned(),
        None => String::new(),
    }
}

fn language_of(file: &str, bytes: &[u8]) -> Language {
    let shebang = shebang(bytes);
    if !shebang.is_empty() {
        return if shebang.contains("python") {
            Language::Python
        } else if shebang.contains("pwsh") {
            Language::PowerShell
        } else if ["sh", "bash", "zsh", "ksh"].iter().any(|shell| {
            shebang.split(['/', ' ']).any(|word| word == *shell || word == format!("d{shell}"))
        }) {
            Language::Posix
        } else {
            Language::Other
        };
    }
    match basename(file).rsplit_once('.').map(|(_, end)| end) {
        Some("sh" | "bash" | "zsh") | None => Language::Posix,
        Some("py") => Language::Python,
        Some("ps1") => Language::PowerShell,
        Some("bat" | "cmd") => Language::Cmd,
        Some(_) => Language::Other,
    }
}
