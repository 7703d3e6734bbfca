//! Does what [`decide`] says: one act at a time, each written before it is done and after.
//!
//! The engine makes no choice. What it sees goes into the journal, and the next decision is made from there.

mod deliver;
mod mint;
mod old;
mod people;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use keysweep_sdk::{Bundle, CredentialId, Effect, Error, ErrorKind, Live, ProviderName, Style};
use thiserror::Error;

pub use people::{Hooks, Operator, Reply};

use super::{
    decide::{Act, Next, after, decide},
    event::{Entry, Event, Outcome, Step},
    journal::{Journal, JournalError, SealError, Sealed, Sealer},
    state::{Illegal, State},
};
use crate::{
    invoke::{Calls, Clock},
    plan::{Plan, Purpose, Rotation},
};

/// How a run of one rotation comes to rest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rest {
    Closed(Outcome),
    /// Goes on by itself, not before then.
    Waiting {
        until: Timestamp,
        why: String,
    },
    /// Goes on when a person has done something.
    Parked {
        why: String,
    },
}

#[derive(Debug, Error)]
pub enum RotateError {
    /// The world is not as the plan saw it. Nothing was minted.
    #[error("the plan is stale: {}", .0.join("; "))]
    Stale(Vec<String>),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the journal is not one of keysweep's: {0}")]
    Illegal(#[from] Illegal),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("provider `{0}` of the plan is not in the configuration")]
    NoProvider(ProviderName),
    #[error("{rotation}: the same act again and again, {act}; this is a bug")]
    Loop { rotation: String, act: String },
}

/// What the engine works with. None of it knows which journal, clock or provider it is.
#[expect(missing_debug_implementations, reason = "holds what has none")]
pub struct Engine<'a> {
    pub providers: &'a BTreeMap<ProviderName, Calls>,
    pub sealer: &'a dyn Sealer,
    pub clock: &'a dyn Clock,
    pub operator: &'a dyn Operator,
    pub hooks: &'a dyn Hooks,
    pub holder: &'a str,
    /// A new mark for each mint. No two may be alike, on any host: what bears ours is taken for ours.
    pub mark: &'a (dyn Fn() -> String + Sync),
}

/// More acts than any rotation needs between two waits.
const MOST_ACTS: u32 = 20_000;

impl Engine<'_> {
    /// Takes a rotation as far as it goes now.
    ///
    /// # Errors
    ///
    /// When the plan is stale or the journal refuses. What failed at a provider is in the journal, and is no error.
    pub async fn run(
        &self,
        plan: &Plan,
        rotation: &Rotation,
        journal: &mut dyn Journal,
        fence: u64,
    ) -> Result<Rest, RotateError> {
        let entries = journal.entries(&rotation.id)?;
        let state = State::replay(&entries)?;
        let mut run = Run { engine: self, plan, rotation, journal, fence, state };
        if run.state.closed.is_none() && run.state.fence < fence {
            run.write(Event::Began {
                plan: plan.digest(),
                fence,
                holder: self.holder.to_owned(),
                approval: None,
            })?;
        }
        run.go().await
    }
}

/// One run of one rotation.
pub(super) struct Run<'a> {
    pub(super) engine: &'a Engine<'a>,
    pub(super) plan: &'a Plan,
    pub(super) rotation: &'a Rotation,
    journal: &'a mut dyn Journal,
    fence: u64,
    pub(super) state: State,
}

/// What became of an act.
pub(super) enum Did {
    /// It is written down.
    Written,
    /// A look that changes nothing was not answered.
    Unanswered(String),
}

impl Run<'_> {
    async fn go(&mut self) -> Result<Rest, RotateError> {
        for _ in 0..MOST_ACTS {
            match decide(self.rotation, self.purpose(), &self.state, self.now()) {
                Next::Do(act) => {
                    if let Some(rest) = self.act(act).await? {
                        return Ok(rest);
                    }
                }
                Next::Wait { until, why } => return Ok(Rest::Waiting { until, why }),
                Next::Park { why } => return self.park(why),
                Next::Close(outcome) => {
                    if self.state.closed.is_none() {
                        self.write(Event::Closed { outcome })?;
                    }
                    return Ok(Rest::Closed(outcome));
                }
            }
        }
        let act = format!("{:?}", decide(self.rotation, self.purpose(), &self.state, self.now()));
        Err(RotateError::Loop { rotation: self.rotation.id.clone(), act })
    }

    async fn act(&mut self, act: Act) -> Result<Option<Rest>, RotateError> {
        let did = match act {
            Act::Intent => self.intent().await?,
            Act::Free(id) => self.free(&id).await?,
            Act::Choose => self.choose().await?,
            Act::AskValue => self.ask_value().await?,
            Act::Mint => self.mint().await?,
            Act::Look => self.look().await?,
            Act::Disown(id) => self.disown(id)?,
            Act::RollAgain(id) => self.written(Event::Successor { id })?,
            Act::DisableOrphan(id) => self.disable_orphan(id).await?,
            Act::DestroyOrphan(id) => self.destroy_orphan(id).await?,
            Act::Verify => self.verify().await?,
            Act::Discard(id) => self.discard(&id).await?,
            Act::SeeGone(id) => self.see(Step::Gone, &id).await?,
            Act::Deliver(i) => self.deliver(i).await?,
            Act::Reload(i) => self.reload(i).await?,
            Act::Prove(i) => self.prove(i).await?,
            Act::LookAtUse => self.look_at_use().await?,
            Act::Ask { why } => self.ask(why).await?,
            Act::Disable => self.disable().await?,
            Act::EndSessions => self.end_sessions().await?,
            Act::SeeRefused => self.see_old(Step::Refused).await?,
            Act::Destroy => self.destroy().await?,
            Act::SeeDead => self.see_old(Step::Dead).await?,
            Act::Remove(i) => self.remove(i).await?,
            Act::Shred => self.shred()?,
            Act::Receipt => self.written(Event::Done { step: Step::Receipt })?,
            Act::Pass(step) => self.written(Event::Done { step })?,
        };
        match did {
            Did::Written => Ok(None),
            Did::Unanswered(why) => self.unanswered(why).map(Some),
        }
    }

    /// A look without an answer is made again later, some times; then a person is asked.
    fn unanswered(&mut self, why: String) -> Result<Rest, RotateError> {
        let missed = self.state.missed + 1;
        if missed >= self.rotation.bounds.attempts {
            return self.park(why);
        }
        self.write(Event::Missed { why: why.clone() })?;
        let factor = 1 << (missed - 1).min(12);
        let pause = self.rotation.bounds.backoff.saturating_mul(factor);
        Ok(Rest::Waiting { until: after(self.now(), pause.max(Duration::from_secs(1))), why })
    }

    fn park(&mut self, why: String) -> Result<Rest, RotateError> {
        if self.state.parked.as_ref() != Some(&why) {
            self.write(Event::Parked { why: why.clone() })?;
        }
        Ok(Rest::Parked { why })
    }

    /// The sealed value goes together with the line that says so.
    fn shred(&mut self) -> Result<Did, RotateError> {
        let entry = self.entry(Event::Done { step: Step::Shred });
        let mut next = self.state.clone();
        next.apply(&entry)?;
        self.journal.shred(&self.rotation.id, self.fence, &entry)?;
        self.state = next;
        Ok(Did::Written)
    }

    pub(super) fn write(&mut self, event: Event) -> Result<(), RotateError> {
        self.write_with(event, None)
    }

    pub(super) fn written(&mut self, event: Event) -> Result<Did, RotateError> {
        self.write(event).map(|()| Did::Written)
    }

    pub(super) fn write_with(
        &mut self,
        event: Event,
        sealed: Option<(&CredentialId, &Sealed)>,
    ) -> Result<(), RotateError> {
        let entry = self.entry(event);
        // Checked before it is written: an illegal line is never on disk.
        let mut next = self.state.clone();
        next.apply(&entry)?;
        self.journal.append(&self.rotation.id, self.fence, &entry, sealed)?;
        self.state = next;
        Ok(())
    }

    /// The outcome of a step that changes something.
    pub(super) fn outcome(
        &mut self,
        step: Step,
        result: Result<(), Error>,
    ) -> Result<Did, RotateError> {
        match result {
            Ok(()) => self.written(Event::Done { step }),
            Err(error) => self.failed(step, &error),
        }
    }

    pub(super) fn failed(&mut self, step: Step, error: &Error) -> Result<Did, RotateError> {
        let doubt = error.effect == Effect::Unknown;
        self.written(Event::Failed { step, why: said(error), doubt, hopeless: hopeless(error) })
    }

    pub(super) fn calls(&self, name: &ProviderName) -> Result<Calls, RotateError> {
        let calls = self.engine.providers.get(name);
        calls.cloned().ok_or_else(|| RotateError::NoProvider(name.clone()))
    }

    /// What the issuer lists. One that lists nothing was seen so by the plan, too.
    pub(super) async fn live(&self) -> Result<Result<Vec<Live>, Error>, RotateError> {
        let issuer = self.calls(&self.rotation.provider)?;
        Ok(match issuer.snapshot(&self.rotation.principal).await {
            Err(error) if self.unlisted() && error.kind == ErrorKind::Unsupported => Ok(Vec::new()),
            answer => answer,
        })
    }

    /// Whether the issuer's list cannot tell what lives: what people said there is, or none.
    pub(super) fn unlisted(&self) -> bool {
        self.rotation.issuer.style == Style::Manual || self.rotation.observed.is_empty()
    }

    /// The sealed value, opened for one act.
    pub(super) fn bundle(&self) -> Result<Option<(CredentialId, Bundle)>, RotateError> {
        let Some((id, sealed)) = self.journal.sealed(&self.rotation.id)? else {
            return Ok(None);
        };
        Ok(Some((id, self.engine.sealer.open(&sealed)?)))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    pub(super) fn purpose(&self) -> Purpose {
        self.plan.purpose
    }

    fn entry(&self, event: Event) -> Entry {
        Entry { at: self.now(), event }
    }
}

/// What a failure says, with its way out. No value is in it: the contract forbids it.
pub(super) fn said(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error} ({hint})"))
}

/// What sending it again cannot help.
fn hopeless(error: &Error) -> bool {
    match error.kind {
        ErrorKind::LimitReached
        | ErrorKind::PermissionDenied
        | ErrorKind::Unauthenticated
        | ErrorKind::Invalid
        | ErrorKind::Unsupported
        | ErrorKind::Config => error.effect == Effect::None,
        ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::RateLimited { .. } => false,
        // Kinds to come are tried again, which is bounded.
        _ => false,
    }
}
