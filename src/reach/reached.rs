//! Everything that code at one place of a job could obtain, each by the weakest capability that suffices.

use std::collections::HashSet;

use crate::{
    assess::Carrier,
    ci::model::{Binding, EnvView, Flow, Job, Kind, Mention, Scope, Secret, Step, Way},
    incident::Capability,
};

/// One secret in reach.
#[derive(Clone, Debug)]
pub struct Reached<'j> {
    pub flow: &'j Flow,
    pub capability: Capability,
    pub carrier: Carrier,
    pub rules: &'static [&'static str],
    /// The variable or input that holds it, where it is one.
    pub variable: Option<&'j str>,
}

/// The ways to all secrets that are in reach of `mention`, weakest capability first.
///
/// Per secret the first is the one to report for *any code*; a payload is asked with the first whose
/// capability it has. `step` is `None` for the images of a job and for a called workflow.
pub fn reached<'j>(job: &'j Job, step: Option<&'j Step>, mention: &'j Mention) -> Vec<Reached<'j>> {
    match mention.component.kind {
        Kind::Vendor => return all_sent(job, Capability::Store, Carrier::Store, &["V1"]),
        // The attacker wrote the file: whatever it names is his.
        Kind::InjectedWorkflow => {
            return all_sent(job, Capability::K1, Carrier::Script, &["G9", "G23"]);
        }
        _ => {}
    }
    let mut ways = Vec::new();
    own_environment(job, step, mention, &mut ways);
    arguments(mention, &mut ways);
    files(job, step, &mut ways);
    beside(job, &mut ways);
    memory(job, &mut ways);
    weakest_of_each(ways)
}

fn all_sent<'j>(
    job: &'j Job,
    capability: Capability,
    carrier: Carrier,
    rules: &'static [&'static str],
) -> Vec<Reached<'j>> {
    let way = |flow| Reached { flow, capability, carrier, rules, variable: None };
    weakest_of_each(job.sent.iter().map(way).collect())
}

/// Rules G12, G26: the environment and inputs of its own process.
fn own_environment<'j>(
    job: &'j Job,
    step: Option<&'j Step>,
    mention: &'j Mention,
    ways: &mut Vec<Reached<'j>>,
) {
    let mut add = |bindings: &'j [Binding], carrier, rules: &'static [&'static str]| {
        for binding in bindings {
            ways.extend(binding.flows.iter().map(|flow| Reached {
                flow,
                capability: Capability::K1,
                carrier,
                rules: if flow.way == Way::Residue { &["G12", "G15"] } else { rules },
                variable: Some(binding.name.as_str()),
            }));
        }
    };
    match (&mention.env, step) {
        (EnvView::Inherits { plus }, Some(step)) => {
            add(&step.env, Carrier::Env, &["G12"]);
            add(plus, Carrier::Env, &["G12"]);
        }
        // The image of the job: every step's programs come out of it.
        (EnvView::Inherits { plus }, None) => {
            job.steps.iter().for_each(|step| add(&step.env, Carrier::Env, &["G12"]));
            add(plus, Carrier::Env, &["G12"]);
        }
        (EnvView::Only { passed }, _) => add(passed, Carrier::Env, &["G12", "G26"]),
    }
    add(&mention.inputs, Carrier::Input, &["G12"]);
}

/// What stands in its argument list or on its standard input.
fn arguments<'j>(mention: &'j Mention, ways: &mut Vec<Reached<'j>>) {
    ways.extend(mention.arguments.iter().map(|flow| Reached {
        flow,
        capability: Capability::K1,
        carrier: Carrier::Script,
        rules: &["G12"],
        variable: None,
    }));
}

/// Rules G13, G14, G15: what lies readable on the disk.
fn files<'j>(job: &'j Job, step: Option<&'j Step>, ways: &mut Vec<Reached<'j>>) {
    let left = match step {
        Some(step) => step.files.as_slice(),
        None => job.steps.last().map_or(&[][..], |step| &step.files),
    };
    let mut add = |flow: &'j Flow, rules| {
        ways.push(Reached {
            flow,
            capability: Capability::K2,
            carrier: Carrier::File,
            rules,
            variable: None,
        });
    };
    for flow in left {
        let token = &*flow.secret.name == "GITHUB_TOKEN";
        add(flow, if token { &["G14"] } else { &["G15"] });
    }
    // The script that the runner wrote for this step, with the value in its text.
    if let Some(step) = step {
        let lines = lines_of(step, job);
        let in_text = |flow: &&Flow| {
            flow.way == Way::Script
                && lines.contains(&flow.place.line)
                && flow.place.file == step.place.file
        };
        job.sent.iter().filter(in_text).for_each(|flow| add(flow, &["G13"]));
    }
}

/// From the first line of the step to that of the next in its file.
fn lines_of(step: &Step, job: &Job) -> std::ops::Range<u32> {
    let next = job
        .steps
        .iter()
        .filter(|other| other.place.file == step.place.file && other.place.line > step.place.line)
        .map(|other| other.place.line)
        .min();
    step.place.line..next.unwrap_or(u32::MAX)
}

/// Rule G16: environments of other processes of the same user, in whatever order the steps run.
fn beside<'j>(job: &'j Job, ways: &mut Vec<Reached<'j>>) {
    let in_process = |flow: &&Flow| matches!(flow.way, Way::Env | Way::Input);
    ways.extend(job.sent.iter().filter(in_process).map(|flow| Reached {
        flow,
        capability: Capability::K3,
        carrier: Carrier::Memory,
        rules: &["G9", "G16"],
        variable: None,
    }));
}

/// Rule G18: everything that was sent to the job stands in the memory of the runner.
fn memory<'j>(job: &'j Job, ways: &mut Vec<Reached<'j>>) {
    let secret = |flow: &&Flow| flow.secret.scope != Scope::Literal;
    ways.extend(job.sent.iter().filter(secret).map(|flow| {
        let token = flow.secret.scope == Scope::Job && flow.way == Way::Implicit;
        let carrier = if token { Carrier::Token } else { Carrier::Memory };
        let rules: &[&str] = match flow.way {
            Way::Implicit => &["G11", "G18"],
            Way::WholeContext => &["G10", "G18"],
            Way::Inherited => &["G4", "G9", "G18"],
            Way::Residue => &["G15", "G18"],
            Way::Env | Way::Input | Way::Script | Way::Other => &["G9", "G18"],
        };
        Reached { flow, capability: Capability::K5, carrier, rules, variable: None }
    }));
}

/// One way per secret and capability; among equals the surer, then the earlier found.
fn weakest_of_each(mut ways: Vec<Reached<'_>>) -> Vec<Reached<'_>> {
    ways.sort_by_key(|way| (way.capability, way.flow.certainty));
    let mut seen: HashSet<(&Secret, Capability)> = HashSet::new();
    ways.retain(|way| seen.insert((&way.flow.secret, way.capability)));
    ways
}
