use std::sync::Arc;

use super::{InventoryReport, inventory};
use crate::{
    assess::{
        Carrier,
        pipelines_for_tests::{action, binding, flow, gap, job, mention, pipeline, secret, step},
    },
    ci::model::{Flow, Hides, Job, Mention, Pinned, Pipeline, Scope, Secret, Way},
};

fn report(pipeline: Pipeline) -> InventoryReport {
    let pipelines = [Arc::new(pipeline)];
    inventory(&[("acme/site".to_owned(), &pipelines)], Vec::new())
}

fn only_consumer(job: Job) -> (Option<String>, Carrier) {
    let report = report(pipeline(vec![job]));
    assert_eq!((report.placements.len(), report.placements[0].consumers.len()), (1, 1));
    let consumer = &report.placements[0].consumers[0];
    (consumer.step.clone(), consumer.carrier)
}

fn sent(flow: Flow, steps: Vec<crate::ci::model::Step>) -> Job {
    Job { sent: vec![flow], ..job("test", steps) }
}

#[test]
fn an_environment_of_the_job_belongs_to_no_step() {
    let key = flow("KEY", Way::Env, 3);
    let with = |index, line| {
        let mut step = step(index, line, Vec::new());
        step.env = vec![binding("KEY", vec![key.clone()])];
        step
    };
    let above = sent(key.clone(), vec![with(0, 8), with(1, 12)]);
    assert_eq!(only_consumer(above), (None, Carrier::Env));
    let key = flow("KEY", Way::Env, 40);
    let mut below = sent(key.clone(), vec![step(0, 8, Vec::new()), step(1, 12, Vec::new())]);
    for step in &mut below.steps {
        step.env = vec![binding("KEY", vec![key.clone()])];
    }
    assert_eq!(only_consumer(below), (None, Carrier::Env));
}

#[test]
fn an_environment_of_a_step_belongs_to_it() {
    let key = flow("KEY", Way::Env, 14);
    let mut second = step(1, 12, Vec::new());
    second.env = vec![binding("KEY", vec![key.clone()])];
    let job = sent(key, vec![step(0, 8, Vec::new()), second, step(2, 20, Vec::new())]);
    assert_eq!(only_consumer(job), (Some("#2".to_owned()), Carrier::Env));
}

#[test]
fn an_input_and_a_script_belong_to_their_steps() {
    let token = flow("TOKEN", Way::Input, 9);
    let uses = Mention {
        inputs: vec![binding("token", vec![token.clone()])],
        ..mention(action("a/b", "v1", Pinned::Tag), 8)
    };
    let job = sent(token, vec![step(0, 8, vec![uses])]);
    assert_eq!(only_consumer(job), (Some("#1".to_owned()), Carrier::Input));
    let job = sent(flow("X", Way::Script, 15), vec![step(0, 8, vec![]), step(1, 12, vec![])]);
    assert_eq!(only_consumer(job), (Some("#2".to_owned()), Carrier::Script));
}

#[test]
fn an_output_after_the_last_step_is_not_its() {
    let steps = vec![step(0, 8, Vec::new()), step(1, 12, Vec::new())];
    let output = sent(flow("X", Way::Other, 30), steps.clone());
    assert_eq!(only_consumer(output), (None, Carrier::Memory));
    let condition = sent(flow("X", Way::Other, 9), steps);
    assert_eq!(only_consumer(condition), (Some("#1".to_owned()), Carrier::Memory));
}

#[test]
fn the_token_is_one_placement_of_the_job() {
    let token = Flow {
        secret: Secret { scope: Scope::Job, name: "GITHUB_TOKEN".into() },
        ..flow("x", Way::Implicit, 5)
    };
    let report = report(pipeline(vec![sent(token, Vec::new())]));
    assert_eq!(report.placements[0].scope, "job");
    assert_eq!(report.placements[0].consumers[0].carrier, Carrier::Token);
}

#[test]
fn a_whole_context_says_so_and_how_it_came() {
    let all = flow("*", Way::WholeContext, 10);
    let mut dump = step(0, 8, Vec::new());
    dump.env = vec![binding("ALL", vec![all.clone()])];
    let report = report(pipeline(vec![sent(all, vec![dump])]));
    let consumer = &report.placements[0].consumers[0];
    assert!(consumer.whole_context);
    assert_eq!(consumer.carrier, Carrier::Env);
    assert_eq!(report.placements[0].name, &*secret("*").name);
}

#[test]
fn a_gap_behind_a_download_hides_no_placement() {
    let mut holed = pipeline(Vec::new());
    holed.gaps = vec![gap(1, Hides::Text("curl".into())), gap(2, Hides::Secrets)];
    let matters: Vec<_> = report(holed).coverage.iter().map(|c| c.matters).collect();
    assert_eq!(matters, [false, true]);
}
