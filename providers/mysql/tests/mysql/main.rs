//! Against a real MariaDB on loopback.
#![expect(clippy::unwrap_used, reason = "for tests only")]

mod bench;
mod server;
