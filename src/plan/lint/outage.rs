//! Rules about who stops, and until when the old one lives.

use keysweep_sdk::Style;

use super::{Found, ends_old, shown};
use crate::plan::{
    Mode, Plan, Purpose, Rotation,
    timing::{later, until_drained, until_refused},
};

pub(super) fn rotation(plan: &Plan, rotation: &Rotation, found: &mut Found) {
    let contained = rotation.mode == Mode::ContainFirst
        && ends_old(rotation)
        && rotation.style != Style::Ephemeral;
    let stops = !rotation.overlaps() || contained;
    if stops && rotation.breaks.is_empty() {
        found.error(
            "outage",
            "its consumers have no credential for a while, and the plan does not say so",
            "make the plan again, and say in `breaks` what stops",
        );
    }
    deadline(plan, rotation, found);
}

fn deadline(plan: &Plan, rotation: &Rotation, found: &mut Found) {
    let Some(deadline) = rotation.deadline else {
        if plan.purpose == Purpose::PostBreach && ends_old(rotation) {
            found.error(
                "deadline",
                "after a breach each credential has a deadline, and it has none",
                "set `deadline.default` in `[policy]`",
            );
        }
        return;
    };
    if !ends_old(rotation) {
        return;
    }
    let drained = later(plan.made, until_drained(rotation));
    let refused = later(plan.made, until_refused(rotation, plan.made));
    let first = rotation.mode == Mode::AvailabilityFirst && rotation.overlaps();
    let by_itself = rotation.style == Style::Ephemeral;
    if first && !by_itself && deadline < drained {
        found.error(
            "deadline",
            format!(
                "its deadline {deadline} comes before runs that hold the old one have ended ({} from the start)",
                shown(until_drained(rotation))
            ),
            "set a later deadline or a shorter `drain`, or accept the outage by `mode = \"contain-first\"`",
        );
    } else if deadline < refused {
        found.warn(
            "deadline",
            format!(
                "its deadline {deadline} comes before the old one could be seen to be quiet ({} from the start): it is \
                 ended at the deadline, after one question",
                shown(until_refused(rotation, plan.made))
            ),
            "set a later deadline, or a shorter `drain` and `quiet`",
        );
    }
}
