//! What SQLite says, as what the caller has to know.

use rusqlite::{Error, ErrorCode};

use crate::rotate::journal::JournalError;

pub(super) fn corrupt(what: impl Into<String>) -> JournalError {
    JournalError::Corrupt(what.into())
}

pub(super) fn unusable(what: impl Into<String>) -> JournalError {
    JournalError::Unusable(what.into())
}

impl From<Error> for JournalError {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                corrupt(error.to_string())
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                unusable("another process keeps it locked; try again when that has ended")
            }
            Some(ErrorCode::DiskFull) => unusable("the disk is full; make room and resume"),
            Some(_) => unusable(error.to_string()),
            // A column of another type than was written.
            None => corrupt(error.to_string()),
        }
    }
}
