//! What was seen of the world before a plan is made. Plain data: who gathers it makes the calls.

use std::collections::{BTreeMap, BTreeSet};

use keysweep_sdk::{
    Capabilities, CredentialId, Instructions, Live, PlacementId, ProviderName, Slot, Use,
};

use crate::config::{CredentialName, PlacementName};

#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Every provider that the configuration names in a credential or a store.
    pub providers: BTreeMap<ProviderName, SeenProvider>,
    pub credentials: BTreeMap<CredentialName, SeenCredential>,
    pub placements: BTreeMap<PlacementName, SeenPlacement>,
    /// Who can open what is sealed, beside those of the configuration: the operator's usual identity.
    pub sealed_to: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct SeenProvider {
    pub capabilities: Capabilities,
    /// What it dials, `host:port`.
    pub hosts: Vec<String>,
    pub instructions: Option<Instructions>,
}

#[derive(Clone, Debug, Default)]
pub struct SeenCredential {
    pub listing: Listing,
    /// The last use of each that its issuer tells of.
    pub uses: BTreeMap<CredentialId, Use>,
    /// Placements in which the id of a credential was read.
    pub named_in: BTreeMap<CredentialId, Vec<PlacementName>>,
    /// Kept as evidence: never destroyed for its slot.
    pub evidence: BTreeSet<CredentialId>,
}

/// What the issuer lists for the principal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listing {
    Listed(Vec<Live>),
    /// It has no list: only a person knows.
    Unlisted,
    /// The list was asked for and did not come, and why.
    Failed(String),
}

/// What its store says of a placement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SeenPlacement {
    There(Slot),
    /// It is not there, and can be made.
    Absent,
    /// A write would be refused, or nobody knows.
    Failed(String),
}

impl Default for Listing {
    fn default() -> Self {
        Self::Failed("it was not asked".to_owned())
    }
}

impl Observed {
    pub(super) fn capabilities(&self, provider: &ProviderName) -> Option<&Capabilities> {
        self.providers.get(provider).map(|seen| &seen.capabilities)
    }

    pub(super) fn placement(
        &self,
        provider: &ProviderName,
        at: &PlacementId,
    ) -> Option<&SeenPlacement> {
        let name = PlacementName { provider: provider.clone(), placement: at.clone() };
        self.placements.get(&name)
    }
}
