//! HashiCorp Vault and OpenBao, by their HTTP API.
//!
//! * Placements: KV version 2, written with check-and-set. `secret/ci/aws` is a secret with its named values,
//!   `secret/ci/aws#token` is one of them. A write keeps the other fields and the custom metadata. Earlier versions stay
//!   readable until the mount's `max_versions` push them out.
//! * Credentials: the secret-ids of an AppRole, as `approle/MOUNT/ROLE`. Several live beside each other, each known by
//!   its accessor, with the mint's marker in its metadata. They cannot be disabled, only destroyed, and the tokens that
//!   were made with them live on.
//! * [`Transit`]: a key that seals and unseals a value and is never given out.
//!
//! Where the two products answer differently, the words of both are known.
//! <https://developer.hashicorp.com/vault/api-docs>, <https://openbao.org/api-docs/>

mod access;
mod address;
mod approle;
mod config;
mod issuer;
mod kv;
mod revoker;
mod server;
mod store;
mod transit;
mod verifier;

pub use config::Config;
pub use transit::{Transit, TransitConfig};
