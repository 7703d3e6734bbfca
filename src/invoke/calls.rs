//! Every operation of every part of a provider, by the one path.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use keysweep_sdk::{
    Bundle, Capabilities, Chosen, CredentialId, Cx, Delivery, Effect, Error, ErrorKind, Grant,
    Held, Instructions, Live, MintRequest, Minted, Need, Op, PlacementId, PrincipalId, Provider,
    ProviderName, Result, Slot, Use, Verdict,
};
use tokio::time::{self, Instant};

use super::{Call, Invoker};

/// One provider, called through an [`Invoker`]. What a provider has no part for fails with `Unsupported`.
#[derive(Clone, Debug)]
pub struct Calls {
    invoker: Arc<Invoker>,
    provider: Provider,
    cx: Cx,
}

impl Calls {
    pub(super) fn new(invoker: Arc<Invoker>, provider: Provider, campaign: String) -> Self {
        Self { invoker, provider, cx: Cx { campaign } }
    }

    pub fn name(&self) -> &ProviderName {
        self.provider.name()
    }

    pub fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    pub async fn snapshot(&self, principal: &PrincipalId) -> Result<Vec<Live>> {
        let part = self.part(&self.provider.issuer, Op::Snapshot, "issuer")?;
        let call = self.looks(Op::Snapshot, principal.to_string());
        self.invoker.call(&call, || part.snapshot(&self.cx, principal)).await
    }

    pub async fn choose(
        &self,
        principal: &PrincipalId,
        live: &[Live],
        old: Option<&CredentialId>,
    ) -> Result<Option<Chosen>> {
        let part = self.part(&self.provider.issuer, Op::Choose, "issuer")?;
        let call = self.looks(Op::Choose, principal.to_string());
        self.invoker.call(&call, || part.choose(&self.cx, principal, live, old)).await
    }

    pub async fn mint(&self, request: &MintRequest<'_>) -> Result<Minted> {
        let part = self.part(&self.provider.issuer, Op::Mint, "issuer")?;
        let call = self.changes(Op::Mint, request.principal.to_string());
        self.invoker.call(&call, || part.mint(&self.cx, request)).await
    }

    pub async fn stat(&self, at: &PlacementId) -> Result<Option<Slot>> {
        let part = self.part(&self.provider.store, Op::Stat, "store")?;
        let call = self.looks(Op::Stat, at.to_string());
        self.invoker.call(&call, || part.stat(&self.cx, at)).await
    }

    /// Where the store wants a pause between two writes, this waits for it.
    pub async fn place(&self, delivery: &Delivery<'_>) -> Result<Slot> {
        let part = self.part(&self.provider.store, Op::Place, "store")?;
        let call = self.changes(Op::Place, delivery.at.to_string());
        let written = self.invoker.call(&call, || part.place(&self.cx, delivery));
        self.apart(part.limits().min_gap, written).await
    }

    pub async fn read(&self, at: &PlacementId, named: &[String]) -> Result<Held> {
        let part = self.part(&self.provider.store, Op::Read, "store")?;
        let call = self.looks(Op::Read, at.to_string());
        self.invoker.call(&call, || part.read(&self.cx, at, named)).await
    }

    /// As [`Calls::place`], a write.
    pub async fn remove(&self, at: &PlacementId, named: &[String]) -> Result<()> {
        let part = self.part(&self.provider.store, Op::Remove, "store")?;
        let call = self.changes(Op::Remove, at.to_string());
        let removed = self.invoker.call(&call, || part.remove(&self.cx, at, named));
        self.apart(part.limits().min_gap, removed).await
    }

    pub async fn verify(&self, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict> {
        let part = self.part(&self.provider.verifier, Op::Verify, "verifier")?;
        let call = self.looks(Op::Verify, principal.to_string());
        self.invoker.call(&call, || part.verify(&self.cx, principal, bundle)).await
    }

    pub async fn disable(&self, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let part = self.part(&self.provider.revoker, Op::Disable, "revoker")?;
        let call = self.changes(Op::Disable, both(principal, id));
        self.invoker.call(&call, || part.disable(&self.cx, principal, id)).await
    }

    pub async fn enable(&self, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let part = self.part(&self.provider.revoker, Op::Enable, "revoker")?;
        let call = self.changes(Op::Enable, both(principal, id));
        self.invoker.call(&call, || part.enable(&self.cx, principal, id)).await
    }

    pub async fn destroy(&self, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let part = self.part(&self.provider.revoker, Op::Destroy, "revoker")?;
        let call = self.changes(Op::Destroy, both(principal, id));
        self.invoker.call(&call, || part.destroy(&self.cx, principal, id)).await
    }

    pub async fn end_sessions(
        &self,
        principal: &PrincipalId,
        id: &CredentialId,
        before: Timestamp,
    ) -> Result<()> {
        let part = self.part(&self.provider.revoker, Op::EndSessions, "revoker")?;
        let call = self.changes(Op::EndSessions, both(principal, id));
        self.invoker.call(&call, || part.end_sessions(&self.cx, principal, id, before)).await
    }

    pub async fn last_use(&self, principal: &PrincipalId, id: &CredentialId) -> Result<Use> {
        let part = self.part(&self.provider.usage, Op::LastUse, "usage")?;
        let call = self.looks(Op::LastUse, both(principal, id));
        self.invoker.call(&call, || part.last_use(&self.cx, principal, id)).await
    }

    pub async fn check(&self, needs: &[Need]) -> Result<Vec<Grant>> {
        let part = self.part(&self.provider.access, Op::Check, "access")?;
        let call = self.looks(Op::Check, format!("{} needs", needs.len()));
        self.invoker.call(&call, || part.check(&self.cx, needs)).await
    }

    /// The least policy for these needs, where the provider can say it. No call.
    pub fn policy(&self, needs: &[Need]) -> Option<String> {
        self.provider.access.as_ref().map(|part| part.policy(needs))
    }

    /// What a person has to do where the provider cannot. No call.
    pub fn instructions(&self) -> Option<&Instructions> {
        self.provider.instructions.as_ref()
    }

    fn looks(&self, op: Op, subject: String) -> Call {
        Call { provider: self.name().clone(), op, subject, mutates: false }
    }

    fn changes(&self, op: Op, subject: String) -> Call {
        Call { mutates: true, ..self.looks(op, subject) }
    }

    fn part<'p, T: ?Sized>(
        &self,
        part: &'p Option<Arc<T>>,
        op: Op,
        what: &str,
    ) -> Result<&'p Arc<T>> {
        part.as_ref().ok_or_else(|| {
            let message = format!("it has no {what}");
            Error::new(self.name().clone(), op, ErrorKind::Unsupported, Effect::None, message)
                .with_hint(
                    "name a provider that has one: `verify`, `revoke` or `usage` of the credential",
                )
        })
    }

    /// One write after the other, with the gap between the end of one and the start of the next.
    async fn apart<T>(&self, gap: Duration, write: impl Future<Output = Result<T>>) -> Result<T> {
        if gap.is_zero() || self.invoker.rules.dry_run || self.invoker.rules.read_only {
            return write.await;
        }
        let writer = self.invoker.writer(self.name());
        let mut last = writer.lock().await;
        if let Some(last) = *last {
            time::sleep_until(last + gap).await;
        }
        let written = write.await;
        *last = Some(Instant::now());
        written
    }
}

fn both(principal: &PrincipalId, id: &CredentialId) -> String {
    format!("{principal} {id}")
}
