//! All third-party code that CI runs or fetches: schema `keysweep.components/1`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Consumer, Coverage, coverage};
use crate::ci::model::{
    Binding, EnvView, Flow, Hides, Job, Kind, Mention, Pinned, Pipeline, Step, Verified,
};

pub(super) const SCHEMA: &str = "keysweep.components/1";

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ComponentsReport {
    pub schema: String,
    pub components: Vec<ComponentUse>,
    pub coverage: Vec<Coverage>,
}

/// One component in one place that runs or fetches it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ComponentUse {
    pub repository: String,
    pub kind: Kind,
    pub name: String,
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    pub pinned: Pinned,
    /// `false`: fetched, and nothing was found that runs it.
    pub runs: bool,
    pub verified: Verified,
    pub consumer: Consumer,
    /// Names of the placements in the environment, inputs and arguments of its process.
    pub placements: Vec<String>,
}

/// One entry per component and place; `repos` are identities with the pipelines in force now.
pub fn components(
    repos: &[(String, &[Arc<Pipeline>])],
    mut coverage: Vec<Coverage>,
) -> ComponentsReport {
    let mut uses = Vec::new();
    for (identity, pipelines) in repos {
        uses.extend(of_repository(identity, pipelines));
        coverage.extend(gaps_of_components(identity, pipelines));
    }
    ComponentsReport {
        schema: SCHEMA.to_owned(),
        components: uses,
        coverage: coverage::tidy(coverage),
    }
}

/// Gaps of pipelines; one matters that could hide a component or a secret.
pub fn gaps_of_components(repository: &str, pipelines: &[Arc<Pipeline>]) -> Vec<Coverage> {
    coverage::of_gaps(repository, pipelines, |hides| match hides {
        Hides::Anything | Hides::Text(_) | Hides::Kind(_) | Hides::Packages(_) | Hides::Secrets => {
            true
        }
        Hides::Nothing => false,
    })
}

/// What makes a use one entry; also the order of the report within a repository.
type Key = (Kind, String, Option<String>, String, u32, Option<String>, Option<usize>);

fn of_repository(identity: &str, pipelines: &[Arc<Pipeline>]) -> Vec<ComponentUse> {
    let mut found: BTreeMap<Key, ComponentUse> = BTreeMap::new();
    let jobs = pipelines.iter().flat_map(|pipeline| &pipeline.jobs);
    for (job, step, mention) in jobs.flat_map(mentions) {
        let entry = of_mention(identity, job, step, mention);
        match found.entry(key(&entry, step)) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(entry);
            }
            std::collections::btree_map::Entry::Occupied(mut slot) => merge(slot.get_mut(), entry),
        }
    }
    found.into_values().collect()
}

fn mentions(job: &Job) -> impl Iterator<Item = (&Job, Option<&Step>, &Mention)> {
    let of_job = job.mentions.iter().map(move |mention| (job, None, mention));
    let of_steps = job
        .steps
        .iter()
        .flat_map(move |step| step.mentions.iter().map(move |mention| (job, Some(step), mention)));
    of_job.chain(of_steps)
}

fn key(entry: &ComponentUse, step: Option<&Step>) -> Key {
    (
        entry.kind,
        entry.name.clone(),
        entry.reference.clone(),
        entry.consumer.file.clone(),
        entry.consumer.line,
        entry.consumer.job.clone(),
        step.map(|step| step.index),
    )
}

/// Two mentions of one component in one place: what either says of the danger holds.
fn merge(into: &mut ComponentUse, other: ComponentUse) {
    into.runs |= other.runs;
    into.verified = into.verified.min(other.verified);
    into.pinned = into.pinned.min(other.pinned);
    let names: BTreeSet<String> = into.placements.drain(..).chain(other.placements).collect();
    into.placements = names.into_iter().collect();
}

fn of_mention(identity: &str, job: &Job, step: Option<&Step>, mention: &Mention) -> ComponentUse {
    let component = &mention.component;
    ComponentUse {
        repository: identity.to_owned(),
        kind: component.kind,
        name: component.name.clone(),
        reference: component.reference.clone(),
        pinned: component.pinned,
        runs: mention.runs,
        verified: component.verified,
        consumer: Consumer::new(&mention.place, job, step),
        placements: if mention.runs { reach(job, step, mention) } else { Vec::new() },
    }
}

/// Names in the process of the mention itself (capability K1).
fn reach(job: &Job, step: Option<&Step>, mention: &Mention) -> Vec<String> {
    let (inherited, own) = match &mention.env {
        EnvView::Inherits { plus } => (inherited(job, step), plus),
        EnvView::Only { passed } => (Vec::new(), passed),
    };
    let bindings = inherited.into_iter().chain(own).chain(&mention.inputs);
    let flows = bindings.flat_map(|binding| &binding.flows).chain(&mention.arguments);
    let names: BTreeSet<String> = flows.map(|flow: &Flow| flow.secret.name.to_string()).collect();
    names.into_iter().collect()
}

/// An image that the job itself runs in is the ground of all its steps.
fn inherited<'a>(job: &'a Job, step: Option<&'a Step>) -> Vec<&'a Binding> {
    match step {
        Some(step) => step.env.iter().collect(),
        None => job.steps.iter().flat_map(|step| &step.env).collect(),
    }
}

#[cfg(test)]
#[path = "components_tests.rs"]
mod tests;
