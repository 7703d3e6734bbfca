//! Rules about a plan, and about a rotation whatever its stores are.

use std::collections::{BTreeMap, BTreeSet};

use keysweep_sdk::{Chooser, LiveState, Shape, Style};

use super::{Found, ends_old};
use crate::plan::{Plan, Purpose, Rotation, VERSION};

pub(super) fn plan(plan: &Plan, found: &mut Found) {
    if plan.v != VERSION {
        found.error(
            "version",
            format!("the plan has version {}, and this keysweep reads {VERSION}", plan.v),
            "make it again with `keysweep plan`",
        );
    }
    let mints = plan.rotations.iter().any(|r| r.style != Style::Retire);
    if plan.recovery.sealed_to.is_empty() && mints {
        let what = "nobody could open what was minted after a crash: it is sealed to no one";
        if plan.recovery.danger_no_escrow {
            found.warn(
                "no-recovery",
                what,
                "`danger_no_escrow` accepts that; `keysweep keys new` ends it",
            );
        } else {
            found.error(
                "no-recovery",
                what,
                "make a key with `keysweep keys new`, or name `[escrow]` recipients",
            );
        }
    }
    twice(plan, found);
    order(plan, found);
}

fn twice(plan: &Plan, found: &mut Found) {
    let mut ids = BTreeSet::new();
    let mut taken: BTreeMap<_, Vec<(&Shape, &str)>> = BTreeMap::new();
    for rotation in &plan.rotations {
        if !ids.insert(&rotation.id) {
            found.error("twice", format!("{} is rotated twice", rotation.id), "keep one of them");
        }
        for delivery in &rotation.deliveries {
            for place in &delivery.places {
                let others = taken.entry((&delivery.provider, &place.at)).or_default();
                if let Some((_, other)) =
                    others.iter().find(|(other, _)| clash(other, &place.shape))
                {
                    found.error(
                        "same-placement",
                        format!(
                            "{}:{} is written for {other} and for {}",
                            delivery.provider, place.at, rotation.id
                        ),
                        "one placement holds one value: take one of the stores out",
                    );
                }
                others.push((&place.shape, &rotation.id));
            }
        }
    }
}

fn clash(one: &Shape, other: &Shape) -> bool {
    match (one, other) {
        (Shape::Named(one), Shape::Named(other)) => one.keys().any(|name| other.contains_key(name)),
        _ => true,
    }
}

/// What has to be over first is not in the plan any more, or comes later.
fn order(plan: &Plan, found: &mut Found) {
    for (at, rotation) in plan.rotations.iter().enumerate() {
        for first in &rotation.after {
            let stands = plan.rotations.iter().position(|other| other.id == *first);
            match stands {
                Some(stands) if stands < at => {}
                Some(_) => found.error(
                    "order",
                    format!("{} can change {first} and comes before it", rotation.id),
                    "make the plan again: it puts them in order",
                ),
                None => found.warn(
                    "order",
                    format!(
                        "{first} has to be over before {}, and is not in this plan",
                        rotation.id
                    ),
                    "carry out the slice that holds it first",
                ),
            }
        }
    }
}

pub(super) fn rotation(plan: &Plan, rotation: &Rotation, found: &mut Found) {
    style(rotation, found);
    slots(rotation, found);
    if rotation.verifier.is_none() && rotation.style != Style::Retire {
        found.warn(
            "no-verifier",
            "nobody can be asked whether the new one works before it is delivered",
            "name a provider that can by `verify`",
        );
    }
    let ended = (rotation.overlaps() && rotation.style != Style::Ephemeral)
        || rotation.style == Style::Retire;
    if rotation.revoker.is_none() && ends_old(rotation) && ended {
        let task = format!("revoke:{}", rotation.id);
        let told = plan.tasks.iter().any(|t| t.id == task);
        let (what, way) =
            ("a person has to end the old one", "name a provider that can by `revoke`");
        if told {
            found.warn("no-revoker", what, way);
        } else {
            found.error(
                "no-revoker",
                format!("{what}, and no task says so"),
                "make the plan again",
            );
        }
    }
    if rotation.old.is_none() && rotation.style != Style::Manual {
        found.warn(
            "no-old",
            "no credential is known to be in use: a new one is made, and none is ended",
            "name it by `current`, if there is one",
        );
    }
    lost_reply(rotation, found);
    if plan.purpose == Purpose::PostBreach {
        stranger(rotation, found);
    }
}

fn style(rotation: &Rotation, found: &mut Found) {
    let wanted = super::super::style(rotation.style);
    let given = super::super::style(rotation.issuer.style);
    match rotation.style {
        Style::TwoSlotBridge | Style::GracedRoll => found.error(
            "style",
            format!("nothing carries out the style `{wanted}` yet"),
            "choose another `style`, or rotate it by hand: `style = \"manual\"`",
        ),
        // A person can do either at any issuer.
        Style::Retire | Style::Manual => {}
        Style::Overlap | Style::CallerChosen | Style::AtomicRoll | Style::Ephemeral => {
            if rotation.style != rotation.issuer.style {
                found.error(
                    "style",
                    format!("`{}` is `{given}`, and not `{wanted}`", rotation.provider),
                    "take `style` out, or set `manual` or `retire`",
                );
            }
        }
    }
    if rotation.style == Style::Retire && rotation.old.is_none() {
        found.error("no-old", "there is nothing to retire", "name the credential by `current`");
    }
    if rotation.style == Style::AtomicRoll && rotation.old.is_none() {
        found.error("no-old", "there is nothing to roll", "name the credential by `current`");
    }
}

/// The slot that is freed is really free, and there is one where one is needed.
fn slots(rotation: &Rotation, found: &mut Found) {
    if let Some(free) = &rotation.free {
        let live = rotation.observed.iter().find(|live| live.id == *free);
        let disabled = live.is_some_and(|live| live.state == LiveState::Inactive);
        if !disabled || rotation.old.as_ref() == Some(free) {
            found.error(
                "slot",
                format!("{free} would be destroyed for its slot, and is in use"),
                "make the plan again: it frees disabled credentials only",
            );
        }
        if rotation.revoker.is_none() {
            found.error(
                "slot",
                format!("nobody can destroy {free} for its slot"),
                "destroy it by hand, then make the plan again",
            );
        }
        return;
    }
    let beside = matches!(rotation.style, Style::Overlap | Style::Ephemeral)
        && rotation.issuer.chooser == Chooser::Issuer;
    let counts = |live: &&keysweep_sdk::Live| {
        rotation.issuer.inactive_count || live.state == LiveState::Active
    };
    let taken = rotation.observed.iter().filter(counts).count();
    if beside && rotation.issuer.max_live.is_some_and(|most| taken >= most as usize) {
        found.error(
            "slot",
            "all slots are taken, and none is freed",
            "make the plan again: it says which could be freed",
        );
    }
}

fn lost_reply(rotation: &Rotation, found: &mut Found) {
    let minted = matches!(rotation.style, Style::Overlap | Style::AtomicRoll | Style::Ephemeral)
        && rotation.issuer.chooser == Chooser::Issuer;
    if minted && !rotation.issuer.marker && !rotation.sole_writer {
        found.warn(
            "lost-reply",
            "its issuer keeps no marker: if the reply of the mint is lost, a person has to say whose the new one is",
            "set `sole_writer = true` if nobody else mints for it",
        );
    }
}

fn stranger(rotation: &Rotation, found: &mut Found) {
    let told = rotation.usage.as_ref().is_some_and(|usage| usage.limits.tells_source);
    let Some(used) = rotation.baseline.as_ref().filter(|_| told) else { return };
    let (Some(at), Some(source)) = (used.at, &used.source) else { return };
    if !rotation.known_sources.contains(source) {
        found.warn(
            "baseline",
            format!("{source} used it at {at}, and no `consumers` name that: it counts as known from now on"),
            "find out who that is; if nobody knows, set `mode = \"contain-first\"`",
        );
    }
}
