//! `~/.aws/credentials`: sections of `key = value`, a profile each.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::ops::Range;

use keysweep_atomic_file::Trouble;
use keysweep_sdk::ErrorKind;
use zeroize::Zeroizing;

use super::{Leaf, Leaves, Text};

/// What a line is; ranges are bytes of the text.
enum Line<'t> {
    Profile(&'t str),
    Pair {
        key: &'t str,
        value: Range<usize>,
    },
    /// A comment, a blank line, or a further line of a nested value.
    Other,
}

pub(super) fn leaves(text: &str) -> Result<Leaves, Trouble> {
    let mut leaves = Leaves::new();
    let mut profile: Option<&str> = None;
    for (range, line) in lines(text)? {
        match (line, profile) {
            (Line::Profile(name), _) => {
                profile = Some(name);
                // A profile without keys is there, too; one that is there twice is told by this.
                leaves.push((vec![name.to_owned()], Leaf::Null));
            }
            (Line::Pair { key, value }, Some(profile)) => {
                let value = Zeroizing::new(text[value].to_owned());
                leaves.push((vec![profile.to_owned(), key.to_lowercase()], Leaf::Text(value)));
            }
            (Line::Pair { .. }, None) => return Err(no_ini(text, range.start)),
            (Line::Other, _) => {}
        }
    }
    Ok(leaves)
}

pub(super) fn set(text: &str, place: &[String], value: &str) -> Result<Text, Trouble> {
    let [profile, key] = place else { return Err(super::no_parent(place)) };
    if value.is_empty() || value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let message = "a value in this file is one word: no blanks, no line ends, not empty";
        return Err(Trouble::new(ErrorKind::Invalid, message)
            .with_hint("keep such a value in a file of another format"));
    }
    super::here(&leaves(text)?, &place[..1])?;
    let mut inside = false;
    let (mut section, mut last) = (None, None);
    for (range, line) in lines(text)? {
        match line {
            Line::Profile(name) => inside = name == profile,
            Line::Pair { key: name, value: at } if inside && name.eq_ignore_ascii_case(key) => {
                return Ok(spliced(text, at, &[value]));
            }
            Line::Pair { .. } if inside => last = Some(range.end),
            // A nested value goes on.
            Line::Other if inside && text[range.clone()].starts_with([' ', '\t']) => {
                last = last.map(|_| range.end);
            }
            Line::Pair { .. } | Line::Other => continue,
        }
        if inside && section.is_none() {
            section = Some(range.end);
        }
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let at = last.or(section).unwrap_or(text.len());
    let before = if at == 0 || text[..at].ends_with('\n') { "" } else { end };
    Ok(match section {
        Some(_) => spliced(text, at..at, &[before, key, " = ", value, end]),
        None => spliced(text, at..at, &[before, "[", profile, "]", end, key, " = ", value, end]),
    })
}

pub(super) fn unset(text: &str, place: &[String]) -> Result<Text, Trouble> {
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    let (mut inside, mut nested) = (false, false);
    let first = lines(text)?.first().map_or(text.len(), |(range, _)| range.start);
    out.push_str(&text[..first]);
    for (range, line) in lines(text)? {
        let drop = match (&line, place) {
            (Line::Profile(name), _) => {
                inside = *name == place[0];
                nested = false;
                inside && place.len() == 1
            }
            (Line::Pair { key, .. }, [_, gone]) => {
                nested = inside && key.eq_ignore_ascii_case(gone);
                nested
            }
            (Line::Other, [_, _]) => nested && text[range.clone()].starts_with([' ', '\t']),
            // Comments between profiles are not known to belong to the one that goes.
            (Line::Other, _) => inside && text[range.clone()].starts_with([' ', '\t']),
            (Line::Pair { .. }, _) => inside,
        };
        if !drop {
            out.push_str(&text[range]);
        }
    }
    Ok(out)
}

fn spliced(text: &str, at: Range<usize>, parts: &[&str]) -> Text {
    let more: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Zeroizing::new(String::with_capacity(text.len() + more));
    out.push_str(&text[..at.start]);
    for part in parts {
        out.push_str(part);
    }
    out.push_str(&text[at.end..]);
    out
}

fn lines(text: &str) -> Result<Vec<(Range<usize>, Line<'_>)>, Trouble> {
    let mut lines = Vec::new();
    let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while start < text.len() {
        let end = text[start..].find('\n').map_or(text.len(), |n| start + n + 1);
        let line = text[start..end].trim_end();
        let read = match line.chars().next() {
            None | Some('#' | ';' | ' ' | '\t') => Line::Other,
            Some('[') => match line[1..].split_once(']') {
                Some((name, rest))
                    if rest.trim().is_empty() || rest.trim().starts_with(['#', ';']) =>
                {
                    Line::Profile(name.trim())
                }
                _ => return Err(no_ini(text, start)),
            },
            Some(_) => {
                let Some((key, value)) = line.split_once('=') else {
                    return Err(no_ini(text, start));
                };
                let from = start + key.len() + 1 + (value.len() - value.trim_start().len());
                Line::Pair { key: key.trim_end(), value: from..(start + line.len()).max(from) }
            }
        };
        lines.push((start..end, read));
        start = end;
    }
    Ok(lines)
}

fn no_ini(text: &str, at: usize) -> Trouble {
    super::unreadable("line of an AWS credentials file", text[..at].matches('\n').count() + 1)
}
