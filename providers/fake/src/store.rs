//! Placements, and what they hold.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keysweep_sdk::{
    CredentialId, Delivery, ErrorKind, Held, Payload, PlacementId, ProviderName, Purpose, Readable,
    Shape, Slot, WriteMode,
};

use crate::{
    StoreSpec, World,
    credential::Credential,
    issuer::Refusal,
    time::{between, later},
};

#[derive(Clone, Eq, PartialEq)]
pub(crate) enum Content {
    One(String),
    Named(BTreeMap<String, String>),
}

pub(crate) struct Placed {
    /// `None`: what it was in is deleted.
    content: Option<Content>,
    version: u64,
    updated: Timestamp,
    /// What else is told of it.
    about: Slot,
}

impl Content {
    fn of(payload: &Payload) -> Self {
        match payload {
            Payload::One(value) => Self::One(value.expose_for(Purpose::Place).to_owned()),
            Payload::Named(named) => Self::Named(
                named
                    .iter()
                    .map(|(name, value)| {
                        (name.to_owned(), value.expose_for(Purpose::Place).to_owned())
                    })
                    .collect(),
            ),
        }
    }

    /// Whether this is what the shape makes of the credential.
    pub(crate) fn is_of(&self, credential: &Credential, shape: &Shape) -> bool {
        match (self, shape) {
            (Self::One(value), Shape::Field(field)) => credential.fields.get(field) == Some(value),
            (Self::Named(named), Shape::Named(names)) => names.iter().all(|(there, field)| {
                let value = named.get(there);
                value.is_some() && value == credential.fields.get(field)
            }),
            (Self::One(value), Shape::Template(_)) => match credential.bundle().shaped(shape) {
                Ok(Payload::One(made)) => made.expose_for(Purpose::Verify) == value,
                Ok(Payload::Named(_)) | Err(_) => false,
            },
            (Self::One(_), Shape::Named(_)) | (Self::Named(_), _) => false,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::One(value) => value.len(),
            Self::Named(named) => named.values().map(String::len).max().unwrap_or(0),
        }
    }
}

impl Placed {
    fn slot(&self) -> Slot {
        Slot {
            version: Some(self.version.to_string()),
            updated: Some(self.updated),
            ..self.about.clone()
        }
    }
}

impl World {
    /// What is told of a placement besides its version: who else sees it, who else writes it.
    pub fn about(&mut self, provider: &str, at: &str, about: Slot) {
        let key = (ProviderName::new(provider), PlacementId::new(at));
        let placed = self.placed.get_mut(&key);
        placed.unwrap_or_else(|| panic!("there is no placement `{at}`")).about = about;
    }

    /// The credential of which a placement holds this shape: an oracle, for tests.
    pub fn placed(
        &self,
        provider: &str,
        at: &str,
        issuer: &str,
        shape: &Shape,
    ) -> Option<CredentialId> {
        let (provider, at) = (ProviderName::new(provider), PlacementId::new(at));
        let content = self.content(&provider, &at)?;
        let of = |credential: &&Credential| {
            credential.fate.provider.as_str() == issuer && content.is_of(credential, shape)
        };
        self.credentials.iter().rev().find(of).map(|credential| credential.fate.id.clone())
    }

    /// Whether a placement holds exactly this; of several named values, at least these.
    pub fn placed_is(&self, provider: &ProviderName, at: &PlacementId, payload: &Payload) -> bool {
        match (self.content(provider, at), Content::of(payload)) {
            (Some(Content::Named(held)), Content::Named(asked)) => {
                asked.iter().all(|(name, value)| held.get(name) == Some(value))
            }
            (Some(held), asked) => *held == asked,
            (None, _) => false,
        }
    }

    pub(crate) fn content(&self, provider: &ProviderName, at: &PlacementId) -> Option<&Content> {
        // Borrowed keys of a pair cannot be looked up; a world has few placements.
        let mut placed = self.placed.iter();
        placed.find(|((p, a), _)| a == at && p == provider)?.1.content.as_ref()
    }

    /// Takes away what the placement is in.
    pub(crate) fn delete_placement(&mut self, provider: &ProviderName, at: &PlacementId) {
        if let Some(placed) = self.placed.get_mut(&(provider.clone(), at.clone())) {
            placed.content = None;
        }
    }

    pub(crate) fn write(
        &mut self,
        provider: &ProviderName,
        at: &PlacementId,
        payload: &Payload,
    ) -> Slot {
        let (now, new) = (self.now, Content::of(payload));
        self.written.insert(provider.clone(), now);
        let placed = self.placed.entry((provider.clone(), at.clone())).or_insert_with(|| Placed {
            content: None,
            version: 0,
            updated: now,
            about: Slot::default(),
        });
        placed.version += 1;
        placed.updated = now;
        placed.content = Some(match (placed.content.take(), new) {
            (Some(Content::Named(mut held)), Content::Named(new)) => {
                held.extend(new);
                Content::Named(held)
            }
            (_, new) => new,
        });
        placed.slot()
    }

    fn store_spec(&self, provider: &ProviderName) -> &StoreSpec {
        self.stores.get(provider).unwrap_or_else(|| panic!("`{provider}` stores nothing"))
    }

    pub(crate) fn stat(
        &self,
        provider: &ProviderName,
        at: &PlacementId,
    ) -> Result<Option<Slot>, Refusal> {
        named(at)?;
        let placed = self.placed.get(&(provider.clone(), at.clone()));
        Ok(placed.filter(|placed| placed.content.is_some()).map(Placed::slot))
    }

    pub(crate) fn place(
        &mut self,
        provider: &ProviderName,
        delivery: &Delivery<'_>,
    ) -> Result<Slot, Refusal> {
        named(delivery.at)?;
        let spec = self.store_spec(provider).clone();
        let content = Content::of(delivery.payload);
        let fits = match content {
            Content::One(_) => spec.limits.named != Some(true),
            Content::Named(_) => spec.limits.named != Some(false),
        };
        if !fits {
            return Err(Refusal::new(ErrorKind::Invalid, "it does not hold values of that shape"));
        }
        if spec.limits.max_bytes.is_some_and(|most| content.bytes() > most) {
            return Err(Refusal::new(ErrorKind::Invalid, "the value is too big"));
        }
        let free_at = self.written.get(provider).map(|last| later(*last, spec.limits.min_gap));
        if let Some(free_at) = free_at.filter(|free_at| *free_at > self.now) {
            let retry_after = Some(between(self.now, free_at));
            return Err(Refusal::new(ErrorKind::RateLimited { retry_after }, "too soon"));
        }
        match self.placed.get(&(provider.clone(), delivery.at.clone())) {
            None if !spec.creates => {
                return Err(Refusal::new(ErrorKind::NotFound, "there is no such placement"));
            }
            Some(placed) if placed.content.is_none() => {
                return Err(Refusal::new(ErrorKind::NotFound, "what it was in is deleted"));
            }
            Some(placed) if spec.limits.write == WriteMode::CompareAndSet => {
                let version = placed.version.to_string();
                if delivery.expect.is_some_and(|expected| expected != version) {
                    return Err(Refusal::new(ErrorKind::Conflict, "somebody wrote it meanwhile"));
                }
            }
            None | Some(_) => {}
        }
        Ok(self.write(provider, delivery.at, delivery.payload))
    }

    pub(crate) fn read_placement(
        &self,
        provider: &ProviderName,
        at: &PlacementId,
        names: &[String],
    ) -> Result<Held, Refusal> {
        named(at)?;
        if self.store_spec(provider).limits.readable == Readable::Metadata {
            return Err(Refusal::new(ErrorKind::Unsupported, "values cannot be read back"));
        }
        let secret = |value: &String| keysweep_sdk::SecretValue::new(value.clone());
        Ok(match self.content(provider, at) {
            None => Held::Nothing,
            Some(Content::One(value)) => Held::Value(Payload::One(secret(value))),
            Some(Content::Named(held)) => {
                let asked = held.iter().filter(|(name, _)| names.contains(name));
                let bundle: keysweep_sdk::Bundle =
                    asked.map(|(name, value)| (name.clone(), secret(value))).collect();
                if bundle.is_empty() { Held::Nothing } else { Held::Value(Payload::Named(bundle)) }
            }
        })
    }

    pub(crate) fn remove_placement(
        &mut self,
        provider: &ProviderName,
        at: &PlacementId,
        names: &[String],
    ) -> Result<(), Refusal> {
        named(at)?;
        let (key, now) = ((provider.clone(), at.clone()), self.now);
        let Some(placed) = self.placed.get_mut(&key) else { return Ok(()) };
        if let Some(Content::Named(held)) = &mut placed.content {
            held.retain(|name, _| !names.contains(name));
            if !held.is_empty() {
                placed.version += 1;
                placed.updated = now;
                return Ok(());
            }
        }
        if placed.content.is_some() {
            self.placed.remove(&key);
        }
        Ok(())
    }
}

/// Names of placements have no blanks.
fn named(at: &PlacementId) -> Result<(), Refusal> {
    if at.as_str().is_empty() || at.as_str().contains(char::is_whitespace) {
        return Err(Refusal::new(ErrorKind::Invalid, "a placement's name has no blanks"));
    }
    Ok(())
}
