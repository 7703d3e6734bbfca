//! A proxy on loopback that breaks the connection to a server in the ways that connections break.
//!
//! It stands in front of anything that speaks plain TCP: HTTP, PostgreSQL, MySQL, Redis. It knows no protocol but, for
//! [`Mode::Answer`], HTTP/1.1. A *turn* is what a client sends until the server speaks: one request, one statement,
//! one step of a login.
//!
//! ```no_run
//! use keysweep_testbed::faults::{FaultProxy, Mode, When};
//!
//! let proxy = FaultProxy::before(5432);
//! // Connect to proxy.port() instead of 5432; then the statement takes effect, and nobody hears of it:
//! proxy.set(Mode::LoseReply(When::Sends(b"ALTER ROLE".to_vec())));
//! # let call = || ();
//! call();
//! assert_eq!(proxy.struck(), 1, "it was sent again");
//! proxy.set(Mode::Pass);
//! ```

mod http;
mod pump;

use std::{
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

pub use http::Answer;

/// What happens to connections, from now on and on those that are open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mode {
    Pass,
    /// Nobody listens: `ECONNREFUSED`. Open connections are closed.
    Refuse,
    /// Connections are taken and closed at once; not a byte reaches the server. The client may have written by then,
    /// so it cannot know that. Open connections are closed.
    Close,
    /// The turn reaches the server and takes effect. When the first byte of the reply comes, both ends are cut.
    LoseReply(When),
    /// The turn does not reach the server, and nothing is answered until the mode changes.
    Hang(When),
    /// The turn reaches the server and takes effect; the reply is held back until the mode changes.
    HangReply(When),
    /// So many bytes of the reply come through, then both ends are cut.
    CutReply(When, usize),
    /// HTTP only: this is answered, and the request does not reach the server.
    Answer(When, Answer),
}

/// Which turns a mode strikes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum When {
    Always,
    /// The so-manieth turn of each connection, counted from one. PostgreSQL with SCRAM asks for three before the first
    /// statement.
    Turn(usize),
    /// Once the client sent so many bytes on its connection.
    Bytes(usize),
    /// A turn in which the client sends this.
    Sends(Vec<u8>),
    /// So many turns after one in which the client sends this: the execution after the preparation that names it.
    After(Vec<u8>, usize),
}

/// A proxy that ends with this handle.
#[derive(Debug)]
pub struct FaultProxy {
    shared: Arc<Shared>,
    port: u16,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// Goes up with each change of the mode: what hangs then lets go.
    generation: u64,
    listener: Option<TcpListener>,
    open: Vec<Arc<pump::Pair>>,
    accepted: usize,
    struck: usize,
    forwarded: usize,
    ended: bool,
}

impl FaultProxy {
    /// In front of a server on loopback.
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = State {
            mode: Mode::Pass,
            generation: 0,
            listener: Some(listener),
            open: Vec::new(),
            accepted: 0,
            struck: 0,
            forwarded: 0,
            ended: false,
        };
        let server = (Ipv4Addr::LOCALHOST, port).into();
        let shared = Arc::new(Shared { server, state: Mutex::new(state) });
        let theirs = Arc::clone(&shared);
        let acceptor = Some(thread::spawn(move || accept(&theirs)));
        Self { shared, port: own, acceptor }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`, as a provider lists the hosts it dials.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    /// Changes what happens, and starts the counts anew.
    pub fn set(&self, mode: Mode) {
        let mut state = self.shared.lock();
        state.generation += 1;
        state.struck = 0;
        state.forwarded = 0;
        if matches!(mode, Mode::Refuse | Mode::Close) {
            state.open.drain(..).for_each(|pair| pair.cut());
        }
        state.listener = match mode {
            Mode::Refuse => None,
            _ => Some(state.listener.take().unwrap_or_else(|| rebound(self.port))),
        };
        state.mode = mode;
    }

    /// How often the mode struck since it was set: 1 after one call, or somebody sent it again.
    pub fn struck(&self) -> usize {
        self.shared.lock().struck
    }

    /// How many bytes reached the server since the mode was set.
    pub fn forwarded(&self) -> usize {
        self.shared.lock().forwarded
    }

    /// How many connections were taken since the start.
    pub fn accepted(&self) -> usize {
        self.shared.lock().accepted
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.ended = true;
            state.generation += 1;
            state.listener = None;
            state.open.drain(..).for_each(|pair| pair.cut());
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the mode is another one.
    fn hang(&self, generation: u64) {
        while self.lock().generation == generation {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The port was ours a moment ago; whoever has it now for a connection of its own lets it go soon.
fn rebound(port: u16) -> TcpListener {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => {
                listener.set_nonblocking(true).unwrap();
                return listener;
            }
            Err(error) => assert!(Instant::now() < end, "port {port} is taken: {error}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn accept(shared: &Arc<Shared>) {
    loop {
        let mut state = shared.lock();
        if state.ended {
            return;
        }
        let taken = state.listener.as_ref().and_then(|listener| listener.accept().ok());
        let Some((client, _)) = taken else {
            drop(state);
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        state.accepted += 1;
        if state.mode == Mode::Close {
            state.struck += 1;
            let _ = client.shutdown(Shutdown::Both);
            continue;
        }
        drop(state);
        let Ok(server) = TcpStream::connect(shared.server) else { continue };
        let _ = client.set_nonblocking(false);
        if let Some(pair) = pump::start(shared, client, server) {
            let mut state = shared.lock();
            state.open.retain(|pair| !pair.is_cut());
            state.open.push(pair);
        }
    }
}

#[cfg(test)]
mod tests;
