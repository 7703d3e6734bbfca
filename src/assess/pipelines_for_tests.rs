//! Pipelines built by hand for the tests of this module.

use crate::ci::model::{
    Binding, Certainty, Component, EnvView, Flow, Gap, Hides, Job, Kind, Mention, Permissions,
    Pinned, Pipeline, Place, Platform, Role, Runner, Scope, Secret, Step, Verified, Way,
};

pub(super) fn place(line: u32) -> Place {
    Place { file: ".github/workflows/ci.yml".into(), line }
}

pub(super) fn secret(name: &str) -> Secret {
    Secret { scope: Scope::Unknown(vec!["repo".into(), "org".into()]), name: name.into() }
}

pub(super) fn flow(name: &str, way: Way, line: u32) -> Flow {
    Flow { secret: secret(name), way, place: place(line), certainty: Certainty::Inferred }
}

pub(super) fn binding(name: &str, flows: Vec<Flow>) -> Binding {
    Binding { name: name.to_owned(), flows, literal: None }
}

pub(super) fn action(name: &str, reference: &str, pinned: Pinned) -> Component {
    Component {
        kind: Kind::Action,
        name: name.to_owned(),
        reference: (!reference.is_empty()).then(|| reference.to_owned()),
        pinned,
        verified: Verified::No,
    }
}

pub(super) fn mention(component: Component, line: u32) -> Mention {
    Mention {
        component,
        place: place(line),
        via: Vec::new(),
        runs: true,
        env: EnvView::Inherits { plus: Vec::new() },
        inputs: Vec::new(),
        arguments: Vec::new(),
        certainty: Certainty::Inferred,
    }
}

pub(super) fn step(index: usize, line: u32, mentions: Vec<Mention>) -> Step {
    Step {
        index,
        id: None,
        name: None,
        place: place(line),
        via: Vec::new(),
        condition: None,
        env: Vec::new(),
        files: Vec::new(),
        mentions,
        installs: Vec::new(),
    }
}

pub(super) fn job(id: &str, steps: Vec<Step>) -> Job {
    Job {
        id: id.to_owned(),
        name: None,
        needs: Vec::new(),
        place: place(2),
        via: Vec::new(),
        condition: None,
        environment: None,
        permissions: Permissions::default(),
        runner: Runner::default(),
        sent: Vec::new(),
        mentions: Vec::new(),
        steps,
    }
}

pub(super) fn pipeline(jobs: Vec<Job>) -> Pipeline {
    Pipeline {
        platform: Platform::Github,
        file: ".github/workflows/ci.yml".into(),
        name: None,
        role: Role::Runs,
        triggers: Vec::new(),
        jobs,
        doubts: Vec::new(),
        gaps: Vec::new(),
    }
}

pub(super) fn gap(line: u32, hides: Hides) -> Gap {
    Gap { place: place(line), reason: "not valid YAML".to_owned(), hides }
}
