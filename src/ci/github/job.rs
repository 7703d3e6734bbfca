//! One job: its context, and its steps in order.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    call::Frame,
    triggers,
    uses::image_component,
    value::{Context, Names, Secrets, Value},
    workflow::Workflow,
};
use crate::ci::{
    literal,
    model::{
        Binding, Certainty, Component, EnvView, Environment, Flow, Gap, Hides, Job, Mention,
        Permissions, Place, Runner, Scope, Secret, Step, Way,
    },
    shell::Session,
    yaml::{Node, NodeKind},
};

/// A job while it is read.
pub(super) struct JobReader<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) session: Session<'a>,
    pub(super) runner: Runner,
    pub(super) shell: Option<String>,
    pub(super) workdir: String,
    /// Pipeline and job `env`.
    base_env: Names,
    /// What earlier steps exported to all later ones.
    pub(super) exported: Names,
    /// Credential files that lie on the disk by now.
    pub(super) files_left: Vec<Flow>,
    pub(super) sent: Vec<Flow>,
    pub(super) steps: Vec<Step>,
    pub(super) gaps: Vec<Gap>,
}

/// A job and what could not be read of it.
pub(super) struct ReadJob {
    pub(super) job: Job,
    pub(super) gaps: Vec<Gap>,
}

pub(super) fn read(workflow: &Workflow<'_>, id: &str, line: u32, node: &Node) -> ReadJob {
    let frame = workflow.frame;
    let mut cx = context(workflow, node);
    let environment = node.get("environment").map(|node| environment(node, &cx));
    if let (Secrets::Own { scopes, .. }, Some(environment)) = (&mut cx.secrets, &environment) {
        scopes.extend(environment_scopes(environment));
    }
    let mut reader = JobReader::new(frame, node, &cx, workflow);
    reader.enter(workflow, node, &mut cx);
    let mut mentions = reader.images(node, &cx);
    if let Some(condition) = node.get("if").and_then(|n| n.scalar()) {
        reader.sent.extend(cx.condition(condition));
    }
    if let Some(steps) = node.get("steps") {
        let (none, via) = (Names::default(), frame.via.clone());
        reader.read_steps(steps.items(), &mut cx, &none, &via);
    }
    for part in ["outputs", "concurrency", "strategy", "name"] {
        if let Some(node) = node.get(part) {
            reader.sent.extend(cx.evaluate_all(node, Way::Other).sent);
        }
    }
    mentions.iter_mut().for_each(|mention| mention.via = frame.via.clone());
    let job = Job {
        id: id.to_owned(),
        name: node.get("name").and_then(|n| n.text()).map(str::to_owned),
        needs: needs(node),
        place: cx.place(line),
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
            items.iter().filter_map(|item| item.text()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// The context of a job before its own `env` is known.
pub(super) fn context(workflow: &Workflow<'_>, node: &Node) -> Context {
    let mut cx =
        Context::new(&workflow.frame.file, workflow.frame.secrets.clone(), &workflow.frame.reading);
    cx.inputs = workflow.frame.inputs.clone();
    cx.certainty = workflow.certainty;
    if let Some(matrix) = node.get("strategy").and_then(|n| n.get("matrix")) {
        cx.matrix = matrix_values(matrix, &cx);
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
    let values = name.map(|name| cx.evaluate(name, Way::Other).value.values).unwrap_or_default();
    match values.as_slice() {
        [only] => Environment { name: Some(Arc::clone(only)), candidates: Vec::new() },
        _ => Environment { name: None, candidates: values },
    }
}

fn environment_scopes(environment: &Environment) -> Vec<Arc<str>> {
    let scope = |name: &Arc<str>| Arc::from(format!("environment:{name}"));
    match (&environment.name, environment.candidates.as_slice()) {
        (Some(name), _) => vec![scope(name)],
        (None, []) => vec![Arc::from("environment:*")],
        (None, candidates) => candidates.iter().map(scope).collect(),
    }
}

/// `strategy.matrix` by path; lists and `include` give the alternatives of one key.
fn matrix_values(matrix: &Node, cx: &Context) -> BTreeMap<Vec<String>, Value> {
    let mut out = BTreeMap::new();
    if let NodeKind::Scalar(_) = matrix.kind {
        // `matrix: ${{ fromJSON(…) }}`: any key may hold what the expression holds.
        out.insert(
            Vec::new(),
            Value { values: Vec::new(), ..cx.evaluate_all(matrix, Way::Other).value },
        );
    }
    for entry in matrix.entries() {
        match entry.key.text.as_ref() {
            "exclude" => {}
            "include" => entry.value.items().iter().for_each(|item| {
                item.entries()
                    .iter()
                    .for_each(|e| collect(&e.value, vec![lower(&e.key.text)], cx, &mut out));
            }),
            key => collect(&entry.value, vec![lower(key)], cx, &mut out),
        }
    }
    out
}

fn lower(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

fn collect(node: &Node, path: Vec<String>, cx: &Context, out: &mut BTreeMap<Vec<String>, Value>) {
    // GitHub's own limit on nesting is far below this.
    if path.len() > 8 {
        return;
    }
    match &node.kind {
        NodeKind::Null => {}
        NodeKind::Scalar(scalar) => {
            let value = cx.evaluate(scalar, Way::Other).value;
            let slot = out.entry(path).or_default();
            slot.flows.extend(value.flows);
            slot.values.extend(value.values);
        }
        NodeKind::Seq(items) => items.iter().for_each(|item| collect(item, path.clone(), cx, out)),
        NodeKind::Map(entries) => entries.iter().for_each(|entry| {
            let mut path = path.clone();
            path.push(lower(&entry.key.text));
            collect(&entry.value, path, cx, out);
        }),
    }
}

impl<'a> JobReader<'a> {
    fn new(frame: &'a Frame<'a>, node: &Node, cx: &Context, workflow: &Workflow<'_>) -> Self {
        let default = |key: &str| {
            [node, &*workflow.root].into_iter().find_map(|node| {
                let text = node.get("defaults")?.get("run")?.get(key)?.text()?;
                Some(text.to_owned())
            })
        };
        let mut runner = triggers::runner(node.get("runs-on").map(|n| &**n), cx);
        runner.in_container = node.get("container").is_some_and(|n| !n.is_null());
        Self {
            frame,
            session: Session::new(frame.top_files),
            runner,
            shell: default("shell"),
            workdir: default("working-directory").unwrap_or_default(),
            base_env: Names::default(),
            exported: Names::default(),
            files_left: Vec::new(),
            sent: Vec::new(),
            steps: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// For an action that is offered to others: no job of ours stands around it.
    pub(super) fn detached(frame: &'a Frame<'a>) -> Self {
        Self {
            frame,
            session: Session::new(frame.top_files),
            runner: Runner::default(),
            shell: None,
            workdir: String::new(),
            base_env: Names::default(),
            exported: Names::default(),
            files_left: Vec::new(),
            sent: Vec::new(),
            steps: Vec::new(),
            gaps: Vec::new(),
        }
    }

    fn enter(&mut self, workflow: &Workflow<'_>, node: &Node, cx: &mut Context) {
        if !matches!(cx.secrets, Secrets::Consumer) {
            // Rule G11: the token is sent to every job.
            self.sent.push(cx.token(node.line, Way::Implicit));
        }
        for env in [workflow.root.get("env"), node.get("env")].into_iter().flatten() {
            let names = self.read_env(env, cx);
            cx.env.extend(&names);
        }
        self.base_env = cx.env.clone();
        for key in ["runs-on", "environment"] {
            if let Some(node) = node.get(key) {
                self.sent.extend(cx.evaluate_all(node, Way::Other).sent);
            }
        }
    }

    /// Environment of a step before its own `env`.
    pub(super) fn env_so_far(&self, outer: &Names) -> Names {
        let mut env = self.base_env.clone();
        env.extend(&self.exported);
        env.extend(outer);
        env
    }

    /// Reads an `env:` map; literal credentials in it are flows too.
    pub(super) fn read_env(&mut self, node: &Node, cx: &Context) -> Names {
        self.read_bindings(node, cx, Way::Env)
    }

    pub(super) fn read_bindings(&mut self, node: &Node, cx: &Context, way: Way) -> Names {
        let mut names = Names::default();
        if let Some(scalar) = node.scalar() {
            // `env: ${{ fromJSON(…) }}`: the names are not known, the secrets are.
            let evaluated = cx.evaluate(scalar, way);
            self.sent.extend(evaluated.sent);
            names.set("*", Value { values: Vec::new(), ..evaluated.value });
        }
        for entry in node.entries() {
            let evaluated = cx.evaluate_all(&entry.value, way);
            self.sent.extend(evaluated.sent);
            let mut value = evaluated.value;
            let name = entry.key.text.trim();
            if entry.merged {
                value.flows.iter_mut().for_each(|flow| flow.certainty = Certainty::Possible);
            }
            if value.values.iter().any(|text| literal::is_credential(name, text)) {
                let flow = literal_flow(name, cx.place(entry.key_line), way);
                self.sent.push(flow.clone());
                value.flows.push(flow);
            }
            names.set(name, value);
        }
        names
    }

    /// `container:` and `services:`: third-party code, and credentials that only the runner uses.
    fn images(&mut self, node: &Node, cx: &Context) -> Vec<Mention> {
        let mut mentions = Vec::new();
        if let Some(container) = node.get("container") {
            let view = EnvView::Inherits { plus: Vec::new() };
            mentions.extend(self.image(container, cx, view));
        }
        for service in node.get("services").map(|n| n.entries()).unwrap_or_default() {
            let passed = match service.value.get("env") {
                Some(env) => self.read_env(env, cx).bindings().to_vec(),
                None => Vec::new(),
            };
            mentions.extend(self.image(&service.value, cx, EnvView::Only { passed }));
        }
        mentions
    }

    fn image(&mut self, node: &Node, cx: &Context, env: EnvView) -> Vec<Mention> {
        self.sent.extend(cx.evaluate_all(node, Way::Other).sent);
        let Some((scalar, line)) = (match &node.kind {
            NodeKind::Map(_) => node.get("image").and_then(|n| Some((n.scalar()?, n.line))),
            _ => node.scalar().map(|scalar| (scalar, node.line)),
        }) else {
            return Vec::new();
        };
        let place = cx.place(line);
        let names = cx.evaluate(scalar, Way::Other).value.values;
        if names.is_empty() && !scalar.text.trim().is_empty() {
            self.gaps.push(unknown_name(place, &scalar.text, "image"));
            return Vec::new();
        }
        let certainty = if names.len() > 1 { Certainty::Possible } else { cx.certainty };
        names
            .iter()
            .filter(|name| !name.trim().is_empty())
            .map(|name| Mention {
                component: image_component(name.strip_prefix("docker://").unwrap_or(name)),
                place: place.clone(),
                via: Vec::new(),
                runs: true,
                env: env.clone(),
                inputs: Vec::new(),
                arguments: Vec::new(),
                certainty,
            })
            .collect()
    }
}

/// A name that only an expression knows: it may be any component.
pub(super) fn unknown_name(place: Place, text: &str, what: &str) -> Gap {
    let reason =
        format!("the {what} `{}` is an expression that the files do not decide", text.trim());
    Gap { place, reason, hides: Hides::Anything }
}

fn literal_flow(name: &str, place: Place, way: Way) -> Flow {
    let secret = Secret { scope: Scope::Literal, name: Arc::from(name) };
    Flow { secret, way, place, certainty: Certainty::Inferred }
}

pub(super) fn distinct(mut flows: Vec<Flow>) -> Vec<Flow> {
    let mut seen = std::collections::HashSet::new();
    flows.retain(|flow| seen.insert(flow.clone()));
    flows
}

/// Code that runs as the whole job of a consumer: all it hands over is in reach.
pub(super) fn whole_job_mention(component: Component, place: Place, inputs: &Names) -> Mention {
    Mention {
        component,
        place,
        via: Vec::new(),
        runs: true,
        env: EnvView::Only { passed: Vec::new() },
        inputs: inputs.bindings().to_vec(),
        arguments: Vec::new(),
        certainty: Certainty::Inferred,
    }
}

/// As the shell engine takes it.
pub(super) fn shell_env(env: &Names, action_path: Option<&Arc<str>>) -> Vec<Binding> {
    let mut bindings = env.bindings().to_vec();
    // The checkout's top is the workspace; paths below it are read through `Files`.
    bindings.push(Value::literal(".").bind("GITHUB_WORKSPACE"));
    if let Some(path) = action_path {
        bindings.push(Value::literal(Arc::clone(path)).bind("GITHUB_ACTION_PATH"));
    }
    bindings
}
