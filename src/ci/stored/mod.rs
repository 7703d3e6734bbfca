//! What a CI vendor stores for a repository, as far as the repository's own file tells.
//!
//! When the vendor itself was breached no job and no step matter: everything that was stored there is
//! gone, used or not. The file says *that* there is a store, and names some of what is in it. This is
//! not a front end of the dialect: what runs is not read.

mod circleci;
mod names;
mod travis;

use std::{collections::HashSet, sync::Arc};

use super::{
    Files,
    model::{
        Certainty, Component, EnvView, Flow, Gap, Hides, Job, Kind, Mention, Permissions, Pinned,
        Pipeline, Place, Platform, Role, Runner, Scope, Secret, Verified, Way,
    },
    yaml::{self, Node},
};

/// Systems that are asked for, and the platform of each.
pub const SYSTEMS: [(&str, Platform); 2] =
    [("circleci", Platform::Circleci), ("travis", Platform::Travis)];

/// The CI system's name, as the catalogue and the incident packs write it.
pub fn system(platform: Platform) -> Option<&'static str> {
    SYSTEMS.iter().find(|(_, known)| *known == platform).map(|(system, _)| *system)
}

/// One job that stands for the vendor, and is sent everything that the file names and may hide.
pub fn read(files: &dyn Files, path: &str, platform: Platform) -> Vec<Pipeline> {
    let Some(system) = system(platform) else { return Vec::new() };
    let mut found = Found { file: Arc::from(path), flows: Vec::new(), seen: HashSet::new() };
    let mut gaps = Vec::new();
    let mut doubtful = |line, reason: String| {
        let place = Place { file: Arc::clone(&found.file), line };
        gaps.push(Gap { place, reason, hides: Hides::Secrets });
    };
    let bytes = match files.read(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Vec::new(),
        Err(trouble) => {
            doubtful(1, trouble.reason.into_owned());
            Default::default()
        }
    };
    let parsed = yaml::parse(&bytes);
    for trouble in parsed.troubles.iter().filter(|trouble| trouble.effect != yaml::Effect::Replaced)
    {
        doubtful(trouble.line, trouble.reason.clone());
    }
    match platform {
        Platform::Circleci => circleci::read(&mut found, parsed.root.as_deref(), &bytes),
        Platform::Travis => travis::read(&mut found, parsed.root.as_deref(), &bytes),
        Platform::Github | Platform::Gitlab | Platform::Jenkins | Platform::Azure => {}
    }
    vec![pipeline(platform, system, found, gaps)]
}

/// What the store holds, each thing once.
struct Found {
    file: Arc<str>,
    flows: Vec<Flow>,
    seen: HashSet<Secret>,
}

impl Found {
    fn add(&mut self, scope: Scope, name: &str, line: u32, certainty: Certainty) {
        let secret = Secret { scope, name: Arc::from(name) };
        if self.seen.insert(secret.clone()) {
            let place = Place { file: Arc::clone(&self.file), line };
            self.flows.push(Flow { secret, way: Way::Implicit, place, certainty });
        }
    }

    /// Variables that the file uses and does not set. One may be a plain shell variable: *possible*.
    fn variables(&mut self, root: Option<&Node>, bytes: &[u8]) {
        for (name, line) in names::used(root, bytes) {
            self.add(Scope::Project, &name, line, Certainty::Possible);
        }
    }
}

fn pipeline(platform: Platform, system: &str, found: Found, gaps: Vec<Gap>) -> Pipeline {
    let place = Place { file: Arc::clone(&found.file), line: 1 };
    let mention = Mention {
        component: Component {
            kind: Kind::Vendor,
            name: system.to_owned(),
            reference: None,
            pinned: Pinned::No,
            verified: Verified::No,
        },
        place: place.clone(),
        via: Vec::new(),
        runs: true,
        env: EnvView::Only { passed: Vec::new() },
        inputs: Vec::new(),
        arguments: Vec::new(),
        certainty: Certainty::Inferred,
    };
    let job = Job {
        id: String::new(),
        name: None,
        needs: Vec::new(),
        place,
        via: Vec::new(),
        condition: None,
        environment: None,
        permissions: Permissions::default(),
        runner: Runner::default(),
        sent: found.flows,
        mentions: vec![mention],
        steps: Vec::new(),
    };
    Pipeline {
        platform,
        file: found.file,
        name: None,
        role: Role::Runs,
        triggers: Vec::new(),
        jobs: vec![job],
        doubts: Vec::new(),
        gaps,
    }
}

/// Calls `visit` with every entry of every mapping; what an alias repeats is visited once.
fn each_entry<'n>(root: &'n Node, visit: &mut dyn FnMut(&'n yaml::Entry)) {
    let mut seen: HashSet<*const Node> = HashSet::new();
    let mut left: Vec<&Node> = vec![root];
    while let Some(node) = left.pop() {
        if !seen.insert(std::ptr::from_ref(node)) {
            continue;
        }
        for entry in node.entries() {
            visit(entry);
            left.push(&entry.value);
        }
        left.extend(node.items().iter().map(|item| &**item));
    }
}

/// A text, or each text of a list, with its line.
fn texts(node: &Node) -> impl Iterator<Item = (&str, u32)> {
    let own = node.text().map(|text| (text, node.line));
    let items = node.items().iter().filter_map(|item| Some((item.text()?, item.line)));
    own.into_iter().chain(items)
}

#[cfg(test)]
mod tests;
