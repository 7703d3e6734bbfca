//! Rule G15, G14: what earlier actions left behind.

use super::{World, check, job, thief, token};

fn after(step: &str) -> String {
    format!("    steps:\n{step}      - uses: evil/thief@v1\n")
}

#[test]
fn in_the_environment() {
    let aws = |with: &str| {
        after(&format!(
            "      - uses: aws-actions/configure-aws-credentials@v4\n        with: {{{with}}}\n"
        ))
    };
    let keys =
        "aws-access-key-id: '${{ secrets.ID }}', aws-secret-access-key: '${{ secrets.KEY }}'";
    let minted = "steps.#1.outputs.aws-access-key-id:K1 steps.#1.outputs.aws-secret-access-key:K1 steps.#1.outputs.aws-session-token:K1";
    check(&[
        ("keys", &aws(keys), "ID:K1 KEY:K1"),
        ("a role, by OIDC", &aws("role-to-assume: arn, aws-region: x"), minted),
        (
            "keys that assume a role",
            &aws(&format!("{keys}, role-to-assume: arn")),
            &format!("ID:K3 KEY:K3 {minted}"),
        ),
        ("kept out of the environment", &aws(&format!("{keys}, output-env-credentials: false")), "ID:K3 KEY:K3"),
        (
            "the step before does not have it",
            &format!("    steps:\n      - uses: evil/thief@v1\n{}", aws(keys).replace("    steps:\n", "").replace("      - uses: evil/thief@v1\n", "")),
            "ID:K3 KEY:K3",
        ),
        (
            "a token for npm that setup-node was given",
            &after("      - uses: actions/setup-node@v4\n        with: {registry-url: https://x.invalid}\n        env: {NODE_AUTH_TOKEN: '${{ secrets.NPM }}'}\n"),
            "NPM:K1",
        ),
        (
            "a token for downloads that setup-node was given",
            &after("      - uses: actions/setup-node@v4\n        with: {registry-url: https://x.invalid, token: '${{ secrets.T }}'}\n"),
            "T:K3",
        ),
        (
            "one of two ways, as a condition decides",
            &after(
                "      - {uses: aws-actions/configure-aws-credentials@v4, if: a, with: {aws-secret-access-key: '${{ secrets.A }}'}}
      - {uses: aws-actions/configure-aws-credentials@v4, if: b, with: {aws-secret-access-key: '${{ secrets.B }}'}}
",
            ),
            "A:K1 B:K1",
        ),
        (
            "1password",
            &after("      - {uses: 1password/load-secrets-action@v2, id: op, env: {OP_SERVICE_ACCOUNT_TOKEN: '${{ secrets.OP }}'}}\n"),
            "OP:K3 steps.op.outputs.*:K1",
        ),
    ]);
}

#[test]
fn in_files() {
    check(&[
        (
            "google, a key",
            &after(
                "      - uses: google-github-actions/auth@v2\n        with: {credentials_json: '${{ secrets.KEY }}', create_credentials_file: true}\n",
            ),
            "KEY:K2 steps.#1.outputs.auth_token:K5",
        ),
        (
            "google, without a file",
            &after(
                "      - uses: google-github-actions/auth@v2\n        with: {credentials_json: '${{ secrets.KEY }}', create_credentials_file: false}\n",
            ),
            "KEY:K3 steps.#1.outputs.auth_token:K5",
        ),
        (
            "docker",
            &after(
                "      - uses: docker/login-action@v3\n        with: {username: '${{ secrets.U }}', password: '${{ secrets.P }}'}\n",
            ),
            "P:K2 U:K3",
        ),
        (
            "an SSH agent",
            &after(
                "      - {uses: webfactory/ssh-agent@v0.9.0, with: {ssh-private-key: '${{ secrets.KEY }}'}}\n",
            ),
            "KEY:K2",
        ),
        (
            "any letter case, through a condition of its own",
            &after(
                "      - {uses: Docker/Login-Action@v3, with: {PASSWORD: '${{ secrets.P }}'}}\n",
            ),
            "P:K2",
        ),
    ]);
}

#[test]
fn checkouts_token() {
    let table = [
        ("", "GITHUB_TOKEN:K2", ""),
        ("persist-credentials: false", "GITHUB_TOKEN:K5", ""),
        ("persist-credentials: 'False'", "GITHUB_TOKEN:K5", ""),
        ("persist-credentials: true", "GITHUB_TOKEN:K2", ""),
        ("persist-credentials: '${{ inputs.p }}'", "GITHUB_TOKEN:K2?", ""),
        ("token: '${{ secrets.PAT }}'", "GITHUB_TOKEN:K5", "PAT:K2"),
        ("token: '${{ secrets.PAT }}', persist-credentials: false", "GITHUB_TOKEN:K5", "PAT:K3"),
        ("ssh-key: '${{ secrets.KEY }}'", "GITHUB_TOKEN:K2", "KEY:K2"),
        ("token: '${{ secrets.PAT || github.token }}'", "GITHUB_TOKEN:K2", "PAT:K2"),
    ];
    for (with, of_token, others) in table {
        let text = after(&format!("      - uses: actions/checkout@v4\n        with: {{{with}}}\n"));
        let pipeline = World::ci(&job(&text)).read();
        assert_eq!(
            (token(&pipeline).as_str(), thief(&pipeline).as_str()),
            (of_token, others),
            "{with}"
        );
    }
}

#[test]
fn an_apps_token() {
    check(&[
        (
            "used later",
            "    steps:
      - id: app
        uses: actions/create-github-app-token@v1
        with: {app-id: '${{ vars.ID }}', private-key: '${{ secrets.KEY }}'}
      - uses: evil/thief@v1
        with: {t: '${{ steps.APP.outputs.token }}'}
",
            "KEY:K3 steps.app.outputs.token:K1",
        ),
        (
            "left in git's configuration by a checkout",
            "    steps:
      - {id: app, uses: actions/create-github-app-token@v1, with: {private-key: '${{ secrets.KEY }}'}}
      - {uses: actions/checkout@v4, with: {token: '${{ steps.app.outputs.token }}'}}
      - uses: evil/thief@v1
",
            "KEY:K3 steps.app.outputs.token:K2",
        ),
        (
            "another one's output is not it",
            "    steps:
      - {id: app, uses: actions/create-github-app-token@v1, with: {private-key: '${{ secrets.KEY }}'}}
      - {uses: evil/thief@v1, with: {t: '${{ steps.other.outputs.token }}'}}
",
            "KEY:K3 steps.app.outputs.token:K5",
        ),
        (
            "any output of an action that reads a vault",
            "    steps:
      - {id: v, uses: hashicorp/vault-action@v3, with: {secrets: 'a b | C ;', exportEnv: false, token: '${{ secrets.V }}'}}
      - {uses: evil/thief@v1, with: {t: '${{ steps.v.outputs.C }}'}}
",
            "V:K3 steps.v.outputs.*:K1",
        ),
    ]);
}

#[test]
fn inside_a_composite_action_too() {
    let world = World::ci(&job(
        "    steps: [{uses: ./a, with: {p: '${{ secrets.P }}'}}, {uses: evil/thief@v1}]",
    ))
    .with(
        "a/action.yml",
        "inputs: {p: {}}\nruns: {using: composite, steps: [{uses: docker/login-action@v3, with: {password: '${{ inputs.p }}'}}]}",
    );
    assert_eq!(world.thief(), "P:K2");
}
