//! Placements that were seen: in a report, or by a store itself.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    assess::{InventoryReport, Report},
    ci::model::Platform,
    resolve::{Issuer, IssuerConfidence},
};

/// A placement, and what is known of it apart from the book.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// What it may be called: a file names a secret, and does not always tell at which level it is stored.
    pub names: Vec<String>,
    /// What its use tells, where it tells it well.
    pub issuer: Option<SeenIssuer>,
    /// When it was written, where the store tells.
    pub updated: Option<Timestamp>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeenIssuer {
    pub kind: String,
    pub account: Option<String>,
}

/// The placements of an inventory; what is made for each job is none of the book's business.
pub fn of_inventory(report: &InventoryReport) -> Vec<Seen> {
    let placements = report.placements.iter().filter(|p| is_kept(&p.scope)).map(|p| {
        let names = names(p.platform, &p.repository, &p.scope, &p.scope_candidates, &p.name);
        (names, p.issuer.as_ref())
    });
    gathered(placements)
}

/// The placements that were exposed.
pub fn of_exposures(report: &Report) -> Vec<Seen> {
    let placements = report.exposures.iter().filter(|e| is_kept(&e.placement.scope)).map(|e| {
        let p = &e.placement;
        let names = names(p.platform, &e.repository, &p.scope, &p.scope_candidates, &p.name);
        (names, e.issuer.as_ref())
    });
    gathered(placements)
}

/// What the placement of a row may be called in the book.
pub(crate) fn names_of(row: &crate::assess::Exposure) -> Vec<String> {
    let p = &row.placement;
    names(p.platform, &row.repository, &p.scope, &p.scope_candidates, &p.name)
}

fn is_kept(scope: &str) -> bool {
    !matches!(scope, "job" | "literal")
}

fn gathered<'r>(found: impl Iterator<Item = (Vec<String>, Option<&'r Issuer>)>) -> Vec<Seen> {
    let mut seen: BTreeMap<Vec<String>, Option<SeenIssuer>> = BTreeMap::new();
    for (names, issuer) in found {
        let told = issuer.and_then(told);
        let known = seen.entry(names).or_default();
        if known.is_none() {
            *known = told;
        }
    }
    seen.into_iter().map(|(names, issuer)| Seen { names, issuer, updated: None }).collect()
}

/// A guess by the name alone is no reason to doubt what somebody confirmed.
fn told(issuer: &Issuer) -> Option<SeenIssuer> {
    match issuer.confidence {
        IssuerConfidence::Certain | IssuerConfidence::Likely => {
            Some(SeenIssuer { kind: issuer.kind.clone(), account: issuer.account.clone() })
        }
        IssuerConfidence::Possible | IssuerConfidence::Unknown => None,
    }
}

/// `github:acme/site/repo/TOKEN`: platform, repository, scope, name.
fn names(
    platform: Platform,
    repository: &str,
    scope: &str,
    candidates: &[String],
    name: &str,
) -> Vec<String> {
    let platform = match platform {
        Platform::Github => "github",
        Platform::Gitlab => "gitlab",
        Platform::Circleci => "circleci",
        Platform::Travis => "travis",
        Platform::Jenkins => "jenkins",
        Platform::Azure => "azure",
    };
    let one = |scope: &str| format!("{platform}:{repository}/{scope}/{name}");
    match candidates {
        [] => vec![one(scope)],
        candidates => candidates.iter().map(|scope| one(scope)).collect(),
    }
}
