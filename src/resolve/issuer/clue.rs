//! The signs that one repository gives, kept small: what is read of a pipeline is dropped after it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{IssuerEvidence, Sign, table::Is};
use crate::ci::model::{Place, Scope, Secret};

/// Signs of one secret that are kept; the strongest first seen of each row and place.
const MOST_CLUES: usize = 24;
/// Uses of several secrets together.
const MOST_TOGETHER: usize = 4_000;

/// Everything that tells what the secrets of one repository are.
#[derive(Clone, Debug, Default)]
pub struct Clues {
    pub(super) of: BTreeMap<Key, About>,
    /// Secrets of one step or command, with the kind and field that it gives each.
    pub(super) together: BTreeSet<Vec<(Key, String, String)>>,
}

/// A secret by name. Names of the platform are without case.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Key {
    pub(super) class: Class,
    pub(super) name: String,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Class {
    Stored,
    Job,
    Literal,
}

impl Key {
    pub(super) fn of(secret: &Secret) -> Self {
        let class = match secret.scope {
            Scope::Job => Class::Job,
            Scope::Literal => Class::Literal,
            _ => Class::Stored,
        };
        Self { class, name: secret.name.to_ascii_uppercase() }
    }

    /// As a report names it.
    pub(super) fn named(scope: &str, name: &str) -> Self {
        let class = match scope {
            "job" => Class::Job,
            "literal" => Class::Literal,
            _ => Class::Stored,
        };
        Self { class, name: name.to_ascii_uppercase() }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct About {
    pub(super) clues: Vec<Clue>,
    pub(super) scopes: BTreeSet<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Clue {
    pub(super) evidence: IssuerEvidence,
    pub(super) field: Option<String>,
    pub(super) account: Option<String>,
}

impl Clues {
    pub(super) fn add(&mut self, secret: &Secret, sign: &Seen<'_>) {
        let about = self.of.entry(Key::of(secret)).or_default();
        let evidence = IssuerEvidence {
            how: sign.how,
            kind: sign.is.kind.clone(),
            file: sign.place.file.to_string(),
            line: sign.place.line,
            row: sign.row.clone(),
        };
        let same = |clue: &Clue| {
            (clue.evidence.how, &clue.evidence.row, &clue.evidence.file)
                == (evidence.how, &evidence.row, &evidence.file)
                && clue.evidence.kind == evidence.kind
        };
        if about.clues.len() < MOST_CLUES && !about.clues.iter().any(same) {
            let (field, account) = (sign.is.field.clone(), sign.account.clone());
            about.clues.push(Clue { evidence, field, account });
        }
    }

    pub(super) fn scope(&mut self, secret: &Secret) {
        let about = self.of.entry(Key::of(secret)).or_default();
        match &secret.scope {
            Scope::Unknown(candidates) => {
                about.scopes.extend(candidates.iter().map(ToString::to_string));
            }
            Scope::Environment(name) => {
                about.scopes.insert(format!("environment:{name}"));
            }
            Scope::Context(name) => {
                about.scopes.insert(format!("context:{name}"));
            }
            Scope::Repo => {
                about.scopes.insert("repo".to_owned());
            }
            Scope::Org => {
                about.scopes.insert("org".to_owned());
            }
            Scope::Job | Scope::Project | Scope::Literal => {}
        }
    }

    /// Notes what was used in one place.
    pub(super) fn used_together(&mut self, mut uses: Vec<(Key, String, String)>) {
        uses.sort();
        uses.dedup();
        if uses.len() > 1 && self.together.len() < MOST_TOGETHER {
            self.together.insert(uses);
        }
    }
}

/// One sign, before it is kept.
pub(super) struct Seen<'a> {
    pub(super) how: Sign,
    pub(super) is: &'a Is,
    pub(super) place: &'a Place,
    pub(super) row: String,
    pub(super) account: Option<String>,
}

/// A plain text of a step by the name of its input or variable.
pub(super) fn setting<'a>(settings: &'a [(String, Arc<str>)], name: &str) -> Option<&'a str> {
    settings.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, text)| &**text)
}
