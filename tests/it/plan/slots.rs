//! Two slots, and what is in them (H1).

use std::time::Duration;

use keysweep_sdk::{CredentialId, Live};

use super::world::{ONE, World, active, at, inactive};

const DAY: i64 = 24 * 3600;
const NAME: &str = "prod:user/ci";

/// What is freed, or why nothing may be.
fn freed(world: &World) -> Result<Option<String>, String> {
    let plan = world.plan();
    match plan.rotations.first() {
        Some(rotation) => Ok(rotation.free.as_ref().map(ToString::to_string)),
        None => Err(format!("{} | {}", plan.refused[0].what, plan.refused[0].way_out)),
    }
}

fn with(live: Vec<Live>) -> World {
    let mut world = World::new(ONE);
    world.config.credentials[0].current = Some(CredentialId::new("AKIA1"));
    world.listed(NAME, live);
    world
}

fn full() -> World {
    with(vec![active("AKIA1"), inactive("AKIA0")])
}

#[test]
fn a_slot_is_freed_only_of_what_nobody_needs() {
    assert_eq!(freed(&with(vec![active("AKIA1")])), Ok(None), "there is room");
    let two_active = freed(&with(vec![active("AKIA1"), active("AKIA2")])).unwrap_err();
    assert!(two_active.contains("AKIA2: it is active"), "{two_active}");
    for way in ["one credential", "second principal", "disable AKIA2"] {
        assert!(two_active.contains(way), "{two_active}");
    }

    let unknown = freed(&full()).unwrap_err();
    assert!(unknown.contains("nobody tells when it was last used"), "{unknown}");
    let mut never = full();
    never.used(NAME, "AKIA0", None);
    assert_eq!(freed(&never), Ok(Some("AKIA0".into())));
    let mut quiet = full();
    quiet.used(NAME, "AKIA0", Some(at(-2 * DAY)));
    assert_eq!(freed(&quiet), Ok(Some("AKIA0".into())));
    // 24 hours of quiet are the policy; what the issuer blurs comes on top of them.
    for second in [-DAY + 1, -DAY - 60] {
        quiet.used(NAME, "AKIA0", Some(at(second)));
        assert!(freed(&quiet).unwrap_err().contains("it was used at"), "{second}");
    }
    quiet.used(NAME, "AKIA0", Some(at(-DAY - 90)));
    assert_eq!(freed(&quiet), Ok(Some("AKIA0".into())));

    let mut no_usage = full();
    no_usage.used(NAME, "AKIA0", None);
    no_usage.provider("prod").capabilities.usage = None;
    assert!(freed(&no_usage).is_err());
}

#[test]
fn what_a_store_names_or_somebody_keeps_is_not_freed() {
    let mut named = full();
    named.used(NAME, "AKIA0", None);
    let place = "files:old.env#ID".parse().unwrap();
    named.credential(NAME).named_in.insert(CredentialId::new("AKIA0"), vec![place]);
    assert!(freed(&named).unwrap_err().contains("files:old.env#ID names it"));
    let mut evidence = full();
    evidence.used(NAME, "AKIA0", None);
    evidence.credential(NAME).evidence.insert(CredentialId::new("AKIA0"));
    assert!(freed(&evidence).unwrap_err().contains("evidence"));
    // The one that consumers hold is not freed because somebody disabled it.
    let mut current = with(vec![inactive("AKIA1"), active("AKIA2")]);
    current.used(NAME, "AKIA1", None);
    assert!(freed(&current).unwrap_err().contains("AKIA1: its consumers use it"));
}

#[test]
fn of_several_the_longest_unused_goes() {
    let mut world = with(vec![active("AKIA1"), inactive("AKIA3"), inactive("AKIA2")]);
    world.provider("prod").capabilities.issuer.as_mut().unwrap().max_live = Some(3);
    world.used(NAME, "AKIA2", Some(at(-5 * DAY)));
    world.used(NAME, "AKIA3", Some(at(-9 * DAY)));
    assert_eq!(freed(&world), Ok(Some("AKIA3".into())));
    world.config.policy.quiet = Duration::from_secs(20 * 24 * 3600);
    assert!(freed(&world).is_err());
}

#[test]
fn disabled_ones_that_take_no_slot_stay() {
    let mut world = full();
    world.provider("prod").capabilities.issuer.as_mut().unwrap().inactive_count = false;
    world.used(NAME, "AKIA0", None);
    assert_eq!(freed(&world), Ok(None));
    world.provider("prod").capabilities.issuer.as_mut().unwrap().max_live = Some(1);
    assert!(freed(&world).unwrap_err().contains("AKIA0: it takes no slot"));
}
