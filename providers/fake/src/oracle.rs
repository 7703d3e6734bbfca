//! What a test knows without a call: nothing here burns a fuse or takes time.

use keysweep_sdk::{CredentialId, Live, PlacementId, PrincipalId, ProviderName, Slot};

use crate::{By, World};

impl World {
    /// What the issuer would list now; nothing for one that does not list.
    pub fn observed(&self, provider: &str, principal: &str) -> Vec<Live> {
        let (provider, principal) = (ProviderName::new(provider), PrincipalId::new(principal));
        let spec = self.spec(&provider);
        let listed = self.of(&provider, &principal).filter(|_| spec.lists);
        listed.map(|credential| credential.live(spec.marker)).collect()
    }

    /// The credential that the principal began with.
    pub fn first(&self, provider: &str, principal: &str) -> Option<CredentialId> {
        let mut born = self.credentials.iter().map(|credential| &credential.fate);
        let first = born.find(|fate| {
            fate.by == By::Start
                && fate.provider.as_str() == provider
                && fate.principal.as_str() == principal
        });
        first.map(|fate| fate.id.clone())
    }

    /// What a placement would say of itself.
    pub fn slot(&self, provider: &ProviderName, at: &PlacementId) -> Option<Slot> {
        self.stat(provider, at).ok().flatten()
    }

    /// Whether the placement was there once, and what it was in is deleted.
    pub fn is_gone(&self, provider: &ProviderName, at: &PlacementId) -> bool {
        self.placed.contains_key(&(provider.clone(), at.clone()))
            && self.content(provider, at).is_none()
    }
}
