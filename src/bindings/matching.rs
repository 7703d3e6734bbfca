//! Which binding speaks for a placement.

use std::ops::Range;

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

use super::Binding;
use crate::config::{ConfigError, Source};

/// What the book says of one placement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Match<'b> {
    /// Nothing.
    Unbound,
    One(&'b Binding),
    /// Several that do not agree. Nobody guesses between them.
    Conflict(Vec<&'b Binding>),
}

#[derive(Clone, Debug)]
pub(super) struct Matcher(GlobSet);

impl Matcher {
    pub(super) fn new(
        source: &Source,
        bindings: &[(Binding, Range<usize>)],
    ) -> Result<Self, Vec<ConfigError>> {
        let (mut set, mut errors) = (GlobSetBuilder::new(), Vec::new());
        for (binding, at) in bindings {
            match GlobBuilder::new(&binding.placement)
                .literal_separator(true)
                .empty_alternates(true)
                .build()
            {
                Ok(glob) => {
                    set.add(glob);
                }
                Err(error) => errors.push(source.error(
                    at.clone(),
                    format!("no glob: {}", error.kind()),
                    "`*` stands for what is between two `/`, `**` for more; `\\*` is a star itself",
                )),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        set.build().map(Self).map_err(|_| {
            let hint = "write fewer patterns, or shorter ones";
            vec![source.error(0..0, "more patterns than can be held", hint)]
        })
    }

    /// A row that names the placement itself goes before patterns.
    pub(super) fn find<'b>(&self, rows: &'b [Binding], names: &[impl AsRef<str>]) -> Match<'b> {
        let mut found: Vec<&Binding> = self.all(rows, names).collect();
        if found.iter().any(|binding| binding.is_exact()) {
            found.retain(|binding| binding.is_exact());
        }
        match &found[..] {
            [] => Match::Unbound,
            [first, others @ ..] if others.iter().all(|other| other.agrees(first)) => {
                Match::One(first)
            }
            _ => Match::Conflict(found),
        }
    }

    /// Every row that matches one of the names, in the order of the book.
    pub(super) fn all<'b>(
        &self,
        rows: &'b [Binding],
        names: &[impl AsRef<str>],
    ) -> impl Iterator<Item = &'b Binding> {
        let mut at: Vec<usize> = names
            .iter()
            .flat_map(|name| self.0.matches_candidate(&Candidate::new(name.as_ref())))
            .collect();
        at.sort_unstable();
        at.dedup();
        at.into_iter().filter_map(|at| rows.get(at))
    }
}
