//! The log of all calls: one line of JSON each, appended, readable by its owner only. No values.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use keysweep_sdk::{Effect, Error, ErrorKind, Op, ProviderName};
use serde::Serialize;

use super::Call;

/// The version of a line.
const VERSION: u32 = 1;

/// Where the lines go.
#[derive(Debug)]
pub struct Audit(Mutex<Sink>);

#[derive(Debug)]
enum Sink {
    File(File),
    /// For a look that leaves nothing behind, and for tests.
    Memory(Vec<String>),
    /// A line was lost. What comes after it could not be trusted, so nothing does.
    Broken(io::ErrorKind),
}

/// What happened to a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It is about to be sent. On disk before a mutation is.
    Asked,
    /// It was not sent: a dry run, or `read_only`.
    Stopped,
    /// It failed, certainly without effect, and is sent again after a while.
    Again,
    Ok,
    Failed,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    v: u32,
    time: Timestamp,
    campaign: &'a str,
    provider: &'a ProviderName,
    op: Op,
    subject: &'a str,
    mutates: bool,
    event: Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<Effect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
}

/// Appends to a file that is open.
impl From<File> for Audit {
    fn from(file: File) -> Self {
        Self(Mutex::new(Sink::File(file)))
    }
}

/// What one line says beside the call.
pub(super) struct Note<'a> {
    pub(super) event: Event,
    pub(super) attempt: Option<u32>,
    pub(super) error: Option<&'a Error>,
    pub(super) milliseconds: Option<u64>,
}

impl Audit {
    /// Opens the log, or begins it, with its folder.
    ///
    /// # Errors
    ///
    /// Where it cannot be made, is not a regular file, or cannot be closed to others.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_private_folder(folder)?;
        }
        // A link could lead the lines into a file of somebody else.
        if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(Self::from(file))
    }

    pub fn memory() -> Self {
        Self(Mutex::new(Sink::Memory(Vec::new())))
    }

    /// The lines of [`Audit::memory`].
    pub fn lines(&self) -> Vec<String> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::Memory(lines) => lines.clone(),
            Sink::File(_) | Sink::Broken(_) => Vec::new(),
        }
    }

    /// Adds a line; of a mutation it is on disk when this returns.
    ///
    /// # Errors
    ///
    /// When it, or one before it, could not be written.
    pub(super) fn note(
        &self,
        call: &Call,
        campaign: &str,
        time: Timestamp,
        note: &Note<'_>,
    ) -> io::Result<()> {
        let mut line = serde_json::to_string(&Line {
            v: VERSION,
            time,
            campaign,
            provider: &call.provider,
            op: call.op,
            subject: &call.subject,
            mutates: call.mutates,
            event: note.event,
            attempt: note.attempt,
            error: note.error.map(|error| word(error.kind)),
            effect: note.error.map(|error| error.effect),
            milliseconds: note.milliseconds,
        })?;
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match &mut *sink {
            Sink::Memory(lines) => {
                lines.push(line);
                return Ok(());
            }
            Sink::Broken(kind) => return Err((*kind).into()),
            Sink::File(file) => {
                line.push('\n');
                let written = file.write_all(line.as_bytes());
                written.and_then(|()| if call.mutates { file.sync_data() } else { Ok(()) })
            }
        };
        if let Err(error) = &written {
            *sink = Sink::Broken(error.kind());
        }
        written
    }
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The kind of an error, for machines.
fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "not_found",
        ErrorKind::LimitReached => "limit_reached",
        ErrorKind::PermissionDenied => "permission_denied",
        ErrorKind::Unauthenticated => "unauthenticated",
        ErrorKind::RateLimited { .. } => "rate_limited",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Invalid => "invalid",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Config => "config",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Unexpected => "unexpected",
        // The contract may gain kinds.
        _ => "other",
    }
}
