//! `action.yml`: composite, JavaScript and Docker actions.

use std::sync::Arc;

use super::{
    context::{Context, Secrets},
    names::Names,
    refused,
    uses::image_component,
};
use crate::ci::{
    Files,
    model::{Certainty, Component, Gap, Hides, Place, Way},
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
    root: Arc<Node>,
    pub(super) runs: Runs,
    /// It runs once more after the job's last step.
    pub(super) post: bool,
    /// The runner may refuse the file.
    doubtful: bool,
    /// Line, reason, and what of the file was not read.
    gaps: Vec<(u32, String, Hides)>,
}

pub(super) enum Runs {
    Composite(Arc<Node>),
    Image(Component),
    /// JavaScript, or a Dockerfile with its entry point: read as text only.
    Code(Arc<str>),
    /// Code that is not among the files: a job builds it before it is run.
    Elsewhere(String),
    Unknown(String),
}

/// The action in a folder; `None` where there is none.
pub(super) fn load(files: &dyn Files, dir: &str) -> Result<Option<Known>, String> {
    let read = |name: &str| {
        let Some(path) = normalise(dir, name) else { return Ok(None) };
        match files.read(&path) {
            Ok(bytes) => Ok(bytes.map(|bytes| (path, bytes))),
            Err(trouble) => Err(trouble.to_string()),
        }
    };
    for name in ["action.yml", "action.yaml"] {
        if let Some((path, bytes)) = read(name)? {
            return Ok(Some(parsed(files, &path, dir, &bytes)));
        }
    }
    // A folder with a Dockerfile only is an action too.
    Ok(read("Dockerfile")?.map(|(path, bytes)| Known {
        runs: Runs::Code(Arc::from(String::from_utf8_lossy(&bytes))),
        ..Known::new(path, dir, Arc::new(Node::null()))
    }))
}

fn parsed(files: &dyn Files, path: &str, dir: &str, bytes: &[u8]) -> Known {
    let parsed = yaml::parse(bytes);
    let gap = |trouble: &yaml::Trouble| {
        let (reason, hides) = super::not_read(bytes, trouble);
        (trouble.line, reason, hides)
    };
    let gaps = parsed.troubles.iter().map(gap).collect();
    let doubtful = !refused::by_reader(&parsed).is_empty();
    let root = parsed.root.unwrap_or_else(|| Arc::new(Node::null()));
    let known = known(files, path, dir, root);
    Known { gaps, doubtful, ..known }
}

pub(super) fn known(files: &dyn Files, path: &str, dir: &str, root: Arc<Node>) -> Known {
    let (runs, post) = match root.get("runs") {
        Some(node) => {
            let post = ["post", "post-entrypoint"].iter().any(|key| node.get(key).is_some());
            (runs(files, dir, node), post)
        }
        None => (Runs::Unknown("there is no `runs:` in it".to_owned()), false),
    };
    Known { runs, post, ..Known::new(path.to_owned(), dir, root) }
}

fn runs(files: &dyn Files, dir: &str, runs: &Node) -> Runs {
    let text = |key: &str| runs.get(key).and_then(|n| n.text()).map(str::trim);
    let using = text("using").unwrap_or_default().to_ascii_lowercase();
    if let (Some(steps), true) = (runs.get("steps"), using == "composite" || using.is_empty()) {
        return Runs::Composite(Arc::clone(steps));
    }
    if using == "docker" {
        let image = text("image").unwrap_or("Dockerfile");
        if let Some(image) = image.strip_prefix("docker://") {
            return Runs::Image(image_component(image));
        }
        let entry = ["entrypoint", "pre-entrypoint", "post-entrypoint"];
        // An entry point may be a program of the image.
        let entry = entry.iter().filter_map(|key| text(key)).filter(|name| {
            normalise(dir, name).is_some_and(|path| matches!(files.read(&path), Ok(Some(_))))
        });
        return code(files, dir, std::iter::once(image).chain(entry));
    }
    if using.starts_with("node") {
        return code(files, dir, ["main", "pre", "post"].iter().filter_map(|key| text(key)));
    }
    Runs::Unknown(format!("`using: {using}` is not known"))
}

fn code<'n>(files: &dyn Files, dir: &str, names: impl Iterator<Item = &'n str>) -> Runs {
    let mut text = String::new();
    for name in names {
        let bytes = normalise(dir, name).map(|path| files.read(&path));
        match bytes {
            Some(Ok(Some(bytes))) if text.len() + bytes.len() <= MAX_CODE => {
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
            Some(Ok(Some(_))) => return Runs::Unknown(format!("`{name}` is too large to look at")),
            Some(Ok(None)) => return Runs::Elsewhere(name.to_owned()),
            Some(Err(trouble)) => return Runs::Unknown(trouble.to_string()),
            None => return Runs::Unknown(format!("`{name}` leaves the checkout")),
        }
    }
    Runs::Code(Arc::from(text))
}

impl Known {
    fn new(path: String, dir: &str, root: Arc<Node>) -> Self {
        Self {
            file: Arc::from(path),
            dir: dir.to_owned(),
            sibling: false,
            root,
            runs: Runs::Unknown("it is empty".to_owned()),
            post: false,
            doubtful: false,
            gaps: Vec::new(),
        }
    }

    pub(super) fn of_sibling(mut self, owner_repo: &str) -> Self {
        self.file = Arc::from(format!("{owner_repo}:{}", self.file));
        self.sibling = true;
        self
    }

    pub(super) fn gaps(&self) -> impl Iterator<Item = Gap> {
        self.gaps.iter().map(|(line, reason, hides)| {
            let place = Place { file: Arc::clone(&self.file), line: *line };
            Gap { place, reason: reason.clone(), hides: hides.clone() }
        })
    }

    /// What the caller gave, and the defaults of what it did not (rule G12: a default may be the token).
    pub(super) fn inputs_with_defaults(&self, given: &Names, cx: &Context, line: u32) -> Names {
        let mut inputs = given.clone();
        let declared = self.root.get("inputs").map(|n| n.entries()).unwrap_or_default();
        if !cx.budget.spend(declared.len()) {
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

    /// What its steps can name: no secrets, and none of the caller's steps.
    pub(super) fn context(&self, inputs: Names, outer: &Context, certainty: Certainty) -> Context {
        let mut cx = Context::new(&self.file, Secrets::None, &outer.budget);
        cx.inputs = inputs;
        cx.matrix = outer.matrix.clone();
        cx.certainty = outer.certainty.max(certainty);
        if self.doubtful {
            cx.certainty = Certainty::Possible;
        }
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
