//! Where the user's own packs and trusted keys lie.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;

use super::{ExitError, settings::plain};

/// `$KEYSWEEP_HOME`, else `keysweep` in the user's folder of configuration.
pub(super) fn of_user() -> Option<PathBuf> {
    match env::var_os("KEYSWEEP_HOME") {
        Some(home) if !home.is_empty() => Some(PathBuf::from(home)),
        _ => etcetera::choose_base_strategy().ok().map(|base| base.config_dir().join("keysweep")),
    }
}

pub(super) fn incidents(home: &Path) -> PathBuf {
    home.join("incidents")
}

pub(super) fn keys(home: &Path) -> PathBuf {
    home.join("keys")
}

/// Files of a folder with this extension, in the order of their names; none where there is no folder.
pub(super) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, ExitError> {
    let failed = |error: &io::Error| {
        ExitError::failed(format!("`{}`", folder.display()), plain(error))
            .hint("make it readable, or name another folder with `KEYSWEEP_HOME`")
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| failed(&error))?.path();
        if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A text of a file, no larger than a pack can be.
pub(super) fn read(path: &Path) -> Result<String, ExitError> {
    const MOST: u64 = 16 << 20;
    let thing = || format!("`{}`", path.display());
    let found = fs::metadata(path).map_err(|error| {
        let error_of = if error.kind() == io::ErrorKind::NotFound {
            ExitError::usage(thing(), "no such file")
        } else {
            ExitError::failed(thing(), plain(&error))
        };
        error_of.hint("name a file that can be read")
    })?;
    if !found.is_file() {
        return Err(ExitError::usage(thing(), "not a file").hint("name the file itself"));
    }
    if found.len() > MOST {
        return Err(
            ExitError::usage(thing(), "larger than 16 MB").hint("name a pack, not its sources")
        );
    }
    let bytes = fs::read(path).map_err(|error| ExitError::failed(thing(), plain(&error)))?;
    String::from_utf8(bytes)
        .map_err(|_| ExitError::usage(thing(), "not UTF-8 text").hint("save it as UTF-8"))
}

/// The folder of the user, for what has to be kept.
pub(super) fn required(home: Option<PathBuf>) -> Result<PathBuf, ExitError> {
    home.ok_or_else(|| {
        ExitError::failed("packs cannot be kept", "no folder of the user is known")
            .hint("name one: `KEYSWEEP_HOME=FOLDER`")
    })
}
