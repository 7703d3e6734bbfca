//! Adds to what was found what its secrets are, and gives the disposition again with that.

use super::{Exposure, InventoryReport, disposition, expose::Part};
use crate::resolve::{Clues, Identified};

/// Every exposure of one repository, with its issuer and credential.
pub fn identify_exposures(part: &mut Part, clues: &Clues) {
    let Some(repository) = part.exposures.first().map(|first| first.repository.clone()) else {
        return;
    };
    let placements = part.exposures.iter().map(|exposure| {
        let placement = &exposure.placement;
        (placement.scope.as_str(), placement.scope_candidates.as_slice(), placement.name.as_str())
    });
    let known = Identified::new(&repository, clues, placements);
    part.exposures.iter_mut().for_each(|exposure| identify(exposure, &known));
}

fn identify(exposure: &mut Exposure, known: &Identified) {
    let placement = &exposure.placement;
    if placement.whole_context {
        return;
    }
    exposure.issuer = known.issuer(&placement.scope, &placement.name).cloned();
    let (scope, candidates) = (&placement.scope, &placement.scope_candidates);
    exposure.credential = known.part(scope, candidates, &placement.name).cloned();
    let part = exposure.credential.is_some();
    let judged = disposition::of(placement, exposure.issuer.as_ref(), part);
    exposure.disposition = judged.disposition;
    exposure.disposition_rule = Some(judged.rule.to_owned());
}

/// Every placement of one repository, with its issuer and credential.
pub fn identify_placements(report: &mut InventoryReport, clues: &Clues) {
    let Some(repository) = report.placements.first().map(|first| first.repository.clone()) else {
        return;
    };
    let placements = report.placements.iter().map(|placement| {
        (placement.scope.as_str(), placement.scope_candidates.as_slice(), placement.name.as_str())
    });
    let known = Identified::new(&repository, clues, placements);
    for placement in report.placements.iter_mut().filter(|placement| placement.name != "*") {
        let (scope, name) = (placement.scope.as_str(), placement.name.as_str());
        placement.issuer = known.issuer(scope, name).cloned();
        placement.credential = known.part(scope, &placement.scope_candidates, name).cloned();
    }
}
