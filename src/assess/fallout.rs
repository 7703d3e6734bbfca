//! Which credentials fall with each piece of third-party code, were it to turn bad today.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Disposition, Placement, disposition};
use crate::{
    ci::model::{Job, Kind, Mention, Pinned, Pipeline, Role, Step, Verified},
    incident::Capability,
    reach::reached,
    resolve::{Clues, Identified},
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

impl Fallout {
    /// How many credentials fall with it.
    pub fn width(&self) -> usize {
        self.credentials.iter().map(Fallen::counts_as).collect::<BTreeSet<_>>().len()
    }
}

#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Fallen {
    pub repository: String,
    pub placement: Placement,
    /// As in the exposure report: K1 environment, K2 files, K3 processes, K5 runner memory.
    pub capability: String,
    /// What it is, told by its use: `aws-access-key`, `npm-token`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The same for all parts of one credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl Fallen {
    /// What counts as one: a credential with all its parts, else the placement.
    pub fn counts_as(&self) -> (&str, &str, &str) {
        let part = self.credential.as_deref();
        let (scope, name) = (self.placement.scope.as_str(), self.placement.name.as_str());
        part.map_or((self.repository.as_str(), scope, name), |id| {
            (self.repository.as_str(), "", id)
        })
    }
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
    credentials: BTreeMap<(String, Placement), Known>,
}

#[derive(Clone, Debug)]
struct Known {
    capability: Capability,
    kind: Option<String>,
    credential: Option<String>,
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
            let known = gathered
                .credentials
                .entry((repository.to_owned(), placement))
                .or_insert(Known { capability: way.capability, kind: None, credential: None });
            known.capability = way.capability.min(known.capability);
        }
    }

    /// Says what the placements of one repository are, and drops those that open nothing.
    pub fn identify(&mut self, repository: &str, clues: &Clues) {
        for gathered in self.loose.values_mut() {
            // Each component by itself: half a credential is not made whole by what another one reaches.
            let of_repository = gathered.credentials.keys().filter(|(of, _)| of == repository);
            let placements: Vec<Placement> = of_repository.map(|(_, one)| one.clone()).collect();
            let named =
                placements.iter().map(|p| (&*p.scope, p.scope_candidates.as_slice(), &*p.name));
            let known = Identified::new(repository, clues, named);
            gathered.credentials.retain(|(of, placement), entry| {
                if of != repository || placement.whole_context {
                    return true;
                }
                let issuer = known.issuer(&placement.scope, &placement.name);
                let candidates = &placement.scope_candidates;
                let part = known.part(&placement.scope, candidates, &placement.name);
                entry.kind = issuer.map(|issuer| issuer.kind.clone());
                entry.credential = part.map(|part| part.id.clone());
                opens_something(disposition::of(placement, issuer, part.is_some()).disposition)
            });
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
            let width = |one: &Fallout| std::cmp::Reverse((one.width(), one.places));
            width(a).cmp(&width(b)).then_with(|| (a.kind, &a.name).cmp(&(b.kind, &b.name)))
        });
        list
    }
}

fn fallout(((kind, name), gathered): ((Kind, String), Gathered)) -> Fallout {
    let credential = |((repository, placement), known): ((String, Placement), Known)| Fallen {
        repository,
        placement,
        capability: format!("{:?}", known.capability),
        kind: known.kind,
        credential: known.credential,
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
fn opens_something(disposition: Disposition) -> bool {
    !matches!(disposition, Disposition::AuditOnly | Disposition::NotACredential)
}
