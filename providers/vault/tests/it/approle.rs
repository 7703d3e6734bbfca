use keysweep_sdk::{Effect, ErrorKind, LiveState, PrincipalId, Verdict};
use keysweep_testbed::{absent, openbao::OpenBao};
use serde_json::{Value, json};

use crate::bench::*;

#[tokio::test]
async fn secret_ids_live_beside_each_other_and_are_ended_one_by_one() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    let old = server.app_role("ci", &json!({"token_policies": ["default"]}));
    let provider = mounted(&server).await;
    let before = snapshot(&provider).await.unwrap();
    assert_eq!(before.iter().map(|l| l.id.as_str()).collect::<Vec<_>>(), [&old.accessor]);
    assert_eq!((before[0].state, &before[0].marker), (LiveState::Active, &None));
    assert!(before[0].created.is_some() && before[0].expires.is_none());

    let minted = mint(&provider, "run 7/é\"", Some(&old.accessor)).await.unwrap();
    assert_eq!(minted.scope, before[0].scope);
    assert_eq!(field(&minted.bundle, "role_id"), old.role_id);
    let live = snapshot(&provider).await.unwrap();
    let new = live.iter().find(|live| live.id == minted.id).unwrap();
    assert_eq!((live.len(), new.marker.as_deref()), (2, Some("run 7/é\"")));
    for bundle in [&login(&old), &minted.bundle] {
        let Verdict::Live(identity) = verify(&provider, bundle).await.unwrap() else { panic!() };
        assert_eq!(identity.principal, Some(principal()));
        assert!(live.iter().any(|live| Some(&live.id) == identity.credential.as_ref()));
    }

    let revoker = provider.revoker.clone().unwrap();
    let session = server.login(&old.role_id, &old.secret_id).unwrap();
    for _ in 0..2 {
        revoker.destroy(&cx(), &principal(), &id(&old.accessor)).await.unwrap();
    }
    assert_eq!(verify(&provider, &login(&old)).await.unwrap(), Verdict::Dead);
    assert!(server.login(&old.role_id, &old.secret_id).is_none());
    assert!(matches!(verify(&provider, &minted.bundle).await.unwrap(), Verdict::Live(_)));
    assert_eq!(snapshot(&provider).await.unwrap().len(), 1);
    // As the limits say: what was made with it lives on.
    assert_eq!(server.try_call(&session, "GET", "auth/token/lookup-self", &Value::Null).0, 200);
    assert!(revoker.limits().sessions.is_some_and(|sessions| !sessions.can_end));
    for error in [
        revoker.disable(&cx(), &principal(), &minted.id).await.unwrap_err(),
        revoker.enable(&cx(), &principal(), &minted.id).await.unwrap_err(),
    ] {
        assert_eq!((error.kind, error.effect), (ErrorKind::Unsupported, Effect::None));
    }
}

#[tokio::test]
async fn to_prove_that_one_is_dead_locks_nobody_out() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    let old = server.app_role("ci", &json!({}));
    let provider = mounted(&server).await;
    let garbage = bundle(&old.role_id, "0000Planted-0000");
    for _ in 0..12 {
        assert_eq!(verify(&provider, &garbage).await.unwrap(), Verdict::Dead);
    }
    let other_role = bundle("0000-other-role", &old.secret_id);
    assert_eq!(verify(&provider, &other_role).await.unwrap(), Verdict::Dead);
    assert!(server.login(&old.role_id, &old.secret_id).is_some());
    // What would have happened.
    for _ in 0..6 {
        server.login(&old.role_id, "0000Planted-0000");
    }
    assert!(server.login(&old.role_id, &old.secret_id).is_none(), "there is no lockout any more");
    // A lockout is no death.
    let verdict = verify(&provider, &login(&old)).await.unwrap();
    assert!(matches!(verdict, Verdict::Unknown(_)), "{verdict:?}");
}

#[tokio::test]
async fn a_proof_leaves_no_token() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    let old = server.app_role("ci", &json!({}));
    let provider = mounted(&server).await;
    let tokens = || {
        let list = server.root("GET", "auth/token/accessors?list=true", &Value::Null);
        list["data"]["keys"].as_array().unwrap().len()
    };
    let before = tokens();
    assert!(matches!(verify(&provider, &login(&old)).await.unwrap(), Verdict::Live(_)));
    assert_eq!(tokens(), before);
}

#[tokio::test]
async fn the_successor_may_do_what_the_old_one_may() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    server.app_role("ci", &json!({"secret_id_ttl": "24h", "secret_id_num_uses": 40}));
    let provider = mounted(&server).await;
    let bound = json!({
        "cidr_list": ["10.1.0.0/16"], "token_bound_cidrs": ["10.2.0.0/16"], "ttl": "1h", "num_uses": 9
    });
    let old = server.secret_id("ci", &bound);
    let before = snapshot(&provider).await.unwrap();
    let scope = |accessor: &str, live: &[keysweep_sdk::Live]| {
        live.iter().find(|live| live.id.as_str() == accessor).unwrap().scope.clone()
    };
    let theirs = scope(&old.accessor, &before);
    assert_eq!(theirs["cidr_list"], "10.1.0.0/16");
    assert_eq!(theirs["ttl"], "3600 s");
    let minted = mint(&provider, "m", Some(&old.accessor)).await.unwrap();
    assert_eq!(minted.scope, theirs);
    let after = snapshot(&provider).await.unwrap();
    assert_eq!(scope(minted.id.as_str(), &after), theirs);
    assert!(after.iter().all(|live| live.expires.is_some()));
    // From here it may not be used: that says nothing of the value.
    let verdict = verify(&provider, &minted.bundle).await.unwrap();
    assert!(matches!(verdict, Verdict::Unknown(_)), "{verdict:?}");

    server.app_role("once", &json!({"secret_id_num_uses": 1}));
    let of = PrincipalId::new("approle/approle/once");
    let request =
        keysweep_sdk::MintRequest { principal: &of, marker: "m", replaces: None, chosen: None };
    let error = provider.issuer.clone().unwrap().mint(&cx(), &request).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
}

#[tokio::test]
async fn an_expired_one_is_gone() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    server.app_role("ci", &json!({}));
    let provider = mounted(&server).await;
    let short = server.secret_id("ci", &json!({"ttl": "1s"}));
    assert_eq!(snapshot(&provider).await.unwrap().len(), 2);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(snapshot(&provider).await.unwrap().len(), 1);
    let revoker = provider.revoker.clone().unwrap();
    revoker.destroy(&cx(), &principal(), &id(&short.accessor)).await.unwrap();
}
