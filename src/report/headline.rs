//! The first lines of an exposure report: what it is, and what to do first.

use std::collections::{BTreeMap, BTreeSet};

use anstyle::Style;

use super::{Heading, WIDTH, dates, ownership, text, text::count, words};
use crate::assess::{
    Confidence, CoverageState, Disposition, Exposure, Placement, Reach, Report, SiteStatus, Verdict,
};

/// The verdict in one line, without any name of a credential: fit for a log.
pub fn verdict_line(report: &Report, heading: &Heading) -> String {
    parts(report, heading).join(" · ")
}

/// The headline with colour, then what to do.
pub(super) fn render(report: &Report, heading: &Heading) -> String {
    let (word, style) = words::verdict(report.summary.verdict);
    let mut head = coloured(word, style, text::dotted(&parts(report, heading), WIDTH));
    if !heading.title.is_empty() {
        head.push_str(&text::hang("  ", &heading.title, WIDTH));
    }
    if !report.exposures.is_empty() {
        head.push_str(&text::hang("  to do: ", &to_do(report), WIDTH));
    }
    for caveat in &report.caveats {
        head.push_str(&text::hang("  note: ", caveat, WIDTH));
    }
    head
}

/// `lines` with the word they begin with in a style.
pub(super) fn coloured(word: &str, style: Style, lines: String) -> String {
    match lines.strip_prefix(word) {
        Some(rest) => format!("{}{rest}", words::paint(style, word)),
        None => lines,
    }
}

/// The verdict, the incident and its window.
fn parts(report: &Report, heading: &Heading) -> Vec<String> {
    let found = match report.summary.verdict {
        Verdict::Exposed => exposed(report, heading),
        Verdict::Unknown => unknown(report),
        Verdict::Cleared => cleared(report, heading),
        Verdict::NotFound => format!(
            "no component of the incident in {}",
            count(repositories(report, heading), "repository", "repositories")
        ),
    };
    let verdict = format!("{}: {found}", words::verdict(report.summary.verdict).0);
    let window = heading.window.map(|window| match (window.from, window.to) {
        (None, None) => "window open".to_owned(),
        _ => format!("window {}", dates::span(&window)),
    });
    [verdict, report.incident.clone()].into_iter().chain(window).collect()
}

fn exposed(report: &Report, heading: &Heading) -> String {
    let tally = Tally::of(report);
    let place = share(tally.repositories.len(), repositories(report, heading));
    let possible = |only: usize| match only {
        0 => String::new(),
        only => format!(" ({only} only possibly)"),
    };
    let beyond = tally.any_code.len();
    match (tally.payload.len(), beyond) {
        (0, 0) => {
            format!("a component could run its bad content {place}, no credential in its reach")
        }
        (0, _) => format!(
            "{} within reach of any code, none of the known payload, {place}",
            count(beyond, "credential", "credentials"),
        ),
        (taken, 0) => format!(
            "{}{} {place}",
            count(taken, "credential", "credentials"),
            possible(tally.only_possible),
        ),
        (taken, _) => format!(
            "{}{} {place}, {beyond} more within reach of any code",
            count(taken, "credential", "credentials"),
            possible(tally.only_possible),
        ),
    }
}

fn unknown(report: &Report) -> String {
    let sites = report.sites.iter().filter(|site| site.status == SiteStatus::Unknown).count();
    let hidden = report.coverage.iter().filter(|entry| entry.matters).count();
    let could = format!("{} could hide a use", count(hidden, "thing not read", "things not read"));
    match (sites, hidden) {
        (0, _) => format!("nothing found, but {could}"),
        (_, 0) => format!("{} could not be settled", count(sites, "use", "uses")),
        _ => format!("{} could not be settled, and {could}", count(sites, "use", "uses")),
    }
}

fn cleared(report: &Report, heading: &Heading) -> String {
    let used: BTreeSet<&str> = report.sites.iter().map(|site| site.repository.as_str()).collect();
    format!(
        "{} {}, none could run the bad content",
        count(report.sites.len(), "use", "uses"),
        share(used.len(), repositories(report, heading)),
    )
}

/// `in 2 of 5 repositories`
fn share(some: usize, all: usize) -> String {
    if some == all {
        format!("in {}", count(all, "repository", "repositories"))
    } else {
        format!("in {some} of {}", count(all, "repository", "repositories"))
    }
}

/// All that were read; the report itself names only those with something to say.
fn repositories(report: &Report, heading: &Heading) -> usize {
    let exposures = report.exposures.iter().map(|e| &e.repository);
    let sites = report.sites.iter().map(|s| &s.repository);
    let coverage = report
        .coverage
        .iter()
        .filter(|entry| entry.state != CoverageState::NotApplicable)
        .map(|entry| &entry.repository)
        .filter(|name| !name.is_empty());
    let named: BTreeSet<&String> = exposures.chain(sites).chain(coverage).collect();
    heading.repositories.max(named.len())
}

/// What counts as one credential of a repository: all its parts, else the placement.
type Slot<'a> = (&'a str, Option<&'a str>, Option<&'a Placement>);

/// Credentials of a report, each counted once.
struct Tally<'a> {
    payload: BTreeSet<Slot<'a>>,
    only_possible: usize,
    /// Those the known payload did not take.
    any_code: BTreeSet<Slot<'a>>,
    repositories: BTreeSet<&'a str>,
}

impl<'a> Tally<'a> {
    fn of(report: &'a Report) -> Self {
        let credentials =
            || report.exposures.iter().filter(|e| e.disposition != Disposition::NotACredential);
        let of = |reach| credentials().filter(move |e| e.reach == reach);
        let payload: BTreeSet<Slot> = of(Reach::Payload).map(slot).collect();
        let sure: BTreeSet<Slot> =
            of(Reach::Payload).filter(|e| e.confidence > Confidence::Possible).map(slot).collect();
        let sites = report.sites.iter().filter(|site| site.status == SiteStatus::Exposed);
        Self {
            only_possible: payload.len() - sure.len(),
            any_code: of(Reach::AnyCode).map(slot).filter(|s| !payload.contains(s)).collect(),
            repositories: credentials()
                .map(|e| e.repository.as_str())
                .chain(sites.map(|site| site.repository.as_str()))
                .collect(),
            payload,
        }
    }
}

fn slot(exposure: &Exposure) -> Slot<'_> {
    let part = exposure.credential.as_ref().map(|part| part.id.as_str());
    let placement = part.is_none().then_some(&exposure.placement);
    (&exposure.repository, part, placement)
}

/// The work, most urgent first: `rotate 3 · audit its use 1`.
fn to_do(report: &Report) -> String {
    let mut slots: BTreeMap<Slot, Disposition> = BTreeMap::new();
    for exposure in &report.exposures {
        slots.entry(slot(exposure)).or_insert(exposure.disposition);
    }
    let order = [
        Disposition::Rotate,
        Disposition::SigningKey,
        Disposition::RevokeSession,
        Disposition::Retire,
        Disposition::Decide,
        Disposition::AuditOnly,
        Disposition::NotACredential,
    ];
    let parts = order.into_iter().filter_map(|what| {
        let number = slots.values().filter(|disposition| **disposition == what).count();
        (number > 0).then(|| format!("{} {number}", words::disposition(what)))
    });
    let ownerless = ownership::ownerless(&report.exposures);
    let ownerless = (ownerless > 0).then(|| format!("owner: none for {ownerless}"));
    parts.chain(ownerless).collect::<Vec<_>>().join(" · ")
}
