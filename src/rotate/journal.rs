//! The durable record of a rotation. What keeps it is replaceable: nothing in `decide` knows which.

use keysweep_sdk::{Bundle, CredentialId};
use thiserror::Error;

use super::event::Entry;

/// Why nothing was written. Nothing may be done on a journal that answered with one.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Another holder has taken the rotation over: its fence is newer.
    #[error("{rotation} was taken over by {holder}")]
    Fenced { rotation: String, holder: String },
    /// The record is not what was written.
    #[error("the state file is damaged: {0}")]
    Corrupt(String),
    #[error("the state file cannot be used: {0}")]
    Unusable(String),
}

/// A bundle that only its recipients can open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sealed(pub Vec<u8>);

/// Where the entries of one campaign are kept. An entry is on disk when `append` returns.
pub trait Journal: Send {
    /// All entries of a rotation, oldest first.
    fn entries(&self, rotation: &str) -> Result<Vec<Entry>, JournalError>;

    /// Appends one entry; with `sealed`, entry and sealed value are written together or not at all.
    /// Fails with `Fenced` when `fence` is not the newest one that the rotation has seen.
    fn append(
        &mut self,
        rotation: &str,
        fence: u64,
        entry: &Entry,
        sealed: Option<(&CredentialId, &Sealed)>,
    ) -> Result<(), JournalError>;

    /// The sealed value of a rotation, if it has one.
    fn sealed(&self, rotation: &str) -> Result<Option<(CredentialId, Sealed)>, JournalError>;

    /// Overwrites and removes the sealed value, together with the entry that says so. What is gone is shredded.
    fn shred(&mut self, rotation: &str, fence: u64, entry: &Entry) -> Result<(), JournalError>;
}

/// Why a value could not be sealed or opened. Says nothing of the value.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct SealError(pub String);

/// Seals values for the operator, and opens them again.
pub trait Sealer: Send + Sync {
    fn seal(&self, bundle: &Bundle) -> Result<Sealed, SealError>;
    fn open(&self, sealed: &Sealed) -> Result<Bundle, SealError>;
}
