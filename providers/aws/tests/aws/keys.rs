use std::time::Duration;

use jiff::Timestamp;
use keysweep_sdk::{
    Bundle, CredentialId, Effect, ErrorKind, LiveState, MintRequest, Minted, PrincipalId, Provider,
    Result, Verdict,
};
use keysweep_testbed::{
    absent,
    aws::{AwsServer, Deviation, Key},
    microburst,
};
use serde_json::json;

use crate::world::{admin, bundle, cx, key, mounted, refused, servers, user};

async fn mint(provider: &Provider, principal: &PrincipalId) -> Result<Minted> {
    let request = MintRequest { principal, marker: "m", replaces: None, chosen: None };
    provider.issuer.as_ref().unwrap().mint(&cx(), &request).await
}

async fn verdict(provider: &Provider, bundle: &Bundle) -> Verdict {
    let verifier = provider.verifier.as_ref().unwrap();
    verifier.verify(&cx(), &user("ci"), bundle).await.unwrap()
}

fn live(verdict: &Verdict) -> bool {
    let Verdict::Live(identity) = verdict else { return false };
    assert_eq!(identity.principal, Some(user("ci")));
    assert_eq!(identity.scope["account"].len(), 12);
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_minted_proved_disabled_enabled_and_destroyed() {
    for server in servers() {
        let old = server.user("ci", &[]);
        let (provider, ci) = (admin(&server).await, user("ci"));
        let issuer = provider.issuer.clone().unwrap();
        let revoker = provider.revoker.clone().unwrap();
        let new = mint(&provider, &ci).await.unwrap();
        assert_eq!(new.bundle.names().collect::<Vec<_>>(), issuer.limits().fields);
        assert!(live(&verdict(&provider, &new.bundle).await));
        assert!(live(&verdict(&provider, &bundle(&old)).await));

        let listed = issuer.snapshot(&cx(), &ci).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(listed.iter().all(|key| key.state == LiveState::Active && key.created.is_some()));

        let id = CredentialId::new(old.id.clone());
        for _ in 0..2 {
            revoker.disable(&cx(), &ci, &id).await.unwrap();
            assert_eq!(verdict(&provider, &bundle(&old)).await, Verdict::Dead);
        }
        assert!(!server.works(&old) && server.works(&key(&new.bundle)));
        let listed = issuer.snapshot(&cx(), &ci).await.unwrap();
        let state = listed.iter().find(|key| key.id == id).map(|key| key.state);
        assert_eq!(state, Some(LiveState::Inactive));

        revoker.enable(&cx(), &ci, &id).await.unwrap();
        assert!(live(&verdict(&provider, &bundle(&old)).await));
        for _ in 0..2 {
            revoker.destroy(&cx(), &ci, &id).await.unwrap();
        }
        assert_eq!(verdict(&provider, &bundle(&old)).await, Verdict::Dead);
        revoker.disable(&cx(), &ci, &id).await.unwrap();
        let gone = revoker.enable(&cx(), &ci, &id).await;
        refused(gone, ErrorKind::NotFound, Effect::None, &[&old.secret]);
        assert!(live(&verdict(&provider, &new.bundle).await));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_half_is_dead_and_tells_nothing() {
    for server in servers() {
        let real = server.user("ci", &[]);
        let provider = admin(&server).await;
        let wrong = Key::new(&real.id, "plantedplantedplantedplantedplantedplante");
        let said = verdict(&provider, &bundle(&wrong)).await;
        assert_eq!(said, Verdict::Dead);
        let nobody = Key::new("AKIAAAAAAAAAAAAAAAAA", &wrong.secret);
        assert_eq!(verdict(&provider, &bundle(&nobody)).await, Verdict::Dead);
        let debug = format!("{provider:?} {provider:#?} {:?}", bundle(&real));
        for secret in [&real.secret, &server.admin.secret, &wrong.secret] {
            assert!(!debug.contains(secret.as_str()), "{debug}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_key_is_refused_also_beside_an_inactive_one() {
    for server in servers() {
        let old = server.user("ci", &[]);
        let (provider, ci) = (admin(&server).await, user("ci"));
        let id = CredentialId::new(old.id.clone());
        provider.revoker.as_ref().unwrap().disable(&cx(), &ci, &id).await.unwrap();
        mint(&provider, &ci).await.unwrap();
        let third = mint(&provider, &ci).await;
        if server.deviates(Deviation::NoKeyLimit) {
            assert!(third.is_ok(), "mended: strike the deviation");
            continue;
        }
        let error = refused(third, ErrorKind::LimitReached, Effect::None, &[]);
        assert!(error.hint().unwrap().contains("two"), "{error:?}");
        assert_eq!(server.keys("ci").len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_user_is_refused_before_anything_is_sent() {
    for server in servers() {
        let provider = admin(&server).await;
        let issuer = provider.issuer.clone().unwrap();
        // Without a name AWS would list the keys of whoever asks.
        for (principal, kind) in [
            ("user/", ErrorKind::Invalid),
            ("user/a/b", ErrorKind::Invalid),
            ("role/app", ErrorKind::Unsupported),
            ("", ErrorKind::Unsupported),
        ] {
            let principal = PrincipalId::new(principal);
            refused(issuer.snapshot(&cx(), &principal).await, kind, Effect::None, &[]);
            refused(mint(&provider, &principal).await, kind, Effect::None, &[]);
        }
        let nobody = user("nobody");
        refused(mint(&provider, &nobody).await, ErrorKind::NotFound, Effect::None, &[]);
        let listed = issuer.snapshot(&cx(), &nobody).await;
        if server.deviates(Deviation::AbsentUserHasNoKeys) {
            assert!(listed.unwrap().is_empty(), "mended: strike the deviation");
        } else {
            refused(listed, ErrorKind::NotFound, Effect::None, &[]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_somebody_else_is_not_taken_for_gone() {
    for server in servers() {
        let theirs = server.user("other", &[]);
        server.user("ci", &[]);
        let provider = admin(&server).await;
        let revoker = provider.revoker.clone().unwrap();
        let id = CredentialId::new(theirs.id.clone());
        let disabled = revoker.disable(&cx(), &user("ci"), &id).await;
        let error = refused(disabled, ErrorKind::Invalid, Effect::None, &[&theirs.secret]);
        assert!(error.message().contains("user/other"), "{error:?}");
        assert!(server.works(&theirs));
        let destroyed = revoker.destroy(&cx(), &user("ci"), &id).await;
        if server.deviates(Deviation::KeyOfAnybodyDeleted) {
            assert!(destroyed.is_ok(), "mended: strike the deviation");
            continue;
        }
        refused(destroyed, ErrorKind::Invalid, Effect::None, &[&theirs.secret]);
        assert!(server.works(&theirs));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_is_unknown_and_leaves_one_key() {
    for server in servers() {
        let Some(burst) = microburst::before(&server) else { return absent("microburst") };
        server.user("ci", &[]);
        let before = server.keys("ci");
        let provider = mounted(&burst.url(), &server.admin).await;
        burst.lose_reply("iam", "CreateAccessKey");
        let error = mint(&provider, &user("ci")).await;
        let error =
            refused(error, ErrorKind::Unavailable, Effect::Unknown, &[&server.admin.secret]);
        assert!(!error.is_retryable());
        let after = server.keys("ci");
        let new: Vec<_> = after.iter().filter(|id| !before.contains(id)).collect();
        assert_eq!(new.len(), 1, "{before:?}, then {after:?}");

        // The way back: it is listed, it is destroyed, and it is minted once more.
        let lost = CredentialId::new(new[0].clone());
        let listed = provider.issuer.as_ref().unwrap().snapshot(&cx(), &user("ci")).await.unwrap();
        assert!(listed.iter().any(|key| key.id == lost));
        let revoker = provider.revoker.as_ref().unwrap();
        revoker.destroy(&cx(), &user("ci"), &lost).await.unwrap();
        mint(&provider, &user("ci")).await.unwrap();
        assert_eq!(server.keys("ci").len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_waits_and_a_broken_service_is_unknown() {
    for server in servers() {
        let Some(burst) = microburst::before(&server) else { return absent("microburst") };
        server.user("ci", &[]);
        let provider = mounted(&burst.url(), &server.admin).await;
        burst.refuse("iam", "CreateAccessKey", "Throttling", 400);
        let error = mint(&provider, &user("ci")).await;
        let limited = ErrorKind::RateLimited { retry_after: None };
        assert!(refused(error, limited, Effect::None, &[]).is_retryable());
        assert_eq!(server.keys("ci").len(), 1, "it was sent again");
        burst.refuse("iam", "CreateAccessKey", "ServiceFailure", 500);
        refused(mint(&provider, &user("ci")).await, ErrorKind::Unavailable, Effect::Unknown, &[]);
        assert_eq!(server.keys("ci").len(), 1, "it was sent again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_told_with_where() {
    for server in servers() {
        let used = server.user("ci", &[]);
        let provider = admin(&server).await;
        let usage = provider.usage.clone().unwrap();
        let id = CredentialId::new(used.id.clone());
        let before = usage.last_use(&cx(), &user("ci"), &id).await.unwrap();
        assert_eq!((before.at, before.source), (None, None));
        assert!(server.works(&used));
        let after = usage.last_use(&cx(), &user("ci"), &id).await.unwrap();
        if server.deviates(Deviation::LastUseNeverMoves) {
            assert_eq!(after.at, None, "mended: strike the deviation");
        } else {
            let ago = Timestamp::now().duration_since(after.at.unwrap()).unsigned_abs();
            assert!(ago < Duration::from_secs(3600), "{after:?}");
            assert_eq!(after.source.as_deref(), Some("sts us-east-1"));
        }
        let other = usage.last_use(&cx(), &user("admin"), &id).await;
        refused(other, ErrorKind::NotFound, Effect::None, &[]);
        let never = CredentialId::new("AKIAAAAAAAAAAAAAAAAA");
        let never = usage.last_use(&cx(), &user("ci"), &never).await;
        refused(never, ErrorKind::NotFound, Effect::None, &[]);
    }
}

/// A session of the user, and whether it may still do what the user may.
fn session(server: &AwsServer, of: &Key) -> Key {
    let reply = server.call(of, "sts", "GetSessionToken", json!({})).unwrap();
    let text = |field: &str| reply["Credentials"][field].as_str().unwrap().to_owned();
    let token = Some(text("SessionToken"));
    Key { id: text("AccessKeyId"), secret: text("SecretAccessKey"), token }
}

fn may(server: &AwsServer, key: &Key) -> bool {
    server.call(key, "ssm", "DescribeParameters", json!({})).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_and_the_key_that_made_them_goes_on() {
    for server in servers() {
        let own = server.user("ci", &[("*", "*")]);
        let (provider, ci) = (admin(&server).await, user("ci"));
        let revoker = provider.revoker.clone().unwrap();
        let id = CredentialId::new(own.id.clone());
        let early = session(&server, &own);
        let sessions = !server.deviates(Deviation::NoSessions);
        assert_eq!(may(&server, &early), sessions, "or strike the deviation");

        let before = Timestamp::now();
        revoker.end_sessions(&cx(), &ci, &id, before).await.unwrap();
        let policy = || {
            let asked = json!({ "UserName": "ci", "PolicyName": "keysweep-revoke-sessions" });
            server.admin_call("iam", "GetUserPolicy", asked)["PolicyDocument"].to_string()
        };
        let first = policy();
        assert!(first.contains("aws:TokenIssueTime"), "{first}");
        assert!(may(&server, &own), "the user's own key is denied");
        if sessions {
            assert!(!may(&server, &early), "the session lives on");
        }
        // Again, and with an earlier time: what is cut off stays so.
        revoker.end_sessions(&cx(), &ci, &id, before).await.unwrap();
        revoker.end_sessions(&cx(), &ci, &id, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(policy(), first);
        if sessions {
            tokio::time::sleep(Duration::from_millis(2100)).await;
            assert!(may(&server, &session(&server, &own)), "a later session is denied");
        }
        let nobody = revoker.end_sessions(&cx(), &user("nobody"), &id, before).await;
        refused(nobody, ErrorKind::NotFound, Effect::None, &[]);
    }
}
