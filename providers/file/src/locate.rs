//! Placement → file and place in it.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use keysweep_atomic_file::{Target, Trouble};
use keysweep_sdk::{ErrorKind, PlacementId};

use crate::format::Format;

/// Which files are meant and allowed.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    /// Canonical.
    pub(crate) root: PathBuf,
    pub(crate) absolute: bool,
    pub(crate) formats: BTreeMap<String, Format>,
}

#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) target: Target,
    pub(crate) format: Format,
    /// Empty: the whole file.
    pub(crate) place: Vec<String>,
}

impl Files {
    pub(crate) fn locate(&self, at: &PlacementId) -> Result<Located, Trouble> {
        let Some((written, key)) = at.as_str().split_once('#').filter(|(path, _)| !path.is_empty())
        else {
            return Err(Trouble::new(
                ErrorKind::Invalid,
                format!("`{at}` is no placement in a file"),
            )
            .with_hint("write `PATH#KEY`, or `PATH#` for the whole file"));
        };
        let path = self.root.join(expanded(written)?);
        let target = Target::resolve(&path)?;
        if !self.absolute && !target.path().starts_with(&self.root) {
            let message = format!(
                "`{written}` leads to `{}`, which is not below `{}`",
                target.path().display(),
                self.root.display()
            );
            return Err(Trouble::new(ErrorKind::Invalid, message)
                .with_hint("say `absolute = true` for this provider if such files are meant"));
        }
        let format = self.formats.get(written).copied().unwrap_or_else(|| Format::of(&path));
        let place = format.place(key)?;
        Ok(Located { target, format, place })
    }
}

/// `~/` is the home of who runs keysweep.
fn expanded(written: &str) -> Result<PathBuf, Trouble> {
    match written.strip_prefix("~/") {
        None => Ok(Path::new(written).to_owned()),
        Some(rest) => env::home_dir().map(|home| home.join(rest)).ok_or_else(|| {
            Trouble::new(ErrorKind::Config, format!("`{written}`: there is no home folder"))
                .with_hint("write the whole path")
        }),
    }
}
