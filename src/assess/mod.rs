//! Incident × reach × definitions → [`Exposure`] report. Pure.

mod components;
mod consumer;
mod coverage;
mod exposure;
mod inventory;
#[cfg(test)]
mod pipelines_for_tests;
mod placement;

pub use components::{ComponentUse, ComponentsReport, components};
pub use exposure::*;
pub use inventory::{InventoryConsumer, InventoryPlacement, InventoryReport, inventory};

pub const COMPONENTS_SCHEMA: &str = components::SCHEMA;
pub const INVENTORY_SCHEMA: &str = inventory::SCHEMA;
