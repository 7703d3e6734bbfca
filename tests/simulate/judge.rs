//! What holds for every run, whatever happened in it.

use std::time::Duration;

use keysweep::{
    plan::{Mode, Purpose},
    rotate::{Outcome, Rest},
};
use keysweep_provider_fake::{By, CANARY, End, Fate, Slots};
use keysweep_sdk::Style;

use super::Story;

type Verdict = Result<(), String>;

pub(super) fn judge(story: &Story) -> Verdict {
    no_value_anywhere(story)?;
    nothing_minted_is_unreported(story)?;
    the_end_is_what_it_says(story)?;
    nothing_of_a_stranger_is_ended(story)?;
    what_nothing_troubles_ends_well(story)?;
    consumers_work(story)?;
    dead_by_the_deadline(story)
}

fn no_value_anywhere(story: &Story) -> Verdict {
    let rest = format!("{:?}", story.rest);
    let texts = [story.journal.text(), story.audit.join("\n"), rest];
    match texts.iter().any(|text| text.contains(CANARY)) {
        true => Err("a value is in the journal, the audit log or the answer".into()),
        false => Ok(()),
    }
}

fn ours(story: &Story) -> Vec<Fate> {
    story.scenario.fake.world().fates().into_iter().filter(|fate| fate.by == By::Engine).collect()
}

fn lives(fate: &Fate) -> bool {
    matches!(fate.end, End::Active | End::Disabled)
}

/// What we minted and lives is the new one, or is named to the operator.
fn nothing_minted_is_unreported(story: &Story) -> Verdict {
    let said = format!("{:?}", story.rest);
    for fate in ours(story).iter().filter(|fate| lives(fate)) {
        let new = story.state.new.as_ref() == Some(&fate.id);
        let orphan = story.state.orphans.get(&fate.id).is_some_and(|orphan| !orphan.gone);
        if !new && !orphan && !said.contains(fate.id.as_str()) && !in_doubt(story) {
            return Err(format!("{} lives and nobody is told", fate.id));
        }
    }
    Ok(())
}

/// Without a mark, and without a promise that nobody else mints, what is new may be a colleague's.
fn nothing_of_a_stranger_is_ended(story: &Story) -> Verdict {
    let fates = story.scenario.fake.world().fates();
    let old = story.scenario.plan.rotations[0].old.clone();
    let ended = |fate: &&Fate| {
        // A role keeps its id when somebody sets its password: ending the old one is the plan.
        let planned = Some(&fate.id) == old.as_ref();
        fate.by == By::Stranger && !planned && matches!(fate.end, End::Destroyed | End::Disabled)
    };
    match fates.iter().find(ended) {
        Some(fate) => Err(format!("{} is a stranger's, and we ended it", fate.id)),
        None => Ok(()),
    }
}

/// Safety alone is kept by doing nothing.
fn what_nothing_troubles_ends_well(story: &Story) -> Verdict {
    let about = &story.scenario.about;
    let calm = about.rules.is_empty() && !about.attacker && !about.stranger && !about.deleted;
    // After a death in the mint it may have to ask whose a credential is.
    let asked = story.state.abort.is_some() || story.deaths > 0;
    let waits = about.style == Style::Retire && about.purpose == Purpose::Periodic;
    if !calm || asked || waits || story.rest == Rest::Closed(Outcome::Done) {
        return Ok(());
    }
    Err(format!("nothing was in the way, and it came to {:?}", story.rest))
}

/// The mint parked before its look was answered: the operator is told that it is open.
fn in_doubt(story: &Story) -> bool {
    matches!(story.rest, Rest::Parked { .. })
        && !story.state.done(keysweep::rotate::Step::Mint)
        && story.state.may_be_minted()
}

fn the_end_is_what_it_says(story: &Story) -> Verdict {
    let old = story.scenario.plan.rotations[0].old.clone().unwrap();
    let mut world = story.scenario.fake.world();
    let fates = world.fates();
    let first = fates.iter().find(|fate| fate.by == By::Start).unwrap().clone();
    drop(world);
    match &story.rest {
        Rest::Closed(Outcome::Done) => {
            if story.journal.holds_a_value() {
                return Err("done, and a sealed value is left".into());
            }
            if lives(&first) && first.end == End::Active {
                return Err(format!("done, and {old} lives"));
            }
            stores_hold_the_new_one(story)
        }
        Rest::Closed(Outcome::RolledBack) => {
            if ours(story).iter().any(lives) {
                return Err("rolled back, and what was minted lives".into());
            }
            // Whatever the mode: the old one is as it was.
            let stranger = story.scenario.about.stranger && first.end == End::Replaced;
            let ended = first.end != End::Active && first.end != End::Expired && !stranger;
            if ended { Err("rolled back, and the old one is gone".into()) } else { Ok(()) }
        }
        // Somebody uses the old one, and an outage costs more than a late rotation: it waits, and says so.
        Rest::Waiting { .. }
            if story.scenario.about.purpose == Purpose::Periodic
                && (story.scenario.about.attacker
                    || story.scenario.about.style == Style::Retire)
                && !story.state.findings.is_empty() =>
        {
            Ok(())
        }
        Rest::Waiting { .. } => Err("it waits for ever".into()),
        Rest::Parked { why } if why.is_empty() => Err("parked without a reason".into()),
        Rest::Parked { .. } => Ok(()),
    }
}

fn stores_hold_the_new_one(story: &Story) -> Verdict {
    let rotation = &story.scenario.plan.rotations[0];
    if rotation.style == Style::Retire {
        return Ok(());
    }
    let new = story.state.new.clone().ok_or("done, and there is no new one")?;
    let world = story.scenario.fake.world();
    let bundle = world.bundle("issuer", &new).ok_or("done, and the new one is gone")?;
    if world.takes("issuer", &bundle).is_none() {
        return Err("done, and the new one does not work".into());
    }
    for (i, delivery) in rotation.deliveries.iter().enumerate() {
        if story.state.waived.contains_key(&i) {
            continue;
        }
        for place in &delivery.places {
            let payload = bundle.shaped(&place.shape)?;
            // Deleted by somebody, after it was proved.
            let gone = world.is_gone(&delivery.provider, &place.at);
            if !gone && !world.placed_is(&delivery.provider, &place.at, &payload) {
                return Err(format!("done, and {} holds something else", place.at));
            }
        }
    }
    Ok(())
}

/// With overlap and availability first, nobody ever holds something that does not work.
fn consumers_work(story: &Story) -> Verdict {
    let about = &story.scenario.about;
    let overlaps = match about.style {
        Style::Overlap | Style::Manual => true,
        Style::CallerChosen => about.slots != Some(Slots::One),
        Style::Ephemeral
        | Style::AtomicRoll
        | Style::Retire
        | Style::TwoSlotBridge
        | Style::GracedRoll => false,
    };
    let contained = about.mode == Mode::ContainFirst || story.state.answer.is_some();
    if !overlaps || contained || about.deleted || about.stranger {
        return Ok(());
    }
    let mut world = story.scenario.fake.world();
    match world.outages().first() {
        Some(outage) => Err(format!("an outage that nobody asked for: {outage:?}")),
        None => Ok(()),
    }
}

fn dead_by_the_deadline(story: &Story) -> Verdict {
    let rotation = &story.scenario.plan.rotations[0];
    let (Some(deadline), Rest::Closed(Outcome::Done)) = (rotation.deadline, &story.rest) else {
        return Ok(());
    };
    if story.scenario.about.purpose == Purpose::Periodic || rotation.style == Style::Ephemeral {
        return Ok(());
    }
    let mut world = story.scenario.fake.world();
    let first = world.fates().into_iter().find(|fate| fate.by == By::Start).unwrap();
    // What a person took up late, or what failed and was tried again, may be late by that.
    let slack = Duration::from_secs(if story.state.parked_once { 24 * 3600 } else { 600 });
    match first.dead_at {
        Some(dead) if dead <= deadline + slack => Ok(()),
        dead => Err(format!("dead at {dead:?}, and the deadline was {deadline}")),
    }
}
