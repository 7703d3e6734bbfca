//! The commits that today's refs reach, and when each was in force.

use std::collections::{HashMap, HashSet};

use gix::{ObjectId, bstr::ByteSlice};

use super::objects::Objects;

/// Descendants looked at to find a date that fits, where a child is dated before its parent.
const SKEW_SEARCH: usize = 256;

pub(crate) type Index = u32;

/// All commits, parents and children by index.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) commits: Vec<Commit>,
    /// Lines end here although the history goes on: shallow boundaries and missing objects.
    pub(crate) cut: Vec<Cut>,
}

#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) id: ObjectId,
    pub(crate) tree: ObjectId,
    /// Committer date, seconds since 1970.
    pub(crate) date: i64,
    pub(crate) parents: Vec<Index>,
    pub(crate) children: Vec<Index>,
    /// Part of the default branch's history.
    pub(crate) default: bool,
    /// A branch stands here today.
    pub(crate) branch: bool,
}

/// A commit whose parents are not in the clone.
#[derive(Debug)]
pub(crate) struct Cut {
    /// The last commit that is there; `None` where a ref itself leads nowhere.
    pub(crate) child: Option<Index>,
    pub(crate) shallow: bool,
}

/// From when to when; `to` is `None` while it is still in force.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Interval {
    pub(crate) from: i64,
    pub(crate) to: Option<i64>,
    /// Where it begins.
    pub(crate) commit: Index,
}

/// Where the walk starts.
#[derive(Debug, Default)]
pub(crate) struct Tips {
    pub(crate) default: Option<ObjectId>,
    /// Branches, local and remote.
    pub(crate) branches: Vec<ObjectId>,
    /// Tags and whatever else keeps commits in the clone.
    pub(crate) others: Vec<ObjectId>,
    /// Parents that a graft or a replacement gives to a commit, besides its own.
    pub(crate) grafts: HashMap<ObjectId, Vec<ObjectId>>,
}

impl Graph {
    /// Walks everything: a date is no reason to stop, since dates are not always in order.
    pub(crate) fn walk(objects: &Objects, tips: &Tips, shallow: &HashSet<ObjectId>) -> Self {
        let mut graph = objects.handle(|repository| Walk::run(repository, tips, shallow));
        graph.link_children();
        let index: HashMap<ObjectId, Index> =
            graph.commits.iter().zip(0..).map(|(commit, at)| (commit.id, at)).collect();
        for id in &tips.branches {
            if let Some(at) = index.get(id) {
                graph.commits[*at as usize].branch = true;
            }
        }
        let default = tips.default.and_then(|id| index.get(&id).copied());
        graph.mark_default(default);
        graph
    }

    fn link_children(&mut self) {
        for at in 0..self.commits.len() {
            for parent in self.commits[at].parents.clone() {
                self.commits[parent as usize].children.push(at as Index);
            }
        }
    }

    fn mark_default(&mut self, tip: Option<Index>) {
        let mut open: Vec<Index> = tip.into_iter().collect();
        while let Some(at) = open.pop() {
            let commit = &mut self.commits[at as usize];
            if !std::mem::replace(&mut commit.default, true) {
                open.extend(&commit.parents);
            }
        }
    }

    pub(crate) fn commit(&self, at: Index) -> &Commit {
        &self.commits[at as usize]
    }

    /// In force on the default branch's history: until the last of its children there.
    pub(crate) fn on_default(&self, at: Index) -> Option<Interval> {
        let commit = self.commit(at);
        commit.default.then(|| {
            let to = self.replaced(at, |child| child.default);
            Interval { from: commit.date, to, commit: at }
        })
    }

    /// In force on any ref.
    pub(crate) fn anywhere(&self, at: Index) -> Interval {
        let commit = self.commit(at);
        // A branch that was left behind still holds the version; a tag is not built again.
        let to = if commit.branch { None } else { self.replaced(at, |_| true) };
        Interval { from: commit.date, to, commit: at }
    }

    /// The time between a commit and a child with an earlier date: one of the two dates is wrong, so
    /// the version may have been in force then.
    pub(crate) fn doubtful(&self, at: Index) -> Option<Interval> {
        let commit = self.commit(at);
        let earliest = commit.children.iter().map(|child| self.commit(*child).date).min()?;
        (earliest < commit.date).then_some(Interval {
            from: earliest,
            to: Some(commit.date),
            commit: at,
        })
    }

    /// When every child line had replaced the commit; `None` where there is no child.
    fn replaced(&self, at: Index, line: impl Fn(&Commit) -> bool) -> Option<i64> {
        let date = self.commit(at).date;
        let children = self.commit(at).children.iter().copied();
        children
            .filter(|child| line(self.commit(*child)))
            .map(|child| self.first_after(child, date, &line))
            .max()
    }

    /// The first date on the line of `child` that is not before `date`; `date` if there is none.
    fn first_after(&self, child: Index, date: i64, line: &impl Fn(&Commit) -> bool) -> i64 {
        if self.commit(child).date >= date {
            return self.commit(child).date;
        }
        let mut seen = HashSet::from([child]);
        let mut level = vec![child];
        while !level.is_empty() && seen.len() < SKEW_SEARCH {
            let next: Vec<Index> = level
                .iter()
                .flat_map(|at| &self.commit(*at).children)
                .copied()
                .filter(|at| line(self.commit(*at)) && seen.insert(*at))
                .collect();
            let fitting =
                next.iter().map(|at| self.commit(*at).date).filter(|found| *found >= date);
            if let Some(found) = fitting.max() {
                return found;
            }
            level = next;
        }
        date
    }
}

/// A walk under way.
struct Walk<'a> {
    repository: &'a gix::Repository,
    index: HashMap<ObjectId, Option<Index>>,
    graph: Graph,
    buffer: Vec<u8>,
}

impl Walk<'_> {
    fn run(repository: &gix::Repository, tips: &Tips, shallow: &HashSet<ObjectId>) -> Graph {
        let (index, graph) = (HashMap::new(), Graph::default());
        let mut walk = Walk { repository, index, graph, buffer: Vec::new() };
        let mut open: Vec<(Index, Vec<ObjectId>)> = Vec::new();
        let starts = tips.default.iter().chain(&tips.branches).chain(&tips.others);
        for start in starts {
            if walk.visit(*start, &mut open).is_none() {
                walk.graph.cut.push(Cut { child: None, shallow: false });
            }
            while let Some((child, mut parents)) = open.pop() {
                let id = walk.graph.commit(child).id;
                parents.extend(tips.grafts.get(&id).into_iter().flatten());
                for parent in parents {
                    match walk.visit(parent, &mut open) {
                        Some(at) => {
                            let known = &mut walk.graph.commits[child as usize].parents;
                            if !known.contains(&at) && at != child {
                                known.push(at);
                            }
                        }
                        None => {
                            let shallow = shallow.contains(&id);
                            walk.graph.cut.push(Cut { child: Some(child), shallow });
                        }
                    }
                }
            }
        }
        walk.graph
    }

    /// The index of a commit; `None` if it cannot be read. A new one is put on the stack.
    fn visit(&mut self, id: ObjectId, open: &mut Vec<(Index, Vec<ObjectId>)>) -> Option<Index> {
        if let Some(known) = self.index.get(&id) {
            return *known;
        }
        let read = self.read(id);
        let at = read.map(|(commit, parents)| {
            let at = self.graph.commits.len() as Index;
            self.graph.commits.push(commit);
            open.push((at, parents));
            at
        });
        self.index.insert(id, at);
        at
    }

    fn read(&mut self, id: ObjectId) -> Option<(Commit, Vec<ObjectId>)> {
        use gix::prelude::FindExt;
        let mut data = self.repository.objects.find_commit_iter(&id, &mut self.buffer).ok()?;
        let tree = data.tree_id().ok()?;
        let parents = data.parent_ids().collect();
        // The header without its name and mail, which may be in any shape.
        let date = data.committer().map_or(0, |who| who.seconds());
        let (children, default, branch) = (Vec::new(), false, false);
        Some((Commit { id, tree, date, parents: Vec::new(), children, default, branch }, parents))
    }
}

/// Lines of a graft file: a commit and the parents it is given.
pub(crate) fn parse_grafts(text: &[u8]) -> HashMap<ObjectId, Vec<ObjectId>> {
    let mut grafts = HashMap::new();
    for line in text.lines().filter(|line| !line.starts_with(b"#")) {
        let mut ids = line.fields().filter_map(|field| ObjectId::from_hex(field).ok());
        if let Some(commit) = ids.next() {
            grafts.entry(commit).or_insert_with(Vec::new).extend(ids);
        }
    }
    grafts
}

/// Joins what touches; `intervals` must rise by `from`.
pub(crate) fn merge(intervals: impl IntoIterator<Item = Interval>) -> Vec<Interval> {
    let mut merged: Vec<Interval> = Vec::new();
    for next in intervals {
        match merged.last_mut() {
            Some(last) if last.to.is_none_or(|to| next.from <= to) => {
                last.to = last.to.zip(next.to).map(|(a, b)| a.max(b));
            }
            _ => merged.push(next),
        }
    }
    merged
}

/// The parts of `all` that `known` does not cover; both as [`merge`] gives them.
pub(crate) fn beyond(all: &[Interval], known: &[Interval]) -> Vec<Interval> {
    let mut rest = Vec::new();
    for whole in all {
        let mut from = whole.from;
        let mut open = true;
        for cover in known {
            if cover.to.is_some_and(|to| to < from) || whole.to.is_some_and(|to| cover.from > to) {
                continue;
            }
            if cover.from > from {
                rest.push(Interval { from, to: Some(cover.from), commit: whole.commit });
            }
            match cover.to {
                Some(to) => from = from.max(to),
                None => open = false,
            }
            open &= whole.to.is_none_or(|to| from < to);
        }
        if open {
            rest.push(Interval { from, ..*whole });
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::{Interval, beyond, merge};

    fn spans(list: &[(i64, Option<i64>)]) -> Vec<Interval> {
        list.iter().map(|(from, to)| Interval { from: *from, to: *to, commit: 0 }).collect()
    }

    #[test]
    fn touching_intervals_are_one() {
        let list = spans(&[(1, Some(3)), (3, Some(4)), (4, Some(4)), (6, None), (9, Some(10))]);
        assert_eq!(merge(list), spans(&[(1, Some(4)), (6, None)]));
    }

    #[test]
    fn what_is_covered_is_taken_out() {
        let all = spans(&[(0, Some(10)), (20, None)]);
        assert_eq!(beyond(&all, &spans(&[(0, Some(10)), (20, None)])), []);
        assert_eq!(
            beyond(&all, &spans(&[(2, Some(4))])),
            spans(&[(0, Some(2)), (4, Some(10)), (20, None)])
        );
        assert_eq!(beyond(&all, &spans(&[(0, Some(10)), (20, Some(30))])), spans(&[(30, None)]));
        assert_eq!(beyond(&all, &spans(&[(5, None)])), spans(&[(0, Some(5))]));
        assert_eq!(beyond(&all, &[]), all);
    }
}
