//! The whole policy, as a pure function of the plan, the journal and the time.
//!
//! A style is a path: a list of stages. The first stage that is not passed says what is next.

mod contain;
mod fan_out;
mod mint;
mod old;

use jiff::{SignedDuration, Timestamp};
use keysweep_sdk::{Chooser, CredentialId, Style};
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
    /// See that what was taken back is gone.
    SeeGone(CredentialId),
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
    let next = path(&view).iter().copied().flatten().find_map(|stage| stage(&view));
    match next.unwrap_or(Next::Close(Outcome::Done)) {
        // No wait sleeps through the deadline, or through a look for strangers.
        Next::Wait { until, why } => {
            let wake = contain::wakes(&view).filter(|wake| *wake > now);
            Next::Wait { until: wake.map_or(until, |wake| until.min(wake)), why }
        }
        next => next,
    }
}

/// The path of a style, by parts. A style without one is refused when the plan is made, and parks here.
fn path(view: &View<'_>) -> &'static [&'static [Stage]] {
    let Rotation { style, mode, issuer, .. } = view.plan;
    match (style, issuer.chooser, mode) {
        (Style::Overlap, Chooser::Issuer, Mode::AvailabilityFirst) => {
            &[BEGIN, MINT, SPREAD, END, CLOSE]
        }
        (Style::Overlap, Chooser::Issuer, Mode::ContainFirst) => {
            &[CONTAIN, MINT, SPREAD, END_CONTAINED, CLOSE]
        }
        // With one slot the old one dies when the new one is set: both modes are the same.
        (
            Style::CallerChosen,
            Chooser::Caller | Chooser::Issuer,
            Mode::AvailabilityFirst | Mode::ContainFirst,
        ) if !view.plan.overlaps() => &[BEGIN_IN_PLACE, SET_IN_PLACE, SPREAD, SEE_DEAD, CLOSE],
        (Style::CallerChosen, Chooser::Caller | Chooser::Issuer, Mode::AvailabilityFirst)
        | (Style::Overlap, Chooser::Caller, Mode::AvailabilityFirst) => {
            &[BEGIN, CHOOSE, SPREAD, END, CLOSE]
        }
        (Style::CallerChosen, Chooser::Caller | Chooser::Issuer, Mode::ContainFirst)
        | (Style::Overlap, Chooser::Caller, Mode::ContainFirst) => {
            &[CONTAIN, CHOOSE, SPREAD, END_CONTAINED, CLOSE]
        }
        (
            Style::AtomicRoll,
            Chooser::Caller | Chooser::Issuer,
            Mode::AvailabilityFirst | Mode::ContainFirst,
        ) => &[BEGIN_IN_PLACE, ROLL, SPREAD, SEE_DEAD, CLOSE],
        (
            Style::Ephemeral,
            Chooser::Caller | Chooser::Issuer,
            Mode::AvailabilityFirst | Mode::ContainFirst,
        ) => &[BEGIN_IN_PLACE, MINT, SPREAD, EXPIRE, CLOSE],
        (Style::Manual, Chooser::Caller | Chooser::Issuer, Mode::AvailabilityFirst) => {
            &[BEGIN, BY_HAND, SPREAD, END, CLOSE]
        }
        (Style::Manual, Chooser::Caller | Chooser::Issuer, Mode::ContainFirst) => {
            &[CONTAIN_BY_HAND, BY_HAND, SPREAD, CLOSE]
        }
        (Style::Retire, Chooser::Caller | Chooser::Issuer, Mode::AvailabilityFirst) => {
            &[BEGIN, END, REMOVE]
        }
        (Style::Retire, Chooser::Caller | Chooser::Issuer, Mode::ContainFirst) => {
            &[CONTAIN, END_CONTAINED, REMOVE]
        }
        (
            Style::TwoSlotBridge | Style::GracedRoll,
            Chooser::Caller | Chooser::Issuer,
            Mode::AvailabilityFirst | Mode::ContainFirst,
        ) => &[NOT_YET],
    }
}

const BEGIN: &[Stage] = &[known_old, mint::intent, contain::watch, mint::abort];
/// The old one dies with the mint, or by itself: nothing of it can be contained before.
const BEGIN_IN_PLACE: &[Stage] = &[mint::intent, mint::abort];
const CONTAIN: &[Stage] =
    &[known_old, mint::intent, old::disable, old::sessions, old::refused, mint::abort];
const CONTAIN_BY_HAND: &[Stage] = &[
    known_old,
    mint::intent,
    old::disable,
    old::sessions,
    old::refused,
    old::destroy,
    old::dead,
    mint::abort,
];
const MINT: &[Stage] = &[mint::free, mint::mint, mint::verify];
const CHOOSE: &[Stage] = &[mint::choose, mint::set, mint::verify];
/// Who is in stays in until the sessions are ended, and the old one is dead already.
const SET_IN_PLACE: &[Stage] = &[mint::choose, mint::set, old::sessions, mint::verify];
const ROLL: &[Stage] = &[mint::roll, mint::verify];
const BY_HAND: &[Stage] = &[mint::ask_value, mint::verify];
const SPREAD: &[Stage] = &[fan_out::fan_out];
const END: &[Stage] =
    &[old::quiet, old::disable, old::sessions, old::refused, old::soak, old::destroy, old::dead];
const END_CONTAINED: &[Stage] = &[old::soak, old::destroy, old::dead];
const SEE_DEAD: &[Stage] = &[old::dead];
const EXPIRE: &[Stage] = &[old::expire, old::dead];
const REMOVE: &[Stage] = &[fan_out::remove, receipt];
const CLOSE: &[Stage] = &[shred, receipt];
const NOT_YET: &[Stage] = &[|view| {
    Some(Next::Park { why: format!("no provider needs the style {:?} yet", view.plan.style) })
}];

/// Nothing is ended, and nothing is called dead, that nobody has named.
fn known_old(view: &View<'_>) -> Option<Next> {
    let unknown = view.plan.old.is_none();
    unknown.then(|| Next::Park {
        why: "nobody knows which one consumers hold: make a new plan".into(),
    })
}

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

    /// Whether the old one may be no more what it was.
    pub(crate) fn touched(&self) -> bool {
        [Step::Disable, Step::Destroy].into_iter().any(|step| {
            *self.state.phase(step) != Phase::Never || self.state.attested.contains(&step)
        })
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
