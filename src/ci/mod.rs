//! CI definitions → [`model`]. Pure: everything is read through [`Files`].

pub mod catalog;
mod dockerfile;
mod files;
pub mod github;
mod image;
pub(crate) mod literal;
pub mod lock;
pub mod model;
pub mod shell;
pub mod stored;
pub mod yaml;

pub use files::{Files, MemoryFiles, NoSiblings, Siblings, Unreadable, normalise};
