//! keysweep's own credential: wrong, weak, missing.

use std::{env, fs, process::Command};

use keysweep_provider_aws::Config;
use keysweep_sdk::{
    CredentialId, Delivery, Effect, Error, ErrorKind, Held, MintRequest, Need, Op, Provider,
    ProviderConfig, ProviderName, Verdict,
};
use keysweep_testbed::{
    aws::{AwsServer, Deviation, Key, REGION},
    free_port,
};
use serde_json::json;

use crate::world::{
    admin, at, bundle, config, cx, mounted, mounting, named, one, refused, servers, user,
};

/// Everything that the provider does, once, as far as it fails.
async fn all(provider: &Provider, credential: &str) -> Vec<Error> {
    let (cx, ci, id) = (cx(), user("ci"), CredentialId::new(credential));
    let (issuer, revoker) = (provider.issuer.as_ref().unwrap(), provider.revoker.as_ref().unwrap());
    let (store, usage) = (provider.store.as_ref().unwrap(), provider.usage.as_ref().unwrap());
    let request = MintRequest { principal: &ci, marker: "m", replaces: None, chosen: None };
    let mut errors = Vec::new();
    errors.extend(issuer.snapshot(&cx, &ci).await.err());
    errors.extend(issuer.mint(&cx, &request).await.err());
    errors.extend(revoker.disable(&cx, &ci, &id).await.err());
    errors.extend(revoker.enable(&cx, &ci, &id).await.err());
    errors.extend(revoker.destroy(&cx, &ci, &id).await.err());
    errors.extend(revoker.end_sessions(&cx, &ci, &id, jiff::Timestamp::now()).await.err());
    errors.extend(usage.last_use(&cx, &ci, &id).await.err());
    for (place, payload) in [
        ("sm:app", one("planted-value")),
        ("sm:app#k", one("planted-value")),
        ("sm:app", named(&[("k", "planted-value")])),
        ("ssm:/app", one("planted-value")),
    ] {
        let place = at(place);
        errors.extend(store.stat(&cx, &place).await.err());
        errors.extend(store.place(&cx, &Delivery::new(&place, &payload)).await.err());
        errors.extend(store.read(&cx, &place, &[]).await.err());
        errors.extend(store.remove(&cx, &place, &[]).await.err());
    }
    errors
}

const CALLS: usize = 7 + 4 * 4;

fn prepare(server: &AwsServer) -> Key {
    server.admin_call(
        "secretsmanager",
        "CreateSecret",
        json!({ "Name": "app", "SecretString": "{}" }),
    );
    let put = json!({ "Name": "/app", "Value": "old", "Type": "SecureString" });
    server.admin_call("ssm", "PutParameter", put);
    server.user("ci", &[])
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_believed_hears_so_and_changes_nothing() {
    for server in servers() {
        let theirs = prepare(&server);
        let wrong = Key::new(&server.admin.id, "plantedplantedplantedplantedplantedplante");
        let provider = mounted(&server.url(), &wrong).await;
        let errors = all(&provider, &theirs.id).await;
        assert_eq!(errors.len(), CALLS);
        for error in errors {
            assert!(error.hint().is_some(), "{error:?}");
            let op = error.op;
            let error = refused::<()>(
                Err(error),
                ErrorKind::Unauthenticated,
                Effect::None,
                &["planted", &theirs.secret],
            );
            assert_eq!(error.op, op);
        }
        let access = provider.access.as_ref().unwrap().check(&cx(), &[]).await;
        refused(access, ErrorKind::Unauthenticated, Effect::None, &["planted"]);
        assert_eq!(server.keys("ci").len(), 1);
        assert!(server.works(&theirs));
        assert_eq!(server.parameter("/app").as_deref(), Some("old"));
        assert_eq!(server.secret("app").as_deref(), Some("{}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_hears_which_permission_is_missing() {
    for server in servers() {
        let theirs = prepare(&server);
        let weak = server.user("weak", &[("ec2:DescribeRegions", "*")]);
        let provider = mounted(&server.url(), &weak).await;
        let errors = all(&provider, &theirs.id).await;
        assert_eq!(errors.len(), CALLS);
        for error in errors {
            assert!(error.message().contains(':'), "{error:?}");
            assert!(error.hint().unwrap().starts_with("allow `"), "{error:?}");
            let canaries = ["planted", weak.secret.as_str(), theirs.secret.as_str()];
            refused::<()>(Err(error), ErrorKind::PermissionDenied, Effect::None, &canaries);
        }
        assert_eq!(server.keys("ci").len(), 1);
        assert_eq!(server.secret("app").as_deref(), Some("{}"));
        assert_eq!(server.parameter("/app").as_deref(), Some("old"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preflight_tells_what_is_held_and_what_is_lacking() {
    for server in servers() {
        prepare(&server);
        let may = [
            ("iam:ListAccessKeys", "*"),
            ("iam:CreateAccessKey", "*"),
            ("iam:SimulatePrincipalPolicy", "*"),
            ("secretsmanager:DescribeSecret", "*"),
        ];
        let weak = server.user("weak", &may);
        let needs = [
            Need::Snapshot(user("ci")),
            Need::Rotate(user("ci")),
            Need::Place(at("sm:app")),
            Need::Place(at("ssm:/app")),
        ];
        let provider = mounted(&server.url(), &weak).await;
        let grants = provider.access.as_ref().unwrap().check(&cx(), &needs).await.unwrap();
        let held = |name: &str| {
            let found = grants.iter().find(|grant| grant.permission == name);
            found.unwrap_or_else(|| panic!("no {name} in {grants:?}")).held
        };
        assert_eq!(held("iam:ListAccessKeys"), Some(true));
        assert_eq!(held("secretsmanager:DescribeSecret"), Some(true));
        assert_eq!(held("ssm:DescribeParameters"), Some(false));
        // What only doing it would tell is not claimed where it cannot be asked.
        let told = !server.deviates(Deviation::NoSimulation);
        assert_eq!(held("iam:CreateAccessKey"), told.then_some(true));
        assert_eq!(held("iam:DeleteAccessKey"), told.then_some(false));
        assert_eq!(held("secretsmanager:PutSecretValue"), told.then_some(false));
        assert_eq!(held("ssm:PutParameter"), told.then_some(false));

        let all = admin(&server).await.access.clone().unwrap().check(&cx(), &needs).await.unwrap();
        assert!(all.iter().all(|grant| grant.held != Some(false)), "{all:?}");
    }
}

/// The policy that is printed is enough for all that it is printed for.
#[tokio::test(flavor = "multi_thread")]
async fn the_printed_policy_is_enough() {
    for server in servers() {
        prepare(&server);
        let needs =
            [Need::Rotate(user("ci")), Need::Place(at("sm:app")), Need::Place(at("ssm:/app"))];
        let policy = admin(&server).await.access.clone().unwrap().policy(&needs);
        let ops = server.user("ops", &[]);
        let put = json!({ "UserName": "ops", "PolicyName": "p", "PolicyDocument": policy });
        server.admin_call("iam", "PutUserPolicy", put);
        let provider = mounted(&server.url(), &ops).await;
        let (cx, ci) = (cx(), user("ci"));
        let request = MintRequest { principal: &ci, marker: "m", replaces: None, chosen: None };
        let issuer = provider.issuer.as_ref().unwrap();
        if server.deviates(Deviation::NoResources) {
            assert!(issuer.snapshot(&cx, &ci).await.is_err(), "mended: strike the deviation");
            continue;
        }
        issuer.snapshot(&cx, &ci).await.unwrap();
        let new = issuer.mint(&cx, &request).await.unwrap();
        let revoker = provider.revoker.as_ref().unwrap();
        provider.usage.as_ref().unwrap().last_use(&cx, &ci, &new.id).await.unwrap();
        revoker.disable(&cx, &ci, &new.id).await.unwrap();
        revoker.end_sessions(&cx, &ci, &new.id, jiff::Timestamp::now()).await.unwrap();
        revoker.destroy(&cx, &ci, &new.id).await.unwrap();
        let store = provider.store.as_ref().unwrap();
        for (place, payload) in
            [("sm:app", named(&[("k", "v")])), ("sm:app", one("v")), ("ssm:/app", one("v"))]
        {
            let place = at(place);
            store.stat(&cx, &place).await.unwrap().unwrap();
            store.place(&cx, &Delivery::new(&place, &payload)).await.unwrap();
        }
        assert!(matches!(store.read(&cx, &at("ssm:/app"), &[]).await, Ok(Held::Value(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reached_and_so_nothing_happened() {
    let key = Key::new("AKIAAAAAAAAAAAAAAAAA", "plantedplantedplantedplantedplantedplante");
    let url = format!("http://127.0.0.1:{}", free_port());
    let provider = mounted(&url, &key).await;
    let errors = all(&provider, "AKIABBBBBBBBBBBBBBBB").await;
    assert_eq!(errors.len(), CALLS);
    for error in errors {
        let error = refused::<()>(Err(error), ErrorKind::Unavailable, Effect::None, &["planted"]);
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_meant_is_refused_without_its_values() {
    let key = Key::new("AKIAAAAAAAAAAAAAAAAA", "planted planted");
    let base = config("http://127.0.0.1:1");
    for (text, names) in [
        (format!("{base}profile = 'ops'\n"), "`profile`"),
        (base.replace("http://127.0.0.1:1", "http://iam.test"), "plain HTTP"),
        (base.replace("us-east-1", "us east"), "`region`"),
        (base.clone(), "`env:SECRET`"),
    ] {
        let config: Config = toml::from_str(&text).unwrap();
        let mounted = config.mount(ProviderName::new("prod"), &mounting(&key)).await;
        let error = refused(mounted, ErrorKind::Config, Effect::None, &["planted"]);
        assert!(error.message().contains(names), "{error:?}");
        assert_eq!(error.op, Op::Mount);
    }
    for text in [
        "secret = 'x'",
        "credentials = { access_key_id = 'planted', secret_access_key = 'planted' }",
    ] {
        let error = toml::from_str::<Config>(text).unwrap_err();
        assert!(!error.message().contains("planted"), "{error}");
    }
}

/// Hosts are told beforehand: with a key only the services; without one also where a credential may come from.
#[tokio::test]
async fn the_hosts_are_told() {
    let key = Key::new("AKIAAAAAAAAAAAAAAAAA", "x");
    let provider = mounted("http://127.0.0.1:1", &key).await;
    assert_eq!(provider.hosts, ["127.0.0.1:1"]);
    let config: Config =
        toml::from_str("region = 'eu-west-1'\nprofile = 'ops'\nbase_url = 'http://127.0.0.1:1'")
            .unwrap();
    let provider = config.mount(ProviderName::new("prod"), &mounting(&key)).await.unwrap();
    assert!(provider.hosts.contains(&"portal.sso.eu-west-1.amazonaws.com:443".to_owned()));
    assert!(provider.hosts.contains(&"169.254.169.254:80".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_assumed_with_the_key() {
    for server in servers() {
        server.user("ci", &[]);
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": "*" } }],
        });
        let role = json!({ "RoleName": "ops", "AssumeRolePolicyDocument": trust.to_string() });
        let role = server.admin_call("iam", "CreateRole", role);
        let may = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "iam:ListAccessKeys", "Resource": "*" }],
        });
        let may =
            json!({ "RoleName": "ops", "PolicyName": "p", "PolicyDocument": may.to_string() });
        server.admin_call("iam", "PutRolePolicy", may);
        let arn = role["Role"]["Arn"].as_str().unwrap();
        let text = format!("{}role_arn = '{arn}'\n", config(&server.url()));
        let mount = |text: &str, key: &Key| {
            let (config, mounting) = (toml::from_str::<Config>(text).unwrap(), mounting(key));
            async move { config.mount(ProviderName::new("prod"), &mounting).await.unwrap() }
        };
        let issuer = mount(&text, &server.admin).await.issuer.unwrap();
        assert_eq!(issuer.snapshot(&cx(), &user("ci")).await.unwrap().len(), 1);
        // It is the role that asks: the administrator behind it could mint.
        let request =
            MintRequest { principal: &user("ci"), marker: "m", replaces: None, chosen: None };
        let minted = issuer.mint(&cx(), &request).await;
        refused(minted, ErrorKind::PermissionDenied, Effect::None, &[&server.admin.secret]);

        let wrong = Key::new(&server.admin.id, "plantedplantedplantedplantedplantedplante");
        let issuer = mount(&text, &wrong).await.issuer.unwrap();
        let listed = issuer.snapshot(&cx(), &user("ci")).await;
        refused(listed, ErrorKind::Unauthenticated, Effect::None, &["planted"]);
    }
}

/// In a process of its own, since the environment is the process's.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_goes_before_the_environment_and_neither_reaches_the_verifier() {
    const TEST: &str =
        "own::a_profile_goes_before_the_environment_and_neither_reaches_the_verifier";
    if let Ok(url) = env::var("KEYSWEEP_TEST_URL") {
        return with_a_profile(&url).await;
    }
    for server in servers() {
        server.user("ci", &[]);
        let weak = server.user("weak", &[]);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("credentials");
        let Key { id, secret, .. } = &server.admin;
        let text = format!("[ops]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        fs::write(&file, text).unwrap();
        let done = Command::new(env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .env("KEYSWEEP_TEST_URL", server.url())
            .env("AWS_SHARED_CREDENTIALS_FILE", &file)
            .env("AWS_CONFIG_FILE", dir.path().join("none"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", &weak.id)
            .env("AWS_SECRET_ACCESS_KEY", &weak.secret)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && told.contains("1 passed"), "{told}");
    }
}

async fn with_a_profile(url: &str) {
    let mount = |more: &str| {
        let text = format!("region = '{REGION}'\nbase_url = '{url}'\n{more}");
        let config: Config = toml::from_str(&text).unwrap();
        let mounting = mounting(&Key::new("", ""));
        async move { config.mount(ProviderName::new("prod"), &mounting).await.unwrap() }
    };
    let (cx, ci) = (cx(), user("ci"));
    let of_profile = mount("profile = 'ops'").await;
    let live = of_profile.issuer.as_ref().unwrap().snapshot(&cx, &ci).await.unwrap();
    assert_eq!(live.len(), 1);

    let of_environment = mount("").await.issuer.unwrap().snapshot(&cx, &ci).await;
    refused(of_environment, ErrorKind::PermissionDenied, Effect::None, &[]);
    let of_nothing = mount("profile = 'none'").await.issuer.unwrap().snapshot(&cx, &ci).await;
    refused(of_nothing, ErrorKind::Unauthenticated, Effect::None, &[]);

    let nobody = Key::new("AKIAAAAAAAAAAAAAAAAA", "plantedplantedplantedplantedplantedplante");
    let verifier = of_profile.verifier.unwrap();
    assert_eq!(verifier.verify(&cx, &ci, &bundle(&nobody)).await.unwrap(), Verdict::Dead);
    let half = keysweep_sdk::Bundle::default();
    refused(verifier.verify(&cx, &ci, &half).await, ErrorKind::Invalid, Effect::None, &[]);
}
