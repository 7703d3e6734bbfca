use jiff::{SignedDuration, Timestamp};
use keysweep_sdk::{Effect, ErrorKind, LiveState, Verdict};
use keysweep_testbed::{absent, postgres::Postgres};

use crate::bench::*;

fn pair(server: &Postgres) {
    server.sql(
        "CREATE ROLE app_owner; CREATE ROLE app_a LOGIN PASSWORD 'firstPlantedPw' IN ROLE app_owner; \
         CREATE ROLE app_b NOLOGIN IN ROLE app_owner; COMMENT ON ROLE app_b IS 'Ask Ann'",
    );
}

#[tokio::test]
async fn a_pair_is_used_in_turn_and_the_old_one_lives_until_it_is_ended() {
    let Some(server) = Postgres::start() else { return absent("PostgreSQL") };
    pair(&server);
    let provider = mounted(&server, PAIR).await;
    let old = id("app_a@unmarked");
    let before = snapshot(&provider, &principal()).await.unwrap();
    // A superuser sees that `app_b` has no password.
    assert_eq!(before.iter().map(|l| &l.id).collect::<Vec<_>>(), [&old]);

    let chosen = choose(&provider, Some(&old)).await.unwrap();
    assert!(chosen.id.as_str().starts_with("app_b@"));
    let minted = mint(&provider, &chosen, Some(&old)).await.unwrap();
    assert_eq!(minted.scope, before[0].scope);
    assert_eq!(minted.scope["member_of"], "app_owner");
    let again = mint(&provider, &chosen, Some(&old)).await.unwrap();
    assert!(again.bundle.same(&minted.bundle));

    // Both log in, asked as a consumer would.
    assert_eq!(server.sql_as("app_a", "firstPlantedPw", "SELECT 1").unwrap(), "1");
    assert_eq!(server.sql_as("app_b", password(&minted.bundle), "SELECT 1").unwrap(), "1");
    let Verdict::Live(identity) = verify(&provider, &minted.bundle).await.unwrap() else {
        panic!("not live")
    };
    assert_eq!(identity.principal, Some(principal()));
    assert_eq!(identity.credential.as_ref(), Some(&chosen.id));
    assert_eq!(identity.scope, minted.scope);
    assert!(
        server
            .sql("SELECT shobj_description('app_b'::regrole, 'pg_authid')")
            .starts_with("Ask Ann [keysweep:")
    );

    // The log has every statement, and no value.
    let log = server.log();
    assert!(log.contains("ALTER ROLE \"app_b\" LOGIN PASSWORD") && log.contains("SCRAM-SHA-256$"));
    assert!(!log.contains(password(&minted.bundle)));

    let revoker = provider.revoker.clone().unwrap();
    for _ in 0..2 {
        revoker.disable(&cx(), &principal(), &old).await.unwrap();
    }
    assert_eq!(verify(&provider, &login("app_a", "firstPlantedPw")).await.unwrap(), Verdict::Dead);
    assert!(is_live(&verify(&provider, &minted.bundle).await.unwrap()));
    revoker.enable(&cx(), &principal(), &old).await.unwrap();
    assert!(is_live(&verify(&provider, &login("app_a", "firstPlantedPw")).await.unwrap()));
    for _ in 0..2 {
        revoker.destroy(&cx(), &principal(), &old).await.unwrap();
    }
    let left = snapshot(&provider, &principal()).await.unwrap();
    assert_eq!(left.iter().map(|l| &l.id).collect::<Vec<_>>(), [&chosen.id]);
    assert!(server.sql_as("app_a", "firstPlantedPw", "SELECT 1").is_err());
    let error = revoker.enable(&cx(), &principal(), &old).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::None));

    // And back: the first role again, whose old password stays dead.
    let next = choose(&provider, Some(&chosen.id)).await.unwrap();
    assert!(next.id.as_str().starts_with("app_a@"));
    let back = mint(&provider, &next, Some(&chosen.id)).await.unwrap();
    assert!(is_live(&verify(&provider, &back.bundle).await.unwrap()));
    assert_eq!(verify(&provider, &login("app_a", "firstPlantedPw")).await.unwrap(), Verdict::Dead);
    // What is gone is not taken for its successor in the same role.
    revoker.disable(&cx(), &principal(), &old).await.unwrap();
    revoker.destroy(&cx(), &principal(), &old).await.unwrap();
    assert!(is_live(&verify(&provider, &back.bundle).await.unwrap()));
}

#[tokio::test]
async fn a_password_that_nobody_named_is_not_overwritten() {
    let Some(server) = Postgres::start() else { return absent("PostgreSQL") };
    pair(&server);
    let provider = mounted(&server, PAIR).await;
    let old = id("app_a@unmarked");
    let chosen = choose(&provider, Some(&old)).await.unwrap();
    // Between the choice and the mint somebody takes the role that rested.
    server.sql("ALTER ROLE app_b LOGIN PASSWORD 'strangersPlantedPw'");
    let error = mint(&provider, &chosen, Some(&old)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::LimitReached, Effect::None));
    assert!(!shown(&error).contains(password(&chosen.bundle)));
    assert!(server.sql_as("app_b", "strangersPlantedPw", "SELECT 1").is_ok());
    let error = choose(&provider, Some(&old)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::LimitReached, Effect::None));
    assert!(error.hint().unwrap().contains("\"app_b\" NOLOGIN"));
}

#[tokio::test]
async fn what_differs_between_the_two_shows_in_the_scope() {
    let Some(server) = Postgres::start() else { return absent("PostgreSQL") };
    pair(&server);
    let provider = mounted(&server, PAIR).await;
    let old = id("app_a@unmarked");
    server.sql("CREATE TABLE t (x int); GRANT SELECT ON t TO app_a; \
        ALTER ROLE app_a SET search_path = app; ALTER ROLE app_a SET app.jwt_secret = 'plantedJwt'; \
        ALTER ROLE app_a CONNECTION LIMIT 7; CREATE TABLE u (x int); ALTER TABLE u OWNER TO app_a");
    let live = snapshot(&provider, &principal()).await.unwrap();
    let chosen = choose(&provider, Some(&old)).await.unwrap();
    let minted = mint(&provider, &chosen, Some(&old)).await.unwrap();
    let scope = &live[0].scope;
    let differ: Vec<_> = scope.iter().filter(|(k, v)| minted.scope.get(*k) != Some(v)).collect();
    let names: Vec<_> = differ.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["connection_limit", "granted", "owns", "settings"]);
    assert_eq!(scope["settings"], "app.jwt_secret, search_path=app");

    server.sql("ALTER ROLE app_b VALID UNTIL '2020-01-01'");
    let next = choose(&provider, Some(&old)).await;
    let error = mint(&provider, &next.unwrap(), Some(&old)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
    let expired = snapshot(&provider, &principal()).await.unwrap();
    assert_eq!(expired[1].state, LiveState::Inactive);
    assert!(expired[1].expires.is_some());
}

#[tokio::test]
async fn sessions_outlive_the_password_until_they_are_ended() {
    let Some(server) = Postgres::start() else { return absent("PostgreSQL") };
    pair(&server);
    let provider = mounted(&server, PAIR).await;
    let (usage, revoker) = (provider.usage.clone().unwrap(), provider.revoker.clone().unwrap());
    let old = id("app_a@unmarked");
    let none = usage.last_use(&cx(), &principal(), &old).await.unwrap();
    assert_eq!((none.at, none.source), (None, None));
    let (first, second) =
        (server.session("app_a", "firstPlantedPw"), server.session("app_a", "firstPlantedPw"));
    let seen = usage.last_use(&cx(), &principal(), &old).await.unwrap();
    assert_eq!(seen.source.as_deref(), Some("psql from 127.0.0.1"));
    let ago = Timestamp::now().duration_since(seen.at.unwrap());
    assert!(ago < SignedDuration::from_mins(5), "{ago}");

    revoker.destroy(&cx(), &principal(), &old).await.unwrap();
    assert!(first.works());
    let long_ago = Timestamp::now() - SignedDuration::from_hours(1);
    revoker.end_sessions(&cx(), &principal(), &old, long_ago).await.unwrap();
    assert_eq!(server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_a'"), "1");
    for _ in 0..2 {
        revoker.end_sessions(&cx(), &principal(), &old, Timestamp::now()).await.unwrap();
    }
    assert_eq!(server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_a'"), "0");
    assert!(!second.works());
}
