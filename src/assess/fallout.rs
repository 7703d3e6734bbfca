//! Which credentials fall with each piece of third-party code, were it to turn bad today.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Disposition, Placement, disposition};
use crate::{
    ci::model::{Job, Kind, Mention, Pinned, Pipeline, Role, Step, Verified},
    incident::Capability,
    reach::reached,
};

/// One piece of third-party code that whoever controls it can change without a change here.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Fallout {
    pub kind: Kind,
    pub name: String,
    /// As they are written; empty where a mention has none.
    pub refs: Vec<String>,
    /// The loosest of its pins.
    pub pinned: Pinned,
    pub places: usize,
    /// Credentials within its reach, each with the weakest capability that suffices.
    pub credentials: Vec<Fallen>,
}

#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Fallen {
    pub repository: String,
    pub placement: Placement,
    /// As in the exposure report: K1 environment, K2 files, K3 processes, K5 runner memory.
    pub capability: String,
}

/// Third-party code in use, split by whether it can turn bad.
#[derive(Clone, Debug, Default)]
pub struct Fallouts {
    loose: BTreeMap<(Kind, String), Gathered>,
    /// Fixed by commit or digest, or verified before it runs.
    fixed: BTreeSet<(Kind, String, Option<String>)>,
}

#[derive(Clone, Debug)]
struct Gathered {
    refs: BTreeSet<String>,
    pinned: Pinned,
    places: BTreeSet<(String, String, u32)>,
    credentials: BTreeMap<(String, Placement), Capability>,
}

impl Fallouts {
    /// Adds a repository's pipelines as they are now. What only others call is theirs to ask.
    pub fn add<'p>(&mut self, repository: &str, pipelines: impl Iterator<Item = &'p Pipeline>) {
        for pipeline in pipelines.filter(|pipeline| pipeline.role == Role::Runs) {
            for job in &pipeline.jobs {
                let of_steps = job
                    .steps
                    .iter()
                    .flat_map(|step| step.mentions.iter().map(move |one| (Some(step), one)));
                let of_job = job.mentions.iter().map(|one| (None, one));
                for (step, mention) in of_job.chain(of_steps).filter(|(_, one)| one.runs) {
                    self.mention(repository, pipeline, job, step, mention);
                }
            }
        }
    }

    fn mention(
        &mut self,
        repository: &str,
        pipeline: &Pipeline,
        job: &Job,
        step: Option<&Step>,
        mention: &Mention,
    ) {
        let component = &mention.component;
        let name = || component.name.clone();
        if is_fixed(mention) {
            self.fixed.insert((component.kind, name(), component.reference.clone()));
            return;
        }
        let gathered = self.loose.entry((component.kind, name())).or_insert_with(|| Gathered {
            refs: BTreeSet::new(),
            pinned: component.pinned,
            places: BTreeSet::new(),
            credentials: BTreeMap::new(),
        });
        gathered.refs.extend(component.reference.clone());
        gathered.pinned = gathered.pinned.min(component.pinned);
        let place = &mention.place;
        gathered.places.insert((repository.to_owned(), place.file.to_string(), place.line));
        for way in reached(job, step, mention) {
            let placement = Placement::of(pipeline.platform, &way.flow.secret);
            if !is_credential(&placement) {
                continue;
            }
            let weakest = gathered
                .credentials
                .entry((repository.to_owned(), placement))
                .or_insert(way.capability);
            *weakest = way.capability.min(*weakest);
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.fixed.extend(other.fixed);
        for (key, more) in other.loose {
            match self.loose.entry(key) {
                std::collections::btree_map::Entry::Vacant(slot) => {
                    slot.insert(more);
                }
                std::collections::btree_map::Entry::Occupied(mut slot) => {
                    let known = slot.get_mut();
                    known.refs.extend(more.refs);
                    known.pinned = known.pinned.min(more.pinned);
                    known.places.extend(more.places);
                    // Keys hold the repository, so nothing is there twice.
                    known.credentials.extend(more.credentials);
                }
            }
        }
    }

    /// How many components cannot change without a change in the repository.
    pub fn fixed(&self) -> usize {
        self.fixed.len()
    }

    /// The widest reach first.
    pub fn into_list(self) -> Vec<Fallout> {
        let mut list: Vec<Fallout> = self.loose.into_iter().map(fallout).collect();
        list.sort_by(|a, b| {
            let width = |one: &Fallout| std::cmp::Reverse((one.credentials.len(), one.places));
            width(a).cmp(&width(b)).then_with(|| (a.kind, &a.name).cmp(&(b.kind, &b.name)))
        });
        list
    }
}

fn fallout(((kind, name), gathered): ((Kind, String), Gathered)) -> Fallout {
    let credential = |((repository, placement), capability)| Fallen {
        repository,
        placement,
        capability: format!("{capability:?}"),
    };
    Fallout {
        kind,
        name,
        refs: gathered.refs.into_iter().collect(),
        pinned: gathered.pinned,
        places: gathered.places.len(),
        credentials: gathered.credentials.into_iter().map(credential).collect(),
    }
}

fn is_fixed(mention: &Mention) -> bool {
    let component = &mention.component;
    matches!(component.pinned, Pinned::Sha | Pinned::Digest | Pinned::Vendored)
        || component.verified != Verified::No
}

/// The job's own token dies with the job; names and addresses open no door.
fn is_credential(placement: &Placement) -> bool {
    !matches!(disposition::of(placement), Disposition::AuditOnly | Disposition::NotACredential)
}
