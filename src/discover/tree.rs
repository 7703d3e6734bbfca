//! A commit's tree as [`Files`], read from git's objects.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use gix::{ObjectId, bstr::ByteSlice};

use super::{
    objects::{Mode, Objects, Slot},
    recorded::{Asked, Content, Identified, Read, names_digest},
};
use crate::ci::{Files, Unreadable};

/// Links followed on one path, as Linux has it.
const MOST_LINKS: usize = 40;

/// The entries of one folder of a commit.
#[derive(Debug)]
pub(crate) struct Tree {
    /// As git stores it: `MODE NAME\0ID` one after the other.
    raw: Box<[u8]>,
    /// Sorted by name.
    entries: Box<[Position]>,
    hash: gix::hash::Kind,
    names: OnceLock<[u8; 16]>,
}

#[derive(Clone, Copy, Debug)]
struct Position {
    name: u32,
    /// Of the NUL after the name.
    end: u32,
    mode: Mode,
}

/// Of the entries in the order in which they are stored; `None` where the bytes are no tree.
fn positions(raw: &[u8], hash: gix::hash::Kind) -> impl Iterator<Item = Option<Position>> {
    let mut at = 0;
    let mut next = move || {
        let space = at + raw[at..].find_byte(b' ')?;
        let name = space + 1;
        let end = name + raw[name..].find_byte(0)?;
        let mode = Mode::parse(&raw[at..space])?;
        at = end + 1 + hash.len_in_bytes();
        if at > raw.len() {
            return None;
        }
        Some((
            Position { name: u32::try_from(name).ok()?, end: u32::try_from(end).ok()?, mode },
            at,
        ))
    };
    let mut more = !raw.is_empty();
    std::iter::from_fn(move || {
        if !more {
            return None;
        }
        let found = next();
        more = found.is_some_and(|(_, at)| at < raw.len());
        Some(found.map(|(position, _)| position))
    })
}

fn slot(raw: &[u8], at: Position, hash: gix::hash::Kind) -> Slot {
    let start = at.end as usize + 1;
    let id = &raw[start..start + hash.len_in_bytes()];
    Slot { mode: at.mode, id: ObjectId::from_bytes_or_panic(id) }
}

/// What stands at these names, without keeping the tree; `None` for bytes that are no tree.
pub(crate) fn slots<const N: usize>(
    raw: &[u8],
    hash: gix::hash::Kind,
    names: [&str; N],
) -> Option<[Option<Slot>; N]> {
    let mut slots = [None; N];
    for at in positions(raw, hash) {
        let at = at?;
        let name = &raw[at.name as usize..at.end as usize];
        if let Some(found) = names.iter().position(|wanted| wanted.as_bytes() == name) {
            slots[found] = Some(slot(raw, at, hash));
        }
    }
    Some(slots)
}

impl Tree {
    /// `None` for bytes that are no tree.
    pub(crate) fn parse(raw: &[u8], hash: gix::hash::Kind) -> Option<Self> {
        let mut entries = positions(raw, hash).collect::<Option<Vec<Position>>>()?;
        let name = |at: &Position| &raw[at.name as usize..at.end as usize];
        entries.sort_by(|a, b| name(a).cmp(name(b)));
        let entries = entries.into_boxed_slice();
        Some(Self { raw: raw.into(), entries, hash, names: OnceLock::new() })
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], Slot)> {
        self.entries.iter().map(|at| (self.name(*at), self.slot(*at)))
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<Slot> {
        let index = self.entries.binary_search_by(|at| self.name(*at).cmp(name)).ok()?;
        Some(self.slot(self.entries[index]))
    }

    pub(crate) fn names_digest(&self) -> [u8; 16] {
        *self.names.get_or_init(|| names_digest(self.listing().iter().map(String::as_bytes)))
    }

    pub(crate) fn weight(&self) -> usize {
        self.raw.len() + self.entries.len() * size_of::<Position>() + 128
    }

    fn listing(&self) -> Vec<String> {
        self.entries()
            .filter_map(|(name, slot)| {
                let name = name.to_str().ok()?;
                Some(if slot.mode == Mode::Folder { format!("{name}/") } else { name.to_owned() })
            })
            .collect()
    }

    fn name(&self, at: Position) -> &[u8] {
        &self.raw[at.name as usize..at.end as usize]
    }

    fn slot(&self, at: Position) -> Slot {
        slot(&self.raw, at, self.hash)
    }
}

/// The files of one commit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GitTree<'a> {
    objects: &'a Objects,
    root: ObjectId,
}

/// Where a path leads.
pub(crate) enum Target {
    Absent,
    File(ObjectId),
    Folder(ObjectId),
    Broken(Cow<'static, str>),
}

impl<'a> GitTree<'a> {
    pub(crate) fn new(objects: &'a Objects, root: ObjectId) -> Self {
        Self { objects, root }
    }

    /// What a question gets; `visited` as in [`GitTree::resolve`].
    pub(crate) fn answer(&self, asked: &Asked, visited: &mut Vec<String>) -> Content {
        match asked {
            Asked::Read(path) => self.content_of(self.resolve(path, visited)),
            Asked::List(dir) => self.names_of(self.resolve(dir, visited)),
        }
    }

    fn content_of(&self, target: Target) -> Content {
        match target {
            Target::File(id) => Content::Blob(id),
            Target::Absent | Target::Folder(_) => Content::Absent,
            Target::Broken(reason) => Content::Unreadable(reason),
        }
    }

    fn names_of(&self, target: Target) -> Content {
        match target {
            Target::Folder(id) => match self.objects.tree(id) {
                Ok(tree) => Content::Names(tree.names_digest()),
                Err(reason) => Content::Unreadable(reason),
            },
            // `list` is empty for all of these.
            Target::Absent | Target::File(_) | Target::Broken(_) => {
                Content::Names(names_digest(std::iter::empty()))
            }
        }
    }

    /// Follows `path`, links too; `visited` gets every link on the way and the end of it.
    pub(crate) fn resolve(&self, path: &str, visited: &mut Vec<String>) -> Target {
        let mut rest: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let mut folders: Vec<(String, ObjectId)> = vec![(String::new(), self.root)];
        let mut links = 0;
        while let Some(part) = rest.pop_front() {
            let (here, folder) = &folders[folders.len() - 1];
            match part.as_str() {
                "" | "." => continue,
                ".." if folders.len() == 1 => return leaves(),
                ".." => {
                    folders.pop();
                    continue;
                }
                ".git" => return Target::Absent,
                _ => {}
            }
            let at = if here.is_empty() { part.clone() } else { format!("{here}/{part}") };
            let slot = match self.objects.tree(*folder) {
                Ok(tree) => tree.find(part.as_bytes()),
                Err(reason) => return Target::Broken(reason),
            };
            let last = rest.iter().all(|part| part.is_empty() || part == ".");
            match slot.map(|slot| (slot.mode, slot.id)) {
                Some((Mode::Folder, id)) => folders.push((at, id)),
                Some((Mode::File, id)) if last => {
                    visited.push(at);
                    return Target::File(id);
                }
                Some((Mode::Link, id)) => {
                    links += 1;
                    visited.push(at);
                    if links > MOST_LINKS {
                        return Target::Broken("a loop of symbolic links".into());
                    }
                    match self.link(id) {
                        Ok(target) if target.starts_with('/') => return leaves(),
                        Ok(target) => {
                            for part in target.split('/').rev() {
                                rest.push_front(part.to_owned());
                            }
                        }
                        Err(reason) => return Target::Broken(reason),
                    }
                }
                Some((Mode::Submodule, _)) if !last => {
                    visited.push(at);
                    return Target::Broken(
                        "in a submodule, which is a repository of its own".into(),
                    );
                }
                Some((Mode::File | Mode::Submodule, _)) | None => {
                    visited.push(at);
                    return match links {
                        0 => Target::Absent,
                        _ => Target::Broken("a symbolic link to nothing".into()),
                    };
                }
            }
        }
        let (at, id) = folders.swap_remove(folders.len() - 1);
        visited.push(at);
        Target::Folder(id)
    }

    fn link(&self, id: ObjectId) -> Result<String, Cow<'static, str>> {
        let bytes = self.objects.blob(id)?;
        if bytes.len() > 4096 {
            return Err("a symbolic link that is too long".into());
        }
        std::str::from_utf8(&bytes)
            .map(str::to_owned)
            .map_err(|_| "a symbolic link to a name that is not UTF-8".into())
    }
}

fn leaves() -> Target {
    Target::Broken("the path leaves the checkout".into())
}

impl Files for GitTree<'_> {
    fn read(&self, path: &str) -> Result<Option<Arc<[u8]>>, Unreadable> {
        let unreadable = |reason| Unreadable { path: path.to_owned(), reason };
        match self.resolve(path, &mut Vec::new()) {
            Target::File(id) => self.objects.blob(id).map(Some).map_err(unreadable),
            Target::Absent | Target::Folder(_) => Ok(None),
            Target::Broken(reason) => Err(unreadable(reason)),
        }
    }

    fn list(&self, dir: &str) -> Vec<String> {
        match self.resolve(dir, &mut Vec::new()) {
            Target::Folder(id) => {
                self.objects.tree(id).map_or_else(|_| Vec::new(), |tree| tree.listing())
            }
            Target::Absent | Target::File(_) | Target::Broken(_) => Vec::new(),
        }
    }
}

impl Identified for GitTree<'_> {
    fn read_identified(&self, path: &str) -> (Content, Read) {
        (self.identify(path), self.read(path))
    }

    fn identify(&self, path: &str) -> Content {
        self.content_of(self.resolve(path, &mut Vec::new()))
    }

    fn identify_names(&self, dir: &str) -> Content {
        self.names_of(self.resolve(dir, &mut Vec::new()))
    }
}
