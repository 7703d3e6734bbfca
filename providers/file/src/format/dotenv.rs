//! dotenv files.
//!
//! There is no standard. `docker run --env-file` takes a line as it is, quotes and all; `.` and `source` of a shell
//! expand `$`, `~` and backquotes; the libraries take quotes off and differ in escapes, `$` and comments. So:
//!
//! * a value of letters, digits and `_ - . / : = @ % + ,` is written bare: all of them read it alike;
//! * another one is written between single quotes, if the line had quotes before or the configuration says `quotes`,
//!   which leaves docker out, and if it has no `'`, `\`, `$` (expanded by some even there) or control character;
//! * the rest is refused.

use keysweep_atomic_file::Trouble;
use keysweep_sdk::ErrorKind;
use zeroize::Zeroizing;

use super::{Leaf, Leaves, Rules, Text};

/// One assignment: byte ranges of the text.
struct Assignment<'t> {
    name: &'t str,
    /// From its first to behind its last byte, the line end included.
    whole: std::ops::Range<usize>,
    /// The value as it is written, quotes included.
    raw: std::ops::Range<usize>,
}

pub(super) fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn leaves(text: &str) -> Result<Leaves, Trouble> {
    let assignments = assignments(text)?;
    let leaf = |a: &Assignment<'_>| (vec![a.name.to_owned()], value(&text[a.raw.clone()]));
    Ok(assignments.iter().map(leaf).collect())
}

pub(super) fn set(text: &str, place: &[String], new: &str, rules: Rules) -> Result<Text, Trouble> {
    let [name] = place else { return Err(super::no_parent(place)) };
    let found = assignments(text)?.into_iter().find(|a| a.name == name);
    let quote = found.as_ref().and_then(|a| text[a.raw.clone()].chars().next());
    let quote = quote.filter(|c| matches!(c, '"' | '\''));
    let written = written(new, quote, rules)?;
    let mut out =
        Zeroizing::new(String::with_capacity(text.len() + written.len() + name.len() + 4));
    match found {
        Some(a) => {
            out.push_str(&text[..a.raw.start]);
            out.push_str(&written);
            out.push_str(&text[a.raw.end..]);
        }
        None => {
            let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
            out.push_str(text);
            if !text.is_empty() && !text.ends_with('\n') {
                out.push_str(end);
            }
            for part in [name, "=", &written, end] {
                out.push_str(part);
            }
        }
    }
    Ok(out)
}

pub(super) fn unset(text: &str, place: &[String]) -> Result<Text, Trouble> {
    let found = assignments(text)?.into_iter().find(|a| place == [a.name]);
    let whole = found.map_or(0..0, |a| a.whole);
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    out.push_str(&text[..whole.start]);
    out.push_str(&text[whole.end..]);
    Ok(out)
}

fn written(value: &str, quote: Option<char>, rules: Rules) -> Result<Text, Trouble> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    let refuse =
        |message: &str, hint: &str| Err(Trouble::new(ErrorKind::Invalid, message).with_hint(hint));
    if value.chars().all(bare) && !value.is_empty() {
        let quote = quote.map(String::from).unwrap_or_default();
        return Ok(Zeroizing::new([&quote, value, &quote].concat()));
    }
    if value.chars().any(|c| c.is_control() || matches!(c, '\'' | '\\' | '$')) {
        return refuse(
            "the value has a character that readers of dotenv files do not read alike",
            "use a value of letters, digits and `_-./:=@%+,`, or keep it in a file of its own",
        );
    }
    if quote.is_none() && !rules.quotes {
        return refuse(
            "the value needs quotes, which `docker --env-file` takes for part of it",
            "say `quotes = true` for this provider if every reader takes quotes off",
        );
    }
    Ok(Zeroizing::new(["'", value, "'"].concat()))
}

/// What an assignment says, where all readers of its quoting agree.
fn value(raw: &str) -> Leaf {
    let inner = |quote| raw.strip_prefix(quote).and_then(|r: &str| r.strip_suffix(quote));
    let text = match raw.chars().next() {
        Some('\'') => inner('\'').filter(|text| !text.contains(['\\', '$'])),
        Some('"') => inner('"').filter(|text| !text.contains(['\\', '$', '`'])),
        _ => Some(raw).filter(|text| !text.contains(['\\', '$', '`', '\'', '"'])),
    };
    match text {
        Some(text) => Leaf::Text(Zeroizing::new(text.to_owned())),
        None => Leaf::Unclear(Zeroizing::new(raw.to_owned())),
    }
}

fn assignments(text: &str) -> Result<Vec<Assignment<'_>>, Trouble> {
    let mut found = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |n| at + n + 1);
        match assignment(text, at, end)? {
            Some(a) => {
                at = a.whole.end;
                found.push(a);
            }
            None => at = end,
        }
    }
    Ok(found)
}

fn assignment(text: &str, start: usize, end: usize) -> Result<Option<Assignment<'_>>, Trouble> {
    let line = text[start..end].trim_end_matches(['\n', '\r']);
    let Some((left, right)) = line.split_once('=') else { return Ok(None) };
    let name = left.trim();
    let name = name.strip_prefix("export ").map_or(name, str::trim_start);
    if !is_name(name) {
        return Ok(None);
    }
    let raw = start + left.len() + 1 + (right.len() - right.trim_start().len());
    let quote = text[raw..].chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote.filter(|_| !right.trim_start().is_empty()) else {
        let bare = bare(right.trim_start());
        return Ok(Some(Assignment { name, whole: start..end, raw: raw..raw + bare.len() }));
    };
    let Some(close) = closing(&text[raw + 1..], quote) else {
        let line = text[..start].matches('\n').count() + 1;
        return Err(Trouble::new(
            ErrorKind::Invalid,
            format!("line {line}: the quote is not closed"),
        )
        .with_hint("close the quote of that line"));
    };
    let close = raw + 1 + close + 1;
    let end = text[close..].find('\n').map_or(text.len(), |n| close + n + 1);
    Ok(Some(Assignment { name, whole: start..end, raw: raw..close }))
}

/// Up to a comment or the end.
fn bare(text: &str) -> &str {
    let comment = text
        .char_indices()
        .find(|(at, c)| *c == '#' && (*at == 0 || text[..*at].ends_with([' ', '\t'])));
    text[..comment.map_or(text.len(), |(at, _)| at)].trim_end()
}

fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}
