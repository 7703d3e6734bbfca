//! The plan: what is made of a configuration and what was seen, and what is refused.

#[path = "plan/approval.rs"]
mod approval;
#[path = "plan/exposed.rs"]
mod exposed;
#[path = "plan/lint.rs"]
mod lint;
#[path = "plan/order.rs"]
mod order;
#[path = "plan/slots.rs"]
mod slots;
#[path = "plan/units.rs"]
mod units;
#[path = "plan/world.rs"]
mod world;

use std::time::Duration;

use anstream::adapter::strip_str;
use keysweep::{
    plan::{Listing, Mode, Plan, Proof, Purpose, SeenPlacement, TaskKind, lint},
    report,
};
use keysweep_sdk::{CredentialId, Style};

use world::{ONE, World, active, at};

#[test]
fn the_same_world_is_the_same_bytes() {
    let bytes = |world: &World| serde_json::to_string_pretty(&world.plan()).unwrap();
    let world = World::new(ONE);
    let first = bytes(&world);
    assert_eq!(first, bytes(&World::new(ONE)));
    // An issuer lists in any order.
    let mut turned = World::new(ONE);
    turned.listed("prod:user/ci", vec![active("AKIA1"), world::inactive("AKIA0")]);
    let mut straight = World::new(ONE);
    straight.listed("prod:user/ci", vec![world::inactive("AKIA0"), active("AKIA1")]);
    assert_eq!(bytes(&turned), bytes(&straight));
    let back: Plan = serde_json::from_str(&first).unwrap();
    assert_eq!(back.digest(), world.plan().digest());
}

#[test]
fn a_plan_without_the_later_keys_is_read_and_keeps_its_digest() {
    let mut plan = World::new(ONE).plan();
    for rotation in &mut plan.rotations {
        rotation.fields.clear();
    }
    let text = serde_json::to_string(&plan).unwrap();
    for key in ["\"fields\":[\"id\",\"secret\"],\"after\"", "\"exposures\"", "\"refused\""] {
        assert!(!text.contains(key), "{key}");
    }
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap().digest(), plan.digest());
}

#[test]
fn the_digest_stands_for_what_was_seen() {
    let digest = World::new(ONE).plan().digest();
    let mut written = World::new(ONE);
    written.place("files:.env#ID", SeenPlacement::There(world::slot("v2")));
    assert_ne!(written.plan().digest(), digest);
    let mut minted = World::new(ONE);
    minted.listed("prod:user/ci", vec![active("AKIA2")]);
    assert_ne!(minted.plan().digest(), digest);
    let mut used = World::new(ONE);
    used.used("prod:user/ci", "AKIA1", Some(at(-60)));
    assert_ne!(used.plan().digest(), digest);
    let mut able = World::new(ONE);
    able.provider("prod").capabilities.issuer.as_mut().unwrap().marker = true;
    assert_ne!(able.plan().digest(), digest);
}

#[test]
fn a_rotation_says_all_that_the_engine_needs() {
    let plan = World::new(ONE).plan();
    assert_eq!(plan.purpose, Purpose::Periodic);
    assert_eq!(plan.hosts, ["files.example:443", "iam.example:443"]);
    let [rotation] = &plan.rotations[..] else { panic!("{:?}", plan.refused) };
    assert_eq!((rotation.style, rotation.mode), (Style::Overlap, Mode::AvailabilityFirst));
    assert_eq!(rotation.old, Some(CredentialId::new("AKIA1")));
    assert_eq!(rotation.deadline, None);
    assert_eq!(rotation.bounds.drain, Duration::from_secs(6 * 3600));
    assert_eq!(rotation.bounds.soak, Duration::from_secs(7 * 24 * 3600));
    assert_eq!(rotation.known_sources, ["app"]);
    let [unit] = &rotation.deliveries[..] else { panic!("one unit") };
    assert_eq!((unit.places.len(), &unit.proof), (2, &Proof::ReadBack));
    // 6 hours of drain, 24 of quiet, 7 days of soak, a minute until it is refused and one until it is gone, 90 seconds
    // in which a use may show late, and two pauses between three verifications.
    let expected = 6 * 3600 + 24 * 3600 + 7 * 24 * 3600 + 2 * 60 + 90 + 2 * 5;
    assert_eq!(rotation.expected, Duration::from_secs(expected));
    // A list, 2 looks at placements; a mint, 3 verifications, 2 × (look, write, read back); 4 for the end, 32 looks at
    // its use: one an hour, and the first.
    assert_eq!(rotation.calls, 1 + 2 + 1 + 3 + 6 + 4 + 32);
    assert_eq!(lint(&plan), []);
}

#[test]
fn after_a_breach_there_is_always_a_deadline() {
    let mut text = ONE.replace("[policy]", "[policy]\npurpose = \"post-breach\"");
    let within = |text: &str| {
        let plan = World::new(text).plan();
        assert_eq!(plan.purpose, Purpose::PostBreach);
        plan.rotations[0].deadline
    };
    assert_eq!(within(&text), Some(at(24 * 3600)));
    text = text.replace("# more", "class = \"admin\"");
    text = text.replace("[policy]", "[policy]\ndeadline.admin = \"4h\"");
    assert_eq!(within(&text), Some(at(4 * 3600)));
    text = text.replace("class = \"admin\"", "class = \"admin\"\ndeadline = \"3h\"");
    assert_eq!(within(&text), Some(at(3 * 3600)));
    // Whatever a configuration leaves out.
    let mut world = World::new(&text);
    world.config.policy.deadline = None;
    world.config.policy.deadlines.clear();
    world.config.credentials[0].deadline = None;
    assert_eq!(world.plan().rotations[0].deadline, Some(at(24 * 3600)));
}

#[test]
fn nobody_guesses_which_one_is_in_use() {
    let refused = |world: &World| {
        let plan = world.plan();
        assert_eq!(plan.rotations, []);
        assert!(lint(&plan).iter().any(|f| f.rule == "refused"), "a refusal is an error");
        plan.refused[0].what.clone()
    };
    let mut two = World::new(ONE);
    two.provider("prod").capabilities.issuer.as_mut().unwrap().max_live = Some(10);
    two.listed("prod:user/ci", vec![active("AKIA2"), active("AKIA1")]);
    assert_eq!(refused(&two), "2 credentials are active: AKIA1, AKIA2");
    two.config.credentials[0].current = Some(CredentialId::new("AKIA2"));
    assert_eq!(two.plan().rotations[0].old, Some(CredentialId::new("AKIA2")));
    two.config.credentials[0].current = Some(CredentialId::new("AKIA3"));
    assert!(refused(&two).contains("AKIA3"));
    let mut failed = World::new(ONE);
    failed.listing("prod:user/ci", Listing::Failed("timed out".into()));
    assert!(refused(&failed).contains("timed out"));
    let mut unlisted = World::new(ONE);
    unlisted.listing("prod:user/ci", Listing::Unlisted);
    unlisted.config.credentials[0].style = Some(Style::Retire);
    assert!(refused(&unlisted).contains("nobody says"));
}

#[test]
fn what_stops_is_said_before() {
    let breaks = |world: &World| world.plan().rotations[0].breaks.clone();
    let mut world = World::new(ONE);
    world.config.credentials[0].breaks = vec!["the nightly deploy".into()];
    assert_eq!(breaks(&world), [""; 0], "an overlap stops nobody");
    world.config.credentials[0].mode = keysweep::config::Mode::ContainFirst;
    let contained = breaks(&world);
    assert!(contained[0].contains("app fail until"), "{contained:?}");
    assert_eq!(contained[1], "the nightly deploy");
    world.config.credentials[0].mode = keysweep::config::Mode::AvailabilityFirst;
    let issuer = world.provider("prod").capabilities.issuer.as_mut().unwrap();
    issuer.style = Style::CallerChosen;
    issuer.max_live = Some(1);
    assert!(breaks(&world)[0].contains("one slot"));
    world.provider("prod").capabilities.issuer.as_mut().unwrap().style = Style::AtomicRoll;
    assert!(breaks(&world)[0].contains("roll"));
    world.config.credentials[0].style = Some(Style::Retire);
    assert!(breaks(&world)[0].contains("for good"));
}

#[test]
fn an_issuer_without_a_part_gets_tasks() {
    let mut world = World::new(ONE);
    let provider = world.provider("prod");
    provider.capabilities.issuer = None;
    provider.capabilities.revoker = None;
    provider.instructions = Some(keysweep_sdk::Instructions {
        at: Some("https://console.example/keys".into()),
        mint: vec!["press New".into()],
        revoke: vec!["press Delete".into()],
        ..Default::default()
    });
    let plan = world.plan();
    assert_eq!(plan.rotations[0].style, Style::Manual);
    let told: Vec<_> =
        plan.tasks.iter().map(|t| (t.kind, t.clues.last().unwrap().as_str())).collect();
    assert_eq!(told, [(TaskKind::Mint, "press New"), (TaskKind::Revoke, "press Delete")]);
}

#[test]
fn a_page_fits_and_tells_it() {
    let text = ONE.replace("# more", "owner = \"platform\"");
    let mut world = World::new(&text);
    world.gates = vec!["is the entry closed?".into()];
    let mut seen = world::slot("v1");
    seen.seen_by = vec!["all repositories of acme".into()];
    world.place("files:.env#ID", SeenPlacement::There(seen));
    world.used("prod:user/ci", "AKIA1", Some(at(-60)));
    world.config.credentials[0].mode = keysweep::config::Mode::ContainFirst;
    let plan = world.plan();
    let page = strip_str(&report::plan(&plan, &lint(&plan))).to_string();
    for line in page.lines() {
        assert!(line.chars().count() <= report::WIDTH, "{line}");
    }
    for word in [
        "READY",
        &plan.digest()[..16],
        "prod:user/ci",
        "AKIA1",
        "all repositories of acme",
        "is the entry closed?",
        "What stops",
        "drain 6h",
        "iam.example:443",
        "calls",
    ] {
        assert!(page.contains(word), "no {word} in\n{page}");
    }
}
