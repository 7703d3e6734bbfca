//! As much of HTTP/1.1 as it takes to answer in a server's place (RFC 9112).

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// An answer in a server's place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// With an empty JSON object as its body.
    pub fn status(status: u16) -> Self {
        let json = ("Content-Type".to_owned(), "application/json".to_owned());
        Self { status, headers: vec![json], body: "{}".into() }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// In place of the JSON object; the content type too.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: &str) -> Self {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        self.body = body.into();
        self.header("Content-Type", content_type)
    }
}

/// Reads the request to its end, so that closing does not take the answer along, and answers.
pub(super) fn answer(client: &TcpStream, first: &[u8], answer: &Answer) -> std::io::Result<()> {
    let mut client = client;
    let mut request = first.to_vec();
    let mut chunk = [0; 16 * 1024];
    client.set_read_timeout(Some(Duration::from_secs(10)))?;
    while !complete(&request) {
        match client.read(&mut chunk)? {
            0 => break,
            length => request.extend_from_slice(&chunk[..length]),
        }
    }
    let mut head = format!("HTTP/1.1 {} Answered\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", answer.body.len()));
    client.write_all(head.as_bytes())?;
    if !request.starts_with(b"HEAD ") {
        client.write_all(answer.body.as_bytes())?;
    }
    client.shutdown(Shutdown::Write)?;
    while client.read(&mut chunk)? > 0 {}
    Ok(())
}

fn complete(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let body = &request[end + 4..];
    let header = |name: &str| {
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    if header("transfer-encoding").is_some_and(|coding| coding.ends_with("chunked")) {
        return body.ends_with(b"0\r\n\r\n");
    }
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    body.len() >= length
}
