//! Incident packs: what was bad, when, and what it could do.
//!
//! A pack is data (`packs/*.toml`, described in `docs/packs.md`). [`lint`] judges it as a [`Document`],
//! a [`Pack`] is a judged one. [`Pack::examine`] asks whether a component of CI is one of the incident's,
//! [`meet`] whether the life of a definition meets the incident's windows. Nothing here does I/O or
//! reads a clock.

mod builtin;
mod capability;
mod clues;
pub mod document;
pub mod draft;
mod examine;
mod facts;
mod guard;
mod identity;
pub mod import;
mod lint;
mod locate;
mod pack;
mod reference;
mod release;
mod sight;
mod window;

pub use builtin::{SOURCES, UnknownPack, builtin, find};
pub use capability::{Capabilities, Capability};
pub use document::{Document, WindowKind};
pub use examine::{Context, Hit, Standing};
pub use lint::{Finding, lint, lint_beside};
use pack::split_release;
pub use pack::{Pack, PackComponent, PackError, check, check_beside, parse};
pub use window::{Meeting, Window, meet};

/// The JSON schema of a pack.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Document)
}
