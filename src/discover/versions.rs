//! Lowered versions of CI files, found again by what their lowering had asked.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    objects::{Mode, Objects, Slot},
    recorded::{Asked, Content, Recorded, Within},
    tree::GitTree,
};
use crate::{
    ci::{catalog::Entry, model::Pipeline},
    discover::Lower,
};

pub(crate) type VersionId = u32;

/// One content of one file with what was read for it.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) entry: Entry,
    pub(crate) pipelines: Vec<Arc<Pipeline>>,
}

/// The result of one lowering, not yet filed.
pub(crate) struct Lowered {
    path: Arc<str>,
    entry: Entry,
    trace: Vec<(Asked, Content)>,
    pipelines: Vec<Arc<Pipeline>>,
}

impl Lowered {
    pub(crate) fn new(
        tree: &GitTree<'_>,
        path: &Arc<str>,
        entry: Entry,
        within: Within,
        lower: &Lower<'_>,
    ) -> Self {
        let recorded = Recorded::new(tree, within);
        let pipelines = lower(&recorded, path, entry).into_iter().map(Arc::new).collect();
        Self { path: Arc::clone(path), entry, trace: recorded.into_trace(), pipelines }
    }
}

/// All versions so far.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    pub(crate) list: Vec<Version>,
    roots: HashMap<(Arc<str>, Entry), Node>,
    /// Every path that any of them depends on.
    pub(crate) watch: Watch,
}

/// A lowering asks the same next question after the same answers, so its results form a tree.
#[derive(Debug, Default)]
struct Node {
    /// Usually one question; more only if a lowering did not keep its order.
    next: Vec<(Asked, HashMap<Content, Node>)>,
    found: Option<VersionId>,
}

impl Versions {
    /// The version of `path` where the files answer so.
    pub(crate) fn find(
        &self,
        path: &Arc<str>,
        entry: Entry,
        answer: &mut dyn FnMut(&Asked) -> Content,
    ) -> Option<VersionId> {
        self.roots.get(&(Arc::clone(path), entry))?.find(answer)
    }

    /// All files of which a version is known.
    pub(crate) fn paths(&self) -> Vec<(Arc<str>, Entry)> {
        self.roots.keys().cloned().collect()
    }

    /// As [`Versions::find`] in a commit; links on the way are watched from then on.
    pub(crate) fn find_in(
        &mut self,
        tree: &GitTree<'_>,
        path: &Arc<str>,
        entry: Entry,
    ) -> Option<VersionId> {
        let mut links = Vec::new();
        let found = self.find(path, entry, &mut |asked| {
            let mut visited = Vec::new();
            let content = tree.answer(asked, &mut visited);
            if visited.len() > 1 {
                links.append(&mut visited);
            }
            content
        });
        for path in links {
            self.watch.add(&path, Part::Content);
        }
        found
    }

    pub(crate) fn insert(&mut self, lowered: Lowered, tree: &GitTree<'_>) -> VersionId {
        let mut node = self.roots.entry((lowered.path, lowered.entry)).or_default();
        for (asked, content) in lowered.trace {
            let mut visited = Vec::new();
            tree.answer(&asked, &mut visited);
            for path in &visited {
                self.watch.add(path, Part::Content);
            }
            match &asked {
                Asked::Read(path) => self.watch.add(path, Part::Content),
                Asked::List(path) => self.watch.add(path, Part::Names),
            }
            let at = node.next.iter().position(|(question, _)| *question == asked);
            let at = at.unwrap_or_else(|| {
                node.next.push((asked, HashMap::new()));
                node.next.len() - 1
            });
            node = node.next[at].1.entry(content).or_default();
        }
        *node.found.get_or_insert_with(|| {
            let id = self.list.len() as VersionId;
            self.list.push(Version { entry: lowered.entry, pipelines: lowered.pipelines });
            id
        })
    }
}

impl Node {
    fn find(&self, answer: &mut dyn FnMut(&Asked) -> Content) -> Option<VersionId> {
        // The longer trace first: a shorter one is of a lowering that was not shown all files.
        let longer =
            self.next.iter().find_map(|(asked, after)| after.get(&answer(asked))?.find(answer));
        longer.or(self.found)
    }
}

/// Paths whose change may change a version.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    content: bool,
    names: bool,
    inside: BTreeMap<Box<str>, Watch>,
}

#[derive(Clone, Copy)]
enum Part {
    Content,
    Names,
}

impl Watch {
    fn add(&mut self, path: &str, part: Part) {
        let mut at = self;
        for name in path.split('/').filter(|name| !matches!(*name, "" | ".")) {
            // A key is made only where it is new: this runs for every question of every commit.
            if !at.inside.contains_key(name) {
                at.inside.insert(name.into(), Self::default());
            }
            let Some(next) = at.inside.get_mut(name) else { return };
            at = next;
        }
        match part {
            Part::Content => at.content = true,
            Part::Names => at.names = true,
        }
    }

    /// Whether nothing is watched but what stands at these names at the top, and below.
    pub(crate) fn is_within(&self, names: &[&str]) -> bool {
        !self.names && self.inside.keys().all(|name| names.contains(&&**name))
    }

    /// Whether all watched paths are the same in two commits. `false` is the safe answer.
    pub(crate) fn same(&self, objects: &Objects, a: Option<Slot>, b: Option<Slot>) -> bool {
        if a == b {
            return true;
        }
        let folder = |slot: Option<Slot>| slot.filter(|slot| slot.mode == Mode::Folder);
        match (folder(a), folder(b)) {
            (None, None) => !self.content,
            (Some(a), Some(b)) => {
                let (Ok(a), Ok(b)) = (objects.tree(a.id), objects.tree(b.id)) else { return false };
                (!self.names || a.names_digest() == b.names_digest())
                    && self.inside.iter().all(|(name, watch)| {
                        watch.same(objects, a.find(name.as_bytes()), b.find(name.as_bytes()))
                    })
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}
