//! Opening a git clone, and what its refs say. No program is run and no configuration but the
//! clone's own is read.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use gix::{ObjectId, bstr::ByteSlice};

use super::{
    DiscoverError, Folder, RootKind,
    objects::Objects,
    refs::{self, Refs, one_line},
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
        None => refs::read(&local),
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

/// Where the root is, for messages and as a last resort for a name.
pub(super) fn folder_name(root: &Path) -> String {
    let canonical: PathBuf = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let name = canonical.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_else(|| "checkout".to_owned());
    name.strip_suffix(".git").filter(|stem| !stem.is_empty()).unwrap_or(&name).to_owned()
}
