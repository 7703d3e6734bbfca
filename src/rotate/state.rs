//! What the journal adds up to: a checked state machine. An event that cannot follow is refused, and nothing is done on it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keysweep_sdk::{CredentialId, Use};
use thiserror::Error;

use super::event::{Entry, Event, Outcome, Step};

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct State {
    steps: BTreeMap<Step, Phase>,
    tries: BTreeMap<Step, Tries>,
    /// Failures of a step, kept while its next try is open.
    counts: BTreeMap<Step, u32>,
    pub began: Option<Timestamp>,
    pub plan: Option<String>,
    pub fence: u64,
    pub approval: Option<String>,
    pub marker: Option<String>,
    /// What the issuer held before the mint.
    pub known: Vec<CredentialId>,
    pub new: Option<CredentialId>,
    /// When the new one was minted.
    pub minted: Option<Timestamp>,
    /// The last look after a lost reply.
    pub look: Option<Look>,
    /// With an atomic roll: the successor whose value was lost, which is rolled next.
    pub successor: Option<CredentialId>,
    pub orphans: BTreeMap<CredentialId, Orphan>,
    pub last_use: Option<(Timestamp, Use)>,
    pub asked: Option<Timestamp>,
    pub answer: Option<Answer>,
    pub waived: BTreeMap<usize, String>,
    pub attested: BTreeSet<Step>,
    pub findings: Vec<String>,
    /// Looks in a row that were not answered.
    pub missed: u32,
    pub abort: Option<String>,
    pub parked: Option<String>,
    /// Whether it ever parked: what then took long was a person.
    pub parked_once: bool,
    pub closed: Option<(Timestamp, Outcome)>,
}

/// How far a step is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Phase {
    #[default]
    Never,
    /// Asked for, and no answer written: the effect is there or not.
    Started {
        at: Timestamp,
    },
    Failed {
        at: Timestamp,
        tries: u32,
        why: String,
        doubt: bool,
        hopeless: bool,
    },
    Done {
        at: Timestamp,
    },
}

/// Looks that are repeated until they show what is hoped for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tries {
    pub first: Timestamp,
    pub last: Timestamp,
    /// Good ones in a row.
    pub streak: u32,
    pub why: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Look {
    pub at: Timestamp,
    pub new: Vec<CredentialId>,
    pub ours: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Orphan {
    pub found: Timestamp,
    pub why: String,
    pub disabled: bool,
    pub gone: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    pub go: bool,
    pub why: String,
}

#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("event {event:?} cannot follow: {why}")]
pub struct Illegal {
    event: Event,
    why: &'static str,
}

impl State {
    /// The state after all of a rotation's entries.
    pub fn replay<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self, Illegal> {
        let mut state = Self::default();
        for entry in entries {
            state.apply(entry)?;
        }
        Ok(state)
    }

    pub fn phase(&self, step: Step) -> &Phase {
        self.steps.get(&step).unwrap_or(&Phase::Never)
    }

    pub fn done(&self, step: Step) -> bool {
        self.done_at(step).is_some()
    }

    pub fn done_at(&self, step: Step) -> Option<Timestamp> {
        match self.phase(step) {
            Phase::Done { at } => Some(*at),
            Phase::Never | Phase::Started { .. } | Phase::Failed { .. } => None,
        }
    }

    pub fn tries(&self, step: Step) -> Option<&Tries> {
        self.tries.get(&step)
    }

    /// Whether any consumer may hold the new one. From here on it goes forward only.
    pub fn delivered(&self) -> bool {
        self.steps
            .iter()
            .any(|(step, phase)| matches!(step, Step::Deliver(_)) && *phase != Phase::Never)
    }

    /// Whether the new one may exist at its issuer.
    pub fn may_be_minted(&self) -> bool {
        *self.phase(Step::Mint) != Phase::Never
    }

    pub fn apply(&mut self, entry: &Entry) -> Result<(), Illegal> {
        let at = entry.at;
        let no = |why| Err(Illegal { event: entry.event.clone(), why });
        if self.closed.is_some() {
            return no("the rotation is closed");
        }
        match entry.event {
            Event::Missed { .. } => self.missed += 1,
            // Taken up again: the row goes on.
            Event::Began { .. } => {}
            _ => self.missed = 0,
        }
        match entry.event.clone() {
            Event::Began { plan, fence, approval, .. } => {
                if self.plan.as_ref().is_some_and(|own| *own != plan) {
                    return no("it belongs to another plan");
                }
                if fence <= self.fence {
                    return no("its fence is older");
                }
                self.began.get_or_insert(at);
                (self.plan, self.fence, self.parked) = (Some(plan), fence, None);
                self.approval = approval.or(self.approval.take());
            }
            Event::Started { step } => match self.phase(step) {
                Phase::Done { .. } => return no("the step is done"),
                Phase::Never | Phase::Started { .. } | Phase::Failed { .. } => {
                    self.steps.insert(step, Phase::Started { at });
                }
            },
            Event::Done { step } => {
                if step == Step::Mint && self.new.is_none() {
                    return no("nothing was minted");
                }
                self.steps.insert(step, Phase::Done { at });
            }
            Event::Failed { step, why, doubt, hopeless } => {
                if self.done(step) {
                    return no("the step is done");
                }
                let count = self.counts.entry(step).or_insert(0);
                *count += 1;
                let tries = *count;
                self.steps.insert(step, Phase::Failed { at, tries, why, doubt, hopeless });
            }
            Event::Tried { step, good, why } => {
                let tries = self.tries.entry(step).or_insert(Tries {
                    first: at,
                    last: at,
                    streak: 0,
                    why: String::new(),
                });
                tries.streak = if good { tries.streak + 1 } else { 0 };
                (tries.last, tries.why) = (at, why);
            }
            Event::Intent { marker, known } => {
                if self.new.is_some() {
                    return no("the new one is already there");
                }
                (self.marker, self.known) = (Some(marker), known);
                self.steps.insert(Step::Intent, Phase::Done { at });
            }
            Event::Chose { id } => {
                if self.may_be_minted() {
                    return no("a value is being set");
                }
                self.new = Some(id);
                self.steps.insert(Step::Choose, Phase::Done { at });
            }
            Event::Minted { id } => {
                if !matches!(self.phase(Step::Mint), Phase::Started { .. }) {
                    return no("no mint was begun");
                }
                if self.new.as_ref().is_some_and(|chosen| *chosen != id) {
                    return no("another one was chosen");
                }
                (self.new, self.minted, self.look) = (Some(id), Some(at), None);
                self.steps.insert(Step::Mint, Phase::Done { at });
            }
            Event::Looked { new, ours } => self.look = Some(Look { at, new, ours }),
            Event::Successor { id } => {
                self.known.push(id.clone());
                (self.successor, self.look) = (Some(id), None);
                self.steps.remove(&Step::Mint);
                self.counts.remove(&Step::Mint);
            }
            // Counted above: any other line ends the row.
            Event::Missed { .. } => {}
            Event::Orphan { id, why } => {
                let orphan = Orphan { found: at, why, disabled: false, gone: false };
                self.orphans.entry(id).or_insert(orphan);
            }
            Event::OrphanDisabled { id } => match self.orphans.get_mut(&id) {
                Some(orphan) => orphan.disabled = true,
                None => return no("there is no such orphan"),
            },
            Event::OrphanGone { id } => {
                match self.orphans.get_mut(&id) {
                    Some(orphan) => orphan.gone = true,
                    None => return no("there is no such orphan"),
                }
                self.forget_the_mint();
            }
            Event::Used { at: used, source } => {
                self.last_use = Some((at, Use { at: used, source }));
            }
            Event::Finding { what } => self.findings.push(what),
            Event::Asked { .. } => self.asked = Some(at),
            Event::Answered { go, why, .. } => {
                if self.asked.is_none() {
                    return no("nothing was asked");
                }
                self.answer = Some(Answer { go, why });
            }
            Event::Waived { delivery, why, .. } => {
                self.waived.insert(delivery, why);
            }
            Event::Attested { step, .. } => {
                self.attested.insert(step);
            }
            Event::AbortAsked { why, .. } => self.abort = Some(why),
            Event::Parked { why } => (self.parked, self.parked_once) = (Some(why), true),
            Event::Resumed { .. } => self.resume(),
            Event::Closed { outcome } => self.closed = Some((at, outcome)),
        }
        Ok(())
    }

    /// A lost mint has been cleaned up: all of it begins anew, with another mark.
    fn forget_the_mint(&mut self) {
        for step in [Step::Intent, Step::Mint, Step::Verify] {
            self.steps.remove(&step);
            self.tries.remove(&step);
            self.counts.remove(&step);
        }
        (self.look, self.new, self.minted, self.marker) = (None, None, None, None);
    }

    fn resume(&mut self) {
        self.parked = None;
        if self.answer.as_ref().is_some_and(|answer| !answer.go) {
            (self.asked, self.answer) = (None, None);
        }
        for phase in self.steps.values_mut() {
            if let Phase::Failed { tries, hopeless, .. } = phase {
                (*tries, *hopeless) = (0, false);
            }
        }
        self.tries.clear();
        self.counts.clear();
    }
}
