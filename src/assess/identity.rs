//! Ids that survive edits: no line, date or commit is in them.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Carrier, Placement};
use crate::ci::model::{Component, Job, Step};

/// What an exposure is about.
pub(super) struct Line<'a> {
    pub(super) incident: &'a str,
    pub(super) repository: &'a str,
    pub(super) component: &'a Component,
    pub(super) placement: &'a Placement,
    pub(super) file: &'a str,
    pub(super) job: Option<&'a str>,
    pub(super) step: Option<&'a str>,
    pub(super) carrier: Carrier,
}

/// What tells a step from the others of its job, and stays when steps are put before it: its id or name where
/// no other has it, else its number among the steps that use the same component.
pub(super) fn step_key(job: &Job, step: &Step, component: &Component) -> String {
    let once = |label: &Option<String>, of: fn(&Step) -> &Option<String>| {
        label.clone().filter(|_| job.steps.iter().filter(|other| of(other) == label).count() == 1)
    };
    let label = once(&step.id, |step| &step.id).or_else(|| once(&step.name, |step| &step.name));
    label.unwrap_or_else(|| {
        let uses = |other: &&Step| {
            other.mentions.iter().any(|mention| {
                mention.component.kind == component.kind && mention.component.name == component.name
            })
        };
        let before = job.steps.iter().take_while(|other| other.index < step.index);
        format!("#{}", before.filter(uses).count())
    })
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
