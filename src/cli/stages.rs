//! What the verbs ask of the stages, and the one place where the stages are joined.

use super::{ExitError, Progress, Sources};
use crate::{
    assess::{ComponentsReport, InventoryReport, Report},
    report::IncidentLine,
};

/// What a verb may ask for. Tests answer with reports of their own.
pub trait Stages: Sync {
    /// Every incident that is known.
    fn incidents(&self) -> Vec<IncidentLine>;

    /// The JSON schema of an incident pack.
    fn pack_schema(&self) -> serde_json::Value;

    /// `incident` is the id of one of [`Stages::incidents`].
    fn expose(
        &self,
        incident: &str,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<Exposed, ExitError>;

    fn components(
        &self,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<ComponentsReport, ExitError>;

    fn inventory(
        &self,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<InventoryReport, ExitError>;
}

#[derive(Clone, Debug)]
pub struct Exposed {
    pub report: Report,
    /// How many were read, found in or not.
    pub repositories: usize,
}

/// The stages that work on clones and folders of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Checkout;

impl Stages for Checkout {
    fn incidents(&self) -> Vec<IncidentLine> {
        Vec::new()
    }

    fn pack_schema(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn expose(&self, _: &str, _: &Sources, _: &Progress) -> Result<Exposed, ExitError> {
        Err(not_joined("expose"))
    }

    fn components(&self, _: &Sources, _: &Progress) -> Result<ComponentsReport, ExitError> {
        Err(not_joined("components"))
    }

    fn inventory(&self, _: &Sources, _: &Progress) -> Result<InventoryReport, ExitError> {
        Err(not_joined("inventory"))
    }
}

/// This build reads nothing yet, and says so rather than report that there is nothing.
fn not_joined(verb: &str) -> ExitError {
    ExitError::failed(format!("`{verb}`"), "this build cannot read checkouts")
}
