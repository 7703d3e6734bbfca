//! Commands that run another command: as another user, with another environment, later, or again.

use std::collections::HashMap;

use super::{
    containers,
    machine::{Effect, Frame, Machine, Variable},
    options::{Grammar, Parsed, strip},
    value::{Value, is_mark},
    world::basename,
};

/// Wrappers that take options and then a command; the number of operands before it.
const PLAIN: [(&str, &str, usize); 27] = [
    ("timeout", "ks", 1),
    ("gtimeout", "ks", 1),
    ("nice", "n", 0),
    ("nohup", "", 0),
    ("setsid", "", 0),
    ("stdbuf", "ioe", 0),
    ("ionice", "cnp", 0),
    ("time", "fo", 0),
    ("gtime", "fo", 0),
    ("exec", "a", 0),
    ("builtin", "", 0),
    ("caffeinate", "tw", 0),
    ("xvfb-run", "npsefw", 0),
    ("unbuffer", "", 0),
    ("strace", "eopsaEPuI", 0),
    ("chroot", "", 1),
    ("fakeroot", "", 0),
    ("winpty", "", 0),
    ("chronic", "", 0),
    ("dbus-run-session", "", 0),
    ("flock", "wE", 1),
    ("travis_retry", "", 0),
    ("retry", "tdnsimr", 0),
    ("faketime", "", 1),
    ("cpulimit", "l", 0),
    ("taskset", "", 1),
    ("busybox", "", 0),
];

/// Tools whose subcommand runs a command.
const SUBCOMMANDS: [(&str, &str); 22] = [
    ("poetry", "run"),
    ("pipenv", "run"),
    ("uv", "run"),
    ("rye", "run"),
    ("pdm", "run"),
    ("hatch", "run"),
    ("bundle", "exec"),
    ("conda", "run"),
    ("mamba", "run"),
    ("micromamba", "run"),
    ("direnv", "exec"),
    ("mise", "exec"),
    ("mise", "x"),
    ("asdf", "exec"),
    ("doppler", "run"),
    ("op", "run"),
    ("chamber", "exec"),
    ("aws-vault", "exec"),
    ("infisical", "run"),
    ("vault", "exec"),
    ("nix", "develop"),
    ("nix", "shell"),
];

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    match tool {
        "sudo" | "doas" => return Some(sudo(machine, frame, argv, at)),
        "env" => return Some(env(machine, frame, argv, at)),
        "su" | "runuser" => return Some(su(machine, frame, argv, at)),
        "xargs" => return Some(xargs(machine, frame, argv, at)),
        "find" => return Some(find(machine, frame, argv, at)),
        "script" => return Some(text_option(machine, frame, argv, at, &["c", "command"])),
        "nix-shell" => return Some(text_option(machine, frame, argv, at, &["run", "command"])),
        "command" => {
            let lookup = argv.get(1).is_some_and(|value| matches!(value.first(), "-v" | "-V"));
            if lookup {
                return Some(Effect::default());
            }
            return Some(machine.command(frame, argv[1..].to_vec(), at));
        }
        "ssh" => return Some(containers::ssh(machine, frame, argv, at)),
        "kubectl" | "oc" | "lxc" | "multipass" | "vagrant" | "wsl" | "incus" => {
            return containers::elsewhere(machine, frame, argv, at);
        }
        "docker" | "podman" | "nerdctl" | "docker-compose" | "podman-compose" => {
            return containers::run(machine, frame, tool, argv, at);
        }
        _ => {}
    }
    if let Some((_, valued, operands)) = PLAIN.into_iter().find(|(name, ..)| *name == tool) {
        let parsed = Grammar { short: valued, stop: true, ..Grammar::default() }.parse(&argv[1..]);
        let mut rest: Vec<Value> = parsed.operands.into_iter().skip(operands).collect();
        // `retry 3 command`, `retry -- command`
        while tool == "retry"
            && rest.first().is_some_and(|value| value.first().parse::<f64>().is_ok())
        {
            rest.remove(0);
        }
        return Some(inner(machine, frame, rest, at));
    }
    let subcommand = argv.get(1).map(Value::first)?;
    SUBCOMMANDS.contains(&(tool, subcommand)).then(|| subcommand_run(machine, frame, argv, at))
}

/// An unknown command: what stands behind `--`, or a shell with its script, is run by it.
pub(super) fn unknown(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    let behind_dashes =
        argv.iter().position(|value| value.first() == "--").map(|number| number + 1);
    if let Some(number) = behind_dashes
        && let Some(first) = argv.get(number)
        && (runs_things(basename(first.first())) || first.first().contains('/'))
    {
        return Some(inner(machine, frame, argv[number..].to_vec(), at));
    }
    let number = (1..argv.len()).find(|number| {
        let next = argv.get(number + 1).map_or("", Value::first);
        let shell = is_shell(basename(argv[*number].first()));
        shell && (next.starts_with(is_mark) || (next.starts_with('-') && next.contains('c')))
    });
    if let Some(number) = number {
        return Some(inner(machine, frame, argv[number..].to_vec(), at));
    }
    let name = basename(argv[0].first()).to_lowercase();
    if !["retry", "attempt", "try", "with", "exec", "run"].iter().any(|word| name.contains(word)) {
        return None;
    }
    let number = (1..argv.len()).find(|number| runs_things(basename(argv[*number].first())))?;
    let plausible = argv.get(number + 1).is_some();
    plausible.then(|| inner(machine, frame, argv[number..].to_vec(), at))
}

fn is_shell(name: &str) -> bool {
    matches!(name, "bash" | "sh" | "zsh" | "dash" | "ksh")
}

fn runs_things(name: &str) -> bool {
    is_shell(name)
        || matches!(
            name,
            "curl"
                | "wget"
                | "python"
                | "python3"
                | "node"
                | "npx"
                | "uvx"
                | "sudo"
                | "env"
                | "docker"
                | "make"
                | "npm"
                | "yarn"
                | "pnpm"
                | "eval"
                | "source"
                | "pwsh"
                | "powershell"
                | "git"
        )
}

fn inner(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: Vec<Value>, at: usize) -> Effect {
    machine.deeper(frame, at, |machine, frame| machine.command(frame, rest, at))
}

fn subcommand_run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Effect {
    const GRAMMAR: Grammar = Grammar {
        short: "npfec",
        long: "name prefix cwd with python env-file project config extra",
        stop: true,
        single_dash: false,
    };
    let rest = &argv[2..];
    // Behind `--` or `-c` stands the command, whatever the options before it mean.
    let split = rest.iter().position(|value| matches!(value.first(), "--" | "-c" | "--command"));
    let command = match split {
        Some(number) => rest[number + 1..].to_vec(),
        None => GRAMMAR.parse(rest).operands,
    };
    let skip = match argv[0].first() {
        "direnv" if split.is_none() => 1,
        _ => 0,
    };
    inner(machine, frame, command.into_iter().skip(skip).collect(), at)
}

fn text_option(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
    names: &'static [&'static str],
) -> Effect {
    let grammar = Grammar { short: "cp", long: "run command", stop: false, single_dash: false };
    let parsed = grammar.parse(&argv[1..]);
    let mut child = frame.child();
    let texts: Vec<Value> = parsed.values(names).cloned().collect();
    for text in texts {
        machine.text(&mut child, &text, at);
    }
    Effect::default()
}

/// `NAME=value` operands in front of a command.
pub(super) fn leading_assignments(operands: &[Value]) -> (Vec<(String, Value)>, &[Value]) {
    let mut assignments = Vec::new();
    for (number, value) in operands.iter().enumerate() {
        match value.first().split_once('=') {
            Some((name, _)) if is_name(name) => {
                assignments.push((name.to_owned(), strip(value, &format!("{name}="))));
            }
            _ => return (assignments, &operands[number..]),
        }
    }
    (assignments, &[])
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

pub(super) fn exported(value: Value) -> Variable {
    Variable { values: vec![value], exported: true, assigned: true }
}

fn sudo(machine: &mut Machine<'_, '_>, frame: &mut Frame, argv: &[Value], at: usize) -> Effect {
    const GRAMMAR: Grammar = Grammar {
        short: "ugpChTRDrt",
        long: "user group prompt host chdir chroot",
        stop: true,
        single_dash: false,
    };
    let parsed = GRAMMAR.parse(&argv[1..]);
    let (assignments, rest) = leading_assignments(&parsed.operands);
    let mut child = if keeps_all(&parsed) {
        frame.child()
    } else {
        let kept = parsed.values(&["preserve-env"]).next().map(Value::first).unwrap_or_default();
        let vars = kept
            .split(',')
            .filter_map(|name| Some((name.to_owned(), frame.vars.get(name)?.clone())))
            .collect();
        frame.cut_to(vars)
    };
    for (name, value) in assignments {
        child.vars.insert(name, exported(value));
    }
    let mut rest = rest.to_vec();
    if rest.is_empty() || parsed.has(&["s", "i", "shell", "login"]) && !rest.is_empty() {
        rest.insert(0, Value::plain("bash"));
        if rest.len() > 1 {
            rest.insert(1, Value::plain("-c"));
        }
    }
    let mut effect = inner(machine, &mut child, rest, at);
    effect.ends = false;
    effect
}

fn keeps_all(parsed: &Parsed) -> bool {
    parsed
        .options
        .iter()
        .any(|(name, value)| name == "E" || (name == "preserve-env" && value.is_none()))
}

fn env(machine: &mut Machine<'_, '_>, frame: &mut Frame, argv: &[Value], at: usize) -> Effect {
    const GRAMMAR: Grammar =
        Grammar { short: "uCS", long: "unset chdir split-string", stop: true, single_dash: false };
    // `env - name=value command` is `env -i`.
    let lone_dash = argv.get(1).is_some_and(|value| value.first() == "-");
    let parsed = GRAMMAR.parse(&argv[if lone_dash { 2 } else { 1 }..]);
    let (assignments, rest) = leading_assignments(&parsed.operands);
    let mut child = if lone_dash || parsed.has(&["i", "ignore-environment"]) {
        frame.cut_to(HashMap::new())
    } else {
        frame.child()
    };
    for name in parsed.values(&["u", "unset"]) {
        child.vars.remove(name.first());
    }
    for (name, value) in assignments {
        child.vars.insert(name, exported(value));
    }
    let mut rest = rest.to_vec();
    if let Some(text) = parsed.value(&["S", "split-string"]) {
        let words = text.first().split_whitespace().map(Value::plain);
        rest = words.chain(rest).collect();
    }
    inner(machine, &mut child, rest, at)
}

fn su(machine: &mut Machine<'_, '_>, frame: &mut Frame, argv: &[Value], at: usize) -> Effect {
    let grammar = Grammar { short: "csgGu", long: "command shell", ..Grammar::default() };
    let parsed = grammar.parse(&argv[1..]);
    let login = parsed.has(&["l", "login"]) || argv.iter().any(|value| value.first() == "-");
    let mut child = if login { frame.cut_to(HashMap::new()) } else { frame.child() };
    match parsed.value(&["c", "command"]).cloned() {
        Some(text) => {
            machine.text(&mut child, &text, at);
        }
        None => {
            let stdin = frame.stdin.clone();
            machine.read_script(child, &stdin, argv, at);
        }
    }
    Effect::default()
}

fn xargs(machine: &mut Machine<'_, '_>, frame: &mut Frame, argv: &[Value], at: usize) -> Effect {
    const GRAMMAR: Grammar = Grammar {
        short: "aEILnPsd",
        long: "max-args max-procs replace delimiter arg-file",
        stop: true,
        single_dash: false,
    };
    let parsed = GRAMMAR.parse(&argv[1..]);
    let input = machine.arguments_of(&frame.stdin.clone());
    let mut rest = parsed.operands.clone();
    match parsed.value(&["I"]).map(|value| value.first().to_owned()) {
        Some(token) if !token.is_empty() => {
            // Of a list that is not known, there may be one.
            let unknown = machine.unknown(&token);
            let first = input.first().unwrap_or(&unknown);
            rest = rest.iter().map(|value| replace(value, &token, first)).collect();
        }
        _ => rest.extend(input),
    }
    let stdin = std::mem::take(&mut frame.stdin);
    let effect = inner(machine, frame, rest, at);
    frame.stdin = stdin;
    effect
}

fn replace(value: &Value, token: &str, with: &Value) -> Value {
    let mut out = value.map(|text| text.replace(token, with.first()));
    if value.first().contains(token) {
        out.add_flows(&with.flows);
    }
    out
}

impl Machine<'_, '_> {
    /// The words of a text, as arguments.
    fn arguments_of(&mut self, stdin: &Value) -> Vec<Value> {
        match stdin.texts.as_slice() {
            [text] => text
                .s
                .split_whitespace()
                .take(1_000)
                .map(|word| Value { flows: stdin.flows.clone(), ..Value::plain(word) })
                .collect(),
            [] => Vec::new(),
            _ => vec![stdin.map(|text| text.trim().to_owned())],
        }
    }
}

fn find(machine: &mut Machine<'_, '_>, frame: &mut Frame, argv: &[Value], at: usize) -> Effect {
    let start = argv.iter().position(|value| matches!(value.first(), "-exec" | "-execdir" | "-ok"));
    let Some(start) = start else { return Effect::default() };
    let rest: Vec<Value> = argv[start + 1..]
        .iter()
        .take_while(|value| !matches!(value.first(), ";" | "+"))
        .cloned()
        .collect();
    inner(machine, frame, rest, at);
    Effect::default()
}
