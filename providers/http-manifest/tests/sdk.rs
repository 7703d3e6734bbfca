//! Each shipped manifest against the vendor's own client: what keysweep asks has to be something that the vendor's
//! client asks too, and what keysweep reads in the answers has to be what that client reads.
#![expect(clippy::unwrap_used, reason = "a test")]

mod bench;
mod case;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use case::{Case, Observed, observed};
use keysweep_testbed::{absent, recorder::Recorded, tool};
use serde_json::Value;

const MARKER: &str = "keysweep-4c1f";

/// The headers that say who asks, and in which version of the API.
const TELLING: [&str; 4] = ["authorization", "dd-api-key", "dd-application-key", "accept"];

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk").join(name)
}

/// Lines of one request, for a readable difference. The accepted form counts where the manifest sets it.
fn lines(request: &Recorded) -> (String, BTreeMap<String, String>, Option<Value>, Vec<String>) {
    let query = request.query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.replace("%5B", "[").replace("%5D", "]"), value.to_owned())
    });
    let body = (!request.body.is_empty()).then(|| serde_json::from_slice(&request.body).unwrap());
    let mut telling: Vec<String> = request
        .headers
        .iter()
        .filter(|(name, value)| {
            TELLING.contains(&name.as_str()) && (name != "accept" || value.contains("vnd"))
        })
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    telling.sort();
    (format!("{} {}", request.method, request.path), query.collect(), body, telling)
}

/// Whether the vendor's client sends this too. It may add to the query what it has as a default.
fn same(ours: &Recorded, theirs: &Recorded) -> bool {
    let ((line, query, body, telling), (line_, query_, body_, telling_)) =
        (lines(ours), lines(theirs));
    let within = query.iter().all(|(name, value)| query_.get(name) == Some(value));
    line == line_ && within && body == body_ && telling == telling_
}

fn compare(ours: &[Recorded], theirs: &[Recorded]) {
    assert!(!ours.is_empty() && !theirs.is_empty());
    for request in ours {
        let found = theirs.iter().any(|other| same(request, other));
        let shown: Vec<_> = theirs.iter().map(lines).collect();
        assert!(found, "the vendor's client does not send {:#?}\nbut {shown:#?}", lines(request));
    }
}

fn compare_read(ours: &Observed, theirs: &Value) {
    let texts = |name: &str| -> Option<Vec<String>> {
        Some(theirs.get(name)?.as_array()?.iter().map(|v| v.as_str().unwrap().to_owned()).collect())
    };
    let time = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(Some(&ours.ids), texts("ids").as_ref());
    if let Some(markers) = texts("markers") {
        assert_eq!(ours.markers, markers);
    }
    if let Some(created) = texts("created") {
        assert_eq!(ours.created, created.iter().map(|text| time(text)).collect::<Vec<_>>());
    }
    if let Some(used) = theirs.get("last_used").and_then(Value::as_str) {
        assert_eq!(ours.last_used, Some(time(used)));
    }
    if let Some(id) = theirs.get("id").and_then(Value::as_str) {
        assert_eq!(ours.minted.as_deref(), Some(id));
    }
    if let Some(values) = theirs.get("values") {
        assert_eq!(&serde_json::to_value(&ours.values).unwrap(), values);
    }
}

/// By the vendor's Python package.
async fn by_python(vendor: &str) -> Option<(Case, Vec<Recorded>)> {
    let Some(python) = tool("distro").map(|program| program.with_file_name("python3")) else {
        absent("the vendors' Python packages");
        return None;
    };
    let case = Case::read(&here(&format!("{vendor}.json")), MARKER);
    let recorder = case.recorder();
    let new = case.minted.values().next().unwrap().clone();
    let output = Command::new(python)
        .arg(here("drive.py"))
        .args([vendor, &recorder.url(), &case.principal, &case.old, MARKER, &new])
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = recorder.take();
    let ours = observed(vendor, &case, &recorder, MARKER).await;
    let sent = recorder.take();
    compare(&sent, &theirs);
    compare_read(&ours, &serde_json::from_slice(&output.stdout).unwrap());
    Some((case, sent))
}

#[tokio::test]
async fn cloudflare_tokens_of_an_account() {
    by_python("cloudflare-account").await;
}

#[tokio::test]
async fn cloudflare_tokens_of_a_user() {
    by_python("cloudflare-user").await;
}

#[tokio::test]
async fn datadog_api_keys() {
    by_python("datadog-api-key").await;
}

#[tokio::test]
async fn datadog_application_keys() {
    by_python("datadog-application-key").await;
}

#[tokio::test]
async fn digitalocean_spaces_keys() {
    by_python("digitalocean-spaces").await;
}

/// Its package makes any path of any name, so that the vendor's description of the API is the second witness.
#[tokio::test]
async fn sendgrid_api_keys() {
    let described: Value =
        serde_json::from_slice(&fs::read(here("sendgrid.openapi.json")).unwrap()).unwrap();
    let case = Case::read(&here("sendgrid.json"), MARKER);
    let recorder = case.recorder();
    observed("sendgrid", &case, &recorder, MARKER).await;
    for request in recorder.take() {
        let (line, query, body, _) = lines(&request);
        let line = line.replace(&case.old, "{api_key_id}");
        let operation = described["operations"].get(&line).unwrap_or_else(|| panic!("{line}"));
        let known = |name: &str| operation["query"].as_array().unwrap().iter().any(|q| q == name);
        assert!(query.keys().all(|name| known(name)), "{line} {query:?}");
        for (name, value) in body.iter().flat_map(|body| body.as_object().unwrap()) {
            let kind = if value.is_array() { "array" } else { "string" };
            assert_eq!(operation["body"][name], kind, "{line} {name}");
        }
        let answer = case.answer(&request.method, &request.path).unwrap_or_default();
        let pointers = operation["answer"].as_array().unwrap();
        let lacks = pointers.iter().find(|at| answer.pointer(at.as_str().unwrap()).is_none());
        assert!(lacks.is_none(), "the answer to {line} is not the described one: {lacks:?}");
    }
    by_python("sendgrid").await;
}

/// A command whose only way out is the recorder.
fn confined(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(home);
    command
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {out}{err}");
    out.into_owned()
}

#[tokio::test]
async fn npm_tokens() {
    let Some(npm) = tool("npm") else { return absent("npm") };
    let case = Case::read(&here("npm.json"), MARKER);
    let (recorder, home) = (case.recorder(), tempfile::tempdir().unwrap());
    let run = |token: &str, arguments: &[&str]| {
        let settings = format!(
            "registry={0}/\n//127.0.0.1:{1}/:_authToken={token}\nupdate-notifier=false\n",
            recorder.url(),
            recorder.port
        );
        fs::write(home.path().join(".npmrc"), settings).unwrap();
        output(confined(&npm, home.path()).args(arguments))
    };
    let listed: Value =
        serde_json::from_str(&run("own-token", &["token", "list", "--json"])).unwrap();
    run(case.minted.values().next().unwrap(), &["whoami"]);
    run("own-token", &["token", "revoke", &case.old]);
    let theirs = recorder.take();
    let ours = observed("npm", &case, &recorder, MARKER).await;
    compare(&recorder.take(), &theirs);
    // It prints `***` for what looks like a UUID.
    let live = listed.as_array().unwrap().iter().filter(|token| token["revoked"].is_null());
    let created: Vec<jiff::Timestamp> =
        live.map(|token| token["created"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!((ours.created, ours.ids.len()), (created, 2));
}

#[tokio::test]
async fn heroku_authorizations() {
    let Some(heroku) = tool("heroku") else { return absent("the Heroku CLI") };
    let case = Case::read(&here("heroku.json"), MARKER);
    let (recorder, home) = (case.recorder(), tempfile::tempdir().unwrap());
    let run = |token: &str, arguments: &[&str]| {
        let mut command = confined(&heroku, home.path());
        command.env("HEROKU_API_KEY", token).env("HEROKU_HOST", recorder.url());
        command.env("IS_HEROKU_TEST_ENV", "true").env("DISABLE_TELEMETRY", "true");
        output(command.args(arguments))
    };
    let listed: Value =
        serde_json::from_str(&run("own-token", &["authorizations", "--json"])).unwrap();
    run("own-token", &["authorizations:info", &case.old, "--json"]);
    let create =
        ["authorizations:create", "-d", MARKER, "-s", "read,write", "-e", "2592000", "--json"];
    let made: Value = serde_json::from_str(&run("own-token", &create)).unwrap();
    run(case.minted.values().next().unwrap(), &["auth:whoami"]);
    run("own-token", &["authorizations:revoke", &case.old]);
    let mut theirs = recorder.take();
    for request in &mut theirs {
        // It sends the text of its flag; in the API's own schema the field is an integer.
        let body = String::from_utf8(request.body.clone()).unwrap();
        request.body = body.replace("\"2592000\"", "2592000").into_bytes();
    }
    let ours = observed("heroku", &case, &recorder, MARKER).await;
    compare(&recorder.take(), &theirs);
    let mut listed: Vec<_> =
        listed.as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect();
    listed.sort();
    let mut ids = ours.ids.clone();
    ids.sort();
    assert_eq!(ids, listed);
    assert_eq!(ours.minted.as_deref(), made["id"].as_str());
    assert_eq!(ours.values["token"], made["access_token"]["token"].as_str().unwrap());
}

#[test]
fn each_shipped_manifest_is_compared() {
    for (name, _) in keysweep_provider_http_manifest::shipped() {
        let text = include_str!("sdk.rs");
        assert!(text.contains(&format!("\"{name}\"")), "`{name}` is compared with nothing");
    }
}

#[test]
fn a_difference_is_seen() {
    let request = |query: &str, body: &str, auth: &str| Recorded {
        method: "POST".into(),
        path: "/keys".into(),
        query: query.into(),
        headers: vec![("authorization".into(), auth.into())],
        body: body.into(),
    };
    let theirs = request("a=1&b=2", r#"{"x": 1}"#, "Bearer t");
    assert!(same(&request("a=1", r#"{"x":1}"#, "Bearer t"), &theirs));
    for ours in [
        request("a=2", r#"{"x":1}"#, "Bearer t"),
        request("c=1", r#"{"x":1}"#, "Bearer t"),
        request("a=1", r#"{"x":1,"y":2}"#, "Bearer t"),
        request("a=1", r#"{"x":1}"#, "Basic t"),
    ] {
        assert!(!same(&ours, &theirs));
    }
}
