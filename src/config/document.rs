//! A configuration as it is written, field by field. Nothing here interprets.

use std::{collections::BTreeMap, path::PathBuf};

use keysweep_sdk::{CredentialId, Network, ReadAt, Style};
use serde::{Deserialize, de::IgnoredAny};
use toml::Spanned;

use super::{CredentialName, Mode, PlacementName, Purpose, SessionsChoice, lasting::Lasting};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default)]
    pub(super) read_only: bool,
    #[serde(default)]
    pub(super) network: Network,
    #[serde(default)]
    pub(super) state: State,
    #[serde(default)]
    pub(super) escrow: Escrow,
    /// Each is read by its own provider, when it is mounted.
    #[serde(default, rename = "providers")]
    pub(super) _providers: IgnoredAny,
    #[serde(default)]
    pub(super) credentials: Vec<Credential>,
    #[serde(default)]
    pub(super) policy: Policy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) path: Option<PathBuf>,
    pub(super) audit: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Escrow {
    #[serde(default)]
    pub(super) recipients: Vec<Spanned<String>>,
    pub(super) identity: Option<PathBuf>,
    #[serde(default)]
    pub(super) keychain: bool,
    pub(super) transit: Option<Spanned<PlacementName>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credential {
    pub(super) id: Spanned<CredentialName>,
    pub(super) current: Option<CredentialId>,
    pub(super) fields: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) stores: Vec<Spanned<Store>>,
    pub(super) style: Option<Style>,
    pub(super) class: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) environment: Option<String>,
    #[serde(default)]
    pub(super) sole_writer: bool,
    pub(super) verify: Option<Spanned<String>>,
    pub(super) revoke: Option<Spanned<String>>,
    pub(super) usage: Option<Spanned<String>>,
    pub(super) deadline: Option<Lasting>,
    #[serde(default)]
    pub(super) mode: Mode,
    #[serde(default)]
    pub(super) can_change: Vec<Spanned<CredentialName>>,
    #[serde(default)]
    pub(super) own: bool,
    #[serde(default)]
    pub(super) breaks: Vec<String>,
    #[serde(default)]
    pub(super) sessions: SessionsChoice,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub(super) at: Spanned<PlacementName>,
    pub(super) field: Option<Spanned<String>>,
    pub(super) fields: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
    pub(super) template: Option<Spanned<String>>,
    pub(super) read_at: Option<ReadAt>,
    pub(super) reload: Option<Spanned<Reload>>,
    pub(super) proof: Option<Spanned<Proof>>,
    pub(super) proof_hook: Option<Spanned<Vec<String>>>,
    pub(super) required: Option<bool>,
    #[serde(default)]
    pub(super) consumers: Vec<String>,
    pub(super) owner: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) managed_by: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reload {
    pub(super) hook: Option<Vec<String>>,
    pub(super) task: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Proof {
    ReadBack,
    Advanced,
    Used,
    Hook,
    Attested,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) purpose: Option<Purpose>,
    #[serde(default)]
    pub(super) deadline: BTreeMap<String, Lasting>,
    pub(super) drain: Option<Lasting>,
    pub(super) quiet: Option<Lasting>,
    pub(super) soak: Option<Lasting>,
    pub(super) prove_within: Option<Lasting>,
    pub(super) max_escrow_age: Option<Lasting>,
    pub(super) attempts: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) waves: Vec<Spanned<String>>,
    pub(super) approval: Option<Approval>,
    #[serde(default)]
    pub(super) danger_no_escrow: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    #[serde(default = "yes")]
    pub(super) required: bool,
    pub(super) signers: PathBuf,
    #[serde(default = "yes")]
    pub(super) requester_may_not_approve: bool,
}

fn yes() -> bool {
    true
}
