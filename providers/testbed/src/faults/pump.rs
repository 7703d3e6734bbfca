//! One connection: two threads that carry bytes, and what they know of its turns.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{Mode, Shared, When, http};

/// Both ends of one connection.
#[derive(Debug)]
pub(super) struct Pair {
    client: TcpStream,
    server: TcpStream,
    turns: Mutex<Turns>,
    cut: AtomicBool,
}

#[derive(Debug, Default)]
struct Turns {
    /// The turn that runs, from one.
    number: usize,
    /// Whether the server spoke since the client did.
    answered: bool,
    bytes: usize,
    /// What the client sent in this turn.
    sent: Vec<u8>,
    /// The turn in which the client last sent what `When::After` looks for.
    seen: Option<usize>,
    /// What is to happen to the reply of this turn; and whether it was counted.
    reply: Option<(Reply, u64)>,
}

#[derive(Clone, Copy, Debug)]
enum Reply {
    Lose,
    Hold,
    Cut(usize),
}

enum Forward {
    Yes,
    Hang(u64),
    Answer(http::Answer),
}

impl Pair {
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    fn turns(&self) -> std::sync::MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turns {
    fn sends(&mut self, chunk: &[u8]) {
        if self.answered || self.number == 0 {
            self.number += 1;
            self.answered = false;
            self.sent.clear();
            self.reply = None;
        }
        self.bytes += chunk.len();
        self.sent.extend_from_slice(chunk);
    }

    fn strikes(&mut self, when: &When) -> bool {
        let sends = |what: &[u8]| {
            !what.is_empty() && self.sent.windows(what.len()).any(|window| window == what)
        };
        match when {
            When::Always => true,
            When::Turn(number) => self.number == *number,
            When::Bytes(bytes) => self.bytes >= *bytes,
            When::Sends(what) => sends(what),
            When::After(what, later) => {
                if sends(what) {
                    self.seen = Some(self.number);
                }
                self.seen.is_some_and(|seen| self.number == seen + later)
            }
        }
    }
}

/// Starts both directions. `None` when the connection is gone already.
pub(super) fn start(
    shared: &Arc<Shared>,
    client: TcpStream,
    server: TcpStream,
) -> Option<Arc<Pair>> {
    for stream in [&client, &server] {
        stream.set_nodelay(true).ok()?;
    }
    let pair = Pair { client, server, turns: Mutex::default(), cut: AtomicBool::new(false) };
    let pair = Arc::new(pair);
    let (a, b) = (Arc::clone(&pair), Arc::clone(&pair));
    let (shared_a, shared_b) = (Arc::clone(shared), Arc::clone(shared));
    thread::spawn(move || {
        let _ = to_server(&shared_a, &a);
        a.cut();
    });
    thread::spawn(move || {
        let _ = to_client(&shared_b, &b);
        b.cut();
    });
    Some(pair)
}

fn to_server(shared: &Shared, pair: &Pair) -> std::io::Result<()> {
    let mut chunk = [0; 16 * 1024];
    loop {
        let length = (&pair.client).read(&mut chunk)?;
        if length == 0 {
            // Half-closed: the reply may still come.
            let _ = pair.server.shutdown(Shutdown::Write);
            return wait_for_the_end(pair);
        }
        match forward(shared, pair, &chunk[..length]) {
            Forward::Yes => {
                shared.lock().forwarded += length;
                (&pair.server).write_all(&chunk[..length])?;
            }
            Forward::Hang(generation) => {
                shared.hang(generation);
                return Ok(());
            }
            Forward::Answer(answer) => {
                return http::answer(&pair.client, &chunk[..length], &answer);
            }
        }
    }
}

/// The other direction cuts the pair when the server is done.
fn wait_for_the_end(pair: &Pair) -> std::io::Result<()> {
    while !pair.is_cut() {
        thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(())
}

fn forward(shared: &Shared, pair: &Pair, chunk: &[u8]) -> Forward {
    let mut state = shared.lock();
    let mut turns = pair.turns();
    turns.sends(chunk);
    let generation = state.generation;
    let (when, reply) = match state.mode.clone() {
        Mode::Pass | Mode::Refuse | Mode::Close => return Forward::Yes,
        Mode::Hang(when) if turns.strikes(&when) => {
            state.struck += 1;
            return Forward::Hang(generation);
        }
        Mode::Answer(when, answer) if turns.strikes(&when) => {
            state.struck += 1;
            return Forward::Answer(answer);
        }
        Mode::Hang(_) | Mode::Answer(..) => return Forward::Yes,
        Mode::LoseReply(when) => (when, Reply::Lose),
        Mode::HangReply(when) => (when, Reply::Hold),
        Mode::CutReply(when, bytes) => (when, Reply::Cut(bytes)),
    };
    if turns.strikes(&when) && turns.reply.is_none() {
        turns.reply = Some((reply, generation));
        state.struck += 1;
    }
    Forward::Yes
}

fn to_client(shared: &Shared, pair: &Pair) -> std::io::Result<()> {
    let mut chunk = [0; 16 * 1024];
    loop {
        let length = (&pair.server).read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        let reply = {
            let mut turns = pair.turns();
            turns.answered = true;
            turns.reply
        };
        match reply {
            None => (&pair.client).write_all(&chunk[..length])?,
            Some((Reply::Lose, _)) => return Ok(()),
            Some((Reply::Hold, generation)) => {
                shared.hang(generation);
                return Ok(());
            }
            Some((Reply::Cut(bytes), generation)) => {
                let through = length.min(bytes);
                (&pair.client).write_all(&chunk[..through])?;
                if through == bytes {
                    return Ok(());
                }
                pair.turns().reply = Some((Reply::Cut(bytes - through), generation));
            }
        }
    }
}
