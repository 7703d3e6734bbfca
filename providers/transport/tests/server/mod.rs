//! A server that does what the test says, also what no proper server does.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use keysweep_sdk::{Network, ProviderName, SecretValue};
use keysweep_transport::{Base, Client, Hosts};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};

pub(crate) const CANARY: &str = "canary-7Qx2vT9pLm4K";

pub(crate) fn canary() -> SecretValue {
    SecretValue::new(CANARY)
}

/// What is sent back for one request. Then the connection is closed, unless it is kept.
#[derive(Clone)]
pub(crate) enum Reply {
    Bytes(Vec<u8>),
    Keep(Vec<u8>),
    /// Nothing, for so long.
    Silent(Duration),
}

pub(crate) type Script = Arc<dyn Fn(usize, &str) -> Reply + Send + Sync>;

pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::run(Arc::new(script), None)
    }

    pub(crate) fn tls(
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
        script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::run(Arc::new(script), Some(Arc::new(config)))
    }

    fn run(script: Script, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let server = Self { port, connections, requests };
        let (connections, requests) = (server.connections.clone(), server.requests.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (script, requests, tls) = (script.clone(), requests.clone(), tls.clone());
                thread::spawn(move || match tls {
                    None => serve(stream, &script, &requests),
                    Some(config) => {
                        let tls = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(tls, stream), &script, &requests);
                    }
                });
            }
        });
        server
    }

    pub(crate) fn base(&self) -> Base {
        Base::parse(&format!("http://127.0.0.1:{}", self.port)).unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        client(&[&self.base()], &Network::default())
    }

    pub(crate) fn dialled(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Head and body of each request.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

pub(crate) fn client(bases: &[&Base], network: &Network) -> Client {
    Client::new(ProviderName::new("edge"), Hosts::of(bases.iter().copied()), network).unwrap()
}

pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

pub(crate) fn reply(status: u16, headers: &str, body: &str) -> Reply {
    Reply::Bytes(answer(status, &format!("connection: close\r\n{headers}"), body))
}

fn serve(mut stream: impl Read + Write, script: &Script, requests: &Mutex<Vec<String>>) {
    while let Some(request) = request(&mut stream) {
        let count = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            requests.len()
        };
        let (bytes, keep) = match script(count, &request) {
            Reply::Silent(time) => {
                thread::sleep(time);
                (Vec::new(), false)
            }
            Reply::Bytes(bytes) => (bytes, false),
            Reply::Keep(bytes) => (bytes, true),
        };
        let _ = stream.write_all(&bytes);
        let _ = stream.flush();
        if !keep {
            return;
        }
    }
}

fn request(stream: &mut impl Read) -> Option<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        (stream.read(&mut byte).ok()? == 1).then(|| text.push(byte[0]))?;
    }
    let head = String::from_utf8(text).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(head + std::str::from_utf8(&body).unwrap())
}
