//! Placements and what they are sent to, for people.

use std::collections::BTreeMap;

use super::{
    WIDTH, coverage,
    grid::{Grid, bold, faint, plain},
    headline::coloured,
    text, words,
};
use crate::assess::{InventoryPlacement, InventoryReport};

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
    for placement in placements {
        let scope =
            words::named_scope(placement.platform, &placement.scope, &placement.scope_candidates);
        let mut name = vec![bold(words::placement_name(&placement.name)), faint(scope)];
        for consumer in &placement.consumers {
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
