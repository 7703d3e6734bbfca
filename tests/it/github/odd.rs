//! Forms that GitHub refuses, reads differently over time, or that nobody expects.

use keysweep::ci::model::Pipeline;

use super::{CI, World, components, holes, job, thief};

/// Read to the end, and refused.
fn refused(text: &str) -> Pipeline {
    let pipeline = World::ci(text).read();
    assert!(
        pipeline.doubts.iter().any(|d| d.until.is_none()),
        "not refused: {text}\n{:?}",
        pipeline.gaps
    );
    pipeline
}

#[test]
fn merge_keys_are_applied_and_doubted() {
    let pipeline = refused(
        "on: push
x: &env {T: '${{ secrets.A }}'}
jobs:
  j:
    runs-on: x
    env: {<<: *env, B: '${{ secrets.B }}'}
    steps: [{uses: evil/thief@v1}]
",
    );
    assert_eq!(thief(&pipeline), "A:K1? B:K1");
    assert!(pipeline.doubts.iter().any(|doubt| doubt.reason.contains("merge key")));
}

#[test]
fn anchors_are_applied_and_doubted_before_their_day() {
    let pipeline = World::ci(
        "on: push
jobs:
  j:
    runs-on: x
    env: &env {T: '${{ secrets.A }}'}
    steps: [{run: make}]
  k:
    runs-on: x
    env: *env
    steps: [{uses: evil/thief@v1}]
",
    )
    .read();
    assert_eq!(thief(&pipeline), "A:K1");
    let until: Vec<_> = pipeline.doubts.iter().map(|doubt| doubt.until).collect();
    assert_eq!(until, [Some("2025-08-01")]);
    let none = World::ci(&job("    steps: [{run: 'a && b', name: 'x & *y'}]")).read();
    assert!(none.doubts.is_empty());
}

#[test]
fn keys_that_stand_twice() {
    let pipeline = refused(
        "on: push
jobs:
  j:
    runs-on: x
    steps: [{uses: first/one@v1}]
    steps: [{uses: evil/thief@v1, uses: other/two@v1}]
  j: {runs-on: x, steps: [{uses: third/three@v1}]}
",
    );
    assert_eq!(
        components(&pipeline),
        ["first/one@v1", "evil/thief@v1", "other/two@v1", "third/three@v1"]
    );
    refused(
        "on: push\njobs: {j: {runs-on: x, steps: [{run: a}]}, J: {runs-on: x, steps: [{run: a}]}}\n",
    );
    refused(&job("    env: {TOKEN: a, token: b}\n    steps: [{run: a}]\n"));
}

#[test]
fn steps_that_are_none() {
    for (step, found) in [
        ("{run: make, uses: evil/thief@v1}", 1),
        ("{name: nothing}", 0),
        ("{uses: [evil/thief@v1]}", 0),
        ("{run: [make]}", 0),
        ("{uses: '${{ matrix.a }}'}", 0),
        ("{uses: \"evil/${{ 'thief' }}@v1\"}", 1),
        ("{run: 'echo ${{ secrets.A'}", 0),
        ("{run: 'echo ${{ secrets.A || }}'}", 0),
        ("{run: 'echo ${{ }}'}", 0),
        ("{run: make, if: secrets.A ==}", 0),
    ] {
        let pipeline = refused(&job(&format!("    steps: [{step}]\n")));
        assert_eq!(components(&pipeline).len(), found, "{step}");
    }
    let computed = refused(&job("    steps: [{uses: \"evil/${{ 'thief' }}@v1\"}]\n"));
    assert_eq!(components(&computed), ["evil/thief@v1?"]);
    let broken =
        refused(&job("    steps: [{uses: evil/thief@v1, with: {t: '${{ secrets.A || }}'}}]\n"));
    assert_eq!(thief(&broken), "A:K1?");
}

#[test]
fn jobs_that_are_none() {
    for text in [
        "on: push\njobs:\n",
        "on: push\n",
        "jobs: {j: {runs-on: x, steps: [{run: a}]}}\n",
        "on: push\njobs: [a]\n",
        "on: push\njobs: {j: }\n",
        "on: push\njobs: {j: {steps: [{run: a}]}}\n",
        "on: push\njobs: {j: {runs-on: x, env: {A: '${{ insert }}'}}}\n",
        "hello\n",
        "[a, b]\n",
    ] {
        refused(text);
    }
    let both = refused(
        "on: push\njobs: {j: {runs-on: x, uses: evil/thief/.github/workflows/w.yml@v1, steps: [{uses: a/b@v1}]}}\n",
    );
    assert_eq!(components(&both), ["evil/thief/.github/workflows/w.yml@v1", "a/b@v1"]);
    let not_a_list = refused(&job(
        "    steps:\n      uses: evil/thief@v1\n      with: {t: '${{ secrets.A }}'}\n",
    ));
    assert_eq!(thief(&not_a_list), "A:K1");
    let by_name = refused(&job("    steps:\n      first: {uses: evil/thief@v1}\n"));
    assert_eq!(components(&by_name), ["evil/thief@v1"]);
}

#[test]
fn what_stands_behind_a_syntax_error() {
    let pipeline = refused(&job("    steps:
      - uses: evil/thief@v1
      - run: make
   bad: [
  other: {uses: codecov/codecov-action@v1}
"));
    assert_eq!(components(&pipeline), ["evil/thief@v1"]);
    assert_eq!(holes(&pipeline).len(), 1);
    let hidden = format!("{:?}", pipeline.gaps);
    assert!(hidden.contains("codecov/codecov-action"));
}

#[test]
fn forms_of_uses() {
    let table = [
        ("Actions/Checkout@v4", vec!["Actions/Checkout@v4"], 0),
        ("a/b", vec!["a/b"], 0),
        ("a/b/c/d@refs/tags/v1", vec!["a/b/c/d@refs/tags/v1"], 0),
        ("'a/b@v1 '", vec!["a/b@v1"], 0),
        ("a/b@", vec!["a/b@"], 0),
        ("checkout@v4", vec![], 1),
        ("https://github.com/a/b@v1", vec![], 1),
        ("docker://alpine", vec!["alpine"], 0),
        ("docker://ghcr.io/a/b:1", vec!["ghcr.io/a/b@1"], 0),
        ("./none", vec![], 1),
        (".github/actions/none", vec![], 1),
        ("''", vec![], 1),
    ];
    for (uses, expected, open) in table {
        let pipeline = World::ci(&job(&format!("    steps: [{{uses: {uses}}}]\n"))).read();
        assert_eq!(components(&pipeline), expected, "{uses}");
        assert_eq!(holes(&pipeline).len(), open, "{uses}: {:?}", pipeline.gaps);
    }
}

#[test]
fn odd_values_that_github_takes() {
    for text in [
        "on: {workflow_dispatch: {inputs: }}\njobs: {j: {runs-on: x, steps: [{uses: evil/thief@v1}]}}\n",
        "on: {workflow_dispatch: {inputs: {a: }}}\njobs: {j: {runs-on: x, steps: [{uses: evil/thief@v1}]}}\n",
        "on: {push: {branches: [$default-branch]}}\njobs: {j: {runs-on: x, steps: [{uses: evil/thief@v1}]}}\n",
        "'on': push\njobs: {j: {runs-on: x, timeout-minutes: 0x1f, steps: [{uses: evil/thief@v1, with: }]}}\n",
        "on: push\nrun-name: 'by @${{ github.actor }}'\njobs: {j: {runs-on: x, env: , steps: [{uses: evil/thief@v1}]}}\n",
        "on: push\njobs: {j: {runs-on: x, strategy: {matrix: {}}, steps: [{uses: evil/thief@v1, with: {n: 1, b: true, e: }}]}}\n",
    ] {
        let pipeline = World::ci(text).read();
        assert!(
            pipeline.doubts.is_empty() && holes(&pipeline).is_empty(),
            "{text}{:?}",
            pipeline.doubts
        );
        assert_eq!(components(&pipeline), ["evil/thief@v1"], "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_opened_or_is_empty() {
    let missing = World::default().read_all(CI);
    assert_eq!(holes(&missing[0]).len(), 1);
    let empty = World::ci("# nothing\n").read();
    assert!(empty.jobs.is_empty());
}

/// Each step has a copy of the environment, each job of the workflow's: the product is bounded.
#[test]
fn large_products_are_bounded_and_told() {
    use std::fmt::Write;
    let mut text = String::from("on: push\nenv:\n");
    for i in 0..2_000 {
        writeln!(text, "  V{i}: ${{{{ secrets.S{i} }}}}").unwrap();
    }
    text.push_str("jobs:\n");
    for i in 0..2_000 {
        writeln!(text, "  j{i}: {{runs-on: x, steps: [{{run: 'a ${{{{ toJSON(env) }}}}'}}]}}")
            .unwrap();
    }
    let pipeline = World::ci(&text).read();
    assert!(holes(&pipeline).iter().any(|reason| reason.contains("expands to more")));
    let copies: usize = pipeline.jobs.iter().flat_map(|job| &job.steps).map(|s| s.env.len()).sum();
    assert!(copies <= 400_000, "{copies}");
}
