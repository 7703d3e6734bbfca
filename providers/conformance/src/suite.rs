//! What all checks share: the bench, the provider mounted for this check, and what was printed so far.

use std::{fmt::Debug, future::Future, rc::Rc, sync::Arc, time::Duration};

use keysweep_sdk::{
    Bundle, Capabilities, CredentialId, Cx, Effect, Error, ErrorKind, Issuer, Live, LiveState,
    MintRequest, Minted, Op, PrincipalId, Provider, Result, Revoker, Store, Usage, Verdict,
    Verifier,
};

use crate::{Bench, Credentials, Excuse, Outcome, Own, Placements, Report, canary::Canaries};

/// Checks of the provider as a whole.
pub(crate) const NAMES: &[&str] = &[
    "provider/mounts",
    "provider/hosts-cover-what-is-dialled",
    "provider/parts-match-the-start",
    "provider/prints-no-value",
];

/// Why a check ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(String),
    Excused(String),
}

pub(crate) type Checked<T = ()> = std::result::Result<T, Stop>;

pub(crate) fn fail<T>(why: impl Into<String>) -> Checked<T> {
    Err(Stop::Failed(why.into()))
}

pub(crate) fn excuse<T>(why: impl Into<String>) -> Checked<T> {
    Err(Stop::Excused(why.into()))
}

pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Stop::Failed(why())) }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(format!("{error} ({:?}, {:?})", error.kind, error.effect))
    }
}

/// Runs each check between `begin` and `end`, under its name.
macro_rules! checks {
    ($suite:expr; $($name:expr => $check:expr),* $(,)?) => {{
        $(if $suite.begin($name).await {
            let outcome = $check($suite).await;
            $suite.end(outcome).await;
        })*
    }};
}
pub(crate) use checks;

pub(crate) struct Suite<'a> {
    pub(crate) bench: &'a mut dyn Bench,
    pub(crate) provider: Provider,
    pub(crate) cx: Cx,
    can: Capabilities,
    credentials: Option<Rc<Credentials>>,
    placements: Option<Rc<Placements>>,
    check: String,
    deviation: Option<String>,
    markers: usize,
    canaries: Canaries,
    report: Report,
}

impl<'a> Suite<'a> {
    pub(crate) async fn new(bench: &'a mut dyn Bench) -> Self {
        let start = bench.reset().await;
        let (provider, mounted) = match bench.provider(Own::Good).await {
            Ok(provider) => (provider, Outcome::Passed),
            Err(why) => (
                Provider::new(keysweep_sdk::ProviderName::new("unmounted")),
                Outcome::Failed(format!("{why:?}")),
            ),
        };
        let can = provider.capabilities();
        let mut canaries = Canaries::default();
        bench.canaries().iter().for_each(|value| canaries.plant(value));
        let mut suite = Self {
            bench,
            provider,
            cx: Cx { campaign: "conformance".into() },
            can,
            credentials: start.credentials.map(Rc::new),
            placements: start.placements.map(Rc::new),
            check: "provider/mounts".into(),
            deviation: None,
            markers: 0,
            canaries,
            report: Report::default(),
        };
        suite.report.add("provider/mounts", mounted);
        let outcome = suite.parts_match_the_start();
        suite.report.add("provider/parts-match-the-start", outcome);
        suite
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.can
    }

    fn parts_match_the_start(&self) -> Outcome {
        let can = &self.can;
        let credentials = can.issuer.is_some() || can.verifier.is_some() || can.revoker.is_some();
        match (&self.credentials, &self.placements) {
            (None, _) if credentials || can.usage.is_some() => {
                Outcome::Failed("the bench starts without `credentials`".into())
            }
            (_, None) if can.store.is_some() => {
                Outcome::Failed("the bench starts without `placements`".into())
            }
            _ if *can == Capabilities::default() => {
                Outcome::Failed("the provider has no parts".into())
            }
            _ => Outcome::Passed,
        }
    }

    /// Whether the check is to be run; then the server is at its start, and the provider newly mounted.
    pub(crate) async fn begin(&mut self, check: &str) -> bool {
        check.clone_into(&mut self.check);
        self.deviation = None;
        match self.bench.excuse(check) {
            Some(Excuse::NotPossible(why)) => {
                self.report.add(check, Outcome::Excused(why));
                return false;
            }
            Some(Excuse::Deviation(why)) => self.deviation = Some(why),
            None => {}
        }
        self.bench.lift().await;
        let start = self.bench.reset().await;
        self.credentials = start.credentials.map(Rc::new);
        self.placements = start.placements.map(Rc::new);
        if let Some(credentials) = &self.credentials {
            let (id, principal) = (&credentials.old, &credentials.principal);
            self.canaries.bundle(&credentials.bundle, id, principal);
        }
        match self.bench.provider(Own::Good).await {
            Ok(provider) => {
                self.provider = provider;
                true
            }
            Err(why) => {
                self.report.add(check, Outcome::Failed(format!("does not mount: {why:?}")));
                false
            }
        }
    }

    pub(crate) async fn end(&mut self, outcome: Checked) {
        self.bench.lift().await;
        let outcome = match (outcome, self.deviation.take()) {
            (Ok(()), None) => Outcome::Passed,
            (Ok(()), Some(why)) => {
                Outcome::Failed(format!("it passes, in spite of the deviation: {why}"))
            }
            (Err(Stop::Failed(what)), Some(why)) => {
                Outcome::Excused(format!("deviation of the server: {why}: {what}"))
            }
            (Err(Stop::Failed(what)), None) => Outcome::Failed(what),
            (Err(Stop::Excused(why)), _) => Outcome::Excused(why),
        };
        self.report.add(&self.check, outcome);
    }

    pub(crate) async fn finish(mut self, demanded: Vec<String>) -> Report {
        self.bench.lift().await;
        let debug = format!("{:?} {:#?}", self.provider, self.provider);
        self.canaries.printed("Debug of the provider", debug);
        let unlisted: Vec<_> = self
            .bench
            .endpoints()
            .into_iter()
            .filter(|host| !self.provider.hosts.contains(host))
            .collect();
        let hosts = if unlisted.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed(format!("{unlisted:?} not in {:?}", self.provider.hosts))
        };
        self.report.add("provider/hosts-cover-what-is-dialled", hosts);
        let found = self.canaries.found();
        let silent =
            if found.is_empty() { Outcome::Passed } else { Outcome::Failed(found.join("; ")) };
        self.report.add("provider/prints-no-value", silent);
        self.report.demand(demanded);
        self.report
    }

    /// The credentials of the start.
    pub(crate) fn credentials(&self) -> Checked<Rc<Credentials>> {
        self.credentials.clone().map_or_else(|| fail("the start has no credentials"), Ok)
    }

    pub(crate) fn placements(&self) -> Checked<Rc<Placements>> {
        self.placements.clone().map_or_else(|| fail("the start has no placements"), Ok)
    }

    pub(crate) fn issuer(&self) -> Checked<Arc<dyn Issuer>> {
        self.provider.issuer.clone().map_or_else(|| excuse("no issuer"), Ok)
    }

    pub(crate) fn store(&self) -> Checked<Arc<dyn Store>> {
        self.provider.store.clone().map_or_else(|| excuse("no store"), Ok)
    }

    pub(crate) fn verifier(&self) -> Checked<Arc<dyn Verifier>> {
        self.provider.verifier.clone().map_or_else(|| excuse("no verifier"), Ok)
    }

    pub(crate) fn revoker(&self) -> Checked<Arc<dyn Revoker>> {
        self.provider.revoker.clone().map_or_else(|| excuse("no revoker"), Ok)
    }

    pub(crate) fn usage(&self) -> Checked<Arc<dyn Usage>> {
        self.provider.usage.clone().map_or_else(|| excuse("no usage"), Ok)
    }

    /// The path of every call: bounded, and what it prints is kept for the search.
    pub(crate) async fn call<T: Debug>(
        &mut self,
        op: Op,
        call: impl Future<Output = Result<T>>,
    ) -> Checked<Result<T>> {
        let limit = self.bench.call_limit();
        let Ok(result) = tokio::time::timeout(limit, call).await else {
            return fail(format!("`{op}` did not come back within {limit:?}"));
        };
        match &result {
            Ok(done) => self.canaries.printed(&self.check, format!("{done:?}")),
            Err(error) => {
                self.canaries.error(&self.check, error);
                ensure(error.op == op, || format!("the error of `{op}` says `{}`", error.op))?;
                ensure(error.provider == *self.provider.name(), || {
                    format!("the error names the provider `{}`", error.provider)
                })?;
                ensure(!error.message().trim().is_empty(), || format!("no message: {error:?}"))?;
            }
        }
        Ok(result)
    }

    pub(crate) fn plant(&mut self, payload: &keysweep_sdk::Payload) {
        self.canaries.payload(payload);
    }

    /// Something to place that was not placed before, of the number.
    pub(crate) fn payload(&mut self, names: &[String], number: usize) -> keysweep_sdk::Payload {
        let payload = self.bench.payload(names, number);
        self.plant(&payload);
        payload
    }

    pub(crate) async fn snapshot(&mut self, principal: &PrincipalId) -> Checked<Vec<Live>> {
        let (issuer, cx) = (self.issuer()?, self.cx.clone());
        let mut live = self.call(Op::Snapshot, issuer.snapshot(&cx, principal)).await??;
        live.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(live)
    }

    /// A marker that no mint had before.
    pub(crate) fn marker(&mut self) -> String {
        self.markers += 1;
        self.last_marker()
    }

    pub(crate) fn last_marker(&self) -> String {
        format!("keysweep-conformance-{}", self.markers)
    }

    /// Chooses where that is to be done, and mints.
    pub(crate) async fn mint(&mut self) -> Checked<Minted> {
        let credentials = self.credentials()?;
        let old = credentials.old.clone();
        self.mint_for(&credentials.principal, &old).await
    }

    pub(crate) async fn mint_for(
        &mut self,
        principal: &PrincipalId,
        old: &CredentialId,
    ) -> Checked<Minted> {
        Ok(self.try_mint(principal, old).await??)
    }

    pub(crate) async fn try_mint(
        &mut self,
        principal: &PrincipalId,
        old: &CredentialId,
    ) -> Checked<Result<Minted>> {
        let (issuer, cx, marker) = (self.issuer()?, self.cx.clone(), self.marker());
        // Where there is no room for another, the choice may say so before the mint does.
        let chosen = match self.try_choose(principal, old).await? {
            Ok(chosen) => chosen,
            Err(error) => return Ok(Err(error)),
        };
        let request = MintRequest {
            principal,
            marker: &marker,
            replaces: Some(old),
            chosen: chosen.as_ref(),
        };
        let result = self.call(Op::Mint, issuer.mint(&cx, &request)).await?;
        if let Ok(minted) = &result {
            self.canaries.bundle(&minted.bundle, &minted.id, principal);
        }
        Ok(result)
    }

    pub(crate) async fn choose(
        &mut self,
        principal: &PrincipalId,
        old: &CredentialId,
    ) -> Checked<Option<keysweep_sdk::Chosen>> {
        Ok(self.try_choose(principal, old).await??)
    }

    async fn try_choose(
        &mut self,
        principal: &PrincipalId,
        old: &CredentialId,
    ) -> Checked<Result<Option<keysweep_sdk::Chosen>>> {
        let (issuer, cx) = (self.issuer()?, self.cx.clone());
        if issuer.limits().chooser == keysweep_sdk::Chooser::Issuer {
            return Ok(Ok(None));
        }
        let live = self.snapshot(principal).await?;
        let choice = issuer.choose(&cx, principal, &live, Some(old));
        let chosen = match self.call(Op::Choose, choice).await? {
            Ok(chosen) => chosen,
            Err(error) => return Ok(Err(error)),
        };
        let Some(chosen) = chosen else { return fail("`choose` chose nothing") };
        self.canaries.bundle(&chosen.bundle, &chosen.id, principal);
        Ok(Ok(Some(chosen)))
    }

    pub(crate) async fn verify(&mut self, bundle: &Bundle) -> Checked<Verdict> {
        let (verifier, cx) = (self.verifier()?, self.cx.clone());
        let credentials = self.credentials()?;
        let call = verifier.verify(&cx, &credentials.principal, bundle);
        Ok(self.call(Op::Verify, call).await??)
    }

    /// Asks until the issuer takes it, at most so long. Asked around the provider too, where the bench can. Without a
    /// verifier only that.
    pub(crate) async fn becomes_live(&mut self, bundle: &Bundle, within: Duration) -> Checked {
        self.becomes(bundle, true, within).await
    }

    pub(crate) async fn becomes_dead(&mut self, bundle: &Bundle, within: Duration) -> Checked {
        self.becomes(bundle, false, within).await
    }

    /// That it lives, also when a death that was caused by now would show.
    pub(crate) async fn stays_live(&mut self, bundle: &Bundle) -> Checked {
        let dead_within = self.can.revoker.as_ref().map_or(Duration::ZERO, |l| l.dead_within);
        let wait = dead_within.min(self.bench.patience());
        if !wait.is_zero() {
            self.bench.wait(wait).await;
        }
        self.becomes_live(bundle, Duration::ZERO).await
    }

    async fn becomes(&mut self, bundle: &Bundle, live: bool, within: Duration) -> Checked {
        let principal = self.credentials()?.principal.clone();
        let step = self.step(within);
        let mut waited = Duration::ZERO;
        loop {
            let verdict = match self.provider.verifier {
                Some(_) => Some(self.verify(bundle).await?),
                None => None,
            };
            let told = match &verdict {
                Some(Verdict::Live(_)) => live,
                Some(Verdict::Dead) => !live,
                Some(Verdict::Unknown(_)) => false,
                None => true,
            };
            let seen = self.bench.works(&principal, bundle).await;
            if told && seen.is_none_or(|works| works == live) {
                return Ok(());
            }
            ensure(waited < within, || {
                let want = if live { "live" } else { "dead" };
                format!("not {want} within {within:?}: {verdict:?}, at the server: {seen:?}")
            })?;
            self.bench.wait(step).await;
            waited += step;
        }
    }

    /// Lists until this holds, at most for `visible_within`.
    pub(crate) async fn lists(
        &mut self,
        principal: &PrincipalId,
        holds: impl Fn(&[Live]) -> bool,
    ) -> Checked<Vec<Live>> {
        let within = self.issuer()?.limits().visible_within;
        let step = self.step(within);
        let mut waited = Duration::ZERO;
        loop {
            let live = self.snapshot(principal).await?;
            if holds(&live) || waited >= within {
                return Ok(live);
            }
            self.bench.wait(step).await;
            waited += step;
        }
    }

    fn step(&self, within: Duration) -> Duration {
        let spacing = self.can.verifier.as_ref().map_or(Duration::ZERO, |limits| limits.spacing);
        spacing.max(within / 40).max(Duration::from_millis(20))
    }

    /// Whether a call makes a successor.
    pub(crate) fn mints(&self) -> bool {
        self.can.issuer.as_ref().is_some_and(crate::mints)
    }

    /// How long until a new credential works: zero without an issuer.
    pub(crate) fn visible_within(&self) -> Duration {
        self.can.issuer.as_ref().map_or(Duration::ZERO, |limits| limits.visible_within)
    }
}

/// The failure that an operation has to have: the kind, and that nothing happened.
pub(crate) fn refused<T: Debug>(result: Result<T>, kinds: &[ErrorKind]) -> Checked {
    match result {
        Ok(done) => fail(format!("it succeeded: {done:?}")),
        Err(error) => {
            ensure(kinds.contains(&error.kind), || {
                format!("{:?} instead of {kinds:?}: {error}", error.kind)
            })?;
            ensure(error.effect == Effect::None, || format!("{:?}: {error}", error.effect))
        }
    }
}

pub(crate) fn listed<'l>(live: &'l [Live], id: &CredentialId) -> Option<&'l Live> {
    live.iter().find(|live| live.id == *id)
}

pub(crate) fn active(live: &[Live], id: &CredentialId) -> bool {
    listed(live, id).is_some_and(|live| live.state == LiveState::Active)
}
