//! Definitions that git's history shows in force in a window.
//!
//! The commits in force in the window are lowered; from there the walk goes on to older and newer
//! commits only to learn how far the same versions reach.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use gix::ObjectId;
use jiff::Timestamp;
use rayon::prelude::*;

use super::{
    Coverage, CoverageState, Definition, Hidden, Hull, Live, Lower,
    clone::{Clone, failed},
    graph::{Graph, Index, Interval, beyond, merge},
    objects::{Mode, Slot},
    standing,
    survey::{self, Find, Found, TreeSurvey},
    tree::GitTree,
    versions::{Lowered, VersionId, Versions},
};
use crate::ci::{catalog::Entry, model::Certainty};

/// Commits searched at once: enough for all cores, few enough to hold.
const BATCH: usize = 256;

pub(super) fn definitions(
    clone: &Clone,
    hull: Hull,
    now: Option<Timestamp>,
    lower: &Lower<'_>,
    coverage: &mut Vec<Coverage>,
) -> Vec<Definition> {
    let graph = Graph::walk(&clone.objects, &clone.refs.tips, &clone.shallow);
    let mut history = History::new(clone, &graph, lower);
    let wanted = in_force(&graph, &hull);
    history.lower_all(&wanted);
    history.reach_out(&wanted);
    coverage.extend(clone.refs.coverage.iter().cloned());
    coverage.extend(walked(clone, &graph, wanted.len()));
    coverage.extend(history.unread(&wanted));
    let mut definitions = history.definitions(&hull);
    if let (None, Some(now)) = (hull.to, now) {
        definitions.extend(history.uncommitted(now));
    }
    definitions
}

/// Commits in force in the window, by date.
fn in_force(graph: &Graph, hull: &Hull) -> Vec<Index> {
    let mut wanted: Vec<Index> = (0..graph.commits.len() as Index)
        .filter(|at| {
            let intervals = [graph.on_default(*at), Some(graph.anywhere(*at)), graph.doubtful(*at)];
            intervals.into_iter().flatten().any(|interval| meets(&interval, hull))
        })
        .collect();
    wanted.sort_by_key(|at| graph.commit(*at).date);
    wanted
}

/// Whether an interval and the window share a moment; one that ends as the window begins does not.
fn meets(interval: &Interval, hull: &Hull) -> bool {
    let starts_before_the_end = hull.to.is_none_or(|to| timestamp(interval.from) <= to);
    let ends_after_the_start = hull.from.is_none_or(|from| {
        timestamp(interval.from) >= from || interval.to.is_none_or(|to| timestamp(to) > from)
    });
    starts_before_the_end && ends_after_the_start
}

/// Dates outside of what a timestamp can say are moved to its ends.
pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// A file to lower, in a commit that holds it.
type Task = (Index, Arc<str>, Entry);
type ListId = u32;
type StateId = u32;

/// What a commit holds: its CI files by name, and the version of each that is an entry.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct State {
    /// `None` outside of the window, where only known versions are looked for.
    list: Option<ListId>,
    versions: Vec<VersionId>,
}

impl State {
    fn new(list: Option<ListId>, mut versions: Vec<VersionId>) -> Self {
        versions.sort_unstable();
        Self { list, versions }
    }
}

struct History<'a> {
    clone: &'a Clone,
    graph: &'a Graph,
    lower: &'a Lower<'a>,
    survey: TreeSurvey<'a>,
    lists: Interned<Vec<Find>>,
    by_tree: HashMap<ObjectId, ListId>,
    versions: Versions,
    states: Interned<State>,
    /// Of each commit that was looked at.
    of: Vec<Option<StateId>>,
}

impl<'a> History<'a> {
    fn new(clone: &'a Clone, graph: &'a Graph, lower: &'a Lower<'a>) -> Self {
        Self {
            clone,
            graph,
            lower,
            survey: TreeSurvey::new(&clone.objects),
            lists: Interned::default(),
            by_tree: HashMap::new(),
            versions: Versions::default(),
            states: Interned::default(),
            of: vec![None; graph.commits.len()],
        }
    }

    fn tree(&self, at: Index) -> GitTree<'a> {
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
    fn lower_all(&mut self, commits: &[Index]) {
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
        self.lower_now(work);
    }

    fn lower_now(&mut self, work: Vec<Task>) -> Vec<VersionId> {
        let lowered: Vec<(Index, Lowered)> = work
            .into_par_iter()
            .map(|(at, path, entry)| {
                let tree = GitTree::new(&self.clone.objects, self.graph.commit(at).tree);
                (at, Lowered::new(&tree, &path, entry, self.lower))
            })
            .collect();
        let insert = |(at, lowered)| {
            let tree = GitTree::new(&self.clone.objects, self.graph.commit(at).tree);
            self.versions.insert(lowered, &tree)
        };
        lowered.into_iter().map(insert).collect()
    }

    fn list(&self, at: Index) -> ListId {
        self.by_tree[&self.graph.commit(at).tree]
    }

    /// The state of a commit whose files are all to be lowered; `near` is one that probably has the same.
    fn state_in_window(&mut self, at: Index, near: Option<Index>) -> StateId {
        let list = self.list(at);
        if let Some(state) = near.and_then(|near| self.unchanged(near, at))
            && self.states.get(state).list == Some(list)
        {
            return state;
        }
        let finds = self.lists.shared(list);
        let entries = finds.iter().filter_map(|find| match find.what {
            Found::Entry(entry, _) => Some((&find.path, entry)),
            Found::Unread(_) | Found::Trouble(_) | Found::Nested => None,
        });
        let (mut versions, missing) = self.find_versions(at, entries);
        versions.extend(self.lower_now(missing));
        self.states.id(State::new(Some(list), versions))
    }

    /// The state of another commit, as far as it holds versions that are known from the window.
    fn state_beyond(&mut self, at: Index, near: Index) -> StateId {
        let versions = match self.unchanged(near, at) {
            Some(state) => self.states.get(state).versions.clone(),
            None => {
                let paths = self.versions.paths();
                self.find_versions(at, paths.iter().map(|(path, entry)| (path, *entry))).0
            }
        };
        self.states.id(State::new(None, versions))
    }

    /// The state of `near`, if nothing that any version depends on differs in `at`.
    fn unchanged(&self, near: Index, at: Index) -> Option<StateId> {
        let state = self.of[near as usize]?;
        let watch = &self.versions.watch;
        watch.same(&self.clone.objects, self.root(near), self.root(at)).then_some(state)
    }

    fn root(&self, at: Index) -> Option<Slot> {
        Some(Slot { mode: Mode::Folder, id: self.graph.commit(at).tree })
    }

    /// The versions that a commit holds of these files, and the files of which none is known.
    fn find_versions<'f>(
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
    fn reach_out(&mut self, from: &[Index]) {
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

    fn share(&self, a: StateId, b: Option<StateId>) -> bool {
        let Some(b) = b else { return false };
        let b = &self.states.get(b).versions;
        self.states.get(a).versions.iter().any(|version| b.binary_search(version).is_ok())
    }

    fn definitions(&self, hull: &Hull) -> Vec<Definition> {
        let mut definitions = Vec::new();
        for (version, spans) in self.versions.list.iter().zip(self.spans()) {
            let all = spans.all();
            let inferred = spans.default;
            let possible = beyond(&all, &inferred);
            for (certainty, intervals) in
                [(Certainty::Inferred, inferred), (Certainty::Possible, possible)]
            {
                if intervals.iter().any(|interval| meets(interval, hull)) {
                    let live: Vec<Live> = intervals.iter().map(|span| self.live(span)).collect();
                    definitions.extend(version.pipelines.iter().map(|pipeline| Definition {
                        pipeline: Arc::clone(pipeline),
                        entry: version.entry,
                        live: live.clone(),
                        certainty,
                        dated: true,
                    }));
                }
            }
        }
        definitions
    }

    /// When each version was in force.
    fn spans(&self) -> Vec<Spans> {
        let mut spans: Vec<Spans> = self.versions.list.iter().map(|_| Spans::default()).collect();
        let mut commits: Vec<(Index, StateId)> =
            (0..).zip(&self.of).filter_map(|(at, state)| Some((at, (*state)?))).collect();
        commits.sort_by_key(|(at, _)| self.graph.commit(*at).date);
        for (at, state) in commits {
            let default = self.graph.on_default(at);
            let anywhere = self.graph.anywhere(at);
            let doubtful = self.graph.doubtful(at);
            for version in &self.states.get(state).versions {
                let spans = &mut spans[*version as usize];
                extend(&mut spans.default, default);
                extend(&mut spans.anywhere, Some(anywhere));
                spans.doubtful.extend(doubtful);
            }
        }
        spans
    }

    fn live(&self, span: &Interval) -> Live {
        Live {
            from: Some(timestamp(span.from)),
            to: span.to.map(timestamp),
            commit: Some(self.graph.commit(span.commit).id.to_string()),
        }
    }

    /// Coverage of the files that were there in the window and are not read.
    fn unread(&self, commits: &[Index]) -> Vec<Coverage> {
        let mut spans: HashMap<&Find, Vec<Interval>> = HashMap::new();
        let mut lost: Vec<Index> = Vec::new();
        for at in commits {
            let interval = self.graph.anywhere(*at);
            for find in self.lists.get(self.list(*at)) {
                match find.what {
                    Found::Entry(..) => {}
                    Found::Trouble(_) if find.path.is_empty() => lost.push(*at),
                    _ => extend(spans.entry(find).or_default(), Some(interval)),
                }
            }
        }
        let mut finds: Vec<(&Find, Vec<Interval>)> = spans.into_iter().collect();
        finds.sort_by(|a, b| a.0.path.cmp(&b.0.path));
        let live = |spans: Vec<Interval>| spans.iter().map(|span| self.live(span)).collect();
        let mut coverage =
            standing::unread(finds.into_iter().map(|(find, spans)| (find, live(spans))));
        if let Some(first) = lost.first() {
            let reason = format!(
                "the files of {} commits are not in this clone, the first is {}",
                lost.len(),
                self.graph.commit(*first).id
            );
            coverage.push(failed(&self.clone.refs.default_ref, reason));
        }
        coverage
    }

    /// Files of the work tree that differ from the commit it stands on.
    fn uncommitted(&self, now: Timestamp) -> Vec<Definition> {
        let Some(folder) = &self.clone.folder else { return Vec::new() };
        let head = self.clone.refs.head.and_then(|id| {
            let at = self.graph.commits.iter().position(|commit| commit.id == id)?;
            Some(self.states.get(self.of[at]?).versions.as_slice())
        });
        let head = head.unwrap_or_default();
        let finds = survey::folder(folder);
        let changed = finds.par_iter().flat_map_iter(|find| {
            let Found::Entry(entry, _) = find.what else { return Vec::new() };
            let version = self.versions.find(&find.path, entry, &mut |asked| asked.answer(folder));
            let pipelines = match version {
                Some(version) if head.contains(&version) => return Vec::new(),
                Some(version) => self.versions.list[version as usize].pipelines.clone(),
                None => (self.lower)(folder, &find.path, entry).into_iter().map(Arc::new).collect(),
            };
            let live = vec![Live { from: Some(now), to: None, commit: None }];
            let definition = |pipeline| Definition {
                pipeline,
                entry,
                live: live.clone(),
                certainty: Certainty::Possible,
                dated: true,
            };
            pipelines.into_iter().map(definition).collect()
        });
        changed.collect()
    }
}

/// When a version was in force.
#[derive(Debug, Default)]
struct Spans {
    default: Vec<Interval>,
    anywhere: Vec<Interval>,
    doubtful: Vec<Interval>,
}

impl Spans {
    fn all(&self) -> Vec<Interval> {
        let mut all: Vec<Interval> = self.anywhere.iter().chain(&self.doubtful).copied().collect();
        all.sort_by_key(|interval| interval.from);
        merge(all)
    }
}

/// Adds an interval that begins after all others do.
fn extend(spans: &mut Vec<Interval>, next: Option<Interval>) {
    let Some(next) = next else { return };
    let last = spans.pop();
    spans.extend(merge(last.into_iter().chain([next])));
}

/// What was walked, and where the clone's history is cut.
fn walked(clone: &Clone, graph: &Graph, in_force: usize) -> Vec<Coverage> {
    let scope = format!("history:{}", clone.refs.default_ref);
    let entry = |state, reason, hides| {
        let scope = scope.clone();
        Coverage { scope, state, reason, file: None, live: Vec::new(), hides }
    };
    let mut coverage = vec![entry(
        CoverageState::Seen,
        format!(
            "{} commits of {} branches and tags, {in_force} of them in force in the window",
            graph.commits.len(),
            clone.refs.count
        ),
        Hidden::Nothing,
    )];
    let newest = |shallow: bool| {
        let cuts = graph.cut.iter().filter(|cut| cut.shallow == shallow);
        // A ref that leads nowhere hides everything; its own entry says which.
        cuts.filter_map(|cut| cut.child).map(|at| graph.commit(at).date).max().map(timestamp)
    };
    if let Some(date) = newest(true) {
        let reason = format!(
            "a shallow clone: nothing that was replaced before {date} is in it; `git fetch --unshallow` completes it"
        );
        coverage.push(entry(CoverageState::Unseen, reason, Hidden::Before(date)));
    }
    if let Some(date) = newest(false) {
        let reason = format!("commits older than {date} are missing or damaged");
        coverage.push(entry(CoverageState::Failed, reason, Hidden::Before(date)));
    }
    if clone.partial {
        let reason = "a partial clone: files that were not fetched are named where they are missed";
        coverage.push(entry(CoverageState::Unseen, reason.to_owned(), Hidden::Nothing));
    }
    coverage
}

/// Equal values once, by number.
#[derive(Debug)]
struct Interned<T> {
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

    fn get(&self, id: u32) -> &T {
        &self.values[id as usize]
    }
}
