use std::time::Duration;

use keysweep_sdk::{Delivery, Effect, ErrorKind, Held, Payload, Purpose, Slot, Store};
use keysweep_testbed::{absent, aws::AwsServer, microburst};
use serde_json::{Value, json};

use crate::world::{admin, at, cx, mounted, named, one, refused, servers};

fn make(server: &AwsServer, text: &str) {
    let secret = json!({ "Name": "app/db", "SecretString": text });
    server.admin_call("secretsmanager", "CreateSecret", secret);
}

fn versions(server: &AwsServer) -> Value {
    let asked = json!({ "SecretId": "app/db" });
    server.admin_call("secretsmanager", "DescribeSecret", asked)["VersionIdsToStages"].take()
}

async fn place(store: &dyn Store, to: &str, payload: &Payload) -> keysweep_sdk::Result<Slot> {
    store.place(&cx(), &Delivery::new(&at(to), payload)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_written_once_read_and_removed() {
    for server in servers() {
        make(&server, "old");
        let store = admin(&server).await.store.clone().unwrap();
        let before = store.stat(&cx(), &at("sm:app/db")).await.unwrap().unwrap();
        assert!(
            before.version.is_some() && before.updated.is_some() && before.managed_by.is_none()
        );

        let first = place(&*store, "sm:app/db", &one("planted-1")).await.unwrap();
        assert_eq!(server.secret("app/db").as_deref(), Some("planted-1"));
        let stages = versions(&server);
        let again = place(&*store, "sm:app/db", &one("planted-1")).await.unwrap();
        assert_eq!(first.version, again.version);
        assert_eq!(versions(&server), stages, "the second write made a version");
        let after = store.stat(&cx(), &at("sm:app/db")).await.unwrap().unwrap();
        assert_eq!(after.version, first.version);

        // Back and forth: a value that was there before becomes current again, whatever label its version has.
        for value in ["planted-2", "planted-1", "planted-2", "planted-3", "planted-1"] {
            place(&*store, "sm:app/db", &one(value)).await.unwrap();
            assert_eq!(server.secret("app/db").as_deref(), Some(value));
        }
        let held = store.read(&cx(), &at("sm:app/db"), &[]).await.unwrap();
        assert!(matches!(&held, Held::Value(value) if value.same(&one("planted-1"))));
        assert!(!format!("{held:?}").contains("planted"));

        for _ in 0..2 {
            store.remove(&cx(), &at("sm:app/db"), &[]).await.unwrap();
        }
        assert_eq!(store.stat(&cx(), &at("sm:app/db")).await.unwrap(), None);
        assert!(matches!(store.read(&cx(), &at("sm:app/db"), &[]).await.unwrap(), Held::Nothing));
        let late = place(&*store, "sm:app/db", &one("planted-4")).await;
        refused(late, ErrorKind::NotFound, Effect::None, &["planted"]);
        // It can be brought back, as it was.
        server.admin_call("secretsmanager", "RestoreSecret", json!({ "SecretId": "app/db" }));
        assert_eq!(server.secret("app/db").as_deref(), Some("planted-1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_made() {
    for server in servers() {
        let store = admin(&server).await.store.clone().unwrap();
        for place_at in ["sm:none", "sm:none#key", "ssm:/none"] {
            assert_eq!(store.stat(&cx(), &at(place_at)).await.unwrap(), None);
            let held = store.read(&cx(), &at(place_at), &[]).await.unwrap();
            assert!(matches!(held, Held::Nothing));
            store.remove(&cx(), &at(place_at), &[]).await.unwrap();
            let written = place(&*store, place_at, &one("planted")).await;
            refused(written, ErrorKind::NotFound, Effect::None, &["planted"]);
        }
        assert_eq!(server.secret("none"), None);
        assert_eq!(server.parameter("/none"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_an_object_is_written_and_its_neighbours_stay() {
    for server in servers() {
        make(&server, r#"{"host":"db","port":5432,"password":"old","ratio":1.10}"#);
        let store = admin(&server).await.store.clone().unwrap();
        place(&*store, "sm:app/db#password", &one("planted\"1")).await.unwrap();
        let text = server.secret("app/db").unwrap();
        assert!(text.contains("1.10"), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&value["password"], &value["port"]), (&json!("planted\"1"), &json!(5432)));
        let stages = versions(&server);
        place(&*store, "sm:app/db#password", &one("planted\"1")).await.unwrap();
        assert_eq!(versions(&server), stages, "the second write made a version");

        let pair = named(&[("id", "AKIA"), ("secret", "planted-2")]);
        place(&*store, "sm:app/db", &pair).await.unwrap();
        let names = ["id".to_owned(), "secret".to_owned(), "none".to_owned()];
        let held = store.read(&cx(), &at("sm:app/db"), &names).await.unwrap();
        assert!(matches!(&held, Held::Value(held) if held.same(&pair)), "{held:?}");
        let held = store.read(&cx(), &at("sm:app/db#port"), &[]).await.unwrap();
        let Held::Value(Payload::One(port)) = held else { panic!("{held:?}") };
        assert_eq!(port.expose_for(Purpose::Verify), "5432");

        for _ in 0..2 {
            store.remove(&cx(), &at("sm:app/db#password"), &[]).await.unwrap();
            store.remove(&cx(), &at("sm:app/db"), &names).await.unwrap();
        }
        let value: Value = serde_json::from_str(&server.secret("app/db").unwrap()).unwrap();
        assert_eq!(value, json!({ "host": "db", "port": 5432, "ratio": 1.1 }));
        assert_eq!(store.stat(&cx(), &at("sm:app/db#password")).await.unwrap(), None);
        assert!(store.stat(&cx(), &at("sm:app/db#port")).await.unwrap().is_some());
        let torn = place(&*store, "sm:app/db#x", &named(&[("a", "planted")])).await;
        refused(torn, ErrorKind::Invalid, Effect::None, &["planted"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_no_object_is_not_overwritten_by_a_key() {
    for server in servers() {
        make(&server, "planted-old-text");
        let store = admin(&server).await.store.clone().unwrap();
        let secrets = ["planted", "old-text"];
        let stat = store.stat(&cx(), &at("sm:app/db#key")).await;
        refused(stat, ErrorKind::Invalid, Effect::None, &secrets);
        let written = place(&*store, "sm:app/db#key", &one("planted-new")).await;
        refused(written, ErrorKind::Invalid, Effect::None, &secrets);
        assert_eq!(server.secret("app/db").as_deref(), Some("planted-old-text"));
        let big = "planted".repeat(10_000);
        let written = place(&*store, "sm:app/db", &one(&big)).await;
        refused(written, ErrorKind::Invalid, Effect::None, &["planted"]);
        let written = place(&*store, "sm:app/db", &one("")).await;
        refused(written, ErrorKind::Invalid, Effect::None, &["planted"]);
        assert_eq!(server.secret("app/db").as_deref(), Some("planted-old-text"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_replaced_meanwhile_is_a_conflict() {
    for server in servers() {
        make(&server, "old");
        let store = admin(&server).await.store.clone().unwrap();
        let seen = store.stat(&cx(), &at("sm:app/db")).await.unwrap().unwrap().version;
        let theirs = json!({ "SecretId": "app/db", "SecretString": "theirs" });
        server.admin_call("secretsmanager", "PutSecretValue", theirs);
        let (to, payload) = (at("sm:app/db"), one("planted"));
        let delivery = Delivery { expect: seen.as_deref(), ..Delivery::new(&to, &payload) };
        let late = store.place(&cx(), &delivery).await;
        refused(late, ErrorKind::Conflict, Effect::None, &["planted"]);
        assert_eq!(server.secret("app/db").as_deref(), Some("theirs"));
        let seen = store.stat(&cx(), &at("sm:app/db")).await.unwrap().unwrap().version;
        let delivery = Delivery { expect: seen.as_deref(), ..Delivery::new(&to, &payload) };
        store.place(&cx(), &delivery).await.unwrap();
        assert_eq!(server.secret("app/db").as_deref(), Some("planted"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_else_sees_and_writes_it_is_told() {
    for server in servers() {
        make(&server, "old");
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*",
                "Principal": { "AWS": "arn:aws:iam::210987654321:root" },
            }],
        });
        let put = json!({ "SecretId": "app/db", "ResourcePolicy": policy.to_string() });
        server.admin_call("secretsmanager", "PutResourcePolicy", put);
        let store = admin(&server).await.store.clone().unwrap();
        let slot = store.stat(&cx(), &at("sm:app/db")).await.unwrap().unwrap();
        assert_eq!(slot.seen_by, ["arn:aws:iam::210987654321:root, by its resource policy"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_reply_is_lost_is_repeated_without_a_second_version() {
    for server in servers() {
        let Some(burst) = microburst::before(&server) else { return absent("microburst") };
        make(&server, r#"{"a":"1"}"#);
        let store = mounted(&burst.url(), &server.admin).await.store.clone().unwrap();
        for (to, payload, lost) in [
            ("sm:app/db#a", one("planted-2"), "PutSecretValue"),
            ("sm:app/db#a", one("planted-3"), "UpdateSecretVersionStage"),
            ("sm:app/db", one("planted-4"), "PutSecretValue"),
        ] {
            burst.lose_reply("secretsmanager", lost);
            let error = place(&*store, to, &payload).await;
            refused(error, ErrorKind::Unavailable, Effect::Unknown, &["planted"]);
            let known = versions(&server).as_object().unwrap().len();
            place(&*store, to, &payload).await.unwrap();
            let held = store.read(&cx(), &at(to), &[]).await.unwrap();
            let same = matches!(&held, Held::Value(held) if held.same(&payload));
            assert!(same, "{to} {lost}: {:?}", server.secret("app/db"));
            assert!(versions(&server).as_object().unwrap().len() <= known, "a second version");
        }
    }
}

/// Somebody writes between the read of an object and the write of one key of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_that_is_written_meanwhile_is_not_lost() {
    for server in servers() {
        make(&server, r#"{"a":"1","b":"1"}"#);
        let Some(burst) = microburst::before(&server) else { return absent("microburst") };
        let store = mounted(&burst.url(), &server.admin).await.store.clone().unwrap();
        burst.delay("secretsmanager", "UpdateSecretVersionStage", 3000);
        let slow = store.clone();
        let slow = tokio::spawn(async move { place(&*slow, "sm:app/db#a", &one("planted")).await });
        while !versions(&server).to_string().contains("KEYSWEEP") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let theirs = json!({ "SecretId": "app/db", "SecretString": r#"{"a":"1","b":"2"}"# });
        server.admin_call("secretsmanager", "PutSecretValue", theirs);
        refused(slow.await.unwrap(), ErrorKind::Conflict, Effect::None, &["planted"]);
        assert_eq!(server.secret("app/db").as_deref(), Some(r#"{"a":"1","b":"2"}"#));
        place(&*store, "sm:app/db#a", &one("planted")).await.unwrap();
        assert_eq!(server.secret("app/db").as_deref(), Some(r#"{"a":"planted","b":"2"}"#));
    }
}
