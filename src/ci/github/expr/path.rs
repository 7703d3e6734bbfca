//! A context and the accesses behind it → what it refers to.

use std::borrow::Cow;

use super::{ANY, Reference};
use crate::ci::model::Certainty;

/// One step into a context.
#[derive(Clone, Debug)]
pub(super) enum Access<'a> {
    /// `.name` or `['name']`.
    Name(Cow<'a, str>),
    /// `.*` or `[*]`.
    Star,
    /// `[expression]`, by its text.
    Computed(&'a str),
}

/// What a path evaluates to, as far as it decides where the secret goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// A property of a text: always null.
    Nothing,
    Scalar,
    Array,
    Object,
}

#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) reference: Reference,
    pub(super) certainty: Certainty,
    pub(super) shape: Shape,
}

/// Whether a word is a context that [`resolve`] has a [`Reference`] of its own for.
pub(super) fn is_context(word: &str) -> bool {
    ["secrets", "github", "env", "inputs", "vars", "matrix", "steps", "needs", "jobs"]
        .iter()
        .any(|context| context.eq_ignore_ascii_case(word))
}

pub(super) fn resolve(context: &str, path: &[Access<'_>]) -> Resolved {
    match context.to_ascii_lowercase().as_str() {
        "secrets" => secrets(path),
        "github" => github(path),
        "env" => named(path, Reference::Env, Reference::WholeEnv),
        "inputs" => named(path, Reference::Input, Reference::WholeInputs),
        "vars" => named(path, Reference::Vars, Reference::WholeVars),
        "matrix" => {
            let names = path.iter().map(|access| name(Some(access))).collect();
            sure(Reference::Matrix(names), shape(path, usize::MAX)).weakened(path)
        }
        "steps" => outputs("steps", path, |step, output| match (&*step, &*output) {
            (ANY, ANY) => Reference::WholeSteps,
            _ => Reference::StepOutput { step, output },
        }),
        "needs" => outputs("needs", path, |job, output| Reference::NeedsOutput { job, output }),
        "jobs" => outputs("jobs", path, |job, output| Reference::JobOutput { job, output }),
        other => unnamed(other, path),
    }
}

fn secrets(path: &[Access<'_>]) -> Resolved {
    let reference = match path.first() {
        None | Some(Access::Star) => Reference::WholeSecrets,
        Some(Access::Name(name)) => match name.to_ascii_uppercase() {
            name if name == "GITHUB_TOKEN" => Reference::GithubToken,
            name if name == ANY => Reference::WholeSecrets,
            name => Reference::Secret(name),
        },
        Some(Access::Computed(index)) => Reference::DynamicSecret { index: (*index).to_owned() },
    };
    sure(reference, shape(path, 1))
}

fn github(path: &[Access<'_>]) -> Resolved {
    match path {
        [] | [Access::Star, ..] => sure(Reference::GithubToken, shape(path, 1)),
        [Access::Computed(_), ..] => sure(Reference::GithubToken, shape(path, 1)).weakened(path),
        [Access::Name(name), ..] if name.eq_ignore_ascii_case("token") => {
            sure(Reference::GithubToken, shape(path, 1))
        }
        [Access::Name(event), Access::Name(inputs), rest @ ..]
            if event.eq_ignore_ascii_case("event") && inputs.eq_ignore_ascii_case("inputs") =>
        {
            named(rest, Reference::Input, Reference::WholeInputs)
        }
        path => unnamed("github", path),
    }
}

/// A context of texts.
fn named(path: &[Access<'_>], one: fn(String) -> Reference, whole: Reference) -> Resolved {
    let reference = match path.first() {
        Some(Access::Name(name)) => one(name.to_string()),
        None | Some(Access::Star | Access::Computed(_)) => whole,
    };
    sure(reference, shape(path, 1)).weakened(&path[..path.len().min(1)])
}

/// `X.outputs.Y`.
fn outputs(
    context: &str,
    path: &[Access<'_>],
    reference: impl Fn(String, String) -> Reference,
) -> Resolved {
    match path.get(1) {
        Some(Access::Name(word)) if !word.eq_ignore_ascii_case("outputs") => {
            return unnamed(context, path);
        }
        None | Some(_) => {}
    }
    let reference = reference(name(path.first()), name(path.get(2)));
    sure(reference, shape(path, 3)).weakened(&path[..path.len().min(3)])
}

fn unnamed(context: &str, path: &[Access<'_>]) -> Resolved {
    let mut full = context.to_owned();
    for access in path {
        full.push('.');
        full.push_str(&name(Some(access)).to_ascii_lowercase());
    }
    sure(Reference::Other(full), shape(path, usize::MAX))
}

fn name(access: Option<&Access<'_>>) -> String {
    match access {
        Some(Access::Name(name)) => name.to_string(),
        None | Some(Access::Star | Access::Computed(_)) => ANY.to_owned(),
    }
}

/// What `path` gives in a context whose values are texts at depth `leaf`.
fn shape(path: &[Access<'_>], leaf: usize) -> Shape {
    let starred = path.iter().take(leaf).any(|access| matches!(access, Access::Star));
    match path.len() {
        _ if starred => Shape::Array,
        n if n > leaf => Shape::Nothing,
        n if n == leaf || leaf == usize::MAX => Shape::Scalar,
        _ => Shape::Object,
    }
}

fn sure(reference: Reference, shape: Shape) -> Resolved {
    Resolved { reference, certainty: Certainty::Inferred, shape }
}

impl Resolved {
    /// A computed index may mean another one.
    fn weakened(mut self, path: &[Access<'_>]) -> Self {
        if path.iter().any(|access| matches!(access, Access::Computed(_))) {
            self.certainty = Certainty::Possible;
        }
        self
    }
}
