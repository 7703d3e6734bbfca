//! What goes over the wire, and what comes of it when the other side misbehaves.

#![expect(clippy::unwrap_used, reason = "a test")]

mod server;

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use keysweep_sdk::{Effect, Error, ErrorKind, Network, Op, ProviderName, Purpose, SecretValue};
use keysweep_transport::{
    Auth, Base, Client, Hosts, Method, Options, Path, Request, Response, Trace, Traced,
};
use serde_json::json;
use server::{CANARY, Reply, Server, answer, canary, client, reply};

fn get<'a>(client: &Client, base: &Base) -> Request<'a> {
    client.request(Op::Snapshot, Method::GET, base, Path::new("/keys/{id}").set("id", "k 1"))
}

fn post<'a>(client: &Client, base: &Base) -> Request<'a> {
    client.request(Op::Mint, Method::POST, base, Path::new("/keys")).json(json!({"name": "ci"}))
}

/// The error, in which nothing that was planted is.
fn failed(result: Result<Response, Error>) -> Error {
    let error = result.unwrap_err();
    let mut text = format!("{error} {error:?} {:?}", error.hint());
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text += &format!(" {inner} {inner:?}");
        cause = inner.source();
    }
    assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
    error
}

#[tokio::test]
async fn a_request_is_sent_as_it_was_built() {
    let server = Server::start(|_, _| reply(200, "x-id: 7\r\n", r#"{"result": {"value": "v"}}"#));
    let (base, token, value) = (server.base(), canary(), SecretValue::new("val\"ue"));
    let request = server
        .client()
        .request(Op::Mint, Method::PUT, &base, Path::new("/a/{b}").set("b", "c/d é"))
        .query("q", "x y&z")
        .header("x-api", "3")
        .auth(Auth::Bearer(&token))
        .auth(Auth::Header { name: "x-key", prefix: "Key ", value: &token })
        .json(json!({"data": {"n": 1}}))
        .secret("/data/value", &value, Purpose::Mint);
    assert!(!format!("{request:?}").contains("canary"));
    let mut response = request.send().await.unwrap().success().unwrap();
    assert_eq!((response.status(), response.header("x-id")), (200, Some("7")));
    let secret = response.take_secret("/result/value").unwrap();
    assert_eq!(secret.expose_for(Purpose::Verify), "v");
    assert!(response.take_secret("/result/value").is_err(), "it is taken once");

    let request = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("PUT /a/c%2Fd%20%C3%A9?q=x+y%26z HTTP/1.1\r\n"), "{head}");
    for line in
        ["x-api: 3", &format!("authorization: Bearer {CANARY}"), &format!("x-key: Key {CANARY}")]
    {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert!(!head.contains("accept-encoding") && !head.contains("cookie"), "{head}");
    assert_eq!(body, r#"{"data":{"n":1,"value":"val\"ue"}}"#);
}

#[tokio::test]
async fn nothing_is_dialled_beyond_the_list() {
    let (listed, other) =
        (Server::start(|_, _| reply(200, "", "{}")), Server::start(|_, _| reply(200, "", "{}")));
    let client = listed.client();
    let error = failed(get(&client, &other.base()).send().await);
    assert_eq!((error.kind, error.effect), (ErrorKind::Config, Effect::None));
    assert!(error.message().contains(&other.base().host()), "{error}");
    // Before the name is asked for: it has no address.
    let nowhere = Base::parse("https://no-such-host.invalid").unwrap();
    assert_eq!(failed(get(&client, &nowhere).send().await).kind, ErrorKind::Config);
    assert_eq!((listed.dialled(), other.dialled()), (0, 0));
    assert_eq!(client.hosts().collect::<Vec<_>>(), [listed.base().host()]);
}

#[tokio::test]
async fn a_redirect_is_followed_on_the_same_host_only_and_for_reads_only() {
    let other = Server::start(|_, _| reply(200, "", "{}"));
    let foreign = format!("location: {}/keys?canary\r\n", other.base());
    let server = Server::start(move |_, request| match request {
        _ if request.contains("/moved") => reply(200, "", r#"{"at": "moved"}"#),
        _ if request.contains("/foreign") => reply(302, &foreign, ""),
        _ if request.contains("/loop") => reply(302, "location: /loop\r\n", ""),
        _ => reply(307, "location: /moved\r\n", ""),
    });
    let (client, base, token) = (server.client(), server.base(), canary());
    let response = get(&client, &base).send().await.unwrap();
    assert_eq!(response.text("/at").unwrap(), "moved");

    let asked = |path: &str| {
        let path = Path::new(path);
        client.request(Op::Snapshot, Method::GET, &base, path).auth(Auth::Bearer(&token)).send()
    };
    // Both are listed: it is the origin that may not change, since the credential would go along.
    let both = server::client(&[&base, &other.base()], &Network::default());
    let path = Path::new("/foreign");
    let listed = both.request(Op::Snapshot, Method::GET, &base, path).auth(Auth::Bearer(&token));
    for result in [asked("/foreign").await, listed.send().await] {
        let error = failed(result);
        assert_eq!((error.kind, error.effect), (ErrorKind::Unexpected, Effect::None));
        assert!(error.message().contains(&other.base().host()), "{error}");
    }
    assert_eq!(failed(asked("/loop").await).kind, ErrorKind::Unexpected);
    assert_eq!(other.dialled(), 0);

    let seen = server.requests().len();
    let response = post(&client, &base).send().await.unwrap();
    assert_eq!(response.status(), 307);
    assert_eq!(failed(response.success()).effect, Effect::Unknown);
    assert_eq!(server.requests().len(), seen + 1, "a mutation is not sent on");

    let error = failed(
        client.follow(Op::Snapshot, &base, &format!("{}/x?canary", other.base())).send().await,
    );
    assert!(error.message().contains(&other.base().host()), "{error}");
    assert_eq!(other.dialled(), 0);
}

#[tokio::test]
async fn an_answer_that_is_not_whole_leaves_a_mutation_unknown() {
    let chunked = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n".to_vec();
    let short = b"HTTP/1.1 201 X\r\ncontent-length: 50\r\n\r\n{\"value\": \"canary".to_vec();
    let long = answer(200, "", &format!("[\"{CANARY}\", \"{}\"]", "x".repeat(9 << 20)));
    let unmeasured = [b"HTTP/1.1 200 X\r\n\r\n".to_vec(), vec![b'x'; 9 << 20]].concat();
    for (what, bytes) in [
        ("lost", Vec::new()),
        ("no head", b"HTTP/1.1 2".to_vec()),
        ("not HTTP", b"canary\r\n\r\n".to_vec()),
        ("half", short),
        ("half of chunks", chunked),
        ("long", long),
        ("long without a length", unmeasured),
    ] {
        let server = Server::start(move |_, _| Reply::Bytes(bytes.clone()));
        let (client, base, token) = (server.client(), server.base(), canary());
        let error = failed(post(&client, &base).auth(Auth::Bearer(&token)).send().await);
        assert_eq!(error.effect, Effect::Unknown, "{what}: {error}");
        let error = failed(get(&client, &base).auth(Auth::Bearer(&token)).send().await);
        assert_eq!(error.effect, Effect::None, "{what}: {error}");
        assert_eq!(server.requests().len(), 2, "{what}: each is sent once");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_leaves_a_mutation_unknown() {
    let server = Server::start(|_, _| reply(200, "", "<html>canary"));
    let (client, base) = (server.client(), server.base());
    let response = post(&client, &base).send().await.unwrap().success().unwrap();
    let error = response.json().unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unexpected, Effect::Unknown));
    assert!(!format!("{error:?} {response:?}").contains("canary"));
    let error = get(&client, &base).send().await.unwrap().text("/a").unwrap_err();
    assert_eq!(error.effect, Effect::None);
}

#[tokio::test]
async fn silence_ends_with_the_timeout() {
    let server = Server::start(|_, _| Reply::Silent(Duration::from_secs(20)));
    let base = server.base();
    let client = client(&[&base], &Network { timeout: Some(1), ..Network::default() });
    let error = failed(post(&client, &base).send().await);
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::Unknown));
    assert!(error.message().contains("within 1 s"), "{error}");
    assert!(failed(get(&client, &base).send().await).is_retryable());
}

#[tokio::test]
async fn what_was_not_sent_has_no_effect() {
    let gone = Base::parse("http://127.0.0.1:1").unwrap();
    let unnamed = Base::parse("https://no-such-host.invalid").unwrap();
    let plain = Server::start(|_, _| reply(200, "", "{}"));
    let no_tls = Base::parse(&format!("https://127.0.0.1:{}", plain.port)).unwrap();
    let client =
        client(&[&gone, &unnamed, &no_tls], &Network { timeout: Some(5), ..Network::default() });
    for base in [gone, unnamed, no_tls] {
        let error = failed(post(&client, &base).send().await);
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::None), "{error}");
        assert!(error.is_retryable() && error.message().contains(&base.host()));
    }
}

#[tokio::test]
async fn a_connection_that_was_kept_and_is_dead_is_not_used_for_a_mutation() {
    let server = Server::start(|count, _| match count {
        1 => Reply::Keep(answer(200, "", "{}")),
        _ => reply(200, "", "{}"),
    });
    let (client, base) = (server.client(), server.base());
    get(&client, &base).send().await.unwrap();
    post(&client, &base).send().await.unwrap();
    assert_eq!(server.dialled(), 2);
}

#[tokio::test]
async fn a_status_says_what_to_do() {
    use ErrorKind as Kind;
    let limited = Kind::RateLimited { retry_after: None };
    for (status, kind, effect) in [
        (400, Kind::Invalid, Effect::None),
        (401, Kind::Unauthenticated, Effect::None),
        (403, Kind::PermissionDenied, Effect::None),
        (404, Kind::NotFound, Effect::None),
        (408, Kind::Unavailable, Effect::Unknown),
        (409, Kind::Conflict, Effect::None),
        (412, Kind::Conflict, Effect::None),
        (422, Kind::Invalid, Effect::None),
        (429, limited, Effect::None),
        (500, Kind::Unavailable, Effect::Unknown),
        (503, Kind::Unavailable, Effect::Unknown),
        (304, Kind::Unexpected, Effect::Unknown),
    ] {
        let server = Server::start(move |_, _| reply(status, "", r#"{"message": "no such key"}"#));
        let (client, base) = (server.client(), server.base());
        let error = failed(post(&client, &base).send().await.unwrap().success());
        assert_eq!((error.kind, error.effect), (kind, effect), "{status}");
        assert_eq!(
            error.message().contains("no such key"),
            (400..500).contains(&status),
            "{error}"
        );
        let error = failed(get(&client, &base).send().await.unwrap().success());
        assert_eq!((error.kind, error.effect), (kind, Effect::None), "{status}");
        assert!(error.message().contains("/keys/k 1"), "{error}");
    }
}

#[tokio::test]
async fn words_of_the_server_that_quote_a_value_are_left_out() {
    let server = Server::start(|_, request| {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        reply(
            422,
            "",
            &json!({"message": format!("{request} is not taken"), "b": body}).to_string(),
        )
    });
    let (client, base, secret) = (server.client(), server.base(), canary());
    for request in [
        post(&client, &base).auth(Auth::Bearer(&secret)),
        post(&client, &base).secret("/value", &secret, Purpose::Place),
    ] {
        let response = request.send().await.unwrap();
        assert!(response.reason().unwrap().contains("left out"));
        failed(response.success());
    }
    let basic = post(&client, &base).auth(Auth::Basic { user: "u", password: &secret });
    let response = basic.send().await.unwrap();
    assert!(response.reason().unwrap().contains("left out"), "base64 of it is a value too");
    failed(response.success());
    let broken = SecretValue::new(format!("{CANARY}\n"));
    let error = failed(get(&client, &base).auth(Auth::Bearer(&broken)).send().await);
    assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
}

#[tokio::test]
async fn a_limit_is_told_and_a_budget_is_kept_to() {
    let date =
        "date: Thu, 09 Oct 2025 08:00:00 GMT\r\nretry-after: Thu, 09 Oct 2025 08:50:00 GMT\r\n";
    for (headers, status, kept) in [
        ("retry-after: 3000\r\n", 429, false),
        (date, 429, false),
        ("x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 3000\r\n", 403, true),
        ("ratelimit: \"default\";r=0;t=3000\r\n", 429, true),
    ] {
        let server = Server::start(move |_, _| reply(status, headers, ""));
        let (client, base) = (server.client(), server.base());
        let error = failed(post(&client, &base).send().await.unwrap().success());
        let ErrorKind::RateLimited { retry_after: Some(wait) } = error.kind else {
            panic!("{headers}: {error:?}")
        };
        assert_eq!((wait.as_secs(), error.effect), (3000, Effect::None), "{headers}");
        assert_eq!(server.requests().len(), 1);
        // The same kind again: stopped here only when the server said what is left.
        let again = post(&client, &base).send().await.and_then(Response::success);
        let error = failed(again);
        assert!(matches!(error.kind, ErrorKind::RateLimited { retry_after: Some(_) }), "{error:?}");
        let sent = if kept { 1 } else { 2 };
        assert_eq!((error.effect, server.requests().len()), (Effect::None, sent), "{headers}");
        get(&client, &base).send().await.unwrap();
    }
}

#[tokio::test]
async fn a_budget_that_the_server_names_is_shared() {
    let named = "x-ratelimit-resource: core\r\nx-ratelimit-reset: 500\r\nx-ratelimit-remaining: ";
    let server = Server::start(move |count, _| {
        let left = 2_usize.saturating_sub(count);
        reply(200, &format!("{named}{left}\r\n"), "{}")
    });
    let (client, base) = (server.client(), server.base());
    get(&client, &base).send().await.unwrap();
    post(&client, &base).send().await.unwrap();
    let error = failed(get(&client, &base).send().await);
    assert!(matches!(error.kind, ErrorKind::RateLimited { .. }), "{error:?}");
}

#[tokio::test]
async fn the_last_of_a_budget_is_used_and_no_more() {
    let server = Server::start(|count, _| {
        let left = 2 - count;
        reply(200, &format!("x-ratelimit-remaining: {left}\r\nx-ratelimit-reset: 500\r\n"), "{}")
    });
    let (client, base) = (server.client(), server.base());
    for _ in 0..2 {
        get(&client, &base).send().await.unwrap().success().unwrap();
    }
    let error = failed(get(&client, &base).send().await);
    assert!(matches!(error.kind, ErrorKind::RateLimited { retry_after: Some(_) }));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let server = Server::start(|_, request| match request.contains("if-none-match: \"v1\"") {
        true => reply(304, "etag: \"v1\"\r\n", ""),
        false => reply(200, "etag: \"v1\"\r\n", r#"{"a": "first"}"#),
    });
    let (client, base) = (server.client(), server.base());
    for _ in 0..2 {
        let response = get(&client, &base).cached().send().await.unwrap().success().unwrap();
        assert_eq!((response.status(), response.text("/a").unwrap()), (200, "first"));
    }
    get(&client, &base).send().await.unwrap().success().unwrap();
    let asked: Vec<_> = server.requests().iter().map(|r| r.contains("if-none-match")).collect();
    assert_eq!(asked, [false, true, false], "kept only where it was asked for");
    assert!(!format!("{client:?}").contains("first"));
}

#[tokio::test]
async fn mutations_go_one_at_a_time_when_a_gap_is_set() {
    let (busy, overlaps) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (b, o) = (busy.clone(), overlaps.clone());
    let server = Server::start(move |_, _| {
        if b.swap(true, Ordering::SeqCst) {
            o.fetch_add(1, Ordering::SeqCst);
        }
        thread::sleep(Duration::from_millis(60));
        b.store(false, Ordering::SeqCst);
        reply(200, "", "{}")
    });
    let base = server.base();
    let options = Options { min_gap: Duration::from_millis(5), ..Options::default() };
    let client =
        Client::with(ProviderName::new("edge"), Hosts::of([&base]), &Network::default(), options);
    let client = client.unwrap();
    let (a, b, c) = tokio::join!(
        post(&client, &base).send(),
        post(&client, &base).send(),
        post(&client, &base).send()
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!((server.requests().len(), overlaps.load(Ordering::SeqCst)), (3, 0));
}

#[derive(Debug, Default)]
struct Lines(Mutex<Vec<String>>);

impl Trace for Lines {
    fn request(&self, traced: &Traced<'_>) {
        self.0.lock().unwrap().push(format!("{traced:?}"));
    }
}

#[tokio::test]
async fn a_trace_has_the_template_and_no_more() {
    let server = Server::start(|_, _| reply(404, "x: canary\r\n", r#"{"message": "canary"}"#));
    let (base, token, lines) = (server.base(), canary(), Arc::new(Lines::default()));
    let options = Options { trace: Some(lines.clone()), ..Options::default() };
    let client =
        Client::with(ProviderName::new("edge"), Hosts::of([&base]), &Network::default(), options);
    let client = client.unwrap();
    let request = get(&client, &base).query("q", "canary").auth(Auth::Bearer(&token));
    request.send().await.unwrap();
    let gone = client.request(Op::Snapshot, Method::GET, &base, Path::new("/x"));
    gone.send().await.unwrap();
    let lines = lines.0.lock().unwrap();
    assert_eq!(lines.len(), 2);
    for part in ["GET", &base.host(), "/keys/{id}", "Some(404)", "edge"] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    assert!(!lines.concat().contains("canary") && !lines.concat().contains("k 1"));
}

#[tokio::test]
async fn an_authority_of_its_own_is_trusted_and_only_when_named() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let server = Server::tls(made.cert.der().clone(), key, |_, _| reply(200, "", r#"{"a": "b"}"#));
    let base = Base::parse(&format!("https://localhost:{}", server.port)).unwrap();
    let token = canary();

    let error = failed(
        post(&client(&[&base], &Network::default()), &base).auth(Auth::Bearer(&token)).send().await,
    );
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::None));
    assert!(
        error.message().contains("not trusted") && error.hint().unwrap().contains("network.ca"),
        "{error}"
    );
    assert!(server.requests().is_empty(), "nothing is said to who is not trusted");

    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, made.cert.pem()).unwrap();
    let network = Network { ca: Some(ca), ..Network::default() };
    let trusting = client(&[&base], &network);
    let response = post(&trusting, &base).auth(Auth::Bearer(&token)).send().await.unwrap();
    assert_eq!(response.text("/a").unwrap(), "b");
    // The name counts, not only the authority.
    let address = Base::parse(&format!("https://127.0.0.1:{}", server.port)).unwrap();
    let error = failed(post(&client(&[&address], &network), &address).send().await);
    assert_eq!(error.effect, Effect::None);
}

#[test]
fn authorities_and_proxies_that_are_not_usable_are_refused_at_mount() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.pem");
    fs::write(&empty, "no certificate").unwrap();
    let missing = dir.path().join("missing.pem");
    let proxy = |text: &str| Network { proxy: Some(text.to_owned()), ..Network::default() };
    for network in [
        Network { ca: Some(empty), ..Network::default() },
        Network { ca: Some(missing), ..Network::default() },
        Network { timeout: Some(0), ..Network::default() },
        proxy("http://u:canary@proxy.example:3128"),
        proxy("socks5://canary"),
        proxy("canary"),
    ] {
        let hosts = Hosts::of([&Base::parse("https://h.example").unwrap()]);
        let error = Client::new(ProviderName::new("edge"), hosts, &network).unwrap_err();
        assert_eq!((error.kind, error.op), (ErrorKind::Config, Op::Mount));
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn a_proxy_is_used_when_it_is_set_but_not_for_loopback() {
    let proxy = Server::start(|_, _| reply(403, "", ""));
    let local = Server::start(|_, _| reply(200, "", "{}"));
    let network =
        Network { proxy: Some(proxy.base().to_string()), timeout: Some(5), ..Network::default() };
    let (far, base) = (Base::parse("https://api.example.invalid").unwrap(), local.base());
    let client = client(&[&far, &base], &network);
    let token = canary();
    let error = failed(post(&client, &far).auth(Auth::Bearer(&token)).send().await);
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::None));
    post(&client, &base).send().await.unwrap();
    let seen = proxy.requests();
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0].starts_with("CONNECT api.example.invalid:443 ") && !seen[0].contains("canary"),
        "{seen:?}"
    );
    assert!(client.hosts().any(|host| host == proxy.base().host()), "the proxy is told beforehand");
}
