//! The whole policy, as a pure function of the plan, the journal and the time.
//!
//! A style is a path: a list of stages. The first stage that is not passed says what is next.

mod contain;
mod fan_out;
mod mint;
mod old;

use jiff::{SignedDuration, Timestamp};
use keysweep_sdk::{CredentialId, Style};
use std::time::Duration;

use super::{
    event::{Outcome, Step},
    state::{Phase, State},
};
use crate::plan::{Mode, Purpose, Rotation};

/// What is next for a rotation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
    Do(Act),
    /// Nothing before then.
    Wait {
        until: Timestamp,
        why: String,
    },
    /// Nothing without a person.
    Park {
        why: String,
    },
    Close(Outcome),
}

/// One thing to do. The engine does it and writes what came of it; it makes no choice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// Compare the issuer's list with the plan's; write it down with the mark of the mint.
    Intent,
    /// Look again, and destroy the disabled one in the slot that is needed.
    Free(CredentialId),
    /// Make up the caller's value and seal it.
    Choose,
    /// Ask a person for what they minted, and seal it.
    AskValue,
    Mint,
    /// The reply was lost: list, and compare with what was there before.
    Look,
    /// A credential whose value nobody has, and that is ours.
    Disown(CredentialId),
    /// With an atomic roll: the one whose value is lost is rolled next.
    RollAgain(CredentialId),
    DisableOrphan(CredentialId),
    DestroyOrphan(CredentialId),
    Verify,
    Discard(CredentialId),
    Deliver(usize),
    Reload(usize),
    Prove(usize),
    /// Ask when and by whom the old one was last used.
    LookAtUse,
    /// Put the one question to the operator.
    Ask {
        why: String,
    },
    Disable,
    EndSessions,
    /// See that the issuer refuses the old one.
    SeeRefused,
    Destroy,
    /// See that the old one is gone.
    SeeDead,
    Remove(usize),
    Shred,
    Receipt,
    /// A step that is done when time has passed is written down.
    Pass(Step),
}

/// What a stage sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) plan: &'a Rotation,
    pub(crate) purpose: Purpose,
    pub(crate) state: &'a State,
    pub(crate) now: Timestamp,
}

type Stage = fn(&View<'_>) -> Option<Next>;

/// What is next. Pure: the same answer for the same plan, journal and time.
pub fn decide(plan: &Rotation, purpose: Purpose, state: &State, now: Timestamp) -> Next {
    let view = View { plan, purpose, state, now };
    if let Some((_, outcome)) = state.closed {
        return Next::Close(outcome);
    }
    let next = path(&view).iter().find_map(|stage| stage(&view));
    match next.unwrap_or(Next::Close(Outcome::Done)) {
        // No wait sleeps through the deadline, or through a look for strangers.
        Next::Wait { until, why } => {
            let wake = contain::wakes(&view).filter(|wake| *wake > now);
            Next::Wait { until: wake.map_or(until, |wake| until.min(wake)), why }
        }
        next => next,
    }
}

/// The path of a style. A style without one is refused when the plan is made, and parks here.
fn path(view: &View<'_>) -> &'static [Stage] {
    match (view.plan.style, view.plan.mode) {
        (Style::Overlap, Mode::AvailabilityFirst) => OVERLAP,
        (Style::Overlap, Mode::ContainFirst) => OVERLAP_CONTAINED,
        (Style::CallerChosen, mode) => match (view.plan.overlaps(), mode) {
            (true, Mode::AvailabilityFirst) => CHOSEN,
            (true, Mode::ContainFirst) => CHOSEN_CONTAINED,
            // With one slot the old one dies when the new one is set: both modes are the same.
            (false, Mode::AvailabilityFirst | Mode::ContainFirst) => CHOSEN_IN_PLACE,
        },
        (Style::AtomicRoll, Mode::AvailabilityFirst | Mode::ContainFirst) => ROLL,
        (Style::Ephemeral, Mode::AvailabilityFirst | Mode::ContainFirst) => EPHEMERAL,
        (Style::Manual, Mode::AvailabilityFirst) => MANUAL,
        (Style::Manual, Mode::ContainFirst) => MANUAL_CONTAINED,
        (Style::Retire, Mode::AvailabilityFirst) => RETIRE,
        (Style::Retire, Mode::ContainFirst) => RETIRE_NOW,
        (
            Style::TwoSlotBridge | Style::GracedRoll,
            Mode::AvailabilityFirst | Mode::ContainFirst,
        ) => NOT_YET,
    }
}

const OVERLAP: &[Stage] = &[
    mint::intent,
    contain::watch,
    mint::abort,
    mint::free,
    mint::mint,
    mint::verify,
    fan_out::fan_out,
    old::quiet,
    old::disable,
    old::sessions,
    old::refused,
    old::soak,
    old::destroy,
    old::dead,
    shred,
    receipt,
];
const OVERLAP_CONTAINED: &[Stage] = &[
    mint::intent,
    old::disable,
    old::sessions,
    old::refused,
    mint::abort,
    mint::free,
    mint::mint,
    mint::verify,
    fan_out::fan_out,
    old::soak,
    old::destroy,
    old::dead,
    shred,
    receipt,
];
const CHOSEN: &[Stage] = &[
    mint::intent,
    contain::watch,
    mint::abort,
    mint::choose,
    mint::set,
    mint::verify,
    fan_out::fan_out,
    old::quiet,
    old::disable,
    old::sessions,
    old::refused,
    old::soak,
    old::destroy,
    old::dead,
    shred,
    receipt,
];
const CHOSEN_CONTAINED: &[Stage] = &[
    mint::intent,
    old::disable,
    old::sessions,
    old::refused,
    mint::abort,
    mint::choose,
    mint::set,
    mint::verify,
    fan_out::fan_out,
    old::soak,
    old::destroy,
    old::dead,
    shred,
    receipt,
];
const CHOSEN_IN_PLACE: &[Stage] = &[
    mint::intent,
    mint::abort,
    mint::choose,
    mint::set,
    old::sessions,
    mint::verify,
    fan_out::fan_out,
    old::dead,
    shred,
    receipt,
];
const ROLL: &[Stage] = &[
    mint::intent,
    mint::abort,
    mint::roll,
    mint::verify,
    fan_out::fan_out,
    old::dead,
    shred,
    receipt,
];
const EPHEMERAL: &[Stage] = &[
    mint::intent,
    mint::abort,
    mint::mint,
    mint::verify,
    fan_out::fan_out,
    old::expire,
    old::dead,
    shred,
    receipt,
];
const MANUAL: &[Stage] = &[
    mint::intent,
    contain::watch,
    mint::abort,
    mint::ask_value,
    mint::verify,
    fan_out::fan_out,
    old::quiet,
    old::disable,
    old::sessions,
    old::refused,
    old::soak,
    old::destroy,
    old::dead,
    shred,
    receipt,
];
const MANUAL_CONTAINED: &[Stage] = &[
    mint::intent,
    old::disable,
    old::sessions,
    old::refused,
    old::destroy,
    old::dead,
    mint::abort,
    mint::ask_value,
    mint::verify,
    fan_out::fan_out,
    shred,
    receipt,
];
const RETIRE: &[Stage] = &[
    mint::intent,
    contain::watch,
    mint::abort,
    old::quiet,
    old::disable,
    old::sessions,
    old::refused,
    old::soak,
    old::destroy,
    old::dead,
    fan_out::remove,
    receipt,
];
const RETIRE_NOW: &[Stage] = &[
    mint::intent,
    old::disable,
    old::sessions,
    old::refused,
    old::soak,
    old::destroy,
    old::dead,
    fan_out::remove,
    receipt,
];
const NOT_YET: &[Stage] = &[|view| {
    Some(Next::Park { why: format!("no provider needs the style {:?} yet", view.plan.style) })
}];

/// The sealed value is an exposure itself: it goes as soon as nobody can need it.
fn shred(view: &View<'_>) -> Option<Next> {
    view.step(Step::Shred, Act::Shred)
}

fn receipt(view: &View<'_>) -> Option<Next> {
    view.step(Step::Receipt, Act::Receipt)
}

impl View<'_> {
    /// A step that is repeated until it is done, with growing pauses, and parks when it has run out of tries.
    pub(crate) fn step(&self, step: Step, act: Act) -> Option<Next> {
        match self.state.phase(step) {
            Phase::Done { .. } => None,
            Phase::Never | Phase::Started { .. } => Some(Next::Do(act)),
            Phase::Failed { tries, hopeless, why, .. }
                if *hopeless || *tries >= self.plan.bounds.attempts =>
            {
                Some(Next::Park { why: format!("{}: {why}", step.name()) })
            }
            Phase::Failed { at, tries, why, .. } => {
                let until = after(*at, self.pause(*tries));
                Some(if until <= self.now {
                    Next::Do(act)
                } else {
                    Next::Wait { until, why: format!("{} again: {why}", step.name()) }
                })
            }
        }
    }

    /// Before try `tries + 1`: doubled each time, an hour at most.
    fn pause(&self, tries: u32) -> Duration {
        let factor = 1 << tries.saturating_sub(1).min(12);
        self.plan.bounds.backoff.saturating_mul(factor).min(Duration::from_secs(3600))
    }

    /// Waits until `until`, then lets the next stage have its turn.
    pub(crate) fn wait(&self, until: Timestamp, why: &str) -> Option<Next> {
        (self.now < until).then(|| Next::Wait { until, why: why.to_owned() })
    }

    /// Whether the old one can be disabled, so that the act can be undone.
    pub(crate) fn reversible(&self) -> bool {
        self.plan.revoker.as_ref().is_some_and(|revoker| revoker.limits.reversible)
    }

    /// Whether the old one has been made to be refused.
    pub(crate) fn contained(&self) -> bool {
        self.state.done(Step::Disable) || self.state.done(Step::Destroy)
    }
}

/// When the last consumer had moved on, for who looks at uses.
pub(crate) fn moved_on(
    plan: &Rotation,
    purpose: Purpose,
    state: &State,
    now: Timestamp,
) -> Option<Timestamp> {
    old::moved_on(&View { plan, purpose, state, now })
}

/// `at` and so much later, or the end of time.
pub(crate) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
