//! PostgreSQL roles that log in by password.
//!
//! A role has one password at a time, so there are two ways, and the configuration says which:
//!
//! * With `[roles.NAME] alternates = ["a", "b"]` the principal `role/NAME` is a pair of login roles that are used in turn.
//!   The new password goes to the one that rests, and the old one lives on until it is disabled: no outage.
//! * Without `roles` each principal `role/NAME` is that one role. Its old password dies when the new one is set, and
//!   consumers fail until they have it.
//!
//! One mount is one of the two, since its limits are: mount the server twice to have both.
//!
//! The server gets a SCRAM-SHA-256 verifier (RFC 5802, RFC 7677), never the password, so that no log of the server has
//! it. Which password a role has is told by a mark in the role's comment, `[keysweep:1f2e3d4c]`, whose digits are random
//! and say nothing about the value. A password that somebody else sets does not change the mark.
//!
//! Sessions outlive the password, `NOLOGIN` and all: they end by `end_sessions`.

mod access;
mod catalog;
mod config;
mod error;
mod issuer;
mod mark;
mod revoker;
mod roles;
mod server;
mod session;
mod tls;
mod usage;
mod verifier;

pub use config::{Config, Role, SslMode};
