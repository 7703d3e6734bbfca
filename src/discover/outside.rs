//! Versions that were in force outside of the window only.
//!
//! They cannot be exposed. They are looked for so that a component that was used before or after the
//! window is cleared with its dates, and not passed over as if it had never been there.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use gix::ObjectId;
use rayon::prelude::*;

use super::{
    CouldName,
    graph::Index,
    recorded::Within,
    states::{StateId, States, Task},
    survey::{Find, Found, Places},
    versions::VersionId,
};
use crate::ci::catalog::{Entry, READ_AT};

/// The files of a commit whose own text could name what is asked about.
type Named = Arc<[(Arc<str>, Entry, ObjectId)]>;

/// A commit with such files.
struct Holder {
    at: Index,
    places: Places,
    named: Named,
}

impl States<'_> {
    /// Lowers, outside of the window, the files that could name what is asked about, and gives the commits
    /// that hold one.
    ///
    /// Of each commit on the default branch's history the root tree is read; the folders and files in it
    /// are looked at once for each content. The bounds, so that this costs little:
    ///
    /// * What only other branches and tags held, and only outside of the window, is not looked for.
    /// * Of actions only those in `.github` and at the top are found.
    /// * A file counts by its own text: where only a script that it calls names the component, it is
    ///   passed over, and the scripts are not read ([`Within::Definitions`]): a site needs no more to be
    ///   cleared by its dates. What cannot be read is passed over too, for nothing outside of the window
    ///   can be exposed.
    pub(super) fn lower_outside(&mut self, could_name: &CouldName<'_>) -> Vec<Index> {
        self.first_outside = Some(self.versions.list.len() as VersionId);
        let holders = self.holders(could_name);
        self.lower_each_named_content(&holders);
        let mut last: Option<&Holder> = None;
        for holder in &holders {
            let state = self.state_outside(holder, last);
            self.of[holder.at as usize] = Some(state);
            last = Some(holder);
        }
        holders.into_iter().map(|holder| holder.at).collect()
    }

    /// From then on the paths of all of them are watched: a commit that differs in none holds the same.
    fn lower_each_named_content(&mut self, holders: &[Holder]) {
        let mut contents = HashSet::new();
        let mut work: Vec<Task> = Vec::new();
        for Holder { at, named, .. } in holders {
            for (path, entry, id) in named.iter() {
                if contents.insert((path, id))
                    && self.versions.find_in(&self.tree(*at), path, *entry).is_none()
                {
                    work.push((*at, Arc::clone(path), *entry));
                }
            }
        }
        self.lower_now(work, Within::Definitions);
    }

    /// The known versions that a commit holds, and those of the files that could name it. `last` has its
    /// state already.
    fn state_outside(&mut self, holder: &Holder, last: Option<&Holder>) -> StateId {
        // Most often nothing is watched elsewhere, and no tree has to be read.
        let alike = last.filter(|last| last.places == holder.places);
        if let Some(state) = alike.and_then(|last| self.of[last.at as usize])
            && self.versions.watch.is_within(&READ_AT)
        {
            return state;
        }
        let parents = &self.graph.commit(holder.at).parents;
        let near = parents.iter().find(|parent| self.of[**parent as usize].is_some()).copied();
        let near = near.or(last.map(|last| last.at));
        if let Some(state) = near.and_then(|near| self.unchanged(near, holder.at)) {
            return self.without_list(state);
        }
        let paths = self.versions.paths();
        let (mut versions, mut missing) =
            self.find_versions(holder.at, paths.iter().map(|(path, entry)| (path, *entry)));
        missing.retain(|(_, path, _)| holder.named.iter().any(|(named, ..)| named == path));
        versions.extend(self.lower_now(missing, Within::Definitions));
        self.state(None, versions)
    }

    /// By date.
    fn holders(&self, could_name: &CouldName<'_>) -> Vec<Holder> {
        let outside = |at: &Index| self.of[*at as usize].is_none();
        let mut commits: Vec<Index> = (0..self.graph.commits.len() as Index)
            .filter(|at| self.graph.commit(*at).default && outside(at))
            .collect();
        commits.sort_by_key(|at| self.graph.commit(*at).date);
        let places: Vec<Option<Places>> =
            commits.par_iter().map(|at| self.survey.places(self.graph.commit(*at).tree)).collect();
        let distinct: HashSet<Places> = places.iter().flatten().copied().collect();
        let named = self.named_in(distinct.into_iter().collect(), could_name);
        let holder = |(at, places): (Index, Option<Places>)| {
            let places = places?;
            Some(Holder { at, places, named: Arc::clone(named.get(&places)?) })
        };
        commits.into_iter().zip(places).filter_map(holder).collect()
    }

    /// Only places that hold such files.
    fn named_in(&self, places: Vec<Places>, could_name: &CouldName<'_>) -> HashMap<Places, Named> {
        let entry = |find: Find| match find.what {
            Found::Entry(entry, Some(id)) => Some((find.path, entry, id)),
            _ => None,
        };
        let files = |places: Places| {
            let finds = self.survey.in_places(&places).into_iter();
            (places, finds.filter_map(entry).collect::<Vec<_>>())
        };
        let found: Vec<_> = places.into_par_iter().map(files).collect();
        let contents: HashSet<ObjectId> =
            found.iter().flat_map(|(_, files)| files).map(|(_, _, id)| *id).collect();
        let naming: HashSet<ObjectId> = contents
            .into_par_iter()
            .filter(|id| self.clone.objects.blob(*id).is_ok_and(|text| could_name(&text)))
            .collect();
        let naming_only = |(places, files): (Places, Vec<_>)| {
            let files = files.into_iter().filter(|(_, _, id)| naming.contains(id));
            let named: Named = files.collect();
            (!named.is_empty()).then_some((places, named))
        };
        found.into_iter().filter_map(naming_only).collect()
    }
}
