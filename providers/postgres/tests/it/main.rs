//! PostgreSQL itself, on loopback.

#![expect(clippy::unwrap_used, reason = "a test")]

mod alternating;
mod bench;
mod conforms;
mod refusals;
mod single;
mod tls;
