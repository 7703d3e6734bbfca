//! Definitions that git's history shows in force in one of the windows.
//!
//! The commits in force in the window are lowered; from there the walk goes on to older and newer
//! commits only to learn how far the same versions reach. What else is lowered there, see [`outside`](super::outside).

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use rayon::prelude::*;

use super::{
    CouldName, Coverage, CoverageState, Definition, Hidden, Hull, Live, Lower,
    clone::Clone,
    graph::{Graph, Index, Interval, beyond, merge},
    refs::failed,
    standing,
    states::States,
    survey::{self, Find, Found},
    versions::VersionId,
};
use crate::ci::{catalog::Entry, model::Certainty};

pub(super) fn definitions(
    clone: &Clone,
    windows: &[Hull],
    now: Option<Timestamp>,
    lower: &Lower<'_>,
    could_name: Option<&CouldName<'_>>,
    coverage: &mut Vec<Coverage>,
) -> Vec<Definition> {
    let graph = Graph::walk(&clone.objects, &clone.refs.tips, &clone.shallow);
    let mut states = States::new(clone, &graph, lower);
    let wanted = in_force(&graph, windows);
    states.lower_all(&wanted);
    let outside = could_name.map(|could_name| states.lower_outside(could_name));
    states.reach_out(&[wanted.as_slice(), &outside.unwrap_or_default()].concat());
    coverage.extend(clone.refs.coverage.iter().cloned());
    coverage.extend(walked(clone, &graph, wanted.len()));
    coverage.extend(states.unread(&wanted));
    let mut definitions = states.definitions(windows);
    if let Some(now) = now.filter(|_| windows.iter().any(|hull| hull.to.is_none())) {
        definitions.extend(states.uncommitted(now));
    }
    definitions
}

/// Commits in force in the window, by date.
fn in_force(graph: &Graph, windows: &[Hull]) -> Vec<Index> {
    let mut wanted: Vec<Index> = (0..graph.commits.len() as Index)
        .filter(|at| {
            let intervals = [graph.on_default(*at), Some(graph.anywhere(*at)), graph.doubtful(*at)];
            intervals.into_iter().flatten().any(|interval| meets(&interval, windows))
        })
        .collect();
    wanted.sort_by_key(|at| graph.commit(*at).date);
    wanted
}

/// Whether an interval and a window share a moment; one that ends as the window begins does not.
fn meets(interval: &Interval, windows: &[Hull]) -> bool {
    windows.iter().any(|hull| {
        let starts_before_the_end = hull.to.is_none_or(|to| timestamp(interval.from) <= to);
        let ends_after_the_start = hull.from.is_none_or(|from| {
            timestamp(interval.from) >= from || interval.to.is_none_or(|to| timestamp(to) > from)
        });
        starts_before_the_end && ends_after_the_start
    })
}

/// Dates outside of what a timestamp can say are moved to its ends.
pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

impl States<'_> {
    fn definitions(&self, windows: &[Hull]) -> Vec<Definition> {
        let mut definitions = Vec::new();
        for ((id, version), spans) in (0..).zip(&self.versions.list).zip(self.spans()) {
            let outside = self.first_outside.is_some_and(|first| id >= first);
            let all = spans.all();
            let inferred = spans.default;
            let possible = beyond(&all, &inferred);
            for (certainty, intervals) in
                [(Certainty::Inferred, inferred), (Certainty::Possible, possible)]
            {
                let shown = intervals.iter().any(|interval| meets(interval, windows)) || outside;
                if shown && !intervals.is_empty() {
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
        let mut commits: Vec<_> = self.commits().collect();
        commits.sort_by_key(|(at, _)| self.graph.commit(*at).date);
        for (at, versions) in commits {
            let default = self.graph.on_default(at);
            let anywhere = self.graph.anywhere(at);
            let doubtful = self.graph.doubtful(at);
            for version in versions {
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
        let mut lost: Vec<(Index, &str)> = Vec::new();
        for at in commits {
            let interval = self.graph.anywhere(*at);
            for find in self.lists.get(self.list(*at)) {
                match &find.what {
                    Found::Entry(Entry::Workflow | Entry::Action | Entry::Stored(_), _) => {}
                    Found::Trouble(reason) if find.path.is_empty() => lost.push((*at, reason)),
                    _ => extend(spans.entry(find).or_default(), Some(interval)),
                }
            }
        }
        let mut finds: Vec<(&Find, Vec<Interval>)> = spans.into_iter().collect();
        finds.sort_by(|a, b| a.0.path.cmp(&b.0.path));
        let live = |spans: Vec<Interval>| spans.iter().map(|span| self.live(span)).collect();
        let mut coverage =
            standing::unread(finds.into_iter().map(|(find, spans)| (find, live(spans))));
        if let Some((first, reason)) = lost.first() {
            let id = self.graph.commit(*first).id;
            let reason = format!(
                "files of {} commits are not read, the first is {id}: {reason}",
                lost.len()
            );
            coverage.push(failed(&self.clone.refs.default_ref, reason));
        }
        coverage
    }

    /// Files of the work tree that differ from the commit it stands on.
    fn uncommitted(&self, now: Timestamp) -> Vec<Definition> {
        let Some(folder) = &self.clone.folder else { return Vec::new() };
        let head = self.clone.refs.head;
        let mut commits = self.commits();
        let head = commits.find(|(at, _)| Some(self.graph.commit(*at).id) == head);
        let head = head.map_or(&[][..], |(_, versions)| versions);
        let finds = survey::folder(folder);
        let changed = finds.par_iter().flat_map_iter(|find| {
            let Found::Entry(entry, _) = find.what else { return Vec::new() };
            let version = self.versions.find(&find.path, entry, &mut |asked| asked.answer(folder));
            // Those from outside of the window were not shown the scripts.
            let shown_all = |id: &VersionId| self.first_outside.is_none_or(|first| *id < first);
            let version = version.filter(shown_all);
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
            "commits: {}, branches and tags: {}; in force in the window: {in_force}",
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
