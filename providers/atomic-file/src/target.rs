//! The file that is meant: what a path leads to, and whether it may be replaced.

use std::{
    ffi::OsString,
    fmt, fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use keysweep_sdk::ErrorKind;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use zeroize::Zeroizing;

use crate::Trouble;

/// No file of configuration is larger; what is, is not meant.
const MAX_BYTES: u64 = 16 << 20;

/// A file by its real path: every link on the way is followed. It need not exist, its folder has to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    folder: PathBuf,
    name: OsString,
}

/// Which writing of a file it is. Made of what the file system says, not of the content: a digest of a file that holds
/// a secret is something to guess against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Version {
    device: u64,
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

/// What can be told of a file without reading it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub version: Version,
    /// The twelve bits of the mode.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Names of the file, its own included.
    pub links: u64,
    /// Last written: seconds since 1970 and nanoseconds.
    pub modified: (i64, i64),
}

/// What a file holds, and which writing of it that is.
pub struct Content {
    pub bytes: Zeroizing<Vec<u8>>,
    pub seen: Seen,
}

impl Target {
    /// Follows `path` to the real file.
    ///
    /// Fails when its folder is not there, or when it is a link that leads nowhere.
    pub fn resolve(path: &Path) -> Result<Self, Trouble> {
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::absent(path)?,
            Err(error) => return Err(Trouble::of("follow", path, &error)),
        };
        match (real.parent(), real.file_name()) {
            (Some(folder), Some(name)) => {
                Ok(Self { folder: folder.to_owned(), name: name.to_owned() })
            }
            _ => Err(Trouble::new(ErrorKind::Invalid, format!("`{}` is no file", path.display()))),
        }
    }

    fn absent(path: &Path) -> Result<PathBuf, Trouble> {
        let nowhere = |trouble: &str, hint: &str| {
            Err(Trouble::new(ErrorKind::NotFound, format!("`{}` {trouble}", path.display()))
                .with_hint(hint))
        };
        if fs::symlink_metadata(path).is_ok() {
            return nowhere("is a link that leads nowhere", "restore the file that it leads to");
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match (fs::canonicalize(folder.unwrap_or(Path::new("."))), path.file_name()) {
            (Ok(folder), Some(name)) => Ok(folder.join(name)),
            _ => nowhere("is in a folder that is not there", "make the folder first"),
        }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn name(&self) -> &OsString {
        &self.name
    }

    /// Looks at the file. `None`: it is not there.
    pub fn look(&self) -> Result<Option<Seen>, Trouble> {
        let path = self.path();
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_file() => Ok(Some(Seen::of(&meta))),
            Ok(_) => {
                let message = format!("`{}` is not a regular file", path.display());
                Err(Trouble::new(ErrorKind::Invalid, message)
                    .with_hint("name a file: folders, pipes and devices are not written"))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Trouble::of("look at", &path, &error)),
        }
    }

    /// Reads the file whole. `None`: it is not there.
    pub fn read(&self) -> Result<Option<Content>, Trouble> {
        // First what it is: to open a pipe would wait for its writer.
        if self.look()?.is_none() {
            return Ok(None);
        }
        let path = self.path();
        let wrong = |error: &io::Error| Trouble::of("read", &path, error);
        let file = fs::File::open(&path).map_err(|error| wrong(&error))?;
        let meta = file.metadata().map_err(|error| wrong(&error))?;
        if meta.size() > MAX_BYTES {
            let message = format!("`{}` is larger than {MAX_BYTES} bytes", path.display());
            return Err(Trouble::new(ErrorKind::Invalid, message)
                .with_hint("a secret is kept in a small file: is this the one that is meant?"));
        }
        // All of the room at once: a buffer that grows leaves copies behind.
        let room = usize::try_from(meta.size()).unwrap_or_default() + 1;
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
        Ok(Some(Content { bytes, seen: Seen::of(&meta) }))
    }

    /// Whether it could be replaced as it is, as far as this can be told without doing it.
    pub fn check_writable(&self) -> Result<(), Trouble> {
        let asked = Access::WRITE_OK | Access::EXEC_OK;
        accessat(CWD, &self.folder, asked, AtFlags::EACCESS)
            .map_err(|error| Trouble::of("write in", &self.folder, &error.into()))?;
        match self.look()? {
            Some(seen) => self.check_replaceable(&seen),
            None => Ok(()),
        }
    }

    pub(crate) fn check_replaceable(&self, seen: &Seen) -> Result<(), Trouble> {
        let path = self.path();
        accessat(CWD, &path, Access::WRITE_OK, AtFlags::EACCESS)
            .map_err(|error| Trouble::of("write", &path, &error.into()))?;
        let refuse = |kind, trouble: String, hint: &str| {
            Err(Trouble::new(kind, format!("`{}` {trouble}", path.display())).with_hint(hint))
        };
        if seen.links > 1 {
            let trouble = format!("has {} names (hard links)", seen.links);
            let hint = "a replaced file would leave the other names with the old value: make it one file, or a symbolic link";
            return refuse(ErrorKind::Invalid, trouble, hint);
        }
        let me = rustix::process::geteuid();
        if me.is_root() {
            return Ok(());
        }
        if seen.uid != me.as_raw() {
            let trouble = format!("belongs to user {}", seen.uid);
            let hint = "the replaced file would change its owner: run keysweep as the owner";
            return refuse(ErrorKind::PermissionDenied, trouble, hint);
        }
        let groups = rustix::process::getgroups().unwrap_or_default();
        let mine = groups.into_iter().chain([rustix::process::getegid()]);
        if !mine.into_iter().any(|group| group.as_raw() == seen.gid) {
            let trouble = format!("belongs to group {}, which keysweep is not in", seen.gid);
            let hint = "the replaced file would change its group: run keysweep as a member of it";
            return refuse(ErrorKind::PermissionDenied, trouble, hint);
        }
        Ok(())
    }
}

impl Seen {
    pub(crate) fn of(meta: &fs::Metadata) -> Self {
        Self {
            version: Version {
                device: meta.dev(),
                inode: meta.ino(),
                size: meta.size(),
                seconds: meta.mtime(),
                nanoseconds: meta.mtime_nsec(),
            },
            mode: meta.mode() & 0o7777,
            uid: meta.uid(),
            gid: meta.gid(),
            links: meta.nlink(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, inode, size, seconds, nanoseconds } = self;
        write!(f, "{device:x}-{inode:x}-{size:x}-{seconds}.{nanoseconds:09}")
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("seen", &self.seen).finish_non_exhaustive()
    }
}
