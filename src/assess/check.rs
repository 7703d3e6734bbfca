//! All incidents at once, and what would fall today: schema `keysweep.check/1`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Confidence, Coverage, Disposition, Fallout, Fallouts, Placement, Report, Verdict};

pub(super) const SCHEMA: &str = "keysweep.check/1";

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct CheckReport {
    pub schema: String,
    /// The worst of all incidents.
    pub verdict: Verdict,
    pub repositories: usize,
    pub incidents: Vec<CheckedIncident>,
    /// Third-party code of today that its maker can change, the widest reach first.
    pub components: Vec<Fallout>,
    /// Components that are fixed by commit or digest, or verified before they run.
    pub fixed: usize,
    /// What could hide a component or a secret of today's CI.
    pub coverage: Vec<Coverage>,
}

/// What one incident means here; `keysweep expose ID` tells the rest.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct CheckedIncident {
    pub id: String,
    pub title: String,
    pub verdict: Verdict,
    /// Uses of its components, cleared ones too.
    pub sites: usize,
    pub credentials: Vec<CheckedCredential>,
    /// What was not read and could change the verdict: scope and reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
}

#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Unread {
    pub repository: String,
    pub scope: String,
    pub reason: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct CheckedCredential {
    pub repository: String,
    pub placement: Placement,
    /// The surest of its lines.
    pub confidence: Confidence,
    pub disposition: Disposition,
    /// The same for all parts of one credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// `reports` come with the titles of their incidents.
pub fn check(
    reports: Vec<(String, Report)>,
    fallouts: Fallouts,
    coverage: Vec<Coverage>,
    repositories: usize,
) -> CheckReport {
    let mut incidents: Vec<CheckedIncident> = reports.into_iter().map(incident).collect();
    incidents.sort_by(|a, b| (rank(a.verdict), &a.id).cmp(&(rank(b.verdict), &b.id)));
    CheckReport {
        schema: SCHEMA.to_owned(),
        verdict: incidents.first().map_or(Verdict::NotFound, |worst| worst.verdict),
        repositories,
        incidents,
        fixed: fallouts.fixed(),
        components: fallouts.into_list(),
        coverage: coverage.into_iter().filter(|entry| entry.matters).collect(),
    }
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Exposed => 0,
        Verdict::Unknown => 1,
        Verdict::Cleared => 2,
        Verdict::NotFound => 3,
    }
}

fn incident((title, report): (String, Report)) -> CheckedIncident {
    let mut credentials: BTreeMap<(String, Placement), CheckedCredential> = BTreeMap::new();
    for exposure in report.exposures {
        let key = (exposure.repository.clone(), exposure.placement.clone());
        let known = credentials.entry(key).or_insert_with(|| CheckedCredential {
            repository: exposure.repository,
            placement: exposure.placement,
            confidence: exposure.confidence,
            disposition: exposure.disposition,
            credential: exposure.credential.map(|part| part.id),
        });
        known.confidence = known.confidence.max(exposure.confidence);
    }
    let matters = report.coverage.into_iter().filter(|entry| entry.matters);
    let unread: BTreeSet<Unread> = matters
        .map(|entry| Unread {
            repository: entry.repository,
            scope: entry.scope,
            reason: entry.reason,
        })
        .collect();
    CheckedIncident {
        id: report.incident,
        title,
        verdict: report.summary.verdict,
        sites: report.sites.len(),
        credentials: credentials.into_values().collect(),
        unread: unread.into_iter().collect(),
    }
}
