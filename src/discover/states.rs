//! Which versions each commit holds.
//!
//! Neighbours mostly hold the same, so a commit is compared with one that is known before it is looked
//! at file by file.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use gix::ObjectId;
use rayon::prelude::*;

use super::{
    Lower,
    clone::Clone,
    graph::{Graph, Index},
    objects::{Mode, Slot},
    recorded::Within,
    survey::{Find, Found, TreeSurvey},
    tree::GitTree,
    versions::{Lowered, VersionId, Versions},
};
use crate::ci::catalog::Entry;

/// Commits searched at once: enough for all cores, few enough to hold.
const BATCH: usize = 256;

/// A file to lower, in a commit that holds it.
pub(super) type Task = (Index, Arc<str>, Entry);
pub(super) type ListId = u32;
pub(super) type StateId = u32;

/// What a commit holds: its CI files by name, and the version of each that is an entry.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct State {
    /// `None` outside of the window, where only known versions are looked for.
    list: Option<ListId>,
    pub(super) versions: Vec<VersionId>,
}

impl State {
    fn new(list: Option<ListId>, mut versions: Vec<VersionId>) -> Self {
        versions.sort_unstable();
        Self { list, versions }
    }
}

/// What is known of the commits.
pub(super) struct States<'a> {
    pub(super) clone: &'a Clone,
    pub(super) graph: &'a Graph,
    pub(super) lower: &'a Lower<'a>,
    pub(super) survey: TreeSurvey<'a>,
    pub(super) lists: Interned<Vec<Find>>,
    by_tree: HashMap<ObjectId, ListId>,
    pub(super) versions: Versions,
    all: Interned<State>,
    /// Of each commit that was looked at.
    pub(super) of: Vec<Option<StateId>>,
    /// Versions from here on were in force outside of the window only.
    pub(super) first_outside: Option<VersionId>,
}

impl<'a> States<'a> {
    pub(super) fn new(clone: &'a Clone, graph: &'a Graph, lower: &'a Lower<'a>) -> Self {
        Self {
            clone,
            graph,
            lower,
            survey: TreeSurvey::new(&clone.objects),
            lists: Interned::default(),
            by_tree: HashMap::new(),
            versions: Versions::default(),
            all: Interned::default(),
            of: vec![None; graph.commits.len()],
            first_outside: None,
        }
    }

    pub(super) fn tree(&self, at: Index) -> GitTree<'a> {
        GitTree::new(&self.clone.objects, self.graph.commit(at).tree)
    }

    /// Searches the commits for CI files by name.
    fn search(&mut self, commits: &[Index]) {
        let mut roots: Vec<ObjectId> =
            commits.iter().map(|at| self.graph.commit(*at).tree).collect();
        let mut new = HashSet::new();
        roots.retain(|root| !self.by_tree.contains_key(root) && new.insert(*root));
        for batch in roots.chunks(BATCH) {
            let found: Vec<Vec<Find>> =
                batch.par_iter().map(|root| self.survey.commit(*root)).collect();
            for (root, finds) in batch.iter().zip(found) {
                let list = self.lists.id(finds);
                self.by_tree.insert(*root, list);
            }
        }
    }

    /// Gives each of the commits its state.
    pub(super) fn lower_all(&mut self, commits: &[Index]) {
        self.search(commits);
        self.lower_each_content_once(commits);
        let mut last = None;
        for at in commits {
            let parents = &self.graph.commit(*at).parents;
            let near = parents.iter().find(|parent| self.of[**parent as usize].is_some());
            let state = self.state_in_window(*at, near.copied().or(last));
            self.of[*at as usize] = Some(state);
            last = Some(*at);
        }
    }

    /// Most versions differ in the file itself; these are lowered together, on all cores. What differs
    /// only in a script that is called comes to light commit by commit.
    fn lower_each_content_once(&mut self, commits: &[Index]) {
        let mut lists = HashSet::new();
        let mut contents = HashSet::new();
        let mut work: Vec<Task> = Vec::new();
        for at in commits {
            let list = self.list(*at);
            if !lists.insert(list) {
                continue;
            }
            for find in self.lists.get(list) {
                if let Found::Entry(entry, Some(id)) = find.what
                    && contents.insert((Arc::clone(&find.path), id))
                {
                    work.push((*at, Arc::clone(&find.path), entry));
                }
            }
        }
        self.lower_now(work, Within::Everything);
    }

    pub(super) fn lower_now(&mut self, work: Vec<Task>, within: Within) -> Vec<VersionId> {
        let lowered: Vec<(Index, Lowered)> = work
            .into_par_iter()
            .map(|(at, path, entry)| {
                let tree = GitTree::new(&self.clone.objects, self.graph.commit(at).tree);
                (at, Lowered::new(&tree, &path, entry, within, self.lower))
            })
            .collect();
        let insert = |(at, lowered)| {
            let tree = GitTree::new(&self.clone.objects, self.graph.commit(at).tree);
            self.versions.insert(lowered, &tree)
        };
        lowered.into_iter().map(insert).collect()
    }

    pub(super) fn list(&self, at: Index) -> ListId {
        self.by_tree[&self.graph.commit(at).tree]
    }

    /// The state of a commit whose files are all to be lowered; `near` is one that probably has the same.
    fn state_in_window(&mut self, at: Index, near: Option<Index>) -> StateId {
        let list = self.list(at);
        if let Some(state) = near.and_then(|near| self.unchanged(near, at))
            && self.all.get(state).list == Some(list)
        {
            return state;
        }
        let finds = self.lists.shared(list);
        let entries = finds.iter().filter_map(|find| match find.what {
            Found::Entry(entry, _) => Some((&find.path, entry)),
            Found::Unread(_) | Found::Trouble(_) | Found::Nested => None,
        });
        let (mut versions, missing) = self.find_versions(at, entries);
        versions.extend(self.lower_now(missing, Within::Everything));
        self.state(Some(list), versions)
    }

    /// The state of another commit, as far as it holds versions that are known from the window.
    fn state_beyond(&mut self, at: Index, near: Index) -> StateId {
        if let Some(state) = self.unchanged(near, at) {
            return self.without_list(state);
        }
        let paths = self.versions.paths();
        let (versions, _) =
            self.find_versions(at, paths.iter().map(|(path, entry)| (path, *entry)));
        self.state(None, versions)
    }

    pub(super) fn state(&mut self, list: Option<ListId>, versions: Vec<VersionId>) -> StateId {
        self.all.id(State::new(list, versions))
    }

    /// The same versions, in a commit that was not searched.
    pub(super) fn without_list(&mut self, state: StateId) -> StateId {
        match self.all.get(state) {
            State { list: None, .. } => state,
            State { versions, .. } => {
                let versions = versions.clone();
                self.state(None, versions)
            }
        }
    }

    /// The state of `near`, if nothing that any version depends on differs in `at`.
    pub(super) fn unchanged(&self, near: Index, at: Index) -> Option<StateId> {
        let state = self.of[near as usize]?;
        let watch = &self.versions.watch;
        watch.same(&self.clone.objects, self.root(near), self.root(at)).then_some(state)
    }

    fn root(&self, at: Index) -> Option<Slot> {
        Some(Slot { mode: Mode::Folder, id: self.graph.commit(at).tree })
    }

    /// The versions that a commit holds of these files, and the files of which none is known.
    pub(super) fn find_versions<'f>(
        &mut self,
        at: Index,
        entries: impl Iterator<Item = (&'f Arc<str>, Entry)>,
    ) -> (Vec<VersionId>, Vec<Task>) {
        let tree = self.tree(at);
        let mut missing = Vec::new();
        let mut versions = Vec::new();
        for (path, entry) in entries {
            match self.versions.find_in(&tree, path, entry) {
                Some(version) => versions.push(version),
                None => missing.push((at, Arc::clone(path), entry)),
            }
        }
        (versions, missing)
    }

    /// Follows the versions that were found beyond the window, to where they begin and end.
    pub(super) fn reach_out(&mut self, from: &[Index]) {
        let mut looked: Vec<Option<StateId>> = vec![None; self.graph.commits.len()];
        let mut level: Vec<Index> = from.to_vec();
        while !level.is_empty() {
            let mut pairs: Vec<(Index, Index)> = Vec::new();
            for at in level {
                let commit = self.graph.commit(at);
                let near = commit.parents.iter().chain(&commit.children);
                pairs.extend(
                    near.filter(|near| self.of[**near as usize].is_none()).map(|near| (*near, at)),
                );
            }
            level = Vec::new();
            for (near, at) in pairs {
                if self.of[near as usize].is_some() {
                    continue;
                }
                let state = match looked[near as usize] {
                    Some(state) => state,
                    None => self.state_beyond(near, at),
                };
                looked[near as usize] = Some(state);
                if self.share(state, self.of[at as usize]) {
                    self.of[near as usize] = Some(state);
                    level.push(near);
                }
            }
        }
    }

    /// The commits that were looked at, each with the versions it holds.
    pub(super) fn commits(&self) -> impl Iterator<Item = (Index, &[VersionId])> {
        let state = |state: &Option<StateId>| Some(self.all.get((*state)?).versions.as_slice());
        (0..).zip(&self.of).filter_map(move |(at, of)| Some((at, state(of)?)))
    }

    fn share(&self, a: StateId, b: Option<StateId>) -> bool {
        let Some(b) = b else { return false };
        let b = &self.all.get(b).versions;
        self.all.get(a).versions.iter().any(|version| b.binary_search(version).is_ok())
    }
}

/// Equal values once, by number.
#[derive(Debug)]
pub(super) struct Interned<T> {
    ids: HashMap<Arc<T>, u32>,
    values: Vec<Arc<T>>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { ids: HashMap::new(), values: Vec::new() }
    }
}

impl<T: Eq + std::hash::Hash> Interned<T> {
    fn id(&mut self, value: T) -> u32 {
        if let Some(id) = self.ids.get(&value) {
            return *id;
        }
        let (id, value) = (self.values.len() as u32, Arc::new(value));
        self.values.push(Arc::clone(&value));
        self.ids.insert(value, id);
        id
    }

    fn shared(&self, id: u32) -> Arc<T> {
        Arc::clone(&self.values[id as usize])
    }

    pub(super) fn get(&self, id: u32) -> &T {
        &self.values[id as usize]
    }
}
