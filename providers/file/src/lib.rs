//! Secrets in local files: a line of a dotenv file, a profile of `~/.aws/credentials`, a key of a JSON, YAML or TOML
//! file, or a whole file.
//!
//! A placement is a path, `#`, and a place in the file:
//!
//! | placement | what it is |
//! |---|---|
//! | `.env#TOKEN` | the line `TOKEN=…` |
//! | `.env#` with named values | those lines, written together |
//! | `~/.aws/credentials#deploy` | the profile, with `aws_access_key_id` and `aws_secret_access_key`; its other keys stay |
//! | `config.json#/db/password` | a key, by JSON pointer (RFC 6901) |
//! | `config.yaml#db.password`, `#/db/password` | a key, its path with dots or as a pointer |
//! | `config.toml#/db` with named values | those keys of the table |
//! | `id_ed25519#` | the whole file |
//!
//! Everything else in the file stays as it is, byte for byte; where that cannot be kept, nothing is written. The file is
//! replaced atomically (see `keysweep-atomic-file`) with the mode, owner and attributes that it had.

mod access;
mod format;
mod locate;
mod located;
mod store;
mod surroundings;

use std::{collections::BTreeMap, path::PathBuf};

use async_trait::async_trait;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Mounting, Op, Provider, ProviderConfig, ProviderName, ReadAt, Result,
};
use serde::Deserialize;

pub use format::Format;

use crate::{access::Permissions, locate::Files, store::FileStore};

/// `type = "file"` in the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where relative placements start, and below which all files have to be, links followed. The folder of the
    /// configuration unless told.
    #[serde(default)]
    pub root: Option<PathBuf>,
    /// Allows files that are not below `root`: `/etc/…`, `~/…`.
    #[serde(default)]
    pub absolute: bool,
    /// The format of files whose names do not tell it: path as in the placement → format.
    #[serde(default)]
    pub formats: BTreeMap<String, Format>,
    /// When the consumers read the files; at the start of their process unless told.
    #[serde(default)]
    pub read_at: Option<ReadAt>,
    /// Every reader of the dotenv files takes quotes off; `docker --env-file` does not.
    #[serde(default)]
    pub quotes: bool,
}

#[async_trait]
impl ProviderConfig for Config {
    const TYPE: &'static str = "file";

    async fn mount(self, name: ProviderName, mounting: &Mounting) -> Result<Provider> {
        let root = mounting.folder.join(self.root.as_deref().unwrap_or("".as_ref()));
        let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
        let real = root.canonicalize().ok().filter(|root| root.is_dir()).ok_or_else(|| {
            let message = format!("`root` is no folder: `{}`", root.display());
            Error::new(name.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
                .with_hint("relative paths count from the folder of the configuration")
        })?;
        let files = Files { root: real, absolute: self.absolute, formats: self.formats };
        let store = FileStore::new(name.clone(), files.clone(), self.read_at, self.quotes);
        let permissions = Permissions { files };
        Ok(Provider::new(name).store(store).access(permissions))
    }
}
