use std::{error, fmt, io, path::Path};

use keysweep_sdk::{Effect, Error, ErrorKind, Op, ProviderName};

/// Why a file could not be read or replaced. Names the path, never what the file holds.
#[derive(Debug)]
pub struct Trouble {
    pub kind: ErrorKind,
    pub effect: Effect,
    pub message: String,
    pub hint: Option<String>,
}

impl Trouble {
    /// A refusal that changed nothing.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, effect: Effect::None, message: message.into(), hint: None }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// As the error of a provider.
    pub fn at(self, provider: &ProviderName, op: Op) -> Error {
        let error = Error::new(provider.clone(), op, self.kind, self.effect, self.message);
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    pub(crate) fn of(doing: &str, path: &Path, error: &io::Error) -> Self {
        let message = format!("cannot {doing} `{}`: {}", path.display(), error.kind());
        match error.kind() {
            io::ErrorKind::NotFound => Self::new(ErrorKind::NotFound, message)
                .with_hint("is the path right, and was the file moved meanwhile?"),
            io::ErrorKind::PermissionDenied => Self::new(ErrorKind::PermissionDenied, message)
                .with_hint("run keysweep as the owner of the file, or give it the permission"),
            io::ErrorKind::ReadOnlyFilesystem => Self::new(ErrorKind::PermissionDenied, message)
                .with_hint("the file system is mounted read-only: change what it is built from"),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::new(ErrorKind::Unavailable, message)
                    .with_hint("free some room there, then go on")
            }
            _ => Self::new(ErrorKind::Unexpected, message)
                .with_hint("look at the file system there, then try again"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for Trouble {}
