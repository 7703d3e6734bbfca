use std::{error, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::ProviderName;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The operation that failed. Names match the methods of the parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    Mount,
    Snapshot,
    Choose,
    Mint,
    Stat,
    Place,
    Read,
    Remove,
    Verify,
    Disable,
    Enable,
    Destroy,
    EndSessions,
    LastUse,
    Check,
}

/// What the caller can do about it. Kinds name actions, not causes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The principal, credential or placement is not there.
    NotFound,
    /// The issuer holds as many credentials as it allows.
    LimitReached,
    /// Who keysweep is may not do this.
    PermissionDenied,
    /// Who keysweep is, is not believed: its own credential is wrong, expired or gone.
    Unauthenticated,
    /// Wait, then send it again.
    RateLimited { retry_after: Option<Duration> },
    /// Somebody changed it meanwhile: look again.
    Conflict,
    /// The value, its name or its size is not taken there. Sending it again will not help.
    Invalid,
    /// This provider cannot do that.
    Unsupported,
    /// The configuration is wrong.
    Config,
    /// Not reached, or it failed on its side. Safe to send again when the effect is `None`.
    Unavailable,
    /// An answer that the provider's documentation does not have.
    Unexpected,
}

/// What is known about the other side after the failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The request certainly changed nothing.
    None,
    /// The request may have taken effect. Look before doing anything else.
    Unknown,
}

/// A failed operation. `kind` is for code, the message for people; neither holds a value.
#[derive(Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub effect: Effect,
    pub op: Op,
    pub provider: ProviderName,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl Error {
    pub fn new(
        provider: ProviderName,
        op: Op,
        kind: ErrorKind,
        effect: Effect,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, effect, op, provider, message: message.into(), hint: None, source: None }
    }

    /// Adds the way out.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause. It must not hold a value either: it is printed by `{:?}`.
    #[must_use]
    pub fn with_source(mut self, source: impl error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Safe to send again unchanged.
    pub fn is_retryable(&self) -> bool {
        self.effect == Effect::None
            && matches!(self.kind, ErrorKind::RateLimited { .. } | ErrorKind::Unavailable)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mount => "mount",
            Self::Snapshot => "list credentials",
            Self::Choose => "choose a value",
            Self::Mint => "mint",
            Self::Stat => "look at placement",
            Self::Place => "place",
            Self::Read => "read back",
            Self::Remove => "remove placement",
            Self::Verify => "verify",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Destroy => "destroy",
            Self::EndSessions => "end sessions",
            Self::LastUse => "ask for last use",
            Self::Check => "check permissions",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} failed: {}", self.provider, self.op, self.message)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}
