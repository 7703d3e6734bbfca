//! Definitions of the present state: a plain folder, a work tree, the tip of a bare clone.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use rayon::prelude::*;

use super::{
    Coverage, CoverageState, Definition, Folder, Hidden, Live, Lower, Query,
    clone::Clone,
    history::timestamp,
    refs::failed,
    remembered::Remembered,
    survey::{self, Find, Found},
    tree::GitTree,
};
use crate::ci::{
    Files,
    catalog::{Entry, Known, What},
    model::Certainty,
};

/// From when on the files count.
pub(super) struct When {
    pub(super) live: Vec<Live>,
}

impl When {
    pub(super) fn from_query(query: &Query) -> Self {
        let live = query.as_of.map(|from| Live { from: Some(from), to: None, commit: None });
        Self { live: live.into_iter().collect() }
    }

    fn commit(from: Timestamp, id: gix::ObjectId) -> Self {
        Self { live: vec![Live { from: Some(from), to: None, commit: Some(id.to_string()) }] }
    }
}

pub(super) fn folder(
    folder: &Folder,
    when: &When,
    lower: &Lower<'_>,
    coverage: &mut Vec<Coverage>,
) -> Vec<Definition> {
    read(&survey::folder(folder), &Remembered::new(folder), when, lower, coverage)
}

/// A clone's newest state: its files, or the default branch's tip where it has none.
pub(super) fn clone(
    clone: &Clone,
    query: &Query,
    lower: &Lower<'_>,
    coverage: &mut Vec<Coverage>,
) -> Vec<Definition> {
    // Broken refs do not touch what lies in the folder, unless its past was asked for.
    if clone.folder.is_none() || (!query.windows.is_empty() && query.as_of.is_none()) {
        coverage.extend(clone.refs.coverage.iter().cloned());
    }
    let commit = |id: gix::ObjectId| {
        clone.objects.handle(|repository| {
            let commit = repository.find_commit(id).ok()?;
            Some((commit.time().map_or(0, |time| time.seconds), commit.tree_id().ok()?.detach()))
        })
    };
    let tip = if clone.folder.is_some() { clone.refs.head } else { clone.refs.tips.default };
    let found = tip.and_then(commit);
    let when = match (tip, &found) {
        (Some(id), Some((date, _))) if query.as_of.is_none() => When::commit(timestamp(*date), id),
        _ => When::from_query(query),
    };
    match (&clone.folder, found) {
        (Some(files), _) => folder(files, &when, lower, coverage),
        (None, Some((_, root))) => {
            let finds = survey::TreeSurvey::new(&clone.objects).commit(root);
            read(&finds, &GitTree::new(&clone.objects, root), &when, lower, coverage)
        }
        (None, None) => {
            coverage.push(failed("HEAD", "there is no commit to read".to_owned()));
            Vec::new()
        }
    }
}

fn read(
    finds: &[Find],
    files: &dyn Files,
    when: &When,
    lower: &Lower<'_>,
    coverage: &mut Vec<Coverage>,
) -> Vec<Definition> {
    coverage.extend(unread(finds.iter().map(|find| (find, when.live.clone()))));
    let entries = finds.par_iter().flat_map_iter(|find| {
        let Found::Entry(entry, _) = find.what else { return Vec::new() };
        let pipelines = lower(files, &find.path, entry).into_iter();
        let definition = |pipeline| Definition {
            pipeline: Arc::new(pipeline),
            entry,
            live: when.live.clone(),
            certainty: Certainty::Inferred,
            dated: !when.live.is_empty(),
        };
        pipelines.map(definition).collect()
    });
    entries.collect()
}

/// Coverage of everything that was found and is not an entry to read from: one entry for each dialect,
/// one for each lockfile and each trouble.
pub(super) fn unread<'f>(finds: impl Iterator<Item = (&'f Find, Vec<Live>)>) -> Vec<Coverage> {
    let mut dialects: BTreeMap<&str, (Vec<Arc<str>>, Vec<Live>)> = BTreeMap::new();
    let mut coverage = Vec::new();
    for (find, live) in finds {
        let file = |state, reason: String, hides| Coverage {
            scope: format!("file:{}", find.path),
            state,
            reason,
            file: Some(find.path.to_string()),
            live: live.clone(),
            hides,
        };
        match &find.what {
            Found::Entry(Entry::Lockfile, _) => {
                let reason = "a lock file: the packages of an incident are looked for in it";
                coverage.push(file(CoverageState::Seen, reason.to_owned(), Hidden::Nothing));
            }
            Found::Entry(..) => {}
            Found::Unread(Known { system, what: What::Ci }) => {
                let (paths, spans) = dialects.entry(system).or_default();
                paths.push(Arc::clone(&find.path));
                spans.extend(live);
            }
            Found::Unread(Known { system, what: What::Lockfile { ecosystem } }) => {
                let reason = format!("a lockfile of {system}: its packages are not read");
                coverage.push(file(CoverageState::Unseen, reason, Hidden::Packages(ecosystem)));
            }
            // Of the whole checkout.
            Found::Trouble(reason) if find.path.is_empty() => {
                coverage.push(failed("HEAD", reason.to_string()));
            }
            Found::Trouble(reason) => {
                coverage.push(file(CoverageState::Failed, reason.to_string(), Hidden::Anything));
            }
            Found::Nested => {
                let reason = "a repository of its own: name it to have it read".to_owned();
                coverage.push(file(CoverageState::NotApplicable, reason, Hidden::Nothing));
            }
        }
    }
    coverage.extend(dialects.into_iter().map(|(system, (mut paths, live))| {
        paths.sort();
        paths.dedup();
        let more = match paths.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        Coverage {
            scope: format!("dialect:{system}"),
            state: CoverageState::Unseen,
            reason: format!("`{}`{more}: this dialect is not read yet", paths[0]),
            file: Some(paths[0].to_string()),
            live: join(live),
            hides: Hidden::Anything,
        }
    }));
    coverage
}

/// Joins spans that touch; the earliest commit of a span names it.
fn join(mut live: Vec<Live>) -> Vec<Live> {
    live.sort();
    let mut joined: Vec<Live> = Vec::new();
    for next in live {
        match joined.last_mut() {
            Some(last) if last.to.is_none_or(|to| next.from.is_none_or(|from| from <= to)) => {
                last.to = last.to.zip(next.to).map(|(a, b)| a.max(b));
            }
            _ => joined.push(next),
        }
    }
    joined
}
