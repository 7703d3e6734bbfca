//! The suite over a real connection: a shelf of values behind HTTP, the fault proxy in front of it, and a client that
//! keeps the contract, or breaks it where it is told.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, ErrorKind as Io, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use keysweep_conformance::{
    Bench, Fault, Injected, NotPossible, Outcome, Own, Placements, Report, Start, run,
};
use keysweep_sdk::{
    Cx, Delivery, Effect, Error, ErrorKind, Held, Op, Payload, PlacementId, Provider, ProviderName,
    Purpose, ReadAt, Readable, Result, SecretValue, Slot, Store, StoreLimits, WriteMode,
};
use keysweep_testbed::faults::{FaultProxy, Mode, When};

const TOKEN: &str = "planted-token-of-the-shelf";

/// Name → value and how often it was written.
type Shelf = Arc<Mutex<BTreeMap<String, (String, usize)>>>;

fn serve() -> (u16, Shelf) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let shelf = Shelf::default();
    let theirs = Arc::clone(&shelf);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let shelf = Arc::clone(&theirs);
            thread::spawn(move || answer(stream.unwrap(), &shelf));
        }
    });
    (port, shelf)
}

/// What breaks off is not answered.
fn answer(mut stream: TcpStream, shelf: &Shelf) -> std::io::Result<()> {
    let (head, body) = message(&mut stream)?;
    let mut first = head.split_whitespace();
    let (method, path) = (first.next().unwrap_or(""), first.next().unwrap_or("").to_owned());
    let who = head.lines().find_map(|line| line.strip_prefix("Authorization: "));
    let mut shelf = shelf.lock().unwrap();
    let (status, body) = match (who, method) {
        (Some("weak"), "PUT" | "DELETE") => (403, String::new()),
        (Some("weak" | TOKEN), "GET") => match shelf.get(&path) {
            Some((value, writes)) => (200, format!("{writes} {value}")),
            None => (404, String::new()),
        },
        (Some(TOKEN), "PUT") => {
            let slot = shelf.entry(path).or_default();
            *slot = (body, slot.1 + 1);
            (200, slot.1.to_string())
        }
        (Some(TOKEN), "DELETE") => {
            shelf.remove(&path);
            (204, String::new())
        }
        _ => (401, String::new()),
    };
    write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The head and the body of a request or a response.
fn message(stream: &mut TcpStream) -> std::io::Result<(String, String)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(Io::UnexpectedEof.into());
        }
        if line == "\r\n" {
            break;
        }
        if let Some(told) = line.strip_prefix("Content-Length: ") {
            length = told.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}

/// How the client breaks the contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Broken {
    Nowhere,
    /// What was not answered is asked again.
    Retries,
    /// What was sent and not answered is told as unsent.
    AlwaysNone,
}

#[derive(Debug)]
struct Client {
    port: u16,
    token: SecretValue,
    broken: Broken,
}

impl Client {
    fn error(&self, op: Op, kind: ErrorKind, effect: Effect, message: &str) -> Error {
        let effect = if self.broken == Broken::AlwaysNone { Effect::None } else { effect };
        Error::new(ProviderName::new("shelf"), op, kind, effect, message)
    }

    fn sent(&self, request: &str) -> std::io::Result<(String, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_millis(300)))?;
        stream.write_all(request.as_bytes())?;
        message(&mut stream)
    }

    fn ask(&self, op: Op, method: &str, at: &PlacementId, body: &str) -> Result<(u16, String)> {
        if at.as_str().contains(' ') {
            return Err(self.error(op, ErrorKind::Invalid, Effect::None, "a name has no blanks"));
        }
        let token = self.token.expose_for(Purpose::Authenticate);
        let length = format!("Content-Length: {}", body.len());
        let request =
            format!("{method} /{at} HTTP/1.1\r\nAuthorization: {token}\r\n{length}\r\n\r\n{body}");
        let mut answer = self.sent(&request);
        if answer.is_err() && self.broken == Broken::Retries {
            answer = self.sent(&request);
        }
        let unknown = if method == "GET" { Effect::None } else { Effect::Unknown };
        let (head, body) = answer.map_err(|error| match error.kind() {
            Io::ConnectionRefused => {
                self.error(op, ErrorKind::Unavailable, Effect::None, "nobody listens")
            }
            _ => self.error(op, ErrorKind::Unavailable, unknown, "no answer came"),
        })?;
        let header = |name| head.lines().find_map(|line| line.strip_prefix(name));
        let retry_after = header("Retry-After: ").and_then(|s| s.parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        let (kind, effect) = match head[9..12].parse().unwrap() {
            status @ (200..=299 | 404) => return Ok((status, body)),
            401 => (ErrorKind::Unauthenticated, Effect::None),
            403 => (ErrorKind::PermissionDenied, Effect::None),
            409 => (ErrorKind::Conflict, Effect::None),
            422 => (ErrorKind::Invalid, Effect::None),
            429 => (ErrorKind::RateLimited { retry_after }, Effect::None),
            500..=599 => (ErrorKind::Unavailable, unknown),
            _ => (ErrorKind::Unexpected, unknown),
        };
        Err(self.error(op, kind, effect, "refused"))
    }
}

#[async_trait]
impl Store for Client {
    fn limits(&self) -> StoreLimits {
        StoreLimits {
            readable: Readable::Value,
            write: WriteMode::Upsert,
            read_at: ReadAt::Call,
            min_gap: Duration::ZERO,
            max_bytes: None,
            named: Some(false),
        }
    }

    async fn stat(&self, _: &Cx, at: &PlacementId) -> Result<Option<Slot>> {
        let (status, body) = self.ask(Op::Stat, "GET", at, "")?;
        let version = body.split(' ').next().map(str::to_owned);
        Ok((status == 200).then(|| Slot { version, ..Slot::default() }))
    }

    async fn place(&self, _: &Cx, delivery: &Delivery<'_>) -> Result<Slot> {
        let value = delivery.one().unwrap().expose_for(Purpose::Place);
        let (_, version) = self.ask(Op::Place, "PUT", delivery.at, value)?;
        Ok(Slot { version: Some(version), ..Slot::default() })
    }

    async fn read(&self, _: &Cx, at: &PlacementId, _: &[String]) -> Result<Held> {
        let (_, body) = self.ask(Op::Read, "GET", at, "")?;
        Ok(match body.split_once(' ') {
            Some((_, value)) => Held::Value(Payload::One(SecretValue::new(value))),
            None => Held::Nothing,
        })
    }

    async fn remove(&self, _: &Cx, at: &PlacementId, _: &[String]) -> Result<()> {
        self.ask(Op::Remove, "DELETE", at, "").map(drop)
    }
}

struct Server {
    proxy: FaultProxy,
    shelf: Shelf,
    broken: Broken,
}

#[async_trait(?Send)]
impl Bench for Server {
    async fn reset(&mut self) -> Start {
        self.shelf.lock().unwrap().clear();
        let (at, absent) = (PlacementId::new("ci/token"), PlacementId::new("ci/none"));
        let bad = Some(PlacementId::new("ci/bad name"));
        let placements = Placements { at, absent, bad, names: Vec::new() };
        Start { placements: Some(placements), ..Start::default() }
    }

    async fn provider(&mut self, own: Own) -> std::result::Result<Provider, NotPossible> {
        let token = match own {
            Own::Good => TOKEN,
            Own::Wrong => "wrong",
            Own::Weak(Op::Read) => return Err(NotPossible("whoever is known may read".into())),
            Own::Weak(_) => "weak",
        };
        let (port, broken) = (self.proxy.port(), self.broken);
        let client = Client { port, token: SecretValue::new(token), broken };
        let hosts = [self.proxy.host()];
        Ok(Provider::new(ProviderName::new("shelf")).hosts(hosts).store(client))
    }

    async fn inject(&mut self, fault: &Fault) -> Injected {
        self.proxy.set(fault.mode(When::Always));
        Injected::Yes
    }

    async fn lift(&mut self) {
        self.proxy.set(Mode::Pass);
    }

    fn struck(&mut self) -> Option<usize> {
        Some(self.proxy.struck())
    }

    async fn holds(&mut self, at: &PlacementId, payload: &Payload) -> Option<bool> {
        let shelf = self.shelf.lock().unwrap();
        let held = shelf.get(&format!("/{at}")).map(|(value, _)| value.as_str());
        Some(held == payload.one().map(|value| value.expose_for(Purpose::Verify)))
    }

    fn canaries(&self) -> Vec<String> {
        vec![TOKEN.into()]
    }

    fn endpoints(&self) -> Vec<String> {
        vec![self.proxy.host()]
    }

    fn call_limit(&self) -> Duration {
        Duration::from_secs(5)
    }
}

async fn report(broken: Broken) -> Report {
    let (port, shelf) = serve();
    run(&mut Server { proxy: FaultProxy::before(port), shelf, broken }).await
}

#[tokio::test]
async fn a_client_that_keeps_the_contract_conforms() {
    let report = report(Broken::Nowhere).await;
    report.assert_conforms();
    for check in ["place/hangs", "place/reply-lost", "place/reply-cut", "place/status-503"] {
        assert_eq!(report.of(check), Some(&Outcome::Passed), "{check}");
    }
}

#[tokio::test]
async fn a_client_that_breaks_it_does_not() {
    let failed = |report: &Report, check: &str| {
        let outcome = report.of(check);
        assert!(matches!(outcome, Some(Outcome::Failed(_))), "{check}: {outcome:?}");
    };
    let retries = report(Broken::Retries).await;
    failed(&retries, "place/reply-lost");
    failed(&retries, "remove/reply-lost");
    let sure = report(Broken::AlwaysNone).await;
    failed(&sure, "place/hangs");
    failed(&sure, "place/status-500");
}
