//! What goes wrong, as the test scripts it.

use std::time::Duration;

use keysweep_sdk::{Effect, ErrorKind, Op, ProviderName};

/// How a call fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The process dies before the effect; all later calls fail until [`crate::World::revive`].
    DieBefore,
    /// … after the effect.
    DieAfter,
    /// The effect happens, its reply does not arrive.
    LoseReply,
    /// No effect, and no reply either: the caller cannot tell it from a lost one.
    TimeOut,
    /// Nobody listens.
    Refuse,
    /// 401, 403, 404, 409, 422, 429 with one second, or 5xx, without an effect.
    Status(u16),
    RateLimited(Duration),
    /// It says that it is done, and it is not.
    Lie,
    /// A mint gives a credential that never works.
    Broken,
    /// A mint gives a credential of another scope.
    OtherScope,
}

/// Which calls fail, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// `None`: any.
    pub provider: Option<ProviderName>,
    pub op: Op,
    /// The credential, principal or placement; `None`: any.
    pub on: Option<String>,
    /// So many matching calls pass first.
    pub skip: u32,
    /// Then so many fail; `u32::MAX` for all.
    pub times: u32,
    pub failure: Failure,
}

impl Rule {
    /// The next call of the operation.
    pub fn next(op: Op, failure: Failure) -> Self {
        Self { provider: None, op, on: None, skip: 0, times: 1, failure }
    }

    /// All calls of the operation.
    pub fn always(op: Op, failure: Failure) -> Self {
        Self { times: u32::MAX, ..Self::next(op, failure) }
    }

    #[must_use]
    pub fn at(self, provider: &str) -> Self {
        Self { provider: Some(ProviderName::new(provider)), ..self }
    }

    #[must_use]
    pub fn on(self, what: &str) -> Self {
        Self { on: Some(what.to_owned()), ..self }
    }

    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }
}

/// What burns the fuse.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Counts {
    /// Calls that may change something.
    Effects,
    Calls,
}

/// The process dies at the so-manieth call, counted from one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fuse {
    pub left: u32,
    pub counts: Counts,
    /// Whether the fatal call takes effect before the process dies.
    pub lands: bool,
}

pub(crate) fn mutates(op: Op) -> bool {
    match op {
        Op::Mint
        | Op::Place
        | Op::Remove
        | Op::Disable
        | Op::Enable
        | Op::Destroy
        | Op::EndSessions => true,
        Op::Mount
        | Op::Snapshot
        | Op::Choose
        | Op::Stat
        | Op::Read
        | Op::Verify
        | Op::LastUse
        | Op::Check => false,
    }
}

/// What is said of a failure that had no effect, or whose effect nobody knows.
pub(crate) fn told(op: Op, failure: Failure) -> (ErrorKind, Effect, &'static str) {
    let unknown = if mutates(op) { Effect::Unknown } else { Effect::None };
    match failure {
        Failure::DieBefore | Failure::DieAfter => {
            (ErrorKind::Unexpected, Effect::Unknown, crate::fake::DEATH)
        }
        Failure::Refuse => (ErrorKind::Unavailable, Effect::None, "nobody listens"),
        Failure::RateLimited(wait) => {
            (ErrorKind::RateLimited { retry_after: Some(wait) }, Effect::None, "too many calls")
        }
        Failure::Status(401) => (ErrorKind::Unauthenticated, Effect::None, "status 401"),
        Failure::Status(403) => (ErrorKind::PermissionDenied, Effect::None, "status 403"),
        Failure::Status(404) => (ErrorKind::NotFound, Effect::None, "status 404"),
        Failure::Status(409) => (ErrorKind::Conflict, Effect::None, "status 409"),
        Failure::Status(422) => (ErrorKind::Invalid, Effect::None, "status 422"),
        Failure::Status(429) => {
            let retry_after = Some(Duration::from_secs(1));
            (ErrorKind::RateLimited { retry_after }, Effect::None, "status 429")
        }
        Failure::Status(_) => (ErrorKind::Unavailable, unknown, "it failed on its side"),
        Failure::LoseReply
        | Failure::TimeOut
        | Failure::Lie
        | Failure::Broken
        | Failure::OtherScope => (ErrorKind::Unavailable, unknown, "no reply came"),
    }
}
