//! Steps that use an action: what it is, what it gets, what it leaves behind.

use std::sync::Arc;

use super::{
    action,
    context::Context,
    job::{self, Checkout, JobReader},
    names::Names,
    residue,
    step::Current,
    uses::{self, Uses},
    value::Value,
};
use crate::ci::{
    model::{Certainty, Component, EnvView, Gap, Hides, Kind, Mention, Place, Way},
    normalise,
    yaml::Node,
};

/// GitHub's limit on nested composite actions.
const MAX_NESTING: usize = 10;

/// One `uses:` in its place.
pub(super) struct Using<'s> {
    pub(super) place: Place,
    pub(super) inputs: Names,
    pub(super) current: &'s Current<'s>,
    pub(super) certainty: Certainty,
}

impl JobReader<'_> {
    pub(super) fn use_step(&mut self, node: &Node, current: &Current<'_>, cx: &mut Context) {
        let inputs = match current.node.get("with") {
            Some(with) => self.read_bindings(with, cx, Way::Input),
            None => Names::default(),
        };
        let place = cx.place(node.line);
        let Some(scalar) = node.scalar() else {
            self.sent.extend(cx.evaluate_all(node, Way::Other).sent);
            let reason = "`uses` is not a text".to_owned();
            self.gaps.push(Gap { place, reason, hides: Hides::Nothing });
            return;
        };
        // GitHub takes no expression in `uses`; where one stands, its values are tried.
        let evaluated = cx.evaluate(scalar, Way::Other);
        self.sent.extend(evaluated.sent);
        let value = evaluated.value;
        if value.partial || value.values.is_empty() {
            let hides = Hides::Kind(Kind::Action);
            self.gaps.push(job::unknown_name(place.clone(), &scalar.text, "action", hides));
        }
        let computed = scalar.text.contains("${{");
        let certainty = if computed { Certainty::Possible } else { cx.certainty };
        let step = Using { place, inputs, current, certainty };
        for name in value.values {
            self.use_one(&name, &step, cx);
        }
    }

    fn use_one(&mut self, name: &str, step: &Using<'_>, cx: &mut Context) {
        match uses::parse(name) {
            Uses::Image(component) => {
                self.mention(component, step, &step.inputs);
            }
            Uses::Remote { owner_repo, path, reference } => {
                self.use_remote(&owner_repo, &path, reference.as_deref(), step, cx);
            }
            Uses::Local(path) => self.use_local(&path, step, cx),
            Uses::Odd => self.gaps.push(Gap {
                place: step.place.clone(),
                reason: format!("`{}` is not a form of `uses`", name.trim()),
                hides: Hides::Text(Arc::from(name)),
            }),
        }
    }

    fn use_remote(
        &mut self,
        owner_repo: &str,
        path: &str,
        reference: Option<&str>,
        step: &Using<'_>,
        cx: &mut Context,
    ) {
        let component = uses::action_component(owner_repo, path, reference);
        let frame = self.frame;
        let load = |files| frame.actions.of_sibling(files, owner_repo, path);
        let known = match frame.siblings.find(owner_repo).map(load) {
            Some(Ok(known)) => known,
            // It stands as a component either way.
            Some(Err(_)) | None => None,
        };
        let inputs = match &known {
            Some(known) => known.inputs_with_defaults(&step.inputs, cx, step.place.line),
            None => step.inputs.clone(),
        };
        let mention = self.mention(component, step, &inputs);
        self.leave(owner_repo, path, step, cx);
        self.started_by(owner_repo, step, cx);
        if let Some(known) = known {
            if known.post {
                self.posts.push((step.current.index, mention));
            }
            self.enter_action(&known, step, cx, Certainty::Possible);
        }
    }

    fn use_local(&mut self, path: &str, step: &Using<'_>, cx: &mut Context) {
        let gap = |reason: String, hides| Gap { place: step.place.clone(), reason, hides };
        let Some(dir) = normalise("", path) else {
            self.gaps.push(gap(format!("`{path}` leaves the checkout"), Hides::Anything));
            return;
        };
        match self.frame.actions.own(self.frame.top_files, &dir) {
            Ok(Some(known)) => self.enter_action(&known, step, cx, Certainty::Inferred),
            Ok(None) if let Some(known) = self.in_copy(&dir) => {
                self.enter_action(&known, step, cx, Certainty::Inferred);
            }
            Ok(None) => match self.checked_out(&dir) {
                Some((owner_repo, path, reference)) => {
                    self.use_remote(&owner_repo, &path, reference.as_deref(), step, cx);
                }
                // A script, or a checkout of a computed name, puts it there.
                None => {
                    let reason = format!("the local action `{path}` is not in this checkout");
                    self.gaps.push(gap(reason, Hides::Anything));
                }
            },
            Err(reason) => self.gaps.push(gap(reason, Hides::Anything)),
        }
    }

    /// The action in a folder that the repository itself was put into.
    fn in_copy(&self, dir: &str) -> Option<action::Known> {
        self.copies.iter().find_map(|copy| {
            let rest = below(dir, copy)?;
            action::load(self.frame.top_files, rest).ok().flatten()
        })
    }

    /// A folder that lies in the checkout of another repository: that one, and the path in it.
    fn checked_out(&self, dir: &str) -> Option<(String, String, Option<String>)> {
        self.checkouts.iter().rev().find_map(|checkout| {
            let path = below(dir, &checkout.path)?.to_owned();
            Some((checkout.owner_repo.clone(), path, checkout.reference.clone()))
        })
    }

    fn mention(&mut self, component: Component, step: &Using<'_>, inputs: &Names) -> usize {
        let mentions = &mut self.steps[step.current.index].mentions;
        mentions.push(Mention {
            component,
            place: step.place.clone(),
            via: step.current.via.to_vec(),
            runs: true,
            env: EnvView::Inherits { plus: Vec::new() },
            inputs: inputs.secret_bindings(),
            arguments: Vec::new(),
            certainty: step.certainty,
        });
        mentions.len() - 1
    }

    /// Rule G15.
    fn leave(&mut self, owner_repo: &str, path: &str, step: &Using<'_>, cx: &mut Context) {
        let name =
            if path.is_empty() { owner_repo.to_owned() } else { format!("{owner_repo}/{path}") };
        if name.eq_ignore_ascii_case("actions/checkout") {
            self.checkouts.extend(other_checkout(&step.inputs));
            for folder in own_checkout(&step.inputs) {
                self.session.check_out(&folder);
                self.copies.push(folder);
            }
        }
        let leaves = residue::of(&residue::Use {
            name: &name,
            inputs: &step.inputs,
            env: &step.current.env,
            step: &step.current.label(),
            place: &step.place,
            token: &cx.token(step.place.line, Way::Implicit),
        });
        let certainty = step.certainty;
        for (name, value) in leaves.env {
            self.sent.extend(value.flows.iter().cloned());
            self.export(&name, value.weakened(certainty), step.current.conditional);
        }
        let files = leaves.files.into_iter().map(|mut flow| {
            flow.certainty = flow.certainty.max(certainty);
            flow
        });
        for flow in files {
            self.sent.push(flow.clone());
            self.files_left.push(flow);
        }
        for (output, value) in leaves.outputs {
            self.sent.extend(value.flows.iter().cloned());
            if let Some(id) = &step.current.id {
                cx.outputs.insert((id.to_ascii_lowercase(), output.to_ascii_lowercase()), value);
            }
        }
    }

    /// An action whose files can be read.
    fn enter_action(
        &mut self,
        known: &action::Known,
        step: &Using<'_>,
        cx: &mut Context,
        certainty: Certainty,
    ) {
        self.gaps.extend(known.gaps());
        let inputs = known.inputs_with_defaults(&step.inputs, cx, step.place.line);
        let gap = |reason: String, hides| Gap { place: step.place.clone(), reason, hides };
        match &known.runs {
            action::Runs::Composite(steps) => {
                let mut via = step.current.via.to_vec();
                via.push(step.place.clone());
                let circle = step.current.via.iter().any(|place| place.file == known.file);
                if via.len() > MAX_NESTING + 2 || circle {
                    let reason = format!("`{}` calls itself, or is nested too deep", known.file);
                    self.gaps.push(gap(reason, Hides::Nothing));
                    return;
                }
                let mut inner = known.context(inputs, cx, certainty.max(step.certainty));
                inner.conditional = step.current.conditional;
                self.read_steps(&job::step_nodes(steps), &mut inner, &step.current.inner_env, &via);
                if let Some(id) = &step.current.id {
                    known.outputs(&inner, id, cx);
                }
            }
            action::Runs::Image(component) => {
                self.mention(component.clone(), step, &inputs);
            }
            // The mention of a sibling's action stands for its code.
            action::Runs::Code(_) | action::Runs::Elsewhere(_) if known.sibling => {}
            action::Runs::Code(text) => {
                let reason =
                    format!("the code of the local action `{}` is not followed", known.file);
                self.gaps.push(gap(reason, Hides::Text(Arc::clone(text))));
            }
            // Like any program of the repository's own that a job builds and runs.
            action::Runs::Elsewhere(name) => {
                let reason = format!(
                    "`{name}` of the local action `{}` is made during the run, and not followed",
                    known.file
                );
                self.gaps.push(gap(reason, Hides::Nothing));
            }
            action::Runs::Unknown(reason) => {
                self.gaps
                    .push(gap(format!("the action `{}`: {reason}", known.file), Hides::Anything));
            }
        }
    }
}

/// The path of `dir` in `folder`, if it lies there.
fn below<'d>(dir: &'d str, folder: &str) -> Option<&'d str> {
    let rest = if folder.is_empty() { dir } else { dir.strip_prefix(folder)? };
    (folder.is_empty() || rest.is_empty() || rest.starts_with('/'))
        .then(|| rest.trim_start_matches('/'))
}

/// Folders that the job's own repository is put into. A computed name is most often that of the fork a
/// pull request comes from.
fn own_checkout(inputs: &Names) -> Vec<String> {
    let named = |name: &Value| name.values.iter().any(|text| !text.trim().is_empty());
    if inputs.find("repository").is_some_and(named) {
        return Vec::new();
    }
    let folders = inputs.find("path").into_iter().flat_map(|path| &path.values);
    let folders = folders.filter_map(|path| normalise("", path.trim()));
    folders.filter(|path| !path.is_empty()).collect()
}

/// Another repository than the job's own; of a computed name nothing can be told.
fn other_checkout(inputs: &Names) -> Option<Checkout> {
    let text = |name: &str| inputs.find(name).and_then(|value| value.only()).map(|t| t.trim());
    let owner_repo = text("repository").filter(|name| name.contains('/'))?;
    Some(Checkout {
        path: normalise("", text("path").unwrap_or_default())?,
        owner_repo: owner_repo.to_owned(),
        reference: text("ref").filter(|r| !r.is_empty()).map(str::to_owned),
    })
}
