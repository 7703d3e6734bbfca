//! `secrets.X`, `matrix.a.b`: most expressions are such a path, and need no grammar.

use super::{
    Found,
    path::{Access, Resolved, Shape, resolve},
};

/// The path's head, what is behind it, and where it starts.
struct Path<'a> {
    head: &'a str,
    accesses: Vec<Access<'a>>,
    at: usize,
}

/// `None` where the expression is anything else.
fn path(body: &str) -> Option<Path<'_>> {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    let text = body.trim_matches(blank);
    let (head, rest) = text.split_once('.')?;
    let mut parts = std::iter::once(head).chain(rest.split('.'));
    if !parts.all(is_name) {
        return None;
    }
    let accesses = rest.split('.').map(|name| Access::Name(name.into())).collect();
    Some(Path { head, accesses, at: body.len() - body.trim_start_matches(blank).len() })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

pub(super) fn resolved(body: &str) -> Option<Resolved> {
    path(body).map(|path| resolve(path.head, &path.accesses))
}

pub(super) fn reference(body: &str) -> Option<Found> {
    let path = path(body)?;
    let Resolved { reference, certainty, shape } = resolve(path.head, &path.accesses);
    Some(Found { reference, certainty, in_value: shape != Shape::Nothing, at: path.at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::github::expr::{flow, syntax};

    #[test]
    fn it_answers_as_the_grammar_does() {
        for body in [
            " secrets.X ",
            "secrets.github_token",
            "secrets.a.b",
            "github.token",
            "github.event.inputs.x",
            "github.event.pull_request.head.sha",
            "matrix.a.b-c",
            "steps.x.outputs.y",
            "steps.x.outcome",
            "steps.x.outputs",
            "needs.a.outputs.b",
            "needs.a",
            "env.X",
            "inputs._x",
            "vars.X",
            "runner.temp",
        ] {
            let parsed = syntax::parse(body).expect("valid").expect("not empty");
            assert_eq!(
                reference(body).into_iter().collect::<Vec<_>>(),
                flow::references(&parsed),
                "{body}"
            );
        }
        for body in
            ["secrets", "1.5", "a..b", "a.b()", "a.*", "a.b c", "a['b']", "a.1", "!a.b", "", "."]
        {
            assert_eq!(reference(body), None, "{body}");
        }
    }
}
