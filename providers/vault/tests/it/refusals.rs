use keysweep_provider_vault::Config;
use keysweep_sdk::{
    Effect, ErrorKind, Need, PlacementId, PrincipalId, ProviderConfig, ProviderName,
};
use keysweep_testbed::{absent, free_port, openbao::OpenBao};
use serde_json::json;

use crate::bench::*;

#[tokio::test]
async fn a_wrong_configuration_is_told_before_anything_is_dialled() {
    for further in
        ["address = \"http://vault.example.com\"", "address = \"https://h\"\nmounts = [\"/a\"]"]
    {
        let config: Config = toml::from_str(&format!("token = \"env:X\"\n{further}")).unwrap();
        let mounted = config.mount(ProviderName::new("bao"), &mounting("ownPlanted", 5)).await;
        let error = mounted.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Config, Effect::None));
    }
    let error = toml::from_str::<Config>("address = \"https://h\"\ntoken = \"hvs.planted\"");
    assert!(!error.unwrap_err().message().contains("planted"));
}

#[tokio::test]
async fn nobody_there_changes_nothing() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let provider = mounted_at(&url, "ownPlanted", 5, "").await;
    assert!(!format!("{provider:?}").contains("ownPlanted"));
    for error in [
        snapshot(&provider).await.unwrap_err(),
        mint(&provider, "m", None).await.unwrap_err(),
        place(&provider, "secret/ci#a", &one("minePlanted"), None).await.unwrap_err(),
        verify(&provider, &bundle("rolePlanted", "idPlanted")).await.unwrap_err(),
    ] {
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::None));
        assert!(!shown(&error).contains("Planted"), "{error}");
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    let old = server.app_role("ci", &json!({}));
    let wrong = mounted_at(&server.url(), "s.ownPlantedToken", 10, "").await;
    let weak = server.token("weak", "path \"secret/data/other\" { capabilities = [\"read\"] }");
    let weak = mounted_at(&server.url(), &weak, 10, "").await;
    for (provider, kind) in
        [(&wrong, ErrorKind::Unauthenticated), (&weak, ErrorKind::PermissionDenied)]
    {
        let revoker = provider.revoker.clone().unwrap();
        for error in [
            snapshot(provider).await.unwrap_err(),
            mint(provider, "m", None).await.unwrap_err(),
            place(provider, "secret/ci#a", &one("minePlanted"), None).await.unwrap_err(),
            stat(provider, "secret/ci#a").await.unwrap_err(),
            verify(provider, &login(&old)).await.unwrap_err(),
            revoker.destroy(&cx(), &principal(), &id(&old.accessor)).await.unwrap_err(),
        ] {
            // A mount that the token sees nothing of is forbidden, whoever asks.
            let kinds = [kind, ErrorKind::PermissionDenied];
            assert!(kinds.contains(&error.kind), "{error:?}");
            assert_eq!(error.effect, Effect::None);
            assert!(error.hint().is_some(), "{error}");
            for value in ["Planted", &old.secret_id, &old.role_id] {
                assert!(!shown(&error).contains(value), "{error}");
            }
        }
        let error = snapshot(provider).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }

    let provider = mounted(&server).await;
    let issuer = provider.issuer.clone().unwrap();
    for nobody in ["approle/approle/nobody", "approle/nowhere/ci", "user/ci"] {
        let error = issuer.snapshot(&cx(), &PrincipalId::new(nobody)).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::None), "{nobody}");
    }
    let revoker = provider.revoker.clone().unwrap();
    let of = PrincipalId::new("approle/nowhere/ci");
    // Where the role is not, nothing is said of the secret-id.
    let error = revoker.destroy(&cx(), &of, &id(&old.accessor)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let error = revoker.destroy(&cx(), &principal(), &id("../x")).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
}

/// The policy that is asked for is enough for all of it, and one without a line is told of.
#[tokio::test]
async fn the_least_policy_is_enough() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    let old = server.app_role("ci", &json!({}));
    let at = PlacementId::new("secret/ci/aws#token");
    let needs = [
        Need::Snapshot(principal()),
        Need::Rotate(principal()),
        Need::Stat(at.clone()),
        Need::Place(at),
    ];
    let access = mounted(&server).await.access.clone().unwrap();
    let policy = access.policy(&needs);
    let token = server.token("least", &policy);
    let provider = mounted_at(&server.url(), &token, 10, "").await;
    let access = provider.access.clone().unwrap();
    let grants = access.check(&cx(), &needs).await.unwrap();
    assert!(grants.iter().all(|grant| grant.held == Some(true)), "{grants:?}");

    assert_eq!(stat(&provider, "secret/ci/aws#token").await.unwrap(), None);
    place(&provider, "secret/ci/aws#token", &one("a"), None).await.unwrap();
    stat(&provider, "secret/ci/aws#token").await.unwrap();
    place(&provider, "secret/ci/aws#token", &one("b"), None).await.unwrap();
    read(&provider, "secret/ci/aws#token", &[]).await.unwrap();
    remove(&provider, "secret/ci/aws#token", &[]).await.unwrap();
    let minted = mint(&provider, "m", Some(&old.accessor)).await.unwrap();
    let verdict = verify(&provider, &minted.bundle).await.unwrap();
    assert!(matches!(verdict, keysweep_sdk::Verdict::Live(_)), "{verdict:?}");
    assert_eq!(snapshot(&provider).await.unwrap().len(), 2);
    let revoker = provider.revoker.clone().unwrap();
    revoker.destroy(&cx(), &principal(), &id(&old.accessor)).await.unwrap();

    let less = policy.replacen("\"create\", ", "", 1).replacen("role-id", "role-ix", 1);
    let token = server.token("less", &less);
    let provider = mounted_at(&server.url(), &token, 10, "").await;
    let grants = provider.access.clone().unwrap().check(&cx(), &needs).await.unwrap();
    let lacking: Vec<_> = grants
        .iter()
        .filter(|grant| grant.held == Some(false))
        .map(|grant| format!("{} {}", grant.permission, grant.on))
        .collect();
    assert_eq!(lacking, ["read auth/approle/role/ci/role-id", "create secret/data/ci/aws"]);
    let error = stat(&provider, "secret/ci/none#a").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PermissionDenied);
}
