//! What stands around the engine: a journal in memory that dies, a seal, an operator, hooks.

use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use keysweep::{
    invoke,
    plan::Rotation,
    rotate::{
        Entry, Event, Hooks, Journal, JournalError, Operator, Reply, SealError, Sealed, Sealer,
        State, Step,
    },
};
use keysweep_provider_fake::Fake;
use keysweep_sdk::{Bundle, CredentialId, Minted, Purpose, SecretValue};

#[derive(Debug)]
pub(super) struct Clock(pub(super) Fake);

impl invoke::Clock for Clock {
    fn now(&self) -> Timestamp {
        self.0.world().now()
    }
}

/// At which write the process dies, and whether that write is on disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct JournalFuse {
    pub(super) write: u32,
    pub(super) lands: bool,
}

pub(super) struct Memory {
    fake: Fake,
    entries: Vec<Entry>,
    sealed: Option<(CredentialId, Sealed)>,
    fences: u64,
    fuse: Option<JournalFuse>,
    writes: u32,
    dead: bool,
}

impl Memory {
    pub(super) fn new(fake: Fake, fuse: Option<JournalFuse>) -> Self {
        Self { fake, entries: Vec::new(), sealed: None, fences: 0, fuse, writes: 0, dead: false }
    }

    pub(super) fn all(&self) -> Vec<Entry> {
        self.entries.clone()
    }

    pub(super) fn text(&self) -> String {
        // What is written is what is read.
        let line = |entry: &Entry| serde_json::to_string(entry).unwrap();
        let lines: Vec<_> = self.entries.iter().map(line).collect();
        let back: Vec<Entry> =
            lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(back, self.entries);
        lines.join("\n")
    }

    pub(super) fn holds_a_value(&self) -> bool {
        self.sealed.is_some()
    }

    pub(super) fn dead(&self) -> bool {
        self.dead || self.fake.world().is_dead()
    }

    pub(super) fn revive(&mut self) {
        self.dead = false;
        self.fake.world().revive();
    }

    /// One write: `Err` when the process is dead, or dies of it.
    fn turn(&mut self, rotation: &str, fence: u64) -> Result<bool, JournalError> {
        let dead = || JournalError::Unusable("the process is dead".into());
        if self.dead() {
            return Err(dead());
        }
        if fence < self.fences {
            let holder = "a newer one".into();
            return Err(JournalError::Fenced { rotation: rotation.into(), holder });
        }
        self.fences = fence;
        self.writes += 1;
        match self.fuse {
            Some(fuse) if fuse.write == self.writes => {
                (self.dead, self.fuse) = (true, None);
                if fuse.lands { Ok(true) } else { Err(dead()) }
            }
            _ => Ok(false),
        }
    }

    fn push(&mut self, entry: &Entry, dies: bool) -> Result<(), JournalError> {
        self.entries.push(entry.clone());
        if dies { Err(JournalError::Unusable("the process is dead".into())) } else { Ok(()) }
    }
}

impl Journal for Memory {
    fn entries(&self, _: &str) -> Result<Vec<Entry>, JournalError> {
        Ok(self.all())
    }

    fn append(
        &mut self,
        rotation: &str,
        fence: u64,
        entry: &Entry,
        sealed: Option<(&CredentialId, &Sealed)>,
    ) -> Result<(), JournalError> {
        let dies = self.turn(rotation, fence)?;
        if let Some((id, sealed)) = sealed {
            self.sealed = Some((id.clone(), sealed.clone()));
        }
        self.push(entry, dies)
    }

    fn sealed(&self, _: &str) -> Result<Option<(CredentialId, Sealed)>, JournalError> {
        Ok(self.sealed.clone())
    }

    fn shred(&mut self, rotation: &str, fence: u64, entry: &Entry) -> Result<(), JournalError> {
        let dies = self.turn(rotation, fence)?;
        self.sealed = None;
        self.push(entry, dies)
    }
}

/// The number of a bundle in a drawer stands for the sealed text.
#[derive(Default)]
pub(super) struct Seal(Mutex<Vec<Bundle>>);

fn copied(bundle: &Bundle) -> Bundle {
    let copy = |value: &SecretValue| SecretValue::new(value.expose_for(Purpose::Seal));
    bundle.iter().map(|(name, value)| (name.to_owned(), copy(value))).collect()
}

impl Sealer for Seal {
    fn seal(&self, bundle: &Bundle) -> Result<Sealed, SealError> {
        let mut drawer = self.0.lock().unwrap();
        drawer.push(copied(bundle));
        Ok(Sealed((drawer.len() - 1).to_string().into_bytes()))
    }

    fn open(&self, sealed: &Sealed) -> Result<Bundle, SealError> {
        let number: usize = String::from_utf8(sealed.0.clone()).unwrap().parse().unwrap();
        Ok(copied(&self.0.lock().unwrap()[number]))
    }
}

/// An operator who says yes, does what parked asks for, and mints at the console. Second: the reload hook of a consumer.
pub(super) struct Desk(pub(super) Fake, pub(super) Vec<String>);

impl Desk {
    /// Asks for the way back, if the rotation is still open.
    pub(super) fn abort(
        &self,
        journal: &mut Memory,
        fence: u64,
        rotation: &Rotation,
    ) -> Result<(), String> {
        let state = State::replay(&journal.all()).map_err(|error| error.to_string())?;
        if state.closed.is_some() {
            return Ok(());
        }
        let event = Event::AbortAsked { by: "operator".into(), why: "a mistake".into() };
        let at = self.0.world().now();
        match journal.append(&rotation.id, fence, &Entry { at, event }, None) {
            Err(_) if journal.dead() => Ok(()),
            result => result.map_err(|error| error.to_string()),
        }
    }

    /// Does what a person would: says what is done, gives up stores that are gone, resumes.
    pub(super) fn resume(
        &self,
        journal: &mut Memory,
        fence: u64,
        rotation: &Rotation,
    ) -> Result<(), String> {
        let state = State::replay(&journal.all()).map_err(|error| error.to_string())?;
        let by = "operator".to_owned();
        let mut events = Vec::new();
        for (i, delivery) in rotation.deliveries.iter().enumerate() {
            let gone = delivery
                .places
                .iter()
                .any(|place| self.0.world().is_gone(&delivery.provider, &place.at));
            if gone {
                let why = "its repository was deleted".into();
                events.push(Event::Waived { delivery: i, by: by.clone(), why });
            } else if state.done(Step::Deliver(i)) {
                events.push(Event::Attested { step: Step::Reload(i), by: by.clone() });
                for consumer in &self.1 {
                    self.0.world().reload(consumer);
                }
                events.push(Event::Attested { step: Step::Prove(i), by: by.clone() });
            }
        }
        // What has no revoker is revoked at the console.
        let by_hand = [(Step::Destroy, rotation.old.clone()), (Step::Discard, state.new.clone())];
        for (step, id) in by_hand {
            let asked = state.parked.as_ref().is_some_and(|why| why.starts_with(&step.name()));
            if let Some(id) = id.filter(|_| asked && rotation.revoker.is_none()) {
                self.0.world().person_revokes(rotation.provider.as_str(), &id);
                events.push(Event::Attested { step, by: by.clone() });
            }
        }
        events.push(Event::Resumed { by });
        for event in events {
            let at = self.0.world().now();
            match journal.append(&rotation.id, fence, &Entry { at, event }, None) {
                Err(_) if journal.dead() => return Ok(()),
                result => result.map_err(|error| error.to_string())?,
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Operator for Desk {
    async fn contain(&self, _: &Rotation, _: &str) -> Reply {
        Reply { go: true, by: "operator".into(), why: String::new() }
    }

    async fn value(&self, rotation: &Rotation) -> Option<Minted> {
        let (provider, principal) = (rotation.provider.as_str(), rotation.principal.as_str());
        self.0.world().person_mints(provider, principal)
    }
}

#[async_trait]
impl Hooks for Desk {
    async fn run(&self, argv: &[String]) -> Result<(), String> {
        self.0.world().reload(&argv[0]);
        Ok(())
    }
}
