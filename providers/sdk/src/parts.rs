//! The parts a provider is made of. Each states its limits, and each operation what it may have changed.

use std::{collections::BTreeMap, fmt::Debug};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Bundle, CredentialId, Cx, IssuerLimits, Payload, PlacementId, PrincipalId, Result,
    RevokerLimits, SecretValue, StoreLimits, UsageLimits, VerifierLimits,
};

/// One credential that its issuer lists.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Live {
    pub id: CredentialId,
    pub state: LiveState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// What a mint request left with it, where the issuer has a field for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// What it may do and where: scopes, address lists. A successor has to have the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scope: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveState {
    /// It works.
    Active,
    /// It is there, does not work, and can be made to work again.
    Inactive,
}

/// A value that the caller made up, and the id that the credential will have.
#[derive(Debug)]
pub struct Chosen {
    pub id: CredentialId,
    pub bundle: Bundle,
}

#[derive(Debug)]
pub struct MintRequest<'a> {
    pub principal: &'a PrincipalId,
    /// Unique to this mint; kept by the issuer where it has a field for it.
    pub marker: &'a str,
    /// The one that is to be replaced: its scope is copied, and with [`crate::Style::AtomicRoll`] it is the one that is rolled.
    pub replaces: Option<&'a CredentialId>,
    /// With [`crate::Chooser::Caller`]: what is to be set.
    pub chosen: Option<&'a Chosen>,
}

/// A freshly made credential.
#[derive(Debug)]
pub struct Minted {
    pub id: CredentialId,
    /// Whole: also the fields that are public.
    pub bundle: Bundle,
    pub scope: BTreeMap<String, String>,
}

#[async_trait]
pub trait Issuer: Debug + Send + Sync {
    fn limits(&self) -> IssuerLimits;

    /// All credentials of the principal, disabled ones too. Changes nothing; an incomplete list is an error, and so is
    /// a principal that is not there (`NotFound`).
    async fn snapshot(&self, cx: &Cx, principal: &PrincipalId) -> Result<Vec<Live>>;

    /// Makes up the next value, with [`crate::Chooser::Caller`]. Changes nothing at the issuer.
    /// `live` is a fresh snapshot, `old` the one that consumers use.
    async fn choose(
        &self,
        cx: &Cx,
        principal: &PrincipalId,
        live: &[Live],
        old: Option<&CredentialId>,
    ) -> Result<Option<Chosen>> {
        let _ = (cx, principal, live, old);
        Ok(None)
    }

    /// Makes the credential. With `chosen` it is idempotent. Otherwise it is not, is never sent twice by anything below
    /// the engine, and fails with `Effect::Unknown` unless the issuer certainly refused.
    async fn mint(&self, cx: &Cx, request: &MintRequest<'_>) -> Result<Minted>;
}

/// What is known of a placement without reading its value.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct Slot {
    /// Changes with each write. Given back in [`Delivery::expect`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
    /// Who else sees it: "all repositories of acme".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen_by: Vec<String>,
    /// Another controller that writes it, and would undo a write: "Secrets Manager rotation".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<String>,
    /// A placement that consumers read instead of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadowed_by: Option<String>,
}

#[derive(Debug)]
pub struct Delivery<'a> {
    pub at: &'a PlacementId,
    pub payload: &'a Payload,
    /// With [`crate::WriteMode::CompareAndSet`]: the version that is to be replaced.
    pub expect: Option<&'a str>,
}

/// What a read gave.
#[derive(Debug)]
pub enum Held {
    Value(Payload),
    /// The placement is not there, or holds nothing.
    Nothing,
}

#[async_trait]
pub trait Store: Debug + Send + Sync {
    fn limits(&self) -> StoreLimits;

    /// Looks at a placement. `None`: it is not there. Fails where a write would certainly be refused (a bad name, no
    /// permission), as far as this can be told without one: it is the preflight, too.
    async fn stat(&self, cx: &Cx, at: &PlacementId) -> Result<Option<Slot>>;

    /// Writes the value, whole. Idempotent: the same again is one placement. Never makes a placement visible to more.
    async fn place(&self, cx: &Cx, delivery: &Delivery<'_>) -> Result<Slot>;

    /// Reads the value, with [`crate::Readable::Value`]; `named` are the names of the values that are asked for, where the
    /// placement holds several. Changes nothing.
    async fn read(&self, cx: &Cx, at: &PlacementId, named: &[String]) -> Result<Held>;

    /// Takes it away, when a credential retires; of a placement that holds several, only those `named`. What is not
    /// there is removed.
    async fn remove(&self, cx: &Cx, at: &PlacementId, named: &[String]) -> Result<()>;
}

/// Who a value belongs to, as its issuer says it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct Identity {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialId>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scope: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The issuer takes it, and says whose it is.
    Live(Identity),
    /// The issuer refuses it.
    Dead,
    /// It could not be told, and why.
    Unknown(String),
}

#[async_trait]
pub trait Verifier: Debug + Send + Sync {
    fn limits(&self) -> VerifierLimits;

    /// Asks the issuer with the value itself, from an environment in which nothing else authenticates. Changes nothing
    /// but, where the limits say so, the last use.
    async fn verify(&self, cx: &Cx, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict>;
}

#[async_trait]
pub trait Revoker: Debug + Send + Sync {
    fn limits(&self) -> RevokerLimits;

    /// Makes it refused, reversibly. What is disabled or gone already succeeds.
    async fn disable(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()>;

    /// Undoes `disable`. `NotFound` when it is gone.
    async fn enable(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()>;

    /// Ends it for good. What is gone already succeeds.
    async fn destroy(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()>;

    /// Ends the sessions that were made with it before `before`, where the limits say `can_end`. Idempotent.
    async fn end_sessions(
        &self,
        cx: &Cx,
        principal: &PrincipalId,
        id: &CredentialId,
        before: Timestamp,
    ) -> Result<()> {
        let _ = (cx, principal, id, before);
        Ok(())
    }
}

/// The last use of a credential, as far as its issuer tells.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct Use {
    /// `None`: never, as far as the issuer knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// From where or by whom: "ec2 us-east-1", an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

#[async_trait]
pub trait Usage: Debug + Send + Sync {
    fn limits(&self) -> UsageLimits;

    /// Changes nothing.
    async fn last_use(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<Use>;
}

/// What keysweep wants to do at a provider, for the preflight.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Need {
    /// List the credentials of a principal.
    Snapshot(PrincipalId),
    /// Mint, disable, destroy for a principal.
    Rotate(PrincipalId),
    /// Look at a placement.
    Stat(PlacementId),
    /// Write a placement.
    Place(PlacementId),
}

/// One permission, and whether it is held.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Grant {
    /// In the provider's own words: `iam:CreateAccessKey`.
    pub permission: String,
    /// `None`: cannot be told without doing it.
    pub held: Option<bool>,
    /// For what: `user/ci-deployer`.
    pub on: String,
}

#[async_trait]
pub trait Access: Debug + Send + Sync {
    /// What is held and lacking, without changing anything.
    async fn check(&self, cx: &Cx, needs: &[Need]) -> Result<Vec<Grant>>;

    /// The least policy that would do, in the provider's own form.
    fn policy(&self, needs: &[Need]) -> String;
}

impl<'a> Delivery<'a> {
    pub fn new(at: &'a PlacementId, payload: &'a Payload) -> Self {
        Self { at, payload, expect: None }
    }

    /// The value, for a store that takes one.
    pub fn one(&self) -> Option<&SecretValue> {
        self.payload.one()
    }
}
