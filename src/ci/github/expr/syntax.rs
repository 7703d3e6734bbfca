//! Expression text → syntax tree, within GitHub's own limits.

use std::borrow::Cow;

use github_actions_expressions::{Expr, SpannedExpr};

/// GitHub's limit, in characters.
const MAX_LENGTH: usize = 21_000;

/// A chain of operators is a tree as deep as it is long, and every walk over it, its drop too, recurses.
/// GitHub would read more; 1,000 characters are 500 times `||`.
const MAX_OPERATORS: usize = 1_000;

/// `None` for an empty expression, which GitHub reads as the empty text.
pub(super) fn parse(body: &str) -> Result<Option<SpannedExpr<'_>>, String> {
    if body.trim().is_empty() {
        return Ok(None);
    }
    if body.len() > MAX_LENGTH && body.chars().count() > MAX_LENGTH {
        return Err(format!("longer than {MAX_LENGTH} characters"));
    }
    if operators(body) > MAX_OPERATORS {
        return Err(format!("more than {MAX_OPERATORS} operator characters"));
    }
    Expr::parse(body).map(Some).map_err(|error| error.to_string())
}

/// An upper bound: those in string literals count too.
fn operators(body: &str) -> usize {
    body.bytes().filter(|byte| matches!(byte, b'|' | b'&' | b'=' | b'<' | b'>' | b'!')).count()
}

/// GitHub takes any Unicode blank between the parts of an expression. Same length, same places.
pub(super) fn with_plain_blanks(body: &str) -> Cow<'_, str> {
    if body.is_ascii() {
        return Cow::Borrowed(body);
    }
    let mut quoted = false;
    let mut out = String::with_capacity(body.len());
    for c in body.chars() {
        quoted ^= c == '\'';
        if !c.is_ascii() && c.is_whitespace() && !quoted {
            out.extend(std::iter::repeat_n(' ', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// `success('job', …)`: GitHub takes names of jobs there, the grammar does not.
pub(super) fn without_job_names(body: &str) -> Cow<'_, str> {
    let lower = body.to_ascii_lowercase();
    let mut cuts = Vec::new();
    for function in ["success(", "failure("] {
        for (at, word) in lower.match_indices(function) {
            let start = at + word.len();
            if let Some(length) = lower[start..].find(')') {
                cuts.push(start..start + length);
            }
        }
    }
    if cuts.is_empty() {
        return Cow::Borrowed(body);
    }
    let mut bytes = body.as_bytes().to_vec();
    cuts.into_iter().for_each(|cut| bytes[cut].fill(b' '));
    String::from_utf8(bytes).map_or(Cow::Borrowed(body), Cow::Owned)
}
