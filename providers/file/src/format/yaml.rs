//! YAML: the span of one scalar is replaced, the rest of the text is not touched.

mod tree;

use keysweep_atomic_file::Trouble;
use keysweep_sdk::ErrorKind;
use zeroize::Zeroizing;

use self::tree::{Body, Node, Style};
use super::{Leaf, Leaves, Text};

pub(super) fn leaves(text: &str) -> Result<Leaves, Trouble> {
    let mut leaves = Leaves::new();
    if let Some(root) = tree::parse(text)? {
        collect(text, &root, &mut Vec::new(), &mut leaves);
    }
    Ok(leaves)
}

pub(super) fn set(text: &str, place: &[String], value: &str) -> Result<Text, Trouble> {
    let Some(root) = tree::parse(text)? else {
        let [key] = place else { return Err(super::no_parent(place)) };
        let line = [&*name(key), ": ", &*quoted(value), "\n"].concat();
        return Ok(spliced(text, text.len(), text.len(), &line));
    };
    if let Some(node) = root.find(place)? {
        let Body::Scalar { style, .. } = &node.body else { return Err(super::no_parent(place)) };
        let old = &text[node.start..node.end];
        let mut new = match style {
            Style::Single if !value.chars().any(char::is_control) => {
                Zeroizing::new(["'", &value.replace('\'', "''"), "'"].concat())
            }
            Style::Block => block(old, value).unwrap_or_else(|| quoted(value)),
            Style::Single | Style::Plain | Style::Double => quoted(value),
        };
        // A block ends with the end of its last line.
        if old.ends_with('\n') && !new.ends_with('\n') {
            new.push('\n');
        }
        // The value of `key:` that has none stands directly behind the colon.
        if old.is_empty() && !text[..node.start].ends_with([' ', '\t', '\n']) {
            new.insert(0, ' ');
        }
        return Ok(spliced(text, node.start, node.end, &new));
    }
    insert(text, &root, place, value)
}

fn insert(text: &str, root: &Node, place: &[String], value: &str) -> Result<Text, Trouble> {
    let (key, parents) = place.split_last().ok_or_else(|| super::no_parent(place))?;
    let parent = root.find(parents)?.ok_or_else(|| super::no_parent(place))?;
    let Body::Map { flow, entries } = &parent.body else { return Err(super::no_parent(place)) };
    if entries.iter().any(|(name, _)| name.text() == Some("<<")) {
        let message = "the mapping takes keys from another one (`<<`)";
        return Err(Trouble::new(ErrorKind::Invalid, message)
            .with_hint("write the key with an empty text into the mapping first"));
    }
    let pair = Zeroizing::new([&*name(key), ": ", &*quoted(value)].concat());
    // In front of the first key: its column is the one of all keys, and no value has to be ended.
    match entries.first() {
        Some((first, _)) if *flow => {
            Ok(spliced(text, first.start, first.start, &[&**pair, ", "].concat()))
        }
        Some((first, _)) => {
            let line = text[..first.start].rfind('\n').map_or(0, |n| n + 1);
            let indent = text[line..first.start].chars().count();
            let added = Zeroizing::new([&**pair, "\n", &" ".repeat(indent)].concat());
            Ok(spliced(text, first.start, first.start, &added))
        }
        None if *flow => Ok(spliced(text, parent.start + 1, parent.start + 1, &pair)),
        None => Err(super::no_parent(place)),
    }
}

pub(super) fn unset(text: &str, place: &[String]) -> Result<Text, Trouble> {
    let refuse = || {
        let message = format!("`{}` cannot be taken away as the file is written", place.join("/"));
        Err(Trouble::new(ErrorKind::Invalid, message)
            .with_hint("take it away by hand, or put an empty text there"))
    };
    let (Some(root), Some((key, parents))) = (tree::parse(text)?, place.split_last()) else {
        return refuse();
    };
    let Some(Node { body: Body::Map { flow: false, entries }, .. }) = root.find(parents)? else {
        return refuse();
    };
    let Some((name, value)) = entries.iter().find(|(name, _)| name.text() == Some(key)) else {
        return refuse();
    };
    let start = text[..name.start].rfind('\n').map_or(0, |n| n + 1);
    let ends = value.end.max(name.end);
    let end = match text[..ends].ends_with('\n') {
        true => ends,
        false => text[ends..].find('\n').map_or(text.len(), |n| ends + n + 1),
    };
    let rest = text[ends..end.max(ends)].trim();
    let alone =
        text[start..name.start].trim().is_empty() && (rest.is_empty() || rest.starts_with('#'));
    // Without its last key the mapping would become nothing at all, which is something else.
    if !alone || (entries.len() == 1 && !parents.is_empty()) {
        return refuse();
    }
    Ok(spliced(text, start, end, ""))
}

fn collect(text: &str, node: &Node, at: &mut Vec<String>, leaves: &mut Leaves) {
    let other = || Leaf::Other(Zeroizing::new(text[node.start..node.end].to_owned()));
    match &node.body {
        Body::Map { entries, .. } if !entries.is_empty() => {
            for (key, value) in entries {
                // A key that is no scalar is told by its text.
                at.push(key.text().unwrap_or(&text[key.start..key.end]).to_owned());
                collect(text, value, at, leaves);
                at.pop();
            }
        }
        Body::List(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                at.push(i.to_string());
                collect(text, item, at, leaves);
                at.pop();
            }
        }
        Body::Scalar { value, style, tagged } => {
            let leaf = match style {
                _ if *tagged => other(),
                Style::Plain if is_null(value) => Leaf::Null,
                Style::Plain if is_no_text(value) => other(),
                _ => Leaf::Text(value.clone()),
            };
            leaves.push((at.clone(), leaf));
        }
        Body::Map { .. } | Body::List(_) | Body::Alias => leaves.push((at.clone(), other())),
    }
}

fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

/// What YAML 1.1 or 1.2 takes for a truth value, a number or a date.
fn is_no_text(plain: &str) -> bool {
    let lower = plain.to_ascii_lowercase();
    let number = lower.trim_start_matches(['+', '-']).replace('_', "");
    matches!(&*lower, "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n")
        || matches!(&*number, ".inf" | ".nan")
        || number.parse::<f64>().is_ok()
            && number.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || ["0x", "0o", "0b"].iter().any(|base| number.starts_with(base))
        || number.starts_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || "-:. tz+".contains(c))
}

/// A key, bare where that is plain.
fn name(key: &str) -> Text {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    match plain && !is_null(key) && !is_no_text(key) {
        true => Zeroizing::new(key.to_owned()),
        false => quoted(key),
    }
}

/// Between double quotes.
fn quoted(value: &str) -> Text {
    let mut out = Zeroizing::new(String::with_capacity(value.len() * 2 + 2));
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// As the block that it replaces, where the value's lines can stand in one.
fn block(old: &str, value: &str) -> Option<Text> {
    let first = old.lines().skip(1).find(|line| !line.trim().is_empty())?;
    let indent = &first[..first.len() - first.trim_start_matches(' ').len()];
    let odd =
        |c: char| c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    let body = value.strip_suffix('\n').unwrap_or(value);
    let simple = body.lines().all(|line| !line.is_empty() && !line.starts_with([' ', '\t']))
        && !body.replace('\n', "").chars().any(odd);
    if !old.starts_with('|')
        || indent.is_empty()
        || body.is_empty()
        || body.ends_with('\n')
        || !simple
    {
        return None;
    }
    let mut out = Zeroizing::new(String::with_capacity(value.len() * 2));
    out.push_str(if value.ends_with('\n') { "|\n" } else { "|-\n" });
    for line in body.lines() {
        for part in [indent, line, "\n"] {
            out.push_str(part);
        }
    }
    Some(out)
}

fn spliced(text: &str, start: usize, end: usize, new: &str) -> Text {
    let mut out = Zeroizing::new(String::with_capacity(text.len() + new.len()));
    for part in [&text[..start], new, &text[end..]] {
        out.push_str(part);
    }
    out
}
