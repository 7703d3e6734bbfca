use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use keysweep_sdk::{
    Bundle, CredentialId, Op, Payload, PlacementId, PrincipalId, Provider, Purpose, SecretValue,
};
use keysweep_testbed::faults::{Answer, Mode, When};

/// What the suite needs of a provider's tests: a real server, the provider in front of it, and ways to break both.
///
/// What cannot be done there says so with its reason, which the report repeats; it does not count as passed.
#[async_trait(?Send)]
pub trait Bench {
    /// Brings the server to the same start, before each check: the principal holds one credential that works, and the
    /// placements hold nothing of earlier checks.
    async fn reset(&mut self) -> Start;

    /// Mounts the provider as somebody. Calls go through the fault proxy, if there is one.
    async fn provider(&mut self, own: Own) -> Result<Provider, NotPossible>;

    /// The good one with a short timeout, for what hangs, where the other checks need a longer one on a busy machine.
    async fn hasty(&mut self) -> Result<Provider, NotPossible> {
        self.provider(Own::Good).await
    }

    /// From now on the operation fails so. The fault stays until it is lifted.
    async fn inject(&mut self, fault: &Fault) -> Injected;

    /// Ends the fault.
    async fn lift(&mut self);

    /// How often the fault struck since it was injected; `None`: not known.
    fn struck(&mut self) -> Option<usize> {
        None
    }

    /// Looks around the provider: how many credentials the principal has at the server, where that can be counted.
    async fn count(&mut self, principal: &PrincipalId) -> Option<usize> {
        let _ = principal;
        None
    }

    /// Looks around the provider: whether the server takes this credential, asked as a consumer would.
    async fn works(&mut self, principal: &PrincipalId, bundle: &Bundle) -> Option<bool> {
        let _ = (principal, bundle);
        None
    }

    /// Looks around the provider: whether the placement holds exactly this (of several named ones: at least these).
    async fn holds(&mut self, at: &PlacementId, payload: &Payload) -> Option<bool> {
        let _ = (at, payload);
        None
    }

    /// Time passes.
    async fn wait(&mut self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// How long the suite waits at most to see that something goes on living, where death takes its time.
    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }

    /// The server's clock, as far as the bench knows it.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Something to place: the same for the same `number`, all different, with values that are long and unmistakable.
    fn payload(&mut self, names: &[String], number: usize) -> Payload {
        let value = |name: &str| SecretValue::new(format!("planted{number}x{name}xZq7Kd2mVw"));
        match names {
            [] => Payload::One(value("one")),
            names => Payload::Named(names.iter().map(|n| (n.clone(), value(n))).collect()),
        }
    }

    /// The same credential with secret halves that were never given out: by default, see [`garbled`].
    fn garbage(&mut self, credentials: &Credentials) -> Bundle {
        garbled(&credentials.bundle, &credentials.old, &credentials.principal)
    }

    /// Values that may be found nowhere, beyond those that the suite mints and places: the bench's own credentials.
    fn canaries(&self) -> Vec<String> {
        Vec::new()
    }

    /// Where connections were taken, as `host:port`: [`Provider::hosts`] has to list them.
    fn endpoints(&self) -> Vec<String>;

    /// Whether a check cannot be run here, or the server is known to be wrong about it.
    fn excuse(&self, check: &str) -> Option<Excuse> {
        let _ = check;
        None
    }

    /// A call that takes longer than this is not bounded. More than the timeout that the provider was mounted with.
    fn call_limit(&self) -> Duration {
        Duration::from_secs(20)
    }
}

/// Where each check starts.
#[derive(Debug, Default)]
pub struct Start {
    /// For providers that issue, verify, revoke or tell the last use.
    pub credentials: Option<Credentials>,
    /// For stores.
    pub placements: Option<Placements>,
}

#[derive(Debug)]
pub struct Credentials {
    pub principal: PrincipalId,
    /// A well-formed name of a principal that is not there.
    pub absent: Option<PrincipalId>,
    /// The one that consumers use. It works.
    pub old: CredentialId,
    /// Its fields, as they were minted.
    pub bundle: Bundle,
}

#[derive(Debug)]
pub struct Placements {
    /// The suite writes and removes it. It need not be there.
    pub at: PlacementId,
    /// A well-formed name of a placement that is not there.
    pub absent: PlacementId,
    /// A name that the store does not take.
    pub bad: Option<PlacementId>,
    /// Two names of values at least, for a store whose placements hold named values. Empty: one value is placed.
    pub names: Vec<String>,
}

/// As whom the provider is mounted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Own {
    /// May do all that it needs.
    Good,
    /// Its own credential is well-formed and wrong.
    Wrong,
    /// Its own credential works, and may not do this.
    Weak(Op),
}

/// An operation, and how it fails.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    pub op: Op,
    pub kind: FaultKind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// Nobody listens.
    Refuse,
    /// The connection is taken and closed; nothing reaches the server.
    Close,
    /// What carries the operation itself is not answered, and has no effect. A client cannot know that it has none: let
    /// logins and looks before it come through.
    Hang,
    /// It takes effect, and its reply is lost.
    LoseReply,
    /// It takes effect, and its reply breaks off.
    CutReply,
    /// HTTP: this status is answered without an effect; 429 with `Retry-After: 7`.
    Status(u16),
}

/// Why something cannot be done on this bench.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotPossible(pub String);

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Injected {
    Yes,
    NotPossible(String),
}

/// Why a check does not count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Excuse {
    /// It is not run.
    NotPossible(String),
    /// The server is wrong, which is not the provider's fault. The check is run and has to fail: an excuse that is no
    /// longer needed is a failure.
    Deviation(String),
}

impl Fault {
    /// What the fault proxy does for this fault, at the turns in which the operation's mutation is sent.
    pub fn mode(&self, when: When) -> Mode {
        match self.kind {
            FaultKind::Refuse => Mode::Refuse,
            FaultKind::Close => Mode::Close,
            FaultKind::Hang => Mode::Hang(when),
            FaultKind::LoseReply => Mode::LoseReply(when),
            FaultKind::CutReply => Mode::CutReply(when, 3),
            FaultKind::Status(429) => {
                Mode::Answer(when, Answer::status(429).header("Retry-After", "7"))
            }
            FaultKind::Status(status) => Mode::Answer(when, Answer::status(status)),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => f.write_str("refused"),
            Self::Close => f.write_str("closed"),
            Self::Hang => f.write_str("hangs"),
            Self::LoseReply => f.write_str("reply-lost"),
            Self::CutReply => f.write_str("reply-cut"),
            Self::Status(status) => write!(f, "status-{status}"),
        }
    }
}

/// The bundle with each letter and digit of its secret fields moved on by one: the same form, never given out.
///
/// Fields that are part of the public names (`access_key_id`, `username`) stay.
pub fn garbled(bundle: &Bundle, id: &CredentialId, principal: &PrincipalId) -> Bundle {
    let public = |value: &str| id.as_str().contains(value) || principal.as_str().contains(value);
    let moved = |c: char| match c {
        'z' => 'a',
        'Z' => 'A',
        '9' => '0',
        'a'..='y' | 'A'..='Y' | '0'..='8' => char::from(c as u8 + 1),
        other => other,
    };
    bundle
        .iter()
        .map(|(name, value)| {
            let value = value.expose_for(Purpose::Verify);
            let kept =
                if public(value) { value.to_owned() } else { value.chars().map(moved).collect() };
            (name.to_owned(), SecretValue::new(kept))
        })
        .collect()
}
