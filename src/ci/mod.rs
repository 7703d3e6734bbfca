//! CI definitions → [`model`]. Pure: everything is read through [`Files`].

mod files;
pub mod model;
pub mod shell;

pub use files::{Files, MemoryFiles, NoSiblings, Siblings, Unreadable, normalise};
