//! The tracked files of a checkout as they stand now, and what in them writes placements.

use std::{fs, path::Path};

use gix::{ObjectId, bstr::ByteSlice};

use super::{
    Folder,
    clone::{self, Clone, Opened},
    objects::Mode,
    tree::GitTree,
};
use crate::{
    ci::{Files, catalog},
    resolve::managed::{self, Format, Writer},
};

/// Deeper folders are not searched.
const DEEPEST: usize = 32;
/// Files of a checkout whose names are looked at.
const MOST_PATHS: usize = 500_000;
/// Files that are opened, and bytes of them.
const MOST_FILES: usize = 20_000;
const MOST_BYTES: usize = 64 << 20;

/// A checkout at present: the work tree's contents of what git tracks; of a bare clone, its tip's.
pub struct Present {
    folder: Option<Folder>,
    clone: Option<Box<Clone>>,
    tree: Option<ObjectId>,
}

impl std::fmt::Debug for Present {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Present").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Definitions of one checkout that write placements.
#[derive(Debug, Default)]
pub struct Managed {
    pub writers: Vec<Placed>,
    /// File, line and reason of what could not be read.
    pub unread: Vec<(String, u32, String)>,
}

#[derive(Clone, Debug)]
pub struct Placed {
    pub file: String,
    pub writer: Writer,
}

impl Present {
    /// `None` if the root cannot be opened: its scan says why.
    pub fn open(root: &Path) -> Option<Self> {
        let of_folder = |folder| Self { folder: Some(folder), clone: None, tree: None };
        Some(match clone::open(root).ok()? {
            Opened::Folder(folder) | Opened::Damaged { folder, .. } => of_folder(folder),
            Opened::Git(clone) => {
                let tip = match clone.folder {
                    Some(_) => clone.refs.head.or(clone.refs.tips.default),
                    None => clone.refs.tips.default,
                };
                let tree = tip.and_then(|tip| {
                    clone.objects.handle(|repository| {
                        Some(repository.find_commit(tip).ok()?.tree_id().ok()?.detach())
                    })
                });
                Self { folder: clone.folder.clone(), clone: Some(clone), tree }
            }
        })
    }

    /// `Ok(None)` where there is no such file.
    pub fn text(&self, path: &str) -> Result<Option<String>, String> {
        let read = match (&self.folder, &self.clone, self.tree) {
            (Some(folder), ..) => folder.read(path),
            (None, Some(clone), Some(tree)) => GitTree::new(&clone.objects, tree).read(path),
            _ => Ok(None),
        };
        let bytes = read.map_err(|error| error.reason.into_owned())?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// What writes placements, from every tracked file that holds a clue.
    pub fn managed(&self) -> Managed {
        let mut found = Managed::default();
        let mut left = (MOST_FILES, MOST_BYTES);
        for path in self.candidates(&mut found) {
            let Some(format) = Format::of(&path) else { continue };
            let text = match self.text(&path) {
                Ok(Some(text)) => text,
                Ok(None) => continue,
                Err(reason) => {
                    found.unread.push((path, 1, reason));
                    continue;
                }
            };
            if left.0 == 0 || left.1 < text.len() {
                let reason = "more files that could write secrets than are read: this and later ones are not";
                found.unread.push((path, 1, reason.to_owned()));
                break;
            }
            left = (left.0 - 1, left.1 - text.len());
            if !format.clues().iter().any(|clue| text.contains(clue)) {
                continue;
            }
            let read = managed::parse(&text, format);
            let place = |writer| Placed { file: path.clone(), writer };
            found.writers.extend(read.writers.into_iter().map(place));
            let trouble = |(line, reason)| (path.clone(), line, reason);
            found.unread.extend(read.troubles.into_iter().map(trouble));
        }
        found
    }

    /// Files that may write placements, by name: programs only below a `Pulumi.yaml`.
    fn candidates(&self, found: &mut Managed) -> Vec<String> {
        let (mut paths, mut projects) = (Vec::new(), Vec::new());
        let mut seen = 0_usize;
        let mut take = |path: &str| {
            seen += 1;
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
            if matches!(name, "Pulumi.yaml" | "Pulumi.yml") {
                projects.push(if dir.is_empty() { String::new() } else { format!("{dir}/") });
            }
            // Workflows use secrets, they write none.
            if Format::of(path).is_some() && !path.starts_with(".github/") {
                paths.push(path.to_owned());
            }
            seen < MOST_PATHS
        };
        let whole = match (&self.clone, self.tree, &self.folder) {
            (Some(clone), Some(tree), _) => tree_paths(clone, tree, "", 0, &mut take),
            (_, _, Some(folder)) => folder_paths(folder.root(), "", 0, &mut take),
            _ => true,
        };
        if !whole {
            let reason = format!(
                "more than {MOST_PATHS} files: what writes secrets is looked for in the first"
            );
            found.unread.push((String::new(), 1, reason));
        }
        let of_project = |path: &String| projects.iter().any(|dir| path.starts_with(dir));
        paths.retain(|path| Format::of(path) != Some(Format::Program) || of_project(path));
        paths.sort_unstable();
        paths
    }
}

/// Whether all was gone through.
fn tree_paths(
    clone: &Clone,
    tree: ObjectId,
    place: &str,
    depth: usize,
    take: &mut dyn FnMut(&str) -> bool,
) -> bool {
    if depth > DEEPEST {
        return true;
    }
    let Ok(tree) = clone.objects.tree(tree) else { return true };
    for (name, slot) in tree.entries() {
        let Ok(name) = name.to_str() else { continue };
        let go_on = match slot.mode {
            Mode::File => take(&format!("{place}{name}")),
            Mode::Folder if catalog::excluded_folder(name).is_none() => {
                tree_paths(clone, slot.id, &format!("{place}{name}/"), depth + 1, take)
            }
            Mode::Folder | Mode::Link | Mode::Submodule => true,
        };
        if !go_on {
            return false;
        }
    }
    true
}

fn folder_paths(dir: &Path, place: &str, depth: usize, take: &mut dyn FnMut(&str) -> bool) -> bool {
    if depth > DEEPEST {
        return true;
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
            continue;
        };
        let inner = |entry: &fs::DirEntry| entry.path().join(".git").symlink_metadata().is_ok();
        let go_on = if kind.is_file() {
            take(&format!("{place}{name}"))
        } else if kind.is_dir()
            && name != ".git"
            && catalog::excluded_folder(&name).is_none()
            && !inner(&entry)
        {
            folder_paths(&entry.path(), &format!("{place}{name}/"), depth + 1, take)
        } else {
            true
        };
        if !go_on {
            return false;
        }
    }
    true
}
