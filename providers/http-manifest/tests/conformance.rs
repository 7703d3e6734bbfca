//! The example of README.md, held to the contract in front of a service that keeps keys.
#![expect(clippy::unwrap_used, reason = "a test")]

mod bench;

use std::{
    fs,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use jiff::Timestamp;
use keysweep_conformance::{
    Bench, Credentials, Excuse, Fault, Injected, NotPossible, Own, Start, run,
};
use keysweep_sdk::{Bundle, CredentialId, Op, PrincipalId, Provider, Purpose, SecretValue};
use keysweep_testbed::{
    faults::{FaultProxy, Mode, When},
    recorder::{Recorded, Recorder, Reply},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The manifest in README.md.
fn example() -> &'static str {
    let (_, rest) = include_str!("../README.md").split_once("```toml manifest\n").unwrap();
    rest.split_once("```").unwrap().0
}

#[derive(Clone, Debug)]
struct Key {
    id: String,
    name: String,
    on: bool,
    secret: String,
    used: Option<Timestamp>,
}

/// The keys of the one user, `ci`.
#[derive(Debug, Default)]
struct Service {
    keys: Vec<Key>,
    made: usize,
}

impl Service {
    fn add(&mut self, name: &str) -> Key {
        self.made += 1;
        let secret = format!("acmeKey{}xZq7Kd2mVw9LpR4t", self.made);
        let id = format!("key-{}", self.made);
        let key = Key { id, name: name.into(), on: true, secret, used: None };
        self.keys.push(key.clone());
        key
    }

    fn answer(&mut self, request: &Recorded) -> (u16, Value) {
        let bearer = request.header("authorization").and_then(|line| line.strip_prefix("Bearer "));
        let segments: Vec<&str> = request.path.split('/').skip(2).collect();
        match (bearer, segments.as_slice()) {
            (Some(secret), ["whoami"]) => {
                match self.keys.iter_mut().find(|key| key.secret == secret && key.on) {
                    Some(key) => {
                        key.used = Some(Timestamp::now());
                        (200, json!({"key": shown(key)}))
                    }
                    None => (401, json!({"message": "no such key"})),
                }
            }
            (Some("own-weak"), _) => (403, json!({"message": "not allowed"})),
            (Some("own-token"), ["users", "ci", "keys", rest @ ..]) => self.keys(request, rest),
            (Some("own-token"), _) => (404, json!({"message": "no such user"})),
            _ => (401, json!({"message": "who are you"})),
        }
    }

    fn keys(&mut self, request: &Recorded, rest: &[&str]) -> (u16, Value) {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let at = rest.first().and_then(|id| self.keys.iter().position(|key| key.id == *id));
        match (request.method.as_str(), rest, at) {
            ("GET", [], _) => {
                let page = request.query.split('&').find_map(|pair| pair.strip_prefix("page="));
                let page: usize = page.unwrap().parse().unwrap();
                let keys: Vec<Value> =
                    self.keys.iter().skip((page - 1) * 2).take(2).map(shown).collect();
                (200, json!({"keys": keys, "total": self.keys.len()}))
            }
            ("POST", [], _) if self.keys.len() >= 3 => (409, json!({"message": "three is all"})),
            ("POST", [], _) => {
                assert_eq!(body["scopes"], json!(["mail.send"]));
                let key = self.add(body["name"].as_str().unwrap());
                (201, json!({"key": shown(&key), "secret": key.secret}))
            }
            (_, _, None) => (404, json!({"message": "no such key"})),
            ("GET", _, Some(at)) => (200, json!({"key": shown(&self.keys[at])})),
            ("PATCH", _, Some(at)) => {
                self.keys[at].on = body["status"] == "on";
                (200, json!({"key": shown(&self.keys[at])}))
            }
            (_, _, Some(at)) => {
                self.keys.remove(at);
                (204, Value::Null)
            }
        }
    }
}

fn shown(key: &Key) -> Value {
    json!({
        "id": key.id, "name": key.name, "created_at": "2026-01-02T03:04:05Z", "scopes": ["mail.send"],
        "status": if key.on { "on" } else { "off" },
        "used_at": key.used,
    })
}

struct Acme {
    service: Arc<Mutex<Service>>,
    proxy: FaultProxy,
    folder: TempDir,
}

impl Acme {
    fn new() -> Self {
        let service: Arc<Mutex<Service>> = Arc::default();
        let theirs = Arc::clone(&service);
        let recorder = Recorder::start(move |request| {
            let (status, body) = theirs.lock().unwrap().answer(request);
            let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
            Reply { status, headers: String::new(), body }
        });
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("acme.toml"), example()).unwrap();
        Self { service, proxy: FaultProxy::before(recorder.port), folder }
    }

    fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap()
    }
}

fn mounted(token: &str, base: &str) -> Value {
    json!({"manifest": "acme.toml", "token": token, "base_url": base, "allow_loopback": true})
}

#[async_trait(?Send)]
impl Bench for Acme {
    async fn reset(&mut self) -> Start {
        let mut service = self.service();
        service.keys.clear();
        let key = service.add("deploy");
        let credentials = Credentials {
            principal: PrincipalId::new("ci"),
            absent: Some(PrincipalId::new("nobody")),
            old: CredentialId::new(key.id),
            bundle: Bundle::one("api_key", SecretValue::new(key.secret)),
        };
        Start { credentials: Some(credentials), ..Start::default() }
    }

    async fn provider(&mut self, own: Own) -> Result<Provider, NotPossible> {
        let token = match own {
            Own::Good => "env:token",
            Own::Wrong => "env:other",
            Own::Weak(_) => "env:weak",
        };
        let config = mounted(token, &self.proxy.url());
        bench::mount_within(config, self.folder.path(), 1)
            .await
            .map_err(|error| NotPossible(error.to_string()))
    }

    async fn inject(&mut self, fault: &Fault) -> Injected {
        let sends: &[u8] = match fault.op {
            Op::Mint => b"POST /v1/users/",
            Op::Verify => b"GET /v1/whoami",
            Op::Disable | Op::Enable => b"PATCH /v1/users/",
            Op::Destroy => b"DELETE /v1/users/",
            _ => b"GET /v1/users/",
        };
        self.proxy.set(fault.mode(When::Sends(sends.to_vec())));
        Injected::Yes
    }

    async fn lift(&mut self) {
        self.proxy.set(Mode::Pass);
    }

    fn struck(&mut self) -> Option<usize> {
        Some(self.proxy.struck())
    }

    async fn count(&mut self, _: &PrincipalId) -> Option<usize> {
        Some(self.service().keys.len())
    }

    async fn works(&mut self, _: &PrincipalId, bundle: &Bundle) -> Option<bool> {
        let secret = bundle.field("api_key").unwrap().expose_for(Purpose::Verify).to_owned();
        let mut service = self.service();
        let key = service.keys.iter_mut().find(|key| key.secret == secret && key.on);
        Some(key.map(|key| key.used = Some(Timestamp::now())).is_some())
    }

    async fn wait(&mut self, duration: std::time::Duration) {
        tokio::time::sleep(duration.min(std::time::Duration::from_millis(20))).await;
    }

    fn canaries(&self) -> Vec<String> {
        ["own-token", "own-other", "own-weak"].map(str::to_owned).into()
    }

    fn endpoints(&self) -> Vec<String> {
        vec![self.proxy.host()]
    }

    fn excuse(&self, _: &str) -> Option<Excuse> {
        None
    }
}

#[tokio::test]
async fn the_example_keeps_the_contract() {
    run(&mut Acme::new()).await.assert_conforms();
}
