//! Which checkouts a command is about, and how they are called.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use super::{
    Coverage, CoverageState, DiscoverError, Folder, Hidden,
    clone::{self, Clone, Opened},
    folder, identity as url, survey,
    tree::GitTree,
};
use crate::ci::{Files, Siblings, catalog};

/// Levels below the children of a folder that is named at which clones are looked for.
const DEEPEST: usize = 2;

/// The checkouts that the paths name: each path is one, or a folder of them.
///
/// A path is a checkout if it has a `.git`, is a bare repository or holds CI files. A folder with none
/// of these stands for the checkouts among its children, and the clones up to two levels below them; if
/// there are none, for itself.
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
    let children = entries(path).map_err(|error| unreadable(path, &error))?;
    if children.is_empty() {
        return Err(DiscoverError::Empty { path: path.to_owned() });
    }
    let mut found = Vec::new();
    for child in children.iter().filter(|child| child.is_dir()) {
        // What cannot be looked into is a root, whose scan then says why.
        if is_checkout(child).unwrap_or(true) {
            found.push(child.clone());
        } else {
            clones_below(child, DEEPEST, &mut found);
        }
    }
    found.sort();
    Ok(if found.is_empty() { vec![path.to_owned()] } else { found })
}

/// The clones in `dir`, as in `src/host/owner/repo`. A file that is named as one of CI's makes no clone so
/// far down: it may be any.
fn clones_below(dir: &Path, levels: usize, found: &mut Vec<PathBuf>) {
    let is_folder = |path: &PathBuf| path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    for child in entries(dir).unwrap_or_default().into_iter().filter(is_folder) {
        let name = child.file_name().unwrap_or_default().to_string_lossy();
        // Caches of tools hold clones that nobody works on.
        if name.starts_with('.') || catalog::excluded_folder(&name).is_some() {
            continue;
        }
        if is_clone(&child) {
            found.push(child);
        } else if levels > 1 {
            clones_below(&child, levels - 1, found);
        }
    }
}

fn entries(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect()
}

fn is_checkout(path: &Path) -> std::io::Result<bool> {
    Ok(survey::has_ci(path)? || is_clone(path))
}

fn is_clone(path: &Path) -> bool {
    path.join(".git").symlink_metadata().is_ok() || clone::is_bare(path)
}

fn unreadable(path: &Path, error: &std::io::Error) -> DiscoverError {
    DiscoverError::Unreadable { path: path.to_owned(), reason: folder::reason(error).into() }
}

/// The name of the repository at `root`; that of its folder where it cannot be opened.
pub fn identity(root: &Path) -> String {
    clone::open(root).map_or_else(|_| clone::folder_name(root), |opened| identity_of(root, &opened))
}

pub(super) fn identity_of(root: &Path, opened: &Opened) -> String {
    let remote = match opened {
        Opened::Git(clone) => clone.remote.as_deref().and_then(url::from_url),
        Opened::Folder(_) | Opened::Damaged { .. } => None,
    };
    remote.unwrap_or_else(|| clone::folder_name(root))
}

/// A name for each root: its identity, with its folder where several are clones of one repository.
pub fn names(roots: &[PathBuf]) -> Vec<String> {
    let names: Vec<String> = roots.iter().map(|root| identity(root)).collect();
    let mut count: HashMap<&str, usize> = HashMap::new();
    for name in &names {
        *count.entry(name).or_default() += 1;
    }
    let apart = |(name, root): (&String, &PathBuf)| match count.get(name.as_str()) {
        Some(2..) => format!("{name} ({})", root.display()),
        _ => name.clone(),
    };
    names.iter().zip(roots).map(apart).collect()
}

/// A folder without CI files that lies in a clone: what runs for it stands at the top.
pub(super) fn part_of_checkout(root: &Path) -> Option<Coverage> {
    let top = root.ancestors().skip(1).find(|above| is_clone(above))?;
    Some(Coverage {
        scope: "history:HEAD".to_owned(),
        state: CoverageState::Unseen,
        reason: format!(
            "the folder holds no CI file and lies in the checkout `{}`: name that one",
            top.display()
        ),
        file: None,
        live: Vec::new(),
        hides: Hidden::Anything,
    })
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
