//! Incident × reach × definitions → [`Exposure`] report. Pure.

mod exposure;

pub use exposure::*;
