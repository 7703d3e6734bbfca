//! Against a server of lines: it answers each line with `ok N LINE`, and remembers the lines that it took.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use super::{Answer, FaultProxy, Mode, When};

type Lines = Arc<Mutex<Vec<String>>>;

fn server() -> (u16, Lines) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = Lines::default();
    let theirs = Arc::clone(&lines);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, lines) = (stream.unwrap(), Arc::clone(&theirs));
            thread::spawn(move || {
                let reader = BufReader::new(stream.try_clone().unwrap());
                for (number, line) in reader.lines().map_while(Result::ok).enumerate() {
                    lines.lock().unwrap().push(line.clone());
                    if writeln!(stream, "ok {number} {line}").is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, lines)
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn new(proxy: &FaultProxy) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    /// `None`: the connection ended.
    fn ask(&mut self, line: &str) -> Option<String> {
        writeln!(self.0.get_mut(), "{line}").ok()?;
        let mut reply = String::new();
        match self.0.read_line(&mut reply) {
            Ok(0) => None,
            Ok(_) => Some(reply),
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("nothing came"),
            Err(_) => None,
        }
    }
}

#[test]
fn it_passes_until_told_otherwise_and_again_afterwards() {
    let (port, lines) = server();
    let proxy = FaultProxy::before(port);
    let mut client = Client::new(&proxy);
    assert_eq!(client.ask("a").unwrap(), "ok 0 a\n");
    proxy.set(Mode::Refuse);
    assert_eq!(client.ask("b"), None);
    let refused = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    proxy.set(Mode::Close);
    assert_eq!(Client::new(&proxy).ask("c"), None);
    assert_eq!((proxy.struck(), proxy.forwarded()), (1, 0));
    proxy.set(Mode::Pass);
    assert_eq!(Client::new(&proxy).ask("d").unwrap(), "ok 0 d\n");
    assert_eq!(*lines.lock().unwrap(), ["a", "d"]);
    assert_eq!(proxy.accepted(), 3);
}

#[test]
fn a_lost_reply_took_effect() {
    let (port, lines) = server();
    let proxy = FaultProxy::before(port);
    let when = [
        When::Turn(2),
        When::Sends(b"effect".to_vec()),
        When::Bytes(10),
        When::After(b"login".to_vec(), 1),
    ];
    for when in when {
        lines.lock().unwrap().clear();
        proxy.set(Mode::LoseReply(when.clone()));
        let mut client = Client::new(&proxy);
        assert_eq!(client.ask("login").unwrap(), "ok 0 login\n", "{when:?}");
        assert_eq!(client.ask("effect"), None, "{when:?}");
        assert_eq!(*lines.lock().unwrap(), ["login", "effect"], "{when:?}");
        assert_eq!(proxy.struck(), 1, "{when:?}");
    }
}

#[test]
fn a_reply_is_cut_where_told() {
    let (port, lines) = server();
    let proxy = FaultProxy::before(port);
    proxy.set(Mode::CutReply(When::Always, 4));
    let mut client = Client::new(&proxy);
    assert_eq!(client.ask("long").unwrap(), "ok 0");
    assert_eq!(*lines.lock().unwrap(), ["long"]);
}

#[test]
fn what_hangs_lets_go_when_the_mode_changes() {
    let (port, lines) = server();
    let proxy = FaultProxy::before(port);
    for (mode, reaches) in
        [(Mode::Hang(When::Always), false), (Mode::HangReply(When::Always), true)]
    {
        lines.lock().unwrap().clear();
        proxy.set(mode);
        let mut client = Client::new(&proxy);
        client.0.get_ref().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        writeln!(client.0.get_mut(), "x").unwrap();
        let mut reply = String::new();
        assert_eq!(client.0.read_line(&mut reply).unwrap_err().kind(), ErrorKind::WouldBlock);
        client.0.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        proxy.set(Mode::Pass);
        assert!(!matches!(client.0.read_line(&mut reply), Ok(1..)), "{reply}");
        assert_eq!(!lines.lock().unwrap().is_empty(), reaches);
        assert_eq!(Client::new(&proxy).ask("y").unwrap(), "ok 0 y\n");
    }
}

#[test]
fn an_answer_is_given_in_the_servers_place() {
    let (port, lines) = server();
    let proxy = FaultProxy::before(port);
    let answer = Answer::status(429).header("Retry-After", "7").body("text/plain", "slow down");
    proxy.set(Mode::Answer(When::Sends(b"POST".to_vec()), answer));
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    stream.write_all(b"POST /x HTTP/1.1\r\nContent-Length: 4\r\n\r\n").unwrap();
    stream.write_all(b"body").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 429 "), "{reply}");
    assert!(reply.contains("\r\nRetry-After: 7\r\n") && reply.ends_with("\r\n\r\nslow down"));
    assert!(lines.lock().unwrap().is_empty());
    assert_eq!((proxy.struck(), proxy.forwarded()), (1, 0));
}
