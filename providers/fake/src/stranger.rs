//! What others do meanwhile: another operator, a colleague at the console, a deployment.

use jiff::Timestamp;
use keysweep_sdk::{
    CredentialId, Op, Payload, PlacementId, PrincipalId, ProviderName, SecretValue,
};

use crate::{By, World};

/// What somebody else does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// Mints for a principal, if there is room.
    Mint(ProviderName, PrincipalId),
    /// Writes a value of his own to a placement that is there.
    Edit(ProviderName, PlacementId),
    /// Deletes what the placement is in: it cannot be written any more.
    Delete(ProviderName, PlacementId),
    Disable(ProviderName, CredentialId),
    Destroy(ProviderName, CredentialId),
    /// Restarts a consumer.
    Reload(String),
    /// Takes a permission from keysweep, or gives it.
    Deny(ProviderName, Op),
    Allow(ProviderName, Op),
}

/// When he does it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    At(Timestamp),
    /// Just before the so-manieth call of a provider, counted from one.
    Call(u32),
    /// Just before the so-manieth call that may change something.
    Effect(u32),
}

pub(crate) struct Scheduled {
    when: When,
    act: Act,
}

impl Scheduled {
    pub(crate) fn at(&self) -> Option<Timestamp> {
        match self.when {
            When::At(at) => Some(at),
            When::Call(_) | When::Effect(_) => None,
        }
    }
}

impl World {
    /// Somebody else will do this.
    pub fn schedule(&mut self, when: When, act: Act) {
        self.scheduled.push(Scheduled { when, act });
    }

    pub(crate) fn strangers_at(&mut self, at: Timestamp) {
        self.strangers(|when| matches!(when, When::At(due) if due <= at));
    }

    pub(crate) fn strangers_before_call(&mut self, effect: bool) {
        let (calls, effects) = (self.calls, self.effects);
        self.strangers(|when| match when {
            When::Call(number) => number == calls,
            When::Effect(number) => effect && number == effects,
            When::At(_) => false,
        });
    }

    fn strangers(&mut self, due: impl Fn(When) -> bool) {
        let mut acts = Vec::new();
        self.scheduled.retain(|scheduled| {
            let now = due(scheduled.when);
            if now {
                acts.push(scheduled.act.clone());
            }
            !now
        });
        for act in acts {
            self.act(act);
        }
    }

    /// Somebody else does this now.
    pub fn act(&mut self, act: Act) {
        self.settle();
        match &act {
            Act::Mint(provider, principal) => {
                self.foreign(provider, principal, By::Stranger);
            }
            Act::Edit(provider, at) => {
                if self.content(provider, at).is_some() {
                    let payload = Payload::One(SecretValue::new(self.value()));
                    self.write(provider, at, &payload);
                }
            }
            Act::Delete(provider, at) => self.delete_placement(provider, at),
            Act::Disable(provider, id) => self.end(provider, id, crate::End::Disabled),
            Act::Destroy(provider, id) => self.end(provider, id, crate::End::Destroyed),
            Act::Reload(consumer) => self.reload(consumer),
            Act::Deny(provider, op) => self.deny(provider.as_str(), *op),
            Act::Allow(provider, op) => self.allow(provider.as_str(), *op),
        }
        self.look();
        self.strange.push((self.now, act));
    }
}
