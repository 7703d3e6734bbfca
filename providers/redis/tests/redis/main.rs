//! Against a real Redis on loopback.

mod bench;
mod server;
