//! What an issuer does, as the operations of the contract see it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keysweep_sdk::{
    Bundle, Chosen, CredentialId, Effect, ErrorKind, Identity, Live, LiveState, MintRequest,
    Minted, PrincipalId, ProviderName, Purpose, Use, Verdict,
};

use crate::{
    By, End, Failure, Kind, Slots, World,
    time::{earlier, later},
};

/// Why an operation had no effect.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: ErrorKind,
    pub(crate) effect: Effect,
    pub(crate) why: &'static str,
}

impl Refusal {
    pub(crate) fn new(kind: ErrorKind, why: &'static str) -> Self {
        Self { kind, effect: Effect::None, why }
    }
}

type Done<T> = Result<T, Refusal>;

impl World {
    fn known(&self, provider: &ProviderName, principal: &PrincipalId) -> Done<()> {
        if self.principals.contains(&(provider.clone(), principal.clone())) {
            return Ok(());
        }
        Err(Refusal::new(ErrorKind::NotFound, "there is no such principal"))
    }

    /// The id and the fields that the next credential could have.
    pub(crate) fn made_up(
        &mut self,
        provider: &ProviderName,
        principal: &PrincipalId,
        old: Option<&CredentialId>,
    ) -> (CredentialId, BTreeMap<String, String>) {
        let (kind, names) = (self.spec(provider).kind, self.spec(provider).fields.clone());
        let id = match kind {
            Kind::CallerChosen(Slots::Alternating) => {
                let roles = ["a", "b"].map(|r| CredentialId::new(format!("{principal}_{r}")));
                let [a, b] = roles;
                if old == Some(&a) { b } else { a }
            }
            Kind::CallerChosen(_) => CredentialId::new(format!("{principal}#{}", self.number())),
            _ => CredentialId::new(format!("KEY{:06}", self.number())),
        };
        let username = match kind {
            Kind::CallerChosen(Slots::Alternating) => id.as_str().to_owned(),
            _ => principal.as_str().to_owned(),
        };
        let fields = names.into_iter().map(|name| {
            let value = match name.as_str() {
                "access_key_id" | "id" => id.as_str().to_owned(),
                "username" => username.clone(),
                _ => self.value(),
            };
            (name, value)
        });
        let fields = fields.collect();
        (id, fields)
    }

    pub(crate) fn listed(
        &self,
        provider: &ProviderName,
        principal: &PrincipalId,
    ) -> Done<Vec<Live>> {
        self.known(provider, principal)?;
        let spec = self.spec(provider);
        if !spec.lists {
            return Err(Refusal::new(ErrorKind::Unsupported, "it lists nothing"));
        }
        if spec.kind == Kind::Manual {
            return Ok(self.known_of(provider, principal));
        }
        let seen = self.of(provider, principal).filter(|c| c.listed_at <= self.now);
        Ok(seen.map(|credential| credential.live(spec.marker)).collect())
    }

    /// What was written down at the start, whatever became of it.
    fn known_of(&self, provider: &ProviderName, principal: &PrincipalId) -> Vec<Live> {
        let known = self.credentials.iter().filter(|there| {
            there.fate.by == By::Start
                && there.fate.provider == *provider
                && there.fate.principal == *principal
        });
        known
            .map(|there| Live {
                state: LiveState::Active,
                created: None,
                scope: BTreeMap::new(),
                ..there.live(false)
            })
            .collect()
    }

    pub(crate) fn choose_next(
        &mut self,
        provider: &ProviderName,
        principal: &PrincipalId,
        old: Option<&CredentialId>,
    ) -> Done<Option<Chosen>> {
        self.known(provider, principal)?;
        if !matches!(self.spec(provider).kind, Kind::CallerChosen(_)) {
            return Ok(None);
        }
        let (id, fields) = self.made_up(provider, principal, old);
        let secret =
            |(name, value): (String, String)| (name, keysweep_sdk::SecretValue::new(value));
        Ok(Some(Chosen { id, bundle: fields.into_iter().map(secret).collect() }))
    }

    fn full(&self, provider: &ProviderName, principal: &PrincipalId) -> bool {
        let most = self.spec(provider).max_live;
        most.is_some_and(|most| self.live_count(provider, principal) >= most)
    }

    pub(crate) fn mint(
        &mut self,
        provider: &ProviderName,
        request: &MintRequest<'_>,
    ) -> Done<Minted> {
        self.known(provider, request.principal)?;
        let kind = self.spec(provider).kind;
        let number = match kind {
            Kind::CallerChosen(slots) => self.set(provider, request, slots)?,
            Kind::AtomicRoll => self.roll(provider, request)?,
            Kind::Retire | Kind::Manual => {
                return Err(Refusal::new(ErrorKind::Unsupported, "it mints nothing"));
            }
            Kind::Overlap | Kind::Ephemeral(_) => {
                if self.full(provider, request.principal) {
                    return Err(Refusal::new(ErrorKind::LimitReached, "no more are allowed"));
                }
                let (id, fields) = self.made_up(provider, request.principal, None);
                self.born(provider, request.principal, id, fields, By::Engine)
            }
        };
        let replaced = request.replaces.and_then(|id| self.last(provider, id));
        let scope = replaced.map(|number| self.credentials[number].scope.clone());
        let twist = self.twist.take();
        let credential = &mut self.credentials[number];
        credential.fate.marker = Some(request.marker.to_owned());
        credential.broken = twist == Some(Failure::Broken);
        credential.scope = scope.unwrap_or_else(|| credential.scope.clone());
        if twist == Some(Failure::OtherScope) {
            credential.scope.insert("scopes".into(), "admin".into());
        }
        let (id, scope) = (credential.fate.id.clone(), credential.scope.clone());
        Ok(Minted { id, bundle: credential.bundle(), scope })
    }

    /// What the caller chose becomes the value: once, however often it is said.
    fn set(
        &mut self,
        provider: &ProviderName,
        request: &MintRequest<'_>,
        slots: Slots,
    ) -> Done<usize> {
        let Some(chosen) = request.chosen else {
            return Err(Refusal::new(ErrorKind::Invalid, "no value was chosen"));
        };
        let fields: BTreeMap<_, _> = chosen
            .bundle
            .iter()
            .map(|(name, value)| (name.to_owned(), value.expose_for(Purpose::Mint).to_owned()))
            .collect();
        if let Some(number) = self.last(provider, &chosen.id) {
            let there = &self.credentials[number];
            if there.fields == fields && there.exists(self.now) {
                return Ok(number);
            }
        }
        self.make_room(provider, request.principal, &chosen.id, slots)?;
        Ok(self.born(provider, request.principal, chosen.id.clone(), fields, By::Engine))
    }

    /// What was in the slot is replaced at once.
    fn make_room(
        &mut self,
        provider: &ProviderName,
        principal: &PrincipalId,
        id: &CredentialId,
        slots: Slots,
    ) -> Done<()> {
        let replaced: Vec<_> = self
            .of(provider, principal)
            .filter(|there| slots == Slots::One || there.fate.id == *id)
            .map(|there| there.fate.number)
            .collect();
        if slots == Slots::Two && replaced.is_empty() && self.full(provider, principal) {
            return Err(Refusal::new(ErrorKind::LimitReached, "both slots are taken"));
        }
        for number in replaced {
            self.end_now(number, End::Replaced);
        }
        Ok(())
    }

    /// The old one dies with the call. What was rolled before takes its family along.
    fn roll(&mut self, provider: &ProviderName, request: &MintRequest<'_>) -> Done<usize> {
        let Some(old) = request.replaces.and_then(|id| self.last(provider, id)) else {
            return Err(Refusal::new(ErrorKind::NotFound, "there is nothing to roll"));
        };
        let (end, family) = (self.credentials[old].fate.end, self.credentials[old].family);
        match end {
            End::Active => {}
            End::Replaced | End::FamilyRevoked => {
                let alive = |c: &&crate::credential::Credential| {
                    c.family == family && c.fate.end == End::Active
                };
                let alive = self.credentials.iter().filter(alive).map(|c| c.fate.number);
                for number in alive.collect::<Vec<_>>() {
                    self.end_now(number, End::FamilyRevoked);
                }
                let why = "it was rolled before: its family is revoked";
                return Err(Refusal { kind: ErrorKind::Conflict, effect: Effect::Unknown, why });
            }
            End::Disabled | End::Destroyed | End::Expired => {
                return Err(Refusal::new(ErrorKind::NotFound, "it is gone"));
            }
        }
        self.end_now(old, End::Replaced);
        let (id, fields) = self.made_up(provider, request.principal, None);
        let number = self.born(provider, request.principal, id, fields, By::Engine);
        self.credentials[number].family = family;
        Ok(number)
    }

    /// Somebody else mints, if there is room.
    pub(crate) fn foreign(
        &mut self,
        provider: &ProviderName,
        principal: &PrincipalId,
        by: By,
    ) -> Option<usize> {
        self.settle();
        let (id, fields) = self.made_up(provider, principal, None);
        if let Kind::CallerChosen(slots) = self.spec(provider).kind {
            self.make_room(provider, principal, &id, slots).ok()?;
        } else if self.full(provider, principal) {
            return None;
        }
        let number = self.born(provider, principal, id, fields, by);
        self.look();
        Some(number)
    }

    fn end_now(&mut self, number: usize, end: End) {
        let now = self.now;
        let fate = &mut self.credentials[number].fate;
        fate.end = end;
        fate.dead_at = Some(fate.dead_at.map_or(now, |dead| dead.min(now)));
    }

    /// Disables or destroys; what is so already stays.
    pub(crate) fn end(&mut self, provider: &ProviderName, id: &CredentialId, end: End) {
        let dead_at = later(self.now, self.spec(provider).dead_after);
        let (now, Some(number)) = (self.now, self.last(provider, id)) else { return };
        let there = &mut self.credentials[number];
        if !there.exists(now) || there.fate.end == end {
            return;
        }
        there.fate.end = end;
        there.fate.dead_at = Some(there.fate.dead_at.map_or(dead_at, |dead| dead.min(dead_at)));
    }

    pub(crate) fn disable(&mut self, provider: &ProviderName, id: &CredentialId) -> Done<()> {
        if !self.spec(provider).reversible {
            return Err(Refusal::new(ErrorKind::Unsupported, "it cannot be disabled"));
        }
        self.end(provider, id, End::Disabled);
        Ok(())
    }

    pub(crate) fn enable(&mut self, provider: &ProviderName, id: &CredentialId) -> Done<()> {
        if !self.spec(provider).reversible {
            return Err(Refusal::new(ErrorKind::Unsupported, "it cannot be enabled"));
        }
        let (works_at, now) = (later(self.now, self.spec(provider).visible_after), self.now);
        let number = self.last(provider, id).filter(|n| self.credentials[*n].exists(now));
        let Some(number) = number else {
            return Err(Refusal::new(ErrorKind::NotFound, "it is gone"));
        };
        let there = &mut self.credentials[number];
        if there.fate.end == End::Disabled {
            there.fate.end = End::Active;
            // Not yet dead everywhere: it was never refused.
            if there.fate.dead_at.take().is_some_and(|dead| dead <= now) {
                there.visible_at = works_at;
            }
        }
        Ok(())
    }

    pub(crate) fn end_sessions(
        &mut self,
        provider: &ProviderName,
        id: &CredentialId,
        before: Timestamp,
    ) {
        if let Some(number) = self.last(provider, id) {
            let ended = &mut self.credentials[number].sessions_ended;
            *ended = Some(ended.map_or(before, |earlier| earlier.max(before)));
        }
    }

    pub(crate) fn verdict(&mut self, provider: &ProviderName, bundle: &Bundle) -> Verdict {
        let Some(number) = self.accepted(provider, bundle) else { return Verdict::Dead };
        let (now, counts) = (self.now, self.spec(provider).verify.counts_as_use);
        let there = &mut self.credentials[number];
        if counts {
            there.use_it(now, now, std::time::Duration::ZERO, "keysweep");
        }
        Verdict::Live(Identity {
            principal: Some(there.fate.principal.clone()),
            credential: Some(there.fate.id.clone()),
            scope: there.scope.clone(),
        })
    }

    pub(crate) fn last_used(
        &mut self,
        provider: &ProviderName,
        principal: &PrincipalId,
        id: &CredentialId,
    ) -> Done<Use> {
        self.known(provider, principal)?;
        self.settle();
        let (limits, now) = (self.spec(provider).usage.clone(), self.now);
        let number = self.last(provider, id).filter(|n| self.credentials[*n].exists(now));
        let Some(number) = number else {
            return Err(Refusal::new(ErrorKind::NotFound, "it is gone"));
        };
        let used = self.credentials[number].last_use(earlier(now, limits.lag));
        let step = i64::try_from(limits.granularity.as_secs()).unwrap_or(i64::MAX).max(1);
        let coarse = |at: Timestamp| {
            let seconds = at.as_second() - at.as_second().rem_euclid(step);
            Timestamp::from_second(seconds).unwrap_or(at)
        };
        Ok(Use {
            at: used.map(|(at, _)| coarse(at)),
            source: used.map(|(_, source)| source.to_owned()).filter(|_| limits.tells_source),
        })
    }
}
