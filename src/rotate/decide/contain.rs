//! After a breach: the deadline, and strangers who use the old one.

use jiff::Timestamp;
use keysweep_sdk::Style;

use super::{Act, Next, View, after, old};
use crate::plan::Purpose;

/// At the deadline, or when somebody unknown uses the old one, it is contained: after one question, whose default is yes.
/// Never by waiting longer.
pub(super) fn watch(view: &View<'_>) -> Option<Next> {
    if view.purpose == Purpose::Periodic || view.contained() {
        return None;
    }
    let Some(why) = alarm(view) else {
        return look(view);
    };
    let Some(answer) = &view.state.answer else {
        return Some(Next::Do(Act::Ask { why }));
    };
    if answer.go {
        old::end_now(view)
    } else {
        Some(Next::Park { why: format!("{why}; held by an operator: {}", answer.why) })
    }
}

/// When there may be something to do, whatever else is waited for.
pub(super) fn wakes(view: &View<'_>) -> Option<Timestamp> {
    if view.purpose == Purpose::Periodic || view.contained() {
        return None;
    }
    view.plan.deadline.into_iter().chain(next_look(view)).filter(|wake| *wake > view.now).min()
}

/// Why the old one has to be contained now.
fn alarm(view: &View<'_>) -> Option<String> {
    if let Some(deadline) = view.plan.deadline.filter(|deadline| view.now >= *deadline) {
        return Some(format!("its deadline {deadline} has come"));
    }
    stranger(view).map(|source| format!("{source} used it, and no known consumer explains that"))
}

/// A use after the plan was made, by a source that is neither the baseline's nor a known one. After all consumers have
/// moved on, any use is a stranger's.
fn stranger(view: &View<'_>) -> Option<String> {
    let (_, used) = view.state.last_use.as_ref()?;
    let at = used.at?;
    let limits = &view.plan.usage.as_ref()?.limits;
    let source = used.source.clone().unwrap_or_else(|| "somebody".into());
    let successor = view.plan.style != Style::Retire;
    if successor && old::moved_on(view).is_some_and(|moved| at > after(moved, limits.granularity)) {
        return Some(source);
    }
    let known = view.plan.known_sources.contains(&source)
        || view.plan.baseline.as_ref().is_some_and(|base| base.source.as_ref() == Some(&source));
    let since = view.state.began.is_some_and(|began| at > began);
    (limits.tells_source && since && !known).then_some(source)
}

/// Looks at the use again when the last look is old.
fn look(view: &View<'_>) -> Option<Next> {
    next_look(view).filter(|due| *due <= view.now).map(|_| Next::Do(Act::LookAtUse))
}

/// When the use is to be looked at next, where the issuer tells who it was.
fn next_look(view: &View<'_>) -> Option<Timestamp> {
    let tells = view.plan.usage.as_ref().is_some_and(|usage| usage.limits.tells_source);
    if !tells || view.plan.old.is_none() {
        return None;
    }
    let last = view.state.last_use.as_ref();
    Some(last.map_or(view.now, |(at, _)| after(*at, view.plan.bounds.watch)))
}
