//! Actions that the repository offers to others, assessed for their consumers.

use std::sync::Arc;

use super::{
    action::{Runs, known},
    call::Frame,
    context::{Context, Secrets},
    job::{self, JobReader},
    names::Names,
    value::distinct,
    workflow,
};
use crate::ci::{
    Files, Siblings,
    model::{
        Certainty, Component, Doubt, EnvView, Gap, Hides, Job, Mention, Permissions, Pipeline,
        Place, Platform, Role, Runner,
    },
    yaml::Node,
};

/// An action that the repository offers to others, assessed for its consumers.
pub(super) fn read(
    files: &dyn Files,
    siblings: &dyn Siblings,
    file: &Arc<str>,
    root: &Arc<Node>,
    gaps: Vec<Gap>,
    doubts: Vec<Doubt>,
) -> Vec<Pipeline> {
    let dir = file.rsplit_once('/').map_or("", |(dir, _)| dir);
    let action = known(files, file, dir, Arc::clone(root));
    let frame = Frame::top(files, siblings, file);
    let mut reader = JobReader::detached(&frame);
    reader.gaps = gaps;
    let inputs = workflow::consumer_inputs(Some(root), file);
    let mut cx = Context::new(file, Secrets::Consumer, &frame.budget);
    reader.sent.extend(inputs.iter().flat_map(|(_, value)| value.flows.iter().cloned()));
    let mut mentions = Vec::new();
    let gap = |reason: String, hides| workflow::gap(file, root.line, reason, hides);
    match &action.runs {
        Runs::Composite(steps) => {
            cx = action.context(inputs, &cx, Certainty::Inferred);
            reader.read_steps(&job::step_nodes(steps), &mut cx, &Names::default(), &[]);
            reader.run_posts();
            reader.drop_fetches_that_ran();
        }
        Runs::Image(component) => {
            let line = root.get("runs").and_then(|n| n.get("image")).map_or(1, |n| n.line);
            mentions.push(image_mention(component.clone(), file, line, &inputs));
        }
        // Code of its own is no third party; but what it fetches is not seen.
        Runs::Code(text) => {
            let reason = "the code of this action is not followed".to_owned();
            reader.gaps.push(gap(reason, Hides::Text(Arc::clone(text))));
        }
        Runs::Elsewhere(name) => {
            let reason = format!("`{name}` of this action is not in the checkout");
            reader.gaps.push(gap(reason, Hides::Nothing));
        }
        // Not all that is called `action.yml` is one.
        Runs::Unknown(reason) => reader.gaps.push(gap(reason.clone(), Hides::Nothing)),
    }
    reader.gaps.extend(workflow::over_budget(&frame));
    let has_code = !reader.steps.is_empty() || !mentions.is_empty();
    let job = Job {
        id: String::new(),
        name: None,
        needs: Vec::new(),
        place: Place { file: Arc::clone(file), line: root.line },
        via: Vec::new(),
        condition: None,
        environment: None,
        permissions: Permissions::default(),
        runner: Runner::default(),
        sent: distinct(reader.sent),
        mentions,
        steps: reader.steps,
    };
    vec![Pipeline {
        platform: Platform::Github,
        file: Arc::clone(file),
        name: root.get("name").and_then(|n| n.text()).map(str::to_owned),
        role: Role::Offered,
        triggers: Vec::new(),
        jobs: if has_code { vec![job] } else { Vec::new() },
        doubts,
        gaps: reader.gaps,
    }]
}

/// It runs in a job of the consumer's, with what the consumer hands to it.
fn image_mention(component: Component, file: &Arc<str>, line: u32, inputs: &Names) -> Mention {
    Mention {
        component,
        place: Place { file: Arc::clone(file), line },
        via: Vec::new(),
        runs: true,
        env: EnvView::Only { passed: Vec::new() },
        inputs: inputs.secret_bindings(),
        arguments: Vec::new(),
        certainty: Certainty::Inferred,
    }
}
