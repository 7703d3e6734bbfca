//! The end of the old one.

use jiff::Timestamp;
use keysweep_sdk::{CredentialId, Style};

use super::{Act, Next, View, after, fan_out};
use crate::{
    plan::Purpose,
    rotate::{event::Step, state::Phase},
};

/// When the last consumer had moved on and all that began before had ended.
pub(super) fn moved_on(view: &View<'_>) -> Option<Timestamp> {
    let mut last = view.state.began;
    if view.plan.style == Style::Retire {
        // Nobody moves on: there is nothing to move to.
        return last.map(|last| after(last, view.plan.bounds.drain));
    }
    for (i, _) in view.plan.deliveries.iter().enumerate().filter(|(_, d)| d.required) {
        if !view.state.waived.contains_key(&i) {
            last = last.max(Some(view.state.done_at(Step::Prove(i))?));
        }
    }
    last.map(|last| after(last, view.plan.bounds.drain))
}

/// Nobody has used the old one for a while, after everybody had moved on.
pub(super) fn quiet(view: &View<'_>) -> Option<Next> {
    if view.contained() || view.state.done(Step::Quiet) {
        return None;
    }
    let Some(drained) = moved_on(view) else {
        return Some(Next::Park { why: "not every required delivery is proved".into() });
    };
    if let Some(next) = view.wait(drained, "what began with the old one may still run") {
        return Some(next);
    }
    let Some(usage) = view.plan.usage.as_ref().filter(|_| view.plan.old.is_some()) else {
        // Nobody tells: the only proof of quiet is that nobody complains while it can be undone.
        return view
            .wait(after(drained, view.plan.bounds.quiet), "its issuer does not tell its last use")
            .or(Some(Next::Do(Act::Pass(Step::Quiet))));
    };
    let settled = usage.limits.granularity.saturating_add(usage.limits.lag);
    let looked = view.state.last_use.as_ref();
    let used = looked.and_then(|(_, last)| last.at);
    // A use counts as after the drain only where the issuer's clock cannot blur it.
    let since = used.filter(|used| *used > after(drained, usage.limits.granularity));
    let from = since.unwrap_or(drained);
    let until = after(after(from, view.plan.bounds.quiet), settled);
    match looked {
        Some((at, _)) if *at >= until => Some(Next::Do(Act::Pass(Step::Quiet))),
        Some((at, _)) if view.now < after(*at, view.plan.bounds.watch).min(until.max(*at)) => {
            let soon = after(*at, view.plan.bounds.watch).min(until.max(*at));
            Some(Next::Wait { until: soon, why: waiting(view, since) })
        }
        Some(_) | None => Some(Next::Do(Act::LookAtUse)),
    }
}

fn waiting(view: &View<'_>, since: Option<Timestamp>) -> String {
    match (since, view.purpose) {
        (Some(at), Purpose::Periodic) => format!("an unknown consumer used the old one at {at}"),
        (Some(_), Purpose::PostBreach) | (None, _) => "the old one has to be quiet".to_owned(),
    }
}

/// The old one is refused, reversibly.
pub(super) fn disable(view: &View<'_>) -> Option<Next> {
    if !view.reversible() || view.plan.old.is_none() || view.state.done(Step::Destroy) {
        return None;
    }
    view.step(Step::Disable, Act::Disable)
}

/// Containment: disable, or destroy where nothing else is possible.
pub(super) fn end_now(view: &View<'_>) -> Option<Next> {
    if view.reversible() { disable(view) } else { destroy(view) }
}

pub(super) fn sessions(view: &View<'_>) -> Option<Next> {
    if !view.plan.end_sessions || view.plan.old.is_none() {
        return None;
    }
    let limits = &view.plan.revoker.as_ref()?.limits;
    limits.sessions.as_ref().filter(|sessions| sessions.can_end)?;
    view.step(Step::EndSessions, Act::EndSessions)
}

/// The issuer refuses the disabled one: seen, not assumed.
pub(super) fn refused(view: &View<'_>) -> Option<Next> {
    if !view.state.done(Step::Disable) {
        return None;
    }
    seen(view, Step::Refused, Act::SeeRefused, view.state.done_at(Step::Disable))
}

/// Disabled for a while: whoever still needs it says so while it can be undone.
pub(super) fn soak(view: &View<'_>) -> Option<Next> {
    let disabled = view.state.done_at(Step::Disable)?;
    if view.state.done(Step::Destroy) {
        return None;
    }
    view.wait(after(disabled, view.plan.bounds.soak), "disabled; it is destroyed after the soak")
}

/// The point of no return.
pub(super) fn destroy(view: &View<'_>) -> Option<Next> {
    view.plan.old.as_ref()?;
    if view.plan.revoker.is_none() {
        return fan_out::person(view, Step::Destroy, "the old one has to be revoked by hand");
    }
    view.step(Step::Destroy, Act::Destroy)
}

/// One that ends by itself is waited for.
pub(super) fn expire(view: &View<'_>) -> Option<Next> {
    let old = view.plan.old.as_ref()?;
    let live = view.plan.observed.iter().find(|live| live.id == *old)?;
    view.wait(live.expires?, "the old one ends by itself")
}

/// The old one is gone: seen, not assumed.
pub(super) fn dead(view: &View<'_>) -> Option<Next> {
    view.plan.old.as_ref()?;
    let since = view.state.done_at(Step::Destroy).or(view.state.done_at(Step::Mint));
    seen(view, Step::Dead, Act::SeeDead, since)
}

/// The new one, which was taken back, is gone: seen, not assumed.
pub(super) fn gone(view: &View<'_>, id: CredentialId) -> Option<Next> {
    // A list in which it is not visible yet shows nothing.
    let minted = view.state.minted.or(view.state.began)?;
    view.wait(after(minted, view.plan.issuer.visible_within), "the new one may not be listed yet")
        .or_else(|| seen(view, Step::Gone, Act::SeeGone(id), view.state.done_at(Step::Discard)))
}

/// Looks until it is seen; from `dead_within` on, not seeing it is trouble.
fn seen(view: &View<'_>, step: Step, act: Act, since: Option<Timestamp>) -> Option<Next> {
    if view.state.done(step) {
        return None;
    }
    let Some(tries) = view.state.tries(step) else {
        return Some(Next::Do(act));
    };
    if tries.streak > 0 {
        return Some(Next::Do(Act::Pass(step)));
    }
    let within = view.plan.revoker.as_ref().map(|revoker| revoker.limits.dead_within);
    let late = after(since.unwrap_or(tries.first), within.unwrap_or_default());
    if tries.last >= late && matches!(view.state.phase(step), Phase::Never) {
        return Some(Next::Park { why: format!("{}: {}", step.name(), tries.why) });
    }
    view.wait(after(tries.last, view.plan.bounds.backoff).min(late.max(tries.last)), &tries.why)
        .or(Some(Next::Do(act)))
}
