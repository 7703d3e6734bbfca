//! What was not seen, and whether it could change this verdict.

use std::collections::BTreeSet;

use super::{
    Basis, Coverage, CoverageState, Live, Site, SiteStatus, Subject, coverage, expose::Defined,
};
use crate::{
    ci::model::{Gap, Hides, Platform, Role},
    discover::{self, Hidden},
    incident::{Meeting, Pack, Window, meet},
};

pub(super) fn of(pack: &Pack, subject: &Subject<'_>, sites: &[Site]) -> Vec<Coverage> {
    let mut entries: Vec<Coverage> = Vec::new();
    for entry in subject.coverage {
        entries.push(Coverage {
            repository: subject.identity.to_owned(),
            scope: entry.scope.clone(),
            state: entry.state,
            reason: entry.reason.clone(),
            matters: could_hide(pack, subject, entry),
            file: entry.file.clone(),
            line: None,
        });
    }
    // A gap in what was in force at other times only hides nothing of this incident.
    let in_time = subject.definitions.iter().filter(|d| could_meet(pack, subject, d.live));
    for gap in in_time.flat_map(|defined| &defined.pipeline.gaps) {
        entries.push(gap_entry(pack, subject, gap, sites));
    }
    entries.extend(not_standing_yet(pack, subject));
    let of_github = |d: &Defined<'_>| {
        d.pipeline.platform == Platform::Github && d.pipeline.role != Role::Locked
    };
    if subject.definitions.iter().any(of_github) {
        entries.push(settings(subject));
    }
    if sites.iter().any(|site| site.status != SiteStatus::Cleared)
        && subject.definitions.iter().any(|d| d.pipeline.role == Role::Offered)
    {
        entries.push(consumers(subject));
    }
    sorted(entries)
}

/// Whether what was in force at these times could have met a window of the incident. Only history tells:
/// of a folder as it stood on one day it is not known what was there before.
fn could_meet(pack: &Pack, subject: &Subject<'_>, live: &[Live]) -> bool {
    let meets = |windows: &[Window]| {
        let windows: Vec<&Window> = windows.iter().collect();
        !matches!(meet(&windows, live), Meeting::Outside { .. })
    };
    subject.basis != Basis::History || pack.components().iter().any(|c| meets(&c.windows))
}

/// A folder as it stood on a day after the window: whatever it holds, it does not say what was there in
/// the window.
fn not_standing_yet(pack: &Pack, subject: &Subject<'_>) -> Option<Coverage> {
    let (Basis::AsOf(day), (_, Some(end))) = (subject.basis, pack.hull()) else { return None };
    let reason = || {
        format!(
            "taken as it stood on {day}: what was there in the window, which ended {end}, is not known"
        )
    };
    (end <= day).then(|| Coverage {
        repository: subject.identity.to_owned(),
        scope: "history:HEAD".to_owned(),
        state: CoverageState::Unseen,
        reason: reason(),
        matters: true,
        file: None,
        line: None,
    })
}

/// Whether a component of the incident could be behind it, in its window.
fn could_hide(pack: &Pack, subject: &Subject<'_>, entry: &discover::Coverage) -> bool {
    let in_window = || could_meet(pack, subject, &entry.live);
    match entry.hides {
        Hidden::Nothing => false,
        Hidden::Packages(ecosystem) => pack.has_packages_of(ecosystem) && in_window(),
        Hidden::Anything => match entry.scope.strip_prefix("dialect:") {
            Some(system) => pack.can_run_under(system) && in_window(),
            None => in_window(),
        },
        Hidden::Before(time) => {
            pack.components().iter().flat_map(|component| &component.windows).any(|window| {
                window.is_of_component() && window.from.is_none_or(|from| from < time)
            })
        }
    }
}

fn gap_entry(pack: &Pack, subject: &Subject<'_>, gap: &Gap, sites: &[Site]) -> Coverage {
    let matters = match &gap.hides {
        Hides::Anything => true,
        Hides::Text(text) => pack.could_name(text),
        Hides::Kind(kind) => pack.has_kind(*kind),
        Hides::Packages(ecosystem) => pack.has_packages_of(ecosystem),
        Hides::Secrets => sites.iter().any(|site| {
            let file = &*gap.place.file;
            let calls = site.via.iter().map(|place| &*place.file);
            let mut files = site.consumer.iter().map(|c| c.file.as_str()).chain(calls);
            site.status != SiteStatus::Cleared && files.any(|known| known == file)
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

/// What matters first, each entry once.
pub(super) fn sorted(mut entries: Vec<Coverage>) -> Vec<Coverage> {
    entries.sort_by(|a, b| b.matters.cmp(&a.matters).then_with(|| a.cmp(b)));
    let mut seen = BTreeSet::new();
    // Two versions of a file may say the same of a gap, and it matters in one of them.
    entries.retain(|entry| seen.insert(Coverage { matters: false, ..entry.clone() }));
    entries
}

#[cfg(test)]
#[path = "unseen_tests.rs"]
mod tests;

/// More exposures in one file than anybody reads.
pub(super) fn too_many(subject: &Subject<'_>, file: &str, most: usize) -> Coverage {
    Coverage {
        repository: subject.identity.to_owned(),
        scope: format!("file:{file}"),
        state: CoverageState::Failed,
        reason: format!(
            "its steps and secrets make more than {most} exposures: the others are not listed"
        ),
        matters: true,
        file: Some(file.to_owned()),
        line: None,
    }
}
