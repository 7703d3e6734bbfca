use keysweep_sdk::{Effect, ErrorKind, Held};
use keysweep_testbed::{absent, openbao::OpenBao};
use serde_json::{Value, json};

use crate::bench::*;

fn data(server: &OpenBao, path: &str) -> Value {
    server.root("GET", &format!("secret/data/{path}"), &Value::Null)["data"].clone()
}

#[tokio::test]
async fn a_write_changes_its_fields_and_nothing_else() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    let provider = mounted(&server).await;
    server.root(
        "POST",
        "secret/data/ci/aws",
        &json!({"data": {
            "token": "oldPlanted", "a/b~c": "slash", "list": [1, {"x": null}], "n": 7, "empty": ""
        }}),
    );
    server.root("POST", "secret/metadata/ci/aws", &json!({"custom_metadata": {"owner": "ann"}}));
    let before = stat(&provider, "secret/ci/aws#token").await.unwrap().unwrap();
    assert_eq!(before.version.as_deref(), Some("1"));
    assert!(before.updated.is_some());

    let slot =
        place(&provider, "secret/ci/aws#token", &one("newPlanted \"é\n"), Some("1")).await.unwrap();
    assert_eq!(slot.version.as_deref(), Some("2"));
    let after = data(&server, "ci/aws");
    assert_eq!(
        after["data"],
        json!({
            "token": "newPlanted \"é\n", "a/b~c": "slash", "list": [1, {"x": null}], "n": 7, "empty": ""
        })
    );
    assert_eq!(after["metadata"]["custom_metadata"], json!({"owner": "ann"}));
    assert_eq!(stat(&provider, "secret/ci/aws").await.unwrap(), Some(slot.clone()));

    // The same again is one placement, also for who did not hear of the first.
    let again =
        place(&provider, "secret/ci/aws#token", &one("newPlanted \"é\n"), Some("1")).await.unwrap();
    assert_eq!(again, slot);
    assert_eq!(data(&server, "ci/aws")["metadata"]["version"], 2);

    place(&provider, "secret/ci/aws", &named(&[("a/b~c", "x"), ("two", "y")]), Some("2"))
        .await
        .unwrap();
    assert_eq!(data(&server, "ci/aws")["data"]["a/b~c"], "x");
    assert_eq!(data(&server, "ci/aws")["data"]["n"], 7);
    let Held::Value(held) = read(&provider, "secret/ci/aws", &["a/b~c", "two"]).await.unwrap()
    else {
        panic!("nothing")
    };
    assert!(held.same(&named(&[("a/b~c", "x"), ("two", "y")])));
    let Held::Value(held) = read(&provider, "secret/ci/aws#list", &[]).await.unwrap() else {
        panic!("nothing")
    };
    assert!(held.same(&one("[1,{\"x\":null}]")));
    assert!(matches!(read(&provider, "secret/ci/aws#none", &[]).await.unwrap(), Held::Nothing));
}

#[tokio::test]
async fn a_write_over_somebody_elses_is_refused() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    let provider = mounted(&server).await;
    place(&provider, "secret/ci#a", &one("firstPlanted"), None).await.unwrap();
    server.root("POST", "secret/data/ci", &json!({"data": {"a": "theirsPlanted"}}));
    let error = place(&provider, "secret/ci#a", &one("minePlanted"), Some("1")).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::None));
    for value in ["firstPlanted", "theirsPlanted", "minePlanted", "rootPlanted"] {
        assert!(!shown(&error).contains(value));
    }
    assert_eq!(data(&server, "ci")["data"]["a"], "theirsPlanted");
    // What the server itself says to a version that has moved on, without the look before.
    let body = json!({"data": {"a": "x"}, "options": {"cas": 1}});
    let token = keysweep_testbed::openbao::ROOT_TOKEN;
    let (status, answer) = server.try_call(token, "POST", "secret/data/ci", &body);
    assert_eq!(status, 400);
    assert!(
        answer["errors"][0].as_str().unwrap().contains("check-and-set parameter did not match")
    );
}

#[tokio::test]
async fn what_is_taken_away_leaves_its_neighbours() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    let provider = mounted(&server).await;
    server.root("POST", "secret/data/ci", &json!({"data": {"a": "1", "b": "2", "c": [3]}}));
    for _ in 0..2 {
        remove(&provider, "secret/ci#a", &[]).await.unwrap();
    }
    assert_eq!(data(&server, "ci")["data"], json!({"b": "2", "c": [3]}));
    assert_eq!(data(&server, "ci")["metadata"]["version"], 2);
    for _ in 0..2 {
        remove(&provider, "secret/ci", &["b", "c", "other"]).await.unwrap();
    }
    assert_eq!(stat(&provider, "secret/ci").await.unwrap(), None);
    assert!(matches!(read(&provider, "secret/ci#b", &[]).await.unwrap(), Held::Nothing));
    // It can be written again, and brought back by people.
    let slot = place(&provider, "secret/ci#b", &one("4"), None).await.unwrap();
    assert_eq!(slot.version.as_deref(), Some("3"));
    assert_eq!(data(&server, "ci")["data"], json!({"b": "4"}));
    server.root("POST", "secret/undelete/ci", &json!({"versions": [2]}));
    remove(&provider, "secret/nowhere#a", &[]).await.unwrap();
    let error = remove(&provider, "secret/ci", &[]).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
}

#[tokio::test]
async fn a_mount_of_version_1_is_not_written() {
    let Some(server) = OpenBao::start() else { return absent("OpenBao") };
    server.root("POST", "sys/mounts/old", &json!({"type": "kv", "options": {"version": "1"}}));
    let further = "mounts = [\"secret\", \"old\", \"none\"]";
    let root = keysweep_testbed::openbao::ROOT_TOKEN;
    let provider = mounted_at(&server.url(), root, 10, further).await;
    let error = place(&provider, "old/ci#a", &one("minePlanted"), None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Config, Effect::None));
    assert!(error.message().contains("version 2"), "{error}");
    assert_eq!(server.try_call(root, "GET", "old/data/ci", &Value::Null).0, 404);
    for error in [
        stat(&provider, "none/ci#a").await.unwrap_err(),
        place(&provider, "none/ci#a", &one("minePlanted"), None).await.unwrap_err(),
    ] {
        assert_eq!(error.effect, Effect::None);
        assert!(
            matches!(error.kind, ErrorKind::NotFound | ErrorKind::PermissionDenied),
            "{error:?}"
        );
    }
    let error = stat(&provider, "elsewhere/ci#a").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}
