//! Reusable workflows (rule G4): `jobs.X.uses`.

use std::{rc::Rc, sync::Arc};

use super::{
    job, load,
    reading::Reading,
    triggers,
    uses::{self, Uses},
    value::{Context, Names, Secrets, Value},
    workflow::{self, Workflow},
};
use crate::ci::{
    Files, Siblings,
    model::{Certainty, EnvView, Gap, Hides, Job, Mention, Permissions, Place, Runner, Way},
    normalise,
    yaml::Node,
};

/// GitHub's limit on nested reusable workflows, the top one included.
const MAX_DEPTH: usize = 10;

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
    pub(super) reading: Rc<Reading>,
}

impl<'a> Frame<'a> {
    pub(super) fn top(
        files: &'a dyn Files,
        siblings: &'a dyn Siblings,
        file: &Arc<str>,
        reading: Rc<Reading>,
    ) -> Self {
        Self {
            reading,
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
        }
    }
}

#[derive(Default)]
pub(super) struct Called {
    pub(super) jobs: Vec<Job>,
    pub(super) gaps: Vec<Gap>,
}

/// What a calling job hands over.
struct Handed {
    inputs: Names,
    secrets: Secrets,
}

pub(super) fn read(workflow: &Workflow<'_>, id: &str, line: u32, node: &Node) -> Called {
    let frame = workflow.frame;
    let mut cx = job::context(workflow, node);
    let Some((text, uses_line)) = node.get("uses").and_then(|n| Some((n.text()?, n.line))) else {
        let reason = format!("`uses` of job `{id}` is not a text");
        return Called {
            jobs: Vec::new(),
            gaps: vec![workflow::gap(&frame.file, line, reason, Hides::Anything)],
        };
    };
    let mut reader = CallReader { sent: Vec::new() };
    let handed = reader.handed(node, &mut cx);
    let place = cx.place(uses_line);
    let found = match uses::parse(text) {
        Uses::Local(path) => match normalise("", &path) {
            Some(path) => Some((frame.files, path.clone(), local_name(&frame.file, &path), None)),
            None => None,
        },
        Uses::Remote { owner_repo, path, reference } => frame
            .siblings
            .find(&owner_repo)
            .filter(|files| matches!(files.read(&path), Ok(Some(_))))
            .map(|files| (files, path.clone(), format!("{owner_repo}:{path}"), reference)),
        Uses::Image(_) | Uses::Odd => None,
    };
    let mut called = Called::default();
    if let Uses::Remote { owner_repo, path, reference } = uses::parse(text) {
        let component = uses::action_component(&owner_repo, &path, reference.as_deref());
        called.jobs.push(reader.remote(workflow, id, line, node, component, &place, &handed, &cx));
    } else if found.is_none() {
        let reason = format!("cannot follow the reusable workflow `{}`", text.trim());
        called.gaps.push(Gap { place: place.clone(), reason, hides: Hides::Anything });
    }
    if let Some((files, path, name, reference)) = found {
        // A sibling's files are read as they lie there, which need not be what `@ref` named.
        let doubt = if reference.is_some() { Certainty::Possible } else { Certainty::Inferred };
        let mut via = frame.via.clone();
        via.push(place.clone());
        let callee = Frame {
            file: Arc::from(name),
            files,
            via,
            certainty: cx.certainty.max(doubt),
            inputs: handed.inputs,
            secrets: handed.secrets,
            permissions: Some(job::effective_permissions(workflow, node)),
            stack: frame.stack.clone(),
            top_files: frame.top_files,
            siblings: frame.siblings,
            reading: Rc::clone(&frame.reading),
        };
        follow(callee, &path, &place, &mut called);
    }
    // What the call itself names was sent with it, whichever of its jobs uses it.
    if let Some(first) = called.jobs.first_mut() {
        first.sent.extend(reader.sent);
        first.sent = job::distinct(std::mem::take(&mut first.sent));
    }
    called
}

/// The callee stands in the same checkout as its caller, which may be a sibling's.
fn local_name(caller: &str, path: &str) -> String {
    match caller.split_once(':') {
        Some((sibling, _)) => format!("{sibling}:{path}"),
        None => path.to_owned(),
    }
}

fn follow(mut callee: Frame<'_>, path: &str, place: &Place, called: &mut Called) {
    let gap = |reason: String, hides| Gap { place: place.clone(), reason, hides };
    if callee.stack.contains(&callee.file) || callee.stack.len() >= MAX_DEPTH {
        let reason = format!("`{path}` calls itself, or is nested deeper than {MAX_DEPTH}");
        called.gaps.push(gap(reason, Hides::Nothing));
        return;
    }
    callee.stack.push(Arc::clone(&callee.file));
    let file = Arc::clone(&callee.file);
    let reading = Rc::clone(&callee.reading);
    let loaded = reading.workflow(&file, || load(callee.files, path, &file, &reading));
    let (root, gaps, doubts) = match loaded {
        Ok(loaded) => loaded,
        Err(trouble) => {
            let reason =
                format!("cannot follow the reusable workflow `{path}`: {}", trouble.reason);
            called.gaps.push(gap(reason, Hides::Anything));
            return;
        }
    };
    called.gaps.extend(gaps);
    if !doubts.is_empty() {
        callee.certainty = Certainty::Possible;
    }
    let Some(root) = root else { return };
    add_defaults(&mut callee, &root);
    let (jobs, gaps) = workflow::jobs(&callee, &root);
    called.gaps.extend(gaps);
    if called.jobs.len() + jobs.len() > MAX_JOBS {
        called.gaps.push(gap(format!("more than {MAX_JOBS} jobs"), Hides::Anything));
        return;
    }
    called.jobs.extend(jobs);
}

/// Defaults of `on.workflow_call.inputs` for what the caller did not give.
fn add_defaults(callee: &mut Frame<'_>, root: &Node) {
    let declared = root.get("on").and_then(|on| on.get("workflow_call")?.get("inputs").cloned());
    let cx = Context::new(&callee.file, Secrets::None, &callee.reading);
    for entry in declared.as_ref().map(|n| n.entries()).unwrap_or_default() {
        let name = entry.key.text.trim();
        if callee.inputs.find(name).is_none()
            && let Some(default) = entry.value.get("default")
        {
            callee.inputs.set(name, cx.evaluate_all(default, Way::Input).value);
        }
    }
}

struct CallReader {
    sent: Vec<crate::ci::model::Flow>,
}

impl CallReader {
    fn handed(&mut self, node: &Node, cx: &mut Context) -> Handed {
        // `env` of the caller does not reach a called workflow, and cannot be named in `with`.
        let mut inputs = Names::default();
        for entry in node.get("with").map(|n| n.entries()).unwrap_or_default() {
            let evaluated = cx.evaluate_all(&entry.value, Way::Input);
            self.sent.extend(evaluated.sent);
            inputs.set(entry.key.text.trim(), evaluated.value);
        }
        if let Some(condition) = node.get("if").and_then(|n| n.scalar()) {
            self.sent.extend(cx.condition(condition));
        }
        let secrets = match node.get("secrets") {
            Some(secrets) if secrets.text().is_some_and(|t| t.trim() == "inherit") => {
                match cx.secrets.clone() {
                    Secrets::Own { scopes, .. } => {
                        Secrets::Own { scopes, way: Some(Way::Inherited) }
                    }
                    other => other,
                }
            }
            Some(secrets) => {
                let mut names = Names::default();
                for entry in secrets.entries() {
                    let evaluated = cx.evaluate_all(&entry.value, Way::Other);
                    self.sent.extend(evaluated.sent);
                    let value = Value { values: Vec::new(), ..evaluated.value };
                    names.set(entry.key.text.trim(), value);
                }
                Secrets::Mapped(names)
            }
            None => Secrets::Mapped(Names::default()),
        };
        Handed { inputs, secrets }
    }

    /// A workflow of another repository runs as a whole job: it gets all that is handed to it.
    #[expect(clippy::too_many_arguments, reason = "the parts of one call, used once")]
    fn remote(
        &self,
        workflow: &Workflow<'_>,
        id: &str,
        line: u32,
        node: &Node,
        component: crate::ci::model::Component,
        place: &Place,
        handed: &Handed,
        cx: &Context,
    ) -> Job {
        let mut inputs = handed.inputs.bindings().to_vec();
        let mut sent = self.sent.clone();
        match &handed.secrets {
            Secrets::Mapped(names) => inputs.extend(names.bindings().iter().cloned()),
            Secrets::Own { .. } | Secrets::Consumer => {
                let all = cx.flow("*", place.line, Way::Inherited);
                sent.push(all.clone());
                inputs.push(Value::one(all).bind("secrets: inherit"));
            }
            Secrets::None => {}
        }
        if !matches!(cx.secrets, Secrets::Consumer) {
            sent.push(cx.token(line, Way::Implicit));
        }
        let mention = Mention {
            component,
            place: place.clone(),
            via: workflow.frame.via.clone(),
            runs: true,
            env: EnvView::Only { passed: Vec::new() },
            inputs,
            arguments: Vec::new(),
            certainty: cx.certainty,
        };
        Job {
            id: id.to_owned(),
            name: node.get("name").and_then(|n| n.text()).map(str::to_owned),
            needs: job::needs(node),
            place: cx.place(line),
            via: workflow.frame.via.clone(),
            condition: node.get("if").and_then(|n| n.text()).map(str::to_owned),
            environment: None,
            permissions: job::effective_permissions(workflow, node),
            runner: Runner { ..triggers::runner(None, cx) },
            sent: job::distinct(sent),
            mentions: vec![mention],
            steps: Vec::new(),
        }
    }
}
