//! A world as the suite's bench.

use std::time::Duration;

use jiff::Timestamp;
use keysweep_conformance::{
    Bench, Credentials, Fault, FaultKind, Injected, NotPossible, Own, Placements, Start,
};
use keysweep_provider_fake::{CANARY, Failure, Fake, IssuerSpec, Rule, StoreSpec, Who};
use keysweep_sdk::{Bundle, Op, Payload, PlacementId, PrincipalId, Provider, ProviderName};

pub(crate) struct World {
    fake: Fake,
    issuer: Option<IssuerSpec>,
    store: Option<StoreSpec>,
    /// Breaks the provider that the suite sees.
    pub(crate) spoil: fn(Provider) -> Provider,
    injected: Option<(Op, usize)>,
}

impl World {
    pub(crate) fn new(issuer: Option<IssuerSpec>, store: Option<StoreSpec>) -> Self {
        Self { fake: Fake::new(1), issuer, store, spoil: |provider| provider, injected: None }
    }
}

#[async_trait::async_trait(?Send)]
impl Bench for World {
    async fn reset(&mut self) -> Start {
        self.fake = Fake::new(1);
        let mut world = self.fake.world();
        world.latency = Duration::from_millis(1);
        let mut start = Start::default();
        if let Some(spec) = self.issuer.clone() {
            world.issuer("fake", spec);
            let old = world.principal("fake", "user/ci");
            start.credentials = Some(Credentials {
                principal: PrincipalId::new("user/ci"),
                absent: Some(PrincipalId::new("user/none")),
                bundle: world.bundle("fake", &old).expect("just made"),
                old,
            });
        }
        if let Some(spec) = self.store.clone() {
            let names = match spec.limits.named {
                Some(false) => Vec::new(),
                _ => vec!["A".into(), "B".into()],
            };
            world.store("fake", spec);
            let (at, absent) = (PlacementId::new("ci/TOKEN"), PlacementId::new("ci/NONE"));
            let bad = Some(PlacementId::new("ci/bad name"));
            start.placements = Some(Placements { at, absent, bad, names });
        }
        drop(world);
        start
    }

    async fn provider(&mut self, own: Own) -> Result<Provider, NotPossible> {
        let who = match own {
            Own::Good => Who::Good,
            Own::Wrong => Who::Wrong,
            Own::Weak(op) => Who::Weak(op),
        };
        Ok((self.spoil)(self.fake.provider_as("fake", who)))
    }

    async fn inject(&mut self, fault: &Fault) -> Injected {
        let failure = match fault.kind {
            FaultKind::Refuse => Failure::Refuse,
            FaultKind::Close => Failure::TimeOut,
            FaultKind::Hang => {
                return Injected::NotPossible("nothing waits in memory".into());
            }
            FaultKind::LoseReply | FaultKind::CutReply => Failure::LoseReply,
            FaultKind::Status(429) => Failure::RateLimited(Duration::from_secs(7)),
            FaultKind::Status(status) => Failure::Status(status),
        };
        let mut world = self.fake.world();
        world.rule(Rule::always(fault.op, failure));
        self.injected = Some((fault.op, world.log().len()));
        Injected::Yes
    }

    /// Calls of the operation since the fault; what is asked beforehand is another operation.
    fn struck(&mut self) -> Option<usize> {
        let (op, since) = self.injected?;
        let world = self.fake.world();
        Some(world.log()[since..].iter().filter(|logged| logged.op == op).count())
    }

    async fn lift(&mut self) {
        self.injected = None;
        self.fake.world().clear_rules();
    }

    async fn count(&mut self, principal: &PrincipalId) -> Option<usize> {
        let fates = self.fake.world().fates();
        let alive = |fate: &&keysweep_provider_fake::Fate| {
            fate.principal == *principal && fate.dead_at.is_none()
        };
        Some(fates.iter().filter(alive).count())
    }

    async fn works(&mut self, principal: &PrincipalId, bundle: &Bundle) -> Option<bool> {
        let _ = principal;
        Some(self.fake.world().uses("fake", bundle, "a consumer"))
    }

    async fn holds(&mut self, at: &PlacementId, payload: &Payload) -> Option<bool> {
        Some(self.fake.world().placed_is(&ProviderName::new("fake"), at, payload))
    }

    async fn wait(&mut self, duration: Duration) {
        self.fake.world().advance(duration);
    }

    fn patience(&self) -> Duration {
        Duration::MAX
    }

    fn now(&self) -> Timestamp {
        self.fake.world().now()
    }

    fn canaries(&self) -> Vec<String> {
        vec![CANARY.into()]
    }

    fn endpoints(&self) -> Vec<String> {
        Vec::new()
    }
}
