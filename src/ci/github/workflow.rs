//! A workflow file: triggers, and its jobs with the reusable workflows they call.

use std::sync::Arc;

use super::{
    call::{self, Frame},
    context::Secrets,
    job,
    names::Names,
    refused, triggers,
    value::Value,
};
use crate::ci::{
    Files, Siblings,
    literal::name_is_secret,
    model::{
        Certainty, Doubt, Flow, Gap, Hides, Job, Pipeline, Place, Platform, Role, Scope, Secret,
        Way,
    },
    yaml::Node,
};

/// A workflow document in the frame of its caller.
pub(super) struct Workflow<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) root: &'a Arc<Node>,
}

/// Jobs, what could not be read of them, and why GitHub may refuse what they call.
#[derive(Default)]
pub(super) struct Jobs {
    pub(super) jobs: Vec<Job>,
    pub(super) gaps: Vec<Gap>,
    pub(super) doubts: Vec<Doubt>,
}

pub(super) fn read(
    files: &dyn Files,
    siblings: &dyn Siblings,
    file: &Arc<str>,
    root: &Arc<Node>,
    gaps: Vec<Gap>,
    mut doubts: Vec<Doubt>,
) -> Vec<Pipeline> {
    doubts.extend(refused::by_structure(root));
    let read = Jobs { jobs: Vec::new(), gaps, doubts };
    let events = root.get("on").map(|on| triggers::events(on)).unwrap_or_default();
    let offered = events.iter().any(|event| event == "workflow_call");
    let runs = !offered || events.len() > 1;
    let mut frame = Frame::top(files, siblings, file);
    let mut pipelines = Vec::new();
    if runs {
        let mut scopes: Vec<Arc<str>> = vec![Arc::from("repo"), Arc::from("org")];
        if triggers::dependabot_may_start(&events) {
            scopes.push(Arc::from("dependabot"));
        }
        frame.secrets = Secrets::Own { scopes };
        frame.inputs = triggers::dispatch_inputs(root.get("on").map(|n| &**n));
        pipelines.push(pipeline(&frame, root, Role::Runs, &events, &read));
    }
    if offered {
        let mut frame = Frame::top(files, siblings, file);
        frame.secrets = Secrets::Consumer;
        frame.inputs = consumer_inputs(root.get("on").and_then(|on| on.get("workflow_call")), file);
        pipelines.push(pipeline(&frame, root, Role::Offered, &events, &read));
    }
    pipelines
}

fn pipeline(
    frame: &Frame<'_>,
    root: &Arc<Node>,
    role: Role,
    events: &[String],
    file: &Jobs,
) -> Pipeline {
    let read = jobs(frame, root);
    let mut gaps = file.gaps.clone();
    gaps.extend(read.gaps);
    gaps.extend(over_budget(frame));
    let mut doubts = file.doubts.clone();
    doubts.extend(read.doubts);
    Pipeline {
        platform: Platform::Github,
        file: Arc::clone(&frame.file),
        name: root.get("name").and_then(|n| n.text()).map(str::to_owned),
        role,
        triggers: triggers::triggers(events),
        jobs: read.jobs,
        doubts,
        gaps,
    }
}

pub(super) fn over_budget(frame: &Frame<'_>) -> Option<Gap> {
    let reason = "the file expands to more than is read: its last jobs or steps are missing";
    let gap = || gap(&frame.file, 1, reason.to_owned(), Hides::Anything);
    frame.budget.is_spent().then(gap)
}

/// Jobs of a workflow document, those of called workflows in the place of their call.
pub(super) fn jobs(frame: &Frame<'_>, root: &Arc<Node>) -> Jobs {
    let workflow = Workflow { frame, root };
    let mut read = Jobs::default();
    let Some(list) = root.get("jobs") else {
        let reason = "there is no `jobs:` in this workflow".to_owned();
        read.gaps.push(gap(&frame.file, root.line, reason, Hides::Nothing));
        return read;
    };
    if list.entries().is_empty() && !list.is_null() {
        let reason = "`jobs:` is not a mapping".to_owned();
        read.gaps.push(gap(&frame.file, list.line, reason, Hides::Nothing));
    }
    for entry in list.entries() {
        if !frame.budget.spend(1) {
            break;
        }
        let has = |key: &str| entry.value.get(key).is_some();
        if has("uses") {
            let called = call::read(&workflow, entry);
            read.jobs.extend(called.jobs);
            read.gaps.extend(called.gaps);
            read.doubts.extend(called.doubts);
        }
        // GitHub refuses a job with both; each is read, so that nothing is missed.
        if !has("uses") || has("steps") {
            let job = job::read(&workflow, entry);
            read.jobs.push(job.job);
            read.gaps.extend(job.gaps);
        }
    }
    read
}

/// The inputs of an unknown consumer: only those that are meant for secrets are followed.
pub(super) fn consumer_inputs(declared: Option<&Arc<Node>>, file: &Arc<str>) -> Names {
    let mut names = Names::default();
    for entry in declared.and_then(|on| on.get("inputs")).map(|n| n.entries()).unwrap_or_default() {
        let name = entry.key.text.trim();
        let default = entry.value.get("default").and_then(|n| n.text()).unwrap_or_default();
        let holds_token = default.contains("github.token") || default.contains("secrets.");
        if holds_token || name_is_secret(name) {
            names.set(name, Value::one(consumer_flow(name, file, entry.key_line)));
        } else if !default.is_empty() && !default.contains("${{") {
            // The consumer may choose another value; the default is what most of them run with.
            names.set(name, Value::literal(default));
        }
    }
    names
}

fn consumer_flow(input: &str, file: &Arc<str>, line: u32) -> Flow {
    Flow {
        secret: Secret {
            scope: Scope::Unknown(vec![Arc::from("consumer")]),
            name: Arc::from(format!("inputs.{input}")),
        },
        way: Way::Input,
        place: Place { file: Arc::clone(file), line },
        certainty: Certainty::Inferred,
    }
}

/// A file that could not be opened.
pub(super) fn unread(file: &Arc<str>, gap: Gap) -> Pipeline {
    empty(file, vec![gap])
}

pub(super) fn empty(file: &Arc<str>, gaps: Vec<Gap>) -> Pipeline {
    Pipeline {
        platform: Platform::Github,
        file: Arc::clone(file),
        name: None,
        role: Role::Runs,
        triggers: Vec::new(),
        jobs: Vec::new(),
        doubts: Vec::new(),
        gaps,
    }
}

pub(super) fn gap(file: &Arc<str>, line: u32, reason: String, hides: Hides) -> Gap {
    Gap { place: Place { file: Arc::clone(file), line }, reason, hides }
}
