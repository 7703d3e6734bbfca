//! microburst, a proxy in front of an AWS server that loses replies and throttles.
//!
//! It changes the host that was signed, so it signs each call anew, as the administrator: whoever asked, it is the
//! administrator's call. What a key itself may do cannot be seen through it.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
};

use serde_json::{Value, json};

use crate::{Server, aws::AwsServer, aws::REGION, free_port, tool};

#[derive(Debug)]
pub struct Microburst(Server);

/// `None`: not installed.
pub fn before(upstream: &AwsServer) -> Option<Microburst> {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut command = Command::new(tool("microburst")?);
    command
        .args(["--upstream", &upstream.url(), "--host", "127.0.0.1", "--port", &port.to_string()])
        .arg("--resign")
        .env("AWS_ACCESS_KEY_ID", &upstream.admin.id)
        .env("AWS_SECRET_ACCESS_KEY", &upstream.admin.secret)
        .env("AWS_DEFAULT_REGION", REGION)
        .current_dir(dir.path());
    Some(Microburst(Server::start(command, dir, port)))
}

impl Microburst {
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// The next call takes effect, and its reply breaks off after one byte.
    pub fn lose_reply(&self, service: &str, operation: &str) {
        self.rule(json!({
            "service": service, "operation": operation, "times": 1, "response": { "abort_bytes": 1 },
        }));
    }

    /// The next call is refused by this error, and does not reach the server.
    pub fn refuse(&self, service: &str, operation: &str, code: &str, status: u16) {
        self.rule(json!({
            "service": service, "operation": operation, "times": 1,
            "error": { "code": code, "status": status, "message": "injected" },
        }));
    }

    fn rule(&self, rule: Value) {
        let (status, reply) = self.control("POST", "rules", &json!([rule]).to_string());
        assert!(status == 200, "{status}: {reply}\n{}", self.0.log());
    }

    fn control(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.0.port)).unwrap();
        write!(
            stream,
            "{method} /_microburst/{path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or(0), reply)
    }
}
