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
#[derive(Debug, Default)]
pub(crate) struct Budget(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Which budget requests of a kind count against: learned from their answers, `""` until then.
    bucket: HashMap<String, String>,
    /// The budgets that are used up, and until when.
    empty: HashMap<String, Instant>,
}

impl Budget {
    /// How long requests of this kind have to wait.
    pub(crate) fn wait(&self, kind: &str) -> Option<Duration> {
        let known = self.known();
        let bucket = known.bucket.get(kind).map_or("", String::as_str);
        let wait = known.empty.get(bucket)?.checked_duration_since(Instant::now())?;
        (!wait.is_zero()).then_some(wait)
    }

    /// `retry_after`: the server refused, and said how long.
    pub(crate) fn learn(&self, kind: &str, headers: &HeaderMap, retry_after: Option<Duration>) {
        let left = wait::budget(headers, Timestamp::now());
        let wait = match (retry_after, left) {
            (Some(wait), _) | (None, Some((0, wait))) => Some(wait),
            (None, Some(_)) => None,
            (None, None) => return,
        };
        let bucket = wait::bucket(headers).unwrap_or_default();
        let mut known = self.known();
        known.bucket.insert(kind.to_owned(), bucket.to_owned());
        match wait {
            Some(wait) => known.empty.insert(bucket.to_owned(), Instant::now() + wait),
            None => known.empty.remove(bucket),
        };
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each entry is whole by itself: what a panicking holder left is still true.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
