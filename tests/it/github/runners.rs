//! Triggers, permissions, environments, runners, shells.

use keysweep::ci::model::{Os, Permissions, Scope, TriggerSecrets};

use super::{World, components, job};

#[test]
fn triggers_and_which_secrets_they_get() {
    let triggers = |on: &str| {
        let text = format!("on: {on}\njobs: {{j: {{runs-on: x, steps: [{{run: make}}]}}}}\n");
        let pipeline = World::ci(&text).read_all(super::CI).remove(0);
        pipeline.triggers.into_iter().map(|t| (t.event, t.secrets)).collect::<Vec<_>>()
    };
    let full = TriggerSecrets::Full;
    assert_eq!(triggers("push"), [("push".to_owned(), full)]);
    assert_eq!(
        triggers("[pull_request, pull_request_target, workflow_call]"),
        [
            ("pull_request".to_owned(), TriggerSecrets::TrustedOnly),
            ("pull_request_target".to_owned(), TriggerSecrets::FullForOutsiders)
        ]
    );
    assert_eq!(
        triggers("{workflow_run: {workflows: [x]}, schedule: [{cron: x}], workflow_dispatch: }"),
        [
            ("workflow_run".to_owned(), TriggerSecrets::FullForOutsiders),
            ("schedule".to_owned(), full),
            ("workflow_dispatch".to_owned(), full)
        ]
    );
}

fn scopes(on: &str, environment: &str) -> Vec<String> {
    let text = format!(
        "on: {on}\njobs:\n  j:\n    runs-on: x\n    strategy: {{matrix: {{e: [dev, prod]}}}}\n{environment}    steps: [{{run: 'echo ${{{{ secrets.A }}}}'}}]\n"
    );
    let pipeline = World::ci(&text).read();
    let flow = pipeline.jobs[0].sent.iter().find(|flow| &*flow.secret.name == "A").unwrap();
    match &flow.secret.scope {
        Scope::Unknown(scopes) => scopes.iter().map(ToString::to_string).collect(),
        other => vec![format!("{other:?}")],
    }
}

/// Rules G1, G3, G6.
#[test]
fn where_a_secret_may_be_stored() {
    let table = [
        ("schedule", "", "repo org"),
        ("push", "", "repo org dependabot"),
        ("pull_request_target", "", "repo org"),
        ("schedule", "    environment: prod\n", "repo org environment:prod"),
        (
            "schedule",
            "    environment: {name: prod, url: 'https://x'}\n",
            "repo org environment:prod",
        ),
        (
            "schedule",
            "    environment: '${{ matrix.e }}'\n",
            "repo org environment:dev environment:prod",
        ),
        (
            "schedule",
            "    environment: 'x-${{ matrix.e }}'\n",
            "repo org environment:x-dev environment:x-prod",
        ),
        (
            "schedule",
            "    environment: \"${{ github.ref == 'x' && 'prod' || 'dev' }}\"\n",
            "repo org environment:prod environment:dev",
        ),
        ("schedule", "    environment: '${{ vars.E }}'\n", "repo org environment:*"),
        (
            "schedule",
            "    environment: \"${{ vars.E || 'dev' }}\"\n",
            "repo org environment:dev environment:*",
        ),
        (
            "{workflow_dispatch: {inputs: {e: {type: choice, options: [a, b]}}}}",
            "    environment: '${{ inputs.e }}'\n",
            "repo org environment:a environment:b",
        ),
        ("schedule", "    environment: ''\n", "repo org"),
    ];
    for (on, environment, expected) in table {
        assert_eq!(scopes(on, environment).join(" "), expected, "{on} {environment}");
    }
}

#[test]
fn permissions() {
    let of = |top: &str, own: &str| {
        let text = format!(
            "on: push\n{top}jobs:\n  j:\n    runs-on: x\n{own}    steps: [{{run: make}}]\n"
        );
        World::ci(&text).read().jobs.remove(0).permissions
    };
    let listed =
        |scope: &str, access: &str| Permissions::Listed(vec![(scope.into(), access.into())]);
    assert_eq!(of("", ""), Permissions::RepositoryDefault);
    assert_eq!(of("permissions: read-all\n", ""), Permissions::ReadAll);
    assert_eq!(
        of("permissions: read-all\n", "    permissions: write-all\n"),
        Permissions::WriteAll
    );
    assert_eq!(of("permissions: {}\n", ""), Permissions::Listed(Vec::new()));
    assert_eq!(
        of("permissions: write-all\n", "    permissions: {id-token: write, contents: none}\n"),
        listed("id-token", "write")
    );
}

#[test]
fn machines() {
    let of = |runs_on: &str| {
        let text = format!(
            "on: push\njobs:\n  j:\n    runs-on: {runs_on}\n    strategy: {{matrix: {{os: [ubuntu-latest, windows-latest], mac: [macos-13, macos-14], own: [ubuntu-latest, self-hosted], both: [[self-hosted, linux]]}}}}\n    steps: [{{run: make}}]\n"
        );
        let runner = World::ci(&text).read().jobs.remove(0).runner;
        (runner.os, runner.self_hosted)
    };
    assert_eq!(of("ubuntu-latest"), (Os::Linux, Some(false)));
    assert_eq!(of("windows-2022"), (Os::Windows, Some(false)));
    assert_eq!(of("[self-hosted, linux, x64]"), (Os::Linux, Some(true)));
    assert_eq!(of("self-hosted"), (Os::Unknown, Some(true)));
    assert_eq!(of("'${{ matrix.os }}'"), (Os::Unknown, Some(false)));
    assert_eq!(of("'${{ matrix.mac }}'"), (Os::Macos, Some(false)));
    assert_eq!(of("'${{ matrix.own }}'"), (Os::Unknown, None));
    assert_eq!(of("{group: big}"), (Os::Unknown, None));
    assert_eq!(of("{group: big, labels: ubuntu-latest}"), (Os::Linux, None));
    assert_eq!(of("{labels: [self-hosted, windows]}"), (Os::Windows, Some(true)));
    assert_eq!(of("'${{ vars.RUNNER }}'"), (Os::Unknown, None));
    assert_eq!(of("\"${{ vars.RUNNER || 'ubuntu-latest' }}\""), (Os::Unknown, None));
    assert_eq!(of("our-own-machine"), (Os::Unknown, None));
}

#[test]
fn shells_and_folders() {
    let fetched = |top: &str, own: &str, step: &str| {
        let text = format!(
            "on: push\n{top}jobs:\n  j:\n    strategy: {{matrix: {{s: [bash, pwsh]}}}}\n{own}    steps: [{{{step}}}]\n"
        );
        let world = World::ci(&text)
            .with("go.sh", "curl -s https://top.invalid/x | bash\n")
            .with("sub/go.sh", "curl -s https://sub.invalid/x | bash\n");
        components(&world.read())
    };
    let linux = "    runs-on: ubuntu-latest\n";
    let windows = "    runs-on: windows-latest\n";
    let curl = "run: 'curl -s https://x.invalid/x | bash'";
    let iwr = "run: 'iex (iwr https://x.invalid/x)'";
    assert_eq!(fetched("", linux, curl), ["https://x.invalid/x"]);
    // The default shell of Windows is PowerShell.
    assert_eq!(fetched("", windows, iwr), ["https://x.invalid/x"]);
    assert!(fetched("", linux, iwr).is_empty());
    assert_eq!(fetched("", linux, &format!("{iwr}, shell: pwsh")), ["https://x.invalid/x"]);
    assert_eq!(fetched("defaults: {run: {shell: pwsh}}\n", linux, iwr), ["https://x.invalid/x"]);
    let own = "    runs-on: ubuntu-latest\n    defaults: {run: {shell: bash}}\n";
    assert!(fetched("defaults: {run: {shell: pwsh}}\n", own, iwr).is_empty());
    // A matrix of shells is read by each of them.
    assert_eq!(
        fetched("", linux, &format!("{iwr}, shell: '${{{{ matrix.s }}}}'")),
        ["https://x.invalid/x"]
    );
    assert_eq!(
        fetched("", linux, &format!("{curl}, shell: '${{{{ matrix.s }}}}'")),
        ["https://x.invalid/x"]
    );
    let go = "run: ./go.sh";
    assert_eq!(fetched("", linux, go), ["https://top.invalid/x"]);
    assert_eq!(
        fetched("", linux, &format!("{go}, working-directory: sub")),
        ["https://sub.invalid/x"]
    );
    assert_eq!(
        fetched("defaults: {run: {working-directory: sub}}\n", linux, go),
        ["https://sub.invalid/x"]
    );
}

#[test]
fn steps_that_run_side_by_side() {
    let pipeline = World::ci(&job("    steps:
      - {id: server, run: npm start, background: true, env: {T: '${{ secrets.A }}'}}
      - parallel:
          - uses: evil/thief@v1
          - {run: make, env: {B: '${{ secrets.B }}'}}
      - wait: [server]
      - wait-all:
      - cancel: server
"))
    .read();
    assert_eq!(super::thief(&pipeline), "A:K3 B:K3");
    assert!(pipeline.gaps.is_empty() && pipeline.doubts.is_empty(), "{:?}", pipeline.gaps);
}
