//! One line of an authorized_keys file, as sshd(8) reads it: `[options] type base64 [comment]`.

use std::collections::BTreeMap;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use sha2::{Digest, Sha256};

/// In front of a line that is out of use. To sshd it is a comment.
pub(crate) const DISABLED: &str = "#keysweep-disabled ";

/// A line with a key.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Line<'t> {
    pub(crate) disabled: bool,
    /// As they are written; empty: none.
    pub(crate) options: &'t str,
    pub(crate) comment: &'t str,
    /// `SHA256:…`, as `ssh-keygen -l` shows it.
    pub(crate) fingerprint: String,
}

impl<'t> Line<'t> {
    /// `None`: no key that sshd would take, so nobody comes in by it.
    pub(crate) fn parse(line: &'t str) -> Option<Self> {
        let bare = line.strip_prefix(DISABLED);
        let text = bare.unwrap_or(line).trim();
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let (options, (fingerprint, comment)) = match key(text) {
            Some(key) => ("", key),
            None => {
                let end = options_end(text);
                (&text[..end], key(text[end..].trim_start())?)
            }
        };
        Some(Self { disabled: bare.is_some(), options, comment, fingerprint })
    }

    /// The options by name. What `environment=` sets is named without its value, which may be a secret.
    pub(crate) fn scope(&self) -> BTreeMap<String, String> {
        let mut scope: BTreeMap<String, String> = BTreeMap::new();
        for option in split(self.options) {
            let (name, value) = option.split_once('=').unwrap_or((option, "yes"));
            let name = name.to_ascii_lowercase();
            let value = value.trim_matches('"').replace("\\\"", "\"");
            let shown = match &*name {
                "environment" => value.split('=').next().unwrap_or_default().to_owned(),
                _ => value,
            };
            let held = scope.entry(name).or_default();
            if !held.is_empty() {
                held.push(',');
            }
            held.push_str(&shown);
        }
        scope
    }
}

/// The fingerprint of `type base64 …`, and what follows it.
pub(crate) fn key(text: &str) -> Option<(String, &str)> {
    let (kind, rest) = text.split_once([' ', '\t'])?;
    let rest = rest.trim_start();
    let (blob, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    let blob = STANDARD.decode(blob).ok()?;
    // The blob begins with its type once more; a certificate's or a key's that does not agree is not taken by sshd.
    let length = u32::from_be_bytes(blob.get(..4)?.try_into().ok()?);
    let named = blob.get(4..4 + usize::try_from(length).ok()?)?;
    if named != kind.as_bytes() {
        return None;
    }
    let digest = STANDARD_NO_PAD.encode(Sha256::digest(&blob));
    Some((format!("SHA256:{digest}"), comment.trim()))
}

/// Up to the first blank outside quotes.
fn options_end(text: &str) -> usize {
    walk(text, |c| c == ' ' || c == '\t').unwrap_or(text.len())
}

fn split(options: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), options);
    while let Some(at) = walk(rest, |c| c == ',') {
        parts.push(&rest[..at]);
        rest = &rest[at + 1..];
    }
    parts.push(rest);
    parts.retain(|part| !part.is_empty());
    parts
}

/// The first place outside quotes where `end` is so.
fn walk(text: &str, end: impl Fn(char) -> bool) -> Option<usize> {
    let (mut quoted, mut before) = (false, ' ');
    for (at, c) in text.char_indices() {
        match c {
            '"' if before != '\\' => quoted = !quoted,
            c if !quoted && end(c) => return Some(at),
            _ => {}
        }
        before = c;
    }
    None
}
