//! The exposure report for people: headline, credentials by repository, other places, blind spots.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Heading, WIDTH, coverage, dates,
    grid::{Grid, Line, bold, faint, plain},
    headline, ownership, sites, text, words,
};
use crate::assess::{Confidence, Exposure, Placement, Reach, Report, Span};

/// Places shown per credential; the JSON has them all.
const MOST_PLACES: usize = 6;

pub fn exposure(report: &Report, heading: &Heading) -> String {
    let mut page = headline::render(report, heading);
    for (repository, exposures) in by_repository(report) {
        page.push('\n');
        page.push_str(&block(repository, &exposures));
    }
    page.push_str(&sites::render(report));
    page.push_str(&coverage::render(&report.coverage));
    if let Some(first) = report.exposures.iter().min_by_key(|e| e.reach) {
        let hint = format!("why one line is here: the same command with `--explain {}`", first.id);
        page.push('\n');
        page.push_str(&words::paint(words::DIM, text::hang("", &hint, WIDTH).trim_end()));
        page.push('\n');
    }
    page
}

/// Repositories the payload took something from come first.
fn by_repository(report: &Report) -> Vec<(&str, Vec<&Exposure>)> {
    let mut found: BTreeMap<&str, Vec<&Exposure>> = BTreeMap::new();
    for exposure in &report.exposures {
        found.entry(&exposure.repository).or_default().push(exposure);
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, exposures)| exposures.iter().map(|e| e.reach).min());
    found
}

fn block(repository: &str, exposures: &[&Exposure]) -> String {
    let components: BTreeSet<String> =
        exposures.iter().map(|e| words::component(&e.component)).collect();
    let mut lines = title(repository, &components, exposures);
    let shown = Shown { component: components.len() > 1 };
    let of = |reach| exposures.iter().copied().filter(move |e| e.reach == reach).collect();
    let (payload, any_code): (Vec<&Exposure>, Vec<&Exposure>) =
        (of(Reach::Payload), of(Reach::AnyCode));
    let taken: BTreeSet<&Placement> = payload.iter().map(|e| &e.placement).collect();
    let (again, beyond): (Vec<&Exposure>, Vec<&Exposure>) =
        any_code.into_iter().partition(|e| taken.contains(&e.placement));
    lines.push_str(&section("the known payload could take", &payload, shown));
    lines.push_str(&section(
        "any code in that place could take; the known payload did not",
        &beyond,
        shown,
    ));
    if !again.is_empty() {
        let places: BTreeSet<String> =
            again.iter().map(|e| words::place(e.consumer.as_ref())).collect();
        let note = format!(
            "of those, also within reach of any code in {}: {}",
            text::count(places.len(), "other place", "other places"),
            names(&again),
        );
        lines.push_str(&text::hang("  ", &note, WIDTH));
    }
    lines.push_str(&ownership::notes(exposures));
    lines
}

fn names(exposures: &[&Exposure]) -> String {
    let names: BTreeSet<&str> = exposures.iter().map(|e| e.placement.name.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// `acme/site · action x@v1 · in force in the window: 2021-01-31 … 2021-04-01`
fn title(repository: &str, components: &BTreeSet<String>, exposures: &[&Exposure]) -> String {
    let component = match (components.len(), exposures.first()) {
        (1, Some(first)) => {
            let component = &first.component;
            format!("{} {}", words::kind(component.kind), words::component(component))
        }
        _ => String::new(),
    };
    let overlap: Option<Span> = dates::hull(exposures.iter().map(|e| e.overlap));
    let when = match overlap {
        Some(span) => format!("in force in the window: {}", dates::span(&span)),
        None => "undated".to_owned(),
    };
    let line = text::dotted(&[repository.to_owned(), component, when], WIDTH);
    headline::coloured(&text::clean(repository), words::BOLD, line)
}

#[derive(Clone, Copy)]
struct Shown {
    /// The repository uses more than one: each place names its own.
    component: bool,
}

fn section(title: &str, exposures: &[&Exposure], shown: Shown) -> String {
    if exposures.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new(&["CREDENTIAL", "WHERE", "HOW", "DO"]);
    let mut above = None;
    for (placement, places) in by_placement(exposures) {
        for (index, exposure) in places.iter().take(MOST_PLACES).enumerate() {
            let new = index == 0;
            grid.entry(vec![
                if new { credential(placement) } else { Vec::new() },
                site(exposure, above, shown),
                how(exposure),
                what(exposure),
            ]);
            above = Some(*exposure);
        }
        if let Some(more) = places.len().checked_sub(MOST_PLACES).filter(|more| *more > 0) {
            let more = format!("and {more} more, see --format json");
            grid.entry(vec![Vec::new(), vec![faint(more)], Vec::new(), Vec::new()]);
        }
    }
    format!("  {}\n{}", words::paint(words::BOLD, &format!("{title}:")), grid.render())
}

/// Each credential with its places, the surest first; credentials of one place stay together.
fn by_placement<'a>(exposures: &[&'a Exposure]) -> Vec<(&'a Placement, Vec<&'a Exposure>)> {
    let mut found: BTreeMap<&Placement, Vec<&Exposure>> = BTreeMap::new();
    for exposure in exposures {
        found.entry(&exposure.placement).or_default().push(exposure);
    }
    for places in found.values_mut() {
        places.sort_by_key(|e| (Reverse(e.confidence), order(e)));
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(placement, places)| {
        let first = places.first();
        let confidence = first.map_or(Confidence::Possible, |e| e.confidence);
        (Reverse(confidence), first.map(|e| order(e)), places.len(), *placement)
    });
    found
}

/// File, line, job and step.
fn order(exposure: &Exposure) -> (&str, u32, Option<&str>, Option<&str>) {
    exposure.consumer.as_ref().map_or(("", 0, None, None), |consumer| {
        (&consumer.file, consumer.line, consumer.job.as_deref(), consumer.step.as_deref())
    })
}

fn credential(placement: &Placement) -> Vec<Line> {
    vec![bold(words::placement_name(&placement.name)), faint(words::scope(placement))]
}

fn site(exposure: &Exposure, above: Option<&Exposure>, shown: Shown) -> Vec<Line> {
    let same = above.is_some_and(|above| {
        above.consumer == exposure.consumer && above.component == exposure.component
    });
    if same && exposure.consumer.is_some() {
        return vec![faint("same place")];
    }
    let mut lines = vec![plain(words::place(exposure.consumer.as_ref()))];
    if let Some(consumer) = &exposure.consumer {
        lines.push(faint(words::job_and_step(consumer.job.as_deref(), consumer.step.as_deref())));
    }
    if shown.component {
        lines.push(faint(words::component(&exposure.component)));
    }
    lines
}

fn how(exposure: &Exposure) -> Vec<Line> {
    let (sure, colour) = words::confidence(exposure.confidence);
    vec![plain(words::carrier(exposure.carrier)), (sure.to_owned(), colour)]
}

fn what(exposure: &Exposure) -> Vec<Line> {
    vec![bold(words::disposition(exposure.disposition)), faint(exposure.id.clone())]
}
