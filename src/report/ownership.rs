//! Owners and writers of placements, in words.

use std::collections::{BTreeMap, BTreeSet};

use super::{WIDTH, text};
use crate::assess::{Confidence, Exposure, ManagedBy, Owner, OwnerSource, Placement, Tool};

pub(super) fn tool(tool: Tool) -> &'static str {
    match tool {
        Tool::Terraform => "Terraform",
        Tool::Pulumi => "Pulumi",
        Tool::Sops => "SOPS",
        Tool::SealedSecrets => "Sealed Secrets",
        Tool::ExternalSecrets => "External Secrets",
    }
}

/// What is to be known of the written ones before a value is changed by hand.
pub(super) fn notes(exposures: &[&Exposure]) -> String {
    // The token of a job ends with it: there is nobody to ask for a new one.
    let stored: Vec<&Exposure> =
        exposures.iter().copied().filter(|e| e.placement.scope != "job").collect();
    let exposures = &stored[..];
    let mut page = String::new();
    let mut by_tool: BTreeMap<Tool, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    for exposure in exposures {
        let sure = exposure.managed_by.iter().filter(|by| by.certainty > Confidence::Possible);
        for by in sure {
            let (names, places) = by_tool.entry(by.tool).or_default();
            names.insert(&exposure.placement.name);
            places.insert(place(by));
        }
    }
    for (by, (names, places)) in by_tool {
        let first = places.first().map_or("", String::as_str);
        let more = if places.len() > 1 { " …" } else { "" };
        let are = if names.len() == 1 { "is" } else { "are" };
        let names = names.len();
        let note = format!(
            "{names} of these {are} written by {} ({first}{more}): change the value there, or the next \
             apply brings the old one back",
            tool(by)
        );
        page.push_str(&text::hang("  ", &note, WIDTH));
    }
    let owners = owners(exposures);
    if !owners.is_empty() {
        page.push_str(&text::hang("  ", &format!("owners: {owners}"), WIDTH));
    }
    page
}

/// Placements, each once, for which nobody is named: neither an owner nor an author.
pub(super) fn ownerless(exposures: &[Exposure]) -> usize {
    let mut named: BTreeMap<(&str, &Placement), bool> = BTreeMap::new();
    for exposure in exposures.iter().filter(|e| e.placement.scope != "job") {
        let known = !exposure.owners.is_empty() || exposure.author_unknown.is_some();
        *named.entry((&exposure.repository, &exposure.placement)).or_default() |= known;
    }
    named.values().filter(|known| !**known).count()
}

/// The owners of a block, code owners first, the most frequent first.
fn owners(exposures: &[&Exposure]) -> String {
    const MOST: usize = 3;
    let mut count: BTreeMap<(OwnerSource, &str), BTreeSet<&str>> = BTreeMap::new();
    for exposure in exposures {
        // An author is asked where no file names an owner.
        let codeowners = exposure.owners.iter().any(|owner| owner.how == OwnerSource::Codeowners);
        let shown = |owner: &&Owner| !codeowners || owner.how == OwnerSource::Codeowners;
        for owner in exposure.owners.iter().filter(shown) {
            let names = count.entry((owner.how, &owner.who)).or_default();
            names.insert(&exposure.placement.name);
        }
    }
    let mut list: Vec<_> =
        count.into_iter().map(|((how, who), names)| (how, names.len(), who)).collect();
    list.sort_by_key(|(how, names, who)| (*how, std::cmp::Reverse(*names), *who));
    let more = list.len().saturating_sub(MOST);
    let shown = list.iter().take(MOST).map(|(how, names, who)| {
        let how = if *how == OwnerSource::GitAuthor { ", first to name" } else { "" };
        format!("{who}{how} ({names})")
    });
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

/// For the derivation of one line.
pub(super) fn owned(exposure: &Exposure) -> Vec<String> {
    let mut lines: Vec<String> = exposure.owners.iter().map(owner).collect();
    if let Some(reason) = &exposure.author_unknown {
        lines.push(format!("who first named it is not known: {reason}"));
    } else if lines.is_empty() {
        lines.push(
            "none: no line of CODEOWNERS takes the file, and no version on the default branch names it".to_owned(),
        );
    }
    lines
}

fn owner(owner: &Owner) -> String {
    let at = format!("{}:{}", owner.file, owner.line);
    match owner.how {
        OwnerSource::Codeowners => format!("{} owns the file ({at})", owner.who),
        OwnerSource::GitAuthor => {
            let day = owner.date.map(|date| format!(" on {}", date.strftime("%Y-%m-%d")));
            let commit = owner.commit.as_ref().map(|id| format!(", commit {id}"));
            format!(
                "{} first named it{} ({at}{})",
                owner.who,
                day.unwrap_or_default(),
                commit.unwrap_or_default()
            )
        }
    }
}

pub(super) fn managed(exposure: &Exposure) -> Vec<String> {
    let line = |by: &ManagedBy| {
        let sure = if by.certainty > Confidence::Possible { "" } else { "perhaps " };
        let reason = by.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{sure}{} `{}` ({}){reason}", tool(by.tool), by.resource, place(by))
    };
    exposure.managed_by.iter().map(line).collect()
}

fn place(by: &ManagedBy) -> String {
    let repository = by.repository.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    format!("{repository}{}:{}", by.file, by.line)
}
