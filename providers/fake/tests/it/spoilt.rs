//! The suite's own proof: a provider that breaks one promise fails the check that holds it to this promise.

use std::sync::Arc;

use async_trait::async_trait;
use keysweep_conformance::{Outcome, run};
use keysweep_provider_fake::{IssuerSpec, Slots, StoreSpec};
use keysweep_sdk::{
    Bundle, Chosen, CredentialId, Cx, Delivery, Effect, Error, ErrorKind, Held, Issuer,
    IssuerLimits, Live, MintRequest, Minted, Op, Payload, PlacementId, PrincipalId, Provider,
    Purpose, Result, Revoker, RevokerLimits, SecretValue, Slot, Store, StoreLimits, Verdict,
    Verifier, VerifierLimits,
};

use crate::bench::World;

/// A promise that is broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Broken {
    /// A mutation that failed is sent again.
    Retries,
    /// A lost reply is told as a failure without an effect.
    LostIsNone,
    /// A refusal is told as if something could have happened.
    RefusedIsUnknown,
    /// The value stands in the error.
    LeaksInError,
    /// The list leaves one out.
    ShortList,
    /// What cannot be asked counts as dead.
    UnreachableIsDead,
    /// Everything is alive.
    AllLive,
    /// What is gone cannot be destroyed.
    GoneFails,
    /// To destroy what was replaced destroys its successor.
    DestroysSuccessor,
    /// A disabled one is said to be so, and is not.
    DisableLies,
    /// Values beside the written one are lost.
    DropsNeighbours,
    /// Nobody's version is looked at.
    NoCompare,
    /// What is too big is written.
    AnySize,
    /// The same value for each choice.
    ChoosesAgain,
    /// Each mint of the same choice makes another value.
    MintsAnother,
    /// The marker is left out.
    NoMarker,
    /// More than asked for.
    WiderScope,
}

#[derive(Debug)]
struct Spoilt {
    inner: Provider,
    broken: Broken,
}

impl Spoilt {
    fn is(&self, broken: Broken) -> bool {
        self.broken == broken
    }

    fn told(&self, op: Op, error: Error, value: Option<&SecretValue>) -> Error {
        let effect = match (self.broken, error.effect) {
            (Broken::LostIsNone, Effect::Unknown) => Effect::None,
            (Broken::RefusedIsUnknown, Effect::None) => Effect::Unknown,
            (_, effect) => effect,
        };
        let value = value.filter(|_| self.is(Broken::LeaksInError));
        let message = match value {
            Some(value) => format!("not taken: {}", value.expose_for(Purpose::Place)),
            None => error.message().to_owned(),
        };
        Error::new(self.inner.name().clone(), op, error.kind, effect, message)
    }
}

macro_rules! part {
    ($self:expr, $part:ident) => {
        $self.inner.$part.as_ref().expect("the part that is spoilt")
    };
}

#[async_trait]
impl Issuer for Spoilt {
    fn limits(&self) -> IssuerLimits {
        part!(self, issuer).limits()
    }

    async fn snapshot(&self, cx: &Cx, principal: &PrincipalId) -> Result<Vec<Live>> {
        let mut live = part!(self, issuer).snapshot(cx, principal).await?;
        if self.is(Broken::ShortList) {
            live.truncate(1);
        }
        if self.is(Broken::NoMarker) {
            live.iter_mut().for_each(|live| live.marker = None);
        }
        Ok(live)
    }

    async fn choose(
        &self,
        cx: &Cx,
        principal: &PrincipalId,
        live: &[Live],
        old: Option<&CredentialId>,
    ) -> Result<Option<Chosen>> {
        let chosen = part!(self, issuer).choose(cx, principal, live, old).await?;
        Ok(chosen.map(|chosen| {
            let fixed = SecretValue::new("always-the-same-password");
            let same = self.is(Broken::ChoosesAgain);
            let bundle = if same { chosen.bundle.with("password", fixed) } else { chosen.bundle };
            Chosen { id: chosen.id, bundle }
        }))
    }

    async fn mint(&self, cx: &Cx, request: &MintRequest<'_>) -> Result<Minted> {
        let issuer = part!(self, issuer);
        if self.is(Broken::MintsAnother) {
            let live = issuer.snapshot(cx, request.principal).await?;
            let chosen = issuer.choose(cx, request.principal, &live, request.replaces).await?;
            return issuer.mint(cx, &MintRequest { chosen: chosen.as_ref(), ..*request }).await;
        }
        let mut result = issuer.mint(cx, request).await;
        if self.is(Broken::Retries) && result.is_err() {
            result = issuer.mint(cx, request).await;
        }
        if self.is(Broken::WiderScope) {
            result = result.map(|mut minted| {
                minted.scope.insert("scopes".into(), "admin".into());
                minted
            });
        }
        result.map_err(|error| self.told(Op::Mint, error, None))
    }
}

#[async_trait]
impl Verifier for Spoilt {
    fn limits(&self) -> VerifierLimits {
        part!(self, verifier).limits()
    }

    async fn verify(&self, cx: &Cx, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict> {
        let result = part!(self, verifier).verify(cx, principal, bundle).await;
        match (self.broken, result) {
            (Broken::UnreachableIsDead, Err(_)) => Ok(Verdict::Dead),
            (Broken::AllLive, _) => Ok(Verdict::Live(keysweep_sdk::Identity::default())),
            (_, result) => result,
        }
    }
}

#[async_trait]
impl Revoker for Spoilt {
    fn limits(&self) -> RevokerLimits {
        part!(self, revoker).limits()
    }

    async fn disable(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        if self.is(Broken::DisableLies) {
            return Ok(());
        }
        part!(self, revoker).disable(cx, principal, id).await
    }

    async fn enable(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        part!(self, revoker).enable(cx, principal, id).await
    }

    async fn destroy(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let revoker = part!(self, revoker);
        let live = part!(self, issuer).snapshot(cx, principal).await.unwrap_or_default();
        let there = live.iter().any(|live| live.id == *id);
        if !there && self.is(Broken::GoneFails) {
            let name = self.inner.name().clone();
            return Err(Error::new(name, Op::Destroy, ErrorKind::NotFound, Effect::None, "gone"));
        }
        if !there && self.is(Broken::DestroysSuccessor) {
            for live in live {
                revoker.destroy(cx, principal, &live.id).await?;
            }
        }
        let mut result = revoker.destroy(cx, principal, id).await;
        if self.is(Broken::Retries) && result.is_err() {
            result = revoker.destroy(cx, principal, id).await;
        }
        result.map_err(|error| self.told(Op::Destroy, error, None))
    }
}

#[async_trait]
impl Store for Spoilt {
    fn limits(&self) -> StoreLimits {
        let mut limits = part!(self, store).limits();
        if self.is(Broken::AnySize) {
            limits.max_bytes = Some(16 * 1024);
        }
        limits
    }

    async fn stat(&self, cx: &Cx, at: &PlacementId) -> Result<Option<Slot>> {
        part!(self, store).stat(cx, at).await
    }

    async fn place(&self, cx: &Cx, delivery: &Delivery<'_>) -> Result<Slot> {
        let store = part!(self, store);
        let expect = delivery.expect.filter(|_| !self.is(Broken::NoCompare));
        if self.is(Broken::DropsNeighbours) {
            let names = ["A".to_owned(), "B".to_owned()];
            store.remove(cx, delivery.at, &names).await?;
            let delivery = Delivery::new(delivery.at, delivery.payload);
            return store.place(cx, &delivery).await;
        }
        let delivery = Delivery { at: delivery.at, payload: delivery.payload, expect };
        let value = match delivery.payload {
            Payload::One(value) => Some(value),
            Payload::Named(named) => named.iter().map(|(_, value)| value).next(),
        };
        let result = store.place(cx, &delivery).await;
        result.map_err(|error| self.told(Op::Place, error, value))
    }

    async fn read(&self, cx: &Cx, at: &PlacementId, named: &[String]) -> Result<Held> {
        part!(self, store).read(cx, at, named).await
    }

    async fn remove(&self, cx: &Cx, at: &PlacementId, named: &[String]) -> Result<()> {
        part!(self, store).remove(cx, at, named).await
    }
}

fn spoilt(inner: Provider, broken: Broken) -> Provider {
    let part = || Spoilt { inner: inner.clone(), broken };
    let mut provider = inner.clone();
    if inner.issuer.is_some() {
        provider.issuer = Some(Arc::new(part()));
        provider.verifier = Some(Arc::new(part()));
        provider.revoker = Some(Arc::new(part()));
    }
    if inner.store.is_some() {
        provider.store = Some(Arc::new(part()));
    }
    provider
}

/// Each promise, as a function pointer that the bench can hold.
macro_rules! fails {
    ($issuer:expr, $store:expr, $broken:ident, $($check:expr),+) => {{
        let mut world = World::new($issuer, $store);
        world.spoil = |provider| spoilt(provider, Broken::$broken);
        let report = run(&mut world).await;
        for check in [$($check),+] {
            let outcome = report.of(check);
            assert!(matches!(outcome, Some(Outcome::Failed(_))), "{check}: {outcome:?}\n{report}");
        }
        assert!(!report.conforms());
    }};
}

#[tokio::test]
async fn what_breaks_a_promise_of_an_issuer_fails() {
    let overlap = || Some(IssuerSpec::overlap());
    fails!(overlap(), None, Retries, "mint/reply-lost", "destroy/reply-lost");
    fails!(overlap(), None, LostIsNone, "mint/reply-lost", "destroy/reply-lost");
    fails!(overlap(), None, RefusedIsUnknown, "mint/refused", "mint/denied", "mint/status-429");
    fails!(overlap(), None, ShortList, "mint/makes-one-that-works");
    fails!(overlap(), None, UnreachableIsDead, "verify/refused", "verify/status-500");
    fails!(overlap(), None, AllLive, "verify/garbage-is-dead", "destroy/ends-it-and-no-other");
    fails!(overlap(), None, GoneFails, "destroy/ends-it-and-no-other", "destroy/what-never-was");
    fails!(overlap(), None, DestroysSuccessor, "destroy/what-never-was");
    fails!(overlap(), None, DisableLies, "disable/reversible");
    fails!(overlap(), None, WiderScope, "mint/makes-one-that-works");
    let marked = Some(IssuerSpec::overlap_marked());
    fails!(marked, None, NoMarker, "mint/makes-one-that-works", "mint/reply-lost");
}

#[tokio::test]
async fn what_breaks_a_promise_of_a_caller_chosen_value_fails() {
    let one = || Some(IssuerSpec::caller_chosen(Slots::One));
    fails!(one(), None, ChoosesAgain, "choose/changes-nothing");
    fails!(one(), None, MintsAnother, "mint/twice-is-once", "mint/reply-lost");
    fails!(one(), None, DestroysSuccessor, "destroy/what-was-replaced-and-is-gone");
}

#[tokio::test]
async fn what_breaks_a_promise_of_a_store_fails() {
    let readable = || Some(StoreSpec::readable());
    fails!(None, readable(), DropsNeighbours, "place/keeps-neighbours");
    fails!(None, readable(), NoCompare, "place/conflict");
    fails!(None, readable(), AnySize, "place/too-big");
    fails!(None, readable(), LeaksInError, "provider/prints-no-value");
    fails!(None, readable(), LostIsNone, "place/reply-lost");
}
