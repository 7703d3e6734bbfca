//! The providers of a world.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;
use keysweep_sdk::{
    Access, Bundle, Chosen, CredentialId, Cx, Delivery, Error, ErrorKind, Grant, Held,
    Instructions, Issuer, IssuerLimits, Live, MintRequest, Minted, Need, Op, PlacementId,
    PrincipalId, Provider, ProviderName, Result, Revoker, RevokerLimits, Slot, Store, StoreLimits,
    Usage, UsageLimits, Use, Verdict, Verifier, VerifierLimits,
};

use crate::{
    Counts, End, Failure, IssuerSpec, Kind, Logged, Outcome, StoreSpec, World,
    fault::{mutates, told},
    issuer::Refusal,
};

pub(crate) const DEATH: &str = "the process is dead";

/// Whether this is not an answer of a provider, but the death of the process under test.
pub fn is_death(error: &Error) -> bool {
    error.kind == ErrorKind::Unexpected && error.message() == DEATH
}

/// As whom a provider's calls are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Who {
    /// May do everything that [`World::deny`] does not take.
    Good,
    /// Is not believed.
    Wrong,
    /// May not do this.
    Weak(Op),
}

/// A world, and the way to its providers. Clones are of the same world.
#[derive(Clone)]
pub struct Fake {
    world: Arc<Mutex<World>>,
}

impl Fake {
    pub fn new(seed: u64) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(seed))) }
    }

    /// The world, for as long as the guard is held: a call of a provider waits for it forever.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The provider of that name, with the halves that were added.
    pub fn provider(&self, name: &str) -> Provider {
        self.provider_as(name, Who::Good)
    }

    pub fn provider_as(&self, name: &str, who: Who) -> Provider {
        let name = ProviderName::new(name);
        let (issuer, store) = {
            let world = self.world();
            (world.issuers.get(&name).cloned(), world.stores.get(&name).cloned())
        };
        let parts = issuer.as_ref().map(|spec| spec.parts);
        let manual = issuer.as_ref().is_some_and(|spec| spec.kind == Kind::Manual);
        let part = Part { name: name.clone(), who, issuer, store, world: Arc::clone(&self.world) };
        let mut provider = Provider::new(name);
        if part.store.is_some() {
            provider = provider.store(part.clone());
        }
        if parts.is_some_and(|parts| parts.issuer) {
            provider = provider.issuer(part.clone());
        }
        if parts.is_some_and(|parts| parts.verifier) {
            provider = provider.verifier(part.clone());
        }
        if parts.is_some_and(|parts| parts.revoker) {
            provider = provider.revoker(part.clone());
        }
        if parts.is_some_and(|parts| parts.usage) {
            provider = provider.usage(part.clone());
        }
        if manual {
            provider = provider.instructions(Instructions {
                at: Some("https://console.example".into()),
                mint: vec!["make a new one".into()],
                revoke: vec!["revoke the old one".into()],
                ..Instructions::default()
            });
        }
        if parts.is_none_or(|parts| parts.access) {
            provider = provider.access(part);
        }
        provider
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

/// Every part of one provider.
#[derive(Clone)]
struct Part {
    name: ProviderName,
    who: Who,
    issuer: Option<IssuerSpec>,
    store: Option<StoreSpec>,
    world: Arc<Mutex<World>>,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("name", &self.name).field("who", &self.who).finish()
    }
}

impl Part {
    fn error(&self, op: Op, refusal: &Refusal) -> Error {
        Error::new(self.name.clone(), op, refusal.kind, refusal.effect, refusal.why)
            .with_hint("this is a simulation")
    }

    fn failed<T>(&self, op: Op, failure: Failure) -> Result<T> {
        let (kind, effect, why) = told(op, failure);
        Err(self.error(op, &Refusal { kind, effect, why }))
    }

    /// The one path of every call.
    fn call<T>(
        &self,
        op: Op,
        on: &str,
        lie: Option<T>,
        apply: impl FnOnce(&mut World) -> Result<T, Refusal>,
    ) -> Result<T> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let world = &mut *world;
        if world.dead {
            return self.failed(op, Failure::DieBefore);
        }
        world.begin(op);
        let denied = world.is_denied(&self.name, op);
        let failure = match self.who {
            Who::Wrong => Some(Failure::Status(401)),
            Who::Weak(weak) if weak == op => Some(Failure::Status(403)),
            _ if denied => Some(Failure::Status(403)),
            _ => world.burnt(op).or_else(|| world.failure(&self.name, op, on)),
        };
        let (outcome, result) = match failure {
            None => match world.apply(op, apply) {
                Ok(done) => (Outcome::Done, Ok(done)),
                Err(refusal) => (Outcome::Failed, Err(self.error(op, &refusal))),
            },
            Some(twist @ (Failure::Broken | Failure::OtherScope)) => {
                world.twist = Some(twist);
                match world.apply(op, apply) {
                    Ok(done) => (Outcome::Done, Ok(done)),
                    Err(refusal) => (Outcome::Failed, Err(self.error(op, &refusal))),
                }
            }
            Some(failure @ (Failure::LoseReply | Failure::DieAfter)) => {
                world.dead = failure == Failure::DieAfter;
                let born = world.credentials.len();
                match world.apply(op, apply) {
                    Ok(_) => {
                        world.credentials[born..].iter_mut().for_each(|c| c.fate.replied = false);
                        (Outcome::Unheard, self.failed(op, failure))
                    }
                    Err(_) if world.dead => (Outcome::Failed, self.failed(op, failure)),
                    Err(refusal) => (Outcome::Failed, Err(self.error(op, &refusal))),
                }
            }
            Some(Failure::Lie) if lie.is_some() => {
                (Outcome::Failed, lie.map_or_else(|| self.failed(op, Failure::Lie), Ok))
            }
            Some(failure) => {
                world.dead = failure == Failure::DieBefore;
                (Outcome::Failed, self.failed(op, failure))
            }
        };
        world.twist = None;
        world.note(&self.name, op, on, outcome);
        result
    }

    fn spec(&self) -> &IssuerSpec {
        self.issuer.as_ref().unwrap_or_else(|| panic!("`{}` issues nothing", self.name))
    }
}

impl World {
    fn begin(&mut self, op: Op) {
        self.calls += 1;
        self.effects += u32::from(mutates(op));
        self.now = crate::time::later(self.now, self.latency);
        if mutates(op) || self.due() {
            self.settle();
        }
        self.strangers_before_call(mutates(op));
    }

    fn burnt(&mut self, op: Op) -> Option<Failure> {
        let fuse = self.fuse.as_mut()?;
        if fuse.counts == Counts::Effects && !mutates(op) {
            return None;
        }
        fuse.left = fuse.left.saturating_sub(1);
        (fuse.left == 0).then_some(if fuse.lands { Failure::DieAfter } else { Failure::DieBefore })
    }

    fn apply<T>(
        &mut self,
        op: Op,
        apply: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if !mutates(op) {
            return apply(self);
        }
        self.settle();
        let result = apply(self);
        self.look();
        result
    }

    fn note(&mut self, provider: &ProviderName, op: Op, on: &str, outcome: Outcome) {
        if self.keep_log {
            let (at, provider) = (self.now, provider.clone());
            self.log.push(Logged { at, provider, op, on: on.to_owned(), outcome });
        }
    }
}

#[async_trait]
impl Issuer for Part {
    fn limits(&self) -> IssuerLimits {
        self.spec().limits()
    }

    async fn snapshot(&self, _cx: &Cx, principal: &PrincipalId) -> Result<Vec<Live>> {
        self.call(Op::Snapshot, principal.as_str(), None, |w| w.listed(&self.name, principal))
    }

    async fn choose(
        &self,
        _cx: &Cx,
        principal: &PrincipalId,
        _live: &[Live],
        old: Option<&CredentialId>,
    ) -> Result<Option<Chosen>> {
        self.call(Op::Choose, principal.as_str(), None, |world| {
            world.choose_next(&self.name, principal, old)
        })
    }

    async fn mint(&self, _cx: &Cx, request: &MintRequest<'_>) -> Result<Minted> {
        self.call(Op::Mint, request.principal.as_str(), None, |w| w.mint(&self.name, request))
    }
}

#[async_trait]
impl Store for Part {
    fn limits(&self) -> StoreLimits {
        let spec = self.store.as_ref();
        spec.unwrap_or_else(|| panic!("`{}` stores nothing", self.name)).limits.clone()
    }

    async fn stat(&self, _cx: &Cx, at: &PlacementId) -> Result<Option<Slot>> {
        self.call(Op::Stat, at.as_str(), None, |world| world.stat(&self.name, at))
    }

    async fn place(&self, _cx: &Cx, delivery: &Delivery<'_>) -> Result<Slot> {
        self.call(Op::Place, delivery.at.as_str(), Some(Slot::default()), |world| {
            world.place(&self.name, delivery)
        })
    }

    async fn read(&self, _cx: &Cx, at: &PlacementId, named: &[String]) -> Result<Held> {
        self.call(Op::Read, at.as_str(), None, |w| w.read_placement(&self.name, at, named))
    }

    async fn remove(&self, _cx: &Cx, at: &PlacementId, named: &[String]) -> Result<()> {
        self.call(Op::Remove, at.as_str(), Some(()), |world| {
            world.remove_placement(&self.name, at, named)
        })
    }
}

#[async_trait]
impl Verifier for Part {
    fn limits(&self) -> VerifierLimits {
        self.spec().verify.clone()
    }

    async fn verify(&self, _cx: &Cx, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict> {
        self.call(Op::Verify, principal.as_str(), None, |world| {
            Ok(world.verdict(&self.name, bundle))
        })
    }
}

#[async_trait]
impl Revoker for Part {
    fn limits(&self) -> RevokerLimits {
        self.spec().revoker()
    }

    async fn disable(&self, _cx: &Cx, _: &PrincipalId, id: &CredentialId) -> Result<()> {
        self.call(Op::Disable, id.as_str(), Some(()), |world| world.disable(&self.name, id))
    }

    async fn enable(&self, _cx: &Cx, _: &PrincipalId, id: &CredentialId) -> Result<()> {
        self.call(Op::Enable, id.as_str(), Some(()), |world| world.enable(&self.name, id))
    }

    async fn destroy(&self, _cx: &Cx, _: &PrincipalId, id: &CredentialId) -> Result<()> {
        self.call(Op::Destroy, id.as_str(), Some(()), |world| {
            world.end(&self.name, id, End::Destroyed);
            Ok(())
        })
    }

    async fn end_sessions(
        &self,
        _cx: &Cx,
        _: &PrincipalId,
        id: &CredentialId,
        before: Timestamp,
    ) -> Result<()> {
        self.call(Op::EndSessions, id.as_str(), Some(()), |world| {
            world.end_sessions(&self.name, id, before);
            Ok(())
        })
    }
}

#[async_trait]
impl Usage for Part {
    fn limits(&self) -> UsageLimits {
        self.spec().usage.clone()
    }

    async fn last_use(&self, _cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<Use> {
        self.call(Op::LastUse, id.as_str(), None, |w| w.last_used(&self.name, principal, id))
    }
}

#[async_trait]
impl Access for Part {
    async fn check(&self, _cx: &Cx, needs: &[Need]) -> Result<Vec<Grant>> {
        self.call(Op::Check, "", None, |world| {
            let held = |op: Op| !world.is_denied(&self.name, op) && self.who != Who::Weak(op);
            let grants = wanted(needs).into_iter().map(|(op, on)| Grant {
                permission: permission(op),
                held: Some(held(op)),
                on,
            });
            Ok(grants.collect())
        })
    }

    fn policy(&self, needs: &[Need]) -> String {
        let lines = wanted(needs);
        lines.iter().map(|(op, on)| format!("allow {} on {on}\n", permission(*op))).collect()
    }
}

fn permission(op: Op) -> String {
    format!("fake:{op:?}")
}

fn wanted(needs: &[Need]) -> Vec<(Op, String)> {
    let wants = |need: &Need| match need {
        Need::Snapshot(principal) => vec![(Op::Snapshot, principal.to_string())],
        Need::Rotate(principal) => [Op::Mint, Op::Disable, Op::Enable, Op::Destroy]
            .map(|op| (op, principal.to_string()))
            .to_vec(),
        Need::Stat(at) => vec![(Op::Stat, at.to_string())],
        Need::Place(at) => vec![(Op::Place, at.to_string())],
    };
    needs.iter().flat_map(wants).collect()
}
