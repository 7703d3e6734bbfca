//! One job: its context, and its steps in order.

use std::sync::Arc;

use super::{
    call::Frame,
    context::{Context, Secrets},
    matrix::Matrix,
    names::Names,
    triggers,
    value::{Value, distinct},
    workflow::Workflow,
};
use crate::ci::{
    model::{
        Binding, Certainty, EnvView, Environment, Flow, Gap, Hides, Job, Permissions, Place,
        Runner, Step, Way,
    },
    shell::Session,
    yaml::{Entry, Node, NodeKind},
};

/// Parts of a job that are read by a rule of their own; of all others it counts what they name.
const READ_APART: [&str; 8] =
    ["env", "steps", "container", "services", "if", "uses", "with", "secrets"];

/// A job while it is read.
pub(super) struct JobReader<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) session: Session<'a>,
    pub(super) runner: Runner,
    /// `defaults.run` of the job, then of the workflow.
    pub(super) defaults: Vec<Arc<Node>>,
    /// Pipeline and job `env`, over that of the job's container.
    base_env: Names,
    /// What earlier steps exported to all later ones.
    exported: Names,
    /// Credential files that lie on the disk by now.
    pub(super) files_left: Vec<Flow>,
    /// Checkouts of other repositories in the workspace.
    pub(super) checkouts: Vec<Checkout>,
    /// Folders of the workspace that the repository itself was put into.
    pub(super) copies: Vec<String>,
    /// Mentions `(step, mention)` of actions that run again after the last step.
    pub(super) posts: Vec<(usize, usize)>,
    pub(super) sent: Vec<Flow>,
    pub(super) steps: Vec<Step>,
    pub(super) gaps: Vec<Gap>,
    /// Kinds of the literal credentials that were met, by variable.
    pub(super) literals: Vec<(Arc<str>, &'static str)>,
}

/// Another repository, put into the workspace by `actions/checkout`.
pub(super) struct Checkout {
    /// Its folder, relative to the workspace.
    pub(super) path: String,
    pub(super) owner_repo: String,
    pub(super) reference: Option<String>,
}

/// A job and what could not be read of it.
pub(super) struct ReadJob {
    pub(super) job: Job,
    pub(super) gaps: Vec<Gap>,
}

pub(super) fn read(workflow: &Workflow<'_>, entry: &Entry) -> ReadJob {
    let (frame, node) = (workflow.frame, &*entry.value);
    let mut cx = context(workflow, node);
    let environment = node.get("environment").map(|node| environment(node, &cx));
    if let Some(environment) = &environment {
        let scopes = environment_scopes(environment);
        match &mut cx.secrets {
            Secrets::Own { scopes: own } => own.extend(scopes),
            Secrets::Mapped(_) => cx.environments = scopes,
            Secrets::Consumer | Secrets::None => {}
        }
    }
    let mut reader = JobReader::new(frame, node, &cx, workflow);
    reader.enter(workflow, node, &mut cx);
    let mut mentions = reader.images(node, &cx);
    mentions.iter_mut().for_each(|mention| mention.via = frame.via.clone());
    reader.condition(node, &cx);
    reader.steps_of(node, entry.key_line, &mut cx);
    reader.read_rest(node, &READ_APART, &cx);
    reader.run_posts();
    reader.drop_fetches_that_ran();
    let job = Job {
        id: entry.key.text.trim().to_owned(),
        name: node.get("name").and_then(|n| n.text()).map(str::to_owned),
        needs: needs(node),
        place: cx.place(entry.key_line),
        via: frame.via.clone(),
        condition: node.get("if").and_then(|n| n.text()).map(str::to_owned),
        environment,
        permissions: effective_permissions(workflow, node),
        runner: reader.runner,
        sent: distinct(reader.sent),
        mentions,
        steps: reader.steps,
    };
    ReadJob { job, gaps: reader.gaps }
}

pub(super) fn needs(node: &Node) -> Vec<String> {
    match node.get("needs").map(|n| &n.kind) {
        Some(NodeKind::Scalar(one)) => vec![one.text.trim().to_owned()],
        Some(NodeKind::Seq(items)) => {
            items.iter().filter_map(|item| item.text()).map(|id| id.trim().to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

/// The context of a job before its own `env` is known.
pub(super) fn context(workflow: &Workflow<'_>, node: &Node) -> Context {
    let frame = workflow.frame;
    let mut cx = Context::new(&frame.file, frame.secrets.clone(), &frame.budget);
    cx.inputs = frame.inputs.clone();
    cx.certainty = frame.certainty;
    if let Some(matrix) = node.get("strategy").and_then(|n| n.get("matrix")) {
        cx.matrix = Matrix::read(matrix, &cx);
    }
    cx
}

pub(super) fn effective_permissions(workflow: &Workflow<'_>, node: &Node) -> Permissions {
    triggers::permissions(node.get("permissions").map(|n| &**n))
        .or_else(|| triggers::permissions(workflow.root.get("permissions").map(|n| &**n)))
        .or_else(|| workflow.frame.permissions.clone())
        .unwrap_or_default()
}

fn environment(node: &Node, cx: &Context) -> Environment {
    let name = match &node.kind {
        NodeKind::Map(_) => node.get("name").and_then(|n| n.scalar()),
        _ => node.scalar(),
    };
    let value = name.map(|name| cx.evaluate(name, Way::Other).value).unwrap_or_default();
    match value.only() {
        Some(only) => Environment { name: Some(Arc::clone(only)), candidates: Vec::new() },
        None => {
            let mut candidates = value.values;
            if value.partial || candidates.is_empty() {
                candidates.push(Arc::from("*"));
            }
            Environment { name: None, candidates }
        }
    }
}

fn environment_scopes(environment: &Environment) -> Vec<Arc<str>> {
    let names = environment.name.iter().chain(&environment.candidates);
    // The empty name is no environment.
    let names = names.filter(|name| !name.trim().is_empty());
    names.map(|name| Arc::from(format!("environment:{}", name.trim()))).collect()
}

impl<'a> JobReader<'a> {
    fn new(frame: &'a Frame<'a>, node: &Node, cx: &Context, workflow: &Workflow<'_>) -> Self {
        let mut reader = Self::detached(frame);
        reader.runner = triggers::runner(node.get("runs-on").map(|n| &**n), cx);
        reader.runner.in_container = node.get("container").is_some_and(|n| !n.is_null());
        let defaults = [node, workflow.root]
            .into_iter()
            .filter_map(|node| node.get("defaults")?.get("run").cloned());
        reader.defaults = defaults.collect();
        reader
    }

    /// A fetch that a later step ran is mentioned there, and no longer where it was only kept.
    pub(super) fn drop_fetches_that_ran(&mut self) {
        let Self { session, steps, .. } = self;
        for step in steps {
            step.mentions.retain(|mention| mention.runs || !session.ran(mention));
        }
    }

    /// For an action that is offered to others: no job of ours stands around it.
    pub(super) fn detached(frame: &'a Frame<'a>) -> Self {
        Self {
            frame,
            session: Session::new(frame.top_files),
            runner: Runner::default(),
            defaults: Vec::new(),
            base_env: Names::default(),
            exported: Names::default(),
            files_left: Vec::new(),
            checkouts: Vec::new(),
            copies: Vec::new(),
            posts: Vec::new(),
            sent: Vec::new(),
            steps: Vec::new(),
            gaps: Vec::new(),
            literals: Vec::new(),
        }
    }

    fn enter(&mut self, workflow: &Workflow<'_>, node: &Node, cx: &mut Context) {
        if !matches!(cx.secrets, Secrets::Consumer) {
            // Rule G11: the token is sent to every job.
            self.sent.push(cx.token(node.line, Way::Implicit));
        }
        // The environment of the job's container is there for every step, under all others.
        let container = node.get("container").and_then(|n| n.get("env"));
        let levels = [container, workflow.root.get("env"), node.get("env")];
        for env in levels.into_iter().flatten() {
            let names = self.read_bindings(env, cx, Way::Env);
            cx.env.extend(&names);
        }
        self.base_env = cx.env.clone();
        if let Some(defaults) = workflow.root.get("defaults") {
            self.sent.extend(cx.evaluate_all(defaults, Way::Other).sent);
        }
    }

    pub(super) fn condition(&mut self, node: &Node, cx: &Context) {
        if let Some(condition) = node.get("if").and_then(|n| n.scalar()) {
            self.sent.extend(cx.condition(condition));
        }
    }

    /// What is named anywhere else was sent too (rule G9), though nothing of it reaches a process here.
    pub(super) fn read_rest(&mut self, node: &Node, apart: &[&str], cx: &Context) {
        for entry in node.entries() {
            if !apart.contains(&&*entry.key.text) {
                self.sent.extend(cx.evaluate_all(&entry.value, Way::Other).sent);
            }
        }
    }

    fn steps_of(&mut self, node: &Node, line: u32, cx: &mut Context) {
        let (none, via) = (Names::default(), self.frame.via.clone());
        match node.get("steps") {
            // GitHub refuses a second `steps`; each is read, so that nothing is missed.
            Some(_) => {
                for entry in node.entries().iter().filter(|entry| &*entry.key.text == "steps") {
                    self.read_steps(&step_nodes(&entry.value), cx, &none, &via);
                }
            }
            None => self.gaps.push(Gap {
                place: cx.place(line),
                reason: "this job has neither `steps` nor `uses`".to_owned(),
                hides: Hides::Nothing,
            }),
        }
    }

    /// Environment of a step before its own `env`.
    pub(super) fn env_so_far(&self, outer: &Names) -> Names {
        let mut env = self.base_env.clone();
        env.extend(&self.exported);
        env.extend(outer);
        env
    }

    /// Puts a variable into the environment of all later steps. Where a condition decides on that,
    /// the earlier value may stand.
    pub(super) fn export(&mut self, name: &str, mut value: Value, conditional: bool) {
        let before = self.exported.find(name).or_else(|| self.base_env.find(name));
        if let (Some(before), true) = (before, conditional) {
            value.merge(before);
        }
        self.exported.set_variable(name, value);
    }

    /// Rule G16: a post phase runs after the last step, with all that was exported until then.
    pub(super) fn run_posts(&mut self) {
        for (step, mention) in std::mem::take(&mut self.posts) {
            let known = |name: &str, flow: &Flow| {
                let of_name = |binding: &&Binding| binding.name == name;
                let mut env = self.steps[step].env.iter().filter(of_name);
                env.any(|binding| binding.flows.iter().any(|own| own.secret == flow.secret))
            };
            let mut late: Vec<Binding> = Vec::new();
            for mut binding in self.exported.secret_bindings() {
                binding.flows.retain(|flow| !known(&binding.name, flow));
                binding.flows.iter_mut().for_each(|flow| flow.certainty = Certainty::Possible);
                if !binding.flows.is_empty() {
                    late.push(binding);
                }
            }
            if let EnvView::Inherits { plus } = &mut self.steps[step].mentions[mention].env {
                plus.extend(late);
            }
        }
    }
}

/// The elements of a list of steps. GitHub refuses a mapping there; what is in it is read all the same.
pub(super) fn step_nodes(node: &Arc<Node>) -> Vec<Arc<Node>> {
    match &node.kind {
        NodeKind::Seq(items) => items.clone(),
        NodeKind::Map(_) if node.get("run").or_else(|| node.get("uses")).is_some() => {
            vec![Arc::clone(node)]
        }
        NodeKind::Map(entries) => entries.iter().map(|entry| Arc::clone(&entry.value)).collect(),
        NodeKind::Null | NodeKind::Scalar(_) => Vec::new(),
    }
}

/// A name that only an expression knows: it may be any component of that kind.
pub(super) fn unknown_name(place: Place, text: &str, what: &str, hides: Hides) -> Gap {
    let reason =
        format!("the {what} `{}` is an expression that the files do not decide", text.trim());
    Gap { place, reason, hides }
}
