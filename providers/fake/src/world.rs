use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use jiff::Timestamp;
use keysweep_sdk::{
    Bundle, CredentialId, Minted, Op, PlacementId, PrincipalId, ProviderName, Purpose, Shape,
};

use crate::{
    Act, Attacker, By, CANARY, Fate, Fuse, IssuerSpec, Outage, Rule, StoreSpec,
    consumer::Consumer,
    credential::{Credential, End},
    fault,
    store::Placed,
    stranger::Scheduled,
    time::later,
};

/// What a call came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It took effect (or was answered), and the caller heard of it.
    Done,
    /// It took effect, and the caller did not hear of it.
    Unheard,
    /// It had no effect.
    Failed,
}

/// One call, by names only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Logged {
    pub at: Timestamp,
    pub provider: ProviderName,
    pub op: Op,
    pub on: String,
    pub outcome: Outcome,
}

/// All that there is.
pub struct World {
    seed: u64,
    /// How many values were made up so far.
    values: u64,
    pub(crate) now: Timestamp,
    /// Up to when what happens by itself has happened.
    pub(crate) settled: Timestamp,
    /// How long one call takes.
    pub latency: Duration,
    pub(crate) calls: u32,
    pub(crate) effects: u32,
    pub(crate) issuers: BTreeMap<ProviderName, IssuerSpec>,
    pub(crate) stores: BTreeMap<ProviderName, StoreSpec>,
    pub(crate) principals: BTreeSet<(ProviderName, PrincipalId)>,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) placed: BTreeMap<(ProviderName, PlacementId), Placed>,
    pub(crate) written: BTreeMap<ProviderName, Timestamp>,
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) attackers: Vec<Attacker>,
    pub(crate) scheduled: Vec<Scheduled>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) denied: Vec<(ProviderName, Op)>,
    pub fuse: Option<Fuse>,
    pub(crate) dead: bool,
    pub(crate) outages: Vec<Outage>,
    pub(crate) most_live: BTreeMap<(ProviderName, PrincipalId), u32>,
    pub(crate) log: Vec<Logged>,
    pub(crate) keep_log: bool,
    pub(crate) strange: Vec<(Timestamp, Act)>,
    /// How the mint that is under way is spoilt.
    pub(crate) twist: Option<fault::Failure>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        // 2026-01-05T08:00:00Z, a Monday.
        let now = Timestamp::from_second(1_767_600_000).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            seed,
            values: 0,
            now,
            settled: now,
            latency: Duration::from_millis(100),
            calls: 0,
            effects: 0,
            issuers: BTreeMap::new(),
            stores: BTreeMap::new(),
            principals: BTreeSet::new(),
            credentials: Vec::new(),
            placed: BTreeMap::new(),
            written: BTreeMap::new(),
            consumers: Vec::new(),
            attackers: Vec::new(),
            scheduled: Vec::new(),
            rules: Vec::new(),
            denied: Vec::new(),
            fuse: None,
            dead: false,
            outages: Vec::new(),
            most_live: BTreeMap::new(),
            log: Vec::new(),
            keep_log: true,
            strange: Vec::new(),
            twist: None,
        }
    }

    /// Adds the issuing half of a provider.
    pub fn issuer(&mut self, provider: &str, spec: IssuerSpec) {
        self.issuers.insert(ProviderName::new(provider), spec);
    }

    /// Adds the storing half of a provider.
    pub fn store(&mut self, provider: &str, spec: StoreSpec) {
        self.stores.insert(ProviderName::new(provider), spec);
    }

    /// Adds a principal that holds one credential, which works, and gives the credential's id.
    pub fn principal(&mut self, provider: &str, principal: &str) -> CredentialId {
        let (provider, principal) = (ProviderName::new(provider), PrincipalId::new(principal));
        self.principals.insert((provider.clone(), principal.clone()));
        let (id, fields) = self.made_up(&provider, &principal, None);
        let number = self.born(&provider, &principal, id, fields, By::Start);
        let credential = &mut self.credentials[number];
        credential.visible_at = credential.fate.minted_at;
        credential.listed_at = credential.fate.minted_at;
        credential.fate.id.clone()
    }

    /// One more credential of the principal, made by somebody else: a slot that is taken. `None`: there was no room.
    pub fn stranger_mints(&mut self, provider: &str, principal: &str) -> Option<CredentialId> {
        let (provider, principal) = (ProviderName::new(provider), PrincipalId::new(principal));
        let number = self.foreign(&provider, &principal, By::Stranger)?;
        Some(self.credentials[number].fate.id.clone())
    }

    /// A person mints at the issuer's console, and types the value in somewhere.
    pub fn person_mints(&mut self, provider: &str, principal: &str) -> Option<Minted> {
        let (provider, principal) = (ProviderName::new(provider), PrincipalId::new(principal));
        let number = self.foreign(&provider, &principal, By::Person)?;
        let made = &self.credentials[number];
        Some(Minted { id: made.fate.id.clone(), bundle: made.bundle(), scope: made.scope.clone() })
    }

    /// A person revokes at the issuer's console.
    pub fn person_revokes(&mut self, provider: &str, id: &CredentialId) {
        self.settle();
        self.end(&ProviderName::new(provider), id, End::Destroyed);
        self.look();
    }

    /// The fields of a credential that is there, by id: for a test that plays a consumer or an attacker.
    pub fn bundle(&self, provider: &str, id: &CredentialId) -> Option<Bundle> {
        self.last(&ProviderName::new(provider), id).map(|n| self.credentials[n].bundle())
    }

    /// Whether the issuer takes this, and whose it is.
    pub fn takes(&self, provider: &str, bundle: &Bundle) -> Option<CredentialId> {
        let number = self.accepted(&ProviderName::new(provider), bundle)?;
        Some(self.credentials[number].fate.id.clone())
    }

    /// Somebody uses this now: whether the issuer took it. It is a use, as [`keysweep_sdk::Usage`] tells it.
    pub fn uses(&mut self, provider: &str, bundle: &Bundle, source: &str) -> bool {
        self.settle();
        let (now, number) = (self.now, self.accepted(&ProviderName::new(provider), bundle));
        if let Some(number) = number {
            self.credentials[number].use_it(now, now, Duration::ZERO, source);
        }
        number.is_some()
    }

    pub(crate) fn accepted(&self, provider: &ProviderName, bundle: &Bundle) -> Option<usize> {
        let same = |credential: &Credential| {
            credential.fields.len() == bundle.names().count()
                && credential.fields.iter().all(|(name, value)| {
                    bundle.field(name).is_some_and(|v| v.expose_for(Purpose::Verify) == value)
                })
        };
        self.credentials
            .iter()
            .position(|c| c.fate.provider == *provider && c.works(self.now) && same(c))
    }

    /// The calls that go wrong from now on; the first rule that matches counts.
    pub fn rule(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    pub fn clear_rules(&mut self) {
        self.rules.clear();
    }

    /// From now on keysweep may not do this at the provider.
    pub fn deny(&mut self, provider: &str, op: Op) {
        self.denied.push((ProviderName::new(provider), op));
    }

    pub fn allow(&mut self, provider: &str, op: Op) {
        self.denied.retain(|(at, denied)| at.as_str() != provider || *denied != op);
    }

    /// A new process: calls work again. The fuse is out.
    pub fn revive(&mut self) {
        self.dead = false;
        self.fuse = None;
    }

    pub(crate) fn is_denied(&self, provider: &ProviderName, op: Op) -> bool {
        self.denied.iter().any(|(at, denied)| at == provider && *denied == op)
    }

    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// Whether the log is kept: a long run may do without.
    pub fn keep_log(&mut self, keep: bool) {
        self.keep_log = keep;
    }

    /// What strangers did, and when.
    pub fn strange(&self) -> &[(Timestamp, Act)] {
        &self.strange
    }

    pub fn log(&self) -> &[Logged] {
        &self.log
    }

    /// How many calls there were, and how many of them could change something.
    pub fn counts(&self) -> (u32, u32) {
        (self.calls, self.effects)
    }

    /// When a consumer held something that did not work, up to now.
    pub fn outages(&mut self) -> &[Outage] {
        self.settle();
        &self.outages
    }

    pub fn attackers(&mut self) -> &[Attacker] {
        self.settle();
        &self.attackers
    }

    /// The most credentials that the principal ever held at once, counted as the issuer counts.
    pub fn most_live(&self, provider: &str, principal: &str) -> u32 {
        let key = (ProviderName::new(provider), PrincipalId::new(principal));
        self.most_live.get(&key).copied().unwrap_or(0)
    }

    /// All that was ever minted, in that order, and what became of it.
    pub fn fates(&mut self) -> Vec<Fate> {
        self.settle();
        let now = self.now;
        let expired = |credential: &Credential| {
            let mut fate = credential.fate.clone();
            if let Some(expires) = credential.expires.filter(|expires| *expires <= now) {
                if matches!(fate.end, End::Active | End::Disabled) {
                    fate.end = End::Expired;
                }
                fate.dead_at = Some(fate.dead_at.map_or(expires, |dead| dead.min(expires)));
            }
            fate
        };
        self.credentials.iter().map(expired).collect()
    }

    /// The newest of that id.
    pub(crate) fn last(&self, provider: &ProviderName, id: &CredentialId) -> Option<usize> {
        self.credentials.iter().rposition(|c| c.fate.provider == *provider && c.fate.id == *id)
    }

    pub(crate) fn spec(&self, provider: &ProviderName) -> &IssuerSpec {
        self.issuers.get(provider).unwrap_or_else(|| panic!("`{provider}` issues nothing"))
    }

    /// What no test of equality finds twice, and every search finds: [`CANARY`] and sixteen letters and digits.
    pub(crate) fn value(&mut self) -> String {
        self.values += 1;
        // SplitMix64, by Vigna (public domain): one output for each state.
        let mut z = (self.seed << 32).wrapping_add(self.values).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{CANARY}{:016x}", z ^ (z >> 31))
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.values += 1;
        self.values
    }

    pub(crate) fn born(
        &mut self,
        provider: &ProviderName,
        principal: &PrincipalId,
        id: CredentialId,
        fields: BTreeMap<String, String>,
        by: By,
    ) -> usize {
        let spec = self.spec(provider);
        let expires = match spec.kind {
            crate::Kind::Ephemeral(lives) => Some(later(self.now, lives)),
            _ => None,
        };
        let (visible_at, scope) = (later(self.now, spec.visible_after), spec.scope.clone());
        let number = self.credentials.len();
        self.credentials.push(Credential {
            fate: Fate {
                number,
                provider: provider.clone(),
                principal: principal.clone(),
                id,
                marker: None,
                by,
                minted_at: self.now,
                replied: true,
                end: End::Active,
                dead_at: None,
            },
            fields,
            visible_at,
            listed_at: visible_at,
            expires,
            scope,
            broken: false,
            family: number,
            used: Vec::new(),
            sessions_ended: None,
        });
        self.count(provider, principal);
        number
    }

    pub(crate) fn count(&mut self, provider: &ProviderName, principal: &PrincipalId) {
        let live = self.live_count(provider, principal);
        let most = self.most_live.entry((provider.clone(), principal.clone())).or_default();
        *most = live.max(*most);
    }

    pub(crate) fn live_count(&self, provider: &ProviderName, principal: &PrincipalId) -> u32 {
        let spec = self.spec(provider);
        let counted = self
            .of(provider, principal)
            .filter(|credential| spec.inactive_count || credential.fate.end == End::Active);
        u32::try_from(counted.count()).unwrap_or(u32::MAX)
    }

    /// The credentials that the principal has now.
    pub(crate) fn of<'w>(
        &'w self,
        provider: &'w ProviderName,
        principal: &'w PrincipalId,
    ) -> impl Iterator<Item = &'w Credential> {
        self.credentials.iter().filter(move |credential| {
            credential.fate.provider == *provider
                && credential.fate.principal == *principal
                && credential.exists(self.now)
        })
    }

    /// How many calls of rules that count are left is kept in the rule itself.
    pub(crate) fn failure(
        &mut self,
        provider: &ProviderName,
        op: Op,
        on: &str,
    ) -> Option<fault::Failure> {
        let matches = |rule: &Rule| {
            rule.op == op
                && rule.times > 0
                && rule.provider.as_ref().is_none_or(|p| p == provider)
                && rule.on.as_ref().is_none_or(|o| o == on)
        };
        let rule = self.rules.iter_mut().find(|rule| matches(rule))?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        if rule.times != u32::MAX {
            rule.times -= 1;
        }
        Some(rule.failure)
    }

    /// Writes what a shape makes of a credential to a placement, as the start of a story.
    pub fn put(
        &mut self,
        provider: &str,
        at: &str,
        issuer: &str,
        id: &CredentialId,
        shape: &Shape,
    ) {
        let bundle = self.bundle(issuer, id).unwrap_or_else(|| panic!("no credential `{id}`"));
        let payload = bundle.shaped(shape).unwrap_or_else(|error| panic!("{error}"));
        self.settle();
        self.write(&ProviderName::new(provider), &PlacementId::new(at), &payload);
        self.look();
    }
}

impl fmt::Debug for World {
    /// Without what anybody holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .field("calls", &self.calls)
            .field("fates", &self.credentials.iter().map(|c| &c.fate).collect::<Vec<_>>())
            .field("placements", &self.placed.keys().collect::<Vec<_>>())
            .field("outages", &self.outages)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}
