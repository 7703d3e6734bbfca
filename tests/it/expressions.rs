//! Every way to name a secret in an expression, what looks like one and is none, and the texts that
//! an expression may become.

use std::sync::Arc;

use keysweep::ci::{
    github::expr::{
        Found, Reference, evaluate, references, references_in_condition, references_in_text,
        refusal, values_in_text,
    },
    model::Certainty,
};
use proptest::prelude::*;

/// `secret X`, with ` (sent)` where it cannot become part of the value and `?` where only possible.
fn shown(found: Vec<Found>) -> Vec<String> {
    let show = |one: Found| {
        let name = match one.reference {
            Reference::Secret(name) => format!("secret {name}"),
            Reference::DynamicSecret { index } => format!("secrets[{index}]"),
            Reference::WholeSecrets => "all secrets".into(),
            Reference::GithubToken => "token".into(),
            Reference::Env(name) => format!("env {name}"),
            Reference::WholeEnv => "all env".into(),
            Reference::Input(name) => format!("input {name}"),
            Reference::WholeInputs => "all inputs".into(),
            Reference::Vars(name) => format!("var {name}"),
            Reference::WholeVars => "all vars".into(),
            Reference::Matrix(path) => format!("matrix {}", path.join("/")),
            Reference::StepOutput { step, output } => format!("step {step}/{output}"),
            Reference::WholeSteps => "all steps".into(),
            Reference::NeedsOutput { job, output } => format!("need {job}/{output}"),
            Reference::JobOutput { job, output } => format!("job {job}/{output}"),
            Reference::Other(path) => path,
        };
        let sent = if one.in_value { "" } else { " (sent)" };
        let possible = if one.certainty == Certainty::Possible { "?" } else { "" };
        format!("{name}{sent}{possible}")
    };
    let mut shown: Vec<_> = found.into_iter().map(show).collect();
    shown.sort();
    shown
}

#[track_caller]
fn check(source: &str, found: Vec<Found>, expected: &[&str]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(shown(found), expected, "{source}");
}

#[test]
fn secrets_by_name() {
    let table: &[(&str, &[&str])] = &[
        ("secrets.FOO", &["secret FOO"]),
        (" secrets.FOO ", &["secret FOO"]),
        ("secrets.foo", &["secret FOO"]),
        ("SECRETS.Foo", &["secret FOO"]),
        ("secrets['FOO']", &["secret FOO"]),
        ("secrets[ 'foo' ]", &["secret FOO"]),
        ("Secrets['Foo']", &["secret FOO"]),
        ("secrets.FOO-BAR", &["secret FOO-BAR"]),
        ("secrets._X1", &["secret _X1"]),
        ("secrets . FOO", &["secret FOO"]),
        ("(secrets.FOO)", &["secret FOO"]),
        ("secrets.A || secrets.B", &["secret A", "secret B"]),
        ("secrets.A || 'none'", &["secret A"]),
        ("secrets.A && secrets.B", &["secret A (sent)", "secret B"]),
        ("secrets.X && 'a' || 'b'", &["secret X (sent)"]),
        ("inputs.a == 'b' && secrets.X || secrets.Y", &["input a (sent)", "secret X", "secret Y"]),
        ("github.ref == 'refs/heads/main' && secrets.X", &["github.ref (sent)", "secret X"]),
        ("secrets.X != ''", &["secret X (sent)"]),
        ("secrets.X == secrets.Y", &["secret X (sent)", "secret Y (sent)"]),
        ("!secrets.X", &["secret X (sent)"]),
        ("contains(secrets.X, 'y')", &["secret X (sent)"]),
        ("startsWith('y', secrets.X)", &["secret X (sent)"]),
        ("endsWith(secrets['x'], 'y')", &["secret X (sent)"]),
        ("contains(secrets.X, 'y') && secrets.X", &["secret X"]),
        ("hashFiles(secrets.X)", &["secret X (sent)"]),
        ("format('{0}:{1}', secrets.U, secrets.P)", &["secret U", "secret P"]),
        ("format('Bearer {0}', format('{0}', secrets.T))", &["secret T"]),
        ("FORMAT('{0}', Secrets.T)", &["secret T"]),
        ("join(fromJSON(secrets.LIST), ',')", &["secret LIST"]),
        ("toJSON(secrets.X)", &["secret X"]),
        ("fromJSON(secrets.CONFIG).key", &["secret CONFIG"]),
        ("fromJSON(secrets.CONFIG)['key'].x[0]", &["secret CONFIG"]),
        ("fromJSON(secrets.CONFIG).a == 'b'", &["secret CONFIG (sent)"]),
        (
            "case(github.ref == 'x', secrets.A, secrets.B == '', secrets.C, secrets.D)",
            &["github.ref (sent)", "secret A", "secret B (sent)", "secret C", "secret D"],
        ),
        ("secrets.FOO.bar", &["secret FOO (sent)"]),
        ("success() && secrets.X != ''", &["secret X (sent)"]),
        ("format('{0}', secrets.X) == 'y'", &["secret X (sent)"]),
        ("secrets\n.FOO\n|| secrets\n['BAR']", &["secret FOO", "secret BAR"]),
    ];
    for (body, expected) in table {
        assert_eq!(refusal(body), None, "{body}");
        check(body, references(body), expected);
    }
}

#[test]
fn all_secrets_at_once() {
    let table: &[(&str, &[&str])] = &[
        ("secrets", &["all secrets"]),
        ("toJSON(secrets)", &["all secrets"]),
        ("TOJSON( Secrets )", &["all secrets"]),
        ("secrets.*", &["all secrets"]),
        ("secrets[*]", &["all secrets"]),
        ("secrets['*']", &["all secrets"]),
        ("join(secrets.*, ',')", &["all secrets"]),
        ("toJSON(secrets.*)", &["all secrets"]),
        ("format('{0}', toJSON(secrets))", &["all secrets"]),
        ("format('{0}', secrets)", &["all secrets (sent)"]),
        ("contains(toJSON(secrets), 'x')", &["all secrets (sent)"]),
        ("contains(secrets.*, 'x')", &["all secrets (sent)"]),
        ("fromJSON(toJSON(secrets)).X", &["all secrets"]),
        ("fromJSON(toJSON(secrets))[inputs.name]", &["all secrets", "input name (sent)"]),
        ("secrets == ''", &["all secrets (sent)"]),
        ("secrets || secrets.X", &["all secrets", "secret X"]),
        ("secrets[matrix.name]", &["secrets[matrix.name]", "matrix name (sent)"]),
        (
            "secrets[format('X_{0}', matrix.env)]",
            &["secrets[format('X_{0}', matrix.env)]", "matrix env (sent)"],
        ),
        ("secrets[inputs.a || 'B']", &["secrets[inputs.a || 'B']", "input a (sent)"]),
        ("secrets[secrets.NAME]", &["secrets[secrets.NAME]", "secret NAME (sent)"]),
        ("secrets[env.X] != ''", &["secrets[env.X] (sent)", "env X (sent)"]),
        ("SECRETS[vars.KEY].x", &["secrets[vars.KEY] (sent)", "var KEY (sent)"]),
    ];
    for (body, expected) in table {
        assert_eq!(refusal(body), None, "{body}");
        check(body, references(body), expected);
    }
}

#[test]
fn the_token() {
    let table: &[(&str, &[&str])] = &[
        ("github.token", &["token"]),
        ("GitHub.Token", &["token"]),
        ("github['token']", &["token"]),
        ("secrets.GITHUB_TOKEN", &["token"]),
        ("secrets.github_token", &["token"]),
        ("secrets['Github_Token']", &["token"]),
        ("secrets.PAT || github.token", &["secret PAT", "token"]),
        ("toJSON(github)", &["token"]),
        ("github", &["token"]),
        ("github.*", &["token"]),
        ("github[matrix.x]", &["token?", "matrix x (sent)"]),
        ("github.token != ''", &["token (sent)"]),
        ("github.token_type", &["github.token_type"]),
        ("toJSON(github.event)", &["github.event"]),
        ("github.event.token", &["github.event.token"]),
        ("runner.token", &["runner.token"]),
    ];
    for (body, expected) in table {
        assert_eq!(refusal(body), None, "{body}");
        check(body, references(body), expected);
    }
}

#[test]
fn what_is_no_secret() {
    let table: &[(&str, &[&str])] = &[
        ("'secrets.FOO'", &[]),
        ("'it''s secrets.FOO'", &[]),
        ("'''secrets.FOO'''", &[]),
        ("format('secrets.{0}', 'X')", &[]),
        ("format('${{ secrets.X }}')", &[]),
        ("inputs.secrets", &["input secrets"]),
        ("inputs['secrets']", &["input secrets"]),
        ("steps.secrets.outputs.x", &["step secrets/x"]),
        ("needs.secrets.outputs.token", &["need secrets/token"]),
        ("needs.secrets.result", &["needs.secrets.result"]),
        ("needs.secrets", &["need secrets/*"]),
        ("env.secrets", &["env secrets"]),
        ("env.SECRETS_FOO", &["env SECRETS_FOO"]),
        ("matrix.secrets.FOO", &["matrix secrets/FOO"]),
        ("vars.secrets", &["var secrets"]),
        ("github.secrets", &["github.secrets"]),
        ("github.event.secrets.FOO", &["github.event.secrets.foo"]),
        (
            "contains(github.event.head_commit.message, 'secrets.FOO')",
            &["github.event.head_commit.message (sent)"],
        ),
        ("fromJSON('{\"secrets\": 1}').secrets", &[]),
        ("runner.os == 'Linux'", &["runner.os (sent)"]),
        ("mysecrets.FOO", &["mysecrets.foo"]),
        ("secrets_.FOO", &["secrets_.foo"]),
        ("always()", &[]),
        ("true", &[]),
        ("42", &[]),
        ("", &[]),
        ("  ", &[]),
    ];
    for (body, expected) in table {
        assert_eq!(refusal(body), None, "{body}");
        check(body, references(body), expected);
    }
}

#[test]
fn other_contexts() {
    let table: &[(&str, &[&str])] = &[
        ("env.FOO", &["env FOO"]),
        ("env['foo'].x", &["env foo (sent)"]),
        ("env[matrix.x]", &["all env?", "matrix x (sent)"]),
        ("toJSON(env)", &["all env"]),
        ("env.*", &["all env"]),
        ("format('{0}', env)", &["all env (sent)"]),
        ("inputs.Foo", &["input Foo"]),
        ("github.event.inputs.foo", &["input foo"]),
        ("toJSON(inputs)", &["all inputs"]),
        ("toJSON(github.event.inputs)", &["all inputs"]),
        ("vars.FOO", &["var FOO"]),
        ("toJSON(vars)", &["all vars"]),
        ("matrix.os", &["matrix os"]),
        ("matrix.a.b['c']", &["matrix a/b/c"]),
        ("matrix[inputs.x].y", &["matrix */y?", "input x (sent)"]),
        ("toJSON(matrix)", &["matrix "]),
        ("steps.a.outputs.b", &["step a/b"]),
        ("steps['a'].outputs['b-c']", &["step a/b-c"]),
        ("steps.a.outputs", &["step a/*"]),
        ("toJSON(steps.a)", &["step a/*"]),
        ("steps.*.outputs.b", &["step */b"]),
        ("join(steps.*.outputs.b)", &["step */b"]),
        ("steps[inputs.x].outputs.b", &["step */b?", "input x (sent)"]),
        ("toJSON(steps)", &["all steps"]),
        ("steps.a.outcome == 'failure'", &["steps.a.outcome (sent)"]),
        ("needs.a.outputs.b", &["need a/b"]),
        ("toJSON(needs)", &["need */*"]),
        ("needs.*.result", &["needs.*.result"]),
        ("jobs.a.outputs.b", &["job a/b"]),
        ("github.repository", &["github.repository"]),
        ("strategy.job-index", &["strategy.job-index"]),
        ("job.services.db.ports['5432']", &["job.services.db.ports.5432"]),
    ];
    for (body, expected) in table {
        assert_eq!(refusal(body), None, "{body}");
        check(body, references(body), expected);
    }
}

#[test]
fn what_github_refuses_is_searched() {
    let long = format!("secrets.LONG{}", " || x".repeat(10_000));
    let wide = format!("secrets.WIDE{}", " || x".repeat(1_000));
    let deep = format!("{}secrets.DEEP{}", "(".repeat(60), ")".repeat(60));
    let table: &[(&str, &[&str])] = &[
        ("secrets.FOO +", &["secret FOO?"]),
        ("secrets[\"FOO\"]", &["secret FOO?"]),
        ("secrets.FOO ? 'a' : secrets['b']", &["secret FOO?", "secret B?"]),
        ("$secrets.FOO", &["secret FOO?"]),
        ("secrets.", &["all secrets?"]),
        ("secrets[matrix.a +]", &["all secrets?", "matrix a?"]),
        ("toJSON(secrets", &["all secrets?"]),
        ("nosuch(secrets)", &["all secrets?"]),
        ("'a' + secrets.GITHUB_TOKEN", &["token?"]),
        ("github.token | base64", &["token?"]),
        ("'secrets.FOO' +", &[]),
        ("'it''s secrets.FOO' +", &[]),
        ("'secrets.FOO", &["secret FOO?"]),
        ("inputs.secrets +", &["input secrets?"]),
        ("steps.secrets.outputs.x +", &["step secrets/x?"]),
        ("the env of github and its steps", &[]),
        ("secrets.* +", &["all secrets?"]),
        ("{{ secrets.FOO", &["secret FOO?"]),
        ("é secrets.FOO é", &["secret FOO?"]),
        (&long, &["secret LONG?"]),
        (&wide, &["secret WIDE?"]),
        (&deep, &["secret DEEP?"]),
    ];
    for (body, expected) in table {
        assert!(refusal(body).is_some(), "{body}");
        check(body, references(body), expected);
    }
}

#[test]
fn long_chains_are_read() {
    let chain = format!("secrets.X{}", " || secrets.Y && (a == 'b')".repeat(160));
    assert_eq!(refusal(&chain), None);
    check(&chain, references(&chain), &["a (sent)", "secret X", "secret Y (sent)"]);
}

#[test]
fn scalars_and_conditions() {
    let table: &[(&str, &[&str], &[&str])] = &[
        // (text, as a scalar, as an `if:`)
        ("secrets.X", &[], &["secret X"]),
        ("secrets.X != ''", &[], &["secret X (sent)"]),
        ("${{ secrets.X }}", &["secret X"], &["secret X"]),
        ("${{secrets.X}}${{secrets.Y}}", &["secret X", "secret Y"], &["secret X", "secret Y"]),
        ("echo secrets.X", &[], &["secret X?"]),
        ("${{ '}}' }} secrets.X ${{ secrets.Y }}", &["secret Y"], &["secret Y"]),
        ("${{ format('}}{0}', secrets.X) }}", &["secret X"], &["secret X"]),
        ("# ${{ secrets.X }}", &["secret X"], &["secret X"]),
        ("a ${{ secrets.X", &["secret X?"], &["secret X?"]),
        ("${{ secrets.X == '' }} ${{ secrets.X }}", &["secret X"], &["secret X"]),
        ("$ {{ secrets.X }}", &[], &["secret X?"]),
    ];
    for (text, scalar, condition) in table {
        check(text, references_in_text(text), scalar);
        check(text, references_in_condition(text), condition);
    }
    let found = references_in_text("a ${{ 'x' || secrets.X }}");
    assert_eq!(found[0].at, "a ${{ 'x' || ".len());
}

/// `matrix.os` is one of two, `inputs.env` is `dev`, nothing else is known.
fn lookup(reference: &Reference) -> Vec<Arc<str>> {
    match reference {
        Reference::Matrix(path) if path == &["os"] => vec!["linux".into(), "mac".into()],
        Reference::Input(name) if name == "env" => vec!["dev".into()],
        _ => Vec::new(),
    }
}

#[test]
fn values_that_the_file_tells() {
    let table: &[(&str, &[&str], bool)] = &[
        // (body, texts, whether that is all)
        ("'a'", &["a"], true),
        ("'it''s'", &["it's"], true),
        ("42", &["42"], true),
        ("true", &["true"], true),
        ("null", &[""], true),
        ("", &[""], true),
        ("inputs.env", &["dev"], true),
        ("INPUTS.env", &["dev"], true),
        ("inputs.other", &[], false),
        ("secrets.X", &[], false),
        ("matrix.os", &["linux", "mac"], true),
        ("'a' || 'b'", &["a", "b"], true),
        ("'' || 'b'", &["b"], true),
        ("inputs.other || 'b'", &["b"], false),
        ("inputs.env || 'b'", &["dev", "b"], true),
        ("inputs.other && 'b'", &["b"], true),
        ("inputs.other && 'a' || 'b'", &["a", "b"], true),
        ("github.ref == 'x' && 'a' || 'b'", &["a", "b"], true),
        ("github.ref == 'x' && 'a'", &["false", "a"], true),
        ("github.ref == 'x'", &["true", "false"], true),
        ("!inputs.x", &["true", "false"], true),
        ("format('X_{0}', matrix.os)", &["X_linux", "X_mac"], true),
        ("format('{0}-{1}', matrix.os, inputs.env)", &["linux-dev", "mac-dev"], true),
        ("format('{1}{0}{{}}', 'a', 'b')", &["ba{}"], true),
        ("format('{0}', inputs.other)", &[], false),
        ("format('{0}', inputs.other || 'b')", &["b"], false),
        ("format('{1}', 'a')", &[], false),
        ("format('{0', 'a')", &[], false),
        ("fromJSON('[\"a\", \"b\"]')[0]", &["a"], true),
        ("fromJSON('[\"a\", \"b\"]')[inputs.n]", &["a", "b"], true),
        ("fromJSON('{\"dev\": \"D\", \"prod\": \"P\"}')[inputs.env]", &["D"], true),
        ("fromJSON('{\"dev\": \"D\", \"prod\": \"P\"}')[github.ref_name]", &["D", "P"], true),
        ("fromJSON('{\"a\": {\"b\": 1}}').a.b", &["1"], true),
        ("fromJSON('{\"a\": {\"b\": 1}}').a", &[], false),
        ("fromJSON('{\"a\": 1}').z", &[], false),
        ("fromJSON('7')", &["7"], true),
        ("fromJSON('no json')", &[], false),
        ("case(github.ref == 'x', 'a', 'b')", &["a", "b"], true),
        ("toJSON(secrets)", &[], false),
        ("secrets.X +", &[], false),
    ];
    for (body, texts, complete) in table {
        let values = evaluate(body, &lookup);
        let known: Vec<_> = values.known.iter().map(|text| &**text).collect();
        assert_eq!((&known[..], values.complete), (*texts, *complete), "{body}");
    }
    let whole = values_in_text("deploy-${{ matrix.os }}.${{ inputs.env }}", &lookup);
    assert_eq!(whole.known, ["deploy-linux.dev".into(), "deploy-mac.dev".into()] as [Arc<str>; 2]);
    assert!(whole.complete);
    assert_eq!(values_in_text("a ${{ secrets.X }}", &lookup).known, []);
    assert_eq!(values_in_text("plain", &lookup).known, ["plain".into()] as [Arc<str>; 1]);
}

#[test]
fn values_are_bounded() {
    let many: Vec<_> = (0..100).map(|i| format!("'{i}'")).collect();
    let values = evaluate(&many.join(" || "), &lookup);
    assert_eq!((values.known.len(), values.complete), (16, false));

    // Each level doubles: without a bound 2^40 bytes.
    let mut bomb = String::from("'x'");
    for _ in 0..40 {
        bomb = format!("format('{{0}}{{0}}', {bomb})");
    }
    assert!(evaluate(&bomb, &lookup).known.is_empty());

    let mut nest = String::from("matrix.os");
    for _ in 0..20 {
        nest = format!("fromJSON('{{}}' || '[]')[{nest}]");
    }
    assert!(!evaluate(&nest, &lookup).complete);
}

proptest! {
    #[test]
    fn nothing_breaks_it(pieces in prop::collection::vec(token(), 0..80)) {
        let text = pieces.concat();
        references(&text);
        references_in_text(&text);
        evaluate(&text, &lookup);
        values_in_text(&text, &lookup);
    }

    /// A secret that is named outside a literal is found, whatever surrounds it.
    #[test]
    fn no_name_is_lost(before in prop::collection::vec(token(), 0..20), after in prop::collection::vec(token(), 0..20)) {
        // A lone quote would begin a literal.
        let before: String = before.into_iter().filter(|piece| *piece != "'").collect();
        let body = format!("{before} ( secrets.NEEDLE ) {}", after.concat());
        let found = references(&body);
        let named = |one: &Found| one.reference == Reference::Secret("NEEDLE".into());
        prop_assert!(found.iter().any(named), "{}: {:?}", body, found);
    }
}

fn token() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "secrets", "github", "matrix", "env", "steps", "toJSON", "fromJSON", "format", "a", ".",
        "*", "[", "]", "(", ")", "'", "'{0}'", "'x'", ",", "||", "&&", "==", "!", " ", "1", "é",
        "\"", "${{", "}}", "\n", "token",
    ])
}
