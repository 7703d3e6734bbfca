//! The texts without which nothing names a component of the incident, looked for all at once.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::{PackComponent, identity};
use crate::ci::model::Kind;

/// A pack may name a thousand packages, and is asked about every version of every file.
#[derive(Clone, Debug)]
pub(super) struct Clues {
    automaton: Option<AhoCorasick>,
    /// Beside each pattern: whether it counts as a whole word only (`nx` is no part of `nginx`).
    whole: Vec<bool>,
}

impl Clues {
    pub(super) fn new(components: &[PackComponent]) -> Self {
        let mut clues: Vec<(String, bool)> = Vec::new();
        for component in components {
            let packages = component.package_names().map(|name| (Kind::Package, name));
            let names = component.entry.names.iter().map(|name| (component.entry.kind, &**name));
            let all = names.chain(packages);
            clues.extend(
                all.map(|(kind, name)| (identity::clue(kind, name), kind == Kind::Package)),
            );
        }
        clues.sort();
        clues.dedup();
        clues.retain(|(clue, _)| !clue.is_empty());
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            // The other kind takes megabytes for a thousand names.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(clues.iter().map(|(clue, _)| clue));
        // Only a pack of gigabytes does not fit; such a one could be named by anything.
        Self {
            automaton: automaton.ok(),
            whole: clues.into_iter().map(|(_, whole)| whole).collect(),
        }
    }

    pub(super) fn are_in(&self, text: &str) -> bool {
        let Some(automaton) = &self.automaton else { return true };
        let joined = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        automaton.find_overlapping_iter(text).any(|found| {
            let before = found.start().checked_sub(1).and_then(|at| text.as_bytes().get(at));
            let after = text.as_bytes().get(found.end());
            !self.whole[found.pattern().as_usize()] || (!joined(before) && !joined(after))
        })
    }
}
