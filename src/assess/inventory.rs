//! Placements × consumers: schema `keysweep.inventory/1`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Carrier, Coverage, ManagedBy, Owner, Placement, consumer::step_label, coverage};
use crate::ci::model::{
    Binding, EnvView, Flow, Hides, Job, Pipeline, Place, Platform, Scope, Secret, Step, Way,
};

pub(super) const SCHEMA: &str = "keysweep.inventory/1";

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct InventoryReport {
    pub schema: String,
    pub placements: Vec<InventoryPlacement>,
    pub coverage: Vec<Coverage>,
}

/// One slot that holds a value, with the jobs its value is sent to.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct InventoryPlacement {
    pub repository: String,
    pub platform: Platform,
    /// As in the exposure report: `repo`, `org`, `environment:NAME`, `job`, `unknown`, …
    pub scope: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope_candidates: Vec<String>,
    pub consumers: Vec<InventoryConsumer>,
    /// Code owners of the consumers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// What in git writes the placement, or makes its value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed_by: Vec<ManagedBy>,
}

#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct InventoryConsumer {
    /// Where the file names the placement, relative to the checkout, with `/`.
    pub file: String,
    pub line: u32,
    pub job: Option<String>,
    /// `None`: the whole job, or the file does not tell.
    pub step: Option<String>,
    pub carrier: Carrier,
    pub whole_context: bool,
}

/// Every secret that a job is sent; `repos` are identities with the pipelines in force now.
pub fn inventory(
    repos: &[(String, &[Arc<Pipeline>])],
    mut coverage: Vec<Coverage>,
) -> InventoryReport {
    let mut placements = Vec::new();
    for (identity, pipelines) in repos {
        placements.extend(of_repository(identity, pipelines));
        coverage.extend(coverage::of_gaps(identity, pipelines, |hides| match hides {
            Hides::Anything | Hides::Secrets => true,
            // A job is sent what its definition names; code that it fetches cannot name more.
            Hides::Text(_) | Hides::Kind(_) | Hides::Packages(_) | Hides::Nothing => false,
        }));
    }
    InventoryReport { schema: SCHEMA.to_owned(), placements, coverage: coverage::tidy(coverage) }
}

fn of_repository(identity: &str, pipelines: &[Arc<Pipeline>]) -> Vec<InventoryPlacement> {
    let mut found: BTreeMap<Placement, BTreeSet<InventoryConsumer>> = BTreeMap::new();
    for pipeline in pipelines {
        for job in &pipeline.jobs {
            let mentions = Mentions::of(job);
            for flow in &job.sent {
                let placement = Placement::of(pipeline.platform, &flow.secret);
                found.entry(placement).or_default().insert(mentions.consumer(flow));
            }
        }
    }
    found.into_iter().map(|(placement, consumers)| entry(identity, placement, consumers)).collect()
}

fn entry(
    identity: &str,
    placement: Placement,
    consumers: BTreeSet<InventoryConsumer>,
) -> InventoryPlacement {
    InventoryPlacement {
        repository: identity.to_owned(),
        platform: placement.platform,
        scope: placement.scope,
        name: placement.name,
        scope_candidates: placement.scope_candidates,
        consumers: consumers.into_iter().collect(),
        owners: Vec::new(),
        managed_by: Vec::new(),
    }
}

/// Where a secret is named: its place in a file.
type Named<'a> = (&'a Place, &'a Secret);

/// Which step of a job names which secret, and how. Built once: a job may have thousands of both.
struct Mentions<'a> {
    job: &'a Job,
    inputs: HashMap<Named<'a>, &'a Step>,
    arguments: HashMap<Named<'a>, &'a Step>,
    /// The first step whose environment holds it: an environment of the job reaches all of them.
    environments: HashMap<Named<'a>, &'a Step>,
    /// File and first line of each step.
    starts: BTreeMap<(&'a str, u32), &'a Step>,
}

impl<'a> Mentions<'a> {
    fn of(job: &'a Job) -> Self {
        let mut found = Self {
            job,
            inputs: HashMap::new(),
            arguments: HashMap::new(),
            environments: HashMap::new(),
            starts: BTreeMap::new(),
        };
        for step in &job.steps {
            found.add(step);
        }
        found
    }

    fn add(&mut self, step: &'a Step) {
        self.starts.entry((&step.place.file, step.place.line)).or_insert(step);
        note(&mut self.environments, flows(&step.env), step);
        for mention in &step.mentions {
            note(&mut self.inputs, flows(&mention.inputs), step);
            note(&mut self.arguments, mention.arguments.iter(), step);
            let (EnvView::Inherits { plus: own } | EnvView::Only { passed: own }) = &mention.env;
            note(&mut self.environments, flows(own), step);
        }
    }

    fn consumer(&self, flow: &'a Flow) -> InventoryConsumer {
        InventoryConsumer {
            file: flow.place.file.to_string(),
            line: flow.place.line,
            job: (!self.job.id.is_empty()).then(|| self.job.id.clone()),
            step: self.step(flow).map(step_label),
            carrier: self.carrier(flow),
            whole_context: &*flow.secret.name == "*",
        }
    }

    fn carrier(&self, flow: &'a Flow) -> Carrier {
        match flow.way {
            Way::Env => Carrier::Env,
            Way::Input => Carrier::Input,
            Way::Script => Carrier::Script,
            Way::WholeContext if self.inputs.contains_key(&named(flow)) => Carrier::Input,
            Way::WholeContext if self.environments.contains_key(&named(flow)) => Carrier::Env,
            Way::WholeContext => Carrier::Script,
            Way::Implicit if flow.secret.scope == Scope::Job => Carrier::Token,
            Way::Implicit => Carrier::Env,
            // Evaluated by the runner: no process of the job is given it by this mention.
            Way::Inherited | Way::Other => Carrier::Memory,
            Way::Residue if self.environments.contains_key(&named(flow)) => Carrier::Env,
            Way::Residue => Carrier::File,
        }
    }

    /// The step whose text names the secret; `None` where it stands at the job or above.
    fn step(&self, flow: &'a Flow) -> Option<&'a Step> {
        let named = named(flow);
        if let Some(step) = self.inputs.get(&named).or_else(|| self.arguments.get(&named)) {
            return Some(step);
        }
        let around = self.enclosing(&flow.place)?;
        let settled = match flow.way {
            Way::Env | Way::WholeContext | Way::Script | Way::Input => {
                self.environments.get(&named).is_none_or(|first| first.index >= around.index)
            }
            // Conditions stand in a step, outputs after the last: only a step that another follows is sure.
            Way::Other => self.is_followed(around),
            Way::Inherited | Way::Residue | Way::Implicit => false,
        };
        settled.then_some(around)
    }

    /// The last step of the same file that begins at or before the mention.
    fn enclosing(&self, place: &'a Place) -> Option<&'a Step> {
        let file: &str = &place.file;
        self.starts.range((file, 0)..=(file, place.line)).next_back().map(|(_, step)| *step)
    }

    fn is_followed(&self, step: &'a Step) -> bool {
        let Some(after) = step.place.line.checked_add(1) else { return false };
        let file: &str = &step.place.file;
        self.starts.range((file, after)..=(file, u32::MAX)).next().is_some()
    }
}

fn flows(bindings: &[Binding]) -> impl Iterator<Item = &Flow> {
    bindings.iter().flat_map(|binding| &binding.flows)
}

fn named(flow: &Flow) -> Named<'_> {
    (&flow.place, &flow.secret)
}

fn note<'a>(
    into: &mut HashMap<Named<'a>, &'a Step>,
    flows: impl Iterator<Item = &'a Flow>,
    step: &'a Step,
) {
    for flow in flows {
        into.entry(named(flow)).or_insert(step);
    }
}

#[cfg(test)]
#[path = "inventory_tests.rs"]
mod tests;
