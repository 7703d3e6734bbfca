//! GitHub Actions expressions: which secrets and values an expression names, which of them can become
//! part of its value, and the texts it may evaluate to.
//!
//! Expressions are parsed, not searched: a name in a string literal is no reference. What GitHub's own
//! parser would refuse is still searched, token by token, and gives *possible* references.

mod flow;
mod path;
mod plain;
mod salvage;
mod split;
mod syntax;
mod values;

use std::{ops::Range, sync::Arc};

pub use split::split;
pub use values::{Values, evaluate, json, values, values_in_text};

use crate::ci::model::Certainty;

/// Stands in a [`Reference`] for a name that an expression computes, or for all of them.
pub const ANY: &str = "*";

/// A piece of a scalar. Ranges are bytes of the decoded text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Part {
    Text(Range<usize>),
    /// `${{ body }}`.
    Expression {
        /// Braces included.
        range: Range<usize>,
        body: Range<usize>,
    },
    /// `${{` without its end: text to the end of the scalar. GitHub refuses the whole file.
    Unterminated {
        range: Range<usize>,
        body: Range<usize>,
    },
}

/// What an expression names. Names are as written, those of secrets in upper case; GitHub compares
/// all of them without regard to case.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Reference {
    Secret(String),
    /// `secrets[index]` with a computed index: the platform sends every secret, the value is one of
    /// them. [`values`] of `index` gives the names it may have, where the file tells.
    DynamicSecret {
        index: String,
    },
    /// `toJSON(secrets)`, `secrets.*`, bare `secrets`.
    WholeSecrets,
    /// `github.token`, `secrets.GITHUB_TOKEN`; the whole `github` context holds it too.
    GithubToken,
    Env(String),
    WholeEnv,
    /// `inputs.X` and `github.event.inputs.X`.
    Input(String),
    WholeInputs,
    Vars(String),
    WholeVars,
    /// Names along the path; [`ANY`] for a computed one; empty for the whole matrix.
    Matrix(Vec<String>),
    /// Either may be [`ANY`], not both.
    StepOutput {
        step: String,
        output: String,
    },
    WholeSteps,
    /// Either may be [`ANY`].
    NeedsOutput {
        job: String,
        output: String,
    },
    /// `jobs.X.outputs.Y` in the outputs of a reusable workflow. Either may be [`ANY`].
    JobOutput {
        job: String,
        output: String,
    },
    /// Any other context, with dots and in lower case: `github.ref_name`, `runner.temp`.
    Other(String),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    pub reference: Reference,
    /// `Possible` where only a text that is no expression holds it, or where a computed index decides
    /// whether it is the one.
    pub certainty: Certainty,
    /// It can become the value of the expression or a part of it. Where not (`secrets.X != ''`), the
    /// platform sends it to the job all the same.
    pub in_value: bool,
    /// Byte offset of the name in the text that was asked about.
    pub at: usize,
}

/// The references of one expression, given without its braces: also a bare `if:`.
pub fn references(body: &str) -> Vec<Found> {
    if let Some(found) = plain::reference(body) {
        return vec![found];
    }
    let body = &*syntax::with_plain_blanks(body);
    let found = match syntax::parse(body) {
        Ok(None) => Vec::new(),
        Ok(Some(expression)) => flow::references(&expression),
        Err(_) => salvage::references(body),
    };
    merged(found)
}

/// The references of a scalar with any number of `${{ … }}`.
pub fn references_in_text(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for part in split(text) {
        let (body, of_body) = match part {
            Part::Text(_) => continue,
            Part::Expression { body, .. } => (body.clone(), references(&text[body])),
            Part::Unterminated { body, .. } => (body.clone(), salvage::references(&text[body])),
        };
        found.extend(of_body.into_iter().map(|f| Found { at: f.at + body.start, ..f }));
    }
    merged(found)
}

/// The references of an `if:`, written bare or with `${{ … }}`.
pub fn references_in_condition(text: &str) -> Vec<Found> {
    if text.contains(split::OPEN) { references_in_text(text) } else { references(text) }
}

/// Why GitHub would not read this expression; `None` where it would.
pub fn refusal(body: &str) -> Option<String> {
    if plain::reference(body).is_some() {
        return None;
    }
    let body = syntax::with_plain_blanks(body);
    syntax::parse(&syntax::without_job_names(&body)).err()
}

/// One entry for each reference: the first place, the stronger certainty.
fn merged(found: Vec<Found>) -> Vec<Found> {
    let mut merged: Vec<Found> = Vec::with_capacity(found.len());
    let mut places = std::collections::HashMap::new();
    for one in found {
        match places.get(&one.reference) {
            None => {
                places.insert(one.reference.clone(), merged.len());
                merged.push(one);
            }
            Some(&i) => {
                let known: &mut Found = &mut merged[i];
                known.certainty = known.certainty.min(one.certainty);
                known.in_value |= one.in_value;
                known.at = known.at.min(one.at);
            }
        }
    }
    merged
}

/// What the file tells of the value of a reference; empty where nothing.
pub type Lookup<'a> = &'a dyn Fn(&Reference) -> Vec<Arc<str>>;
