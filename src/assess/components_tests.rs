use std::sync::Arc;

use super::{ComponentsReport, components};
use crate::{
    assess::pipelines_for_tests::{
        action, binding, flow, gap, job, mention, pipeline, place, step,
    },
    ci::model::{EnvView, Hides, Mention, Pinned, Pipeline, Way},
};

fn report(pipeline: Pipeline) -> ComponentsReport {
    let pipelines = [Arc::new(pipeline)];
    components(&[("acme/site".to_owned(), &pipelines)], Vec::new())
}

#[test]
fn what_a_mention_reaches_is_its_step_and_its_own_inputs() {
    let uses = Mention {
        inputs: vec![binding("token", vec![flow("CODECOV_TOKEN", Way::Input, 9)])],
        arguments: vec![flow("ARG", Way::Script, 9)],
        ..mention(action("codecov/codecov-action", "v1", Pinned::Tag), 8)
    };
    let mut upload = step(0, 8, vec![uses]);
    upload.env = vec![binding("KEY", vec![flow("GPG_KEY", Way::Env, 3)])];
    let other = step(1, 12, Vec::new());
    let report = report(pipeline(vec![job("test", vec![upload, other])]));
    assert_eq!(report.components.len(), 1);
    let entry = &report.components[0];
    assert_eq!(entry.placements, ["ARG", "CODECOV_TOKEN", "GPG_KEY"]);
    assert_eq!((entry.consumer.line, entry.consumer.step.as_deref()), (8, Some("#1")));
}

#[test]
fn a_cut_environment_reaches_only_what_was_passed() {
    let image = Mention {
        env: EnvView::Only { passed: vec![binding("A", vec![flow("PASSED", Way::Env, 9)])] },
        ..mention(action("alpine", "3", Pinned::Tag), 9)
    };
    let mut docker = step(0, 8, vec![image]);
    docker.env = vec![binding("KEY", vec![flow("KEPT", Way::Env, 3)])];
    let report = report(pipeline(vec![job("test", vec![docker])]));
    assert_eq!(report.components[0].placements, ["PASSED"]);
}

#[test]
fn the_image_of_a_job_reaches_what_its_steps_have() {
    let mut build = step(0, 8, Vec::new());
    build.env = vec![binding("KEY", vec![flow("KEY", Way::Env, 9)])];
    let mut test = job("test", vec![build]);
    test.mentions = vec![mention(action("node", "20", Pinned::Tag), 4)];
    let report = report(pipeline(vec![test]));
    assert_eq!(report.components[0].placements, ["KEY"]);
    assert_eq!(report.components[0].consumer.step, None);
}

#[test]
fn what_is_fetched_and_never_run_reaches_nothing() {
    let fetched =
        Mention { runs: false, ..mention(action("https://a.example/x.sh", "", Pinned::No), 9) };
    let mut fetch = step(0, 8, vec![fetched]);
    fetch.env = vec![binding("KEY", vec![flow("KEY", Way::Env, 9)])];
    let report = report(pipeline(vec![job("test", vec![fetch])]));
    assert!(!report.components[0].runs);
    assert!(report.components[0].placements.is_empty());
}

#[test]
fn one_place_is_one_entry_and_the_danger_of_either_mention_holds() {
    let ran = mention(action("https://a.example/x.sh", "", Pinned::No), 9);
    let fetched = Mention { runs: false, ..ran.clone() };
    let steps = vec![step(0, 8, vec![fetched, ran])];
    let report = report(pipeline(vec![job("test", steps.clone()), job("again", steps)]));
    assert_eq!(report.components.len(), 2, "one per job");
    assert!(report.components.iter().all(|entry| entry.runs));
}

#[test]
fn a_gap_that_hides_nothing_does_not_matter() {
    let mut holed = pipeline(Vec::new());
    holed.gaps = vec![gap(1, Hides::Nothing), gap(2, Hides::Anything), gap(2, Hides::Anything)];
    let report = report(holed);
    let matters: Vec<_> = report.coverage.iter().map(|c| (c.line, c.matters)).collect();
    assert_eq!(matters, [(Some(1), false), (Some(2), true)]);
    assert_eq!(report.coverage[0].scope, format!("file:{}:1", place(1).file));
}
