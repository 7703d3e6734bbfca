//! Rules about stores and the consumers behind them.

use std::collections::BTreeSet;

use keysweep_sdk::{ReadAt, Style};

use super::Found;
use crate::plan::{Delivery, Place, Proof, Rotation};

pub(super) fn delivery(rotation: &Rotation, delivery: &Delivery, found: &mut Found) {
    for place in &delivery.places {
        placement(rotation, delivery, place, found);
    }
    if rotation.style == Style::Retire {
        return;
    }
    if delivery.reload.is_none()
        && matches!(delivery.read_at, ReadAt::ProcessStart | ReadAt::Deploy)
    {
        found.error(
            "no-reload",
            format!(
                "consumers read {} {}, and nothing makes them read it again",
                crate::plan::delivery(delivery),
                crate::plan::read_at(delivery.read_at)
            ),
            "set `reload = { hook = [\"systemctl\", \"restart\", \"app\"] }`, or `{ task = \"…\" }` for a person",
        );
    }
    unproved(rotation, delivery, found);
}

fn placement(rotation: &Rotation, delivery: &Delivery, place: &Place, found: &mut Found) {
    let at = format!("{}:{}", delivery.provider, place.at);
    let Some(slot) = &place.before else {
        if rotation.style != Style::Retire {
            found.warn(
                "absent",
                format!("{at} is not there, and is made: does its consumer read that one?"),
                "correct its name, or go on",
            );
        }
        return;
    };
    if let Some(other) = &slot.shadowed_by {
        found.error(
            "shadowed",
            format!("consumers read {other} instead of {at}"),
            format!("name {other} as a store, or take it away"),
        );
    }
    if let Some(tool) = &slot.managed_by {
        found.error(
            "managed",
            format!("{tool} writes {at} and would undo the write"),
            "set `managed_by` at the store: it gets a task instead",
        );
    }
}

/// What is needed and can never be shown holds the rotation for good.
fn unproved(rotation: &Rotation, delivery: &Delivery, found: &mut Found) {
    let silent = |place: &Place| {
        let slot = place.before.as_ref();
        slot.is_some_and(|slot| slot.version.is_none() && slot.updated.is_none())
    };
    let (what, way_out) = match &delivery.proof {
        Proof::Advanced => {
            let Some(place) = delivery.places.iter().find(|place| silent(place)) else { return };
            (
                format!("{}:{} does not tell when it was written", delivery.provider, place.at),
                "choose another `proof`: `hook`, `used` or `attested`",
            )
        }
        Proof::Used if rotation.usage.is_none() => (
            format!("nobody tells whether {} is used", crate::plan::delivery(delivery)),
            "choose another `proof`, or name a provider that tells by `usage`",
        ),
        Proof::Hook(argv) if argv.is_empty() => (
            format!("{} is proved by no program", crate::plan::delivery(delivery)),
            "name the program",
        ),
        Proof::ReadBack | Proof::Used | Proof::Hook(_) | Proof::Attested => return,
    };
    if delivery.required {
        found.error("unproved", format!("{what}, and it is required"), way_out);
    } else {
        found.warn("unproved", what, way_out);
    }
}

/// Every unit takes the whole credential, and one unit at least takes it.
pub(super) fn fields(rotation: &Rotation, found: &mut Found) {
    if rotation.style == Style::Retire {
        return;
    }
    for delivery in &rotation.deliveries {
        half(rotation, delivery, found);
    }
    if rotation.deliveries.is_empty() {
        found.error(
            "no-store",
            "no store takes the new one: it would be minted and lost",
            "name its `stores`, or set `style = \"retire\"`",
        );
    }
    let unnamed = rotation.issuer.fields.iter().filter(|field| !rotation.fields.contains(field));
    let unnamed: Vec<&str> = unnamed.map(String::as_str).collect();
    if !rotation.fields.is_empty() && !unnamed.is_empty() {
        found.warn(
            "fields",
            format!("the new one also has {}, which no store gets", unnamed.join(", ")),
            "add it to `fields`, unless no consumer needs it",
        );
    }
}

fn half(rotation: &Rotation, delivery: &Delivery, found: &mut Found) {
    if delivery.places.is_empty() {
        return;
    }
    let taken: BTreeSet<String> =
        delivery.places.iter().flat_map(|place| place.shape.fields()).collect();
    let strange: Vec<&str> = taken
        .iter()
        .filter(|field| !rotation.issuer.fields.contains(field))
        .map(String::as_str)
        .collect();
    if !strange.is_empty() {
        found.error(
            "fields",
            format!(
                "{} takes {}, which the new one does not have",
                crate::plan::delivery(delivery),
                strange.join(", ")
            ),
            format!("its fields are {}", rotation.issuer.fields.join(", ")),
        );
    }
    let lacking = rotation.fields.iter().filter(|field| !taken.contains(*field));
    let lacking: Vec<&str> = lacking.map(String::as_str).collect();
    if lacking.is_empty() {
        return;
    }
    let what = format!(
        "{} gets only a part of the credential: {} is missing",
        crate::plan::delivery(delivery),
        lacking.join(", ")
    );
    let way_out = "add a store for it with the same `consumers`, or take it out of `fields` if it never changes";
    // With one slot the principal stays, and so does its name.
    if rotation.style == Style::CallerChosen && !rotation.overlaps() {
        found.warn("half", what, way_out);
    } else {
        found.error("half", what, way_out);
    }
}
