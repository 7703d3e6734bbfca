//! Whoever reads placements and uses what they hold: jobs, services, processes that read once.

use std::time::Duration;

use jiff::Timestamp;
use keysweep_sdk::{CredentialId, PlacementId, PrincipalId, ProviderName, ReadAt, Shape};

use crate::{World, credential::Credential, store::Content, time::later};

/// A consumer, and when it reads.
#[derive(Clone, Debug)]
pub struct ConsumerSpec {
    pub name: String,
    /// Where it uses what it holds.
    pub issuer: ProviderName,
    pub principal: PrincipalId,
    pub read_at: ReadAt,
    reads: Vec<Read>,
    /// Jobs: the first after this time, then one each `every`. A process that is restarted: each `every`.
    pub first: Duration,
    pub every: Option<Duration>,
    /// Between the reading and the first use: the queue.
    pub waits: Duration,
    pub lasts: Duration,
}

#[derive(Clone, Debug)]
struct Read {
    store: ProviderName,
    at: PlacementId,
    shape: Shape,
}

/// A time in which a consumer that was at work held something that did not work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outage {
    pub consumer: String,
    pub issuer: ProviderName,
    pub principal: PrincipalId,
    pub from: Timestamp,
    /// `None`: it goes on.
    pub until: Option<Timestamp>,
    /// The credential that it held, if it held all of one.
    pub holds: Option<CredentialId>,
}

pub(crate) struct Consumer {
    spec: ConsumerSpec,
    /// When it reads next by itself.
    next: Option<Timestamp>,
    at_work: Vec<Work>,
    /// In `World::outages`.
    outage: Option<usize>,
}

/// What is held by one job, or by a process. `held` is `None` where each use reads anew.
struct Work {
    held: Option<Vec<Option<Content>>>,
    from: Timestamp,
    until: Option<Timestamp>,
}

impl ConsumerSpec {
    fn new(name: &str, issuer: &str, principal: &str, read_at: ReadAt) -> Self {
        Self {
            name: name.into(),
            issuer: ProviderName::new(issuer),
            principal: PrincipalId::new(principal),
            read_at,
            reads: Vec::new(),
            first: Duration::ZERO,
            every: None,
            waits: Duration::ZERO,
            lasts: Duration::ZERO,
        }
    }

    /// Reads at each use, and uses all the time.
    pub fn calls(name: &str, issuer: &str, principal: &str) -> Self {
        Self::new(name, issuer, principal, ReadAt::Call)
    }

    /// A job each `every`, which reads when it starts and uses for as long as it `lasts`.
    pub fn jobs(
        name: &str,
        issuer: &str,
        principal: &str,
        every: Duration,
        lasts: Duration,
    ) -> Self {
        let spec = Self::new(name, issuer, principal, ReadAt::JobStart);
        Self { every: Some(every), lasts, ..spec }
    }

    /// As jobs, but what they use was read when they were queued.
    #[must_use]
    pub fn queued(self, waits: Duration) -> Self {
        Self { read_at: ReadAt::Queue, waits, ..self }
    }

    /// Reads when it starts, and again only at [`World::reload`]; uses all the time.
    pub fn process(name: &str, issuer: &str, principal: &str) -> Self {
        Self::new(name, issuer, principal, ReadAt::ProcessStart)
    }

    /// It is restarted by somebody so often.
    #[must_use]
    pub fn restarted(self, every: Duration) -> Self {
        Self { every: Some(every), ..self }
    }

    /// The first job comes after this time.
    #[must_use]
    pub fn first(self, after: Duration) -> Self {
        Self { first: after, ..self }
    }

    #[must_use]
    pub fn reads(mut self, store: &str, at: &str, shape: Shape) -> Self {
        let (store, at) = (ProviderName::new(store), PlacementId::new(at));
        self.reads.push(Read { store, at, shape });
        self
    }
}

impl Consumer {
    pub(crate) fn events(&self) -> impl Iterator<Item = Timestamp> {
        let work = self.at_work.iter().flat_map(|work| [Some(work.from), work.until]);
        work.chain([self.next]).flatten()
    }

    fn keeps(&self) -> bool {
        matches!(self.spec.read_at, ReadAt::ProcessStart | ReadAt::Deploy)
    }
}

impl World {
    /// Adds a consumer. What works all the time starts now; jobs start after `first`.
    pub fn consumer(&mut self, spec: ConsumerSpec) {
        self.settle();
        let mut consumer = Consumer { spec, next: None, at_work: Vec::new(), outage: None };
        let job = matches!(consumer.spec.read_at, ReadAt::Queue | ReadAt::JobStart);
        if job {
            consumer.next = Some(later(self.now, consumer.spec.first));
        } else {
            let held = consumer.keeps().then(|| self.read_by(&consumer.spec));
            consumer.at_work.push(Work { held, from: self.now, until: None });
            consumer.next = consumer.spec.every.map(|every| later(self.now, every));
        }
        self.consumers.push(consumer);
        if job {
            self.jobs_change(self.now);
        }
        self.look();
    }

    /// The process reads its placements again: a restart, a deployment. Jobs that run go on with what they hold.
    pub fn reload(&mut self, name: &str) {
        self.settle();
        for number in 0..self.consumers.len() {
            if self.consumers[number].spec.name == name && self.consumers[number].keeps() {
                self.reread(number);
            }
        }
        self.look();
    }

    /// Whether a consumer is at work with this credential: an oracle, for tests.
    pub fn holds(&mut self, name: &str) -> Option<CredentialId> {
        self.settle();
        let consumer = self.consumers.iter().find(|consumer| consumer.spec.name == name)?;
        let work = consumer.at_work.last()?;
        self.held_by(consumer, work).map(|number| self.credentials[number].fate.id.clone())
    }

    fn reread(&mut self, number: usize) {
        let held = self.read_by(&self.consumers[number].spec);
        let from = self.now;
        self.consumers[number].at_work = vec![Work { held: Some(held), from, until: None }];
    }

    fn read_by(&self, spec: &ConsumerSpec) -> Vec<Option<Content>> {
        let reads = spec.reads.iter();
        reads.map(|read| self.content(&read.store, &read.at).cloned()).collect()
    }

    /// Jobs end and begin.
    pub(crate) fn jobs_change(&mut self, at: Timestamp) {
        for number in 0..self.consumers.len() {
            let over = |work: &Work| work.until.is_some_and(|until| until <= at);
            self.consumers[number].at_work.retain(|work| !over(work));
            while let Some(next) = self.consumers[number].next.filter(|next| *next <= at) {
                let every = self.consumers[number].spec.every;
                self.consumers[number].next = every.map(|every| later(next, every));
                if self.consumers[number].keeps() {
                    self.reread(number);
                    continue;
                }
                let spec = &self.consumers[number].spec;
                let from = later(next, spec.waits);
                let until = Some(later(from, spec.lasts));
                let held = Some(self.read_by(spec));
                self.consumers[number].at_work.push(Work { held, from, until });
            }
        }
    }

    /// Looks at every consumer, after something changed.
    pub(crate) fn look(&mut self) {
        let now = self.now;
        for number in 0..self.consumers.len() {
            let consumer = &self.consumers[number];
            let broken = consumer
                .at_work
                .iter()
                .find(|work| work.from <= now && self.works_with(consumer, work, now).is_none());
            match (consumer.outage, broken) {
                (None, Some(work)) => {
                    let holds = self.held_by(consumer, work);
                    let outage = Outage {
                        consumer: consumer.spec.name.clone(),
                        issuer: consumer.spec.issuer.clone(),
                        principal: consumer.spec.principal.clone(),
                        from: now,
                        until: None,
                        holds: holds.map(|number| self.credentials[number].fate.id.clone()),
                    };
                    self.outages.push(outage);
                    self.consumers[number].outage = Some(self.outages.len() - 1);
                }
                (Some(outage), None) => {
                    self.outages[outage].until = Some(now);
                    self.consumers[number].outage = None;
                }
                (None, None) | (Some(_), Some(_)) => {}
            }
        }
    }

    pub(crate) fn consumers_use(&mut self, from: Timestamp, until: Timestamp) {
        let mut used = Vec::new();
        for (number, consumer) in self.consumers.iter().enumerate() {
            for work in consumer.at_work.iter().filter(|work| work.from <= from) {
                used.extend(self.works_with(consumer, work, from).map(|c| (number, c)));
            }
        }
        for (number, credential) in used {
            let name = &self.consumers[number].spec.name;
            self.credentials[credential].use_it(from, until, Duration::ZERO, name);
        }
    }

    /// The credential that it uses, if it works.
    fn works_with(&self, consumer: &Consumer, work: &Work, at: Timestamp) -> Option<usize> {
        self.candidates(consumer, work, |credential| credential.works(at))
    }

    fn held_by(&self, consumer: &Consumer, work: &Work) -> Option<usize> {
        self.candidates(consumer, work, |_| true)
    }

    /// The newest credential of its principal of which it holds every part.
    fn candidates(
        &self,
        consumer: &Consumer,
        work: &Work,
        also: impl Fn(&Credential) -> bool,
    ) -> Option<usize> {
        let spec = &consumer.spec;
        let part = |number: usize| match &work.held {
            Some(held) => held[number].as_ref(),
            None => self.content(&spec.reads[number].store, &spec.reads[number].at),
        };
        let whole = |credential: &Credential| {
            spec.reads.iter().enumerate().all(|(number, read)| {
                part(number).is_some_and(|content| content.is_of(credential, &read.shape))
            })
        };
        self.credentials.iter().rposition(|credential| {
            credential.fate.provider == spec.issuer
                && credential.fate.principal == spec.principal
                && also(credential)
                && whole(credential)
        })
    }
}
