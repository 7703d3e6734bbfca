//! Programs of Pulumi: calls that make a secret, found by the name of the class.
//!
//! A program may compute anything, so what is found here is never more than possible.

use super::{Found, Known, Names, Tool, Writer, kind, yaml::pulumi_class};

pub(super) const CLUES: &[&str] = &[
    "ActionsSecret",
    "ActionsEnvironmentSecret",
    "ActionsOrganizationSecret",
    "DependabotSecret",
    "AccessKey",
    "ProjectVariable",
    "GroupVariable",
];

/// Calls of one file.
const MOST_CALLS: usize = 500;

/// The text of one call that is looked through.
const LONGEST_CALL: usize = 4_000;

const CLASSES: [(&str, &str); 8] = [
    ("github", "ActionsSecret"),
    ("github", "ActionsEnvironmentSecret"),
    ("github", "ActionsOrganizationSecret"),
    ("github", "DependabotSecret"),
    ("github", "CodespacesSecret"),
    ("gitlab", "ProjectVariable"),
    ("gitlab", "GroupVariable"),
    ("aws", "AccessKey"),
];

pub(super) fn parse(text: &str) -> Found {
    let mut found = Found::default();
    for (package, class) in CLASSES {
        let (mut line, mut counted) = (1_u32, 0);
        for (at, _) in text.match_indices(class) {
            let before = text[..at].chars().next_back();
            let call = text[at + class.len()..].strip_prefix('(');
            let Some((call, of)) = call.zip(pulumi_class(package, class)) else { continue };
            if before.is_some_and(|c| c != '.' && !c.is_whitespace()) {
                continue;
            }
            if found.writers.len() >= MOST_CALLS {
                found.troubles.push((line, "more calls than are looked at".to_owned()));
                return found;
            }
            line = line.saturating_add(text[counted..at].matches('\n').count() as u32);
            counted = at;
            found.writers.extend(writer(class, of, arguments(call), line));
        }
    }
    found
}

/// Up to the bracket that closes the call; brackets in texts count too, which only ends it elsewhere.
fn arguments(call: &str) -> &str {
    let mut depth = 1_usize;
    for (at, c) in call.char_indices().take(LONGEST_CALL) {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &call[..at];
        }
    }
    &call[..call.floor_char_boundary(LONGEST_CALL)]
}

fn writer(class: &str, of: &str, call: &str, line: u32) -> Option<Writer> {
    let kind = kind(of)?;
    let (first, _) = quoted(call.trim_start())?;
    let name = property(call, kind.name);
    let why = "a program decides: it is found by its text alone".to_owned();
    let literal = match name {
        Some(Some(name)) => vec![(name.to_owned(), line)],
        // The name is not written as text: that of the resource is the nearest thing.
        _ => vec![(first.to_owned(), line)],
    };
    let known = |name: &str| match property(call, name) {
        Some(Some(text)) => Known::Text(text.to_owned()),
        Some(None) => Known::Expression("the program".to_owned()),
        None => Known::Absent,
    };
    Some(Writer {
        tool: Tool::Pulumi,
        resource: format!("{class} {first}"),
        line,
        target: kind.target,
        names: Names { literal, doubt: Some(why) },
        repository: known(kind.repository),
        environment: known(kind.environment),
        sources: Vec::new(),
        ignores_changes: false,
    })
}

/// The text of `secretName: "…"`, `secret_name="…"` or `SecretName: pulumi.String("…")`; `Some(None)`
/// where it is something else.
fn property<'t>(call: &'t str, name: &str) -> Option<Option<&'t str>> {
    if name.is_empty() {
        return None;
    }
    let wanted = name.replace('_', "").to_lowercase();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    for (at, _) in call.match_indices([':', '=']) {
        let before = call[..at].trim_end().trim_end_matches(['"', '\'']);
        let start = before.rfind(|c| !word(c)).map_or(0, |at| at + 1);
        let start = before.ceil_char_boundary(start);
        if before[start..].replace('_', "").to_lowercase() == wanted {
            let value = call[at + 1..].trim_start();
            let value = value.strip_prefix("pulumi.String(").unwrap_or(value);
            return Some(quoted(value).map(|(text, _)| text));
        }
    }
    None
}

/// The text in quotes that stands first; none where it is put together.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let (inner, rest) = text[1..].split_once(quote)?;
    let plain = inner.len() < 200 && !inner.contains(['\n', '$', '{', '\\']);
    plain.then_some((inner, rest))
}
