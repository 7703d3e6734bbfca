//! The contract between keysweep and every provider.
//!
//! A provider is a struct of optional parts ([`Provider`]). What it can do is computed from which parts are there and
//! from the limits that each part states as data, so it cannot be claimed. Nothing in this crate talks to a network,
//! reads a clock, or prints.
//!
//! Three rules that every part keeps:
//!
//! * Every method says what it may have changed when it fails, by [`Effect`]. Where that is in doubt it is `Unknown`.
//! * A list is complete, or it is an error.
//! * A value of a secret is in a [`SecretValue`] or nowhere: not in an error, not in a trace, not in an id.

mod bundle;
mod error;
mod id;
mod limits;
mod parts;
mod provider;
mod reference;
mod secret;

pub use bundle::{Bundle, Payload, Shape};
pub use error::{Effect, Error, ErrorKind, Op, Result};
pub use id::{CredentialId, PlacementId, PrincipalId, ProviderName};
pub use limits::{
    Capabilities, Chooser, IssuerLimits, LostReply, ReadAt, Readable, RevokerLimits, Sessions,
    StoreLimits, Style, UsageLimits, VerifierLimits, WriteMode,
};
pub use parts::{
    Access, Chosen, Delivery, Grant, Held, Identity, Issuer, Live, LiveState, MintRequest, Minted,
    Need, Revoker, Slot, Store, Usage, Use, Verdict, Verifier,
};
pub use provider::{Cx, Instructions, Mounting, Network, Provider, ProviderConfig, Resolve};
pub use reference::{BadReference, SecretRef};
pub use secret::{Purpose, SecretValue, mark};
