//! Placements and what they are sent to, for people.

use std::collections::BTreeMap;

use super::{
    WIDTH, coverage,
    grid::{Grid, Line, bold, faint, plain},
    headline::coloured,
    text, words,
};
use crate::assess::{InventoryConsumer, InventoryPlacement, InventoryReport};

pub fn inventory(report: &InventoryReport) -> String {
    let mut page = headline(report);
    let mut repositories: BTreeMap<&str, Vec<&InventoryPlacement>> = BTreeMap::new();
    for placement in &report.placements {
        repositories.entry(&placement.repository).or_default().push(placement);
    }
    for (repository, placements) in repositories {
        let name = text::clean(repository);
        page.push('\n');
        page.push_str(&coloured(&name, words::BOLD, text::hang("", repository, WIDTH)));
        page.push_str(&grid(&placements).render());
    }
    page.push_str(&coverage::render(&report.coverage));
    page
}

fn headline(report: &InventoryReport) -> String {
    if report.placements.is_empty() {
        return "no secret is sent to any job\n".to_owned();
    }
    let consumers = report.placements.iter().map(|placement| placement.consumers.len()).sum();
    let line = format!(
        "{}, named in {}",
        text::count(report.placements.len(), "placement", "placements"),
        text::count(consumers, "place", "places"),
    );
    text::hang("", &line, WIDTH)
}

fn grid(placements: &[&InventoryPlacement]) -> Grid {
    let mut grid = Grid::new(&["PLACEMENT", "WHERE", "HOW"]);
    for parts in by_credential(placements) {
        let mut name = name(&parts);
        let mut shown: Vec<&InventoryConsumer> = Vec::new();
        for consumer in parts.iter().flat_map(|part| &part.consumers) {
            let place = |known: &&InventoryConsumer| {
                (&known.job, &known.step, &known.file, known.carrier)
                    == (&consumer.job, &consumer.step, &consumer.file, consumer.carrier)
                    && parts.len() > 1
            };
            if shown.iter().any(place) {
                continue;
            }
            shown.push(consumer);
            grid.entry(vec![
                std::mem::take(&mut name),
                vec![
                    plain(words::place_of(&consumer.file, consumer.line)),
                    faint(words::job_and_step(consumer.job.as_deref(), consumer.step.as_deref())),
                ],
                vec![plain(words::carrier(consumer.carrier))],
            ]);
        }
    }
    grid
}

/// The parts of one credential are one row, where its first stands.
fn by_credential<'a>(placements: &[&'a InventoryPlacement]) -> Vec<Vec<&'a InventoryPlacement>> {
    let mut rows: Vec<Vec<&InventoryPlacement>> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for placement in placements {
        let id = placement.credential.as_ref().map(|credential| credential.id.as_str());
        match id.and_then(|id| known.get(id)) {
            Some(row) => rows[*row].push(placement),
            None => {
                known.extend(id.map(|id| (id, rows.len())));
                rows.push(vec![placement]);
            }
        }
    }
    rows
}

fn name(parts: &[&InventoryPlacement]) -> Vec<Line> {
    let mut lines: Vec<Line> =
        parts.iter().map(|part| bold(words::placement_name(&part.name))).collect();
    let issuers = parts.iter().filter_map(|part| part.issuer.as_ref());
    lines.extend(words::best(issuers).and_then(words::issuer).map(plain));
    lines.extend(parts.first().map(|first| {
        faint(words::named_scope(first.platform, &first.scope, &first.scope_candidates))
    }));
    lines
}
