//! Deliveries: each its own, so that one that fails stops no other.

use super::{Act, Next, View, after};
use crate::{
    plan::{Proof, Reload},
    rotate::{event::Step, state::Phase},
};

/// Every delivery that is not waived is written, reloaded and proved. The value stays sealed until then.
pub(super) fn fan_out(view: &View<'_>) -> Option<Next> {
    let open = (0..view.plan.deliveries.len())
        .filter(|i| !view.state.waived.contains_key(i))
        .filter_map(|i| one(view, i).map(|next| (i, next)));
    soonest(view, open.collect())
}

/// The placements of a credential that has no successor are taken away.
pub(super) fn remove(view: &View<'_>) -> Option<Next> {
    let open = (0..view.plan.deliveries.len())
        .filter(|i| !view.state.waived.contains_key(i))
        .filter_map(|i| view.step(Step::Remove(i), Act::Remove(i)).map(|next| (i, next)));
    soonest(view, open.collect())
}

/// What can be done now comes before what has to wait, and that before what needs a person.
fn soonest(view: &View<'_>, open: Vec<(usize, Next)>) -> Option<Next> {
    let doing = open.iter().find(|(_, next)| matches!(next, Next::Do(_)));
    if let Some((_, next)) = doing {
        return Some(next.clone());
    }
    let waits = open.iter().filter_map(|(_, next)| match next {
        Next::Wait { until, .. } => Some((until, next)),
        Next::Do(_) | Next::Park { .. } | Next::Close(_) => None,
    });
    if let Some((_, next)) = waits.min_by_key(|(until, _)| **until) {
        return Some(next.clone());
    }
    let parked = open.into_iter().filter(|(i, _)| view.plan.deliveries[*i].required);
    parked.map(|(_, next)| next).next()
}

fn one(view: &View<'_>, i: usize) -> Option<Next> {
    view.step(Step::Deliver(i), Act::Deliver(i))
        .or_else(|| reload(view, i))
        .or_else(|| prove(view, i))
}

/// A consumer that keeps what it read is not proved before it has read again.
fn reload(view: &View<'_>, i: usize) -> Option<Next> {
    match view.plan.deliveries[i].reload.as_ref()? {
        Reload::Hook(_) => view.step(Step::Reload(i), Act::Reload(i)),
        Reload::Task(what) => person(view, Step::Reload(i), what),
    }
}

fn prove(view: &View<'_>, i: usize) -> Option<Next> {
    let step = Step::Prove(i);
    if view.state.done(step) {
        return None;
    }
    if view.plan.deliveries[i].proof == Proof::Attested {
        return person(view, step, "somebody has to see that its consumers work with the new one");
    }
    let Some(tries) = view.state.tries(step) else {
        return Some(Next::Do(Act::Prove(i)));
    };
    if tries.streak > 0 {
        return Some(Next::Do(Act::Pass(step)));
    }
    if tries.last >= after(tries.first, view.plan.bounds.prove) {
        return Some(Next::Park { why: format!("{} is not proved: {}", step.name(), tries.why) });
    }
    view.wait(after(tries.last, view.plan.bounds.backoff), "a delivery is not proved yet")
        .or(Some(Next::Do(Act::Prove(i))))
}

/// What a person says is written down; until then the others go on.
pub(super) fn person(view: &View<'_>, step: Step, what: &str) -> Option<Next> {
    match view.state.phase(step) {
        Phase::Done { .. } => None,
        Phase::Never | Phase::Started { .. } | Phase::Failed { .. } => {
            Some(if view.state.attested.contains(&step) {
                Next::Do(Act::Pass(step))
            } else {
                Next::Park { why: format!("{}: {what}", step.name()) }
            })
        }
    }
}
