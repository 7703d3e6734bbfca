//! Commands that run elsewhere with an environment of their own: containers, `ssh` (rule G26).

use std::collections::HashMap;

use super::{
    builds,
    component::{self, Use},
    machine::{Effect, Frame, Machine, Started, Variable},
    options::{Grammar, Parsed},
    value::{Value, is_mark},
    world::What,
    wrappers::exported,
};
use crate::ci::model::{Hides, Kind};

const RUN: Grammar = Grammar {
    short: "acehlmpuvw",
    long: "add-host annotation attach blkio-weight cap-add cap-drop cgroup-parent cgroupns \
            cidfile cpu-period cpu-quota cpu-shares cpus cpuset-cpus device dns domainname \
            entrypoint env env-file expose gpus group-add health-cmd health-interval \
            health-retries health-timeout hostname ip ipc isolation label label-file link \
            log-driver log-opt mac-address memory memory-swap mount name net network \
            network-alias pid pids-limit platform publish pull restart runtime secret \
            security-opt shm-size stop-signal stop-timeout storage-opt sysctl tmpfs ulimit user \
            userns uts volume volumes-from workdir",
    stop: true,
    single_dash: false,
};

const COMPOSE: Grammar = Grammar {
    short: "fpeuvw",
    long: "file project-name profile env-file project-directory env entrypoint name user volume \
            workdir publish label index ansi progress parallel",
    stop: true,
    single_dash: false,
};

const GLOBAL: Grammar =
    Grammar { short: "cHl", long: "context host config log-level", stop: true, single_dash: false };

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    if tool.ends_with("-compose") {
        return Some(compose(machine, frame, &argv[1..], at));
    }
    let operands = GLOBAL.parse(&argv[1..]).operands;
    let (subcommand, rest) = operands.split_first()?;
    let (subcommand, rest) = match subcommand.first() {
        "container" | "image" | "buildx" | "builder" => rest.split_first()?,
        _ => (subcommand, rest),
    };
    match subcommand.first() {
        "run" | "create" => Some(image_run(machine, frame, rest, at)),
        "exec" => {
            let parsed = RUN.parse(rest);
            let command = parsed.operands.get(1..).unwrap_or_default().to_vec();
            let mut inner = container(frame, &parsed);
            Some(inside(machine, &mut inner, command, at))
        }
        "compose" => Some(compose(machine, frame, rest, at)),
        "bake" => {
            let reason = "images of a build: what `docker buildx bake` reads is not followed";
            machine.gap(frame.place(at), reason, Hides::Kind(Kind::Image));
            Some(Effect::default())
        }
        "build" | "tag" => {
            if subcommand.first() == "build" {
                builds::build(machine, frame, rest, at);
            }
            let grammar = Grammar { short: "tf", long: "tag file", ..Grammar::default() };
            let parsed = grammar.parse(rest);
            let built = parsed.values(&["t", "tag"]).map(|value| value.first().to_owned());
            machine.world.images.extend(built);
            if subcommand.first() == "tag"
                && let [.., name] = parsed.operands.as_slice()
            {
                machine.world.images.insert(name.first().to_owned());
            }
            Some(Effect::default())
        }
        _ => Some(Effect::default()),
    }
}

fn image_run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    rest: &[Value],
    at: usize,
) -> Effect {
    let parsed = RUN.parse(rest);
    let Some((image, command)) = parsed.operands.split_first() else { return Effect::default() };
    let mut inner = container(frame, &parsed);
    let local = machine.world.images.contains(image.first());
    let unknown = image.first().starts_with(is_mark) && image.first().chars().count() == 1;
    for text in &image.texts {
        if local || text.s.is_empty() {
            continue;
        }
        let shown = machine.world.unknowns.show(&text.s);
        if unknown && shown.starts_with("$(") {
            continue;
        }
        if text.s.starts_with(is_mark) {
            let reason = format!("the image `{shown}` is known only while it runs");
            machine.gap(frame.place(at), &reason, Hides::Kind(Kind::Image));
        }
        let what = What::Component(component::image(&shown));
        let blob = machine.fetched(frame, what, at, image.texts.len() > 1);
        let started = Started { frame: &inner, at, argv: command, reads_stdin: true };
        machine.runs(started, &[blob], Use::Started);
    }
    // An image of the job's own is run with what it stands on.
    if let Some(bases) = machine.world.bases.get(image.first()).cloned() {
        let started = Started { frame: &inner, at, argv: command, reads_stdin: true };
        machine.runs(started, &bases, Use::Started);
    }
    let mut command = command.to_vec();
    if let Some(entrypoint) = parsed.value(&["entrypoint"])
        && !entrypoint.is_empty()
    {
        command.insert(0, entrypoint.clone());
    } else if command.first().is_some_and(|value| value.first().starts_with('-')) {
        // Options for an entrypoint that only the image knows; often a shell.
        command.insert(0, Value::plain("sh"));
    }
    inside(machine, &mut inner, command, at)
}

fn inside(
    machine: &mut Machine<'_, '_>,
    inner: &mut Frame,
    command: Vec<Value>,
    at: usize,
) -> Effect {
    let mut effect =
        machine.deeper(inner, at, |machine, frame| machine.command(frame, command, at));
    effect.ends = false;
    effect
}

/// The process in a container: passed variables and mounted folders only.
fn container(frame: &Frame, parsed: &Parsed) -> Frame {
    let mut inner = frame.cut_to(passed(frame, parsed));
    for volume in parsed.values(&["v", "volume"]) {
        let mut parts = volume.first().split(':');
        if let (Some(outside), Some(target)) = (parts.next(), parts.next())
            && target.starts_with('/')
            && (outside.starts_with(['/', '.', '~']) || outside.starts_with(is_mark))
        {
            let outside = super::world::resolve(&frame.cwd, outside);
            inner.mounts.push((target.trim_end_matches('/').to_owned(), outside));
        }
    }
    for mount in parsed.values(&["mount"]) {
        let part = |names: &[&str]| {
            mount.first().split(',').find_map(|part| {
                let (name, value) = part.split_once('=')?;
                names.contains(&name).then(|| value.to_owned())
            })
        };
        if let (Some(outside), Some(target)) =
            (part(&["source", "src"]), part(&["target", "destination", "dst"]))
        {
            let outside = super::world::resolve(&frame.cwd, &outside);
            inner.mounts.push((target.trim_end_matches('/').to_owned(), outside));
        }
    }
    if let Some(workdir) = parsed.value(&["w", "workdir"]) {
        workdir.first().clone_into(&mut inner.cwd);
    } else if let [(target, _)] = inner.mounts.as_slice() {
        // Images of build tools start where the sources are mounted.
        inner.cwd.clone_from(target);
    }
    inner
}

fn passed(frame: &Frame, parsed: &Parsed) -> HashMap<String, Variable> {
    let mut vars = HashMap::new();
    for value in parsed.values(&["e", "env"]) {
        match value.first().split_once('=') {
            Some((name, _)) => {
                let content = super::options::strip(value, &format!("{name}="));
                vars.insert(name.to_owned(), exported(content));
            }
            None => {
                if let Some(variable) = frame.vars.get(value.first())
                    && variable.exported
                {
                    vars.insert(value.first().to_owned(), variable.clone());
                }
            }
        }
    }
    // `--env-file <(env)` and the like hand over everything.
    if parsed.has(&["env-file"]) {
        let whole = parsed
            .values(&["env-file"])
            .any(|value| value.first().starts_with(is_mark) || value.first().starts_with("/dev/"));
        if whole {
            let all = frame.vars.iter().filter(|(_, variable)| variable.exported);
            vars.extend(all.map(|(name, variable)| (name.clone(), variable.clone())));
        }
    }
    vars
}

fn compose(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: &[Value], at: usize) -> Effect {
    let parsed = COMPOSE.parse(rest);
    let files =
        parsed.values(&["f", "file"]).map(|file| file.first().to_owned()).collect::<Vec<_>>();
    let Some((subcommand, rest)) = parsed.operands.split_first() else { return Effect::default() };
    builds::compose(machine, frame, &files, subcommand.first(), at);
    if !matches!(subcommand.first(), "run" | "exec") {
        return Effect::default();
    }
    let parsed = COMPOSE.parse(rest);
    let command = parsed.operands.get(1..).unwrap_or_default().to_vec();
    let mut inner = container(frame, &parsed);
    inside(machine, &mut inner, command, at)
}

/// `kubectl exec pod -- command`, `vagrant ssh -c text`, `wsl command`: nothing is passed.
pub(super) fn elsewhere(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    let words: Vec<&str> = argv.iter().map(Value::first).collect();
    let mut inner = frame.cut_to(HashMap::new());
    if words[0] == "vagrant" {
        let text = words.iter().position(|word| matches!(*word, "-c" | "--command"))?;
        let text = argv.get(text + 1)?.clone();
        return Some(machine.text(&mut inner, &text, at));
    }
    let start = match words.iter().position(|word| *word == "--") {
        Some(dashes) => dashes + 1,
        None if words[0] == "wsl" => {
            1 + words[1..].iter().position(|word| !word.starts_with('-'))?
        }
        None => return None,
    };
    let runs = words[0] == "wsl"
        || words.iter().take(4).any(|word| matches!(*word, "exec" | "run" | "debug"));
    let command = argv.get(start..).filter(|_| runs)?.to_vec();
    Some(inside(machine, &mut inner, command, at))
}

/// `ssh host command` joins its words; without a command the shell there reads standard input.
pub(super) fn ssh(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Effect {
    let grammar = Grammar { short: "bcDEeFIiJLlmOopQRSWw", stop: true, ..Grammar::default() };
    let parsed = grammar.parse(&argv[1..]);
    let mut inner = frame.cut_to(HashMap::new());
    inner.errexit = false;
    "/ssh".clone_into(&mut inner.cwd);
    let words = parsed.operands.get(1..).unwrap_or_default();
    if words.is_empty() {
        let stdin = frame.stdin.clone();
        return machine.read_script(inner, &stdin, argv, at);
    }
    let mut text = Value::default();
    for (number, word) in words.iter().enumerate() {
        if number > 0 {
            text.append(&Value::plain(" "));
        }
        text.append(word);
    }
    let mut effect = machine.text(&mut inner, &text, at);
    effect.ends = false;
    effect.always.clear();
    effect
}
