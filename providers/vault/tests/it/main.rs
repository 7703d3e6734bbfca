//! OpenBao itself, on loopback.

mod approle;
mod bench;
mod conforms;
mod kv;
mod refusals;
mod transit;
