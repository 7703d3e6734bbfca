//! Which checkouts a command is about, and how they are called.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use super::{
    DiscoverError, Folder,
    clone::{self, Clone, Opened},
    folder, identity as url, survey,
    tree::GitTree,
};
use crate::ci::{Files, Siblings};

/// The checkouts that the paths name: each path is one, or a folder of them.
///
/// A path is a checkout if it has a `.git`, is a bare repository or holds CI files. A folder with none
/// of these stands for the checkouts among its children; if there are none, for itself.
pub fn roots(paths: &[PathBuf]) -> Result<Vec<PathBuf>, DiscoverError> {
    let mut roots: Vec<PathBuf> = Vec::new();
    for path in paths {
        for root in expand(path)? {
            let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
            if !roots.iter().any(|known| real(known) == real(&root)) {
                roots.push(root);
            }
        }
    }
    Ok(roots)
}

fn expand(path: &Path) -> Result<Vec<PathBuf>, DiscoverError> {
    let meta = path.metadata().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => DiscoverError::NotFound { path: path.to_owned() },
        _ => unreadable(path, &error),
    })?;
    if !meta.is_dir() {
        return Err(DiscoverError::NotAFolder { path: path.to_owned() });
    }
    if is_checkout(path).map_err(|error| unreadable(path, &error))? {
        return Ok(vec![path.to_owned()]);
    }
    let mut children: Vec<PathBuf> = Vec::new();
    let mut empty = true;
    for entry in fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        let entry = entry.map_err(|error| unreadable(path, &error))?;
        empty = false;
        // A child that cannot be looked into is a root whose scan then says why.
        let child = entry.path();
        if child.is_dir() && is_checkout(&child).unwrap_or(true) {
            children.push(child);
        }
    }
    if empty {
        return Err(DiscoverError::Empty { path: path.to_owned() });
    }
    children.sort();
    Ok(if children.is_empty() { vec![path.to_owned()] } else { children })
}

fn is_checkout(path: &Path) -> std::io::Result<bool> {
    let git = path.join(".git").symlink_metadata().is_ok() || clone::is_bare(path);
    Ok(survey::has_ci(path)? || git)
}

fn unreadable(path: &Path, error: &std::io::Error) -> DiscoverError {
    DiscoverError::Unreadable { path: path.to_owned(), reason: folder::reason(error).into() }
}

/// The name of the repository at `root`.
pub fn identity(root: &Path) -> Result<String, DiscoverError> {
    Ok(identity_of(root, &clone::open(root)?))
}

pub(super) fn identity_of(root: &Path, opened: &Opened) -> String {
    let remote = match opened {
        Opened::Git(clone) => clone.remote.as_deref().and_then(url::from_url),
        Opened::Folder(_) | Opened::Damaged { .. } => None,
    };
    remote.unwrap_or_else(|| clone::folder_name(root))
}

/// A name for each root: its identity, with its folder where several are clones of one repository.
pub fn names(roots: &[PathBuf]) -> Result<Vec<String>, DiscoverError> {
    let names: Vec<String> = roots.iter().map(|root| identity(root)).collect::<Result<_, _>>()?;
    let mut count: HashMap<&str, usize> = HashMap::new();
    for name in &names {
        *count.entry(name).or_default() += 1;
    }
    let apart = |(name, root): (&String, &PathBuf)| match count.get(name.as_str()) {
        Some(2..) => format!("{name} ({})", root.display()),
        _ => name.clone(),
    };
    Ok(names.iter().zip(roots).map(apart).collect())
}

/// The checkouts of one run, by name: each finds the others' files.
#[derive(Debug, Default)]
pub struct Checkouts(BTreeMap<String, Checkout>);

enum Checkout {
    Folder(Folder),
    Bare(Box<Tip>),
}

impl std::fmt::Debug for Checkout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => folder.fmt(f),
            Self::Bare(tip) => tip.clone.objects.fmt(f),
        }
    }
}

/// The default branch's tip of a bare clone.
struct Tip {
    clone: Clone,
    root: gix::ObjectId,
}

impl Checkouts {
    /// Roots that cannot be opened are left out: their own scan says why. Of two clones of one
    /// repository the first is taken.
    pub fn open(roots: &[PathBuf]) -> Self {
        let mut checkouts = BTreeMap::new();
        for root in roots {
            let Ok(opened) = clone::open(root) else { continue };
            let key = identity_of(root, &opened).to_ascii_lowercase();
            if let Some(checkout) = Checkout::new(opened) {
                checkouts.entry(key).or_insert(checkout);
            }
        }
        Self(checkouts)
    }
}

impl Checkout {
    fn new(opened: Opened) -> Option<Self> {
        match opened {
            Opened::Folder(folder) | Opened::Damaged { folder, .. } => Some(Self::Folder(folder)),
            Opened::Git(mut clone) => match clone.folder.take() {
                Some(folder) => Some(Self::Folder(folder)),
                None => {
                    let tip = clone.refs.tips.default?;
                    let root = clone.objects.handle(|repository| {
                        Some(repository.find_commit(tip).ok()?.tree_id().ok()?.detach())
                    })?;
                    Some(Self::Bare(Box::new(Tip { clone: *clone, root })))
                }
            },
        }
    }
}

impl Siblings for Checkouts {
    fn find(&self, owner_repo: &str) -> Option<&dyn Files> {
        Some(match self.0.get(&owner_repo.to_ascii_lowercase())? {
            Checkout::Folder(folder) => folder,
            Checkout::Bare(tip) => &**tip,
        })
    }
}

impl Files for Tip {
    fn read(&self, path: &str) -> Result<Option<std::sync::Arc<[u8]>>, crate::ci::Unreadable> {
        GitTree::new(&self.clone.objects, self.root).read(path)
    }

    fn list(&self, dir: &str) -> Vec<String> {
        GitTree::new(&self.clone.objects, self.root).list(dir)
    }
}
