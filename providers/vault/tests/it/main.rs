//! OpenBao itself, on loopback.

mod approle;
mod bench;
mod kv;
mod refusals;
mod transit;
