//! `env` at three levels, `with`, `run`, `if`, `GITHUB_ENV`, matrices.

use keysweep::{
    assess::{Basis, Confidence, Defined, Reach, Subject, examine, report},
    ci::model::{Certainty, Pipeline, Way},
    incident,
};

use super::{World, check, job, of, thief, token};

#[test]
fn three_levels_and_their_precedence() {
    let world = World::ci(
        "on: push
env: {A: '${{ secrets.WORKFLOW }}', B: '${{ secrets.WORKFLOW_B }}', C: '${{ secrets.WORKFLOW_C }}'}
jobs:
  j:
    runs-on: ubuntu-latest
    env: {B: '${{ secrets.JOB_B }}', C: '${{ secrets.JOB_C }}'}
    steps:
      - uses: evil/thief@v1
        env: {C: '${{ secrets.STEP_C }}'}
",
    );
    // What a lower level hides is not in its environment, but was sent to the job.
    assert_eq!(
        world.thief(),
        "JOB_B:K1 JOB_C:K3 STEP_C:K1 WORKFLOW:K1 WORKFLOW_B:K3 WORKFLOW_C:K3"
    );
}

#[test]
fn what_a_step_sees() {
    check(&[
        ("inputs", "    steps: [{uses: evil/thief@v1, with: {token: '${{ secrets.A }}'}}]", "A:K1"),
        (
            "another step's input is another process",
            "    steps:
      - uses: evil/thief@v1
      - uses: other/action@v1
        with: {token: '${{ secrets.A }}'}
",
            "A:K3",
        ),
        (
            "a list of lines with several secrets",
            "    steps:
      - uses: evil/thief@v1
        with:
          env-vars: |
            A=${{ secrets.A }}
            B=${{ secrets.B }}
            # ${{ secrets.C }}
",
            "A:K1 B:K1 C:K1",
        ),
        (
            "the text of another step's script",
            "    steps:
      - run: curl -u ${{ secrets.A }} https://x.invalid
      - uses: evil/thief@v1
",
            "A:K5",
        ),
        (
            "env in with",
            "    env: {T: '${{ secrets.A }}'}
    steps:
      - uses: evil/thief@v1
        with: {token: '${{ env.T }}'}
",
            "A:K1",
        ),
        (
            "a condition sends, and puts it into no process",
            "    steps:
      - uses: evil/thief@v1
      - if: ${{ secrets.A != '' }}
        run: make
",
            "A:K5",
        ),
        (
            "a condition by way of the environment",
            "    env: {HAS: '${{ secrets.A }}'}
    steps:
      - uses: evil/thief@v1
        if: env.HAS != ''
",
            "A:K1",
        ),
        (
            "a condition that only asks whether there is one",
            "    env: {HAS: \"${{ secrets.A != '' }}\"}
    steps: [{uses: evil/thief@v1}]
",
            "A:K5",
        ),
        (
            "either of two",
            "    steps: [{uses: evil/thief@v1, with: {t: '${{ inputs.x || secrets.a }}'}}]",
            "A:K1",
        ),
        (
            "any letter case",
            "    steps: [{uses: evil/thief@v1, with: {t: \"${{ Secrets.a }} ${{ SECRETS['b'] }}\"}}]",
            "A:K1 B:K1",
        ),
        (
            "the name and the folder of a step",
            "    steps:
      - uses: evil/thief@v1
      - name: deploy to ${{ secrets.HOST }}
        run: make
        working-directory: ${{ secrets.DIR }}
",
            "DIR:K5 HOST:K5",
        ),
        (
            "in the whole context",
            "    steps: [{uses: evil/thief@v1, with: {all: '${{ toJSON(secrets) }}'}}]",
            "*:K1",
        ),
        ("nothing", "    steps: [{uses: evil/thief@v1}, {run: echo secrets.A}]", ""),
        (
            "a map that an expression gives",
            "    env: ${{ fromJSON(secrets.ALL) }}
    steps: [{uses: evil/thief@v1}]
",
            "ALL:K1",
        ),
        (
            "inserted into a map",
            "    env:
      ${{ insert }}: ${{ fromJSON(secrets.ALL) }}
      X: ${{ secrets.X }}
    steps: [{uses: evil/thief@v1}]
",
            "ALL:K1 X:K1",
        ),
        (
            "a computed name of a variable",
            "    strategy: {matrix: {name: [A, B]}}
    env:
      ${{ matrix.name }}: ${{ secrets.X }}
    steps: [{uses: evil/thief@v1}]
",
            "X:K1",
        ),
        (
            "variables that differ by case stand side by side on Linux",
            "    steps:
      - run: echo TOKEN=x >> $GITHUB_ENV
      - uses: evil/thief@v1
        env: {token: '${{ secrets.A }}'}
",
            "A:K1",
        ),
    ]);
}

#[test]
fn github_env_and_path() {
    check(&[
        (
            "later steps, not the earlier ones",
            "    steps:
      - run: echo \"T=${{ secrets.A }}\" >> $GITHUB_ENV
      - uses: evil/thief@v1
",
            "A:K1",
        ),
        (
            "an earlier step does not see it",
            "    steps:
      - uses: evil/thief@v1
      - run: echo \"T=${{ secrets.A }}\" >> $GITHUB_ENV
",
            "A:K5",
        ),
        (
            "a condition leaves the old value in doubt",
            "    env: {T: '${{ secrets.A }}'}
    steps:
      - if: github.ref == 'x'
        run: echo \"T=none\" >> $GITHUB_ENV
      - uses: evil/thief@v1
",
            "A:K1",
        ),
        (
            "an output of a step",
            "    steps:
      - id: get
        run: echo \"token=${{ secrets.A }}\" >> $GITHUB_OUTPUT
      - uses: evil/thief@v1
        with: {t: '${{ steps.get.outputs.token }}'}
",
            "A:K1",
        ),
        (
            "an output by a computed name",
            "    strategy: {matrix: {s: [get]}}
    steps:
      - id: get
        run: echo \"token=${{ secrets.A }}\" >> $GITHUB_OUTPUT
      - uses: evil/thief@v1
        with: {t: '${{ steps[matrix.s].outputs.token }}'}
",
            "A:K1?",
        ),
    ]);
}

#[test]
fn matrices() {
    check(&[
        (
            "a name out of a matrix: those it may be, and the whole context was sent",
            "    strategy: {matrix: {name: [A, B]}}
    steps: [{uses: evil/thief@v1, env: {T: '${{ secrets[matrix.name] }}'}}]
",
            "*:K5 A:K1? B:K1?",
        ),
        (
            "nested, and from include",
            "    strategy:
      matrix:
        target: [{key: A, os: x}]
        include:
          - {target: {key: B}}
    steps: [{uses: evil/thief@v1, env: {T: '${{ secrets[matrix.target.key] }}'}}]
",
            "*:K5 A:K1? B:K1?",
        ),
        (
            "from JSON in the file",
            r#"    strategy: {matrix: "${{ fromJSON('{\"name\": [\"A\"], \"include\": [{\"name\": \"B\"}]}') }}"}
    steps: [{uses: evil/thief@v1, env: {T: '${{ secrets[matrix.name] }}'}}]
"#,
            "*:K5 A:K1? B:K1?",
        ),
        (
            "from the output of another job: any name",
            "    strategy: {matrix: {name: '${{ fromJSON(needs.x.outputs.names) }}'}}
    steps: [{uses: evil/thief@v1, env: {T: '${{ secrets[matrix.name] }}'}}]
",
            "*:K1",
        ),
        (
            "some names known, and others from another job",
            "    strategy:
      matrix:
        name: [A]
        include: ${{ fromJSON(needs.x.outputs.more) }}
    steps: [{uses: evil/thief@v1, env: {T: '${{ secrets[matrix.name] }}'}}]
",
            "*:K1? A:K1?",
        ),
        (
            "a secret in it",
            "    strategy: {matrix: {t: ['${{ secrets.A }}']}}
    steps: [{uses: evil/thief@v1, env: {T: '${{ matrix.t }}'}}]
",
            "A:K1",
        ),
        (
            "a secret in a matrix that is an expression",
            "    strategy: {matrix: '${{ fromJSON(secrets.M) }}'}
    steps: [{uses: evil/thief@v1, env: {T: '${{ matrix.a.b }}'}}]
",
            "M:K1",
        ),
    ]);
}

#[test]
fn a_name_that_a_person_chooses_when_starting_it() {
    let dispatch = |on: &str| {
        World::ci(&format!(
            "on:\n  workflow_dispatch:\n    inputs:\n      name: {on}\njobs:\n  j:\n    runs-on: ubuntu-latest\n    \
             steps: [{{uses: evil/thief@v1, env: {{T: '${{{{ secrets[inputs.name] }}}}'}}}}]\n"
        ))
        .thief()
    };
    assert_eq!(dispatch("{type: choice, options: [A, B]}"), "*:K5 A:K1? B:K1?");
    assert_eq!(dispatch("{type: string, default: A}"), "*:K1? A:K1?");
    assert_eq!(dispatch(""), "*:K1");
}

#[test]
fn other_jobs_and_their_secrets() {
    let world = World::ci(
        "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    outputs: {t: '${{ secrets.OUT }}'}
    steps: [{uses: evil/thief@v1}]
  other:
    runs-on: ubuntu-latest
    needs: j
    env: {T: '${{ secrets.OTHER }}'}
    steps: [{run: 'echo ${{ needs.j.outputs.t }} ${{ secrets.RUN }}'}]
",
    );
    let pipeline = world.read();
    assert_eq!(thief(&pipeline), "OUT:K5");
    assert_eq!(pipeline.jobs[1].needs, ["j"]);
}

#[test]
fn the_token_is_in_every_job() {
    let pipeline = World::ci(&job("    steps: [{uses: evil/thief@v1}]")).read();
    assert_eq!(token(&pipeline), "GITHUB_TOKEN:K5");
    for name in
        ["secrets.GITHUB_TOKEN", "github.token", "secrets['github_token']", "github['token']"]
    {
        let text =
            format!("    steps: [{{uses: evil/thief@v1, with: {{t: \"${{{{ {name} }}}}\"}}}}]");
        let pipeline = World::ci(&job(&text)).read();
        assert_eq!(token(&pipeline), "GITHUB_TOKEN:K1", "{name}");
        assert_eq!(thief(&pipeline), "", "{name}");
    }
}

#[test]
fn lines_are_those_of_the_names() {
    let pipeline = World::ci(&job("    steps:
      - uses: evil/thief@v1
        with:
          a: |
            first
            ${{ secrets.A }}
"))
    .read();
    let flow = pipeline.jobs[0].sent.iter().find(|flow| &*flow.secret.name == "A").unwrap();
    assert_eq!((flow.place.line, flow.way, flow.certainty), (10, Way::Input, Certainty::Inferred));
    assert_eq!(pipeline.jobs[0].steps[0].mentions[0].place.line, 6);
}

#[test]
fn literal_credentials_are_named_and_never_shown() {
    let value = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    let pipeline = World::ci(&job(&format!(
        "    env: {{PAT: {value}, GO_VERSION: 1.22.3, TOKEN_FILE: /run/secrets/token-0123456789, API_KEY: your-api-key-goes-here-123}}
    services: {{db: {{image: postgres, env: {{POSTGRES_PASSWORD: postgres, DB_TOKEN: a8f5f167f44f4964e6c998dee827110c}}}}}}
    steps: [{{uses: evil/thief@v1, with: {{api_key: a8f5f167f44f4964e6c998dee827110c, cache-key: a8f5f167f44f4964e6c998dee827110c}}}}]
"
    )))
    .read();
    assert_eq!(of(&pipeline, "evil/thief"), "DB_TOKEN:K3 PAT:K1 api_key:K1");
    assert_eq!(of(&pipeline, "postgres"), "DB_TOKEN:K1 PAT:K3 api_key:K3");
    let shown = format!("{:?}", pipeline.jobs[0].sent);
    assert!(!shown.contains("ghp_") && !shown.contains("a8f5f167"));
}

#[test]
fn a_literal_keeps_its_first_name() {
    let pipeline = World::ci(&job("    env: {PAT: ghp_0123456789abcdefghijklmnopqrstuvwxyz}
    steps: [{uses: evil/thief@v1, with: {token: '${{ env.PAT }}'}}]
"))
    .read();
    assert_eq!(thief(&pipeline), "PAT:K1");
}

/// From the file to the line of a report.
#[test]
fn the_end_of_the_way() {
    let pipeline = World::ci(
        "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
      - uses: tj-actions/changed-files@v45
        with: {token: '${{ secrets.MINE }}'}
      - uses: other/action@v1
        with: {token: '${{ secrets.NEIGHBOUR }}'}
  apart:
    runs-on: ubuntu-latest
    steps: [{run: make, env: {T: '${{ secrets.APART }}'}}]
",
    )
    .read();
    let report = assess(&pipeline);
    let mut lines: Vec<_> = report
        .exposures
        .iter()
        .map(|e| format!("{} {:?} {:?}", e.placement.name, e.reach, e.confidence))
        .collect();
    lines.sort();
    let all = |reach: Reach| format!("{reach:?} {:?}", Confidence::Possible);
    // Undated, so that nothing is more than possible.
    let payload = all(Reach::Payload);
    assert_eq!(
        lines,
        [
            format!("GITHUB_TOKEN {payload}"),
            format!("MINE {payload}"),
            format!("NEIGHBOUR {payload}")
        ]
    );
}

/// What cannot hide a component of the incident does not spoil the verdict; what can does.
#[test]
fn a_hole_counts_where_it_could_hide_something() {
    use keysweep::assess::Verdict;
    let table = [
        ("    container: '${{ vars.IMAGE }}'\n    steps: [{run: make}]\n", Verdict::NotFound),
        ("    steps: [{uses: '${{ vars.ACTION }}'}]\n", Verdict::Unknown),
        ("    steps: [{uses: ./none}]\n", Verdict::Unknown),
        ("    steps: [{run: make}]\n   bad: [\n", Verdict::NotFound),
        ("    steps: [{run: make}]\n   bad: [tj-actions/changed-files]\n", Verdict::Unknown),
    ];
    for (text, verdict) in table {
        let report = assess(&World::ci(&job(text)).read());
        assert_eq!(report.summary.verdict, verdict, "{text}{:?}", report.coverage);
    }
}

fn assess(pipeline: &Pipeline) -> keysweep::assess::Report {
    let pack = incident::find("tj-actions-2025").unwrap();
    let defined = Defined { pipeline, live: &[], certainty: Certainty::Inferred };
    let subject = Subject {
        identity: "github.com/acme/site",
        basis: Basis::Undated,
        definitions: vec![defined],
        coverage: &[],
    };
    report(pack, vec![examine(pack, &subject)])
}
