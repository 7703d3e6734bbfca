//! Opening a git clone, and what its refs say. No program is run and no configuration but the
//! clone's own is read.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use gix::{ObjectId, bstr::ByteSlice};

use super::{
    Coverage, CoverageState, DiscoverError, Folder, Hidden, RootKind,
    graph::{self, Tips},
    objects::Objects,
};

/// A root, by what it turned out to be.
pub(super) enum Opened {
    Folder(Folder),
    /// It has a `.git` that cannot be used.
    Damaged {
        folder: Folder,
        reason: String,
    },
    Git(Box<Clone>),
}

pub(super) struct Clone {
    /// `None` in a bare repository.
    pub(super) folder: Option<Folder>,
    pub(super) objects: Objects,
    pub(super) refs: Refs,
    pub(super) shallow: HashSet<ObjectId>,
    /// URL of `origin`, or of the only remote.
    pub(super) remote: Option<String>,
    /// Fetched without all objects; they would be fetched when needed.
    pub(super) partial: bool,
}

/// What the refs of a clone reach.
#[derive(Debug, Default)]
pub(super) struct Refs {
    pub(super) tips: Tips,
    pub(super) head: Option<ObjectId>,
    pub(super) default_branch: Option<String>,
    /// Full name of the ref that stands for the default branch.
    pub(super) default_ref: String,
    pub(super) count: usize,
    pub(super) coverage: Vec<Coverage>,
}

impl Refs {
    /// Nothing was committed, or no ref can be read: what lies in the folder is all there is.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0 && self.tips.default.is_none()
    }
}

impl Opened {
    pub(super) fn kind(&self) -> RootKind {
        match self {
            Self::Folder(_) => RootKind::Folder,
            Self::Damaged { .. } => RootKind::WorkTree,
            Self::Git(clone) if clone.folder.is_some() => RootKind::WorkTree,
            Self::Git(_) => RootKind::Bare,
        }
    }
}

pub(super) fn open(root: &Path) -> Result<Opened, DiscoverError> {
    let folder = open_folder(root)?;
    let dot_git = folder.root().join(".git");
    let inside = dot_git.symlink_metadata().is_ok();
    if !inside && !is_bare(folder.root()) {
        return Ok(Opened::Folder(folder));
    }
    let git_dir = if inside { dot_git } else { folder.root().to_owned() };
    if let Some(name) = blocks(&git_dir) {
        let reason = format!("`{name}` is not a regular file");
        return Ok(Opened::Damaged { folder, reason });
    }
    Ok(match open_git(&git_dir, inside.then(|| folder.clone())) {
        Ok(clone) => Opened::Git(Box::new(clone)),
        Err(error) => Opened::Damaged { folder, reason: one_line(&error.to_string()) },
    })
}

/// A FIFO or device where git keeps a file: opening it would wait for ever.
fn blocks(git_dir: &Path) -> Option<&'static str> {
    let odd = |path: &Path| path.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir());
    if odd(git_dir) {
        return Some(".git");
    }
    let files = ["HEAD", "config", "config.worktree", "packed-refs", "commondir", "shallow"];
    let more = ["info/grafts", "objects/info/alternates", "objects/pack/multi-pack-index"];
    files.into_iter().chain(more).find(|name| odd(&git_dir.join(name)))
}

fn open_folder(root: &Path) -> Result<Folder, DiscoverError> {
    let path = || root.to_owned();
    Folder::open(root).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => DiscoverError::NotFound { path: path() },
        io::ErrorKind::NotADirectory => DiscoverError::NotAFolder { path: path() },
        _ => {
            DiscoverError::Unreadable { path: path(), reason: super::folder::reason(&error).into() }
        }
    })
}

/// Whether the folder itself is a git repository.
pub(super) fn is_bare(root: &Path) -> bool {
    root.join("HEAD").is_file() && root.join("objects").is_dir() && root.join("refs").is_dir()
}

fn open_git(git_dir: &Path, folder: Option<Folder>) -> gix::Result<Clone> {
    // Owners differ in CI and on shared machines; nothing in the repository is run, so that is no risk.
    let options = gix::open::Options::isolated()
        .with(gix::sec::Trust::Full)
        .open_path_as_is(true)
        .strict_config(false);
    let repository = gix::ThreadSafeRepository::open_opts(git_dir, options)?;
    let local = repository.to_thread_local();
    let shallow = read_shallow(&local);
    let config = local.config_snapshot();
    // `core.bare` in a `.git` folder: a bare clone put there by hand, the folder holds no checkout.
    let bare = folder.is_none() || (git_dir.is_dir() && config.boolean("core.bare") == Some(true));
    let partial = config.string("extensions.partialClone").is_some()
        || local.remote_names().iter().any(|name| {
            let key = format!("remote.{name}.promisor");
            config.boolean(key.as_str()) == Some(true)
        });
    let format = config.string("extensions.refStorage").filter(|format| *format != "files");
    let refs = match format {
        Some(format) => {
            Refs::unreadable(format!("refs are stored as `{format}`, which is not read"))
        }
        None => read_refs(&local),
    };
    let remote = remote_url(&local);
    let objects = Objects::new(repository);
    let folder = folder.filter(|_| !bare).map(|folder| folder.hashed_as(objects.hash()));
    Ok(Clone { folder, objects, refs, shallow, remote, partial })
}

fn remote_url(repository: &gix::Repository) -> Option<String> {
    let names: Vec<String> =
        repository.remote_names().iter().map(|name| name.to_string()).collect();
    let name = match names.iter().find(|name| *name == "origin") {
        Some(origin) => origin,
        None if names.len() == 1 => &names[0],
        None => return None,
    };
    let url = repository.config_snapshot().string(format!("remote.{name}.url").as_str())?;
    Some(url.to_string())
}

fn read_shallow(repository: &gix::Repository) -> HashSet<ObjectId> {
    let text = fs::read(repository.common_dir().join("shallow")).unwrap_or_default();
    text.lines().filter_map(|line| ObjectId::from_hex(line.trim()).ok()).collect()
}

fn read_refs(repository: &gix::Repository) -> Refs {
    let mut refs = Refs::empty();
    let mut found = Vec::new();
    let read = repository.references().and_then(|platform| {
        for reference in platform.all()? {
            match reference {
                Ok(reference) => found.push(reference),
                Err(error) => {
                    refs.coverage.push(failed("HEAD", format!("a ref cannot be read: {error}")));
                }
            }
        }
        Ok(())
    });
    if let Err(error) = read {
        refs.coverage.push(failed("HEAD", format!("refs cannot be read: {error}")));
    }
    refs.sort_in(repository, found);
    refs.choose_default(repository);
    refs.read_grafts(repository);
    refs
}

impl Refs {
    fn empty() -> Self {
        Self { default_ref: "HEAD".to_owned(), ..Self::default() }
    }

    fn unreadable(reason: String) -> Self {
        Self { coverage: vec![failed("HEAD", reason)], ..Self::empty() }
    }

    fn sort_in(&mut self, repository: &gix::Repository, found: Vec<gix::Reference<'_>>) {
        let tracked: HashSet<String> = found
            .iter()
            .filter_map(|found| short(found.name().as_bstr(), "refs/remotes/"))
            .filter_map(|name| name.split_once('/').map(|(_, branch)| branch.to_owned()))
            .collect();
        let mut others = 0;
        for mut reference in found {
            let name = reference.name().as_bstr().to_string();
            let local = name.strip_prefix("refs/heads/");
            let branch = local.is_some() || name.starts_with("refs/remotes/");
            if let Some(original) = name.strip_prefix("refs/replace/") {
                self.replace(repository, original, &mut reference);
                continue;
            }
            if !branch && !name.starts_with("refs/tags/") {
                others += 1;
                continue;
            }
            self.count += 1;
            match peel(&mut reference) {
                // The server's branch says where it stands; the local one may merely be behind.
                Ok(Some(id)) if branch && !local.is_some_and(|local| tracked.contains(local)) => {
                    self.tips.branches.push(id);
                }
                Ok(Some(id)) => self.tips.others.push(id),
                Ok(None) => {}
                Err(reason) => self.coverage.push(failed(&name, reason)),
            }
        }
        if others > 0 {
            self.coverage.push(Coverage {
                scope: "history:refs".to_owned(),
                state: CoverageState::NotApplicable,
                reason: format!("{others} refs that are neither branch nor tag (pull requests, notes) are not followed"),
                file: None,
                live: Vec::new(),
                hides: Hidden::Nothing,
            });
        }
    }

    /// The default branch: what the remote calls so, else `HEAD`, else `main` or `master`.
    fn choose_default(&mut self, repository: &gix::Repository) {
        let head = repository.head_name().ok().flatten().map(|name| name.as_bstr().to_string());
        let remote_head = repository.try_find_reference("refs/remotes/origin/HEAD").ok().flatten();
        let remote_head = remote_head.and_then(|found| match found.target() {
            gix::refs::TargetRef::Symbolic(name) => Some(name.as_bstr().to_string()),
            gix::refs::TargetRef::Object(_) => None,
        });
        self.head =
            repository.head_id().ok().map(gix::Id::detach).filter(|id| is_commit(repository, *id));
        let fixed = ["main", "master"]
            .into_iter()
            .flat_map(|name| [format!("refs/remotes/origin/{name}"), format!("refs/heads/{name}")]);
        let candidates = remote_head.into_iter().chain(head).map(Some);
        for name in candidates.chain([None]).chain(fixed.map(Some)) {
            let (id, name) = match name {
                Some(name) => {
                    let found = repository.try_find_reference(name.as_str()).ok().flatten();
                    (found.and_then(|mut found| peel(&mut found).ok().flatten()), name)
                }
                // A detached `HEAD`.
                None => (self.head, "HEAD".to_owned()),
            };
            if let Some(id) = id {
                self.tips.default = Some(id);
                self.default_branch = short(name.as_str().into(), "refs/remotes/origin/")
                    .or_else(|| short(name.as_str().into(), "refs/heads/"));
                self.default_ref = name;
                break;
            }
        }
        if let Some(head) = self.head {
            self.tips.others.push(head);
        }
    }

    /// A replacement may join an older history to a commit: that history is followed too.
    fn replace(
        &mut self,
        repository: &gix::Repository,
        original: &str,
        with: &mut gix::Reference<'_>,
    ) {
        let parents = ObjectId::from_hex(original.as_bytes()).ok().zip(peel(with).ok().flatten());
        let Some((original, with)) = parents else { return };
        let Ok(commit) = repository.find_commit(with) else { return };
        let parents = commit.parent_ids().map(gix::Id::detach);
        self.tips.grafts.entry(original).or_default().extend(parents);
        self.note_grafts("refs/replace");
    }

    fn read_grafts(&mut self, repository: &gix::Repository) {
        let Ok(text) = fs::read(repository.common_dir().join("info/grafts")) else { return };
        let grafts = graph::parse_grafts(&text);
        if grafts.is_empty() {
            return;
        }
        for (commit, parents) in grafts {
            self.tips.grafts.entry(commit).or_default().extend(parents);
        }
        self.note_grafts("info/grafts");
    }

    fn note_grafts(&mut self, by: &str) {
        let scope = format!("history:{by}");
        if self.coverage.iter().all(|entry| entry.scope != scope) {
            self.coverage.push(Coverage {
                scope,
                state: CoverageState::Seen,
                reason:
                    "a grafted clone: the commits' own parents and the grafted ones are followed"
                        .to_owned(),
                file: None,
                live: Vec::new(),
                hides: Hidden::Nothing,
            });
        }
    }
}

/// The commit a ref leads to, `None` if it leads to a file or a folder.
fn peel(reference: &mut gix::Reference<'_>) -> Result<Option<ObjectId>, String> {
    let id = reference.peel_to_id().map_err(|error| one_line(&error.to_string()))?;
    let header = id.try_header().map_err(|error| one_line(&error.to_string()))?;
    match header.map(|header| header.kind()) {
        Some(gix::objs::Kind::Commit) => Ok(Some(id.detach())),
        Some(_) => Ok(None),
        None => Err(format!("commit {} is not in this clone", id.detach())),
    }
}

fn is_commit(repository: &gix::Repository, id: ObjectId) -> bool {
    let header = repository.try_find_header(id).ok().flatten();
    header.is_some_and(|header| header.kind() == gix::objs::Kind::Commit)
}

fn short(name: &gix::bstr::BStr, prefix: &str) -> Option<String> {
    Some(name.strip_prefix(prefix.as_bytes())?.to_str_lossy().into_owned())
}

pub(super) fn failed(reference: &str, reason: String) -> Coverage {
    Coverage {
        scope: format!("history:{reference}"),
        state: CoverageState::Failed,
        reason: one_line(&reason),
        file: None,
        live: Vec::new(),
        hides: Hidden::Anything,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where the root is, for messages and as a last resort for a name.
pub(super) fn folder_name(root: &Path) -> String {
    let canonical: PathBuf = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let name = canonical.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_else(|| "checkout".to_owned());
    name.strip_suffix(".git").filter(|stem| !stem.is_empty()).unwrap_or(&name).to_owned()
}
