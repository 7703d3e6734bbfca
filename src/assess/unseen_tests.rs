use super::*;
use crate::{
    assess::{
        Defined,
        pipelines_for_tests::{gap, pipeline},
    },
    ci::model::{Certainty, Pipeline},
    incident,
};

fn live(from: &str, to: &str) -> Live {
    let time = |day: &str| (!day.is_empty()).then(|| format!("{day}T00:00:00Z").parse().unwrap());
    Live { from: time(from), to: time(to), commit: None }
}

fn with_gap(text: &str) -> Pipeline {
    let mut pipeline = pipeline(Vec::new());
    pipeline.gaps.push(gap(3, Hides::Text(text.into())));
    pipeline
}

/// Whether the gap is listed, and whether it matters; for Codecov's incident, 2021-01-31 to 2021-04-01.
fn judged(basis: Basis, versions: &[(&Pipeline, &[Live])]) -> Option<bool> {
    let definitions = versions
        .iter()
        .map(|(pipeline, live)| Defined { pipeline, live, certainty: Certainty::Inferred })
        .collect();
    let subject = Subject { identity: "acme/site", basis, definitions, coverage: &[] };
    let coverage = of(incident::find("codecov-2021").unwrap(), &subject, &[]);
    let mut gaps = coverage.iter().filter(|entry| entry.scope.starts_with("file:"));
    let found = gaps.next().map(|entry| entry.matters);
    assert!(gaps.next().is_none(), "one line of the report: {coverage:#?}");
    found
}

#[test]
fn a_gap_counts_in_the_window_only() {
    let bad = with_gap("curl https://codecov.io/bash");
    let before = [live("2020-01-01", "2021-01-31")];
    let after = [live("2021-04-02", "")];
    let inside = [live("2020-01-01", "2021-01-01"), live("2021-03-01", "2021-03-02")];
    assert_eq!(judged(Basis::History, &[(&bad, &before)]), None);
    assert_eq!(judged(Basis::History, &[(&bad, &after)]), None);
    assert_eq!(judged(Basis::History, &[(&bad, &inside)]), Some(true));
    assert_eq!(judged(Basis::History, &[(&bad, &before), (&bad, &inside)]), Some(true));
    let other = with_gap("make");
    assert_eq!(judged(Basis::History, &[(&other, &inside)]), Some(false));
    assert_eq!(judged(Basis::History, &[(&other, &inside), (&bad, &inside)]), Some(true));
}

#[test]
fn without_history_a_gap_always_counts() {
    let bad = with_gap("curl https://codecov.io/bash");
    assert_eq!(judged(Basis::Undated, &[(&bad, &[])]), Some(true));
    let day = "2022-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(judged(Basis::AsOf(day), &[(&bad, &[live("2022-01-01", "")])]), Some(true));
}

fn dialect(system: &str, live: &[Live]) -> discover::Coverage {
    discover::Coverage {
        scope: format!("dialect:{system}"),
        state: CoverageState::Unseen,
        reason: "not read yet".to_owned(),
        file: None,
        live: live.to_vec(),
        hides: Hidden::Anything,
    }
}

fn matters(incident: &str, basis: Basis, entry: discover::Coverage) -> bool {
    let coverage = [entry];
    let subject =
        Subject { identity: "acme/site", basis, definitions: Vec::new(), coverage: &coverage };
    let scope = coverage[0].scope.clone();
    let found = of(incident::find(incident).unwrap(), &subject, &[]);
    found.iter().find(|entry| entry.scope == scope).unwrap().matters
}

#[test]
fn a_dialect_counts_where_the_component_can_run_and_while_it_could_be_bad() {
    let travis = |live: &[Live]| dialect("travis", live);
    assert!(matters("codecov-2021", Basis::History, travis(&[live("2021-02-01", "")])));
    assert!(!matters("codecov-2021", Basis::History, travis(&[live("2021-05-01", "")])));
    assert!(!matters("tj-actions-2025", Basis::History, travis(&[live("2021-02-01", "")])));
    // As it stood on a day after the window: what was there before is not known.
    let day = "2022-01-01T00:00:00Z".parse().unwrap();
    assert!(matters("codecov-2021", Basis::AsOf(day), travis(&[live("2022-01-01", "")])));
}

#[test]
fn what_history_was_cut_off_counts_if_a_window_begins_in_it() {
    let cut = |day: &str| discover::Coverage {
        scope: "history:refs/heads/main".to_owned(),
        hides: Hidden::Before(format!("{day}T00:00:00Z").parse().unwrap()),
        ..dialect("", &[])
    };
    assert!(matters("codecov-2021", Basis::History, cut("2021-02-01")));
    assert!(!matters("codecov-2021", Basis::History, cut("2021-01-31")));
}

#[test]
fn a_day_after_the_window_says_nothing_of_the_window() {
    let of_day = |day: &str| {
        let basis = Basis::AsOf(format!("{day}T00:00:00Z").parse().unwrap());
        let subject =
            Subject { identity: "acme/site", basis, definitions: Vec::new(), coverage: &[] };
        of(incident::find("codecov-2021").unwrap(), &subject, &[]).iter().any(|one| one.matters)
    };
    assert!(!of_day("2021-04-01"));
    assert!(of_day("2021-04-02"));
}
