//! The provider on moto and on ministack: the same tests on both, since they are wrong in different places.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod conformance;
mod keys;
mod own;
mod parameters;
mod secrets;
mod world;
