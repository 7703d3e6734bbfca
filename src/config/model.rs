//! A configuration as it is meant: checked, with its defaults, paths counted from its folder.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use keysweep_sdk::{CredentialId, Network, ProviderName, ReadAt, Shape, Style};
use serde::{Deserialize, Serialize};

use super::{CredentialName, Mode, PlacementName, Proof, Purpose, Reload, Source};

/// `keysweep.toml`, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub source: Source,
    /// Makes every mutating call unreachable.
    pub read_only: bool,
    /// As written: providers count the paths in it from the folder they are mounted with.
    pub network: Network,
    pub state: State,
    pub escrow: Escrow,
    pub providers: BTreeMap<ProviderName, ProviderEntry>,
    /// In the order of the file; no two of one name.
    pub credentials: Vec<Credential>,
    pub policy: Policy,
}

/// `[state]`: where a rotation is recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct State {
    /// The journal; `.keysweep/state.sqlite` beside the configuration unless told.
    pub path: PathBuf,
    /// The log of all calls; `.keysweep/audit.jsonl` unless told.
    pub audit: PathBuf,
}

/// `[escrow]`: to whom a minted value is sealed until its last store has it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Escrow {
    /// Public keys, `age1…` or `ssh-…`.
    pub recipients: Vec<String>,
    /// The operator's own identity file.
    pub identity: Option<PathBuf>,
    /// The operator's identity is in the system's keychain.
    pub keychain: bool,
    /// A key of a transit engine: `vault:ci-escrow`.
    pub transit: Option<PlacementName>,
}

/// `[providers.NAME]`. What else it holds is read by the provider when it is mounted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProviderEntry {
    /// Its `type`.
    pub kind: String,
    pub line: u32,
}

/// `[[credentials]]`: one identity with a secret half, and every slot that holds a copy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    pub name: CredentialName,
    /// The live one that consumers use now, where it is known.
    pub current: Option<CredentialId>,
    pub fields: Vec<String>,
    /// In the order in which they are to be written.
    pub stores: Vec<StoreUse>,
    /// Instead of the issuer's.
    pub style: Option<Style>,
    /// Decides the deadline: `cloud-admin`, `read-only`.
    pub class: Option<String>,
    pub owner: Option<String>,
    pub environment: Option<String>,
    /// Nobody but keysweep mints for this principal: what is new and not known there is ours.
    pub sole_writer: bool,
    /// Who to ask instead of the issuer's own part.
    pub verify: Option<ProviderName>,
    pub revoke: Option<ProviderName>,
    pub usage: Option<ProviderName>,
    /// Its own, before that of its class.
    pub deadline: Option<Duration>,
    pub mode: Mode,
    /// Credentials that whoever holds this one can rotate, or whose stores they can write.
    pub can_change: Vec<CredentialName>,
    /// keysweep itself works with it: it comes last.
    pub own: bool,
    /// What stops working when the old one dies too early, in words.
    pub breaks: Vec<String>,
    pub sessions: SessionsChoice,
    pub line: u32,
}

/// A store of a credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreUse {
    pub at: PlacementName,
    pub shape: Shape,
    /// Instead of what the store says.
    pub read_at: Option<ReadAt>,
    pub reload: Option<Reload>,
    /// `None`: the strongest that the store allows.
    pub proof: Option<Proof>,
    /// The old credential may not die before this store is proved.
    pub required: bool,
    pub consumers: Vec<String>,
    pub owner: Option<String>,
    pub environment: Option<String>,
    /// Who writes it in truth: `terraform`, `sops`. Then it gets a task, not a write.
    pub managed_by: Option<String>,
    pub line: u32,
}

/// Sessions that outlive the credential they were made with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionsChoice {
    /// End them, where the issuer can.
    #[default]
    End,
    Leave,
}

/// `[policy]`, with the defaults of its purpose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    pub purpose: Purpose,
    /// Of credentials whose class has none of its own; 24 hours post-breach unless told.
    pub deadline: Option<Duration>,
    pub deadlines: BTreeMap<String, Duration>,
    /// After the last write, for runs that still hold the old value: 6 hours (the longest job of a hosted runner) or,
    /// post-breach, 1 hour.
    pub drain: Duration,
    /// The old one has to be unused for so long before it is disabled: 24 hours, post-breach 1 hour.
    pub quiet: Duration,
    /// Disabled for so long before it is destroyed: 7 days, post-breach 24 hours.
    pub soak: Duration,
    /// A store has to be proved within: 24 hours, post-breach 4 hours.
    pub prove_within: Duration,
    /// A sealed value that is older is not delivered any more: 7 days, post-breach 3 days.
    pub max_escrow_age: Duration,
    /// Of one call that certainly changed nothing; 3 unless told.
    pub attempts: u32,
    /// Environments in the order in which they are done; what has none, or one that is not listed, comes last.
    pub waves: Vec<String>,
    pub approval: Option<Approval>,
    pub danger_no_escrow: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Approval {
    pub required: bool,
    /// ssh's `allowed_signers`.
    pub signers: PathBuf,
    pub requester_may_not_approve: bool,
}

impl Config {
    /// The folder that relative paths count from.
    pub fn folder(&self) -> PathBuf {
        match self.source.path().parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    pub fn credential(&self, name: &CredentialName) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.name == *name)
    }

    /// When the old one has to be dead, counted from the start: its own, its class's, the general one.
    pub fn deadline(&self, credential: &Credential) -> Option<Duration> {
        let of_class = credential.class.as_ref().and_then(|class| self.policy.deadlines.get(class));
        credential.deadline.or(of_class.copied()).or(self.policy.deadline)
    }
}

impl Credential {
    pub fn verified_by(&self) -> &ProviderName {
        self.verify.as_ref().unwrap_or(&self.name.provider)
    }

    pub fn revoked_by(&self) -> &ProviderName {
        self.revoke.as_ref().unwrap_or(&self.name.provider)
    }

    pub fn usage_told_by(&self) -> &ProviderName {
        self.usage.as_ref().unwrap_or(&self.name.provider)
    }
}
