//! Each rule has a plan that breaks it, and the plan without that is clean.

use std::time::Duration;

use keysweep::plan::{Level, Mode, Plan, Proof, Purpose, lint};
use keysweep_sdk::{CredentialId, ReadAt, Shape, Slot, Style, Use};

use super::world::{ONE, World, at, inactive, slot};

type Break = fn(&mut Plan);

const ERROR: Level = Level::Error;
const WARNING: Level = Level::Warning;

/// Every rule, how serious it is, and what breaks it.
const RULES: &[(&str, Level, Break)] = &[
    ("version", ERROR, |p| p.v += 1),
    ("no-recovery", ERROR, |p| p.recovery.sealed_to.clear()),
    ("no-recovery", WARNING, |p| {
        p.recovery.sealed_to.clear();
        p.recovery.danger_no_escrow = true;
    }),
    ("twice", ERROR, |p| {
        let mut again = p.rotations[0].clone();
        again.deliveries[0].places.iter_mut().for_each(|p| {
            p.at = keysweep_sdk::PlacementId::new(format!("{}2", p.at));
        });
        p.rotations.push(again);
    }),
    ("same-placement", ERROR, |p| {
        let mut unit = p.rotations[0].deliveries[0].clone();
        unit.required = false;
        p.rotations[0].deliveries.push(unit);
    }),
    ("order", ERROR, |p| {
        let mut above = p.rotations[0].clone();
        above.id = "prod:user/above".into();
        above.deliveries[0].places.iter_mut().for_each(|p| {
            p.at = keysweep_sdk::PlacementId::new(format!("{}2", p.at));
        });
        above.after = vec![p.rotations[0].id.clone()];
        p.rotations.insert(0, above);
    }),
    ("order", WARNING, |p| p.rotations[0].after = vec!["prod:user/leaf".into()]),
    ("refused", ERROR, |p| {
        p.refused.push(keysweep::plan::Refused {
            rotation: "prod:user/x".into(),
            what: "why".into(),
            way_out: "how".into(),
            exposures: vec![],
        });
    }),
    ("style", ERROR, |p| p.rotations[0].style = Style::TwoSlotBridge),
    ("style", ERROR, |p| p.rotations[0].style = Style::GracedRoll),
    ("style", ERROR, |p| p.rotations[0].issuer.style = Style::Manual),
    ("slot", ERROR, |p| p.rotations[0].free = p.rotations[0].old.clone()),
    ("slot", ERROR, |p| p.rotations[0].observed.push(inactive("AKIA0"))),
    ("no-verifier", WARNING, |p| p.rotations[0].verifier = None),
    ("no-revoker", ERROR, |p| p.rotations[0].revoker = None),
    ("no-old", WARNING, |p| p.rotations[0].old = None),
    ("lost-reply", WARNING, |p| p.rotations[0].sole_writer = false),
    ("baseline", WARNING, |p| {
        post_breach(p);
        p.rotations[0].baseline = Some(Use { at: Some(at(-5)), source: Some("1.2.3.4".into()) });
    }),
    ("outage", ERROR, |p| p.rotations[0].mode = Mode::ContainFirst),
    ("outage", ERROR, |p| {
        let rotation = &mut p.rotations[0];
        (rotation.style, rotation.issuer.style) = (Style::CallerChosen, Style::CallerChosen);
        rotation.issuer.max_live = Some(1);
    }),
    ("outage", ERROR, |p| {
        let rotation = &mut p.rotations[0];
        (rotation.style, rotation.issuer.style) = (Style::AtomicRoll, Style::AtomicRoll);
    }),
    ("deadline", ERROR, |p| p.purpose = Purpose::PostBreach),
    ("deadline", ERROR, |p| {
        post_breach(p);
        p.rotations[0].deadline = Some(at(3600));
    }),
    ("deadline", WARNING, |p| {
        post_breach(p);
        p.rotations[0].deadline = Some(at(7 * 3600));
    }),
    ("absent", WARNING, |p| place(p).before = None),
    ("shadowed", ERROR, |p| {
        place(p).before = Some(Slot { shadowed_by: Some("x".into()), ..slot("v1") });
    }),
    ("managed", ERROR, |p| {
        place(p).before = Some(Slot { managed_by: Some("x".into()), ..slot("v1") });
    }),
    ("no-reload", ERROR, |p| p.rotations[0].deliveries[0].read_at = ReadAt::ProcessStart),
    ("no-reload", ERROR, |p| p.rotations[0].deliveries[0].read_at = ReadAt::Deploy),
    ("unproved", ERROR, |p| {
        p.rotations[0].deliveries[0].proof = Proof::Advanced;
        place(p).before = Some(Slot::default());
    }),
    ("unproved", ERROR, |p| {
        p.rotations[0].deliveries[0].proof = Proof::Used;
        p.rotations[0].usage = None;
    }),
    ("unproved", WARNING, |p| {
        p.rotations[0].deliveries[0].proof = Proof::Hook(vec![]);
        p.rotations[0].deliveries[0].required = false;
    }),
    ("half", ERROR, |p| {
        p.rotations[0].deliveries[0].places.pop();
    }),
    ("half", WARNING, |p| {
        let rotation = &mut p.rotations[0];
        rotation.style = Style::CallerChosen;
        rotation.issuer.style = Style::CallerChosen;
        rotation.issuer.max_live = Some(1);
        rotation.breaks = vec!["all".into()];
        rotation.deliveries[0].places.pop();
    }),
    ("no-store", ERROR, |p| p.rotations[0].deliveries.clear()),
    ("fields", WARNING, |p| p.rotations[0].issuer.fields.push("region".into())),
    ("fields", ERROR, |p| {
        place(p).shape = Shape::Template("{{ id }}{{ token }}".into());
    }),
];

fn place(plan: &mut Plan) -> &mut keysweep::plan::Place {
    &mut plan.rotations[0].deliveries[0].places[0]
}

fn post_breach(plan: &mut Plan) {
    plan.purpose = Purpose::PostBreach;
    plan.rotations[0].deadline = Some(at(90 * 3600));
}

#[test]
fn each_rule_is_broken_by_its_case_alone() {
    let clean = World::new(ONE).plan();
    assert_eq!(lint(&clean), []);
    for (at, (rule, level, break_it)) in RULES.iter().enumerate() {
        let mut plan = clean.clone();
        break_it(&mut plan);
        let found = lint(&plan);
        let told: Vec<_> = found.iter().map(|f| (f.rule, f.level)).collect();
        assert!(told.contains(&(*rule, *level)), "case {at}, {rule}: {told:?}");
        assert!(told.iter().all(|(other, _)| other == rule), "case {at}, {rule}: {told:?}");
        for finding in &found {
            assert!(!finding.what.is_empty() && !finding.way_out.is_empty(), "{rule}");
        }
    }
}

/// What the plan itself makes of a policy that cannot hold.
#[test]
fn the_default_policy_after_a_breach_is_clean() {
    let text = ONE.replace("[policy]", "[policy]\npurpose = \"post-breach\"");
    assert_eq!(lint(&World::new(&text).plan()), []);
    let tight = text.replace("[policy]", "[policy]\ndeadline.default = \"30m\"");
    let found = lint(&World::new(&tight).plan());
    assert_eq!((found.len(), found[0].rule, found[0].level), (1, "deadline", Level::Error));
}

#[test]
fn a_manual_end_with_its_task_is_a_warning() {
    let mut world = World::new(ONE);
    world.provider("prod").capabilities.revoker = None;
    let found = lint(&world.plan());
    assert_eq!((found.len(), found[0].rule, found[0].level), (1, "no-revoker", Level::Warning));
}

#[test]
fn what_retires_needs_no_store_and_no_escrow() {
    let mut world = World::new(ONE);
    world.config.credentials[0].style = Some(Style::Retire);
    world.config.credentials[0].stores.clear();
    world.config.escrow.recipients.clear();
    let plan = world.plan();
    assert_eq!(plan.rotations[0].old, Some(CredentialId::new("AKIA1")));
    assert_eq!(lint(&plan), []);
    assert!(plan.rotations[0].expected > Duration::ZERO);
}
