//! A plain folder as [`Files`]: nothing outside it is read, nothing that blocks is opened.

use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::recorded::{Content, Identified, Read, names_digest};
use crate::ci::{Files, Unreadable, normalise};

/// Larger files are no CI definition and no script worth following.
pub(crate) const LARGEST: u64 = 8 << 20;

/// The files of one directory.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Canonical, so that "inside" is a comparison of prefixes.
    root: PathBuf,
    /// With which git would name the contents.
    hash: gix::hash::Kind,
}

impl Folder {
    pub fn open(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        fs::read_dir(&root)?;
        Ok(Self { root, hash: gix::hash::Kind::Sha1 })
    }

    /// Contents named as the repository with this hash names them, so that they can be compared.
    pub(crate) fn hashed_as(self, hash: gix::hash::Kind) -> Self {
        Self { hash, ..self }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where `path` really is: `Ok(None)` if nowhere, `Err` with the reason if it must not be read.
    fn locate(&self, path: &str) -> Result<Option<PathBuf>, Cow<'static, str>> {
        let Some(path) = normalise("", path) else {
            return Err("the path leaves the checkout".into());
        };
        if path.split('/').any(|part| part == ".git") {
            return Ok(None);
        }
        let wanted = self.root.join(&path);
        match wanted.canonicalize() {
            Ok(real) if real.starts_with(&self.root) => Ok(Some(real)),
            Ok(_) => Err("the path leaves the checkout through a symbolic link".into()),
            Err(error) => self.missing(&path, &error),
        }
    }

    /// Why a path could not be resolved: it is not there, or it is there and leads nowhere.
    fn missing(&self, path: &str, error: &io::Error) -> Result<Option<PathBuf>, Cow<'static, str>> {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                let mut at = self.root.clone();
                for part in path.split('/') {
                    at.push(part);
                    let link = at.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
                    if link && at.metadata().is_err() {
                        return Err("a symbolic link to nothing".into());
                    }
                }
                Ok(None)
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => Ok(None),
            _ => Err(reason(error)),
        }
    }

    fn load(&self, path: &str) -> Result<Option<Arc<[u8]>>, Cow<'static, str>> {
        let Some(real) = self.locate(path)? else { return Ok(None) };
        let meta = real.metadata().map_err(|error| reason(&error))?;
        if meta.is_dir() {
            return Ok(None);
        }
        // Opening a FIFO would wait for a writer, reading a device may never end.
        if !meta.is_file() {
            return Err("not a regular file".into());
        }
        if meta.len() > LARGEST {
            return Err(too_large(meta.len()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0));
        let file = fs::File::open(&real).map_err(|error| reason(&error))?;
        io::Read::read_to_end(&mut io::Read::take(file, LARGEST + 1), &mut bytes)
            .map_err(|error| reason(&error))?;
        if bytes.len() as u64 > LARGEST {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(Some(Arc::from(bytes)))
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<Arc<[u8]>>, Unreadable> {
        self.load(path).map_err(|reason| Unreadable { path: path.to_owned(), reason })
    }

    fn list(&self, dir: &str) -> Vec<String> {
        let Ok(Some(real)) = self.locate(dir) else { return Vec::new() };
        let mut names: Vec<String> = fs::read_dir(real)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let folder = entry.file_type().ok()?.is_dir();
                Some(if folder { format!("{name}/") } else { name })
            })
            .filter(|name| name != ".git/" && name != ".git")
            .collect();
        names.sort_unstable();
        names
    }
}

impl Identified for Folder {
    fn read_identified(&self, path: &str) -> (Content, Read) {
        let read = self.read(path);
        let content = match &read {
            Ok(Some(bytes)) => Content::of(bytes, self.hash),
            Ok(None) => Content::Absent,
            Err(error) => Content::Unreadable(error.reason.clone()),
        };
        (content, read)
    }

    fn identify(&self, path: &str) -> Content {
        self.read_identified(path).0
    }

    fn identify_names(&self, dir: &str) -> Content {
        let names = self.list(dir);
        Content::Names(names_digest(names.iter().map(String::as_bytes)))
    }
}

pub(crate) fn too_large(bytes: u64) -> Cow<'static, str> {
    format!("{} MB, the limit is {} MB", bytes.div_ceil(1 << 20), LARGEST >> 20).into()
}

/// In words that do not differ between systems.
pub(crate) fn reason(error: &io::Error) -> Cow<'static, str> {
    match error.kind() {
        io::ErrorKind::Other => error.to_string().into(),
        kind => kind.to_string().into(),
    }
}
