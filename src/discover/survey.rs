//! Which files of a checkout are CI or lockfiles: by name and place, nothing is opened.

use std::{
    borrow::Cow,
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
};

use gix::ObjectId;

use super::{
    folder::{self, Folder},
    objects::{Cache, Mode, Objects, Slot, lock},
};
use crate::ci::{
    catalog::{self, Entry, Known, What},
    lock::Format,
};

/// Deeper folders are not searched.
const DEEPEST: usize = 64;
/// More finds in one commit are hostile (a tree that holds itself ten times over).
const MOST: usize = 50_000;
const MEMO: usize = 48 << 20;

/// Something found in a checkout.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Find {
    /// Relative to the checkout.
    pub(crate) path: Arc<str>,
    pub(crate) what: Found,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Found {
    /// Read from here on. With the content's id where git knows it.
    Entry(Entry, Option<ObjectId>),
    /// Known by name, and not read.
    Unread(Known),
    /// Could not be looked into.
    Trouble(Cow<'static, str>),
    /// A repository of its own inside this one.
    Nested,
}

/// Searches commits; a folder that two commits share is searched once.
#[derive(Debug)]
pub(crate) struct TreeSurvey<'a> {
    objects: &'a Objects,
    memo: Mutex<Memo>,
}

/// What stands at each of [`catalog::READ_AT`].
pub(crate) type Places = [Option<Slot>; catalog::READ_AT.len()];

/// By the folder's id, and by its path where that makes a difference.
type Memo = Cache<(ObjectId, Option<Box<str>>), Option<Arc<Vec<Find>>>>;

impl<'a> TreeSurvey<'a> {
    pub(crate) fn new(objects: &'a Objects) -> Self {
        Self { objects, memo: Mutex::new(Cache::new(MEMO)) }
    }

    pub(crate) fn commit(&self, root: ObjectId) -> Vec<Find> {
        self.folder(root, Some(""), 0).map_or_else(Vec::new, |finds| finds.to_vec())
    }

    /// Where most entries of a commit lie; `None` if its tree cannot be read.
    pub(crate) fn places(&self, root: ObjectId) -> Option<Places> {
        self.objects.slots(root, catalog::READ_AT).ok()
    }

    /// As [`TreeSurvey::commit`], of these places only.
    pub(crate) fn in_places(&self, places: &Places) -> Vec<Find> {
        let mut finds = Vec::new();
        for (name, slot) in catalog::READ_AT.iter().zip(places) {
            if let Some(slot) = slot {
                self.entry(&mut finds, name.as_bytes(), slot.mode, slot.id, Some(""), 0);
            }
        }
        finds
    }

    /// Paths in the answer are relative to the folder. `place` is its own path, `None` where only
    /// names matter.
    fn folder(&self, id: ObjectId, place: Option<&str>, depth: usize) -> Option<Arc<Vec<Find>>> {
        let key = (id, place.map(Box::from));
        if let Some(known) = lock(&self.memo).get(&key) {
            return known;
        }
        let mut finds = Vec::new();
        match self.objects.tree(id) {
            _ if depth > DEEPEST => {
                finds.push(trouble("", format!("deeper than {DEEPEST} folders")))
            }
            Err(reason) => finds.push(trouble("", reason)),
            Ok(tree) => {
                for (name, slot) in tree.entries() {
                    self.entry(&mut finds, name, slot.mode, slot.id, place, depth);
                    if finds.len() > MOST {
                        finds.truncate(MOST);
                        finds.push(trouble("", format!("more than {MOST} CI files")));
                        break;
                    }
                }
            }
        }
        let finds = (!finds.is_empty()).then(|| Arc::new(finds));
        let weight = 160 + finds.as_ref().map_or(0, |finds| finds.len() * 120);
        lock(&self.memo).put(key, finds.clone(), weight);
        finds
    }

    fn entry(
        &self,
        finds: &mut Vec<Find>,
        name: &[u8],
        mode: Mode,
        id: ObjectId,
        place: Option<&str>,
        depth: usize,
    ) {
        let text = &*String::from_utf8_lossy(name);
        match mode {
            Mode::Submodule => {}
            Mode::File | Mode::Link => {
                // A folder without a place has a name that no rule knows.
                let path = format!("{}{text}", place.unwrap_or("?/"));
                for what in classify(&path, mode == Mode::Link, Some(id)).into_iter().flatten() {
                    finds.push(Find { path: Arc::from(text), what });
                }
            }
            Mode::Folder if catalog::excluded_folder(text).is_some() => {}
            Mode::Folder => {
                let inner = place
                    .map(|place| format!("{place}{text}/"))
                    .filter(|inner| catalog::place_counts(inner));
                let inside = self.folder(id, inner.as_deref(), depth + 1);
                finds.extend(
                    inside.iter().flat_map(|finds| finds.iter()).map(|find| below(text, find)),
                );
            }
        }
    }
}

/// The find as seen from the folder above.
fn below(folder: &str, find: &Find) -> Find {
    let path = match &*find.path {
        "" => folder.to_owned(),
        path => format!("{folder}/{path}"),
    };
    let what = match &find.what {
        Found::Entry(..) if folder.contains(char::REPLACEMENT_CHARACTER) => {
            Found::Trouble("the name of its folder is not UTF-8".into())
        }
        what => what.clone(),
    };
    Find { path: Arc::from(path), what }
}

/// Searches a folder on disk, without following links.
pub(crate) fn folder(folder: &Folder) -> Vec<Find> {
    let mut finds = Vec::new();
    walk(folder.root(), "", 0, &mut finds);
    finds.sort_by(|a, b| a.path.cmp(&b.path));
    finds
}

fn walk(dir: &Path, place: &str, depth: usize, finds: &mut Vec<Find>) {
    let here = place.trim_end_matches('/');
    if depth > DEEPEST {
        return finds.push(trouble(here, format!("deeper than {DEEPEST} folders")));
    }
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => return finds.push(trouble(here, folder::reason(&error))),
    };
    for entry in entries {
        match entry {
            Ok(entry) => walk_entry(&entry, place, depth, finds),
            Err(error) => finds.push(trouble(here, folder::reason(&error))),
        }
    }
}

fn walk_entry(entry: &fs::DirEntry, place: &str, depth: usize, finds: &mut Vec<Find>) {
    let name = entry.file_name();
    let Ok(kind) = entry.file_type() else {
        let path = format!("{place}{}", name.to_string_lossy());
        return finds.push(trouble(&path, "its type cannot be told"));
    };
    let text = &*name.to_string_lossy();
    let path = format!("{place}{text}");
    if !kind.is_dir() {
        let path: Arc<str> = Arc::from(path);
        let found = classify(&path, kind.is_symlink(), None).into_iter().flatten();
        return finds.extend(found.map(|what| Find { path: Arc::clone(&path), what }));
    }
    if catalog::excluded_folder(text).is_some() {
        return;
    }
    // A submodule or a clone inside the checkout: its CI is run for another repository.
    if entry.path().join(".git").symlink_metadata().is_ok() {
        return finds.push(Find { path: Arc::from(path), what: Found::Nested });
    }
    walk(&entry.path(), &format!("{path}/"), depth + 1, finds);
}

/// What a file is; one of a vendor is not read, and asked for the vendor's store all the same.
fn classify(path: &str, link: bool, id: Option<ObjectId>) -> [Option<Found>; 2] {
    let trouble = |reason: &'static str| [Some(Found::Trouble(reason.into())), None];
    if link && matches!(path, ".github" | ".github/workflows") {
        return trouble("a symbolic link in place of the folder");
    }
    let readable = !path.contains(char::REPLACEMENT_CHARACTER);
    match catalog::entry(path) {
        // Decoded lossily, so it cannot be asked for.
        Some(_) if !readable => trouble("its name is not UTF-8"),
        Some(entry) => [Some(Found::Entry(entry, id)), None],
        None => {
            let known = catalog::known(path);
            let lockfile = known.is_some_and(|known| matches!(known.what, What::Lockfile { .. }));
            if lockfile && readable && Format::of(path).is_some() {
                return [Some(Found::Entry(Entry::Lockfile, id)), None];
            }
            let stored = known.filter(|_| readable).and_then(catalog::stored);
            [known.map(Found::Unread), stored.map(|entry| Found::Entry(entry, id))]
        }
    }
}

fn trouble(path: &str, reason: impl Into<Cow<'static, str>>) -> Find {
    Find { path: Arc::from(path), what: Found::Trouble(reason.into()) }
}

/// A cheap test for a checkout: a file or folder stands where a CI system looks for it.
pub(crate) fn has_ci(root: &Path) -> io::Result<bool> {
    fs::read_dir(root)?;
    Ok(catalog::fixed_paths().any(|path| {
        let top = path.split_once('/').map_or(path, |(top, _)| top);
        // A clone among others may be named as a CI system's folder is.
        root.join(path).symlink_metadata().is_ok() && !root.join(top).join(".git").exists()
    }))
}
