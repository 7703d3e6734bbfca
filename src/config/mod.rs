//! `keysweep.toml`: read, checked, typed. An error names file, line, key and the way out, and repeats no value.
//!
//! Reading is pure but for [`load`]. A provider's own part is checked when it is mounted: [`crate::registry`].

mod check;
mod document;
mod error;
mod lasting;
mod literals;
mod lower;
mod model;
mod name;
mod source;

#[cfg(feature = "keychain")]
pub mod keychain;
pub mod reference;

use std::path::Path;

use serde::de::DeserializeOwned;

/// What the configuration says of a rotation is what its plan says.
pub use crate::plan::{Mode, Proof, Purpose, Reload};
pub use error::ConfigError;
pub(crate) use error::suggestion;
pub use model::{
    Approval, Config, Credential, Escrow, Policy, ProviderEntry, SessionsChoice, State, StoreUse,
};
pub use name::{BadName, CredentialName, PlacementName};
pub use source::Source;

/// A larger file is no configuration.
const MOST_BYTES: u64 = 4 << 20;

/// Checks a text; `path` is the name of its file, and relative paths count from its folder.
///
/// # Errors
///
/// Every mistake that could be told at once, at least one.
pub fn parse(path: impl AsRef<Path>, text: &str) -> Result<Config, Vec<ConfigError>> {
    let source = Source::new(path.as_ref(), text);
    let document = document(&source)?;
    let tree = source.tree().map_err(|error| vec![error])?;
    let mut found = Vec::new();
    let config = lower::lowered(&source, tree.get_ref(), document, &mut found);
    found.sort_by_key(|error| error.line);
    if found.is_empty() { Ok(config) } else { Err(found) }
}

/// A TOML text by its keys. What holds a credential is refused, before anything of it is quoted.
pub(crate) fn document<T: DeserializeOwned>(source: &Source) -> Result<T, Vec<ConfigError>> {
    let tree = source.tree().map_err(|error| vec![error])?;
    let literals = literals::found(source, tree.get_ref());
    if !literals.is_empty() {
        return Err(literals);
    }
    T::deserialize(toml::de::Deserializer::from(tree))
        .map_err(|error| vec![source.refusal(&error, 0)])
}

/// Reads and checks a file.
///
/// # Errors
///
/// As [`parse`], and where the file cannot be read.
pub fn load(path: &Path) -> Result<Config, Vec<ConfigError>> {
    let unread = |message: String, hint: &str| {
        vec![ConfigError {
            file: path.to_owned(),
            line: None,
            key: String::new(),
            message,
            hint: hint.to_owned(),
        }]
    };
    let found = std::fs::metadata(path).map_err(|error| {
        let hint = "name one with `-c FILE`, or write a first one with `keysweep init`";
        match error.kind() {
            std::io::ErrorKind::NotFound => unread("no such file".to_owned(), hint),
            kind => unread(kind.to_string(), "make it readable for you"),
        }
    })?;
    if !found.is_file() || found.len() > MOST_BYTES {
        return Err(unread("no configuration".to_owned(), "name a TOML file of a few kilobytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        unread(error.kind().to_string(), "make it readable for you, and save it as UTF-8")
    })?;
    parse(path, &text)
}
