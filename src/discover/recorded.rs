//! Which contents a lowering depended on, so that its result can be used again where they are the same.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

use gix::ObjectId;
use sha2::{Digest, Sha256};

use crate::ci::{Files, Unreadable, catalog::READ_AT};

/// What stands at a path, by identity.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Content {
    Absent,
    Blob(ObjectId),
    /// The names in a folder.
    Names([u8; 16]),
    Unreadable(Cow<'static, str>),
}

impl Content {
    /// The name git gives to these bytes.
    pub(crate) fn of(bytes: &[u8], hash: gix::hash::Kind) -> Self {
        match gix::objs::compute_hash(hash, gix::objs::Kind::Blob, bytes) {
            Ok(id) => Self::Blob(id),
            // SHA-1 collision attempts end here: two such files are never the same.
            Err(error) => Self::Unreadable(error.to_string().into()),
        }
    }
}

/// As [`Files::read`] has it.
pub(crate) type Read = Result<Option<Arc<[u8]>>, Unreadable>;

/// [`Files`] that can tell what stands at a path without handing it out.
pub(crate) trait Identified: Files {
    fn read_identified(&self, path: &str) -> (Content, Read);
    fn identify(&self, path: &str) -> Content;
    fn identify_names(&self, dir: &str) -> Content;
}

/// One question that was put to the files.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Asked {
    Read(Box<str>),
    List(Box<str>),
}

impl Asked {
    pub(crate) fn answer(&self, files: &dyn Identified) -> Content {
        match self {
            Self::Read(path) => files.identify(path),
            Self::List(dir) => files.identify_names(dir),
        }
    }
}

/// Passes reads on and remembers them in order.
pub(crate) struct Recorded<'a> {
    files: &'a dyn Identified,
    within: Within,
    seen: Mutex<Vec<(Asked, Content)>>,
}

/// Which files a lowering may see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Within {
    Everything,
    /// CI definitions only: scripts of the repository are as if they were not there.
    Definitions,
}

impl Within {
    fn holds(self, path: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Definitions => READ_AT.iter().any(|at| path.starts_with(at)),
        }
    }
}

impl<'a> Recorded<'a> {
    pub(crate) fn new(files: &'a dyn Identified, within: Within) -> Self {
        Self { files, within, seen: Mutex::default() }
    }

    /// Each question once, in the order of the first time it was put.
    pub(crate) fn into_trace(self) -> Vec<(Asked, Content)> {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, asked: Asked, content: Content) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.iter().any(|(before, _)| *before == asked) {
            seen.push((asked, content));
        }
    }
}

impl Files for Recorded<'_> {
    fn read(&self, path: &str) -> Result<Option<Arc<[u8]>>, Unreadable> {
        if !self.within.holds(path) {
            return Ok(None);
        }
        let (content, read) = self.files.read_identified(path);
        self.note(Asked::Read(path.into()), content);
        read
    }

    fn list(&self, dir: &str) -> Vec<String> {
        if !self.within.holds(dir) {
            return Vec::new();
        }
        self.note(Asked::List(dir.into()), self.files.identify_names(dir));
        self.files.list(dir)
    }
}

pub(crate) fn names_digest<'n>(names: impl Iterator<Item = &'n [u8]>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for name in names {
        hasher.update(name);
        hasher.update([0]);
    }
    let full: [u8; 32] = hasher.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&full[..16]);
    half
}
