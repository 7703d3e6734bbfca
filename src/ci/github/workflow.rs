//! A workflow file: triggers, and its jobs with the reusable workflows they call.

use std::sync::Arc;

use super::{
    call::{self, Frame},
    job, reading, triggers,
    value::{Names, Secrets, Value},
};
use crate::ci::{
    literal::name_is_secret,
    model::{
        Certainty, Doubt, Flow, Gap, Hides, Job, Pipeline, Place, Platform, Role, Scope, Secret,
        Way,
    },
    yaml::{Node, Parsed},
};

/// A workflow document in the frame of its caller.
pub(super) struct Workflow<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) root: &'a Arc<Node>,
    pub(super) certainty: Certainty,
}

pub(super) fn read(
    mut frame: Frame<'_>,
    root: &Arc<Node>,
    gaps: Vec<Gap>,
    doubts: Vec<Doubt>,
) -> Vec<Pipeline> {
    let events = root.get("on").map(|on| triggers::events(on)).unwrap_or_default();
    let offered = events.iter().any(|event| event == "workflow_call");
    let runs = !offered || events.len() > 1;
    let mut pipelines = Vec::new();
    if runs {
        let mut scopes: Vec<Arc<str>> = vec![Arc::from("repo"), Arc::from("org")];
        if triggers::dependabot_may_start(&events) {
            scopes.push(Arc::from("dependabot"));
        }
        frame.secrets = Secrets::Own { scopes, way: None };
        pipelines.push(pipeline(&frame, root, Role::Runs, &events, &gaps, &doubts));
    }
    if offered {
        frame.secrets = Secrets::Consumer;
        frame.inputs =
            consumer_inputs(root.get("on").and_then(|on| on.get("workflow_call")), &frame.file);
        pipelines.push(pipeline(&frame, root, Role::Offered, &events, &gaps, &doubts));
    }
    pipelines
}

fn pipeline(
    frame: &Frame<'_>,
    root: &Arc<Node>,
    role: Role,
    events: &[String],
    gaps: &[Gap],
    doubts: &[Doubt],
) -> Pipeline {
    let (jobs, more) = jobs(frame, root);
    let mut gaps = gaps.to_vec();
    gaps.extend(more);
    gaps.extend(frame.reading.gap(&frame.file));
    Pipeline {
        platform: Platform::Github,
        file: Arc::clone(&frame.file),
        name: root.get("name").and_then(|n| n.text()).map(str::to_owned),
        role,
        triggers: triggers::triggers(events),
        jobs,
        doubts: doubts.to_vec(),
        gaps,
    }
}

/// Jobs of a workflow document, those of called workflows in the place of their call.
pub(super) fn jobs(frame: &Frame<'_>, root: &Arc<Node>) -> (Vec<Job>, Vec<Gap>) {
    let workflow = Workflow { frame, root, certainty: frame.certainty };
    let (mut jobs, mut gaps) = (Vec::new(), Vec::new());
    let Some(list) = root.get("jobs") else {
        let reason = "there is no `jobs:` in this workflow".to_owned();
        return (jobs, vec![gap(&frame.file, root.line, reason, Hides::Nothing)]);
    };
    for entry in list.entries() {
        if frame.reading.is_spent() {
            break;
        }
        frame.reading.spend(reading::JOB);
        let id = entry.key.text.trim();
        if entry.value.get("uses").is_some() {
            let called = call::read(&workflow, id, entry.key_line, &entry.value);
            jobs.extend(called.jobs);
            gaps.extend(called.gaps);
        }
        // GitHub refuses a job with both; each is read, so that nothing is missed.
        if entry.value.get("uses").is_none() || entry.value.get("steps").is_some() {
            let read = job::read(&workflow, id, entry.key_line, &entry.value);
            jobs.push(read.job);
            gaps.extend(read.gaps);
        }
    }
    (jobs, gaps)
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

/// GitHub reads anchors since 2025-08 and refuses merge keys to this day:
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations#yaml-anchors-and-aliases>.
pub(super) fn doubts_of(parsed: &Parsed) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if parsed.merge_keys {
        doubts.push(refused("it uses a YAML merge key (`<<`)"));
    }
    if parsed.anchors {
        let reason = "before 2025-08 GitHub refused files with YAML anchors".to_owned();
        doubts.push(Doubt { reason, until: Some("2025-08-01") });
    }
    doubts
}

pub(super) fn refused(reason: &str) -> Doubt {
    Doubt { reason: format!("GitHub refuses this file: {reason}"), until: None }
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
