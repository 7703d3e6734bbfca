//! Whether a change of an ACL user outlives the server's process.

use crate::{
    fault::Fault,
    session::{Session, text},
};

/// How a change is saved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Saving {
    /// `ACL SAVE`, into the `aclfile`.
    AclFile,
    /// `CONFIG REWRITE`, into the file that the server was started from.
    ConfigFile,
    /// The configuration says that somebody else does it.
    Elsewhere,
}

/// What the server has for it. `None`: nothing, so that a restart undoes every change.
pub(crate) async fn saving(session: &Session) -> Result<Option<Saving>, Fault> {
    let answer = session.call(&["CONFIG", "GET", "aclfile"]).await?;
    let file = match &answer {
        redis::Value::Array(items) => items.get(1).and_then(text),
        redis::Value::Map(entries) => entries.first().and_then(|(_, v)| text(v)),
        _ => return Err(Fault::Odd("an answer to `CONFIG GET` that is not understood")),
    };
    if file.is_some_and(|file| !file.is_empty()) {
        return Ok(Some(Saving::AclFile));
    }
    let file = session.info("server", "config_file").await?;
    Ok(file.filter(|file| !file.is_empty()).map(|_| Saving::ConfigFile))
}

impl Saving {
    /// Saves. Doing it again changes nothing.
    pub(crate) async fn save(self, session: &Session) -> Result<(), Fault> {
        match self {
            Self::AclFile => session.ok(&["ACL", "SAVE"]).await,
            Self::ConfigFile => session.ok(&["CONFIG", "REWRITE"]).await,
            Self::Elsewhere => Ok(()),
        }
    }
}
