//! Ids that survive edits: no line, date or commit is in them.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Carrier, Placement};
use crate::ci::model::Component;

/// What an exposure is about.
pub(super) struct Line<'a> {
    pub(super) incident: &'a str,
    pub(super) repository: &'a str,
    pub(super) component: &'a Component,
    pub(super) placement: &'a Placement,
    pub(super) file: &'a str,
    pub(super) job: Option<&'a str>,
    /// Position in the job, from 0.
    pub(super) step: Option<usize>,
    pub(super) carrier: Carrier,
}

/// The first 12 hex digits of SHA-256 over the canonical JSON of the parts, in this order.
pub(super) fn of(line: &Line<'_>) -> String {
    let parts = json!([
        line.incident,
        line.repository,
        line.component.kind,
        line.component.name,
        line.component.reference,
        line.placement.platform,
        line.placement.scope,
        line.placement.name,
        line.file,
        line.job,
        line.step,
        line.carrier,
    ]);
    hex::encode(&Sha256::digest(parts.to_string())[..6])
}
