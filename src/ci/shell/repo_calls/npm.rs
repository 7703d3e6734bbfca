//! Scripts of `package.json`, with what runs before and after them.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::ci::shell::{
    machine::{Effect, Frame, Machine},
    options::{Grammar, listed},
    value::{Text, Value},
    world::resolve,
};

/// Commands of the package managers that are no script names.
const OWN: &str = "install i ci add remove audit version publish pack login whoami cache config set get \
            link list ls outdated update upgrade up why dlx exec create init info view global \
            import store patch dedupe plugin plugins workspaces berry policies bin prune rebuild \
            help x";

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    const GRAMMAR: Grammar = Grammar {
        short: "wC",
        long: "prefix cwd dir workspace filter",
        stop: true,
        single_dash: false,
    };
    let first = GRAMMAR.parse(&argv[1..]);
    let mut inner = frame.child();
    if let Some(dir) = first.value(&["prefix", "cwd", "dir", "C"]) {
        inner.cwd = machine.path(frame, dir.first());
    }
    let word = |number: usize| first.operands.get(number).map_or("", Value::first);
    let (names, rest) = match (tool, word(0)) {
        ("run-s" | "run-p" | "npm-run-all", _) => {
            let names = argv[1..].iter().map(Value::first).filter(|name| !name.starts_with('-'));
            (names.map(str::to_owned).collect(), &[][..])
        }
        (_, "run" | "run-script") => {
            let second = GRAMMAR.parse(&first.operands[1..]);
            if let Some(dir) = second.value(&["prefix", "cwd", "dir", "C"]) {
                inner.cwd = machine.path(frame, dir.first());
            }
            let name = second.operands.first().map(|name| name.first().to_owned())?;
            let skip = first.operands.len() - second.operands.len().saturating_sub(1);
            (vec![name], first.operands.get(skip..).unwrap_or_default())
        }
        (_, "test" | "t" | "tst") => {
            (vec!["test".to_owned()], first.operands.get(1..).unwrap_or_default())
        }
        (_, "start" | "stop" | "restart") => (vec![word(0).to_owned()], &[][..]),
        ("npm" | "pnpm" | "bun", "ci" | "install" | "i") | ("yarn", "" | "install") => {
            if argv.iter().any(|value| value.first() == "--ignore-scripts") {
                return Some(Effect::default());
            }
            let own = ["preinstall", "install", "postinstall", "prepare"];
            let package = Package::load(machine, &inner)?;
            for name in own {
                package.script(machine, &inner, name, &[], at);
            }
            return Some(Effect::default());
        }
        ("yarn" | "pnpm" | "bun", name) if !listed(OWN, name) && !name.is_empty() => {
            (vec![name.to_owned()], first.operands.get(1..).unwrap_or_default())
        }
        _ => return None,
    };
    let package = Package::load(machine, &inner)?;
    for name in names {
        package.script(machine, &inner, &format!("pre{name}"), &[], at);
        package.script(machine, &inner, &name, rest, at);
        package.script(machine, &inner, &format!("post{name}"), &[], at);
    }
    Some(Effect::default())
}

struct Package {
    file: Arc<str>,
    text: String,
    json: Json,
}

impl Package {
    fn load(machine: &mut Machine<'_, '_>, frame: &Frame) -> Option<Self> {
        let path = resolve(&machine.path(frame, "."), "package.json");
        let (file, bytes) = machine.world.repository_file(&path)?.ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        Some(Self { file, text, json })
    }

    fn script(
        &self,
        machine: &mut Machine<'_, '_>,
        frame: &Frame,
        name: &str,
        arguments: &[Value],
        at: usize,
    ) {
        let Some(script) = self.json["scripts"][name].as_str() else { return };
        let key = format!("{}#{name}", self.file);
        if !machine.enter(frame, &key, arguments, at) {
            return;
        }
        let mut text = Text::new(crate::ci::shell::value::without_marks(script));
        text.lines.push((0, self.line_of(name)));
        text.file = Some(Arc::clone(&self.file));
        let mut value = Value { texts: vec![text], flows: Vec::new() };
        for argument in arguments.iter().filter(|argument| argument.first() != "--") {
            value.append(&Value::plain(" "));
            value.append(argument);
        }
        let mut inner = frame.clone();
        machine.text(&mut inner, &value, at);
        machine.calls.pop();
    }

    /// The line of a script's name behind `"scripts"`.
    fn line_of(&self, name: &str) -> u32 {
        let scripts = self.text.find("\"scripts\"").unwrap_or(0);
        let quoted = format!("{}", Json::String(name.to_owned()));
        let at = self.text[scripts..]
            .match_indices(&quoted)
            .map(|(at, _)| scripts + at)
            .find(|at| self.text[at + quoted.len()..].trim_start().starts_with(':'));
        let before = &self.text[..at.unwrap_or(scripts)];
        u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX - 1) + 1
    }
}
