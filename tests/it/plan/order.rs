//! The order across credentials (H8), waves and slices.

use keysweep::plan::{By, lint, split, waves};

use super::world::World;

/// Credentials, each with further keys.
fn world(credentials: &[(&str, &str)], policy: &str) -> World {
    let head = "[providers.prod]\ntype = \"aws\"\n[providers.files]\ntype = \"file\"\n\
                [escrow]\nrecipients = [\"age1x\"]\n";
    let each = credentials.iter().map(|(name, more)| {
        format!(
            "[[credentials]]\nid = \"prod:{name}\"\nfields = [\"id\", \"secret\"]\n{more}\n\
             stores = [{{ at = \"files:{name}#DSN\", template = \"{{{{ id }}}}:{{{{ secret }}}}\" }}]\n"
        )
    });
    World::new(&format!("{head}{}[policy]\n{policy}", each.collect::<String>()))
}

fn order(world: &World) -> Vec<(String, u32)> {
    let plan = world.plan();
    let turn = |r: &keysweep::plan::Rotation| (r.principal.to_string(), r.wave);
    plan.rotations.iter().map(turn).collect()
}

fn names(world: &World) -> Vec<String> {
    order(world).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn leaves_come_first_and_the_own_one_last() {
    let all = [
        ("own", "own = true"),
        ("root", "can_change = [\"prod:middle\"]"),
        ("middle", "can_change = [\"prod:leaf\"]"),
        ("leaf", ""),
    ];
    assert_eq!(names(&world(&all, "")), ["leaf", "middle", "root", "own"]);
    let plan = world(&all, "").plan();
    assert_eq!(plan.rotations[1].after, ["prod:leaf"]);
    assert_eq!(plan.rotations[3].after.len(), 3);
    let apart = [("b", ""), ("a", "")];
    assert_eq!(names(&world(&apart, "")), ["b", "a"], "else as the configuration has them");
}

#[test]
fn a_circle_is_refused_by_name_and_the_others_go_on() {
    let all = [
        ("a", "can_change = [\"prod:b\"]"),
        ("b", "can_change = [\"prod:c\"]"),
        ("c", "can_change = [\"prod:a\"]"),
        ("above", "can_change = [\"prod:a\"]"),
        ("d", ""),
    ];
    let world = world(&all, "");
    assert_eq!(names(&world), ["above", "d"]);
    let plan = world.plan();
    let refused: Vec<_> = plan.refused.iter().map(|r| r.rotation.as_str()).collect();
    assert_eq!(refused, ["prod:a", "prod:b", "prod:c"]);
    assert!(plan.refused[0].what.starts_with("prod:a, prod:b, prod:c can change each other"));
}

#[test]
fn one_that_can_change_the_own_one_is_in_a_circle_with_it() {
    let all = [("own", "own = true"), ("x", "can_change = [\"prod:own\"]"), ("y", "")];
    let world = world(&all, "");
    assert_eq!(names(&world), ["y"]);
    assert_eq!(world.plan().refused.len(), 2);
}

#[test]
fn waves_follow_the_policy_and_never_run_before_what_has_to_be_first() {
    let all = [
        ("p", "environment = \"production\""),
        ("s", "environment = \"staging\""),
        ("n", ""),
        ("admin", "environment = \"staging\"\ncan_change = [\"prod:p\"]"),
    ];
    let wave = |name: &str, wave: u32| (name.to_owned(), wave);
    let policy = "waves = [\"staging\", \"production\"]";
    assert_eq!(
        order(&world(&all, policy)),
        [wave("s", 0), wave("p", 1), wave("admin", 1), wave("n", 2)]
    );
    // Without a list production comes second, and so does what may be it.
    assert_eq!(
        order(&world(&all, "")),
        [wave("s", 0), wave("p", 1), wave("n", 1), wave("admin", 1)]
    );
    let plan = world(&all, policy).plan();
    let sizes: Vec<_> = waves(&plan).values().map(Vec::len).collect();
    assert_eq!(sizes, [1, 2, 1]);
}

#[test]
fn slices_hold_everything_once_and_have_their_own_digest() {
    let all = [
        ("a", "owner = \"red\"\nenvironment = \"production\""),
        ("b", "owner = \"blue\"\nenvironment = \"staging\"\ncan_change = [\"prod:a\"]"),
        ("c", "environment = \"staging\"\nstyle = \"manual\""),
        ("d", "owner = \"red\""),
        ("e", "can_change = [\"prod:f\"]"),
        ("f", "can_change = [\"prod:e\"]"),
    ];
    let mut world = world(&all, "");
    world.gates = vec!["closed?".into()];
    let plan = world.plan();
    assert_eq!((plan.rotations.len(), plan.tasks.len(), plan.refused.len()), (4, 1, 2));
    for by in [By::Owner, By::Environment] {
        let slices = split(&plan, by);
        let mut digests: Vec<_> = slices.iter().map(|slice| slice.plan.digest()).collect();
        let mut campaigns: Vec<_> = slices.iter().map(|s| s.plan.campaign.clone()).collect();
        digests.push(plan.digest());
        for list in [&mut digests, &mut campaigns] {
            let all = list.len();
            list.sort();
            list.dedup();
            assert_eq!(list.len(), all);
        }
        let total = |of: fn(&keysweep::plan::Plan) -> usize| {
            slices.iter().map(|slice| of(&slice.plan)).sum::<usize>()
        };
        assert_eq!(total(|p| p.rotations.len()), 4);
        assert_eq!(total(|p| p.tasks.len()), 1);
        assert_eq!(total(|p| p.refused.len()), 2);
        assert!(slices.iter().all(|slice| slice.plan.gates == plan.gates));
        // The task stands with its rotation.
        let of_c = slices.iter().find(|s| s.plan.rotation("prod:c").is_some()).unwrap();
        assert_eq!(of_c.plan.tasks.len(), 1);
    }
    // What has to be first is in another slice, and that is told.
    let blue = split(&plan, By::Owner).into_iter().find(|s| s.key.as_deref() == Some("blue"));
    let found = lint(&blue.unwrap().plan);
    assert!(found.iter().any(|f| f.rule == "order" && f.what.contains("prod:a")), "{found:?}");
}
