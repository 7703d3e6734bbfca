//! What was not seen, and whether it could change this verdict.

use std::collections::BTreeSet;

use super::{Coverage, CoverageState, Site, SiteStatus, Subject};
use crate::{
    ci::model::{Gap, Hides, Platform, Role},
    incident::Pack,
};

pub(super) fn of(pack: &Pack, subject: &Subject<'_>, sites: &[Site]) -> Vec<Coverage> {
    let mut entries: BTreeSet<Coverage> = BTreeSet::new();
    for entry in subject.coverage {
        let matters = entry.matters && pack.can_occur_in(&entry.scope);
        entries.insert(Coverage { matters, ..entry.clone() });
    }
    for defined in &subject.definitions {
        entries.extend(defined.pipeline.gaps.iter().map(|gap| gap_entry(pack, subject, gap, sites)));
    }
    if subject.definitions.iter().any(|d| d.pipeline.platform == Platform::Github) {
        entries.insert(settings(subject));
    }
    if sites.iter().any(|site| site.status != SiteStatus::Cleared)
        && subject.definitions.iter().any(|d| d.pipeline.role == Role::Offered)
    {
        entries.insert(consumers(subject));
    }
    entries.into_iter().collect()
}

fn gap_entry(pack: &Pack, subject: &Subject<'_>, gap: &Gap, sites: &[Site]) -> Coverage {
    let matters = match &gap.hides {
        Hides::Anything => true,
        Hides::Text(text) => pack.could_name(text),
        Hides::Secrets => sites.iter().any(|site| {
            site.status != SiteStatus::Cleared
                && site.consumer.as_ref().is_some_and(|c| *c.file == *gap.place.file)
        }),
        Hides::Nothing => false,
    };
    Coverage {
        repository: subject.identity.to_owned(),
        scope: format!("file:{}:{}", gap.place.file, gap.place.line),
        state: CoverageState::Failed,
        reason: gap.reason.clone(),
        matters,
        file: Some(gap.place.file.to_string()),
        line: Some(gap.place.line),
    }
}

/// Names in files say what was asked for, not what is stored: that takes an account.
fn settings(subject: &Subject<'_>) -> Coverage {
    Coverage {
        repository: subject.identity.to_owned(),
        scope: "settings:github".to_owned(),
        state: CoverageState::Unseen,
        reason: "not asked: which of these secrets exist, in which scope, the default permissions of \
                 the job token and who may start runs stand in settings that need an account"
            .to_owned(),
        matters: false,
        file: None,
        line: None,
    }
}

fn consumers(subject: &Subject<'_>) -> Coverage {
    Coverage {
        repository: subject.identity.to_owned(),
        scope: "settings:consumers".to_owned(),
        state: CoverageState::Unseen,
        reason: "not asked: who calls the actions and workflows that this repository offers, and which \
                 other secrets their jobs hold"
            .to_owned(),
        matters: false,
        file: None,
        line: None,
    }
}

/// What matters first.
pub(super) fn sorted(mut entries: Vec<Coverage>) -> Vec<Coverage> {
    entries.sort_by(|a, b| b.matters.cmp(&a.matters).then_with(|| a.cmp(b)));
    entries.dedup();
    entries
}
