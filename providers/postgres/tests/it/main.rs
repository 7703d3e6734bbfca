//! PostgreSQL itself, on loopback.

mod alternating;
mod bench;
mod refusals;
mod single;
