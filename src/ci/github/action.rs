//! `action.yml`: composite, JavaScript and Docker actions.

use std::sync::Arc;

use super::{
    call::Frame,
    job::{self, JobReader},
    reading,
    uses::image_component,
    value::{Context, Names, Secrets},
    workflow,
};
use crate::ci::{
    Files,
    model::{
        Certainty, Component, Gap, Job, Permissions, Pipeline, Place, Platform, Role, Runner, Way,
    },
    normalise,
    yaml::{self, Node},
};

/// Code of an action that is kept to look for names in; more would cost memory for nothing.
const MAX_CODE: usize = 4 << 20;

/// An action whose `action.yml` can be read.
pub(super) struct Known {
    /// The `action.yml`.
    pub(super) file: Arc<str>,
    /// Its folder in the checkout.
    dir: String,
    /// It lies in another checkout: its own files are not in the workspace of the job.
    pub(super) sibling: bool,
    /// Bytes that were read for it.
    pub(super) size: usize,
    root: Arc<Node>,
    pub(super) runs: Runs,
}

pub(super) enum Runs {
    Composite(Arc<Node>),
    Image(Component),
    /// JavaScript, or a Dockerfile with its entry point: read as text only.
    Code(Arc<str>),
    Unknown(String),
}

/// The action in a folder; `None` where there is none.
pub(super) fn load(files: &dyn Files, dir: &str) -> Option<Known> {
    for name in ["action.yml", "action.yaml"] {
        let path = normalise(dir, name)?;
        if let Ok(Some(bytes)) = files.read(&path) {
            let root = yaml::parse(&bytes).root?;
            return Some(known(files, &path, dir, root, bytes.len()));
        }
    }
    // A folder with a Dockerfile only is an action too.
    let path = normalise(dir, "Dockerfile")?;
    let bytes = files.read(&path).ok()??;
    Some(Known {
        file: Arc::from(path),
        dir: dir.to_owned(),
        sibling: false,
        size: bytes.len(),
        root: yaml::parse(b"").root.unwrap_or_else(|| Arc::new(Node::null())),
        runs: Runs::Code(Arc::from(String::from_utf8_lossy(&bytes))),
    })
}

fn known(files: &dyn Files, path: &str, dir: &str, root: Arc<Node>, bytes: usize) -> Known {
    let runs = runs(files, dir, &root);
    let code = match &runs {
        Runs::Code(text) => text.len(),
        Runs::Composite(_) | Runs::Image(_) | Runs::Unknown(_) => 0,
    };
    let (file, dir) = (Arc::from(path), dir.to_owned());
    Known { file, dir, sibling: false, size: bytes + code, root, runs }
}

fn runs(files: &dyn Files, dir: &str, root: &Node) -> Runs {
    let Some(runs) = root.get("runs") else {
        return Runs::Unknown("there is no `runs:` in it".to_owned());
    };
    let using = runs.get("using").and_then(|n| n.text()).unwrap_or_default().to_ascii_lowercase();
    if let (Some(steps), true) = (runs.get("steps"), using == "composite" || using.is_empty()) {
        return Runs::Composite(Arc::clone(steps));
    }
    if using == "docker" {
        let image = runs.get("image").and_then(|n| n.text()).unwrap_or("Dockerfile");
        if let Some(image) = image.strip_prefix("docker://") {
            return Runs::Image(image_component(image));
        }
        let entry = ["entrypoint", "pre-entrypoint", "post-entrypoint"];
        return code(files, dir, runs, std::iter::once(image), &entry);
    }
    if using.starts_with("node") {
        return code(files, dir, runs, std::iter::empty(), &["main", "pre", "post"]);
    }
    Runs::Unknown(format!("`using: {using}` is not known"))
}

fn code<'n>(
    files: &dyn Files,
    dir: &str,
    runs: &'n Node,
    first: impl Iterator<Item = &'n str>,
    keys: &[&str],
) -> Runs {
    let mut text = String::new();
    for name in first.chain(keys.iter().filter_map(|key| runs.get(key)?.text())) {
        let bytes = normalise(dir, name).and_then(|path| files.read(&path).ok().flatten());
        match bytes {
            Some(bytes) if text.len() + bytes.len() <= MAX_CODE => {
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
            Some(_) => return Runs::Unknown(format!("`{name}` is too large to look at")),
            None => return Runs::Unknown(format!("`{name}` is not in this checkout")),
        }
    }
    Runs::Code(Arc::from(text))
}

impl Known {
    /// As it is called by other checkouts.
    #[must_use]
    pub(super) fn of_sibling(mut self, owner_repo: &str) -> Self {
        self.file = Arc::from(format!("{owner_repo}:{}", self.file));
        self.sibling = true;
        self
    }

    /// What the caller gave, and the defaults of what it did not (rule G12: a default may be the token).
    pub(super) fn inputs_with_defaults(&self, given: &Names, cx: &Context, line: u32) -> Names {
        let mut inputs = given.clone();
        let declared = self.root.get("inputs").map(|n| n.entries()).unwrap_or_default();
        cx.reading.spend(reading::VALUE * declared.len());
        if cx.reading.is_spent() {
            return inputs;
        }
        for entry in declared {
            let name = entry.key.text.trim();
            let default = entry.value.get("default").and_then(|n| n.scalar());
            if given.find(name).is_none()
                && let Some(default) = default
            {
                let mut value = cx.evaluate(default, Way::Input).value;
                // The default is named in the action, but it reaches the job by this use of it.
                value.flows.iter_mut().for_each(|flow| flow.place = cx.place(line));
                inputs.set(name, value);
            }
        }
        inputs
    }

    pub(super) fn context(&self, inputs: Names, outer: &Context, certainty: Certainty) -> Context {
        let mut cx = Context::new(&self.file, Secrets::None, &outer.reading);
        cx.inputs = inputs;
        cx.certainty = outer.certainty.max(certainty);
        cx.action_path = (!self.sibling).then(|| Arc::from(format!("./{}", self.dir)));
        cx
    }

    /// `outputs.X.value` of a composite action become outputs of the step that uses it.
    pub(super) fn outputs(&self, inner: &Context, id: &str, outer: &mut Context) {
        for entry in self.root.get("outputs").map(|n| n.entries()).unwrap_or_default() {
            if let Some(value) = entry.value.get("value").and_then(|n| n.scalar()) {
                let value = inner.evaluate(value, Way::Other).value;
                let key = (id.to_ascii_lowercase(), entry.key.text.trim().to_ascii_lowercase());
                outer.outputs.insert(key, value);
            }
        }
    }
}

/// An action that the repository offers to others, assessed for its consumers.
pub(super) fn read_offered(frame: &Frame<'_>, root: &Arc<Node>, gaps: Vec<Gap>) -> Vec<Pipeline> {
    let file = &frame.file;
    let dir = file.rsplit_once('/').map_or("", |(dir, _)| dir);
    let action = known(frame.files, file, dir, Arc::clone(root), 0);
    let mut reader = JobReader::detached(frame);
    reader.gaps = gaps;
    let inputs = workflow::consumer_inputs(Some(root), file);
    let mut cx = Context::new(file, Secrets::Consumer, &frame.reading);
    reader.sent.extend(inputs.iter().flat_map(|(_, value)| value.flows.iter().cloned()));
    let mut mentions = Vec::new();
    match &action.runs {
        Runs::Composite(steps) => {
            cx = action.context(inputs, &cx, Certainty::Inferred);
            reader.read_steps(steps.items(), &mut cx, &Names::default(), &[]);
        }
        Runs::Image(component) => {
            let place = root.get("runs").and_then(|n| n.get("image")).map_or(1, |n| n.line);
            let place = Place { file: Arc::clone(file), line: place };
            mentions.push(job::whole_job_mention(component.clone(), place, &inputs));
        }
        // Code of its own is no third party; a file without `runs` is no action at all.
        Runs::Code(_) | Runs::Unknown(_) => return Vec::new(),
    }
    reader.gaps.extend(frame.reading.gap(file));
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
        sent: job::distinct(reader.sent),
        mentions,
        steps: reader.steps,
    };
    vec![Pipeline {
        platform: Platform::Github,
        file: Arc::clone(file),
        name: root.get("name").and_then(|n| n.text()).map(str::to_owned),
        role: Role::Offered,
        triggers: Vec::new(),
        jobs: vec![job],
        doubts: Vec::new(),
        gaps: reader.gaps,
    }]
}
