//! OpenBao, which speaks HashiCorp Vault's API: in memory, unsealed, KV version 2 at `secret`.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Server, free_port, tool};

/// The root token, for tests to look for where it must not be.
pub const ROOT_TOKEN: &str = "rootPlantedVq71xMz8Lw";

/// A running server.
#[derive(Debug)]
pub struct OpenBao {
    server: Server,
}

/// A role of the AppRole mount `approle`, with one secret-id.
#[derive(Debug)]
pub struct Login {
    pub role_id: String,
    pub secret_id: String,
    pub accessor: String,
}

impl OpenBao {
    /// `None`: not installed.
    pub fn start() -> Option<Self> {
        let bao = tool("bao")?;
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = Command::new(bao);
        command
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT_TOKEN}"))
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
            .current_dir(dir.path())
            .env("HOME", dir.path());
        let server = Self { server: Server::start(command, dir, port) };
        server.ready();
        Some(server)
    }

    /// The port is served before the mounts are there, and the mounts before they take writes.
    fn ready(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        let body = json!({"data": {"a": "b"}});
        while self.try_call(ROOT_TOKEN, "POST", "secret/data/ready", &body).0 != 200 {
            assert!(Instant::now() < end, "takes no writes:\n{}", self.server.log());
            thread::sleep(Duration::from_millis(50));
        }
        self.root("DELETE", "secret/metadata/ready", &Value::Null);
    }

    pub fn port(&self) -> u16 {
        self.server.port
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Asks as root; `path` without `/v1/`. Panics unless the answer is 2xx.
    pub fn root(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_call(ROOT_TOKEN, method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Asks as somebody; an empty token is none. Gives the status and the body, `Null` where there is none.
    pub fn try_call(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let token =
            if token.is_empty() { String::new() } else { format!("X-Vault-Token: {token}\r\n") };
        // HTTP/1.0: the answer comes in one piece and ends with the connection.
        let request = format!(
            "{method} /v1/{path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{token}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut answer = Vec::new();
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    /// A token that has this policy and no other but `default`.
    pub fn token(&self, name: &str, policy: &str) -> String {
        self.root("PUT", &format!("sys/policies/acl/{name}"), &json!({"policy": policy}));
        let made = self.root("POST", "auth/token/create", &json!({"policies": [name]}));
        text(&made, "/auth/client_token")
    }

    /// Makes a role at `approle`, which it mounts the first time, and a secret-id of it.
    pub fn app_role(&self, role: &str, settings: &Value) -> Login {
        let (_, mounts) = self.try_call(ROOT_TOKEN, "GET", "sys/auth", &Value::Null);
        if mounts.pointer("/data/approle~1").is_none() {
            self.root("POST", "sys/auth/approle", &json!({"type": "approle"}));
        }
        self.root("POST", &format!("auth/approle/role/{role}"), settings);
        let id = self.root("GET", &format!("auth/approle/role/{role}/role-id"), &Value::Null);
        let made = self.secret_id(role, &json!({}));
        Login { role_id: text(&id, "/data/role_id"), ..made }
    }

    /// One more secret-id. Its `role_id` is empty.
    pub fn secret_id(&self, role: &str, settings: &Value) -> Login {
        let made = self.root("POST", &format!("auth/approle/role/{role}/secret-id"), settings);
        Login {
            role_id: String::new(),
            secret_id: text(&made, "/data/secret_id"),
            accessor: text(&made, "/data/secret_id_accessor"),
        }
    }

    /// Logs in as a consumer does. `None`: refused.
    pub fn login(&self, role_id: &str, secret_id: &str) -> Option<String> {
        let body = json!({"role_id": role_id, "secret_id": secret_id});
        let (status, answer) = self.try_call("", "POST", "auth/approle/login", &body);
        (status == 200).then(|| text(&answer, "/auth/client_token"))
    }
}

fn text(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
