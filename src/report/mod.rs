//! Reports for people and machines. Pure.
//!
//! Tables come with colour codes; who writes them strips those where the reader is no terminal.

mod changes;
mod check;
mod components;
mod coverage;
mod dates;
#[cfg(feature = "rotate")]
mod doctor;
mod explain;
#[cfg(feature = "rotate")]
mod findings;
mod grid;
mod headline;
mod incident;
mod incidents;
mod inventory;
mod json;
mod ownership;
#[cfg(feature = "rotate")]
mod plan;
mod schema;
mod sites;
mod table;
mod text;
mod words;

use crate::assess::Span;

pub use check::check;
pub use components::components;
#[cfg(feature = "rotate")]
pub use doctor::{
    DOCTOR_SCHEMA, DoctorCheck, DoctorPermission, DoctorProvider, DoctorReport, Held, Reached,
    Trouble, doctor,
};
pub use explain::explain;
#[cfg(feature = "rotate")]
pub use findings::{FindingLine, findings};
pub use headline::verdict_line;
pub use incident::{Kept, incident};
pub use incidents::{IncidentLine, incidents};
pub use inventory::inventory;
pub use json::json;
#[cfg(feature = "rotate")]
pub use plan::plan;
pub use schema::{Schema, schema};
pub use table::exposure;
pub use text::clean;

/// Columns that a table never exceeds.
pub const WIDTH: usize = 100;

/// What a table says of its incident and its input and a report does not hold.
#[derive(Clone, Debug, Default)]
pub struct Heading {
    /// What happened, in a few words.
    pub title: String,
    /// From the first to the last moment of any of its components.
    pub window: Option<Span>,
    /// How many were read, found in or not.
    pub repositories: usize,
}
