//! Against a real MariaDB on loopback.
#![expect(clippy::unwrap_used, clippy::panic, reason = "for tests only")]

mod bench;
mod server;
