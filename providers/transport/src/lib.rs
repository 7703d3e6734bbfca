//! The one HTTP stack of keysweep's providers.
//!
//! ```no_run
//! use keysweep_sdk::{Network, Op, ProviderName, Purpose, Result, SecretValue};
//! use keysweep_transport::{Auth, Base, Client, Hosts, Method, Path};
//!
//! # async fn roll(token: &SecretValue, base: &Base) -> Result<SecretValue> {
//! let client = Client::new(ProviderName::new("edge"), Hosts::of([base]), &Network::default())?;
//! let path = Path::new("/user/tokens/{id}/value").set("id", "7c1f");
//! let reply = client.request(Op::Mint, Method::PUT, base, path).auth(Auth::Bearer(token)).send().await?;
//! reply.success()?.take_secret("/result")
//! # }
//! ```
//!
//! Invariants:
//!
//! * Nothing is dialled beyond [`Hosts`]: the list is asked before DNS is, for a redirect and a next page too. Plain
//!   HTTP goes to loopback only. Without `network.proxy` no proxy is used, whatever the environment says.
//! * A request is sent once. What changes something gets a connection of its own, since a kept one may be dead.
//! * A request that changes something and has no whole answer fails with `Effect::Unknown`, unless it was not sent.
//! * No value of a secret is in an error, a `Debug`, a trace or a URL. No header and no body is traced.
//! * Nothing is written to disk, no cookie is kept, nothing is decompressed.

mod base;
mod body;
mod budget;
mod cache;
mod client;
mod exchange;
mod pace;
mod path;
mod reason;
mod request;
mod response;
mod tls;
mod trace;
mod wait;

pub use base::{BadBase, Base, Hosts};
pub use client::{Client, Options};
pub use path::Path;
pub use request::{Auth, Request};
pub use reqwest::Method;
pub use response::Response;
pub use trace::{Trace, Traced};
