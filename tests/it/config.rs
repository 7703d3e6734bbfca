//! `keysweep.toml`: what is read, and how each mistake is told.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use keysweep::{
    bindings::{Book, Match},
    config::{self, Config, Mode, Proof, Purpose, Reload, SessionsChoice, reference::References},
    registry,
};
use keysweep_sdk::{ProviderName, Purpose as Why, ReadAt, Resolve, SecretRef, Shape, Style};

/// Every key that there is.
const WHOLE: &str = r#"
read_only = true

[network]
timeout = 10
ca = "ca.pem"

[state]
path = "var/state.sqlite"

[escrow]
recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kdsfasu8qhzdp9z"]
transit = "files:escrow"

[providers.prod]
type = "manual"
where = "https://console.example.com/keys"
steps = ["make it"]
fields = ["access_key_id", "secret_access_key"]
revoke_steps = ["end it"]

[providers.files]
type = "file"

[[credentials]]
id = "prod:user/ci-deployer"
current = "AKIAZZ5FODNN7QXKWPLE"
fields = ["access_key_id", "secret_access_key"]
stores = [
  { at = "files:.env#AWS_ACCESS_KEY_ID", field = "access_key_id", consumers = ["deploy"] },
  { at = "files:.env#AWS_SECRET_ACCESS_KEY", field = "secret_access_key", read_at = "process-start", reload = { hook = ["systemctl", "reload", "app"] }, proof = "hook", proof_hook = ["./probe"] },
  { at = "files:aws.ini#ci", fields = { aws_access_key_id = "access_key_id" }, required = false, proof = "read-back", managed_by = "terraform", owner = "web", environment = "staging" },
  { at = "files:url#DSN", template = "s3://{{ access_key_id }}:{{ secret_access_key | urlencode }}@b", reload = { task = "restart the workers" } },
]
style = "overlap"
class = "cloud-admin"
owner = "platform"
environment = "production"
sole_writer = true
verify = "prod"
revoke = "prod"
usage = "prod"
mode = "contain-first"
can_change = ["prod:user/reader"]
own = true
breaks = ["the nightly deploy"]
sessions = "leave"

[[credentials]]
id = "prod:user/reader"
fields = ["token"]
deadline = "30m"
stores = [{ at = "files:.env#READER" }]

[policy]
purpose = "post-breach"
deadline.default = "24h"
deadline.cloud-admin = "2h"
drain = "90m"
quiet = "1h 30m"
soak = "3d"
prove_within = "2h"
max_escrow_age = "1d"
attempts = 5
waves = ["staging", "production"]
approval = { signers = "allowed_signers" }
danger_no_escrow = true
"#;

const HOUR: Duration = Duration::from_hours(1);

fn parse(text: &str) -> Config {
    config::parse("dir/keysweep.toml", text).unwrap()
}

/// Each mistake as `line key: message (hint)`.
fn mistakes(text: &str) -> Vec<String> {
    let errors = config::parse("dir/keysweep.toml", text).expect_err(text);
    let told = errors.iter().map(|error| {
        assert!(error.place().starts_with("dir/keysweep.toml"), "{error}");
        let line = error.line.unwrap_or_default();
        format!("{line} {}: {} ({})", error.key, error.message, error.hint)
    });
    told.collect()
}

#[test]
fn every_key_is_read() {
    let config = parse(WHOLE);
    assert!(config.read_only);
    assert_eq!(config.network.timeout, Some(10));
    assert_eq!(config.network.ca, Some(PathBuf::from("ca.pem")), "providers join it themselves");
    assert_eq!(config.state.path, PathBuf::from("dir/var/state.sqlite"));
    assert_eq!(config.state.audit, PathBuf::from("dir/.keysweep/audit.jsonl"));
    assert_eq!(config.providers[&ProviderName::new("files")].kind, "file");
    assert_eq!(config.providers[&ProviderName::new("prod")].line, 15);

    let [deployer, reader] = &config.credentials[..] else { panic!("two credentials") };
    assert_eq!(deployer.name.to_string(), "prod:user/ci-deployer");
    assert_eq!(deployer.line, 26);
    assert_eq!(deployer.style, Some(Style::Overlap));
    assert_eq!((deployer.mode, deployer.sessions), (Mode::ContainFirst, SessionsChoice::Leave));
    assert!(deployer.own && deployer.sole_writer && !reader.own && !reader.sole_writer);
    assert_eq!(deployer.can_change, std::slice::from_ref(&reader.name));
    let [id, secret, both, url] = &deployer.stores[..] else { panic!("four stores") };
    assert_eq!(id.shape, Shape::Field("access_key_id".into()));
    assert_eq!(
        (id.required, id.proof.as_ref(), &id.consumers[..]),
        (true, None, &["deploy".to_owned()][..])
    );
    assert_eq!(secret.read_at, Some(ReadAt::ProcessStart));
    assert_eq!(secret.proof, Some(Proof::Hook(vec!["./probe".into()])));
    assert_eq!(
        secret.reload,
        Some(Reload::Hook(["systemctl", "reload", "app"].map(str::to_owned).to_vec()))
    );
    assert_eq!((both.required, both.proof.clone()), (false, Some(Proof::ReadBack)));
    assert_eq!(both.managed_by.as_deref(), Some("terraform"));
    assert_eq!(url.shape.fields(), ["access_key_id", "secret_access_key"]);
    assert_eq!(url.reload, Some(Reload::Task("restart the workers".into())));
    // A credential of one field needs no word for it.
    assert_eq!(reader.stores[0].shape, Shape::Field("token".into()));

    assert_eq!(config.deadline(deployer), Some(HOUR * 2));
    assert_eq!(config.deadline(reader), Some(HOUR / 2));
    let policy = &config.policy;
    assert_eq!((policy.purpose, policy.attempts), (Purpose::PostBreach, 5));
    assert_eq!((policy.quiet, policy.soak), (HOUR * 3 / 2, HOUR * 72));
    assert_eq!(policy.waves, ["staging", "production"]);
    let approval = policy.approval.as_ref().unwrap();
    assert!(approval.required && approval.requester_may_not_approve);
    assert_eq!(approval.signers, PathBuf::from("dir/allowed_signers"));
}

#[test]
fn the_examples_are_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/");
    let config = config::load(&PathBuf::from(format!("{folder}keysweep.toml"))).unwrap();
    assert_eq!((config.credentials.len(), config.credentials[0].stores.len()), (2, 4));
    let text = fs::read_to_string(format!("{folder}bindings.toml")).unwrap();
    let book = Book::parse("bindings.toml", &text).unwrap();
    assert!(matches!(book.find("github:acme/web/repo/AWS_KEY"), Match::One(_)));
}

#[test]
fn what_is_not_written_has_a_default() {
    let config = parse("");
    assert!(!config.read_only && config.credentials.is_empty());
    assert_eq!((config.policy.purpose, config.policy.deadline), (Purpose::Periodic, None));
    assert_eq!(config.policy.soak, HOUR * 24 * 7);
    let config = parse("[policy]\npurpose = \"post-breach\"");
    assert_eq!((config.policy.deadline, config.policy.soak), (Some(HOUR * 24), HOUR * 24));
}

#[test]
fn a_mistake_has_its_line_its_key_and_the_way_out() {
    let head = "[providers.prod]\ntype = \"file\"\n[[credentials]]\nid = \"prod:a\"\n";
    for (text, expected) in [
        ("read_olny = true", "1 read_olny: unknown key (did you mean `read_only`?)"),
        (
            "\n[policy]\nporpose = \"periodic\"",
            "3 policy.porpose: unknown key (did you mean `purpose`?)",
        ),
        (
            "[policy]\npurpose = \"post-brech\"",
            "2 policy.purpose: unknown value (did you mean `post-breach`?)",
        ),
        (
            "[policy]\nsoak = \"a while\"",
            "2 policy.soak: no length of time: write `24h`, `90m` or `7d` (correct the value)",
        ),
        (
            "[policy]\nwaves = [\"a\", \"a\"]",
            "2 policy.waves[1]: this environment is in the list twice (keep one of them)",
        ),
        ("[policy]\nattempts = 0", "2 policy.attempts: 1 to 10 attempts (3 is the default)"),
        (
            "[providers.prod]\nregion = \"x\"",
            "1 providers.prod: `type` is missing (say what it is: `type = \"aws\"`)",
        ),
        (
            "x = [1,\n",
            "1 : no valid TOML: unclosed array, expected `]` (mend the line; strings stand in quotes, tables in brackets)",
        ),
    ] {
        assert_eq!(mistakes(text), [expected]);
    }
    for (rest, expected) in [
        ("filds = [\"a\"]", "5 credentials[0].filds: unknown key (did you mean `fields`?)"),
        ("stores = []", "3 credentials[0]: `fields` is missing (write `fields = …` there)"),
        (
            "fields = [\"a\"]\nstores = [{ at = \"pord:x\" }]",
            "6 credentials[0].stores[0].at: no provider is called `pord` (did you mean `prod`?)",
        ),
        (
            "fields = [\"a\"]\nstores = [{ at = \"x\" }]",
            "6 credentials[0].stores[0].at: `PROVIDER:NAME` is wanted: a provider of this file, a colon, and what it calls it (correct the value)",
        ),
        (
            "fields = [\"secret\", \"id\"]\nstores = [{ at = \"prod:x\", field = \"sceret\" }]",
            "6 credentials[0].stores[0].field: the credential has no field `sceret` (did you mean `secret`?)",
        ),
        (
            "fields = [\"secret\", \"id\"]\nstores = [{ at = \"prod:x\" }]",
            "6 credentials[0].stores[0].at: which of the credential's fields go there is not said (write `field = …`, `fields = { THERE = \"field\" }` or `template = …`)",
        ),
        (
            "fields = [\"a\"]\nstores = [{ at = \"prod:x\" }, { at = \"prod:x\" }]",
            "6 credentials[0].stores[1].at: line 6 puts a value there already (one placement holds one value: drop one, or name what each writes with `fields`)",
        ),
        (
            "fields = [\"a\"]\nstores = [{ at = \"prod:x\", reload = { } }]",
            "6 credentials[0].stores[0].reload: one of `hook` and `task` is wanted (write `reload = { hook = [\"PROGRAM\", …] }` or `reload = { task = \"…\" }`)",
        ),
        (
            "fields = [\"a\"]\nstores = [{ at = \"prod:x\", proof = \"hook\" }]",
            "6 credentials[0].stores[0].proof: `proof_hook` is missing (write `proof = \"hook\", proof_hook = [\"PROGRAM\", …]`)",
        ),
        (
            "fields = [\"a\"]\nverify = \"prd\"",
            "6 credentials[0].verify: no provider is called `prd` (did you mean `prod`?)",
        ),
        (
            "fields = [\"a\"]\ncan_change = [\"prod:b\"]",
            "6 credentials[0].can_change[0]: no credential is called `prod:b` (did you mean `prod:a`?)",
        ),
        (
            "fields = [\"a\"]\n[[credentials]]\nid = \"prod:a\"\nfields = [\"a\"]",
            "7 credentials[1].id: `prod:a` is described in line 4 already (keep one; a credential may have many stores)",
        ),
    ] {
        assert_eq!(mistakes(&format!("{head}{rest}")), [expected]);
    }
}

#[test]
fn all_mistakes_between_the_parts_are_told_at_once() {
    let told = mistakes(
        "[[credentials]]\nid = \"x:a\"\nfields = [\"a\"]\nverify = \"y\"\n\
         [[credentials]]\nid = \"x:a\"\nfields = []",
    );
    assert_eq!(told.len(), 5, "{told:#?}");
}

#[test]
fn a_credential_in_the_file_is_refused_and_not_repeated() {
    let pat = format!("ghp_{}", "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d");
    for text in [
        format!("[providers.web]\ntype = \"file\"\ntoken = \"{pat}\""),
        format!("[[credentials]]\nid = \"a:b\"\nfields = \"{pat}\""),
        format!("[policy]\npurpose = \"{pat}\""),
        format!("[providers.db]\ntype = \"file\"\npassword = \"{}\"", "hV4mQ9zX2kLpW7nB3sTd"),
        format!("[escrow]\nrecipients = [\"{}\"]", "AGE-SECRET-KEY-1QQQ"),
    ] {
        let told = mistakes(&text).join("\n");
        let value = text.split('"').rev().nth(1).unwrap();
        assert!(!told.contains(value), "{told}");
        assert!(told.starts_with(['2', '3']), "{told}");
    }
    let parsed = parse("[providers.a]\ntype = \"file\"\nroot = \"planted\"");
    assert!(!format!("{parsed:?}").contains("planted"));
}

async fn mounted(text: &str) -> Result<Vec<String>, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keysweep.toml");
    let config = config::parse(&path, text).unwrap();
    let resolve: Arc<dyn Resolve> = Arc::new(References::of(&config));
    let short = |text: String| text.replace(&folder.path().display().to_string(), "dir");
    match registry::mount_all(&config, &resolve).await {
        Ok(mounted) => Ok(mounted.keys().map(ToString::to_string).collect()),
        Err(errors) => Err(errors
            .iter()
            .map(|error| short(format!("{error} ({})", error.hint().unwrap_or_default())))
            .collect()),
    }
}

#[tokio::test]
async fn providers_are_mounted_by_their_type() {
    assert!(registry::kinds().contains(&"file"));
    let two = "[providers.b]\ntype = \"file\"\n[providers.a]\ntype = \"file\"\nquotes = true";
    assert_eq!(mounted(two).await, Ok(vec!["a".to_owned(), "b".to_owned()]));
    let wrong = "[providers.a]\ntype = \"fiel\"\n\n[providers.b]\ntype = \"file\"\nroot = \".\"\nqoutes = true\n\
                 [providers.c]\ntype = \"file\"\nroot = \"none\"\n[providers.d]\ntype = \"file\"\nroot = 7";
    let errors = mounted(wrong).await.unwrap_err();
    assert_eq!(
        errors[..2],
        [
            "`dir/keysweep.toml:2`: `providers.a.type`: no type of provider is called `fiel` (did you mean `file`?)",
            "`dir/keysweep.toml:7`: `providers.b.qoutes`: unknown key (did you mean `quotes`?)",
        ]
    );
    assert!(errors[2].starts_with("`dir/keysweep.toml:8`: c: mount failed"), "{}", errors[2]);
    assert!(errors[3].contains(":13`: `providers.d.root`"), "{}", errors[3]);
}

async fn resolved(reference: &str) -> Result<String, String> {
    let config = parse("[providers.a]\ntype = \"x\"\ntoken = \"env:CARGO_PKG_NAME\"");
    let reference: SecretRef = reference.parse().unwrap();
    let found = References::of(&config).resolve(&ProviderName::new("a"), &reference).await;
    found
        .map(|value| value.expose_for(Why::Authenticate).to_owned())
        .map_err(|error| format!("{} ({})", error.message(), error.hint().unwrap_or_default()))
}

#[tokio::test]
async fn a_reference_is_read_where_it_points_to() {
    assert_eq!(resolved("env:CARGO_PKG_VERSION").await.as_deref(), Ok(env!("CARGO_PKG_VERSION")));
    // Words and quotes as in a shell, but no shell.
    assert_eq!(resolved("cmd:printf '%s\\n' 'a b$HOME'").await.as_deref(), Ok("a b$HOME"));
    // A credential that another reference names is none of the program's business.
    let asked = "cmd:sh -c 'echo \"[$CARGO_PKG_NAME]\"'";
    assert_eq!(resolved(asked).await.as_deref(), Ok("[]"));
}

#[tokio::test]
async fn a_reference_that_gives_nothing_says_why() {
    for (reference, expected) in [
        ("env:KEYSWEEP_NOT_SET", "`env:KEYSWEEP_NOT_SET`: the variable is not set"),
        (
            "cmd:no-such-program-here x",
            "`cmd:no-such-program-here x`: `no-such-program-here` does not start",
        ),
        ("cmd:sh -c 'echo planted; exit 3'", "it failed (exit status: 3)"),
        ("cmd:sh -c 'echo planted >&2'", "nothing is there"),
        ("cmd:head -c 70000 /dev/zero", "it prints more than 64 KB"),
        ("cmd:printf '\\377\\376'", "no UTF-8 text"),
        ("cmd:a 'b", "a quote does not end"),
        ("vault:secret/ci#token", "not read yet (write `cmd:vault kv get -field=token secret/ci`)"),
    ] {
        let error = resolved(reference).await.unwrap_err();
        assert!(error.contains(expected), "{reference}: {error}");
        assert!(!error.ends_with("()"), "{reference}: {error}");
    }
}
