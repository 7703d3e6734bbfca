//! What would lose a credential, or stop somebody who was not told. `rotate` refuses a plan with an error.

mod delivery;
mod outage;
mod whole;

use std::time::Duration;

use super::{Plan, Rotation};

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// The plan is refused.
    Error,
    Warning,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    pub level: Level,
    /// The rule's name: `no-recovery`.
    pub rule: &'static str,
    /// `None`: the plan as a whole.
    pub rotation: Option<String>,
    pub what: String,
    pub way_out: String,
}

/// All findings: of the plan, then of each rotation in its order, then of what is not in it.
pub fn lint(plan: &Plan) -> Vec<Finding> {
    let mut found = Found::default();
    whole::plan(plan, &mut found);
    for rotation in &plan.rotations {
        found.rotation = Some(rotation.id.clone());
        whole::rotation(plan, rotation, &mut found);
        outage::rotation(plan, rotation, &mut found);
        for delivery in &rotation.deliveries {
            delivery::delivery(rotation, delivery, &mut found);
        }
        delivery::fields(rotation, &mut found);
    }
    for refused in &plan.refused {
        found.rotation = Some(refused.rotation.clone());
        found.error("refused", refused.what.clone(), refused.way_out.clone());
    }
    found.findings
}

#[derive(Debug, Default)]
struct Found {
    rotation: Option<String>,
    findings: Vec<Finding>,
}

impl Found {
    fn error(&mut self, rule: &'static str, what: impl Into<String>, way_out: impl Into<String>) {
        self.add(Level::Error, rule, what.into(), way_out.into());
    }

    fn warn(&mut self, rule: &'static str, what: impl Into<String>, way_out: impl Into<String>) {
        self.add(Level::Warning, rule, what.into(), way_out.into());
    }

    fn add(&mut self, level: Level, rule: &'static str, what: String, way_out: String) {
        let rotation = self.rotation.clone();
        self.findings.push(Finding { level, rule, rotation, what, way_out });
    }
}

/// Whether the rotation ends a credential that others may hold.
fn ends_old(rotation: &Rotation) -> bool {
    rotation.old.is_some()
}

fn shown(duration: Duration) -> String {
    super::duration(duration)
}
