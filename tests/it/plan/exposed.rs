//! Rows of an exposure report: as many come out as went in.

use keysweep::{
    bindings::Book,
    plan::{Plan, TaskKind},
};
use serde_json::{Value, json};

use super::world::{ONE, World};

fn row(id: &str, name: &str, disposition: &str) -> Value {
    json!({
        "id": id, "repository": "acme/site",
        "placement": { "platform": "github", "scope": "repo", "name": name },
        "verdict": "exposed", "confidence": "confirmed", "reach": "payload",
        "capability": "K1", "carrier": "env",
        "component": { "kind": "action", "name": "evil/action", "ref": "v1", "pinned": "tag", "verified": "no" },
        "consumer": { "file": ".github/workflows/ci.yml", "line": 7, "job": "build", "step": "#1" },
        "live": [], "overlap": null, "rules": [], "disposition": disposition, "why": "it could read it",
        "owners": [{ "who": "@acme/web", "how": "codeowners", "file": "CODEOWNERS", "line": 1 }],
    })
}

const BOOK: &str = r#"
[[bindings]]
placement = "github:acme/site/repo/AWS_*"
credential = "prod:user/ci"
owner = "platform"
[[bindings]]
placement = "github:acme/site/repo/NPM_TOKEN"
issuer = "npm-token"
owner = "web"
runbook = "https://wiki.example/npm"
[[bindings]]
placement = "github:acme/*/repo/TWO"
issuer = "x"
[[bindings]]
placement = "github:acme/site/*/TWO"
issuer = "y"
[[bindings]]
placement = "github:acme/site/repo/GONE"
credential = "prod:user/gone"
"#;

fn world(rows: &[Value]) -> World {
    let mut world = World::new(ONE);
    let report = json!({
        "schema": "keysweep.exposure/1", "incident": "evil", "summary": { "verdict": "exposed", "placements": 1 },
        "exposures": rows, "sites": [], "coverage": [],
    });
    world.exposure = Some(serde_json::from_value(report).unwrap());
    world.book = Some(Book::parse("bindings.toml", BOOK).unwrap());
    world
}

/// Where a row of this id came out.
fn found(plan: &Plan, id: &str) -> Vec<String> {
    let rotated = plan.rotations.iter().filter(|r| r.exposures.iter().any(|row| row == id));
    let refused = plan.refused.iter().filter(|r| r.exposures.iter().any(|row| row == id));
    let clue = format!("exposure {id}: ");
    let tasks = plan.tasks.iter().filter(|t| t.clues.iter().any(|c| c.starts_with(&clue)));
    rotated
        .map(|r| r.id.clone())
        .chain(refused.map(|r| r.rotation.clone()))
        .chain(tasks.map(|t| t.id.clone()))
        .collect()
}

#[test]
fn rows_in_are_rows_out() {
    let rows = [
        ("r0", "AWS_ACCESS_KEY_ID", "rotate", "prod:user/ci"),
        ("r1", "AWS_SECRET_ACCESS_KEY", "rotate", "prod:user/ci"),
        ("r2", "NPM_TOKEN", "rotate", "find-out:github:acme/site/repo/NPM_TOKEN"),
        ("r3", "TWO", "rotate", "find-out:github:acme/site/repo/TWO"),
        ("r4", "GONE", "rotate", "find-out:github:acme/site/repo/GONE"),
        ("r5", "SOMETHING", "decide", "find-out:github:acme/site/repo/SOMETHING"),
        ("r6", "SOMETHING", "decide", "find-out:github:acme/site/repo/SOMETHING"),
        ("r7", "GPG_KEY", "signing-key", "find-out:github:acme/site/repo/GPG_KEY"),
        ("r8", "OLD", "retire", "find-out:github:acme/site/repo/OLD"),
        ("r9", "SESSION", "revoke-session", "end-sessions:github:acme/site/repo/SESSION"),
        ("r10", "GITHUB_TOKEN", "audit-only", "look:exposed"),
        ("r11", "HOST", "not-a-credential", "look:exposed"),
    ];
    let given: Vec<_> = rows.iter().map(|(id, name, what, _)| row(id, name, what)).collect();
    let plan = world(&given).plan();
    for (id, _, _, expected) in rows {
        assert_eq!(found(&plan, id), [expected], "{id}");
    }
    // The order of the rows says nothing about the order of the tasks.
    let mut turned = given;
    turned.reverse();
    let again = world(&turned).plan();
    let ids = |plan: &Plan| plan.tasks.iter().map(|task| task.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&plan));
}

#[test]
fn a_refused_credential_keeps_its_rows() {
    let mut world = world(&[row("r0", "AWS_ACCESS_KEY_ID", "rotate")]);
    world.observed.placements.clear();
    let plan = world.plan();
    assert_eq!(plan.rotations, []);
    assert_eq!(found(&plan, "r0"), ["prod:user/ci"]);
}

#[test]
fn without_a_book_every_row_is_a_task_with_its_clues() {
    let mut world = world(&[row("r0", "ID", "rotate")]);
    world.book = None;
    let plan = world.plan();
    let [task] = &plan.tasks[..] else { panic!("{:?}", plan.tasks) };
    assert_eq!((task.kind, task.owner.as_deref()), (TaskKind::FindOut, Some("@acme/web")));
    for clue in ["files:.env#ID, of the same name", "ci.yml:7, job build", "ask @acme/web"] {
        assert!(task.clues.iter().any(|known| known.contains(clue)), "{clue}: {:?}", task.clues);
    }
    assert_eq!(plan.rotations.len(), 1, "what the configuration has is planned all the same");
    world.exposed_only = true;
    assert_eq!(world.plan().rotations, []);
}

#[test]
fn what_the_book_knows_is_a_clue() {
    let plan = world(&[row("r0", "NPM_TOKEN", "rotate")]).plan();
    let task = &plan.tasks[0];
    assert_eq!(task.owner.as_deref(), Some("web"));
    assert!(task.clues.contains(&"the book, line 7: runbook https://wiki.example/npm".to_owned()));
}

#[test]
fn what_git_writes_by_the_report_is_told() {
    let mut managed = row("r0", "AWS_ACCESS_KEY_ID", "rotate");
    managed["managed_by"] = json!([{
        "tool": "terraform", "resource": "github_actions_secret.id", "file": "main.tf", "line": 3,
        "certainty": "confirmed",
    }]);
    let plan = world(&[managed]).plan();
    assert_eq!(found(&plan, "r0"), ["prod:user/ci"]);
    assert_eq!(plan.tasks[0].kind, TaskKind::ChangeSource);
    assert_eq!(plan.tasks[0].clues, ["Terraform github_actions_secret.id at main.tf:3"]);
}
