use keysweep_sdk::{
    Access, Capabilities, Effect, ErrorKind, LostReply, MintRequest, Need, PrincipalId, Style,
    Verdict,
};
use keysweep_testbed::{
    absent,
    postgres::{Postgres, quoted},
};

use crate::bench::*;

#[tokio::test]
async fn the_single_role_changes_its_password_at_once() {
    let Some(server) = Postgres::start() else { return absent("PostgreSQL") };
    server.role("app", "firstPlantedPw");
    let provider = mounted(&server, "").await;
    let Capabilities { issuer: Some(limits), .. } = provider.capabilities() else { panic!() };
    assert_eq!((limits.style, limits.max_live), (Style::CallerChosen, Some(1)));
    assert_eq!(limits.lost_reply, LostReply::Repeat);
    let old = id("app@unmarked");
    let first = choose(&provider, Some(&old)).await.unwrap();
    let stale = choose(&provider, Some(&old)).await.unwrap();
    let minted = mint(&provider, &first, Some(&old)).await.unwrap();
    assert_eq!(verify(&provider, &login("app", "firstPlantedPw")).await.unwrap(), Verdict::Dead);
    assert!(is_live(&verify(&provider, &minted.bundle).await.unwrap()));

    // Another operator, whose plan knows only the one before.
    let error = mint(&provider, &stale, Some(&old)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::None));
    assert!(is_live(&verify(&provider, &minted.bundle).await.unwrap()));

    let revoker = provider.revoker.clone().unwrap();
    revoker.destroy(&cx(), &principal(), &old).await.unwrap();
    assert!(is_live(&verify(&provider, &minted.bundle).await.unwrap()));
    revoker.disable(&cx(), &principal(), &first.id).await.unwrap();
    assert_eq!(verify(&provider, &minted.bundle).await.unwrap(), Verdict::Dead);
}

#[tokio::test]
async fn a_name_is_a_name_whatever_is_in_it() {
    let Some(server) = Postgres::start() else { return absent("PostgreSQL") };
    server.role("app", "bystanderPlantedPw");
    for name in ["a\"; DROP ROLE app; --", "it's", "Caps and blanks", "back\\slash", "a@b", "Ä"] {
        server.role(name, "firstPlantedPw");
        let provider = mounted(&server, "").await;
        let of = PrincipalId::new(format!("role/{name}"));
        let issuer = provider.issuer.clone().unwrap();
        let live = issuer.snapshot(&cx(), &of).await.unwrap();
        let old = &live[0].id;
        let chosen = issuer.choose(&cx(), &of, &live, Some(old)).await.unwrap().unwrap();
        let request =
            MintRequest { principal: &of, marker: "m", replaces: Some(old), chosen: Some(&chosen) };
        let minted = issuer.mint(&cx(), &request).await.unwrap();
        let verifier = provider.verifier.clone().unwrap();
        assert!(is_live(&verifier.verify(&cx(), &of, &minted.bundle).await.unwrap()), "{name}");
        let revoker = provider.revoker.clone().unwrap();
        let before = jiff::Timestamp::now();
        revoker.end_sessions(&cx(), &of, &minted.id, before).await.unwrap();
        revoker.disable(&cx(), &of, &minted.id).await.unwrap();
        revoker.destroy(&cx(), &of, &minted.id).await.unwrap();
        server.sql(&format!("DROP ROLE {}", quoted(name)));
    }
    assert!(server.sql_as("app", "bystanderPlantedPw", "SELECT 1").is_ok());
}

/// The role that `policy` asks for does all of it, and without it nothing.
#[tokio::test]
async fn the_least_role_is_enough() {
    let Some(server) = Postgres::start() else { return absent("PostgreSQL") };
    server.role("app", "firstPlantedPw");
    server.role("keysweep", "ownPlantedPw");
    let further = "user = \"keysweep\"";
    let text = format!(
        "host = \"127.0.0.1\"\nport = {}\npassword = \"env:X\"\nsslmode = \"disable\"\n{further}",
        server.port()
    );
    let config: keysweep_provider_postgres::Config = toml::from_str(&text).unwrap();
    let name = keysweep_sdk::ProviderName::new("db");
    let mounting = mounting("ownPlantedPw", None, 10);
    let provider = keysweep_sdk::ProviderConfig::mount(config, name, &mounting).await.unwrap();
    let needs = [Need::Snapshot(principal()), Need::Rotate(principal())];
    let access: std::sync::Arc<dyn Access> = provider.access.clone().unwrap();
    let lacking = access.check(&cx(), &needs).await.unwrap();
    let lacks: Vec<_> =
        lacking.iter().filter(|g| g.held == Some(false)).map(|g| g.permission.as_str()).collect();
    assert_eq!(lacks, ["CREATEROLE", "pg_signal_backend", "pg_read_all_stats"]);

    let old = id("app@unmarked");
    let chosen = choose(&provider, Some(&old)).await.unwrap();
    let refused = mint(&provider, &chosen, Some(&old)).await.unwrap_err();
    let revoker = provider.revoker.clone().unwrap();
    let now = jiff::Timestamp::now();
    let held = server.session("app", "firstPlantedPw");
    let unseen = provider.usage.clone().unwrap().last_use(&cx(), &principal(), &old).await;
    for error in [
        refused,
        unseen.unwrap_err(),
        revoker.disable(&cx(), &principal(), &old).await.unwrap_err(),
        revoker.destroy(&cx(), &principal(), &old).await.unwrap_err(),
        revoker.end_sessions(&cx(), &principal(), &old, now).await.unwrap_err(),
    ] {
        assert_eq!(
            (error.kind, error.effect),
            (ErrorKind::PermissionDenied, Effect::None),
            "{error}"
        );
        assert!(error.hint().is_some());
        for value in ["ownPlantedPw", "firstPlantedPw", password(&chosen.bundle), "SCRAM-SHA"] {
            assert!(!shown(&error).contains(value));
        }
    }
    assert!(held.works());
    assert!(server.sql_as("app", "firstPlantedPw", "SELECT 1").is_ok());

    // Version 15 does not know the form of the last lines, and does not need them.
    let policy = access.policy(&needs);
    let before_16 = policy.split("-- version 16").next().unwrap();
    assert!(policy.contains("GRANT \"app\" TO \"keysweep\" WITH ADMIN TRUE"));
    server.sql(before_16);
    let grants = access.check(&cx(), &needs).await.unwrap();
    let major: u32 =
        server.sql("SELECT current_setting('server_version_num')::int / 10000").parse().unwrap();
    assert!(major >= 16 || grants.iter().all(|grant| grant.held == Some(true)), "{grants:?}");
    if major >= 16 {
        server.sql(&policy);
    }
    // Who may not see into `pg_authid` takes the mark's word.
    let minted = mint(&provider, &chosen, Some(&old)).await.unwrap();
    assert!(is_live(&verify(&provider, &minted.bundle).await.unwrap()));
    let held = server.session("app", password(&minted.bundle));
    let used = provider.usage.clone().unwrap().last_use(&cx(), &principal(), &minted.id).await;
    assert!(used.unwrap().at.is_some());
    revoker.destroy(&cx(), &principal(), &minted.id).await.unwrap();
    let later = jiff::Timestamp::now();
    revoker.end_sessions(&cx(), &principal(), &minted.id, later).await.unwrap();
    assert!(!held.works());
    assert_eq!(snapshot(&provider, &principal()).await.unwrap(), []);
}
