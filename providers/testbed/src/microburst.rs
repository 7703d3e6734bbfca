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
    let burst = Microburst(Server::start(command, dir, port));
    burst.warm();
    Some(burst)
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

    /// The next call reaches the server so much later.
    pub fn delay(&self, service: &str, operation: &str, milliseconds: u64) {
        self.rule(json!({
            "service": service, "operation": operation, "times": 1, "latency": milliseconds,
        }));
    }

    /// The first call takes it seconds, in which it reads the descriptions of all services.
    fn warm(&self) {
        let scope = format!("Credential=AKIAFIRST/20260101/{REGION}/iam/aws4_request");
        let signed = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0");
        let (status, _) = self.post("/", &signed, "Action=ListUsers&Version=2010-05-08");
        assert!(status > 0, "no reply:\n{}", self.0.log());
    }

    fn rule(&self, rule: Value) {
        let (status, reply) = self.post("/_microburst/rules", "", &json!([rule]).to_string());
        assert!(status == 200, "{status}: {reply}\n{}", self.0.log());
    }

    fn post(&self, path: &str, authorization: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.0.port)).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: {authorization}\r\n\
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
