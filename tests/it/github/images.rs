//! `container` and `services`.

use keysweep::ci::model::{Hides, Kind};

use super::{World, components, job, of};

#[test]
fn images_and_what_they_see() {
    let pipeline = World::ci(&job("    container:
      image: ghcr.io/acme/build:1
      env: {C: '${{ secrets.C }}'}
      credentials: {username: u, password: '${{ secrets.PULL }}'}
    services:
      db:
        image: postgres@sha256:0000000000000000000000000000000000000000000000000000000000000000
        env: {DB: '${{ secrets.DB }}'}
        credentials: {username: u, password: '${{ secrets.PULL_DB }}'}
    env: {E: '${{ secrets.E }}'}
    steps: [{run: make, env: {S: '${{ secrets.S }}'}}, {uses: evil/thief@v1}]
"))
    .read();
    // The environment of the container is that of every step in it.
    assert_eq!(of(&pipeline, "evil/thief"), "C:K1 DB:K3 E:K1 PULL:K5 PULL_DB:K5 S:K3");
    assert_eq!(of(&pipeline, "acme/build"), "C:K1 DB:K3 E:K1 PULL:K5 PULL_DB:K5 S:K1");
    assert_eq!(of(&pipeline, "postgres"), "C:K3 DB:K1 E:K3 PULL:K5 PULL_DB:K5 S:K3");
    assert!(pipeline.jobs[0].runner.in_container);
    assert_eq!(pipeline.jobs[0].mentions[0].place.line, 6);
}

#[test]
fn forms_of_a_name() {
    let table = [
        ("node:18", vec!["node@18"], false),
        ("{image: node}", vec!["node"], false),
        ("docker://node:18", vec!["node@18"], false),
        ("'${{ matrix.c }}'", vec!["a@1?", "b@2?"], false),
        ("'node:${{ matrix.c }}-${{ vars.X }}'", vec![], true),
        ("'${{ inputs.c || ''node:1'' }}'", vec!["node@1?"], true),
        ("''", vec![], false),
    ];
    for (container, expected, open) in table {
        let text = format!(
            "    strategy: {{matrix: {{c: ['a:1', 'b:2']}}}}\n    container: {container}\n    steps: [{{run: make}}]\n"
        );
        let pipeline = World::ci(&job(&text)).read();
        assert_eq!(components(&pipeline), expected, "{container}");
        let hole = pipeline.gaps.iter().any(|gap| gap.hides == Hides::Kind(Kind::Image));
        assert_eq!(hole, open, "{container}");
    }
}

#[test]
fn a_password_in_the_file() {
    let pipeline = World::ci(&job(
        "    container: {image: x, credentials: {username: u, password: dckr_pat_0123456789abcdefghijklmno}}\n    steps: [{run: make}]\n",
    ))
    .read();
    let literal = pipeline.jobs[0].sent.iter().any(|flow| &*flow.secret.name == "password");
    assert!(literal, "{:?}", pipeline.jobs[0].sent);
}
