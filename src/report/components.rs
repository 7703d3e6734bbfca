//! All third-party code, for people.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    WIDTH, coverage,
    grid::{Grid, Line, bold, faint, plain},
    headline::coloured,
    sites::shortened,
    text, words,
};
use crate::{
    assess::{ComponentUse, ComponentsReport},
    ci::model::{Kind, Pinned, Verified},
};

/// Secrets named per place; the JSON has them all.
const MOST_NAMES: usize = 8;

pub fn components(report: &ComponentsReport) -> String {
    let mut page = headline(report);
    let mut repositories: BTreeMap<&str, Vec<&ComponentUse>> = BTreeMap::new();
    for entry in &report.components {
        repositories.entry(&entry.repository).or_default().push(entry);
    }
    for (repository, entries) in repositories {
        let name = text::clean(repository);
        page.push('\n');
        page.push_str(&coloured(&name, words::BOLD, text::hang("", repository, WIDTH)));
        page.push_str(&grid(&entries).render());
    }
    page.push_str(&coverage::render(&report.coverage));
    page
}

fn headline(report: &ComponentsReport) -> String {
    let different: BTreeSet<_> = report.components.iter().map(identity).collect();
    if different.is_empty() {
        return "no third-party code found\n".to_owned();
    }
    let loose = report.components.iter().filter(|entry| is_loose(entry)).count();
    let line = format!(
        "{} in {}; {} neither fixed nor verified, with a secret in reach",
        text::count(different.len(), "component", "components"),
        text::count(report.components.len(), "place", "places"),
        text::count(loose, "place runs one that is", "places run one that is"),
    );
    text::hang("", &line, WIDTH)
}

type Identity<'a> = (Kind, &'a str, Option<&'a str>);

fn identity(entry: &ComponentUse) -> Identity<'_> {
    (entry.kind, &entry.name, entry.reference.as_deref())
}

/// Its content may change under a secret.
fn is_loose(entry: &ComponentUse) -> bool {
    let fixed = matches!(entry.pinned, Pinned::Sha | Pinned::Digest | Pinned::Vendored);
    entry.runs && !fixed && entry.verified == Verified::No && !entry.placements.is_empty()
}

fn grid(entries: &[&ComponentUse]) -> Grid {
    let mut grid = Grid::new(&["COMPONENT", "PINNED", "WHERE", "SECRETS IN REACH"]);
    let mut above = None;
    for entry in entries {
        let same = above == Some(identity(entry));
        above = Some(identity(entry));
        let name = words::versioned(&entry.name, entry.reference.as_deref(), entry.kind);
        let consumer = &entry.consumer;
        let step = words::job_and_step(consumer.job.as_deref(), consumer.step.as_deref());
        grid.entry(vec![
            if same { vec![] } else { vec![bold(name), faint(words::kind(entry.kind))] },
            vec![plain(words::pinned(entry.pinned)), faint(words::verified(entry.verified))],
            vec![plain(words::place(Some(consumer))), faint(step)],
            vec![secrets(entry)],
        ]);
    }
    grid
}

fn secrets(entry: &ComponentUse) -> Line {
    if !entry.runs {
        faint("fetched, not run")
    } else if entry.placements.is_empty() {
        faint("none")
    } else {
        plain(shortened(&entry.placements, MOST_NAMES))
    }
}
