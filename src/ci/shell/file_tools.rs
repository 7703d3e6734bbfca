//! Commands that move, unpack and make executable: the bytes stay those that were fetched.

use super::{
    component::Use,
    machine::{Effect, Frame, Machine, Started},
    options::{Grammar, Parsed},
    value::{Blob, Value},
    world::{Tree, basename, dirname, resolve},
};

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    let rest = &argv[1..];
    Some(match tool {
        "cat" => cat(machine, frame, rest),
        "tee" => tee(machine, frame, rest),
        "base64" => base64(machine, frame, rest),
        "tar" | "bsdtar" | "gtar" => tar(machine, frame, rest),
        "unzip" => unzip(machine, frame, rest),
        "7z" | "7za" | "7zz" => seven_zip(machine, frame, rest),
        "cp" | "mv" | "ln" | "install" | "rsync" => copy(machine, frame, tool, rest),
        "chmod" => chmod(machine, frame, rest),
        "dd" => dd(machine, frame, rest),
        "basename" => Effect::output(name_of(machine, rest, basename)),
        "dirname" => Effect::output(name_of(machine, rest, dirname)),
        "realpath" | "readlink" | "cygpath" | "wslpath" => {
            let path = rest.iter().rfind(|value| !value.first().starts_with('-'));
            match path {
                Some(path) => {
                    let cwd = frame.cwd.clone();
                    Effect::output(path.map(|text| resolve(&cwd, text)))
                }
                None => Effect::default(),
            }
        }
        "mktemp" => {
            machine.world.temporary += 1;
            Effect::output(Value::plain(format!("/tmp/mktemp.{}", machine.world.temporary)))
        }
        "dpkg" | "rpm" | "apt" | "apt-get" | "yum" | "dnf" | "installer" | "msiexec" | "zypper" => {
            install_package(machine, frame, argv, at);
            Effect::default()
        }
        _ => return None,
    })
}

fn name_of(machine: &mut Machine<'_, '_>, rest: &[Value], part: impl Fn(&str) -> &str) -> Value {
    match rest.iter().find(|value| !value.first().starts_with('-')) {
        Some(path) => {
            let suffix = rest.get(1).map(|value| value.first().to_owned()).unwrap_or_default();
            path.map(|text| {
                let name = part(text);
                name.strip_suffix(suffix.as_str())
                    .filter(|name| !name.is_empty())
                    .unwrap_or(name)
                    .to_owned()
            })
        }
        None => machine.unknown("$(basename)"),
    }
}

fn cat(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: &[Value]) -> Effect {
    let files: Vec<&Value> = rest
        .iter()
        .filter(|value| !value.first().starts_with('-') || value.first() == "-")
        .collect();
    if files.is_empty() {
        return Effect::output(frame.stdin.clone());
    }
    let mut out = Value::default();
    for file in files {
        if let Some(content) = machine.file_content(frame, file) {
            out.append(&content);
        }
    }
    Effect::output(out)
}

fn tee(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: &[Value]) -> Effect {
    let append = rest.iter().any(|value| matches!(value.first(), "-a" | "--append"));
    let input = frame.stdin.clone();
    for file in rest.iter().filter(|value| !value.first().starts_with('-')) {
        // `tee >(bash)`
        machine.write_paths(frame, file, &input, append);
    }
    Effect::output(input)
}

fn base64(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: &[Value]) -> Effect {
    let decodes = rest.iter().any(|value| {
        let text = value.first();
        text == "--decode"
            || text.starts_with('-') && !text.starts_with("--") && text.contains(['d', 'D'])
    });
    let file = rest.iter().find(|value| !value.first().starts_with('-'));
    let input = match file {
        Some(file) => machine.file_content(frame, file).unwrap_or_default(),
        None => frame.stdin.clone(),
    };
    if !decodes {
        return Effect::output(machine.derived(&input, "$(base64)"));
    }
    let decoded = input.texts.first().and_then(|text| decode(&text.s));
    match decoded {
        Some(decoded) => Effect::output(input.map(|_| decoded.clone())),
        None => Effect::output(input),
    }
}

/// Standard Base64 that is text.
pub(super) fn decode(text: &str) -> Option<String> {
    let (mut bits, mut count) = (0u32, 0);
    let mut bytes = Vec::new();
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' | b'\n' | b'\r' | b' ' => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty() && !text.contains('\0'))
}

/// `gunzip` and its like: a stream passes, a file loses its ending.
pub(super) fn unpack_stream(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
) -> Effect {
    let flags: Vec<&str> =
        argv[1..].iter().map(Value::first).filter(|text| text.starts_with('-')).collect();
    let files: Vec<Value> =
        argv[1..].iter().filter(|value| !value.first().starts_with('-')).cloned().collect();
    if files.is_empty() {
        return Effect::output(frame.stdin.clone());
    }
    let to_stdout = argv[0].first().ends_with("cat")
        || flags
            .iter()
            .any(|flag| !flag.starts_with("--") && flag.contains('c') || *flag == "--stdout");
    let mut out = Value::default();
    for file in files {
        let Some(content) = machine.file_content(frame, &file) else { continue };
        if to_stdout {
            out.append(&content);
            continue;
        }
        let path = machine.path(frame, file.first());
        let unpacked = path.rsplit_once('.').map_or(path.as_str(), |(stem, _)| stem).to_owned();
        machine.world.copy(&path, &unpacked);
    }
    Effect::output(out)
}

/// An archive by its path, or on standard input.
fn archive_blobs(
    machine: &mut Machine<'_, '_>,
    frame: &Frame,
    archive: Option<&Value>,
) -> Vec<Blob> {
    let content = match archive {
        Some(file) => machine.file_content(frame, file),
        None => Some(frame.stdin.clone()),
    };
    content.map(|content| machine.world.unknowns.blobs(&content)).unwrap_or_default()
}

fn extract(
    machine: &mut Machine<'_, '_>,
    blobs: Vec<Blob>,
    dir: String,
    members: &[Value],
    archive: Option<&Value>,
) {
    if blobs.is_empty() {
        return;
    }
    for member in members {
        let content = machine.world.bytes_of(blobs.clone(), member.first());
        let path = resolve(&dir, member.first());
        let flat = resolve(&dir, basename(member.first()));
        machine.world.write(&path, content.clone(), false);
        machine.world.write(&flat, content, false);
    }
    let mut hint = machine.world.hint(&blobs);
    if let Some(archive) = archive {
        hint.push_str(&archive.first().to_lowercase());
    }
    machine.world.unpack(Tree { dir, blobs, hint, clone: false });
}

fn tar(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: &[Value]) -> Effect {
    const GRAMMAR: Grammar = Grammar {
        short: "fCbTXIHNV",
        long: "file directory strip-components transform exclude use-compress-program strip",
        stop: false,
        single_dash: false,
    };
    let mut rest = rest.to_vec();
    if let Some(first) = rest.first_mut() {
        let text = first.first().to_owned();
        // Old style: `xzfv archive`.
        if !text.starts_with('-') && text.chars().all(|c| c.is_ascii_alphabetic()) {
            let mut letters: String = text.chars().filter(|c| *c != 'f').collect();
            if text.contains('f') {
                letters.push('f');
            }
            *first = Value::plain(format!("-{letters}"));
        }
    }
    let parsed = GRAMMAR.parse(&rest);
    if !parsed.has(&["x", "extract", "get"]) {
        return Effect::default();
    }
    let archive = parsed.value(&["f", "file"]).filter(|value| value.first() != "-").cloned();
    let dir = directory(machine, frame, &parsed, &["C", "directory"]);
    let blobs = archive_blobs(machine, frame, archive.as_ref());
    if parsed.has(&["O", "to-stdout"]) {
        return Effect::output(machine.world.bytes_of(blobs, "$(tar)"));
    }
    extract(machine, blobs, dir, &parsed.operands, archive.as_ref());
    Effect::default()
}

fn directory(machine: &Machine<'_, '_>, frame: &Frame, parsed: &Parsed, names: &[&str]) -> String {
    let dir = parsed.values(names).last().map(|dir| machine.path(frame, dir.first()));
    dir.unwrap_or_else(|| frame.cwd.clone())
}

fn unzip(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: &[Value]) -> Effect {
    let parsed = Grammar { short: "dxP", ..Grammar::default() }.parse(rest);
    let Some((archive, members)) = parsed.operands.split_first() else { return Effect::default() };
    let blobs = archive_blobs(machine, frame, Some(archive));
    if parsed.has(&["p"]) {
        return Effect::output(machine.world.bytes_of(blobs, "$(unzip)"));
    }
    let dir = directory(machine, frame, &parsed, &["d"]);
    extract(machine, blobs, dir, members, Some(archive));
    Effect::default()
}

fn seven_zip(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: &[Value]) -> Effect {
    let parsed = Grammar { short: "o", ..Grammar::default() }.parse(rest);
    let Some([verb, archive, members @ ..]) =
        parsed.operands.get(..).filter(|operands| operands.len() > 1)
    else {
        return Effect::default();
    };
    if !matches!(verb.first(), "x" | "e") {
        return Effect::default();
    }
    let blobs = archive_blobs(machine, frame, Some(archive));
    let dir = directory(machine, frame, &parsed, &["o"]);
    extract(machine, blobs, dir, members, Some(archive));
    Effect::default()
}

fn copy(machine: &mut Machine<'_, '_>, frame: &mut Frame, tool: &str, rest: &[Value]) -> Effect {
    let short = if tool == "install" { "mogtTS" } else { "tS" };
    let grammar =
        Grammar { short, long: "target-directory mode owner group", ..Grammar::default() };
    let parsed = grammar.parse(rest);
    let target = parsed.value(&["t", "target-directory"]).cloned();
    let (sources, target) = match (target, parsed.operands.split_last()) {
        (Some(target), _) => (parsed.operands.as_slice(), target),
        (None, Some((target, sources))) if !sources.is_empty() => (sources, target.clone()),
        _ => return Effect::default(),
    };
    let target = machine.path(frame, target.first());
    for source in sources {
        for text in &source.texts {
            let source = machine.path(frame, text.s.trim_end_matches('/'));
            for source in machine.world.matching(&source) {
                machine.take_from_repository(&source);
                // Whether the target is a directory shows only at run time.
                machine.world.copy(&source, &resolve(&target, basename(&source)));
                if !parsed.has(&["t"]) {
                    machine.world.copy(&source, &target);
                }
            }
        }
    }
    Effect::default()
}

impl Machine<'_, '_> {
    /// A file of the repository that is copied takes its text along.
    fn take_from_repository(&mut self, path: &str) {
        if !self.world.states.contains_key(path)
            && let Some(content) = self.repository_text(path)
        {
            self.world.write(path, content, false);
        }
    }
}

fn chmod(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: &[Value]) -> Effect {
    for file in rest.iter().skip(1) {
        let path = machine.path(frame, file.first());
        for path in machine.world.matching(&path) {
            let verified = machine.world.states.get(&path).and_then(|state| state.verified);
            if verified.is_some() {
                machine.settled.insert(path);
            }
        }
    }
    Effect::default()
}

fn dd(machine: &mut Machine<'_, '_>, frame: &mut Frame, rest: &[Value]) -> Effect {
    let value = |name: &str| {
        let argument = rest.iter().find(|value| value.first().starts_with(name))?;
        Some(super::options::strip(argument, name))
    };
    let input = match value("if=") {
        Some(file) => machine.file_content(frame, &file).unwrap_or_default(),
        None => frame.stdin.clone(),
    };
    match value("of=") {
        Some(file) => {
            machine.write_paths(frame, &file, &input, false);
            Effect::default()
        }
        None => Effect::output(input),
    }
}

/// A package file that was fetched: its install scripts run as root.
fn install_package(machine: &mut Machine<'_, '_>, frame: &mut Frame, argv: &[Value], at: usize) {
    for operand in argv[1..].iter().filter(|value| !value.first().starts_with('-')) {
        let text = operand.first();
        if text.starts_with("https://") || text.starts_with("http://") {
            let blobs = machine.fetch(frame, operand, at);
            start(machine, frame, &blobs, argv, at);
        } else if text.contains(['/', '.']) {
            let path = machine.path(frame, text);
            for path in machine.world.matching(&path) {
                if let Some(content) = machine.world.read(&path) {
                    let blobs = machine.world.unknowns.blobs(&content);
                    start(machine, frame, &blobs, argv, at);
                }
            }
        }
    }
}

fn start(machine: &mut Machine<'_, '_>, frame: &Frame, blobs: &[Blob], argv: &[Value], at: usize) {
    let started = Started { frame, at, argv: &argv[1..], reads_stdin: false };
    machine.runs(started, blobs, Use::Started);
}
