//! After a breach: the deadline, and strangers who use the old one.

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
pub(super) fn wakes(view: &View<'_>) -> Option<jiff::Timestamp> {
    if view.purpose == Purpose::Periodic || view.contained() {
        return None;
    }
    let looked = view.state.last_use.as_ref().filter(|_| {
        view.plan.old.is_some() && view.plan.usage.as_ref().is_some_and(|u| u.limits.tells_source)
    });
    let look = looked.map(|(at, _)| after(*at, view.plan.bounds.watch));
    view.plan.deadline.into_iter().chain(look).filter(|wake| *wake > view.now).min()
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
    if old::moved_on(view).is_some_and(|moved| at > after(moved, limits.granularity)) {
        return Some(source);
    }
    let known = view.plan.known_sources.contains(&source)
        || view.plan.baseline.as_ref().is_some_and(|base| base.source.as_ref() == Some(&source));
    let since = view.state.began.is_some_and(|began| at > began);
    (limits.tells_source && since && !known).then_some(source)
}

/// Looks at the use again when the last look is old, where the issuer tells who it was.
fn look(view: &View<'_>) -> Option<Next> {
    let usage = view.plan.usage.as_ref()?;
    view.plan.old.as_ref()?;
    if !usage.limits.tells_source {
        return None;
    }
    let due = view
        .state
        .last_use
        .as_ref()
        .is_none_or(|(looked, _)| view.now >= after(*looked, view.plan.bounds.watch));
    due.then_some(Next::Do(Act::LookAtUse))
}
