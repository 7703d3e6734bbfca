//! Several records of one incident: their union, and what they contradict each other in.

use std::collections::BTreeSet;

use super::{Imported, RECORD};
use crate::incident::document::{Bound, Component, Document};

/// One draft of all. The first record names it; what only one of two records lists is bad, and noted.
pub fn join(found: Vec<Imported>) -> Imported {
    let several = found.len() > 1;
    let mut all = found.into_iter().enumerate();
    let Some((_, mut first)) = all.next() else {
        return Imported { document: empty(), notes: Vec::new() };
    };
    if several {
        rename(&mut first.document, 1);
    }
    for (i, mut next) in all {
        rename(&mut next.document, i + 1);
        conflicts(&first.document, &next.document, &mut first.notes);
        let (into, from) = (&mut first.document, next.document);
        into.sources.extend(from.sources);
        into.components.extend(from.components);
        into.guidance.extend(from.guidance);
        for alias in from.aliases {
            if !into.aliases.contains(&alias) {
                into.aliases.push(alias);
            }
        }
        for indicator in from.indicators {
            if into.indicators.iter().all(|known| known.value != indicator.value) {
                into.indicators.push(indicator);
            }
        }
        for note in next.notes {
            if !first.notes.contains(&note) {
                first.notes.push(note);
            }
        }
    }
    for (i, component) in first.document.components.iter_mut().enumerate() {
        component.id = format!("component-{}", i + 1);
    }
    first
}

fn empty() -> Document {
    let said = super::Said::default();
    super::document("none", "none", super::source("", "", super::Trust::Weak, &said), &said)
}

/// Sources of two records must not share a key.
fn rename(document: &mut Document, number: usize) {
    let new = |source: &mut String| *source = format!("{source}-{number}");
    document.sources = std::mem::take(&mut document.sources)
        .into_iter()
        .map(|(key, source)| (format!("{key}-{number}"), source))
        .collect();
    document.indicators.iter_mut().for_each(|one| new(&mut one.source));
    document.guidance.iter_mut().for_each(|one| new(&mut one.source));
    for component in &mut document.components {
        new(&mut component.source);
        let windows = component.windows.iter_mut();
        let bounds = windows.flat_map(|w| [&mut w.from, &mut w.to]).flatten();
        bounds.for_each(|bound: &mut Bound| new(&mut bound.source));
        component.refs.iter_mut().for_each(|one| new(&mut one.source));
        component.bad_commits.iter_mut().for_each(|one| new(&mut one.source));
        component.bad_digests.iter_mut().for_each(|one| new(&mut one.source));
        let fallbacks = [&mut component.other_refs, &mut component.other_commits];
        fallbacks.into_iter().flatten().for_each(|one| new(&mut one.source));
    }
    debug_assert!(!document.sources.contains_key(RECORD));
}

/// Lists of versions that differ: nobody may find that out by chance.
fn conflicts(a: &Document, b: &Document, notes: &mut Vec<String>) {
    let releases = |document: &Document| -> BTreeSet<String> {
        document.components.iter().flat_map(|c: &Component| c.packages.clone()).collect()
    };
    let names = |set: &BTreeSet<String>| -> BTreeSet<String> {
        set.iter().filter_map(|one| Some(one.rsplit_once('@')?.0.to_owned())).collect()
    };
    let (of_a, of_b) = (releases(a), releases(b));
    for name in names(&of_a).intersection(&names(&of_b)) {
        let own = |set: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
            let versions = set.difference(other).filter_map(|one| one.rsplit_once('@'));
            versions.filter(|(of, _)| of == name).map(|(_, version)| version.to_owned()).collect()
        };
        let (only_a, only_b) = (own(&of_a, &of_b), own(&of_b, &of_a));
        for (only, who, other) in [(only_a, &a.title, &b.title), (only_b, &b.title, &a.title)] {
            if !only.is_empty() {
                notes.push(format!(
                    "version conflict: `{name}` {} is listed by \"{who}\" and not by \"{other}\"; the union counts",
                    only.join(", ")
                ));
            }
        }
    }
}
