//! What was not seen: what could change the verdict in full, the rest as a number.

use std::collections::{BTreeMap, BTreeSet};

use super::{WIDTH, sites::shortened, text, words};
use crate::assess::{Coverage, CoverageState};

const MOST_NAMES: usize = 3;
/// Troubles told apart; the JSON has them all.
const MOST_GROUPS: usize = 40;

pub(super) fn render(coverage: &[Coverage]) -> String {
    let unseen = coverage.iter().filter(|entry| is_blind(entry));
    let (matters, rest): (Vec<_>, Vec<_>) = unseen.partition(|entry| entry.matters);
    if matters.is_empty() && rest.is_empty() {
        return String::new();
    }
    let mut lines = format!("\n{}\n", words::paint(words::BOLD, "what was not seen:"));
    let groups = grouped(&matters);
    let more = groups.len().saturating_sub(MOST_GROUPS);
    for ((state, what, reason), entries) in groups.into_iter().take(MOST_GROUPS) {
        let lead = format!("  {} ", words::paint(words::DOUBT, "!"));
        let line = format!("{what}: {reason} ({})", words::state(state));
        // The colour has no width: the lead stands for the four columns it takes.
        lines.push_str(&text::hang("  ! ", &line, WIDTH).replacen("  ! ", &lead, 1));
        lines.push_str(&text::hang("    in ", &whereabouts(&entries), WIDTH));
    }
    if more > 0 {
        let line =
            format!("and {more} more troubles that could change the result: see --format json");
        lines.push_str(&text::hang("  ", &line, WIDTH));
    }
    if !rest.is_empty() {
        lines.push_str(&text::hang("  ", &counted(&rest, matters.is_empty()), WIDTH));
    }
    lines
}

/// What was read and what does not apply are no blind spots.
fn is_blind(entry: &Coverage) -> bool {
    entry.matters || !matches!(entry.state, CoverageState::Seen | CoverageState::NotApplicable)
}

type Group<'a> = (CoverageState, String, &'a str);

fn grouped<'a>(entries: &[&'a Coverage]) -> BTreeMap<Group<'a>, Vec<&'a Coverage>> {
    let mut groups: BTreeMap<Group, Vec<&Coverage>> = BTreeMap::new();
    for entry in entries {
        let what = match entry.scope.split_once(':') {
            // One trouble in ten files is one line that names the files.
            Some(("file", _)) => "file".to_owned(),
            Some((kind, name)) => format!("{kind} {name}"),
            None => entry.scope.clone(),
        };
        groups.entry((entry.state, what, &entry.reason)).or_default().push(entry);
    }
    groups
}

/// Repositories, with the files where the entries have some.
fn whereabouts(entries: &[&Coverage]) -> String {
    let places: BTreeSet<String> = entries.iter().map(|entry| place(entry)).collect();
    shortened(&places.into_iter().collect::<Vec<_>>(), MOST_NAMES)
}

fn place(entry: &Coverage) -> String {
    let file = match (&entry.file, entry.line) {
        (Some(file), Some(line)) => Some(format!("{file}:{line}")),
        (Some(file), None) => Some(file.clone()),
        (None, _) => entry.scope.strip_prefix("file:").map(str::to_owned),
    };
    match file {
        Some(file) if entry.repository.is_empty() => file,
        Some(file) => format!("{} {file}", entry.repository),
        None if entry.repository.is_empty() => "every repository".to_owned(),
        None => entry.repository.clone(),
    }
}

/// `and 12 that cannot change the result (5 not looked at, 7 failed): see --format json`
fn counted(rest: &[&Coverage], alone: bool) -> String {
    let mut states: BTreeMap<CoverageState, usize> = BTreeMap::new();
    for entry in rest {
        *states.entry(entry.state).or_default() += 1;
    }
    let states: Vec<String> =
        states.iter().map(|(state, number)| format!("{number} {}", words::state(*state))).collect();
    let subject = match alone {
        true => text::count(rest.len(), "thing", "things"),
        false => format!("and {}", rest.len()),
    };
    format!("{subject} that cannot change the result ({}): see --format json", states.join(", "))
}
