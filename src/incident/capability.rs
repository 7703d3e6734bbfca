//! What a piece of code in a job can do: the lattice K1–K9 of the reachability model.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum Capability {
    /// Its own environment and inputs.
    K1,
    /// Files that the step's user can read.
    K2,
    /// Environments of the same user's other processes.
    K3,
    /// Change what later steps run.
    K4,
    /// Root: the runner's memory.
    K5,
    /// Metadata service, local network.
    K6,
    /// Ask for an OIDC token.
    K7,
    /// Use the tokens it reached.
    K8,
    /// Stay on the runner, in a cache, in an artifact.
    K9,
    /// What a vendor stores; no job is needed.
    #[serde(rename = "store")]
    Store,
    /// The remotes of the checkout, with what is written in their URLs.
    #[serde(rename = "git-remotes")]
    GitRemotes,
    /// Nobody took the payload apart: counts as all.
    #[serde(rename = "unknown")]
    Unknown,
}

impl Capability {
    pub const ALL: [Self; 11] = [
        Self::K1,
        Self::K2,
        Self::K3,
        Self::K4,
        Self::K5,
        Self::K6,
        Self::K7,
        Self::K8,
        Self::K9,
        Self::Store,
        Self::GitRemotes,
    ];
}

/// A set of capabilities; [`Capability::Unknown`] is never in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Capabilities(BTreeSet<Capability>);

impl Capabilities {
    pub fn none() -> Self {
        Self::default()
    }

    pub fn all() -> Self {
        Self(Capability::ALL.into())
    }

    pub fn has(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = Capability> + '_ {
        self.0.iter().copied()
    }

    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).copied().collect())
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<T: IntoIterator<Item = Capability>>(listed: T) -> Self {
        let set: BTreeSet<_> = listed.into_iter().collect();
        if set.contains(&Capability::Unknown) { Self::all() } else { Self(set) }
    }
}
