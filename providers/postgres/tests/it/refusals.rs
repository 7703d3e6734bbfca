use keysweep_sdk::{
    Effect, Error, ErrorKind, Need, PrincipalId, ProviderConfig, ProviderName, Verdict,
};
use keysweep_testbed::{absent, free_port, postgres::Postgres};

use crate::bench::*;

async fn refused(further: &str) -> Error {
    let text = format!("user = \"u\"\npassword = \"env:X\"\n{further}");
    let config: keysweep_provider_postgres::Config = toml::from_str(&text).unwrap();
    let mounted = config.mount(ProviderName::new("db"), &mounting("ownPlantedPw", None, 5)).await;
    let error = mounted.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Config, Effect::None));
    error
}

#[tokio::test]
async fn a_wrong_configuration_is_told_before_anything_is_dialled() {
    let plain = refused("host = \"db.example.com\"\nsslmode = \"disable\"").await;
    assert!(plain.hint().unwrap().contains("insecure"));
    refused("host = \"/run/postgresql\"").await;
    let twice = "host = \"db\"\n[roles.a]\nalternates = [\"x\", \"y\"]\n[roles.b]\nalternates = [\"y\", \"z\"]";
    assert!(refused(twice).await.message().contains("`y`"));
    let literal = "host = \"db\"\nuser = \"u\"\npassword = \"plantedLiteral\"";
    let error = toml::from_str::<keysweep_provider_postgres::Config>(literal).unwrap_err();
    assert!(!error.message().contains("plantedLiteral"));
}

#[tokio::test]
async fn nobody_there_changes_nothing() {
    let config = config(free_port(), "");
    let mounting = mounting("ownPlantedPw", None, 5);
    let provider = config.mount(ProviderName::new("db"), &mounting).await.unwrap();
    assert!(!format!("{provider:?}").contains("ownPlantedPw"));
    let error = snapshot(&provider, &principal()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::None));
    assert!(error.is_retryable() && !shown(&error).contains("ownPlantedPw"));
    let revoker = provider.revoker.clone().unwrap();
    let error = revoker.disable(&cx(), &principal(), &id("app@unmarked")).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::None));
    let error = verify(&provider, &login("app", "triedPlantedPw")).await.unwrap_err();
    assert!(!shown(&error).contains("triedPlantedPw"));
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let Some(server) = Postgres::start() else { return absent("PostgreSQL") };
    server.role("app", "firstPlantedPw");
    let wrong = config(server.port(), "")
        .mount(ProviderName::new("db"), &mounting("wrongPlantedPw", None, 5))
        .await
        .unwrap();
    let error = snapshot(&wrong, &principal()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unauthenticated, Effect::None));
    assert!(!shown(&error).contains("wrongPlantedPw"));

    let provider = mounted(&server, "").await;
    let nobody = PrincipalId::new("role/nobody");
    let error = snapshot(&provider, &nobody).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::None));
    let error = snapshot(&provider, &PrincipalId::new("user/app")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let revoker = provider.revoker.clone().unwrap();
    let foreign = revoker.destroy(&cx(), &principal(), &id("other@unmarked")).await.unwrap_err();
    assert_eq!((foreign.kind, foreign.effect), (ErrorKind::Invalid, Effect::None));
    let own = PrincipalId::new("role/postgres");
    let error = revoker.disable(&cx(), &own, &id("postgres@unmarked")).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
    let access = provider.access.clone().unwrap();
    let grants = access.check(&cx(), &[Need::Rotate(nobody)]).await.unwrap();
    assert!(grants.iter().any(|grant| grant.held == Some(false)));

    let garbage = login("app", "garbagePlantedPw");
    assert_eq!(verify(&provider, &garbage).await.unwrap(), Verdict::Dead);
    let error = verify(&provider, &login("other", "firstPlantedPw")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);

    // That the role may not connect to this database, or not from here, says nothing of its password.
    server.sql("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC");
    let verdict = verify(&provider, &login("app", "firstPlantedPw")).await.unwrap();
    assert!(matches!(&verdict, Verdict::Unknown(why) if why.contains("42501")), "{verdict:?}");
    server.sql("GRANT CONNECT ON DATABASE postgres TO PUBLIC");
    server.reload_hba("host all postgres 127.0.0.1/32 scram-sha-256\n");
    let verdict = verify(&provider, &login("app", "firstPlantedPw")).await.unwrap();
    assert!(matches!(&verdict, Verdict::Unknown(why) if why.contains("28000")), "{verdict:?}");

    // A server that takes anybody proves nothing.
    server.reload_hba(
        "host all postgres 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n",
    );
    let verdict = verify(&provider, &garbage).await.unwrap();
    assert!(matches!(&verdict, Verdict::Unknown(why) if why.contains("pg_hba")), "{verdict:?}");
}
