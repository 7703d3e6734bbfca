//! How many calls a rotation makes, and how long it takes when nothing fails and no person is waited for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keysweep_sdk::{Chooser, Style};

use super::{Mode, Proof, Reload, Rotation};

/// `at` and so much later, or the end of time.
pub(super) fn later(at: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// From the start until no run holds the old one any more. Before that, its end stops somebody.
pub fn until_drained(rotation: &Rotation) -> Duration {
    match rotation.style {
        Style::Retire => rotation.bounds.drain,
        _ => verified(rotation).saturating_add(rotation.bounds.drain),
    }
}

/// From the start until the issuer refuses the old one.
pub fn until_refused(rotation: &Rotation, made: Timestamp) -> Duration {
    let dead = dead_within(rotation);
    if at_once(rotation) {
        return dead;
    }
    if rotation.style == Style::Ephemeral {
        return ends_by_itself(rotation, made);
    }
    let settled = rotation
        .usage
        .as_ref()
        .map(|usage| usage.limits.granularity.saturating_add(usage.limits.lag))
        .unwrap_or_default();
    [rotation.bounds.quiet, settled, dead]
        .into_iter()
        .fold(until_drained(rotation), Duration::saturating_add)
}

/// From the start to the receipt.
pub(super) fn expected(rotation: &Rotation, made: Timestamp, writing: Duration) -> Duration {
    let mut expected = until_refused(rotation, made);
    if at_once(rotation) {
        expected = expected.saturating_add(verified(rotation));
    }
    if two_steps(rotation) {
        expected = expected.saturating_add(rotation.bounds.soak);
        expected = expected.saturating_add(dead_within(rotation));
    }
    expected.saturating_add(writing)
}

/// Calls of providers, when each succeeds the first time.
pub(super) fn calls(rotation: &Rotation, made: Timestamp) -> u32 {
    let places: usize = rotation.deliveries.iter().map(|delivery| delivery.places.len()).sum();
    let places = count(places);
    // The issuer's list and every placement, before anything is done.
    let mut calls = 1 + places;
    if rotation.free.is_some() {
        calls += 2;
    }
    if rotation.style == Style::Retire {
        calls += places;
    } else {
        calls += minting(rotation) + 2 * places;
        calls += rotation
            .deliveries
            .iter()
            .map(|d| match d.proof {
                Proof::ReadBack | Proof::Advanced => count(d.places.len()),
                Proof::Used => 1,
                Proof::Hook(_) | Proof::Attested => 0,
            })
            .sum::<u32>();
    }
    calls + looks(rotation, made) + ending(rotation)
}

fn minting(rotation: &Rotation) -> u32 {
    let verify = rotation.verifier.as_ref().map_or(0, |part| part.limits.successes);
    let mint = match (rotation.style, rotation.issuer.chooser) {
        (Style::Manual, _) => 0,
        // Another list, the choice, and the setting.
        (_, Chooser::Caller) => 3,
        (_, Chooser::Issuer) => 1,
    };
    mint + verify
}

/// At the use of the old one: while it has to be quiet.
fn looks(rotation: &Rotation, made: Timestamp) -> u32 {
    if rotation.usage.is_none() || rotation.old.is_none() || at_once(rotation) {
        return 0;
    }
    if matches!(rotation.style, Style::Ephemeral) {
        return 0;
    }
    let watched = until_refused(rotation, made).as_secs();
    let between = rotation.bounds.watch.as_secs().max(1);
    u32::try_from(watched.div_ceil(between)).unwrap_or(u32::MAX).saturating_add(1)
}

fn ending(rotation: &Rotation) -> u32 {
    if rotation.old.is_none() {
        return 0;
    }
    let sessions = u32::from(rotation.end_sessions);
    if !rotation.overlaps() && rotation.style != Style::Retire {
        return 1 + sessions;
    }
    match (rotation.style, &rotation.revoker) {
        (Style::Ephemeral, _) | (_, None) => 1,
        // Disabled, seen to be refused, destroyed, seen to be gone.
        (_, Some(part)) if part.limits.reversible => 4 + sessions,
        (_, Some(_)) => 2 + sessions,
    }
}

fn verified(rotation: &Rotation) -> Duration {
    let pauses = |part: &super::Part<keysweep_sdk::VerifierLimits>| {
        part.limits.spacing.saturating_mul(part.limits.successes.saturating_sub(1))
    };
    rotation.verifier.as_ref().map(pauses).unwrap_or_default()
}

fn dead_within(rotation: &Rotation) -> Duration {
    rotation.revoker.as_ref().map(|part| part.limits.dead_within).unwrap_or_default()
}

fn ends_by_itself(rotation: &Rotation, made: Timestamp) -> Duration {
    let old = rotation.observed.iter().find(|live| Some(&live.id) == rotation.old.as_ref());
    let expires = old.and_then(|live| live.expires);
    let left = expires.map(|expires| expires.duration_since(made));
    left.and_then(|left| Duration::try_from(left).ok()).unwrap_or_default()
}

/// Whether the end of the old one is the first thing that happens.
fn at_once(rotation: &Rotation) -> bool {
    let ended = rotation.mode == Mode::ContainFirst && rotation.style != Style::Ephemeral;
    ended || (!rotation.overlaps() && rotation.style != Style::Retire)
}

/// Whether the old one is disabled, and destroyed after the soak.
fn two_steps(rotation: &Rotation) -> bool {
    let reversible = rotation.revoker.as_ref().is_some_and(|part| part.limits.reversible);
    let ended = rotation.overlaps() || rotation.style == Style::Retire;
    reversible && rotation.old.is_some() && ended && rotation.style != Style::Ephemeral
}

/// Whether a person is waited for.
pub fn waits_for_people(rotation: &Rotation) -> bool {
    let by_hand = |d: &super::Delivery| {
        matches!(d.reload, Some(Reload::Task(_))) || d.proof == Proof::Attested
    };
    rotation.style == Style::Manual || rotation.deliveries.iter().any(by_hand)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
