//! Incident × reach × definitions → [`Report`]. Pure.

mod coverage;
mod disposition;
mod expose;
pub mod exposure;
mod identity;
mod merge;
mod site;
mod why;

pub use expose::{Basis, Subject, expose};
pub use exposure::*;
