//! A job or step, as the reports name it.

use super::Consumer;
use crate::ci::model::{Job, Place, Step};

impl Consumer {
    pub fn new(place: &Place, job: &Job, step: Option<&Step>) -> Self {
        Self {
            file: place.file.to_string(),
            line: place.line,
            // An action that is offered to others stands in no job of this repository.
            job: (!job.id.is_empty()).then(|| job.id.clone()),
            step: step.map(step_label),
        }
    }
}

/// Name or id of a step; its position, counted from one, where it has neither.
pub(super) fn step_label(step: &Step) -> String {
    step.name
        .as_ref()
        .or(step.id.as_ref())
        .cloned()
        .unwrap_or_else(|| format!("#{}", step.index + 1))
}
