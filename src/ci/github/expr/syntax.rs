//! Expression text → syntax tree, within GitHub's own limits.

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
