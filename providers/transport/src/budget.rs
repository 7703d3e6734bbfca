use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::wait;

/// What servers said is left of their budgets. While one is used up, requests that count against it are not sent.
///
/// A refusal without such numbers (429 with `Retry-After` alone) is told to the caller, who waits; it closes nothing here.
#[derive(Debug, Default)]
pub(crate) struct Budget(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Which budget requests of a kind count against, where the server names it. Else each kind has its own.
    bucket: HashMap<String, String>,
    /// The budgets that are used up, and until when.
    empty: HashMap<String, Instant>,
}

impl Budget {
    /// How long requests of this kind have to wait.
    pub(crate) fn wait(&self, kind: &str) -> Option<Duration> {
        let known = self.known();
        let bucket = known.bucket.get(kind).map_or(kind, String::as_str);
        let wait = known.empty.get(bucket)?.checked_duration_since(Instant::now())?;
        (!wait.is_zero()).then_some(wait)
    }

    pub(crate) fn learn(&self, kind: &str, headers: &HeaderMap) {
        let Some((left, wait)) = wait::budget(headers, Timestamp::now()) else { return };
        let bucket = wait::bucket(headers).unwrap_or(kind).to_owned();
        let mut known = self.known();
        known.bucket.insert(kind.to_owned(), bucket.clone());
        match left {
            0 => known.empty.insert(bucket, Instant::now() + wait),
            _ => known.empty.remove(&bucket),
        };
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each entry is whole by itself: what a panicking holder left is still true.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
