//! What a manifest is refused for, and what the provider does with answers that no one foresaw.
#![expect(clippy::unwrap_used, reason = "a test")]

mod bench;

use std::{fs, path::Path};

use bench::mount_within;
use keysweep_provider_http_manifest::{BadManifest, check, shipped};
use keysweep_sdk::{
    Bundle, CredentialId, Cx, Effect, Error, ErrorKind, Live, MintRequest, Op, PrincipalId,
    Provider, Result, SecretValue, Verdict,
};
use keysweep_testbed::recorder::{Recorded, Recorder, Reply};
use serde_json::{Value, json};

fn example() -> String {
    let (_, rest) = include_str!("../README.md").split_once("```toml manifest\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn refused(text: &str) -> BadManifest {
    check("acme.toml", text).unwrap_err()
}

#[test]
fn the_shipped_ones_and_the_example_are_in_order_and_short() {
    for (name, text) in shipped() {
        check(name, text).unwrap_or_else(|why| panic!("{why}"));
        assert!(text.contains(&format!("id = \"{name}\"")), "{name}");
        assert!(include_str!("../README.md").contains(&format!("`{name}`")), "{name}");
    }
    assert!(shipped().count() >= 4);
    check("acme.toml", &example()).unwrap();
}

/// Where `section.leaf` stands, or at least its section.
fn line_of_key(text: &str, key: &str) -> usize {
    let (section, leaf) = key.split_once('.').unwrap_or((key, ""));
    let lines: Vec<&str> = text.lines().collect();
    let starts = |start: String, from: usize| {
        lines.iter().skip(from).position(|line| line.starts_with(&start)).map(|at| at + from)
    };
    let inline = || starts(format!("{section} = "), 0);
    let table = starts(format!("[{section}]"), 0);
    let found = table.map(|at| starts(format!("{leaf} = "), at).unwrap_or(at)).or_else(inline);
    found.unwrap() + 1
}

#[test]
fn what_is_wrong_is_told_with_its_line_its_key_and_the_way_out() {
    for (part, instead, key, says) in [
        ("manifest = 1", "manifest = 2", "manifest", "version 2"),
        ("https://api.acme", "http://api.acme", "base", "https"),
        ("https://api.acme.example", "https://127.0.0.1", "base", "this machine"),
        ("https://api.acme.example", "https://u:p@api.acme.example", "base", "user or a password"),
        ("own = \"token\"", "field = \"api_key\"", "auth", "own"),
        ("style = \"overlap\"", "style = \"retire\"", "limits.style", "go with"),
        ("style = \"overlap\"", "style = \"atomic-roll\"", "limits.style", "overlap"),
        ("200 = \"done\", 400", "500 = \"done\", 400", "outcome", "500 cannot mean"),
        ("400 = \"refused\"", "500 = \"refused\"", "outcome", "500 cannot mean"),
        ("inactive = [\"off\"] } }", "inactive = [\"on\"] } }", "item.state", "two meanings"),
        ("use_lag = 60", "min_gap_ms = 1", "limits", "use_lag"),
        (
            "\"PATCH /v1/users/{principal}/keys/{id}\", body = { status = \"off\" }",
            "\"PATCH /v1/users/{principal}/keys\", body = { status = \"off\" }",
            "disable.request",
            "{id}",
        ),
        ("outcome = { 404 = \"gone\" } }", "outcome = {} }", "disable.outcome", "gone"),
        ("items = \"/keys\"", "items = \"keys\"", "list.items", "pointer"),
        (
            "GET /v1/users/{principal}/keys\"",
            "POST /v1/users/{principal}/keys\"",
            "list.request",
            "GET",
        ),
        ("query = { per_page", "query = { page", "list.pages", "page"),
        ("body = { name = \"{marker}\"", "body = { name = \"fixed\"", "mint.body", "marker"),
        ("\"{scope:scopes}\"", "\"{scope:other}\"", "mint.body", "copied"),
        ("\"{scope:scopes}\"", "\"x {was:/a}\"", "mint.body", "copied"),
        ("\"{scope:scopes}\"", "\"{secret:api_key}\"", "mint.body", "verify"),
        ("\"{scope:scopes}\"", "\"{nobody}\"", "mint.body", "{nobody}"),
        ("\"{scope:scopes}\"", "\"{open\"", "mint.body", "closed"),
        ("201 = \"done\", 409 = \"limit\"", "201 = \"gone\"", "mint.outcome", "201 cannot mean"),
        ("field = \"api_key\"", "field = \"other\"", "verify.auth", "fields"),
        ("field = \"api_key\"", "own = \"token\"", "verify.auth", "not sent"),
        ("401 = \"dead\"", "403 = \"denied\"", "verify.outcome", "dead"),
    ] {
        let text = example().replacen(part, instead, 1);
        assert_ne!(text, example(), "{part}");
        let why = refused(&text);
        assert!(why.key == key && why.message.contains(says), "{part} → {instead}: {why:?}");
        assert!(!why.hint.is_empty() && why.to_string().starts_with("acme.toml:"), "{why}");
        assert_eq!(why.line, line_of_key(&text, key), "{why}");
    }
    let why = refused(&example().replace("items = \"/keys\"", "itemz = \"/keys\""));
    assert!(
        why.line == line_of_key(&example(), "list.items") && why.message.contains("itemz"),
        "{why}"
    );
    let why = refused(&example().replace("201 = \"done\"", "2xx = \"done\""));
    assert!(why.message.contains("2xx"), "{why}");
    let why = refused(&format!("{}{}", example(), "\n[extra]\n"));
    assert!(why.message.contains("extra"), "{why}");
    let query: String = (0..30).map(|n| format!("query.q{n} = \"1\"\n")).collect();
    let why = refused(&example().replace("query = { per_page = \"2\" }\n", &query));
    assert!(why.message.contains("more than 40"), "{why}");
}

/// The example, or a change of it, in front of a server that answers by the script.
async fn mounted(
    text: &str,
    script: impl FnMut(&Recorded) -> (u16, String, Value) + Send + 'static,
) -> (Provider, Recorder) {
    let mut script = script;
    let recorder = Recorder::start(move |request| {
        let (status, headers, body) = script(request);
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        Reply { status, headers, body }
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("acme.toml"), text).unwrap();
    let mut config = json!({
        "manifest": "acme.toml", "token": "env:token", "base_url": recorder.url(), "allow_loopback": true,
    });
    if text.contains("second") {
        config["secrets"] = json!({"second": "env:second"});
    }
    (mount_within(config, folder.path(), 5).await.unwrap(), recorder)
}

fn ci() -> PrincipalId {
    PrincipalId::new("ci")
}

async fn snapshot(provider: &Provider) -> Result<Vec<Live>> {
    provider.issuer.as_ref().unwrap().snapshot(&Cx::default(), &ci()).await
}

async fn verify(provider: &Provider) -> Result<Verdict> {
    let bundle = Bundle::one("api_key", SecretValue::new("canary-1"));
    provider.verifier.as_ref().unwrap().verify(&Cx::default(), &ci(), &bundle).await
}

async fn mint(provider: &Provider, replaces: Option<&str>) -> Result<keysweep_sdk::Minted> {
    let old = replaces.map(CredentialId::new);
    let (principal, marker) = (ci(), "m-1");
    let request =
        MintRequest { principal: &principal, marker, replaces: old.as_ref(), chosen: None };
    provider.issuer.as_ref().unwrap().mint(&Cx::default(), &request).await
}

fn key(id: &str) -> Value {
    json!({"id": id, "name": id, "created_at": "2026-01-02T03:04:05Z", "status": "on", "scopes": ["a"]})
}

#[tokio::test]
async fn a_status_that_is_not_mapped_is_unknown() {
    for status in [201, 302, 418, 451, 500, 507] {
        let (provider, _) = mounted(&example(), move |request| match request.method.as_str() {
            "GET" if request.path.ends_with("/k1") => {
                (200, String::new(), json!({"key": key("k1")}))
            }
            _ => (status, String::new(), json!({"key": key("k2")})),
        })
        .await;
        let (cx, id) = (Cx::default(), CredentialId::new("k1"));
        let revoker = provider.revoker.as_ref().unwrap();
        let error = revoker.destroy(&cx, &ci(), &id).await.unwrap_err();
        assert_eq!(error.effect, Effect::Unknown, "{status}: {error}");
        assert_eq!(revoker.disable(&cx, &ci(), &id).await.unwrap_err().effect, Effect::Unknown);
        let error = mint(&provider, Some("k1")).await.unwrap_err();
        assert_eq!(error.effect, Effect::Unknown, "{status}: {error}");
        let error = snapshot(&provider).await.unwrap_err();
        assert_eq!(error.effect, Effect::None, "{status}: {error}");
        match verify(&provider).await {
            Ok(Verdict::Unknown(why)) => assert!(status < 500 && why.contains(&status.to_string())),
            Err(error) => assert!(status >= 500 && error.kind == ErrorKind::Unavailable, "{error}"),
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_mint_without_a_whole_answer_is_unknown_and_without_a_scope_is_not_sent() {
    for answer in [json!({"key": key("k2")}), json!({"secret": "canary"}), json!(null), json!([])] {
        let (provider, _) = mounted(&example(), move |request| match request.method.as_str() {
            "GET" => (200, String::new(), json!({"key": key("k1")})),
            _ => (201, String::new(), answer.clone()),
        })
        .await;
        let error = mint(&provider, Some("k1")).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unexpected, Effect::Unknown), "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    let (provider, recorder) =
        mounted(&example(), |_| (200, String::new(), json!({"key": {"id": "k1", "scopes": null}})))
            .await;
    for old in [Some("k1"), None] {
        let error = mint(&provider, old).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None), "{error}");
    }
    assert!(recorder.take().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn a_list_is_read_to_its_end_or_is_an_error() {
    let pages = "pages = { by = \"number\", param = \"page\", first = 1, total = \"/total\" }";
    let ids = |live: &[Live]| live.iter().map(|live| live.id.to_string()).collect::<Vec<_>>();
    let turn =
        |request: &Recorded| request.query.contains("2") || request.header("range").is_some();
    for (by, first, second) in [
        (
            pages,
            (200, "", json!({"keys": [key("a")], "total": 2})),
            (200, "", json!({"keys": [key("b")], "total": 2})),
        ),
        (
            "pages = { by = \"cursor\", param = \"c\", next = \"/next\" }",
            (200, "", json!({"keys": [key("a")], "next": 2})),
            (200, "", json!({"keys": [key("b")], "next": ""})),
        ),
        (
            "pages = { by = \"url\", next = \"/next\" }",
            (200, "", json!({"keys": [key("a")], "next": "/v1/users/ci/keys?x=2"})),
            (200, "", json!({"keys": [key("b")]})),
        ),
        (
            "pages = { by = \"link\" }",
            (200, "link: </v1/users/ci/keys?x=2>; rel=\"next\"\r\n", json!({"keys": [key("a")]})),
            (200, "", json!({"keys": [key("b")]})),
        ),
        (
            "pages = { by = \"range\" }",
            (206, "next-range: id b..\r\n", json!({"keys": [key("a")]})),
            (200, "", json!({"keys": [key("b")]})),
        ),
    ] {
        let text = example().replace(pages, by).replace("query = { per_page = \"2\" }\n", "");
        let text = text.replace("200 = \"done\", 400", "200 = \"done\", 206 = \"done\", 400");
        let (provider, _) = mounted(&text, move |request| {
            let (status, headers, body) = if turn(request) { &second } else { &first };
            (*status, (*headers).to_owned(), body.clone())
        })
        .await;
        assert_eq!(ids(&snapshot(&provider).await.unwrap()), ["a", "b"], "{by}");
    }
    let foreign = json!({"keys": [key("a")], "next": "https://other.example/v1?page=2"});
    for (by, answer) in [
        (pages, json!({"keys": [key("a")], "total": 2})),
        (pages, json!({"keys": [], "total": 2})),
        (pages, json!({"keys": [key("a")]})),
        ("pages = { by = \"one\", most = 1 }", json!({"keys": [key("a")]})),
        ("pages = { by = \"url\", next = \"/next\" }", foreign),
        ("pages = { by = \"one\", most = 9 }", json!({"keys": {"a": 1}})),
        (
            "pages = { by = \"one\", most = 9 }",
            json!({"keys": [{"name": "no id", "status": "on"}]}),
        ),
        ("pages = { by = \"one\", most = 9 }", json!({"keys": [{"id": "a", "status": "new"}]})),
        (
            "pages = { by = \"one\", most = 9 }",
            json!({"keys": [{"id": "a", "status": "on", "created_at": "soon"}]}),
        ),
    ] {
        let text = example().replace(pages, by);
        let (provider, _) = mounted(&text, move |_| (200, String::new(), answer.clone())).await;
        let error = snapshot(&provider).await.unwrap_err();
        assert_eq!((error.op, error.effect), (Op::Snapshot, Effect::None), "{by}: {error}");
    }
}

#[tokio::test]
async fn a_refusal_of_keysweeps_own_part_is_no_proof_of_death() {
    let text = example().replace(
        "auth = [{ as = \"bearer\", field = \"api_key\" }]",
        "auth = [{ as = \"header\", name = \"x-own\", own = \"second\" }, { as = \"bearer\", field = \"api_key\" }]\ncontrol = { request = \"GET /v1/own\", auth = [{ as = \"header\", name = \"x-own\", own = \"second\" }] }",
    );
    for (control, dead) in [(200, true), (401, false), (500, false)] {
        let (provider, recorder) = mounted(&text, move |request| match request.path.as_str() {
            "/v1/own" => (control, String::new(), Value::Null),
            _ => (401, String::new(), Value::Null),
        })
        .await;
        let verdict = verify(&provider).await.unwrap();
        assert_eq!(verdict == Verdict::Dead, dead, "{control}: {verdict:?}");
        let asked = recorder.take();
        assert_eq!(asked[0].header("authorization"), Some("Bearer canary-1"));
        assert_eq!(
            (asked[1].header("authorization"), asked[1].header("x-own")),
            (None, Some("own-second"))
        );
    }
}

#[tokio::test]
async fn names_stay_in_their_segment() {
    let (provider, recorder) = mounted(&example(), |_| (204, String::new(), Value::Null)).await;
    let (cx, revoker) = (Cx::default(), provider.revoker.as_ref().unwrap());
    let principal = PrincipalId::new("a/../b?x=1");
    revoker.destroy(&cx, &principal, &CredentialId::new("../k")).await.unwrap();
    assert_eq!(recorder.take()[0].path, "/v1/users/a%2F..%2Fb%3Fx%3D1/keys/..%2Fk");
    let error = revoker.destroy(&cx, &principal, &CredentialId::new("..")).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
    assert!(recorder.take().is_empty());
}

async fn mount_error(config: Value) -> Error {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("acme.toml"), example()).unwrap();
    fs::write(folder.path().join("bad.toml"), example().replace("items = \"/keys\"", "items = 3"))
        .unwrap();
    let error = mount_within(config, folder.path(), 5).await.unwrap_err();
    assert_eq!((error.kind, error.op, error.effect), (ErrorKind::Config, Op::Mount, Effect::None));
    error
}

#[tokio::test]
async fn a_configuration_that_does_not_fit_is_refused_at_mount() {
    let token = "env:token";
    for (config, says) in [
        (json!({"manifest": "acme.toml"}), "`token`"),
        (json!({"manifest": "nothing", "token": token}), "no manifest `nothing`"),
        (json!({"manifest": "none.toml", "token": token}), "cannot be read"),
        (json!({"manifest": "bad.toml", "token": token}), "bad.toml:"),
        (
            json!({"manifest": "acme.toml", "token": token, "params": {"x": "1"}}),
            "no parameter `x`",
        ),
        (
            json!({"manifest": "acme.toml", "token": token, "base_url": "https://evil.example"}),
            "not one of",
        ),
        (
            json!({"manifest": "acme.toml", "token": token, "base_url": "http://127.0.0.1:1"}),
            "this machine",
        ),
        (
            json!({"manifest": "acme.toml", "token": token, "base_url": "http://api.acme.example"}),
            "not `https`",
        ),
        (json!({"manifest": "datadog-api-key", "token": token}), "`api_key`"),
    ] {
        let error = mount_error(config.clone()).await;
        assert!(error.message().contains(says), "{config}: {error}");
    }
    let config =
        json!({"manifest": "datadog-api-key", "token": token, "secrets": {"api_key": "env:k"}});
    let provider = mount_within(config, Path::new("."), 5).await.unwrap();
    assert_eq!(provider.hosts, ["api.datadoghq.com:443"]);
    assert!(!format!("{provider:?}").contains("own-"), "{provider:?}");
    let other = PrincipalId::new("somebody");
    let error = provider.issuer.unwrap().snapshot(&Cx::default(), &other).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}
