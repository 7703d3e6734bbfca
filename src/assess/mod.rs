//! Incident × reach × definitions → [`Report`]; and what is there without an incident. Pure.

mod changes;
mod check;
mod components;
mod consumer;
mod coverage;
mod disposition;
mod expose;
mod exposure;
mod fallout;
mod identity;
mod inventory;
mod locked;
mod merge;
mod ownership;
#[cfg(test)]
mod pipelines_for_tests;
mod placement;
mod site;
mod unseen;
mod why;

pub use changes::{Change, Changes, Was, against};
pub use check::{CheckReport, CheckedCredential, CheckedIncident, Unread, check};
pub use components::{ComponentUse, ComponentsReport, components, gaps_of_components};
pub use expose::{Basis, Defined, Part, Subject, examine, keep_what_counts, report};
pub use exposure::*;
pub use fallout::{Fallen, Fallout, Fallouts};
pub use inventory::{InventoryConsumer, InventoryPlacement, InventoryReport, inventory};
pub use ownership::{ManagedBy, Owner, OwnerSource, Tool};

pub const CHECK_SCHEMA: &str = check::SCHEMA;
pub const COMPONENTS_SCHEMA: &str = components::SCHEMA;
pub const INVENTORY_SCHEMA: &str = inventory::SCHEMA;
