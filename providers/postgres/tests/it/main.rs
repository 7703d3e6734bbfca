//! PostgreSQL itself, on loopback.

mod alternating;
mod bench;
mod conforms;
mod refusals;
mod single;
mod tls;
