//! Places where the component is used and no credential is listed: each with its reason.

use std::collections::{BTreeMap, BTreeSet};

use super::{WIDTH, text, words};
use crate::{
    assess::{Report, Site, SiteStatus},
    ci::model::Kind,
};

/// Places named for one reason; the JSON has them all.
const MOST_PLACES: usize = 3;
/// Reasons told apart; the JSON has them all.
const MOST_GROUPS: usize = 40;

pub(super) fn render(report: &Report) -> String {
    let listed: BTreeSet<_> = report
        .exposures
        .iter()
        .map(|e| (e.repository.as_str(), words::place(e.consumer.as_ref())))
        .collect();
    let bare = |site: &&Site| {
        !listed.contains(&(site.repository.as_str(), words::place(site.consumer.as_ref())))
    };
    let of = |status| report.sites.iter().filter(move |site| site.status == status);
    [
        list(
            "could run its bad content, no credential in reach",
            of(SiteStatus::Exposed).filter(bare),
        ),
        list("not settled", of(SiteStatus::Unknown)),
        list("cleared", of(SiteStatus::Cleared)),
    ]
    .concat()
}

/// One paragraph per component and reason, however many places share them.
fn list<'a>(title: &str, sites: impl Iterator<Item = &'a Site>) -> String {
    let mut groups: BTreeMap<(Kind, &str, String), Vec<&Site>> = BTreeMap::new();
    for site in sites {
        let (component, reason) = (&site.component, without_ref(site));
        groups.entry((component.kind, &component.name, reason)).or_default().push(site);
    }
    if groups.is_empty() {
        return String::new();
    }
    let mut lines = format!("\n{}\n", words::paint(words::BOLD, &format!("{title}:")));
    let more = groups.len().saturating_sub(MOST_GROUPS);
    for ((kind, name, reason), sites) in groups.into_iter().take(MOST_GROUPS) {
        let line = format!("{} {}: {reason}", words::kind(kind), named(name, &sites));
        lines.push_str(&text::hang("  ", &line, WIDTH));
        lines.push_str(&text::hang("    at ", &places(&sites), WIDTH));
    }
    if more > 0 {
        let line = format!("and {more} more groups of places: see --format json");
        lines.push_str(&text::hang("  ", &line, WIDTH));
    }
    lines
}

/// The reason in words that other refs of the component share.
fn without_ref(site: &Site) -> String {
    match &site.component.reference {
        Some(commit) if commit.len() >= 40 => site.reason.replace(commit.as_str(), "that commit"),
        _ => site.reason.clone(),
    }
}

/// `owner/repo@v1`, or the name with the number of its refs.
fn named(name: &str, sites: &[&Site]) -> String {
    let refs: BTreeSet<&Option<String>> =
        sites.iter().map(|site| &site.component.reference).collect();
    match sites {
        [first, ..] if refs.len() == 1 => words::component(&first.component),
        _ => format!("{name} at {} refs", refs.len()),
    }
}

fn places(sites: &[&Site]) -> String {
    let mut places: Vec<String> = sites
        .iter()
        .map(|site| match &site.consumer {
            Some(consumer) => format!("{} {}:{}", site.repository, consumer.file, consumer.line),
            None => site.repository.clone(),
        })
        .collect();
    places.sort();
    places.dedup();
    shortened(&places, MOST_PLACES)
}

/// `a, b, c and 5 more`
pub(super) fn shortened(items: &[String], most: usize) -> String {
    match items.len().checked_sub(most) {
        Some(more) if more > 0 => format!("{} and {more} more", items[..most].join(", ")),
        _ => items.join(", "),
    }
}
