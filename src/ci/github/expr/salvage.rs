//! References in a text that is no valid expression. GitHub refuses it, so nothing is more than
//! possible; but it was meant to name something.

use super::{
    Found, Reference,
    path::{Access, is_context, resolve},
};
use crate::ci::model::Certainty;

/// Longer than any name; it keeps the search for brackets that do not close linear.
const MAX_INDEX: usize = 300;

pub(super) fn references(body: &str) -> Vec<Found> {
    let mut scan = Scan { body, at: 0, quotes_end: false };
    let mut found = Vec::new();
    while scan.at < body.len() {
        if scan.skip_literal() {
            continue;
        }
        let start = scan.at;
        let Some(word) = scan.word() else {
            scan.at += body[start..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let member = body[..start].trim_end().ends_with('.');
        if member || !is_context(word) || scan.rest().trim_start().starts_with('(') {
            continue;
        }
        let path = scan.accesses();
        // Words such as `env` and `github` stand in any prose.
        if path.is_empty() && !word.eq_ignore_ascii_case("secrets") {
            continue;
        }
        let reference = match resolve(word, &path).reference {
            Reference::DynamicSecret { .. } => Reference::WholeSecrets,
            reference => reference,
        };
        if !matches!(reference, Reference::Other(_)) {
            let certainty = Certainty::Possible;
            found.push(Found { reference, certainty, in_value: true, at: start });
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

struct Scan<'a> {
    body: &'a str,
    at: usize,
    /// No quote is left that could end a literal.
    quotes_end: bool,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        &self.body[self.at..]
    }

    /// A literal that ends is skipped; a lone quote is a character like any other.
    fn skip_literal(&mut self) -> bool {
        if self.quotes_end || !self.rest().starts_with('\'') {
            return false;
        }
        match self.rest()[1..].find('\'') {
            Some(length) => self.at += length + 2,
            None => self.quotes_end = true,
        }
        !self.quotes_end
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        self.at += end;
        Some(&rest[..end])
    }

    /// What can be read of the path. A computed index is left to be scanned itself.
    fn accesses(&mut self) -> Vec<Access<'a>> {
        let mut path = Vec::new();
        loop {
            let before = self.at;
            if self.skip('.') {
                self.skip_blanks();
                if self.skip('*') {
                    path.push(Access::Star);
                } else if let Some(word) = self.word() {
                    path.push(Access::Name(word.into()));
                } else {
                    self.at = before;
                    return path;
                }
            } else if self.skip('[') {
                match self.index() {
                    Some(access) => path.push(access),
                    None => {
                        path.push(Access::Computed(""));
                        return path;
                    }
                }
            } else {
                return path;
            }
        }
    }

    /// `'name']`, `"name"]`, `*]`; nothing is taken where it is none of these.
    fn index(&mut self) -> Option<Access<'a>> {
        let inner = self.rest();
        let end = inner.bytes().take(MAX_INDEX).position(|byte| byte == b']')?;
        let text = inner[..end].trim();
        let access = match text.chars().next()? {
            '*' if text.len() == 1 => Access::Star,
            quote @ ('\'' | '"') => {
                let name = text.strip_prefix(quote)?.strip_suffix(quote)?;
                // Two quotes far apart enclose anything but a name.
                name.chars().all(is_word).then_some(Access::Name(name.into()))?
            }
            _ => return None,
        };
        self.at += end + 1;
        Some(access)
    }

    fn skip(&mut self, wanted: char) -> bool {
        let rest = self.rest().trim_start();
        let found = rest.strip_prefix(wanted);
        if let Some(after) = found {
            self.at = self.body.len() - after.len();
        }
        found.is_some()
    }

    fn skip_blanks(&mut self) {
        self.at = self.body.len() - self.rest().trim_start().len();
    }
}
