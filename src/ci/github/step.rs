//! Steps: scripts and actions, those of composite actions in their place.

use std::sync::Arc;

use super::{
    action,
    job::{self, JobReader},
    reading, residue,
    uses::{self, Uses},
    value::{Context, Names, Value},
};
use crate::ci::{
    model::{Certainty, Component, EnvView, Gap, Hides, Mention, Place, Step, Way},
    normalise,
    shell::{ScriptInput, Shell},
    yaml::{Node, NodeKind},
};

/// GitHub's limit on nested composite actions.
pub(super) const MAX_NESTING: usize = 10;

/// Steps that one job may expand to.
const MAX_STEPS: usize = 20_000;

/// Keys of steps that run nothing themselves.
const CONTROL: [&str; 4] = ["wait", "wait-all", "cancel", "parallel"];

/// One step while it is read.
pub(super) struct Current<'n> {
    pub(super) node: &'n Node,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) env: Names,
    /// Environment that an inner step of a composite action gets from around it.
    pub(super) own_env: Names,
}

impl Current<'_> {
    /// As the step is called in names of minted tokens.
    fn label(&self, index: usize) -> String {
        self.id.clone().unwrap_or_else(|| format!("#{}", index + 1))
    }
}

impl JobReader<'_> {
    pub(super) fn read_steps(
        &mut self,
        nodes: &[Arc<Node>],
        cx: &mut Context,
        outer: &Names,
        via: &[Place],
    ) {
        for node in nodes {
            if self.steps.len() >= MAX_STEPS {
                let place = cx.place(node.line);
                self.gaps.push(Gap {
                    place,
                    reason: format!("steps after the first {MAX_STEPS} of a job are not read"),
                    hides: Hides::Anything,
                });
                return;
            }
            if let Some(group) = node.get("parallel") {
                self.read_steps(group.items(), cx, outer, via);
                continue;
            }
            if self.frame.reading.is_spent() {
                return;
            }
            self.read_step(node, cx, outer, via);
        }
    }

    fn read_step(&mut self, node: &Node, cx: &mut Context, outer: &Names, via: &[Place]) {
        let index = self.steps.len();
        cx.env = self.env_so_far(outer);
        let own_env = match node.get("env") {
            Some(env) => self.read_env(env, cx),
            None => Names::default(),
        };
        let mut env = cx.env.clone();
        env.extend(&own_env);
        cx.env = env.clone();
        if let Some(condition) = node.get("if").and_then(|n| n.scalar()) {
            self.sent.extend(cx.condition(condition));
        }
        // Copied by a script and where it differs from the step before; the files by every step.
        let copied = if own_env.len() > 0 || node.get("run").is_some() { env.len() } else { 0 };
        self.frame.reading.spend(reading::STEP + reading::VALUE * (copied + self.files_left.len()));
        let text = |key: &str| node.get(key).and_then(|n| n.text()).map(str::to_owned);
        let current = Current { node, id: text("id"), name: text("name"), env, own_env };
        self.steps.push(Step {
            index,
            id: current.id.clone(),
            name: current.name.clone(),
            place: cx.place(node.line),
            via: via.to_vec(),
            condition: text("if"),
            env: current.env.bindings(),
            files: self.files_left.clone(),
            mentions: Vec::new(),
        });
        let (uses, run) = (node.get("uses"), node.get("run"));
        if let Some(uses) = uses {
            self.use_step(uses, &current, index, cx, outer, via);
        }
        if let Some(run) = run {
            self.script_step(run, &current, index, cx, via);
        }
        if uses.is_none() && run.is_none() && !CONTROL.iter().any(|key| node.entry(key).is_some()) {
            self.gaps.push(Gap {
                place: cx.place(node.line),
                reason: "this step has neither `run` nor `uses`".to_owned(),
                hides: Hides::Nothing,
            });
        }
    }

    fn script_step(
        &mut self,
        run: &Node,
        current: &Current<'_>,
        index: usize,
        cx: &mut Context,
        via: &[Place],
    ) {
        let Some(scalar) = run.scalar() else { return };
        let (placeholders, sent) = cx.placeholders(scalar);
        self.sent.extend(sent);
        let setting = current.node.get("shell").and_then(|n| n.text()).map(str::to_owned);
        let setting = setting.or_else(|| self.shell.clone());
        let (shell, template) = Shell::from_setting(setting.as_deref(), self.runner.os);
        let workdir = current.node.get("working-directory").and_then(|n| n.scalar());
        let workdir = match workdir {
            Some(dir) => cx.evaluate(dir, Way::Other).value.values.first().map(|v| v.to_string()),
            None => Some(self.workdir.clone()),
        };
        let workdir = normalise("", &workdir.unwrap_or_default()).unwrap_or_default();
        let outcome = self.session.run(&ScriptInput {
            file: &cx.file,
            text: &scalar.text,
            lines: &scalar.lines,
            shell,
            template: template.as_deref(),
            env: &job::shell_env(&current.env, cx.action_path.as_ref()),
            placeholders: &placeholders,
            workdir: &workdir,
        });
        let mentions = outcome.mentions.into_iter().map(|mut mention| {
            mention.via = via.iter().cloned().chain(mention.via).collect();
            mention.certainty = mention.certainty.max(cx.certainty);
            mention
        });
        self.steps[index].mentions.extend(mentions);
        for binding in outcome.env_for_later_steps {
            let values = binding.literal.into_iter().collect();
            self.exported
                .set(&binding.name, Value { flows: binding.flows, values, partial: false });
        }
        if let Some(id) = &current.id {
            for binding in outcome.outputs {
                let values = binding.literal.into_iter().collect();
                let key = (id.to_ascii_lowercase(), binding.name.to_ascii_lowercase());
                cx.outputs.insert(key, Value { flows: binding.flows, values, partial: false });
            }
        }
        self.gaps.extend(outcome.gaps);
    }

    fn use_step(
        &mut self,
        node: &Node,
        current: &Current<'_>,
        index: usize,
        cx: &mut Context,
        outer: &Names,
        via: &[Place],
    ) {
        let Some(scalar) = node.scalar() else { return };
        let inputs = match current.node.get("with") {
            Some(with) => self.read_bindings(with, cx, Way::Input),
            None => Names::default(),
        };
        let place = cx.place(node.line);
        // GitHub takes no expression in `uses`; where one stands, its values are tried.
        let names = cx.evaluate(scalar, Way::Other).value.values;
        if names.is_empty() {
            self.gaps.push(job::unknown_name(place, &scalar.text, "action"));
            return;
        }
        for name in names {
            let step = Using { place: &place, inputs: &inputs, via, index, outer };
            self.use_one(&name, &step, current, cx);
        }
    }

    fn use_one(&mut self, name: &str, step: &Using<'_>, current: &Current<'_>, cx: &mut Context) {
        match uses::parse(name) {
            Uses::Image(component) => self.mention(component, step, step.inputs, cx),
            Uses::Remote { owner_repo, path, reference } => {
                let component = uses::action_component(&owner_repo, &path, reference.as_deref());
                let sibling = self.frame.siblings.find(&owner_repo);
                let known = sibling.and_then(|files| {
                    let load = || Some(action::load(files, &path)?.of_sibling(&owner_repo));
                    self.frame.reading.action(&owner_repo, &path, load)
                });
                let inputs = match &known {
                    Some(known) => known.inputs_with_defaults(step.inputs, cx, step.place.line),
                    None => step.inputs.clone(),
                };
                self.mention(component, step, &inputs, cx);
                self.leave(&owner_repo, &path, step, current, cx);
                if let Some(known) = known {
                    self.enter_action(&known, step, current, cx, Certainty::Possible);
                }
            }
            Uses::Local(path) => self.use_local(&path, step, current, cx),
            Uses::Odd => self.gaps.push(Gap {
                place: step.place.clone(),
                reason: format!("`{}` is not a form of `uses`", name.trim()),
                hides: Hides::Text(Arc::from(name)),
            }),
        }
    }

    fn use_local(&mut self, path: &str, step: &Using<'_>, current: &Current<'_>, cx: &mut Context) {
        let gap = |reason: String, hides| Gap { place: step.place.clone(), reason, hides };
        let Some(dir) = normalise("", path) else {
            self.gaps.push(gap(format!("`{path}` leaves the checkout"), Hides::Anything));
            return;
        };
        let load = || action::load(self.frame.top_files, &dir);
        match self.frame.reading.action("", &dir, load) {
            Some(known) => self.enter_action(&known, step, current, cx, Certainty::Inferred),
            None => {
                // Another checkout, or an earlier step, puts it there.
                let reason = format!("the local action `{path}` is not in this checkout");
                self.gaps.push(gap(reason, Hides::Anything));
            }
        }
    }

    fn mention(&mut self, component: Component, step: &Using<'_>, inputs: &Names, cx: &Context) {
        cx.reading.spend(reading::VALUE * inputs.len());
        self.steps[step.index].mentions.push(Mention {
            component,
            place: step.place.clone(),
            via: step.via.to_vec(),
            runs: true,
            env: EnvView::Inherits { plus: Vec::new() },
            inputs: inputs.bindings().to_vec(),
            arguments: Vec::new(),
            certainty: cx.certainty,
        });
    }

    /// Rule G15.
    fn leave(
        &mut self,
        owner_repo: &str,
        path: &str,
        step: &Using<'_>,
        current: &Current<'_>,
        cx: &mut Context,
    ) {
        let name =
            if path.is_empty() { owner_repo.to_owned() } else { format!("{owner_repo}/{path}") };
        let label = current.label(step.index);
        let token = cx.token(step.place.line, Way::Implicit);
        let leaves = residue::of(&residue::Use {
            name: &name,
            inputs: step.inputs,
            step: &label,
            place: step.place,
            token: &token,
        });
        for (name, value) in leaves.env {
            self.sent.extend(value.flows.iter().cloned());
            self.exported.set(&name, value);
        }
        self.sent.extend(leaves.files.iter().cloned());
        self.files_left.extend(leaves.files);
        for (output, value) in leaves.outputs {
            self.sent.extend(value.flows.iter().cloned());
            if let Some(id) = &current.id {
                cx.outputs.insert((id.to_ascii_lowercase(), output.to_ascii_lowercase()), value);
            }
        }
    }

    /// An action whose files can be read.
    fn enter_action(
        &mut self,
        known: &action::Known,
        step: &Using<'_>,
        current: &Current<'_>,
        cx: &mut Context,
        certainty: Certainty,
    ) {
        let inputs = known.inputs_with_defaults(step.inputs, cx, step.place.line);
        match &known.runs {
            action::Runs::Composite(steps) => {
                let mut via = step.via.to_vec();
                via.push(step.place.clone());
                if via.len() > MAX_NESTING + 2 || step.via.iter().any(|p| p.file == known.file) {
                    self.gaps.push(Gap {
                        place: step.place.clone(),
                        reason: format!("`{}` calls itself, or is nested too deep", known.file),
                        hides: Hides::Nothing,
                    });
                    return;
                }
                let mut inner = known.context(inputs, cx, certainty);
                let mut outer = step.outer.clone();
                outer.extend(&current.own_env);
                let NodeKind::Seq(nodes) = &steps.kind else { return };
                self.read_steps(nodes, &mut inner, &outer, &via);
                if let Some(id) = &current.id {
                    known.outputs(&inner, id, cx);
                }
            }
            action::Runs::Image(component) => {
                self.mention(component.clone(), step, &inputs, cx);
            }
            action::Runs::Code(text) => {
                // Who asks what the gap hides searches the text.
                cx.reading.spend(text.len() / 16);
                self.gaps.push(Gap {
                    place: step.place.clone(),
                    reason: format!(
                        "the code of the local action `{}` is not followed",
                        known.file
                    ),
                    hides: Hides::Text(Arc::clone(text)),
                });
            }
            action::Runs::Unknown(reason) => self.gaps.push(Gap {
                place: step.place.clone(),
                reason: format!("the action `{}`: {reason}", known.file),
                hides: Hides::Anything,
            }),
        }
    }
}

/// One `uses:` in its place.
struct Using<'s> {
    place: &'s Place,
    inputs: &'s Names,
    via: &'s [Place],
    index: usize,
    outer: &'s Names,
}
