//! Incident × reach × definitions → [`Report`]; and what is there without an incident. Pure.

mod components;
mod consumer;
mod coverage;
mod disposition;
mod expose;
mod exposure;
mod identify;
mod identity;
mod inventory;
mod merge;
#[cfg(test)]
mod pipelines_for_tests;
mod placement;
mod site;
mod unseen;
mod why;

pub use components::{ComponentUse, ComponentsReport, components};
pub use expose::{Basis, Defined, Part, Subject, examine, keep_what_counts, report};
pub use exposure::*;
pub use identify::{identify_exposures, identify_placements};
pub use inventory::{InventoryConsumer, InventoryPlacement, InventoryReport, inventory};

pub const COMPONENTS_SCHEMA: &str = components::SCHEMA;
pub const INVENTORY_SCHEMA: &str = inventory::SCHEMA;
