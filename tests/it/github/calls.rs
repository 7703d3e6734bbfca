//! Reusable workflows: followed, or components that get what is handed to them.

use super::{CI, World, components, holes, of, thief, token};

const CALLED: &str = ".github/workflows/called.yml";

/// A caller with these lines in its job, and a callee with these steps.
fn call(job: &str, callee: &str) -> World {
    World::ci(&format!("on: push\njobs:\n  call:\n    uses: ./.github/workflows/called.yml\n{job}"))
        .with(CALLED, callee)
}

fn callee(body: &str) -> String {
    format!("on: {{workflow_call: {{}}}}\njobs:\n  j:\n    runs-on: ubuntu-latest\n{body}")
}

#[test]
fn what_is_handed_over() {
    let uses =
        |t: &str| callee(&format!("    steps: [{{uses: evil/thief@v1, with: {{t: '{t}'}}}}]\n"));
    let table = [
        // (why, caller, callee, what the thief sees)
        (
            "renamed",
            "    secrets: {inner: '${{ secrets.OUTER }}'}\n",
            uses("${{ secrets.INNER }}"),
            "OUTER:K1",
        ),
        ("inherited by name", "    secrets: inherit\n", uses("${{ secrets.A }}"), "A:K1"),
        ("not handed over", "", uses("${{ secrets.A }}"), ""),
        (
            "mapped, another one named",
            "    secrets: {a: '${{ secrets.A }}'}\n",
            uses("${{ secrets.B }}"),
            "A:K5",
        ),
        (
            "two in one, and one of two",
            "    secrets: {a: '${{ secrets.A }}:${{ secrets.B }}', c: '${{ secrets.C || secrets.D }}'}\n",
            uses("${{ secrets.a }}${{ secrets.c }}"),
            "A:K1 B:K1 C:K1 D:K1",
        ),
        (
            "all of what was mapped",
            "    secrets: {a: '${{ secrets.A }}', b: '${{ secrets.B }}'}\n",
            uses("${{ toJSON(secrets) }}"),
            "A:K1 B:K1",
        ),
        ("all of what was inherited", "    secrets: inherit\n", uses("${{ toJSON(secrets) }}"), "*:K1"),
        (
            "the caller's environment does not reach it",
            "    secrets: inherit\n",
            callee("    steps: [{uses: evil/thief@v1, with: {t: '${{ env.T }}'}}]\n"),
            "",
        ),
        (
            "the callee's own environment",
            "    secrets: {a: '${{ secrets.A }}'}\n",
            "on: workflow_call\nenv: {T: '${{ secrets.a }}'}\njobs: {j: {runs-on: x, steps: [{uses: evil/thief@v1}]}}\n"
                .to_owned(),
            "A:K1",
        ),
        (
            "the text of its scripts",
            "    secrets: {a: '${{ secrets.A }}'}\n",
            callee("    steps:\n      - uses: evil/thief@v1\n      - run: echo ${{ secrets.a }}\n"),
            "A:K5",
        ),
        (
            "a variable beside it",
            "    secrets: {a: '${{ secrets.A }}'}\n",
            callee("    steps:\n      - uses: evil/thief@v1\n      - {run: make, env: {T: '${{ secrets.a }}'}}\n"),
            "A:K3",
        ),
    ];
    for (why, caller, callee, expected) in table {
        let pipeline = call(caller, &callee).read();
        assert_eq!(thief(&pipeline), expected, "{why}");
        assert!(holes(&pipeline).is_empty(), "{why}: {:?}", pipeline.gaps);
    }
}

/// `secrets.GITHUB_TOKEN` is there without being handed over.
#[test]
fn the_token_of_a_called_job() {
    let uses =
        |t: &str| callee(&format!("    steps: [{{uses: evil/thief@v1, with: {{t: '{t}'}}}}]\n"));
    let mapped = "    secrets: {t: '${{ secrets.GITHUB_TOKEN }}'}\n";
    for (caller, name) in [
        ("", "secrets.GITHUB_TOKEN"),
        ("", "github.token"),
        (mapped, "secrets.T"),
        (mapped, "secrets.github_token"),
    ] {
        let pipeline = call(caller, &uses(&format!("${{{{ {name} }}}}"))).read();
        assert_eq!(
            (token(&pipeline), thief(&pipeline)),
            ("GITHUB_TOKEN:K1".into(), String::new()),
            "{name}"
        );
    }
}

#[test]
fn inputs_become_texts_of_the_callee() {
    let callee = "on:
  workflow_call:
    inputs:
      image: {type: string, required: true}
      name: {type: string, default: FALLBACK}
jobs:
  j:
    runs-on: ubuntu-latest
    container: ${{ inputs.image }}
    steps: [{uses: evil/thief@v1, with: {t: '${{ secrets[inputs.name] }}'}}]
";
    let with = "    strategy: {matrix: {v: [1, 2]}}\n    with: {image: 'node:${{ matrix.v }}'}\n    secrets: inherit\n";
    let pipeline = call(with, callee).read();
    assert_eq!(components(&pipeline), ["node@1?", "node@2?", "evil/thief@v1"]);
    assert_eq!(thief(&pipeline), "*:K5 FALLBACK:K1?");
    let given = "    with: {image: node, NAME: A}\n    secrets: inherit\n";
    assert_eq!(call(given, callee).thief(), "*:K5 A:K1?");
}

#[test]
fn an_input_that_becomes_a_variable() {
    let callee = "on: {workflow_call: {inputs: {t: {type: string}}}}
jobs:
  j:
    runs-on: ubuntu-latest
    env: {T: '${{ inputs.t }}'}
    steps: [{uses: evil/thief@v1}]
";
    assert_eq!(call("    with: {t: '${{ secrets.A }}'}\n", callee).thief(), "A:K1");
}

#[test]
fn two_hops() {
    let middle = |secrets: &str| {
        format!(
            "on: workflow_call\njobs:\n  m:\n    uses: ./.github/workflows/inner.yml\n{secrets}"
        )
    };
    let inner = callee("    steps: [{uses: evil/thief@v1, with: {t: '${{ secrets.A }}'}}]\n");
    let table = [
        // (first hop, second hop, seen)
        ("    secrets: inherit\n", "    secrets: inherit\n", "A:K1"),
        ("    secrets: inherit\n", "", ""),
        ("", "    secrets: inherit\n", ""),
        ("    secrets: {A: '${{ secrets.X }}'}\n", "    secrets: inherit\n", "X:K1"),
        ("    secrets: inherit\n", "    secrets: {a: '${{ secrets.B }}'}\n", "B:K1"),
        (
            "    secrets: {b: '${{ secrets.X }}'}\n",
            "    secrets: {a: '${{ secrets.b }}'}\n",
            "X:K1",
        ),
    ];
    for (first, second, expected) in table {
        let world = call(first, &middle(second)).with(".github/workflows/inner.yml", &inner);
        let pipeline = world.read();
        assert_eq!(thief(&pipeline), expected, "{first}{second}");
        let job = &pipeline.jobs[0];
        let via: Vec<_> = job.via.iter().map(|p| (&*p.file, p.line)).collect();
        assert_eq!(via, [(CI, 4), (CALLED, 4)]);
        assert_eq!(&*job.place.file, ".github/workflows/inner.yml");
        assert_eq!(token(&pipeline), "GITHUB_TOKEN:K5");
    }
}

#[test]
fn each_called_job_is_sent_what_the_call_maps_and_no_other_call() {
    let world = World::ci(
        "on: push
jobs:
  one: {uses: ./.github/workflows/called.yml, secrets: {a: '${{ secrets.ONE }}'}}
  two: {uses: ./.github/workflows/other.yml, secrets: {a: '${{ secrets.TWO }}'}}
",
    )
    .with(
        CALLED,
        "on: workflow_call
jobs:
  first: {runs-on: x, steps: [{run: make}]}
  second: {runs-on: x, steps: [{uses: evil/thief@v1}]}
",
    )
    .with(".github/workflows/other.yml", &callee("    steps: [{run: 'echo ${{ secrets.a }}'}]\n"));
    assert_eq!(world.thief(), "ONE:K5");
}

#[test]
fn circles_end() {
    let world = World::ci("on: push\njobs: {a: {uses: ./.github/workflows/called.yml}}\n").with(
        CALLED,
        "on: workflow_call\njobs:\n  again: {uses: ./.github/workflows/called.yml}\n  j: {runs-on: x, steps: [{uses: evil/thief@v1}]}\n",
    );
    let pipeline = world.read();
    assert_eq!(pipeline.jobs.len(), 1);
    assert!(pipeline.gaps.iter().any(|gap| gap.reason.contains("calls itself")));
}

#[test]
fn many_calls_of_calls_end() {
    let mut world = World::ci(&fan_out(1));
    for level in 1..10 {
        let path = format!(".github/workflows/w{level}.yml");
        world = world.with(&path, &fan_out(level + 1).replace("on: push", "on: workflow_call"));
    }
    let pipeline = world.read();
    assert!(!holes(&pipeline).is_empty());
}

fn fan_out(next: usize) -> String {
    let calls: String =
        (0..20).map(|i| format!("  c{i}: {{uses: ./.github/workflows/w{next}.yml}}\n")).collect();
    format!("on: push\njobs:\n{calls}")
}

#[test]
fn a_workflow_of_another_repository_gets_what_is_handed_to_it() {
    let remote = |more: &str| {
        World::ci(&format!(
            "on: push\nenv: {{E: '${{{{ secrets.E }}}}'}}\njobs:\n  call:\n    uses: evil/thief/.github/workflows/w.yml@v1\n{more}"
        ))
    };
    let seen = |more: &str| of(&remote(more).read(), "w.yml");
    assert_eq!(seen(""), "");
    assert_eq!(seen("    secrets: inherit\n"), "*:K1");
    assert_eq!(
        seen("    secrets: {a: '${{ secrets.A }}'}\n    with: {b: '${{ secrets.B }}'}\n"),
        "A:K1 B:K1"
    );
    let pipeline = remote("    secrets: inherit\n").read();
    assert_eq!(components(&pipeline), ["evil/thief/.github/workflows/w.yml@v1"]);
    assert!(holes(&pipeline).is_empty());
}

#[test]
fn a_workflow_of_a_sibling_is_followed_and_may_have_been_another() {
    let world = World::ci(
        "on: push\njobs:\n  call: {uses: acme/shared/.github/workflows/w.yml@v1, secrets: {a: '${{ secrets.A }}'}}\n",
    )
    .sibling(
        "acme/shared",
        ".github/workflows/w.yml",
        "on: workflow_call\njobs:\n  inner: {uses: ./.github/workflows/x.yml, secrets: inherit}\n",
    )
    .sibling(
        "acme/shared",
        ".github/workflows/x.yml",
        &callee("    steps: [{uses: evil/thief@v1, with: {t: '${{ secrets.a }}'}}, {uses: ./local}]\n"),
    )
    .with("local/action.yml", "runs: {using: composite, steps: [{uses: inner/one@v1}]}\n");
    let pipeline = world.read();
    assert_eq!(thief(&pipeline), "A:K1?");
    assert_eq!(
        components(&pipeline),
        ["acme/shared/.github/workflows/w.yml@v1", "evil/thief@v1?", "inner/one@v1?"]
    );
    assert_eq!(&*pipeline.jobs[1].place.file, "acme/shared:.github/workflows/x.yml");
}

#[test]
fn an_environment_of_the_called_job_goes_before_what_was_passed() {
    let inner = callee(
        "    environment: prod\n    steps: [{uses: evil/thief@v1, with: {t: '${{ secrets.KEY }}'}}]\n",
    );
    assert_eq!(call("    secrets: {key: '${{ secrets.A }}'}\n", &inner).thief(), "A:K1 KEY:K1?");
    assert_eq!(call("", &inner).thief(), "KEY:K1?");
    let pipeline = call("    secrets: inherit\n", &inner).read();
    assert_eq!(thief(&pipeline), "KEY:K1");
    let scope = format!("{:?}", pipeline.jobs[0].sent);
    assert!(scope.contains("environment:prod"));
}

#[test]
fn permissions_come_down() {
    let text = "    permissions: {contents: write}\n";
    let inner = callee("    steps: [{run: make}]\n");
    let listed = format!("{:?}", call(text, &inner).read().jobs[0].permissions);
    assert!(listed.contains("contents"), "{listed}");
}

#[test]
fn what_cannot_be_followed_is_a_hole() {
    for uses in ["./.github/workflows/none.yml", "./../x.yml", "nonsense"] {
        let pipeline =
            World::ci(&format!("on: push\njobs:\n  a:\n    uses: {uses}\n    secrets: inherit\n"))
                .read();
        assert_eq!(holes(&pipeline).len(), 1, "{uses}");
    }
}
