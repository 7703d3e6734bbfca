//! Checks of fetched files: digests written in the repository, signatures, attestations.

use super::{
    commands::digest,
    machine::{Checks, Effect, Frame, Machine},
    options::{self, Grammar},
    value::{Value, is_mark},
    world::{basename, dirname},
};
use crate::ci::model::Verified;

const DIGESTS: &str = "sha256sum sha512sum sha1sum sha384sum sha224sum md5sum b2sum b3sum shasum gsha256sum \
            cksum sha256 rhash md5";

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    argv: &[Value],
) -> Option<Effect> {
    if options::listed(DIGESTS, tool) {
        return Some(digest_tool(machine, frame, argv));
    }
    let rest = &argv[1..];
    match tool {
        "gpgv" | "gpgv2" => Some(gpg_verify(machine, frame, rest)),
        "gpg2" => filter(machine, frame, "gpg", argv).or_else(|| Some(Effect::default())),
        "minisign" | "signify" | "signify-openbsd" => Some(minisign(machine, frame, rest)),
        "cosign" => {
            let verb = rest.first()?.first();
            matches!(verb, "verify-blob" | "verify-blob-attestation")
                .then(|| operands_checked(machine, frame, &rest[1..], Verified::Signature))
        }
        "slsa-verifier" => {
            let verb = rest.first()?.first();
            (verb == "verify-artifact")
                .then(|| operands_checked(machine, frame, &rest[1..], Verified::Attestation))
        }
        "rekor-cli" | "sigstore" => {
            Some(operands_checked(machine, frame, rest, Verified::Signature))
        }
        _ => None,
    }
}

/// Filters that check: `gpg --verify`, `grep HASH`, `openssl dgst`.
pub(super) fn filter(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    argv: &[Value],
) -> Option<Effect> {
    let rest = &argv[1..];
    match tool {
        "gpg" => {
            let at = rest.iter().position(|value| value.first() == "--verify")?;
            Some(gpg_verify(machine, frame, &rest[at + 1..]))
        }
        "openssl" if rest.iter().any(|value| value.first() == "dgst") => {
            if rest.iter().any(|value| matches!(value.first(), "-verify" | "-signature")) {
                let file = rest.last().map(|value| machine.path(frame, value.first()));
                let checks = file.map(|file| (file, Verified::Signature)).into_iter().collect();
                return Some(Effect::checked(checks));
            }
            let file = rest.last().filter(|value| !value.first().starts_with('-'))?;
            let path = machine.path(frame, file.first());
            Some(Effect::output(digest(machine, vec![path])))
        }
        "grep" | "egrep" | "fgrep" => {
            let paths = digests_in(machine, &frame.stdin);
            let pattern = rest.iter().find(|value| !value.first().starts_with('-'))?;
            let inverted = rest.iter().any(|value| is_flag(value.first(), 'v'));
            if paths.is_empty() || !is_own_text(machine, pattern) || inverted {
                return None;
            }
            let mut effect = Effect::checked(checksums(paths));
            effect.out = frame.stdin.clone();
            Some(effect)
        }
        _ => None,
    }
}

fn is_flag(text: &str, flag: char) -> bool {
    text.starts_with('-') && !text.starts_with("--") && text.contains(flag)
}

fn checksums(paths: Vec<String>) -> Checks {
    paths.into_iter().map(|path| (path, Verified::Checksum)).collect()
}

fn digests_in(machine: &Machine<'_, '_>, value: &Value) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for unknown in machine.world.unknowns.in_value(value) {
        paths.extend(unknown.digest_of.iter().map(|path| path.to_string()));
    }
    paths
}

/// Text that was not fetched: written in the repository, or configured.
fn is_own_text(machine: &Machine<'_, '_>, value: &Value) -> bool {
    !value.is_empty()
        && machine.world.unknowns.blobs(value).is_empty()
        && digests_in(machine, value).is_empty()
        && value.texts.iter().all(|text| {
            // The output of an unknown command is not a digest that anyone wrote down.
            text.s.chars().filter(|c| is_mark(*c)).all(|c| {
                machine
                    .world
                    .unknowns
                    .behind(c)
                    .is_some_and(|unknown| !unknown.shown.starts_with("$("))
            })
        })
}

/// `[ a = b ]`, `[[ a == b ]]`, `test a != b` on a digest.
pub(super) fn compare(machine: &Machine<'_, '_>, argv: &[Value]) -> Effect {
    let mut effect = Effect::default();
    for window in argv.windows(3) {
        let [left, operator, right] = window else { continue };
        let equal = match operator.first() {
            "=" | "==" | "-eq" | "=~" => true,
            "!=" | "-ne" => false,
            _ => continue,
        };
        let paths = compared(machine, left, right);
        if paths.is_empty() {
            continue;
        }
        if equal {
            effect = Effect::checked(checksums(paths));
        } else {
            effect.failure = checksums(paths);
        }
        // `[ ! a = b ]` turns it round.
        if argv.first().is_some_and(|value| value.first() == "!") {
            effect.fatal.clear();
            std::mem::swap(&mut effect.success, &mut effect.failure);
        }
    }
    effect
}

/// Files whose digest is one side of a comparison with text of the repository.
pub(super) fn compared(machine: &Machine<'_, '_>, left: &Value, right: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    for (digest, expected) in [(left, right), (right, left)] {
        if is_own_text(machine, expected) {
            paths.extend(digests_in(machine, digest));
        }
    }
    paths
}

fn digest_tool(machine: &mut Machine<'_, '_>, frame: &mut Frame, argv: &[Value]) -> Effect {
    const GRAMMAR: Grammar =
        Grammar { short: "al", long: "algorithm", stop: false, single_dash: false };
    let parsed = GRAMMAR.parse(&argv[1..]);
    if !parsed.has(&["c", "check"]) {
        let paths: Vec<String> =
            parsed.operands.iter().map(|value| machine.path(frame, value.first())).collect();
        if paths.is_empty() {
            return Effect::output(machine.unknown("$(sha256sum)"));
        }
        return Effect::output(digest(machine, paths));
    }
    let mut checks = Checks::new();
    let lists = parsed.operands.iter().filter(|value| value.first() != "-");
    let lists: Vec<Value> = lists.cloned().collect();
    if lists.is_empty() {
        let stdin = frame.stdin.clone();
        checks.extend(listed(machine, frame, &stdin));
    }
    for list in lists {
        checks.extend(check_list(machine, frame, &list));
    }
    Effect::checked(checks)
}

fn check_list(machine: &mut Machine<'_, '_>, frame: &Frame, list: &Value) -> Checks {
    let path = machine.path(frame, list.first());
    let signed = machine.world.states.get(&path).and_then(|state| state.verified);
    let Some(content) = machine.file_content(frame, list) else { return Checks::new() };
    if machine.world.unknowns.blobs(&content).is_empty() {
        return listed(machine, frame, &content);
    }
    // A list that was fetched proves nothing, unless it was checked itself.
    let Some(verified) = signed.filter(|verified| *verified > Verified::No) else {
        return Checks::new();
    };
    let name = basename(&path).to_lowercase();
    let dir = dirname(&path).to_owned();
    let here = |file: &&String| dirname(file) == dir && **file != path;
    let all: Vec<String> = machine.world.states.keys().filter(here).cloned().collect();
    let own: Vec<String> = all
        .iter()
        .filter(|file| name.starts_with(&basename(file).to_lowercase()))
        .cloned()
        .collect();
    let covered = if own.is_empty() { all } else { own };
    covered.into_iter().map(|file| (file, verified)).collect()
}

/// Files of a checksum list: `HASH  file`, `HASH *file`, `SHA256 (file) = HASH`.
fn listed(machine: &Machine<'_, '_>, frame: &Frame, content: &Value) -> Checks {
    let mut checks = Checks::new();
    for text in &content.texts {
        for line in text.s.lines() {
            let line = line.trim();
            let (hash, file) =
                match line.strip_suffix(')').or(line.split_once(") = ").map(|(a, _)| a)) {
                    Some(bsd) if line.contains(" (") => match bsd.split_once(" (") {
                        Some((_, file)) => (line.rsplit(' ').next().unwrap_or_default(), file),
                        None => continue,
                    },
                    _ => match line.split_once(char::is_whitespace) {
                        Some((hash, file)) => (hash, file.trim_start()),
                        None => continue,
                    },
                };
            let hash = Value::plain(hash);
            if !is_own_text(machine, &hash) {
                continue;
            }
            let file = file.trim_start_matches('*').trim();
            checks.push((machine.path(frame, file), Verified::Checksum));
        }
    }
    checks
}

/// `--verify SIGNATURE [FILE]`; a file that is signed inline is checked itself.
fn gpg_verify(machine: &Machine<'_, '_>, frame: &Frame, rest: &[Value]) -> Effect {
    let grammar = Grammar { long: "keyring homedir trust-model", ..Grammar::default() };
    let operands = grammar.parse(rest).operands;
    let path = |value: &Value| machine.path(frame, value.first());
    let file = match operands.as_slice() {
        [] => return Effect::default(),
        [signature] => {
            let signature = path(signature);
            [".asc", ".sig", ".sign", ".gpg"]
                .iter()
                .find_map(|suffix| signature.strip_suffix(suffix))
                .map_or(signature.clone(), str::to_owned)
        }
        [_, file, ..] if file.first() == "-" => return Effect::default(),
        [_, file, ..] => path(file),
    };
    Effect::checked(vec![(file, Verified::Signature)])
}

fn minisign(machine: &Machine<'_, '_>, frame: &Frame, rest: &[Value]) -> Effect {
    let grammar = Grammar { short: "mpPxs", ..Grammar::default() };
    let parsed = grammar.parse(rest);
    if !parsed.has(&["V"]) {
        return Effect::default();
    }
    let files = parsed.values(&["m"]).map(|file| machine.path(frame, file.first()));
    Effect::checked(files.map(|file| (file, Verified::Signature)).collect())
}

/// Every operand is a file that the tool checked.
pub(super) fn operands_checked(
    machine: &Machine<'_, '_>,
    frame: &Frame,
    rest: &[Value],
    how: Verified,
) -> Effect {
    const GRAMMAR: Grammar = Grammar {
        short: "oRbBj",
        long: "key signature certificate certificate-identity certificate-oidc-issuer cert \
            certificate-identity-regexp certificate-oidc-issuer-regexp bundle rekor-url type \
            certificate-github-workflow-repository provenance-path source-uri source-tag \
            source-branch source-versioned-tag builder-id owner repo signer-workflow signer-repo \
            cert-identity cert-oidc-issuer predicate-type format hostname digest-alg \
            custom-trusted-root cert-identity-regex trusted-root output",
        stop: false,
        single_dash: false,
    };
    let operands = GRAMMAR.parse(rest).operands;
    let files = operands.iter().map(|file| machine.path(frame, file.first()));
    Effect::checked(files.map(|file| (file, how)).collect())
}
