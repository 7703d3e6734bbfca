//! The world's clock, and what happens by itself while it moves.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::World;

/// So much later, or the end of time.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// So much earlier, or the beginning.
pub(crate) fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

pub(crate) fn between(from: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(from)).unwrap_or(Duration::ZERO)
}

impl World {
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The engine waits: consumers work, the attacker tries, what becomes visible becomes so.
    pub fn advance(&mut self, by: Duration) {
        self.advance_to(later(self.now, by));
    }

    /// Up to then; nothing when it is past.
    pub fn advance_to(&mut self, to: Timestamp) {
        self.now = to.max(self.now);
        self.settle();
    }

    /// Lets everything happen that is due by now.
    pub(crate) fn settle(&mut self) {
        let now = self.now;
        while let Some(at) = self.next_event().filter(|at| *at <= now) {
            self.spend(self.settled, at);
            self.now = at;
            self.settled = at;
            self.jobs_change(at);
            self.strangers_at(at);
            self.look();
        }
        self.now = now;
        if self.settled < now {
            self.spend(self.settled, now);
            self.settled = now;
        }
    }

    /// Whether something is due by now that a mere look would miss.
    pub(crate) fn due(&self) -> bool {
        self.next_event().is_some_and(|at| at <= self.now)
    }

    fn next_event(&self) -> Option<Timestamp> {
        let credentials = self.credentials.iter().flat_map(|credential| {
            [Some(credential.visible_at), credential.fate.dead_at, credential.expires]
        });
        let credentials = credentials.flatten();
        let consumers = self.consumers.iter().flat_map(|consumer| consumer.events());
        let strangers = self.scheduled.iter().filter_map(|scheduled| scheduled.at());
        credentials.chain(consumers).chain(strangers).filter(|at| *at > self.settled).min()
    }

    /// Nothing changes from here to there: who uses something that works uses it all the time.
    fn spend(&mut self, from: Timestamp, until: Timestamp) {
        self.consumers_use(from, until);
        self.attackers_try(from, until);
    }
}
