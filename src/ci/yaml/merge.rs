//! Merge keys (`<<`) and keys that are written twice.

use std::{collections::HashSet, sync::Arc};

use super::{Entry, Node, NodeKind};

/// Below this a walk is cheaper than a hash.
const FEW: usize = 12;

/// Positions of entries whose key was there before.
pub(super) fn duplicates(entries: &[Entry]) -> Vec<usize> {
    let mut seen = Keys::new(entries.len());
    (0..entries.len()).filter(|i| !seen.insert(entries, *i)).collect()
}

/// Adds to the entries of one mapping what its merge keys bring. Own keys win, then the earlier
/// mapping.
pub(super) struct Merge<'a> {
    entries: &'a mut Vec<Entry>,
    seen: HashSet<Arc<str>>,
}

impl<'a> Merge<'a> {
    pub(super) fn into(entries: &'a mut Vec<Entry>) -> Self {
        let seen = entries.iter().map(|entry| entry.key.text.clone()).collect();
        Self { entries, seen }
    }

    /// `None` where the value is neither a mapping nor a list of mappings. Each entry that is looked
    /// at costs one of `budget`; the rest is left out.
    pub(super) fn add(&mut self, value: &Node, budget: &mut usize) -> Option<()> {
        for map in mappings(value)? {
            let from = self.entries.len();
            // From the end: a mapping that says a key twice means the last.
            for entry in map.entries().iter().rev() {
                *budget = budget.saturating_sub(1);
                if *budget == 0 {
                    break;
                }
                if self.seen.insert(entry.key.text.clone()) {
                    self.entries.push(Entry { merged: true, ..entry.clone() });
                }
            }
            self.entries[from..].reverse();
        }
        Some(())
    }

    /// A merge key that merges nothing is an entry like any other.
    pub(super) fn keep(&mut self, entry: Entry) {
        self.entries.push(entry);
    }
}

fn mappings(value: &Node) -> Option<Vec<&Node>> {
    match &value.kind {
        NodeKind::Map(_) => Some(vec![value]),
        NodeKind::Seq(items) => items
            .iter()
            .map(|item| matches!(item.kind, NodeKind::Map(_)).then_some(&**item))
            .collect(),
        NodeKind::Null | NodeKind::Scalar(_) => None,
    }
}

enum Keys {
    Few,
    Many(HashSet<Arc<str>>),
}

impl Keys {
    fn new(count: usize) -> Self {
        if count <= FEW { Self::Few } else { Self::Many(HashSet::with_capacity(count)) }
    }

    fn insert(&mut self, entries: &[Entry], i: usize) -> bool {
        let key = &entries[i].key.text;
        match self {
            Self::Few => entries[..i].iter().all(|earlier| earlier.key.text != *key),
            Self::Many(seen) => seen.insert(key.clone()),
        }
    }
}
