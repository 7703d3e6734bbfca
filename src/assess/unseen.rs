//! What was not seen, and whether it could change this verdict.

use std::collections::BTreeSet;

use super::{Coverage, CoverageState, Site, SiteStatus, Subject, coverage};
use crate::{
    ci::model::{Gap, Hides, Platform, Role},
    discover::{self, Hidden},
    incident::{Meeting, Pack, Window, meet},
};

pub(super) fn of(pack: &Pack, subject: &Subject<'_>, sites: &[Site]) -> Vec<Coverage> {
    let mut entries: BTreeSet<Coverage> = BTreeSet::new();
    let windows: Vec<&Window> = pack.components().iter().flat_map(|c| &c.windows).collect();
    for entry in subject.coverage {
        entries.insert(Coverage {
            repository: subject.identity.to_owned(),
            scope: entry.scope.clone(),
            state: entry.state,
            reason: entry.reason.clone(),
            matters: could_hide(pack, &windows, entry),
            file: entry.file.clone(),
            line: None,
        });
    }
    for defined in &subject.definitions {
        entries
            .extend(defined.pipeline.gaps.iter().map(|gap| gap_entry(pack, subject, gap, sites)));
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

/// Whether a component of the incident could be behind it, in its window.
fn could_hide(pack: &Pack, windows: &[&Window], entry: &discover::Coverage) -> bool {
    let in_window = || !matches!(meet(windows, &entry.live), Meeting::Outside { .. });
    match entry.hides {
        Hidden::Nothing => false,
        Hidden::Packages(ecosystem) => pack.has_packages_of(ecosystem) && in_window(),
        Hidden::Anything => match entry.scope.strip_prefix("dialect:") {
            Some(system) => pack.can_run_under(system) && in_window(),
            None => in_window(),
        },
        Hidden::Before(time) => windows
            .iter()
            .any(|window| window.is_of_component() && window.from.is_none_or(|from| from < time)),
    }
}

fn gap_entry(pack: &Pack, subject: &Subject<'_>, gap: &Gap, sites: &[Site]) -> Coverage {
    let matters = match &gap.hides {
        Hides::Anything => true,
        Hides::Text(text) => pack.could_name(text),
        Hides::Kind(kind) => pack.has_kind(*kind),
        Hides::Secrets => sites.iter().any(|site| {
            site.status != SiteStatus::Cleared
                && site.consumer.as_ref().is_some_and(|c| *c.file == *gap.place.file)
        }),
        Hides::Nothing => false,
    };
    coverage::of_gap(subject.identity, gap, matters)
}

/// Names in files say what was asked for, not what is stored: that takes an account.
fn settings(subject: &Subject<'_>) -> Coverage {
    Coverage {
        repository: subject.identity.to_owned(),
        scope: "settings:github".to_owned(),
        state: CoverageState::Unseen,
        reason:
            "not asked: which of these secrets exist, in which scope, the default permissions of \
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
        reason:
            "not asked: who calls the actions and workflows that this repository offers, and which \
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
