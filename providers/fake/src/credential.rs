//! One credential, and what became of it.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use keysweep_sdk::{Bundle, CredentialId, Live, LiveState, PrincipalId, ProviderName, SecretValue};

use crate::time::later;

/// Who made a credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum By {
    /// It was there when the world began.
    Start,
    /// A call of `Issuer::mint`.
    Engine,
    Stranger,
    Person,
}

/// Where it ended, if it did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    Active,
    Disabled,
    Destroyed,
    /// By a successor in the same slot, or rolled.
    Replaced,
    /// With its family, since somebody rolled what was rolled already.
    FamilyRevoked,
    Expired,
}

/// What became of one value that was ever minted. Ids of roles come again with each value: `number` does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fate {
    pub number: usize,
    pub provider: ProviderName,
    pub principal: PrincipalId,
    pub id: CredentialId,
    pub marker: Option<String>,
    pub by: By,
    pub minted_at: Timestamp,
    /// Whether whoever asked for it got its value.
    pub replied: bool,
    pub end: End,
    /// From when on it is refused everywhere.
    pub dead_at: Option<Timestamp>,
}

/// An interval in which it was used, and by whom.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) source: String,
}

pub(crate) struct Credential {
    pub(crate) fate: Fate,
    /// Field → value.
    pub(crate) fields: BTreeMap<String, String>,
    /// It works from then on, and is listed from then on.
    pub(crate) visible_at: Timestamp,
    pub(crate) listed_at: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) scope: BTreeMap<String, String>,
    /// It was minted broken, and never works.
    pub(crate) broken: bool,
    /// The one that it was rolled from, and so on.
    pub(crate) family: usize,
    pub(crate) used: Vec<Used>,
    pub(crate) sessions_ended: Option<Timestamp>,
}

impl Credential {
    /// Whether the issuer takes it at this time.
    pub(crate) fn works(&self, at: Timestamp) -> bool {
        !self.broken
            && at >= self.visible_at
            && self.fate.dead_at.is_none_or(|dead| at < dead)
            && self.expires.is_none_or(|expires| at < expires)
    }

    /// Whether the issuer still has it.
    pub(crate) fn exists(&self, at: Timestamp) -> bool {
        matches!(self.fate.end, End::Active | End::Disabled)
            && self.expires.is_none_or(|expires| at < expires)
    }

    pub(crate) fn bundle(&self) -> Bundle {
        let fields = self.fields.iter();
        fields.map(|(name, value)| (name.clone(), SecretValue::new(value.clone()))).collect()
    }

    pub(crate) fn live(&self, marker: bool) -> Live {
        let disabled = self.fate.end == End::Disabled;
        Live {
            id: self.fate.id.clone(),
            state: if disabled { LiveState::Inactive } else { LiveState::Active },
            created: Some(self.fate.minted_at),
            expires: self.expires,
            marker: self.fate.marker.clone().filter(|_| marker),
            scope: self.scope.clone(),
        }
    }

    /// Uses that are no further apart than `gap` are one; of the others the latest are kept.
    pub(crate) fn use_it(
        &mut self,
        from: Timestamp,
        until: Timestamp,
        gap: Duration,
        source: &str,
    ) {
        let same = self.used.iter_mut().rev().find(|used| used.source == source);
        match same {
            Some(used) if later(used.until, gap) >= from => used.until = used.until.max(until),
            _ => {
                if self.used.len() >= 16 {
                    self.used.remove(0);
                }
                self.used.push(Used { from, until, source: source.to_owned() });
            }
        }
    }

    /// The last use at or before this time.
    pub(crate) fn last_use(&self, before: Timestamp) -> Option<(Timestamp, &str)> {
        let known = self.used.iter().filter(|used| used.from <= before);
        known.map(|used| (used.until.min(before), used.source.as_str())).max()
    }
}
