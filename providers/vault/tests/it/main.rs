//! OpenBao itself, on loopback.

#![expect(clippy::unwrap_used, reason = "a test")]

mod approle;
mod bench;
mod conforms;
mod kv;
mod refusals;
mod transit;
