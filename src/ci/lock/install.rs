//! Installs × lock files → mentions of the packages that are asked about, and gaps where nobody can tell.

use std::{
    collections::{BTreeSet, HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Format, Locked, Read, Wanted, gap, search::Search};
use crate::ci::{
    Files, Unreadable,
    model::{
        Certainty, Component, EnvView, Gap, Hides, Install, Installed, Job, Kind, Mention,
        Permissions, Pinned, Pipeline, Place, Platform, Role, Runner, Verified,
    },
};

/// Contents that were read lately: one lock file is asked for by many jobs of many commits.
#[derive(Debug, Default)]
pub struct Cache {
    read: Mutex<HashMap<(Format, usize, u64), Arc<Read>>>,
    hasher: RandomState,
}

/// What it holds is small: wanted packages only.
const MOST_CACHED: usize = 20_000;

impl Cache {
    pub(super) fn read(&self, format: Format, bytes: &[u8], wanted: &Wanted) -> Arc<Read> {
        let key = (format, bytes.len(), self.hasher.hash_one(bytes));
        let lock = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return Arc::clone(known);
        }
        let read = Arc::new(format.read(bytes, wanted));
        let mut cache = lock();
        if cache.len() >= MOST_CACHED {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&read));
        read
    }
}

/// Adds to each step the wanted packages that it installs; all other installs are dropped.
pub fn resolve(files: &dyn Files, wanted: &Wanted, cache: &Cache, pipeline: &mut Pipeline) {
    let mut gaps = BTreeSet::new();
    for step in pipeline.jobs.iter_mut().flat_map(|job| &mut job.steps) {
        step.installs.retain(|install| wanted.any_of(install.manager.ecosystem()));
        for install in &mut step.installs {
            let mut search =
                Search { files, wanted, cache, install, found: Vec::new(), gaps: Vec::new() };
            search.run();
            let (found, scripts) = (search.found, search.install.install_scripts);
            gaps.append(&mut search.gaps.into_iter().collect());
            install.install_scripts = scripts;
            for found in found {
                if !found.is_mentioned {
                    step.mentions.push(mention(install, &found));
                }
                install.found.push(found.installed);
            }
        }
        step.installs.retain(|install| !install.found.is_empty());
        step.installs.shrink_to_fit();
    }
    pipeline.gaps.extend(gaps);
}

fn mention(install: &Install, found: &Found) -> Mention {
    let mut via = install.via.clone();
    if found.installed.place != install.place {
        via.push(install.place.clone());
    }
    Mention {
        component: found.installed.component.clone(),
        place: found.installed.place.clone(),
        via,
        runs: true,
        env: install.env.clone(),
        inputs: Vec::new(),
        arguments: Vec::new(),
        certainty: install.certainty.max(found.certainty),
    }
}

/// A lock file by itself: the wanted packages in it, for whoever installs it.
pub fn unclaimed(files: &dyn Files, wanted: &Wanted, cache: &Cache, path: &str) -> Vec<Pipeline> {
    let Some(format) = Format::of(path).filter(|format| wanted.any_of(format.ecosystem())) else {
        return Vec::new();
    };
    let file: Arc<str> = Arc::from(path);
    let place = |line| Place { file: Arc::clone(&file), line };
    let (mentions, gaps): (Vec<Mention>, Vec<Gap>) = match files.read(path) {
        Ok(None) => return Vec::new(),
        Ok(Some(bytes)) => {
            let read = cache.read(format, &bytes, wanted);
            let of_file = |locked: &Locked| Mention {
                component: component(locked),
                place: place(locked.line),
                via: Vec::new(),
                runs: true,
                env: EnvView::Only { passed: Vec::new() },
                inputs: Vec::new(),
                arguments: Vec::new(),
                certainty: Certainty::Possible,
            };
            let gaps = read
                .troubles
                .iter()
                .map(|trouble| gap(format.ecosystem(), &file, trouble))
                .collect();
            (read.locked.iter().map(of_file).collect(), gaps)
        }
        Err(unreadable) => (Vec::new(), vec![not_read(format.ecosystem(), place(1), &unreadable)]),
    };
    if mentions.is_empty() && gaps.is_empty() {
        return Vec::new();
    }
    let job = Job {
        id: String::new(),
        name: None,
        needs: Vec::new(),
        place: place(1),
        via: Vec::new(),
        condition: None,
        environment: None,
        permissions: Permissions::default(),
        runner: Runner::default(),
        sent: Vec::new(),
        mentions,
        steps: Vec::new(),
    };
    vec![Pipeline {
        platform: Platform::Github,
        file,
        name: None,
        role: Role::Locked,
        triggers: Vec::new(),
        jobs: vec![job],
        doubts: Vec::new(),
        gaps,
    }]
}

pub(super) fn component(locked: &Locked) -> Component {
    Component {
        kind: Kind::Package,
        name: locked.name.clone(),
        reference: Some(locked.version.clone()),
        pinned: Pinned::Version,
        verified: Verified::No,
    }
}

pub(super) fn not_read(ecosystem: &'static str, place: Place, unreadable: &Unreadable) -> Gap {
    Gap { place, reason: unreadable.to_string(), hides: Hides::Packages(ecosystem) }
}

pub(super) struct Found {
    pub(super) installed: Installed,
    pub(super) certainty: Certainty,
    pub(super) is_mentioned: bool,
}
