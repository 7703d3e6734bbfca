use std::time::Duration;

use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, sleep_until},
};

/// Lets one mutation through at a time, and the next not before a gap has passed.
#[derive(Debug)]
pub(crate) struct Pace {
    gap: Duration,
    free_at: Mutex<Option<Instant>>,
}

/// Held while a mutation is under way. The gap counts from its end, also when it is given up.
pub(crate) struct Permit<'a> {
    gap: Duration,
    free_at: MutexGuard<'a, Option<Instant>>,
}

impl Pace {
    pub(crate) fn new(gap: Duration) -> Self {
        Self { gap, free_at: Mutex::new(None) }
    }

    pub(crate) async fn permit(&self) -> Option<Permit<'_>> {
        if self.gap.is_zero() {
            return None;
        }
        let free_at = self.free_at.lock().await;
        if let Some(at) = *free_at {
            sleep_until(at).await;
        }
        Some(Permit { gap: self.gap, free_at })
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.free_at = Some(Instant::now() + self.gap);
    }
}
