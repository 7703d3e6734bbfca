//! Writing under the lock of the folder.

use std::{
    ffi::OsStr,
    fs::{self, TryLockError},
    io::{self, Write},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    time::Duration,
};

use keysweep_sdk::{Effect, ErrorKind};

use crate::{Seen, Target, Trouble, Version, attributes};

/// Between a name and its random end: how a temporary file of ours is known.
const MARK: &str = ".keysweep-";
const RANDOM: usize = 8;
/// Between two tries for the lock.
const STEP: Duration = Duration::from_millis(50);

/// A target whose folder no other keysweep writes to, until this is dropped.
#[derive(Debug)]
pub struct Locked {
    target: Target,
    folder: fs::File,
}

impl Target {
    /// Takes the lock of the folder, and removes what crashed writers left there.
    ///
    /// Waits for another holder up to `wait`, then fails with `Unavailable`. Fails too where a replacement would be refused.
    pub async fn lock(&self, wait: Duration) -> Result<Locked, Trouble> {
        self.check_writable()?;
        let path = self.folder();
        let wrong = |error: &io::Error| Trouble::of("lock", path, error);
        let folder = fs::File::open(path).map_err(|error| wrong(&error))?;
        let mut waited = Duration::ZERO;
        loop {
            match folder.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if waited < wait => {
                    tokio::time::sleep(STEP).await;
                    waited += STEP;
                }
                Err(TryLockError::WouldBlock) => {
                    let message = format!("another keysweep is writing in `{}`", path.display());
                    return Err(Trouble::new(ErrorKind::Unavailable, message)
                        .with_hint("wait until it is done"));
                }
                Err(TryLockError::Error(error)) => return Err(wrong(&error)),
            }
        }
        let locked = Locked { target: self.clone(), folder };
        locked.remove_leftovers()?;
        Ok(locked)
    }
}

impl Locked {
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Replaces the file if it is still the writing `expect`; with `None`, makes it if it is still not there, 0600.
    ///
    /// `Conflict` when it is not. Every failure up to the rename changed nothing; one after it is `Unknown`.
    pub fn write(&self, expect: Option<Version>, bytes: &[u8]) -> Result<Seen, Trouble> {
        let path = self.target.path();
        let wrong = |error: io::Error| Trouble::of("write", &path, &error);
        let old = self.expected(expect)?;
        let mut prefix = OsStr::new(".").to_owned();
        prefix.push(self.target.name());
        prefix.push(MARK);
        // It removes itself unless it is renamed.
        let mut temp = tempfile::Builder::new()
            .prefix(&prefix)
            .rand_bytes(RANDOM)
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(self.target.folder())
            .map_err(wrong)?;
        temp.write_all(bytes).map_err(wrong)?;
        match &old {
            Some(seen) => {
                let old = fs::File::open(&path).map_err(wrong)?;
                attributes::dress(temp.as_file(), &old, seen).map_err(|error| {
                    Trouble::of("keep owner, mode and attributes of", &path, &error)
                })?;
            }
            None => {
                let folder = self.folder.metadata().map_err(wrong)?;
                attributes::own_like_folder(temp.as_file(), &folder).map_err(wrong)?;
            }
        }
        temp.as_file().sync_all().map_err(wrong)?;
        self.expected(expect)?;
        let file = match old {
            Some(_) => temp.persist(&path),
            None => temp.persist_noclobber(&path),
        };
        let file = file.map_err(|failed| renamed_or_not(&path, &failed.error))?;
        self.sync()?;
        file.metadata().map(|meta| Seen::of(&meta)).map_err(|error| unknown(&path, &error))
    }

    /// Removes the file if it is still the writing `expect`.
    pub fn remove(&self, expect: Version) -> Result<(), Trouble> {
        let path = self.target.path();
        self.expected(Some(expect))?;
        fs::remove_file(&path).map_err(|error| renamed_or_not(&path, &error))?;
        self.sync()
    }

    fn expected(&self, expect: Option<Version>) -> Result<Option<Seen>, Trouble> {
        let seen = self.target.look()?;
        if let Some(seen) = &seen {
            self.target.check_replaceable(seen)?;
        }
        if seen.as_ref().map(|seen| seen.version) == expect {
            return Ok(seen);
        }
        let message = format!("`{}` was changed meanwhile", self.target.path().display());
        Err(Trouble::new(ErrorKind::Conflict, message)
            .with_hint("look at it again, and find out who else writes it"))
    }

    fn sync(&self) -> Result<(), Trouble> {
        self.folder.sync_all().map_err(|error| unknown(self.target.folder(), &error))
    }

    fn remove_leftovers(&self) -> Result<(), Trouble> {
        let folder = self.target.folder();
        let wrong = |error: io::Error| Trouble::of("look for leftovers in", folder, &error);
        for entry in fs::read_dir(folder).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let regular = entry.file_type().is_ok_and(|kind| kind.is_file());
            if regular && is_leftover(entry.file_name().as_bytes()) {
                let path = entry.path();
                fs::remove_file(&path).map_err(|error| {
                    Trouble::of("remove what a crashed run left:", &path, &error)
                        .with_hint("it may hold a secret: remove it by hand")
                })?;
            }
        }
        Ok(())
    }
}

/// `.NAME.keysweep-` and eight letters or digits.
fn is_leftover(name: &[u8]) -> bool {
    let Some((front, end)) = name.len().checked_sub(RANDOM).map(|at| name.split_at(at)) else {
        return false;
    };
    name.starts_with(b".")
        && front.ends_with(MARK.as_bytes())
        && front.len() > MARK.len() + 1
        && end.iter().all(u8::is_ascii_alphanumeric)
}

fn unknown(path: &Path, error: &io::Error) -> Trouble {
    let trouble = Trouble::of("bring to the disk", path, error);
    Trouble { effect: Effect::Unknown, ..trouble }
}

/// What the system refuses by rule changed nothing; a device that fails may have.
fn renamed_or_not(path: &Path, error: &io::Error) -> Trouble {
    let trouble = Trouble::of("replace", path, error);
    let refused = matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::NotFound
            | io::ErrorKind::AlreadyExists
    );
    Trouble { effect: if refused { Effect::None } else { Effect::Unknown }, ..trouble }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_ours_are_taken_for_leftovers() {
        assert!(is_leftover(b"..env.keysweep-a1B2c3D4"));
        assert!(is_leftover(b".config.json.keysweep-00000000"));
        for other in [
            &b".env"[..],
            b"x.keysweep-a1B2c3D4",
            b".keysweep-a1B2c3D4",
            b".env.keysweep-notes.md",
            b".env.keysweep-a1B2c3D",
            b"",
            b".env.keysweep-",
            b".x.keysweep-lock-file",
        ] {
            assert!(!is_leftover(other), "{}", String::from_utf8_lossy(other));
        }
    }
}
