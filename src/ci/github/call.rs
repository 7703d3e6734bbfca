//! Reusable workflows (rule G4): `jobs.X.uses`.

use std::sync::Arc;

use super::{
    actions::Actions,
    bindings,
    budget::Budget,
    context::{Context, Secrets},
    job, load,
    names::Names,
    refused,
    uses::{self, Uses},
    value::{Value, distinct},
    workflow::{self, Jobs, Workflow},
};
use crate::ci::{
    Files, Siblings, literal,
    model::{
        Certainty, Component, EnvView, Flow, Gap, Hides, Job, Mention, Permissions, Place, Runner,
        Way,
    },
    normalise,
    yaml::{Entry, Node},
};

/// GitHub's limit on nested reusable workflows, the top one included.
const MAX_DEPTH: usize = 10;

/// What a call costs of the budget: a file is read and parsed for it.
const CALL_WORK: usize = 500;

/// Jobs that one file may expand to. GitHub's own limit for a run is far below.
const MAX_JOBS: usize = 5_000;

/// Where a workflow document stands: whose files, whose secrets, called from where.
pub(super) struct Frame<'a> {
    /// As reported: relative to its checkout, with `owner/repo:` before it where that is a sibling.
    pub(super) file: Arc<str>,
    /// The checkout that holds this document.
    pub(super) files: &'a dyn Files,
    /// The checkout that jobs work in.
    pub(super) top_files: &'a dyn Files,
    pub(super) siblings: &'a dyn Siblings,
    pub(super) secrets: Secrets,
    pub(super) inputs: Names,
    pub(super) permissions: Option<Permissions>,
    pub(super) via: Vec<Place>,
    /// Documents being read, to end a circle.
    pub(super) stack: Vec<Arc<str>>,
    pub(super) certainty: Certainty,
    pub(super) budget: Budget,
    pub(super) actions: Actions,
}

impl<'a> Frame<'a> {
    pub(super) fn top(files: &'a dyn Files, siblings: &'a dyn Siblings, file: &Arc<str>) -> Self {
        Self {
            file: Arc::clone(file),
            files,
            top_files: files,
            siblings,
            secrets: Secrets::None,
            inputs: Names::default(),
            permissions: None,
            via: Vec::new(),
            stack: vec![Arc::clone(file)],
            certainty: Certainty::Inferred,
            budget: Budget::new(),
            actions: Actions::default(),
        }
    }
}

/// A calling job, and what it hands over.
struct Call<'w> {
    workflow: &'w Workflow<'w>,
    entry: &'w Entry,
    cx: Context,
    /// The `uses` value.
    place: Place,
    inputs: Names,
    secrets: Secrets,
    /// What the call names: it was sent to all its jobs, whichever of them uses it (rule G9).
    sent: Vec<Flow>,
}

/// A workflow document that can be followed.
struct Callee<'a> {
    files: &'a dyn Files,
    path: String,
    name: String,
    certainty: Certainty,
}

pub(super) fn read(workflow: &Workflow<'_>, entry: &Entry) -> Jobs {
    let mut read = Jobs::default();
    for uses in entry.value.entries().iter().filter(|part| &*part.key.text == "uses") {
        let mut call = Call::new(workflow, entry, uses.value.line);
        let of_uses = call.cx.evaluate_all(&uses.value, Way::Other);
        call.sent.extend(of_uses.sent);
        if of_uses.value.values.is_empty() {
            let reason = "the called workflow is an expression or no text".to_owned();
            read.gaps.push(Gap { place: call.place.clone(), reason, hides: Hides::Anything });
        }
        for text in &of_uses.value.values {
            call.follow_name(text, &mut read);
        }
    }
    read
}

impl<'w> Call<'w> {
    fn new(workflow: &'w Workflow<'w>, entry: &'w Entry, line: u32) -> Self {
        let node = &*entry.value;
        let cx = job::context(workflow, node);
        let mut call = Self {
            workflow,
            entry,
            place: cx.place(line),
            cx,
            inputs: Names::default(),
            secrets: Secrets::Mapped(Names::default()),
            sent: Vec::new(),
        };
        call.hand_over(node);
        call
    }

    /// `env` of the caller does not reach a called workflow, and cannot be named in `with`.
    fn hand_over(&mut self, node: &Node) {
        let with = node.get("with");
        self.inputs = with.map(|with| self.map(with, Way::Input)).unwrap_or_default();
        if let Some(condition) = node.get("if").and_then(|n| n.scalar()) {
            self.sent.extend(self.cx.condition(condition));
        }
        self.secrets = match node.get("secrets") {
            // `inherit`; an expression, which GitHub refuses, was meant to hand over as much.
            Some(secrets) if secrets.scalar().is_some() => {
                self.sent.extend(self.cx.evaluate_all(secrets, Way::Other).sent);
                self.cx.secrets.clone()
            }
            Some(secrets) => Secrets::Mapped(self.map(secrets, Way::Other)),
            None => Secrets::Mapped(Names::default()),
        };
    }

    fn map(&mut self, node: &Node, way: Way) -> Names {
        let mut names = Names::default();
        if node.entries().is_empty() {
            self.sent.extend(self.cx.evaluate_all(node, way).sent);
        }
        for entry in node.entries() {
            let evaluated = self.cx.evaluate_all(&entry.value, way);
            self.sent.extend(evaluated.sent);
            let (name, mut value) = (entry.key.text.trim(), evaluated.value);
            if value.values.iter().any(|text| literal::is_credential(name, text)) {
                let flow = bindings::literal_flow(name, self.cx.place(entry.key_line), way);
                self.sent.push(flow.clone());
                value.add([flow]);
            }
            names.set(name, value);
        }
        names
    }

    fn follow_name(&self, text: &str, read: &mut Jobs) {
        let gap =
            |reason: String| Gap { place: self.place.clone(), reason, hides: Hides::Anything };
        let frame = self.workflow.frame;
        match uses::parse(text) {
            Uses::Local(path) => {
                // GitHub takes no `@ref` here; what is before it is meant.
                let path = path.split_once('@').map_or(&*path, |(path, _)| path);
                match normalise("", path) {
                    Some(path) => {
                        let name = local_name(&frame.file, &path);
                        let certainty = self.cx.certainty;
                        self.follow(&Callee { files: frame.files, path, name, certainty }, read);
                    }
                    None => read.gaps.push(gap(format!("`{text}` leaves the checkout"))),
                }
            }
            Uses::Remote { owner_repo, path, reference } => {
                let component = uses::action_component(&owner_repo, &path, reference.as_deref());
                read.jobs.push(self.remote(component));
                let sibling = frame.siblings.find(&owner_repo);
                if let Some(files) = sibling.filter(|f| matches!(f.read(&path), Ok(Some(_)))) {
                    // It is read as it lies there, which need not be what `@ref` names.
                    let certainty = Certainty::Possible;
                    let name = format!("{owner_repo}:{path}");
                    self.follow(&Callee { files, path, name, certainty }, read);
                }
            }
            Uses::Image(_) | Uses::Odd => {
                read.gaps.push(gap(format!("`{}` is no form of a reusable workflow", text.trim())));
            }
        }
    }

    fn follow(&self, callee: &Callee<'_>, read: &mut Jobs) {
        let gap = |reason: String, hides| Gap { place: self.place.clone(), reason, hides };
        let (frame, path) = (self.workflow.frame, &callee.path);
        let file: Arc<str> = Arc::from(&*callee.name);
        if frame.stack.contains(&file) || frame.stack.len() >= MAX_DEPTH {
            let reason = format!("`{path}` calls itself, or is nested deeper than {MAX_DEPTH}");
            read.gaps.push(gap(reason, Hides::Nothing));
            return;
        }
        if !frame.budget.spend(CALL_WORK) {
            return;
        }
        let (root, gaps, mut doubts) = match load(callee.files, path, &file) {
            Ok(loaded) => loaded,
            Err(trouble) => {
                let reason =
                    format!("cannot follow the reusable workflow `{path}`: {}", trouble.reason);
                read.gaps.push(gap(reason, Hides::Anything));
                return;
            }
        };
        read.gaps.extend(gaps);
        let Some(root) = root else { return };
        doubts.extend(refused::by_structure(&root));
        let mut inner = self.frame_of(callee, &file);
        // A caller of a refused file is refused with it; a sibling may have been another one then.
        if callee.certainty == frame.certainty {
            read.doubts.extend(doubts);
        }
        add_defaults(&mut inner, &root);
        let mut jobs = workflow::jobs(&inner, &root);
        read.gaps.append(&mut jobs.gaps);
        read.doubts.append(&mut jobs.doubts);
        if read.jobs.len() + jobs.jobs.len() > MAX_JOBS {
            read.gaps.push(gap(format!("more than {MAX_JOBS} jobs"), Hides::Anything));
            return;
        }
        for mut job in jobs.jobs {
            job.sent.extend(self.sent.iter().cloned());
            job.sent = distinct(job.sent);
            read.jobs.push(job);
        }
    }

    fn frame_of<'f>(&self, callee: &Callee<'f>, file: &Arc<str>) -> Frame<'f>
    where
        'w: 'f,
    {
        let frame = self.workflow.frame;
        let mut via = frame.via.clone();
        via.push(self.place.clone());
        let mut stack = frame.stack.clone();
        stack.push(Arc::clone(file));
        Frame {
            file: Arc::clone(file),
            files: callee.files,
            top_files: frame.top_files,
            siblings: frame.siblings,
            secrets: self.secrets.clone(),
            inputs: self.inputs.clone(),
            permissions: Some(job::effective_permissions(self.workflow, &self.entry.value)),
            via,
            stack,
            certainty: self.cx.certainty.max(callee.certainty),
            budget: frame.budget.clone(),
            actions: frame.actions.clone(),
        }
    }

    /// A workflow of another repository runs as a whole job: it gets all that is handed to it.
    fn remote(&self, component: Component) -> Job {
        let (cx, node) = (&self.cx, &*self.entry.value);
        let mut inputs = self.inputs.secret_bindings();
        let mut sent = self.sent.clone();
        match &self.secrets {
            Secrets::Mapped(names) => inputs.extend(names.secret_bindings()),
            Secrets::Own { .. } | Secrets::Consumer => {
                let mut all = cx.whole(self.place.line);
                all.flows.retain(|flow| &*flow.secret.name != "GITHUB_TOKEN");
                all.flows.iter_mut().for_each(|flow| flow.way = Way::Inherited);
                sent.extend(all.flows.iter().cloned());
                inputs.push(Value { partial: true, ..all }.bind("secrets: inherit"));
            }
            Secrets::None => {}
        }
        if !matches!(cx.secrets, Secrets::Consumer) {
            sent.push(cx.token(self.entry.key_line, Way::Implicit));
        }
        let mention = Mention {
            component,
            place: self.place.clone(),
            via: self.workflow.frame.via.clone(),
            runs: true,
            env: EnvView::Only { passed: Vec::new() },
            inputs,
            arguments: Vec::new(),
            certainty: cx.certainty,
        };
        Job {
            id: self.entry.key.text.trim().to_owned(),
            name: node.get("name").and_then(|n| n.text()).map(str::to_owned),
            needs: job::needs(node),
            place: cx.place(self.entry.key_line),
            via: self.workflow.frame.via.clone(),
            condition: node.get("if").and_then(|n| n.text()).map(str::to_owned),
            environment: None,
            permissions: job::effective_permissions(self.workflow, node),
            runner: Runner::default(),
            sent: distinct(sent),
            mentions: vec![mention],
            steps: Vec::new(),
        }
    }
}

/// The callee stands in the same checkout as its caller, which may be a sibling's.
fn local_name(caller: &str, path: &str) -> String {
    match caller.split_once(':') {
        Some((sibling, _)) => format!("{sibling}:{path}"),
        None => path.to_owned(),
    }
}

/// Defaults of `on.workflow_call.inputs` for what the caller did not give.
fn add_defaults(callee: &mut Frame<'_>, root: &Node) {
    let declared = root.get("on").and_then(|on| on.get("workflow_call")?.get("inputs").cloned());
    let cx = Context::new(&callee.file, Secrets::None, &callee.budget);
    for entry in declared.as_ref().map(|n| n.entries()).unwrap_or_default() {
        let name = entry.key.text.trim();
        if callee.inputs.find(name).is_none()
            && let Some(default) = entry.value.get("default")
        {
            callee.inputs.set(name, cx.evaluate_all(default, Way::Input).value);
        }
    }
}
