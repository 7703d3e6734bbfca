//! A plan: what will happen, in which order, with which bounds. Plain data, the same bytes for the same input.

use std::time::Duration;

use jiff::Timestamp;
use keysweep_sdk::{
    CredentialId, IssuerLimits, Live, PlacementId, PrincipalId, ProviderName, ReadAt,
    RevokerLimits, Shape, Slot, Style, UsageLimits, Use, VerifierLimits,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The version of the format. A file of another one is refused by name.
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub v: u32,
    pub campaign: String,
    pub made: Timestamp,
    pub purpose: Purpose,
    /// In the order of their execution: leaves of the "can change" graph first, the tool's own last.
    pub rotations: Vec<Rotation>,
    /// What only a person, or git, can do.
    pub tasks: Vec<Task>,
    /// What has to be answered before anything is revoked.
    pub gates: Vec<String>,
    /// The hosts that will be dialled; no other is.
    pub hosts: Vec<String>,
    /// What was asked for and is not in `rotations`, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// How a minted value is got back after a crash.
    #[serde(default)]
    pub recovery: Recovery,
}

/// A credential that the plan leaves alone, because touching it could lose it or stop somebody.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// As the configuration names it.
    pub rotation: String,
    pub what: String,
    pub way_out: String,
    /// Ids of the exposure report's rows that are about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exposures: Vec<String>,
}

#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// Whoever can open the sealed value: public keys, `identity FILE`, `keychain`, `transit PLACEMENT`.
    pub sealed_to: Vec<String>,
    /// An operator accepts that a crash loses what was minted.
    pub danger_no_escrow: bool,
}

/// What silence and strangers mean.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// An outage costs more than a late rotation: use that nobody explains is a finding, and waits.
    #[default]
    Periodic,
    /// The same use is the attacker until shown otherwise, and every credential has a deadline.
    PostBreach,
}

/// Which of the two harms is chosen, after a breach.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Overlap, prove, then the old one dies: at the deadline at the latest.
    #[default]
    AvailabilityFirst,
    /// The old one dies now; `breaks` says what stops.
    ContainFirst,
}

#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// As the configuration names it: `prod:user/ci-deployer`.
    pub id: String,
    pub provider: ProviderName,
    pub principal: PrincipalId,
    pub style: Style,
    pub mode: Mode,
    /// The one that consumers hold now. `None`: only a person knows.
    pub old: Option<CredentialId>,
    /// Everything that its issuer listed when the plan was made. `rotate` refuses when it has changed.
    pub observed: Vec<Live>,
    /// A disabled credential, quiet and named by no store, whose slot is needed.
    pub free: Option<CredentialId>,
    pub deliveries: Vec<Delivery>,
    /// When the old one has to be dead. Always there after a breach.
    pub deadline: Option<Timestamp>,
    /// Nobody else mints for this principal while the plan runs: a new credential without a marker is ours.
    pub sole_writer: bool,
    /// Sessions that were made with the old one are ended.
    pub end_sessions: bool,
    pub issuer: IssuerLimits,
    pub verifier: Option<Part<VerifierLimits>>,
    pub revoker: Option<Part<RevokerLimits>>,
    pub usage: Option<Part<UsageLimits>>,
    /// The last use of the old one when the plan was made.
    pub baseline: Option<Use>,
    /// Sources of use that known consumers explain.
    pub known_sources: Vec<String>,
    pub bounds: Bounds,
    pub owner: Option<String>,
    pub environment: Option<String>,
    pub class: Option<String>,
    /// What stops while it is rotated, in words.
    pub breaks: Vec<String>,
    /// Calls of providers, and how long it takes when nothing fails.
    pub calls: u32,
    pub expected: Duration,
    pub wave: u32,
    /// What it consists of, as the configuration says: every unit of delivery takes all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Rotations of this plan that have to be over before this one begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Ids of the exposure report's rows that it answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exposures: Vec<String>,
}

/// A part of some provider, with the limits it stated when the plan was made.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Part<L> {
    pub provider: ProviderName,
    pub limits: L,
}

/// One unit of delivery: all the placements from which one consumer reads one credential. Written whole.
/// Without places it is somebody else's to write, git's for one, and is waited for.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    pub provider: ProviderName,
    pub places: Vec<Place>,
    pub read_at: ReadAt,
    pub reload: Option<Reload>,
    pub proof: Proof,
    /// The old one stays alive until a required delivery is proved.
    pub required: bool,
    pub environment: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub at: PlacementId,
    pub shape: Shape,
    /// As it was found; `None`: it was not there, and is made.
    pub before: Option<Slot>,
}

/// How a consumer that keeps what it read is made to read again.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reload {
    /// A program and its arguments, run without a shell and without any value.
    Hook(Vec<String>),
    /// A person does it.
    Task(String),
}

/// What shows that a consumer works with the new one.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The store gives the new value back.
    ReadBack,
    /// The store says that it was written after we began to write it.
    Advanced,
    /// The issuer has seen the new one used.
    Used,
    /// A program that exits with 0.
    Hook(Vec<String>),
    /// A person says so.
    Attested,
}

/// How long is waited for what. All from policy, so that `rotate` makes no choice.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Tries of one step before it parks.
    pub attempts: u32,
    /// Before the second try; doubled for each further one.
    pub backoff: Duration,
    /// From a delivery to its proof.
    pub prove: Duration,
    /// From the last delivery until every run that began with the old one has ended.
    pub drain: Duration,
    /// Without any use of the old one, after that.
    pub quiet: Duration,
    /// Between two looks at the old one's use.
    pub watch: Duration,
    /// Disabled, before it is destroyed.
    pub soak: Duration,
}

/// What a person has to do. It is closed by what is then observed.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub id: String,
    pub kind: TaskKind,
    pub about: String,
    pub owner: Option<String>,
    /// What is known, for whoever does it.
    pub clues: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// No binding says whose credential this placement holds.
    FindOut,
    /// Git, or another controller, writes this placement.
    ChangeSource,
    Mint,
    Revoke,
    Reload,
    Confirm,
}

impl Plan {
    /// What approvals sign and confirmations quote: SHA-256 of the plan's JSON, in hexadecimal.
    pub fn digest(&self) -> String {
        // Structs keep their order and there is no map with another: the text is the same each time.
        let text = serde_json::to_vec(self).expect("a plan holds only text, numbers and lists");
        hex::encode(Sha256::digest(text))
    }

    pub fn rotation(&self, id: &str) -> Option<&Rotation> {
        self.rotations.iter().find(|rotation| rotation.id == id)
    }
}

impl Rotation {
    /// Whether two credentials of the principal can work at the same time.
    pub fn overlaps(&self) -> bool {
        self.issuer.max_live != Some(1) && !matches!(self.style, Style::AtomicRoll | Style::Retire)
    }
}
