use keysweep_sdk::{Delivery, Effect, ErrorKind, Held, Payload, Slot, Store};
use keysweep_testbed::{absent, aws::AwsServer, microburst};
use serde_json::{Value, json};

use crate::world::{admin, at, cx, mounted, named, one, refused, servers};

const PLACE: &str = "ssm:/app/key";

fn make(server: &AwsServer, kind: &str) {
    let mut parameter = json!({
        "Name": "/app/key", "Value": "old", "Type": kind, "Description": "of the app",
        "Tier": "Standard",
    });
    if kind == "SecureString" {
        parameter["KeyId"] = json!("alias/app");
    }
    server.admin_call("ssm", "PutParameter", parameter);
}

fn known(server: &AwsServer) -> Value {
    let filter = json!([{ "Key": "Name", "Option": "Equals", "Values": ["/app/key"] }]);
    let reply =
        server.admin_call("ssm", "DescribeParameters", json!({ "ParameterFilters": filter }));
    reply["Parameters"][0].clone()
}

async fn place(store: &dyn Store, payload: &Payload) -> keysweep_sdk::Result<Slot> {
    store.place(&cx(), &Delivery::new(&at(PLACE), payload)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_is_overwritten_once_keeps_what_it_is_and_is_removed() {
    for server in servers() {
        make(&server, "SecureString");
        let store = admin(&server).await.store.clone().unwrap();
        let before = store.stat(&cx(), &at(PLACE)).await.unwrap().unwrap();
        assert_eq!(before.version.as_deref(), Some("1"));
        for _ in 0..2 {
            let slot = place(&*store, &one("planted-1")).await.unwrap();
            assert_eq!(slot.version.as_deref(), Some("2"));
        }
        assert_eq!(server.parameter("/app/key").as_deref(), Some("planted-1"));
        let after = known(&server);
        for (field, value) in [
            ("KeyId", "alias/app"),
            ("Type", "SecureString"),
            ("Description", "of the app"),
            ("Tier", "Standard"),
        ] {
            assert_eq!(after[field], value, "{after}");
        }
        let held = store.read(&cx(), &at(PLACE), &[]).await.unwrap();
        assert!(matches!(&held, Held::Value(held) if held.same(&one("planted-1"))));
        for _ in 0..2 {
            store.remove(&cx(), &at(PLACE), &[]).await.unwrap();
        }
        assert_eq!(store.stat(&cx(), &at(PLACE)).await.unwrap(), None);
        assert_eq!(server.parameter("/app/key"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_in_plain_is_left_alone() {
    for server in servers() {
        make(&server, "String");
        let store = admin(&server).await.store.clone().unwrap();
        let stat = store.stat(&cx(), &at(PLACE)).await;
        refused(stat, ErrorKind::Invalid, Effect::None, &[]);
        let error = place(&*store, &one("planted")).await;
        let error = refused(error, ErrorKind::Invalid, Effect::None, &["planted"]);
        assert!(error.hint().unwrap().contains("SecureString"), "{error:?}");
        assert_eq!(server.parameter("/app/key").as_deref(), Some("old"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_before_it_is_sent() {
    for server in servers() {
        make(&server, "SecureString");
        let store = admin(&server).await.store.clone().unwrap();
        let big = "planted".repeat(600);
        for payload in [one(&big), one(""), named(&[("a", "planted")])] {
            let written = place(&*store, &payload).await;
            refused(written, ErrorKind::Invalid, Effect::None, &["planted"]);
        }
        for bad in ["ssm:/a b", "ssm:", "sm:a b", "/app/key", "sm:a#"] {
            let stat = store.stat(&cx(), &at(bad)).await;
            refused(stat, ErrorKind::Invalid, Effect::None, &[]);
        }
        let (to, payload) = (at(PLACE), one("planted"));
        let late = Delivery { expect: Some("7"), ..Delivery::new(&to, &payload) };
        let late = store.place(&cx(), &late).await;
        refused(late, ErrorKind::Conflict, Effect::None, &["planted"]);
        assert_eq!(server.parameter("/app/key").as_deref(), Some("old"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_reply_is_lost_is_repeated_without_a_second_version() {
    for server in servers() {
        let Some(burst) = microburst::before(&server) else { return absent("microburst") };
        make(&server, "SecureString");
        let store = mounted(&burst.url(), &server.admin).await.store.clone().unwrap();
        burst.lose_reply("ssm", "PutParameter");
        let lost = place(&*store, &one("planted")).await;
        refused(lost, ErrorKind::Unavailable, Effect::Unknown, &["planted"]);
        assert_eq!(server.parameter("/app/key").as_deref(), Some("planted"));
        let slot = place(&*store, &one("planted")).await.unwrap();
        assert_eq!(slot.version.as_deref(), Some("2"));
    }
}
