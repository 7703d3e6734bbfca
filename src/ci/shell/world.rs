//! What lives on from command to command and from step to step: files, unpacked trees, fetches.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    component::{self, Use},
    machine::Variable,
    value::{Blob, Unknown, Unknowns, Value, has_marks},
};
use crate::ci::{
    Files,
    model::{Binding, Component, Place, Verified},
    normalise,
};

/// Where the checkout lies: an absolute path, so that `cd`, `$PWD` and `$GITHUB_WORKSPACE` need no special case.
pub(super) const CHECKOUT: &str = "/github/workspace";
pub(super) const ENV_FILE: &str = "/github/env";
pub(super) const OUTPUT_FILE: &str = "/github/output";
pub(super) const PATH_FILE: &str = "/github/path";
/// More unpacked trees than this are reported, not followed.
pub(super) const MAX_TREES: usize = 500;
pub(super) const HOME: &str = "/home/runner";

/// Something that came from elsewhere.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) what: What,
    pub(super) place: Place,
    /// Calls that led to the fetch.
    pub(super) via: Vec<Place>,
    pub(super) runs: bool,
    /// Saved, unpacked or installed: worth a mention although nothing runs it.
    pub(super) kept: bool,
    pub(super) reported: bool,
    /// One of several candidates.
    pub(super) guessed: bool,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Url(String),
    Component(Component),
}

impl What {
    pub(super) fn component(&self, using: Use) -> Component {
        match self {
            Self::Url(url) => component::of_url(url, using),
            Self::Component(component) => component.clone(),
        }
    }
}

/// A file's path in the checkout, and its bytes.
pub(super) type RepositoryFile = (Arc<str>, Arc<[u8]>);

#[derive(Clone, Debug, Default)]
pub(super) struct FileState {
    pub(super) content: Value,
    pub(super) verified: Option<Verified>,
}

/// A directory filled from a fetch: members are not known by name.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) dir: String,
    pub(super) blobs: Vec<Blob>,
    /// Lower-case text of the URL, to tell whose member a program is.
    pub(super) hint: String,
    pub(super) clone: bool,
}

pub(super) struct World<'a> {
    files: &'a dyn Files,
    /// Folders of the workspace that the repository was put into, besides its top.
    copies: Vec<String>,
    pub(super) unknowns: Unknowns,
    pub(super) states: HashMap<String, FileState>,
    /// Last parts of the paths in `states`: most commands name none of them.
    names: HashSet<String>,
    pub(super) trees: Vec<Tree>,
    pub(super) fetches: Vec<Fetch>,
    /// Directories that earlier steps put in front of `PATH`.
    pub(super) path: Vec<String>,
    pub(super) temporary: usize,
    /// Installed programs by name, where no file of theirs is known.
    pub(super) programs: HashMap<String, Vec<Blob>>,
    /// Images that the job built itself.
    pub(super) images: HashSet<String>,
    /// What those stand on.
    pub(super) bases: HashMap<String, Vec<Blob>>,
}

impl<'a> World<'a> {
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            copies: Vec::new(),
            unknowns: Unknowns::default(),
            states: HashMap::new(),
            names: HashSet::new(),
            trees: Vec::new(),
            fetches: Vec::new(),
            path: Vec::new(),
            temporary: 0,
            programs: HashMap::new(),
            images: HashSet::new(),
            bases: HashMap::new(),
        }
    }

    pub(super) fn fetched(&mut self, fetch: Fetch) -> Blob {
        self.fetches.push(fetch);
        Blob { fetch: self.fetches.len() - 1, verified: Verified::No }
    }

    /// A program that is found by its name from now on.
    pub(super) fn install(&mut self, name: &str, blob: Blob) {
        self.fetches[blob.fetch].kept = true;
        self.programs.insert(name.to_owned(), vec![blob]);
    }

    pub(super) fn unpack(&mut self, tree: Tree) {
        for blob in &tree.blobs {
            self.fetches[blob.fetch].kept = true;
        }
        if self.trees.len() < MAX_TREES {
            self.trees.push(tree);
        }
    }

    /// A value that is the fetched bytes themselves.
    pub(super) fn bytes_of(&mut self, blobs: Vec<Blob>, shown: &str) -> Value {
        self.unknowns.value(Unknown { shown: shown.into(), blobs, ..Unknown::default() })
    }

    pub(super) fn write(&mut self, path: &str, content: Value, append: bool) {
        if path.is_empty() || path.starts_with("/dev/") {
            return;
        }
        for blob in self.unknowns.blobs(&content) {
            self.fetches[blob.fetch].kept = true;
        }
        match self.states.get_mut(path) {
            Some(state) if append => state.content.append(&content),
            _ => {
                self.place_file(path.to_owned(), FileState { content, verified: None });
            }
        }
    }

    fn place_file(&mut self, path: String, state: FileState) {
        let name = basename(&path);
        if !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
        self.states.insert(path, state);
    }

    /// Whether a command of this name may be one of the job's own files.
    pub(super) fn may_hold(&self, name: &str) -> bool {
        !self.trees.is_empty() || self.names.contains(name)
    }

    /// What a file holds: written by the job, else part of the repository.
    pub(super) fn read(&mut self, path: &str) -> Option<Value> {
        if let Some(state) = self.states.get(path) {
            let (content, verified) = (state.content.clone(), state.verified);
            return Some(match verified {
                Some(verified) => self.verified_copy(&content, verified),
                None => content,
            });
        }
        let blobs = self.member_of(path);
        if !blobs.is_empty() {
            return Some(self.bytes_of(blobs, path));
        }
        None
    }

    fn verified_copy(&mut self, content: &Value, verified: Verified) -> Value {
        let mut blobs = self.unknowns.blobs(content);
        if blobs.is_empty() {
            return content.clone();
        }
        for blob in &mut blobs {
            blob.verified = blob.verified.max(verified);
        }
        let shown = self.unknowns.show(content.first());
        self.bytes_of(blobs, &shown)
    }

    /// Bytes that a path below an unpacked tree comes from; a file of the repository is not one.
    pub(super) fn member_of(&self, path: &str) -> Vec<Blob> {
        let covering: Vec<&Tree> =
            self.trees.iter().filter(|tree| is_below(path, &tree.dir)).collect();
        if covering.is_empty() || self.in_repository(path) {
            return Vec::new();
        }
        // The innermost directory wins; among several archives in one, those whose name tells.
        let depth = covering.iter().map(|tree| tree.dir.len()).max().unwrap_or(0);
        let inner: Vec<&Tree> =
            covering.into_iter().filter(|tree| tree.dir.len() == depth).collect();
        let stem = stem_of(path);
        let named: Vec<&Tree> =
            inner.iter().filter(|tree| tree.hint.contains(&stem)).copied().collect();
        let chosen = if named.is_empty() { inner } else { named };
        chosen.iter().flat_map(|tree| tree.blobs.iter().copied()).collect()
    }

    /// What a folder was filled from, the checkout itself aside.
    pub(super) fn tree_holding(&self, dir: &str) -> Vec<Blob> {
        let holding = self
            .trees
            .iter()
            .filter(|tree| is_below(dir, &tree.dir) && (tree.clone || tree.dir != CHECKOUT))
            .max_by_key(|tree| tree.dir.len());
        holding.map(|tree| tree.blobs.clone()).unwrap_or_default()
    }

    /// The repository is put into one more folder of the workspace.
    pub(super) fn check_out(&mut self, folder: &str) {
        if !folder.is_empty() && !self.copies.iter().any(|known| known == folder) {
            self.copies.push(folder.to_owned());
        }
    }

    /// Where the file lies in the repository, if it does.
    pub(super) fn repository_path(&self, path: &str) -> Option<String> {
        let inside = path.strip_prefix(CHECKOUT)?;
        (inside.is_empty() || inside.starts_with('/')).then(|| inside.trim_matches('/').to_owned())
    }

    /// As [`World::repository_path`], for a folder that may lie in a copy of the repository.
    pub(super) fn repository_folder(&self, path: &str) -> Option<String> {
        let inside = self.repository_path(path)?;
        let below = |copy: &String| {
            let rest = inside.strip_prefix(copy.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_matches('/').to_owned())
        };
        Some(self.copies.iter().find_map(below).unwrap_or(inside))
    }

    pub(super) fn in_repository(&self, path: &str) -> bool {
        self.repository_file(path).is_some()
    }

    pub(super) fn repository_file(&self, path: &str) -> Option<Result<RepositoryFile, String>> {
        let inside = self.repository_path(path)?;
        let copies = self.copies.iter().filter_map(|copy| inside.strip_prefix(copy.as_str()));
        let copies = copies.filter_map(|rest| rest.strip_prefix('/'));
        std::iter::once(inside.as_str()).chain(copies).find_map(|inside| {
            match self.files.read(inside) {
                Ok(bytes) => bytes.map(|bytes| Ok((Arc::from(inside), bytes))),
                Err(unreadable) => Some(Err(unreadable.to_string())),
            }
        })
    }

    /// Known files that a path with a pattern names; the path itself where it has none.
    pub(super) fn matching(&self, path: &str) -> Vec<String> {
        // Hundreds of files are no job's, and each pattern looks at all of them.
        if !path.contains(['*', '?']) || self.states.len() > 300 {
            return vec![path.to_owned()];
        }
        let fixed = path.split(['*', '?', '[']).next().unwrap_or_default();
        let mut found: Vec<String> = self
            .states
            .keys()
            .filter(|known| known.starts_with(fixed))
            .filter(|known| super::posix::pattern::matches(path, known))
            .take(50)
            .cloned()
            .collect();
        found.sort();
        if found.is_empty() {
            found.push(path.to_owned());
        }
        found
    }

    pub(super) fn copy(&mut self, from: &str, to: &str) {
        if let Some(state) = self.states.get(from).cloned() {
            self.place_file(to.to_owned(), state);
            return;
        }
        let blobs = self.member_of(from);
        if !blobs.is_empty() {
            let content = self.bytes_of(blobs.clone(), from);
            self.place_file(to.to_owned(), FileState { content, verified: None });
        }
        self.copy_below(from, to, blobs);
    }

    /// A directory is copied with what lies in it.
    fn copy_below(&mut self, from: &str, to: &str, blobs: Vec<Blob>) {
        // As with patterns: hundreds of files are no job's.
        if self.states.len() > 300 {
            return;
        }
        let prefix = format!("{from}/");
        let inner: Vec<(String, FileState)> = self
            .states
            .iter()
            .filter_map(|(path, state)| {
                let rest = path.strip_prefix(&prefix)?;
                Some((format!("{to}/{rest}"), state.clone()))
            })
            .take(1000)
            .collect();
        for (path, state) in inner {
            self.place_file(path, state);
        }
        let trees: Vec<Tree> = self
            .trees
            .iter()
            .filter_map(|tree| {
                let rest = tree.dir.strip_prefix(from)?;
                (rest.is_empty() || rest.starts_with('/'))
                    .then(|| Tree { dir: format!("{to}{rest}"), ..tree.clone() })
            })
            .take(100)
            .collect();
        self.trees.extend(trees);
        if !blobs.is_empty() {
            let hint = self.hint(&blobs);
            self.trees.push(Tree { dir: to.to_owned(), blobs, hint, clone: false });
        }
    }

    pub(super) fn hint(&self, blobs: &[Blob]) -> String {
        let mut hint = String::new();
        for blob in blobs {
            match self.fetches.get(blob.fetch).map(|fetch| &fetch.what) {
                Some(What::Url(url)) => hint.push_str(&url.to_lowercase()),
                Some(What::Component(component)) => hint.push_str(&component.name.to_lowercase()),
                None => {}
            }
            hint.push(' ');
        }
        hint
    }

    pub(super) fn binding(&self, name: &str, variable: &Variable) -> Binding {
        let mut flows = Vec::new();
        for value in &variable.values {
            for flow in self.unknowns.flows(value) {
                if !flows.contains(&flow) {
                    flows.push(flow);
                }
            }
        }
        let literal = match variable.values.as_slice() {
            [value] if value.texts.len() == 1 && !has_marks(value.first()) => {
                Some(Arc::from(value.first()))
            }
            _ => None,
        };
        Binding { name: name.to_owned(), flows, literal }
    }
}

/// Resolves `path` against the absolute directory `base`.
pub(super) fn resolve(base: &str, path: &str) -> String {
    if path == "~" {
        return HOME.to_owned();
    }
    if let Some(rest) = path.strip_prefix("~/") {
        return resolve(HOME, rest);
    }
    let absolute = path.starts_with('/') || path.starts_with(super::value::is_mark);
    let joined = if absolute { normalise("", path) } else { normalise(base, path) };
    match joined {
        Some(joined) if joined.starts_with(super::value::is_mark) => joined,
        Some(joined) => format!("/{joined}"),
        None => path.to_owned(),
    }
}

pub(super) fn is_below(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')) || path == dir
}

pub(super) fn basename(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

pub(super) fn dirname(path: &str) -> &str {
    match path.trim_end_matches('/').rfind('/') {
        Some(0) => "/",
        Some(at) => &path[..at],
        None => ".",
    }
}

fn stem_of(path: &str) -> String {
    let name = basename(path).to_lowercase();
    name.split(['.', '_']).next().unwrap_or_default().to_owned()
}
