//! Placements become units that are written whole.

use keysweep::plan::{Listing, Plan, Proof, Reload, SeenPlacement, TaskKind};
use keysweep_sdk::{ReadAt, Readable};

use super::world::{ONE, World, slot, store};

fn with(stores: &str) -> World {
    let (head, rest) = ONE.split_once("stores = [").unwrap();
    let (_, tail) = rest.split_once("\n]").unwrap();
    World::new(&format!("{head}stores = [{stores}\n]{tail}"))
}

/// The placements of each unit.
fn units(plan: &Plan) -> Vec<Vec<&str>> {
    assert_eq!(plan.refused, []);
    let deliveries = plan.rotations[0].deliveries.iter();
    deliveries.map(|d| d.places.iter().map(|p| p.at.as_str()).collect()).collect()
}

#[test]
fn what_a_consumer_reads_is_one_unit() {
    let world = with(
        r#"
  { at = "files:a.env#ID", field = "id" },
  { at = "files:b.env#SECRET", field = "secret", consumers = ["b"] },
  { at = "files:a.env#SECRET", field = "secret" },
  { at = "files:b.env#ID", field = "id", consumers = ["b"] },
  { at = "files:one", template = "{{ id }}:{{ secret }}" },
  { at = "files:two", template = "{{ id }}:{{ secret }}" },
  { at = "files:x/ID", field = "id", consumers = ["x"] },
  { at = "files:y/SECRET", field = "secret", consumers = ["y", "x"] },"#,
    );
    assert_eq!(
        units(&world.plan()),
        [
            vec!["a.env#ID", "a.env#SECRET"],
            vec!["b.env#SECRET", "b.env#ID"],
            // Each is whole by itself: one that fails stops no other.
            vec!["one"],
            vec!["two"],
            vec!["x/ID", "y/SECRET"],
        ]
    );
}

#[test]
fn two_consumers_in_one_file_are_two_units_and_a_nameless_part_joins() {
    let world = with(
        r#"
  { at = "files:.env#A_ID", field = "id", consumers = ["a"] },
  { at = "files:.env#A_SECRET", field = "secret", consumers = ["a"] },
  { at = "files:.env#B_ID", field = "id", consumers = ["b"] },
  { at = "files:.env#B_SECRET", field = "secret", consumers = ["b"] },"#,
    );
    assert_eq!(units(&world.plan()).len(), 2);
    let world = with(
        r#"
  { at = "files:.env#ID", field = "id", consumers = ["a"] },
  { at = "files:.env#SECRET", field = "secret" },"#,
    );
    assert_eq!(units(&world.plan()), [["ID", "SECRET"].map(|n| [".env#", n].concat())]);
}

#[test]
fn the_strongest_proof_is_the_default_and_the_latest_read_counts() {
    let mut world = World::new(ONE);
    let proof = |world: &World| world.plan().rotations[0].deliveries[0].proof.clone();
    assert_eq!(proof(&world), Proof::ReadBack);
    world.provider("files").capabilities.store = Some(store(Readable::Metadata));
    assert_eq!(proof(&world), Proof::Advanced);
    world.config.credentials[0].stores[0].proof = Some(keysweep::config::Proof::ReadBack);
    assert!(world.plan().refused[0].what.contains("does not give its value back"));
    world.config.credentials[0].stores[0].proof = Some(keysweep::config::Proof::Attested);
    assert_eq!(proof(&world), Proof::Attested);
    assert_eq!(world.plan().tasks[0].kind, TaskKind::Confirm);
    world.config.credentials[0].stores[1].read_at = Some(ReadAt::Deploy);
    assert_eq!(world.plan().rotations[0].deliveries[0].read_at, ReadAt::Deploy);
}

#[test]
fn a_unit_is_reloaded_in_one_way() {
    let mut world = World::new(ONE);
    let stores = &mut world.config.credentials[0].stores;
    stores[1].reload = Some(keysweep::config::Reload::Hook(vec!["restart".into()]));
    let plan = world.plan();
    let expected = Some(Reload::Hook(vec!["restart".into()]));
    assert_eq!(plan.rotations[0].deliveries[0].reload, expected);
    world.config.credentials[0].stores[0].reload =
        Some(keysweep::config::Reload::Task("by hand".into()));
    assert!(world.plan().refused[0].what.contains("`reload` differ"));
}

#[test]
fn what_git_writes_is_a_task_that_the_old_one_waits_for() {
    let managed = |world: &World| {
        let plan = world.plan();
        let [delivery] = &plan.rotations[0].deliveries[..] else { panic!("one unit") };
        // Half a unit is never written: the other half is not ours.
        assert_eq!(delivery.places, []);
        assert!(delivery.required);
        assert_eq!(delivery.proof, Proof::Attested);
        assert!(matches!(&delivery.reload, Some(Reload::Task(what)) if what.contains("terraform")));
        let task = &plan.tasks[0];
        assert_eq!(task.kind, TaskKind::ChangeSource);
        assert_eq!(task.clues.len(), 2);
    };
    let mut by_config = World::new(ONE);
    by_config.config.credentials[0].stores[0].managed_by = Some("terraform".into());
    managed(&by_config);
    let mut by_store = World::new(ONE);
    let mut seen = slot("v1");
    seen.managed_by = Some("terraform".into());
    by_store.place("files:.env#SECRET", SeenPlacement::There(seen));
    managed(&by_store);
    let mut by_book = World::new(ONE);
    let book = "[[bindings]]\nplacement = \"files:.env#ID\"\nissuer = \"x\"\nsource_of_truth = \"terraform\"\n";
    by_book.book = Some(keysweep::bindings::Book::parse("bindings.toml", book).unwrap());
    managed(&by_book);
}

#[test]
fn a_store_that_cannot_be_written_is_found_before_anything_is_minted() {
    let mut world = World::new(ONE);
    world.place("files:.env#ID", SeenPlacement::Failed("no such folder".into()));
    assert!(world.plan().refused[0].what.contains("no such folder"));
    for store in &mut world.config.credentials[0].stores {
        store.required = false;
    }
    let plan = world.plan();
    assert_eq!(units(&plan), [[".env#SECRET"]]);
    assert_eq!(plan.tasks[0].kind, TaskKind::FindOut);
    assert!(plan.tasks[0].about.contains("no such folder"));
    let mut unseen = World::new(ONE);
    unseen.observed.placements.clear();
    assert!(unseen.plan().refused[0].what.contains("nobody looked at it"));
    let mut no_store = World::new(ONE);
    no_store.provider("files").capabilities.store = None;
    assert!(no_store.plan().refused[0].what.contains("is no store"));
}

#[test]
fn a_shape_that_the_store_does_not_take_is_refused() {
    let mut world = World::new(ONE);
    let mut limits = store(Readable::Value);
    limits.named = Some(true);
    world.provider("files").capabilities.store = Some(limits);
    assert!(world.plan().refused[0].what.contains("holds named values"));
    let mut strange = World::new(ONE);
    strange.provider("prod").capabilities.issuer.as_mut().unwrap().fields = vec!["token".into()];
    strange.listing("prod:user/ci", Listing::Unlisted);
    assert!(strange.plan().refused[0].what.contains("no field `id`"));
}
