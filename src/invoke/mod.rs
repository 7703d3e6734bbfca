//! The one path of every provider call: audit → dry-run stop → read-only stop → permit → \[timeout → call\], repeated
//! where it certainly changed nothing.
//!
//! [`Calls`] has every operation of every part, so that nobody has to call a part directly.

mod audit;
mod calls;

use std::{
    collections::BTreeMap,
    fmt::Debug,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use keysweep_sdk::{Effect, Error, ErrorKind, Op, Provider, ProviderName, Result};
use tokio::{
    sync::Semaphore,
    time::{self, Instant},
};

pub use audit::{Audit, Event};
pub use calls::Calls;

use crate::config::Config;
use audit::Note;

/// What time it is, for the log.
pub trait Clock: Debug + Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// One call, by public names only.
#[derive(Clone, Debug)]
pub struct Call {
    pub provider: ProviderName,
    pub op: Op,
    /// The principal, credential or placement. Never a value.
    pub subject: String,
    pub mutates: bool,
}

/// How calls are made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rules {
    /// Nothing that changes something is sent.
    pub dry_run: bool,
    /// As `dry_run`, by the configuration.
    pub read_only: bool,
    /// Of one call, at least 1.
    pub attempts: u32,
    /// Of one attempt. It is longer than that of one request: a call may be several.
    pub timeout: Duration,
    /// Calls to one provider at once.
    pub at_once: usize,
    /// Before the second attempt; it doubles with each.
    pub pause: Duration,
    /// A provider that wants a longer pause gets none: the call fails, and the engine decides.
    pub longest_pause: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            dry_run: false,
            read_only: false,
            attempts: 3,
            timeout: Duration::from_mins(2),
            at_once: 4,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_mins(5),
        }
    }
}

impl Rules {
    pub fn of(config: &Config) -> Self {
        let request = config.network.timeout.map(Duration::from_secs);
        let ordinary = Self::default();
        Self {
            read_only: config.read_only,
            attempts: config.policy.attempts,
            timeout: request.map_or(ordinary.timeout, |request| request * 4),
            ..ordinary
        }
    }
}

/// Makes calls, each by the same path.
#[derive(Debug)]
pub struct Invoker {
    rules: Rules,
    campaign: String,
    audit: Audit,
    clock: Arc<dyn Clock>,
    permits: Mutex<BTreeMap<ProviderName, Arc<Semaphore>>>,
    /// Writers of stores that want their writes one after the other, with a pause.
    writers: Mutex<BTreeMap<ProviderName, Arc<tokio::sync::Mutex<Option<Instant>>>>>,
}

impl Invoker {
    pub fn new(
        rules: Rules,
        campaign: impl Into<String>,
        audit: Audit,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            rules,
            campaign: campaign.into(),
            audit,
            clock,
            permits: Mutex::default(),
            writers: Mutex::default(),
        })
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// The operations of a provider.
    pub fn calls(self: &Arc<Self>, provider: &Provider) -> Calls {
        Calls::new(Arc::clone(self), provider.clone(), self.campaign.clone())
    }

    /// Makes one call. `send` may run more than once, but only after a failure that certainly changed nothing and can
    /// pass. A mutation that is too late has [`Effect::Unknown`].
    ///
    /// # Errors
    ///
    /// Those of the call; and, without effect, when it is not to be made or cannot be logged.
    pub async fn call<T, F, Sent>(&self, call: &Call, mut send: F) -> Result<T>
    where
        F: FnMut() -> Sent,
        Sent: Future<Output = Result<T>>,
    {
        self.may(call)?;
        let permits = self.permits(&call.provider);
        let _permit = permits.acquire().await.map_err(|_| {
            failure(call, ErrorKind::Unavailable, Effect::None, "keysweep is ending")
        })?;
        let begun = Instant::now();
        let mut attempt = 1;
        loop {
            // On disk before anything is sent.
            self.noted(call, Event::Asked, Some(attempt), None, None)?;
            let result = self.in_time(call, send()).await;
            let passed = u64::try_from(begun.elapsed().as_millis()).ok();
            let Err(error) = result else {
                // It took effect: a log that breaks now must not take its answer away. The next call sees it.
                let _ = self.noted(call, Event::Ok, None, None, passed);
                return result;
            };
            let Some(pause) = self.pause(&error, attempt) else {
                let _ = self.noted(call, Event::Failed, None, Some(&error), passed);
                return Err(error);
            };
            self.noted(call, Event::Again, Some(attempt), Some(&error), passed)?;
            time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// The stops, before anything else is done.
    fn may(&self, call: &Call) -> Result<()> {
        let (why, hint) = match (call.mutates, self.rules.dry_run, self.rules.read_only) {
            (false, _, _) | (true, false, false) => return Ok(()),
            (true, true, _) => ("not sent: a dry run", "leave `--dry-run` out to do it"),
            (true, false, true) => (
                "not sent: `read_only = true`",
                "take `read_only` out of the configuration to do it",
            ),
        };
        self.noted(call, Event::Stopped, None, None, None)?;
        Err(failure(call, ErrorKind::Unsupported, Effect::None, why).with_hint(hint))
    }

    async fn in_time<T>(&self, call: &Call, sent: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.rules.timeout;
        time::timeout(limit, sent).await.unwrap_or_else(|_| {
            // What changes something may have arrived all the same.
            let effect = if call.mutates { Effect::Unknown } else { Effect::None };
            let message = format!("no answer within {} s", limit.as_secs());
            Err(failure(call, ErrorKind::Unavailable, effect, message).with_hint(
                "see whether the host is reached from here; `[network] timeout` is longer when set",
            ))
        })
    }

    /// How long to wait before the next attempt; `None`: there is none.
    fn pause(&self, error: &Error, attempt: u32) -> Option<Duration> {
        if !error.is_retryable() || attempt >= self.rules.attempts {
            return None;
        }
        let own = self.rules.pause.saturating_mul(2_u32.saturating_pow(attempt - 1));
        let pause = match error.kind {
            ErrorKind::RateLimited { retry_after: Some(wanted) } => wanted,
            _ => own.min(self.rules.longest_pause),
        };
        (pause <= self.rules.longest_pause).then_some(pause)
    }

    fn noted(
        &self,
        call: &Call,
        event: Event,
        attempt: Option<u32>,
        error: Option<&Error>,
        milliseconds: Option<u64>,
    ) -> Result<()> {
        let note = Note { event, attempt, error, milliseconds };
        self.audit.note(call, &self.campaign, self.clock.now(), &note).map_err(|error| {
            let message = format!("not sent: the audit log cannot be written ({})", error.kind());
            failure(call, ErrorKind::Config, Effect::None, message).with_hint(
                "make room and right for `[state] audit`, then go on with `keysweep resume`",
            )
        })
    }

    fn permits(&self, provider: &ProviderName) -> Arc<Semaphore> {
        let mut permits = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Semaphore::new(self.rules.at_once.max(1)));
        Arc::clone(permits.entry(provider.clone()).or_insert_with(fresh))
    }

    /// When the last write to a store ended. Whoever holds it is the only writer.
    fn writer(&self, provider: &ProviderName) -> Arc<tokio::sync::Mutex<Option<Instant>>> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(writers.entry(provider.clone()).or_default())
    }
}

fn failure(call: &Call, kind: ErrorKind, effect: Effect, message: impl Into<String>) -> Error {
    Error::new(call.provider.clone(), call.op, kind, effect, message)
}
