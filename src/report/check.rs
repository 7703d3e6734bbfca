//! All incidents at once, in about ten lines.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    WIDTH,
    headline::coloured,
    sites::shortened,
    text::{self, count},
    words,
};
use crate::assess::{
    CheckReport, CheckedCredential, CheckedIncident, Disposition, Fallen, Fallout, Unread, Verdict,
};

/// Names on one line; the JSON has them all.
const MOST_NAMES: usize = 6;
/// Groups of components with the same reach.
const MOST_GROUPS: usize = 5;
/// Reasons why incidents are open.
const MOST_REASONS: usize = 3;
/// Incidents with credentials that are told one by one.
const MOST_INCIDENTS: usize = 12;

pub fn check(report: &CheckReport) -> String {
    let of = |verdict: Verdict| -> Vec<&CheckedIncident> {
        report.incidents.iter().filter(|one| one.verdict == verdict).collect()
    };
    let mut page = exposed(&of(Verdict::Exposed));
    page.push_str(&unknown(&of(Verdict::Unknown)));
    page.push_str(&clear(of(Verdict::Cleared).len(), of(Verdict::NotFound).len()));
    page.push_str(&today(report));
    page
}

fn line(verdict: Verdict, rest: &str) -> String {
    let (word, style) = words::verdict(verdict);
    let lead = format!("{word}  ");
    coloured(word, style, text::hang(&lead, rest, WIDTH))
}

fn exposed(incidents: &[&CheckedIncident]) -> String {
    let mut page: String =
        incidents.iter().take(MOST_INCIDENTS).map(|one| one_exposed(one)).collect();
    if let Some(more) = incidents.len().checked_sub(MOST_INCIDENTS).filter(|more| *more > 0) {
        page.push_str(&line(Verdict::Exposed, &format!("{more} more incidents, see the JSON")));
    }
    page
}

fn one_exposed(incident: &CheckedIncident) -> String {
    let slots = number(incident);
    let names: BTreeSet<String> =
        acted_on(incident).map(|one| words::placement_name(&one.placement.name)).collect();
    let names: Vec<String> = names.into_iter().collect();
    let found = match slots {
        0 => "its bad content could run, with no credential in reach".to_owned(),
        n => {
            format!("{}: {}", count(n, "credential", "credentials"), shortened(&names, MOST_NAMES))
        }
    };
    line(Verdict::Exposed, &format!("{} · {found}", incident.id))
}

/// How many credentials something has to be done about, each with all its parts.
fn number(incident: &CheckedIncident) -> usize {
    let slot = |one: &CheckedCredential| {
        let placement = one.credential.is_none().then(|| one.placement.clone());
        (one.repository.clone(), one.credential.clone(), placement)
    };
    acted_on(incident).map(slot).collect::<BTreeSet<_>>().len()
}

/// What something has to be done about.
fn acted_on(incident: &CheckedIncident) -> impl Iterator<Item = &CheckedCredential> {
    incident.credentials.iter().filter(|one| {
        !matches!(one.disposition, Disposition::NotACredential | Disposition::AuditOnly)
    })
}

/// Incidents that the same unread thing keeps open are told together, whatever else does.
fn unknown(incidents: &[&CheckedIncident]) -> String {
    let mut by_reason: BTreeMap<Option<&Unread>, Vec<&CheckedIncident>> = BTreeMap::new();
    for incident in incidents {
        by_reason.entry(incident.unread.first()).or_default().push(incident);
    }
    let mut groups: Vec<_> = by_reason.into_iter().collect();
    groups.sort_by_key(|(_, incidents)| std::cmp::Reverse(incidents.len()));
    let more = groups.split_off(groups.len().min(MOST_REASONS));
    let mut page: String =
        groups.iter().map(|(first, incidents)| one_unknown(*first, incidents)).collect();
    if !more.is_empty() {
        let left: usize = more.iter().map(|(_, incidents)| incidents.len()).sum();
        let rest = format!("{} more, see the JSON", count(left, "incident", "incidents"));
        page.push_str(&line(Verdict::Unknown, &rest));
    }
    page
}

fn one_unknown(first: Option<&Unread>, incidents: &[&CheckedIncident]) -> String {
    let ids: Vec<String> = incidents.iter().map(|one| one.id.clone()).collect();
    let open = incidents.iter().map(|one| number(one)).max().unwrap_or_default();
    let others = incidents.iter().map(|one| one.unread.len()).max().unwrap_or_default();
    let why = match (first, others.saturating_sub(1)) {
        (None, _) => format!("{} could not be settled", count(open, "credential", "credentials")),
        (Some(first), 0) => format!("{} could hide a use: {}", first.scope, first.reason),
        (Some(first), n) => {
            let others = count(n, "other thing", "other things");
            format!("{} and up to {others} could hide a use", first.scope)
        }
    };
    line(Verdict::Unknown, &format!("{} · {why}", shortened(&ids, 3)))
}

fn clear(cleared: usize, not_found: usize) -> String {
    let incidents = |n: usize| count(n, "known incident", "known incidents");
    let (verdict, rest) = match (cleared, not_found) {
        (0, 0) => return String::new(),
        (0, not_found) => (Verdict::NotFound, incidents(not_found)),
        (cleared, 0) => (Verdict::Cleared, incidents(cleared)),
        (cleared, not_found) => {
            (Verdict::Cleared, format!("{}; {not_found} more not found", incidents(cleared)))
        }
    };
    line(verdict, &rest)
}

fn today(report: &CheckReport) -> String {
    let dangerous: Vec<&Fallout> =
        report.components.iter().filter(|one| !one.credentials.is_empty()).collect();
    let all: BTreeSet<_> =
        dangerous.iter().flat_map(|one| &one.credentials).map(Fallen::counts_as).collect();
    let mut page = String::from("\n");
    let head = if report.components.is_empty() {
        "today: no third-party code was found that its maker can change".to_owned()
    } else if dangerous.is_empty() {
        format!(
            "today: no credential is within reach of {}",
            count(
                report.components.len(),
                "component that can change",
                "components that can change"
            )
        )
    } else {
        format!(
            "today: {} {} within reach of {} its maker can change:",
            count(all.len(), "credential", "credentials"),
            if all.len() == 1 { "is" } else { "are" },
            count(dangerous.len(), "component that", "components that"),
        )
    };
    page.push_str(&coloured("today", words::BOLD, text::hang("", &head, WIDTH)));
    page.push_str(&groups(&dangerous));
    page.push_str(&text::hang("  ", &foot(report), WIDTH));
    page
}

/// Components that take the same credentials along, on one line.
fn groups(dangerous: &[&Fallout]) -> String {
    let mut groups: Vec<(Vec<&Fallout>, Vec<String>)> = Vec::new();
    for fallout in dangerous {
        let names = names(fallout);
        match groups.iter_mut().find(|(first, _)| same(first[0], fallout)) {
            Some((members, _)) => members.push(fallout),
            None => groups.push((vec![fallout], names)),
        }
    }
    let left = groups.len().saturating_sub(MOST_GROUPS);
    let mut page: String = groups.iter().take(MOST_GROUPS).map(|group| one_group(group)).collect();
    if left > 0 {
        let rest = format!("{} with less reach", count(left, "more group", "more groups"));
        page.push_str(&text::hang("  ", &rest, WIDTH));
    }
    page
}

fn same(a: &Fallout, b: &Fallout) -> bool {
    let slots = |one: &Fallout| -> Vec<_> {
        one.credentials.iter().map(|c| (c.repository.clone(), c.placement.clone())).collect()
    };
    a.credentials.len() == b.credentials.len() && slots(a) == slots(b)
}

fn names(fallout: &Fallout) -> Vec<String> {
    let names: BTreeSet<String> =
        fallout.credentials.iter().map(|one| words::placement_name(&one.placement.name)).collect();
    names.into_iter().collect()
}

fn one_group((members, names): &(Vec<&Fallout>, Vec<String>)) -> String {
    let shown: Vec<String> = members
        .iter()
        .map(|one| words::versioned(&one.name, one.refs.first().map(String::as_str), one.kind))
        .collect();
    let width = members[0].width();
    let lead = format!("  {width:>4}  ");
    text::hang(&lead, &format!("{}: {}", shortened(&shown, 3), shortened(names, MOST_NAMES)), WIDTH)
}

fn foot(report: &CheckReport) -> String {
    let fixed = match report.fixed {
        0 => "no component is fixed by commit, digest or checksum".to_owned(),
        n => format!(
            "{} fixed by commit, digest or checksum",
            count(n, "component is", "components are")
        ),
    };
    match report.coverage.len() {
        0 => fixed,
        n => format!(
            "{fixed}; {} not read: `keysweep components`",
            count(n, "thing was", "things were")
        ),
    }
}
