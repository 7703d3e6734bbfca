//! What an issuer and a store can do and where their limits are.

use std::{collections::BTreeMap, time::Duration};

use keysweep_sdk::{
    Chooser, IssuerLimits, LostReply, ReadAt, Readable, RevokerLimits, Sessions, StoreLimits,
    Style, UsageLimits, VerifierLimits, WriteMode,
};

/// How an issuer replaces a credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Overlap,
    CallerChosen(Slots),
    /// Rolling what was rolled already revokes the whole family.
    AtomicRoll,
    /// It lives so long.
    Ephemeral(Duration),
    /// A person mints ([`crate::World::person_mints`]) and revokes; a call is `Unsupported`. What is listed is what
    /// was there at the start, since nobody can ask.
    Manual,
    /// There is no successor: minting is `Unsupported`.
    Retire,
}

/// Where a caller-chosen value is set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Slots {
    /// The new value replaces the old one at once: one database role.
    One,
    /// Two values live side by side; a third is refused: Redis with a limit, MySQL.
    Two,
    /// Two roles, of which the one that is not in use gets the new value. The ids are those of the roles.
    Alternating,
}

/// Which parts the provider has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each part of the contract")]
pub struct Parts {
    pub issuer: bool,
    pub verifier: bool,
    pub revoker: bool,
    pub usage: bool,
    pub access: bool,
}

/// An issuer. All fields may be changed before it is added to the world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuerSpec {
    pub kind: Kind,
    pub parts: Parts,
    pub max_live: Option<u32>,
    pub inactive_count: bool,
    pub marker: bool,
    /// Whether it lists credentials. Otherwise a snapshot is `Unsupported`, as with something that has no API.
    pub lists: bool,
    pub reversible: bool,
    /// What it states, and how long it really takes.
    pub visible_within: Duration,
    pub visible_after: Duration,
    pub dead_within: Duration,
    pub dead_after: Duration,
    pub sessions: Option<Sessions>,
    pub verify: VerifierLimits,
    pub usage: UsageLimits,
    /// `access_key_id` and `id` are the id, `username` is the role; all others are secret.
    pub fields: Vec<String>,
    pub scope: BTreeMap<String, String>,
}

impl IssuerSpec {
    fn new(kind: Kind, max_live: Option<u32>) -> Self {
        let (visible_within, dead_within) = (Duration::from_secs(20), Duration::from_secs(30));
        Self {
            kind,
            parts: Parts { issuer: true, verifier: true, revoker: true, usage: true, access: true },
            max_live,
            inactive_count: true,
            marker: false,
            lists: true,
            reversible: true,
            visible_within,
            visible_after: visible_within / 2,
            dead_within,
            dead_after: dead_within / 2,
            sessions: None,
            verify: VerifierLimits {
                spacing: Duration::from_secs(2),
                successes: 2,
                counts_as_use: false,
            },
            usage: UsageLimits {
                granularity: Duration::from_secs(60),
                lag: Duration::ZERO,
                tells_source: true,
            },
            fields: vec!["token".into()],
            scope: BTreeMap::from([("scopes".into(), "deploy".into())]),
        }
    }

    /// Two at most, disabled ones counted, no marker: AWS IAM.
    pub fn overlap() -> Self {
        let fields = vec!["access_key_id".into(), "secret_access_key".into()];
        Self { fields, ..Self::new(Kind::Overlap, Some(2)) }
    }

    /// Overlap with any number, and a marker.
    pub fn overlap_marked() -> Self {
        Self { marker: true, ..Self::new(Kind::Overlap, None) }
    }

    /// Takes effect at once in both directions, as a database does.
    pub fn caller_chosen(slots: Slots) -> Self {
        let max_live = Some(if slots == Slots::One { 1 } else { 2 });
        Self {
            fields: vec!["username".into(), "password".into()],
            visible_within: Duration::ZERO,
            visible_after: Duration::ZERO,
            dead_within: Duration::ZERO,
            dead_after: Duration::ZERO,
            ..Self::new(Kind::CallerChosen(slots), max_live)
        }
    }

    /// The old one dies in the same call.
    pub fn atomic_roll() -> Self {
        let dead = Duration::ZERO;
        let spec = Self::new(Kind::AtomicRoll, None);
        Self { reversible: false, dead_within: dead, dead_after: dead, ..spec }
    }

    pub fn ephemeral(lives: Duration) -> Self {
        Self { reversible: false, ..Self::new(Kind::Ephemeral(lives), None) }
    }

    /// There is no API but, somewhere, one that verifies.
    pub fn manual() -> Self {
        let verifier = Parts { issuer: true, verifier: true, ..Parts::default() };
        Self { parts: verifier, ..Self::new(Kind::Manual, None) }
    }

    pub fn retire() -> Self {
        Self::new(Kind::Retire, None)
    }

    pub(crate) fn limits(&self) -> IssuerLimits {
        let (style, chooser, lost_reply) = match self.kind {
            Kind::Overlap => (Style::Overlap, Chooser::Issuer, LostReply::Reconcile),
            Kind::CallerChosen(_) => (Style::CallerChosen, Chooser::Caller, LostReply::Repeat),
            Kind::AtomicRoll => (Style::AtomicRoll, Chooser::Issuer, LostReply::RollSuccessor),
            Kind::Ephemeral(_) => (Style::Ephemeral, Chooser::Issuer, LostReply::Reconcile),
            Kind::Manual => (Style::Manual, Chooser::Issuer, LostReply::Reconcile),
            Kind::Retire => (Style::Retire, Chooser::Issuer, LostReply::Reconcile),
        };
        IssuerLimits {
            style,
            chooser,
            max_live: self.max_live,
            inactive_count: self.inactive_count,
            marker: self.marker,
            lost_reply,
            visible_within: self.visible_within,
            fields: self.fields.clone(),
        }
    }

    pub(crate) fn revoker(&self) -> RevokerLimits {
        RevokerLimits {
            reversible: self.reversible,
            dead_within: self.dead_within,
            sessions: self.sessions.clone(),
        }
    }
}

/// A store. All fields may be changed before it is added to the world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreSpec {
    pub limits: StoreLimits,
    /// Whether a write to a placement that is not there makes it.
    pub creates: bool,
}

impl StoreSpec {
    /// A GitHub secret: one value, written only, read when a run is queued.
    pub fn write_only() -> Self {
        Self {
            limits: StoreLimits {
                readable: Readable::Metadata,
                write: WriteMode::Upsert,
                read_at: ReadAt::Queue,
                min_gap: Duration::ZERO,
                max_bytes: Some(48 * 1024),
                named: Some(false),
            },
            creates: true,
        }
    }

    /// A Vault path: named values, compare and set, read at each call.
    pub fn readable() -> Self {
        Self {
            limits: StoreLimits {
                readable: Readable::Value,
                write: WriteMode::CompareAndSet,
                read_at: ReadAt::Call,
                min_gap: Duration::ZERO,
                max_bytes: Some(64 * 1024),
                named: None,
            },
            creates: true,
        }
    }

    /// A file: read, changed, written whole, read when a process starts.
    pub fn file() -> Self {
        let mut spec = Self::readable();
        spec.limits.write = WriteMode::Whole;
        spec.limits.read_at = ReadAt::ProcessStart;
        spec.limits.max_bytes = None;
        spec
    }
}
