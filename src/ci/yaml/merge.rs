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

/// What a merge key's value adds to `own`, nearest first: own keys win, then the earlier mapping.
/// `None` where the value is neither a mapping nor a list of mappings.
pub(super) fn merge(own: &mut Vec<Entry>, value: &Node, budget: &mut usize) -> Option<()> {
    let mut seen: HashSet<Arc<str>> = own.iter().map(|entry| entry.key.text.clone()).collect();
    for map in mappings(value)? {
        // A mapping that says a key twice means the last.
        let from = own.len();
        for entry in map.entries().iter().rev() {
            if *budget == 0 {
                break;
            }
            if seen.insert(entry.key.text.clone()) {
                *budget -= 1;
                own.push(Entry { merged: true, ..entry.clone() });
            }
        }
        own[from..].reverse();
    }
    Some(())
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
