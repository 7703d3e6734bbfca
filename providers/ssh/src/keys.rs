//! What is listed and changed in the text of an authorized_keys file.

use std::collections::BTreeMap;

use keysweep_atomic_file::Trouble;
use keysweep_sdk::{CredentialId, ErrorKind, Live, LiveState};

use crate::line::{DISABLED, Line};

/// Every key once, in the order of the file. One that stands there twice is in use if one of its lines is.
pub(crate) fn list(text: &str) -> Vec<Live> {
    let mut live: Vec<Live> = Vec::new();
    for line in text.lines().filter_map(Line::parse) {
        let state = if line.disabled { LiveState::Inactive } else { LiveState::Active };
        match live.iter_mut().find(|live| live.id.as_str() == line.fingerprint) {
            Some(held) if state == LiveState::Active => held.state = state,
            Some(_) => {}
            None => live.push(Live {
                scope: line.scope(),
                marker: Some(line.comment.to_owned()).filter(|comment| !comment.is_empty()),
                id: CredentialId::new(line.fingerprint),
                state,
                created: None,
                expires: None,
            }),
        }
    }
    live
}

pub(crate) fn state(text: &str, id: &CredentialId) -> Option<LiveState> {
    list(text).into_iter().find(|live| live.id == *id).map(|live| live.state)
}

/// What is to be added.
#[derive(Debug)]
pub(crate) struct New<'n> {
    pub(crate) id: &'n CredentialId,
    /// `type base64`.
    pub(crate) key: &'n str,
    pub(crate) comment: &'n str,
    /// Whose options it gets.
    pub(crate) replaces: Option<&'n CredentialId>,
}

/// The new text, or `None` when the line is there; and the scope of the line.
pub(crate) fn add(
    text: &str,
    new: &New<'_>,
) -> Result<(Option<String>, BTreeMap<String, String>), Trouble> {
    let lines: Vec<Line<'_>> = text.lines().filter_map(Line::parse).collect();
    if let Some(there) = lines_of(&lines, new.id).find(|line| !line.disabled) {
        return Ok((None, there.scope()));
    }
    if lines_of(&lines, new.id).next().is_some() {
        let message = format!("`{}` is in the file, but out of use", new.id);
        return Err(Trouble::new(ErrorKind::Conflict, message)
            .with_hint("it was disabled before: enable it, or make another one"));
    }
    let mut options = "";
    if let Some(old) = new.replaces {
        // Of several lines the one in use counts.
        let old = lines_of(&lines, old).min_by_key(|line| line.disabled).ok_or_else(|| {
            Trouble::new(ErrorKind::NotFound, format!("`{old}`, which is to be replaced, is gone"))
                .with_hint("its options are not known: look who removed it, and plan again")
        })?;
        options = old.options;
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = text.to_owned();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str(end);
    }
    let start = out.len();
    if !options.is_empty() {
        out.push_str(options);
        out.push(' ');
    }
    for part in [new.key, " ", new.comment, end] {
        out.push_str(part);
    }
    let line = Line::parse(out[start..].trim_end());
    match line.filter(|line| line.fingerprint == new.id.as_str() && line.options == options) {
        Some(line) => {
            let scope = line.scope();
            Ok((Some(out), scope))
        }
        None => Err(Trouble::new(ErrorKind::Invalid, "the public key is not the one of the id")
            .with_hint("make the pair anew")),
    }
}

fn lines_of<'l, 't>(
    lines: &'l [Line<'t>],
    id: &'l CredentialId,
) -> impl Iterator<Item = &'l Line<'t>> {
    lines.iter().filter(|line| line.fingerprint == id.as_str())
}

/// Each line of `id` through `change`; `None` takes it out. Other lines stay byte for byte.
fn each(
    text: &str,
    id: &CredentialId,
    change: impl Fn(&str, &Line<'_>) -> Option<String>,
) -> Option<String> {
    let mut out = String::with_capacity(text.len() + DISABLED.len());
    for line in text.split_inclusive('\n') {
        match Line::parse(line).filter(|read| read.fingerprint == id.as_str()) {
            Some(read) => out.push_str(&change(line, &read).unwrap_or_default()),
            None => out.push_str(line),
        }
    }
    (out != text).then_some(out)
}

pub(crate) fn disable(text: &str, id: &CredentialId) -> Option<String> {
    each(text, id, |line, read| {
        Some(if read.disabled { line.to_owned() } else { format!("{DISABLED}{line}") })
    })
}

pub(crate) fn enable(text: &str, id: &CredentialId) -> Option<String> {
    each(text, id, |line, _| Some(line.strip_prefix(DISABLED).unwrap_or(line).to_owned()))
}

pub(crate) fn remove(text: &str, id: &CredentialId) -> Option<String> {
    each(text, id, |_, _| None)
}

#[cfg(test)]
mod tests;
