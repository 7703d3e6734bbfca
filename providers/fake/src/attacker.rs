//! Who stole a value, and tries it.

use std::time::Duration;

use jiff::Timestamp;
use keysweep_sdk::{CredentialId, ProviderName};

use crate::{
    World,
    time::{between, later},
};

/// An attacker with one stolen value.
#[derive(Clone, Debug)]
pub struct Attacker {
    pub provider: ProviderName,
    /// The credential whose value he has. A later value under the same id he has not.
    pub stole: CredentialId,
    number: usize,
    from: Timestamp,
    every: Duration,
    /// Whether he makes himself sessions, which may outlive the credential.
    pub keeps_sessions: bool,
    /// How often it worked, and when last.
    pub successes: u64,
    pub last_success: Option<Timestamp>,
    /// The last time that only a session worked.
    pub last_session: Option<Timestamp>,
}

/// From where the issuer sees him come.
const SOURCE: &str = "203.0.113.66";

impl World {
    /// The value of this credential was stolen: it is tried each `every` from now on.
    pub fn attacker(&mut self, provider: &str, stole: &CredentialId, every: Duration) {
        self.settle();
        let provider = ProviderName::new(provider);
        let number = self
            .last(&provider, stole)
            .unwrap_or_else(|| panic!("there is no `{stole}` to be stolen at `{provider}`"));
        self.attackers.push(Attacker {
            provider,
            stole: stole.clone(),
            number,
            from: self.now,
            every: every.max(Duration::from_millis(1)),
            keeps_sessions: true,
            successes: 0,
            last_success: None,
            last_session: None,
        });
    }

    /// The tries in `[from, until)`, of which all or none work.
    pub(crate) fn attackers_try(&mut self, from: Timestamp, until: Timestamp) {
        for number in 0..self.attackers.len() {
            let attacker = &self.attackers[number];
            let credential = &self.credentials[attacker.number];
            let works = credential.works(from);
            let until = if works { until } else { until.min(self.session_end(attacker)) };
            let Some((first, last, tries)) = tries(attacker, from, until) else { continue };
            let (credential, every) = (attacker.number, attacker.every);
            let attacker = &mut self.attackers[number];
            if works {
                attacker.successes += tries;
                attacker.last_success = Some(last);
                self.credentials[credential].use_it(first, last, every, SOURCE);
            } else {
                attacker.last_session = Some(last);
            }
        }
    }

    /// Until when a session that he made with the credential lives; the past, without one.
    fn session_end(&self, attacker: &Attacker) -> Timestamp {
        let sessions = &self.spec(&attacker.provider).sessions;
        let made = attacker.last_success.filter(|_| attacker.keeps_sessions);
        let ended = self.credentials[attacker.number].sessions_ended;
        match (sessions, made) {
            (Some(sessions), Some(made)) if ended.is_none_or(|before| made >= before) => {
                later(made, sessions.survive)
            }
            _ => Timestamp::MIN,
        }
    }
}

/// The first and the last try in `[from, until)`, and how many there are.
fn tries(
    attacker: &Attacker,
    from: Timestamp,
    until: Timestamp,
) -> Option<(Timestamp, Timestamp, u64)> {
    let every = attacker.every.as_nanos();
    let before = |at: Timestamp| between(attacker.from, at).as_nanos().div_ceil(every);
    let (first, end) = (before(from.max(attacker.from)), before(until));
    let at = |number: u128| {
        let nanos = u64::try_from(number * every).unwrap_or(u64::MAX);
        later(attacker.from, Duration::from_nanos(nanos))
    };
    let tries = end.checked_sub(first).filter(|tries| *tries > 0)?;
    Some((at(first), at(end - 1), u64::try_from(tries).unwrap_or(u64::MAX)))
}
