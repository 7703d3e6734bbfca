//! One install: its lock file, its manifest, and what they say of the packages that are asked about.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Format, Locked, Wanted, gap, go,
    install::{Cache, Found, component, not_read},
    layout::{self, Layout, join, upward},
    manifest::{self, Asked},
    requirements, spec,
};
use crate::ci::{
    Files,
    model::{Certainty, Gap, Hides, Install, Installed, Manager, Pinned, Place},
    normalise,
};

/// Requirement files that include each other.
const MOST_INCLUDED: usize = 50;

/// One install while its packages are looked for.
pub(super) struct Search<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) wanted: &'a Wanted,
    pub(super) cache: &'a Cache,
    pub(super) install: &'a mut Install,
    pub(super) found: Vec<Found>,
    pub(super) gaps: Vec<Gap>,
}

/// A file that was found.
struct File {
    path: String,
    bytes: Arc<[u8]>,
}

impl Search<'_> {
    pub(super) fn run(&mut self) {
        self.named();
        self.requirements();
        if !self.install.project && (self.install.files.is_empty() || self.install.folder.is_some())
        {
            return;
        }
        let Some(folder) = self.install.folder.clone() else {
            return self.gap("installs packages by files that are not in this checkout, or by a name that is known only while it runs");
        };
        self.project(&folder);
    }

    fn gap(&mut self, reason: &str) {
        let reason = format!("{}: {reason}", self.command());
        self.gaps.push(Gap {
            place: self.install.place.clone(),
            reason,
            hides: Hides::Packages(self.install.manager.ecosystem()),
        });
    }

    fn command(&self) -> &'static str {
        match self.install.manager {
            Manager::Npm => "npm",
            Manager::Yarn => "yarn",
            Manager::Pnpm => "pnpm",
            Manager::Bun => "bun",
            Manager::Pip => "pip",
            Manager::Uv => "uv",
            Manager::Poetry => "poetry",
            Manager::Pipenv => "pipenv",
            Manager::Pdm => "pdm",
            Manager::Cargo => "cargo",
            Manager::Go => "go",
            Manager::Bundler => "bundler",
            Manager::Composer => "composer",
        }
    }

    fn read(&mut self, path: &str) -> Option<File> {
        match self.files.read(path) {
            Ok(bytes) => bytes.map(|bytes| File { path: path.to_owned(), bytes }),
            Err(unreadable) => {
                self.gaps.push(not_read(
                    self.install.manager.ecosystem(),
                    self.install.place.clone(),
                    &unreadable,
                ));
                None
            }
        }
    }

    fn first(&mut self, folder: &str, names: &[&str]) -> Option<File> {
        names.iter().find_map(|name| self.read(&join(folder, name)))
    }

    /// Packages that the command names: whatever a lock file says, it is asked for a new one.
    fn named(&mut self) {
        let ecosystem = self.install.manager.ecosystem();
        let mut open = false;
        for written in self.install.named.clone() {
            let (name, range) = spec::split(ecosystem, &written);
            let Some(name) = self.wanted.find(ecosystem, name) else {
                open |= !spec::stands_alone(ecosystem, name) && !self.is_local_tool(name);
                continue;
            };
            let component = spec::component(ecosystem, name, range);
            let how = match component.pinned {
                Pinned::Version => format!("the command asks for {range}"),
                _ if range.is_empty() => {
                    "asked for without a version: whatever was newest was taken".to_owned()
                }
                _ => format!("asked for as `{range}`: the newest that fits was taken"),
            };
            let certainty = match component.pinned {
                Pinned::Version => Certainty::Inferred,
                _ => Certainty::Possible,
            };
            self.found.push(Found {
                installed: Installed { component, place: self.install.place.clone(), how },
                certainty,
                is_mentioned: self.install.mentioned,
            });
        }
        if open && !self.install.closed {
            self.gap("installs packages without a lock file: what comes with them is not known");
        }
    }

    /// `npx jest` runs the project's own `jest`, where it has one.
    fn is_local_tool(&mut self, name: &str) -> bool {
        let node = self.install.manager.ecosystem() == "npm";
        let Some(folder) = self.install.folder.clone().filter(|_| node && self.install.mentioned)
        else {
            return false;
        };
        let quoted = format!("\"{name}\"");
        let files = ["package.json", "package-lock.json"];
        let names = upward(&folder).flat_map(|dir| files.map(|file| join(dir, file)));
        let names: Vec<String> = names.collect();
        names.iter().any(|path| {
            self.read(path)
                .is_some_and(|file| memchr::memmem::find(&file.bytes, quoted.as_bytes()).is_some())
        })
    }

    fn requirements(&mut self) {
        let mut open: Vec<String> =
            self.install.files.iter().map(|file| file.to_string()).collect();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut incomplete = false;
        while let Some(path) = open.pop() {
            if !seen.insert(path.clone()) || seen.len() > MOST_INCLUDED {
                continue;
            }
            let Some(file) = self.read(&path) else {
                self.gap(&format!("`{path}` is not in the checkout"));
                continue;
            };
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for (_, line) in requirements::lines(&text) {
                if let requirements::Line::Include(other) = requirements::line(&line) {
                    open.extend(normalise(folder, other));
                }
            }
            self.lock(&file, Format::Requirements);
            for asked in manifest::read(Manager::Pip, "requirements.txt", &file.bytes, self.wanted)
            {
                if requirements::exact(&asked.range).is_none() {
                    self.asked(&file, &asked);
                }
            }
            incomplete |= !requirements::is_complete(&text);
        }
        if incomplete && !self.install.closed {
            self.gap("the requirements do not list everything with its version: what comes with them is not known");
        }
    }

    fn project(&mut self, folder: &str) {
        let layout = layout::of(self.install.manager);
        let manifest = upward(folder)
            .find_map(|dir| Some((dir.to_owned(), self.first(dir, layout.manifests)?)));
        let Some((dir, manifest)) = manifest else {
            return self.gap("its manifest is not in the checkout");
        };
        self.settings(&dir);
        let lock = self.lock_file(&dir, &layout);
        match lock {
            Some(lock) if self.install.locked => {
                if self.install.manager == Manager::Go {
                    return self.go(&manifest, &lock);
                }
                match Format::of(&lock.path) {
                    Some(format) => {
                        self.lock(&lock, format);
                        self.outgrown(&manifest);
                    }
                    None => self.gap(&format!("`{}` is a format that is not read", lock.path)),
                }
            }
            Some(lock) => {
                self.renewed(&lock);
                self.unlocked(&manifest, "takes newer versions than its lock file holds");
            }
            // Without any dependency there is no `go.sum`.
            None if self.install.manager == Manager::Go => self.go(&manifest, &manifest),
            None => self.unlocked(&manifest, "no lock file says which versions it takes"),
        }
    }

    /// What the manifest asks for and the lock file does not hold is resolved anew, or ends the install.
    fn outgrown(&mut self, manifest: &File) {
        if self.install.manager.ecosystem() != "npm" {
            return;
        }
        let asked =
            manifest::read(self.install.manager, &manifest.path, &manifest.bytes, self.wanted);
        for asked in asked {
            let of_name = |found: &&Found| found.installed.component.name == asked.name;
            let mut held = self
                .found
                .iter()
                .filter(of_name)
                .filter_map(|found| found.installed.component.reference.as_deref());
            if !held.any(|version| spec::takes(&asked.range, version)) {
                self.asked(manifest, &asked);
            }
        }
    }

    fn lock_file(&mut self, dir: &str, layout: &Layout) -> Option<File> {
        let names = [layout.locks, layout.closed].concat();
        if let Some(lock) = self.first(dir, &names) {
            return Some(lock);
        }
        let above: Vec<String> = upward(dir).skip(1).map(str::to_owned).collect();
        above.iter().find_map(|dir| {
            let marked = match (layout.workspace, layout.workspace_file) {
                (Some(mark), _) => {
                    let manifest = self.first(dir, layout.manifests)?;
                    memchr::memmem::find(&manifest.bytes, mark.as_bytes()).is_some()
                }
                (None, Some(file)) => self.read(&join(dir, file)).is_some(),
                (None, None) => false,
            };
            if marked { self.first(dir, &names) } else { None }
        })
    }

    /// Settings beside the manifest.
    fn settings(&mut self, dir: &str) {
        let name = match self.install.manager {
            Manager::Npm | Manager::Pnpm => ".npmrc",
            Manager::Yarn => ".yarnrc.yml",
            _ => return,
        };
        let Some(file) = self.read(&join(dir, name)) else { return };
        for line in String::from_utf8_lossy(&file.bytes).lines() {
            match line.split_whitespace().collect::<String>().as_str() {
                "ignore-scripts=true" | "enableScripts:false" => {
                    self.install.install_scripts = Some(false);
                }
                "package-lock=false" | "lockfile=false" => self.install.locked = false,
                _ => {}
            }
        }
    }

    fn lock(&mut self, file: &File, format: Format) {
        let read = self.cache.read(format, &file.bytes, self.wanted);
        let ecosystem = format.ecosystem();
        let path: Arc<str> = Arc::from(&*file.path);
        self.gaps.extend(read.troubles.iter().map(|trouble| gap(ecosystem, &path, trouble)));
        for locked in &read.locked {
            self.locked(&path, locked);
        }
    }

    fn locked(&mut self, path: &Arc<str>, locked: &Locked) {
        let code = match locked.install_code {
            Some(true) => ", which runs code while it is installed",
            Some(false) => ", which runs nothing while it is installed",
            None => "",
        };
        self.found.push(Found {
            installed: Installed {
                component: component(locked),
                place: Place { file: Arc::clone(path), line: locked.line },
                how: format!("`{path}` holds {}{code}", locked.version),
            },
            certainty: Certainty::Inferred,
            is_mentioned: false,
        });
    }

    /// `go.mod` lists what is used; `go.sum` may hold older ones beside it.
    fn go(&mut self, manifest: &File, sum: &File) {
        let listed = go::module(&manifest.bytes, self.wanted);
        let path: Arc<str> = Arc::from(&*manifest.path);
        for locked in &listed.locked {
            self.locked(&path, locked);
        }
        if sum.path != manifest.path {
            let read = self.cache.read(Format::GoSum, &sum.bytes, self.wanted);
            let ecosystem = "go";
            let path: Arc<str> = Arc::from(&*sum.path);
            self.gaps.extend(read.troubles.iter().map(|trouble| gap(ecosystem, &path, trouble)));
            let missing =
                |locked: &&Locked| !listed.locked.iter().any(|other| other.name == locked.name);
            for locked in read.locked.iter().filter(missing) {
                self.locked(&path, locked);
            }
        }
    }

    /// Whatever the lock file held, the newest was taken.
    fn renewed(&mut self, lock: &File) {
        let Some(format) = Format::of(&lock.path) else { return };
        let read = self.cache.read(format, &lock.bytes, self.wanted);
        let mut names = BTreeSet::new();
        for locked in read.locked.iter().filter(|locked| names.insert(&locked.name)) {
            let asked =
                Asked { name: locked.name.clone(), range: String::new(), line: locked.line };
            self.asked(lock, &asked);
        }
    }

    fn unlocked(&mut self, manifest: &File, why: &str) {
        for asked in
            manifest::read(self.install.manager, &manifest.path, &manifest.bytes, self.wanted)
        {
            let renewed = self.found.iter().any(|f| f.installed.component.name == asked.name);
            if !renewed {
                self.asked(manifest, &asked);
            }
        }
        self.gap(&format!("{why}: what comes with other packages is not known"));
    }

    fn asked(&mut self, file: &File, asked: &Asked) {
        let ecosystem = self.install.manager.ecosystem();
        let component = spec::component(ecosystem, asked.name.clone(), &asked.range);
        let how = match asked.range.as_str() {
            "" => "not locked: whatever was newest was taken".to_owned(),
            range => format!("asked for as `{range}` and not locked"),
        };
        self.found.push(Found {
            installed: Installed {
                component,
                place: Place { file: Arc::from(&*file.path), line: asked.line },
                how,
            },
            certainty: Certainty::Possible,
            is_mentioned: false,
        });
    }
}
