use super::*;
use crate::{
    assess::{
        Carrier, Confidence, Disposition, ExposureVerdict, Placement, Reach,
        pipelines_for_tests::action,
    },
    ci::model::{Pinned, Platform},
    incident,
};

fn live(from: &str, to: &str, commit: &str) -> Live {
    let time = |day: &str| (!day.is_empty()).then(|| format!("{day}T00:00:00Z").parse().unwrap());
    Live { from: time(from), to: time(to), commit: (!commit.is_empty()).then(|| commit.to_owned()) }
}

fn joined(all: &[Live]) -> Vec<Live> {
    lives(all.iter())
}

#[test]
fn intervals_that_touch_are_one_and_keep_the_first_commit() {
    let (a, b) = (live("2021-01-01", "2021-02-01", "a"), live("2021-02-01", "2021-03-01", "b"));
    let whole = live("2021-01-01", "2021-03-01", "a");
    for all in [vec![b.clone(), a.clone()], vec![a.clone(), a.clone(), b]] {
        assert_eq!(joined(&all), std::slice::from_ref(&whole));
    }
    let later = live("2021-02-02", "", "c");
    assert_eq!(joined(&[later.clone(), a.clone()]), [a, later]);
}

#[test]
fn open_ends_take_in_what_lies_in_them() {
    let open = live("2021-01-01", "", "a");
    for day in ["2021-02-01", "2021-01-01"] {
        let inside = live(day, "2021-03-01", "b");
        assert_eq!(joined(&[inside, open.clone()]), std::slice::from_ref(&open));
    }
    let always = live("", "2021-02-01", "");
    assert_eq!(joined(&[live("2020-01-01", "2020-02-01", "b"), always.clone()]), [always]);
    // A shorter interval inside a longer one does not end it.
    let long = live("2021-01-01", "2021-06-01", "a");
    assert_eq!(joined(&[long.clone(), live("2021-02-01", "2021-03-01", "b")]), [long]);
}

#[test]
fn a_commit_is_kept_where_one_of_the_two_has_none() {
    let (bare, named) =
        (live("2021-01-01", "2021-02-01", ""), live("2021-01-01", "2021-03-01", "b"));
    assert_eq!(joined(&[bare, named.clone()]), [named]);
}

fn consumer(line: u32) -> Consumer {
    Consumer {
        file: ".github/workflows/ci.yml".to_owned(),
        line,
        job: Some("test".to_owned()),
        step: Some("Upload".to_owned()),
    }
}

fn exposure(why: &str, confidence: Confidence, live: Live) -> Exposure {
    let span = Span { from: live.from, to: live.to };
    Exposure {
        id: "0123456789ab".to_owned(),
        repository: "acme/site".to_owned(),
        placement: Placement {
            platform: Platform::Github,
            scope: "unknown".to_owned(),
            name: "TOKEN".to_owned(),
            whole_context: false,
            scope_candidates: Vec::new(),
        },
        verdict: ExposureVerdict::Exposed,
        confidence,
        reach: Reach::Payload,
        capability: "K1".to_owned(),
        carrier: Carrier::Env,
        component: action("codecov/codecov-action", "v1", Pinned::Tag),
        consumer: Some(consumer(3)),
        via: Vec::new(),
        live: vec![live],
        overlap: Some(span),
        rules: Vec::new(),
        disposition: Disposition::Rotate,
        why: why.to_owned(),
        owners: Vec::new(),
        author_unknown: None,
        managed_by: Vec::new(),
    }
}

#[test]
fn the_surest_version_speaks_and_the_times_are_those_of_all() {
    let old = exposure("old", Confidence::Inferred, live("2021-02-01", "2021-02-10", "a"));
    let new = exposure("new", Confidence::Inferred, live("2021-03-01", "2021-03-10", "b"));
    let branch = exposure("branch", Confidence::Possible, live("2021-03-20", "2021-03-30", "c"));
    // Whatever the order in which they come.
    for order in [[&old, &new, &branch], [&branch, &new, &old], [&new, &branch, &old]] {
        let merged = exposures(order.into_iter().cloned().collect());
        assert_eq!(merged.len(), 1);
        assert_eq!((merged[0].why.as_str(), merged[0].confidence), ("new", Confidence::Inferred));
        assert_eq!(merged[0].live.len(), 3);
        let overlap = merged[0].overlap.unwrap();
        assert_eq!((overlap.from, overlap.to), (old.live[0].from, branch.live[0].to));
    }
}

fn version(status: SiteStatus, reference: &str, line: u32, live: Live) -> Version<'static> {
    let pack = incident::find("codecov-2021").unwrap();
    Version {
        site: Site {
            repository: "acme/site".to_owned(),
            component: action("codecov/codecov-action", reference, Pinned::Tag),
            consumer: Some(consumer(line)),
            via: Vec::new(),
            status,
            reason: format!("{reference} on {line}"),
            live: vec![live],
        },
        windows: pack.components()[0].windows.iter().collect(),
        by_date: false,
    }
}

fn outside(reference: &str, line: u32, live: Live) -> Version<'static> {
    Version { by_date: true, ..version(SiteStatus::Cleared, reference, line, live) }
}

#[test]
fn versions_of_a_place_are_one_site_with_the_newest_line() {
    let old = version(SiteStatus::Exposed, "v1", 3, live("2021-02-01", "2021-02-10", "a"));
    let new = version(SiteStatus::Exposed, "v1", 9, live("2021-02-10", "2021-03-10", "b"));
    for order in [vec![vec![old.clone()], vec![new.clone()]], vec![vec![new], vec![old]]] {
        let merged = sites(order);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].consumer.as_ref().unwrap().line, 9);
        assert_eq!(merged[0].live, [live("2021-02-01", "2021-03-10", "a")]);
    }
}

#[test]
fn two_uses_in_one_step_stay_two() {
    let at = |line, day: &str| version(SiteStatus::Exposed, "v1", line, live(day, "", "a"));
    let merged = sites(vec![
        vec![at(3, "2021-02-01"), at(4, "2021-02-01"), at(4, "2021-02-01")],
        vec![at(5, "2021-03-01"), at(6, "2021-03-01")],
    ]);
    let lines: Vec<u32> = merged.iter().map(|site| site.consumer.as_ref().unwrap().line).collect();
    assert_eq!(lines, [5, 6]);
}

#[test]
fn a_clearance_by_date_names_all_the_times_that_it_speaks_of() {
    let before = outside("v1", 3, live("2020-02-01", "2020-03-01", "a"));
    let after = outside("v1", 3, live("2022-02-01", "", "b"));
    let merged = sites(vec![vec![before], vec![after]]);
    assert_eq!(merged.len(), 1);
    let reason = &merged[0].reason;
    for day in ["outside the window", "2020-02-01", "2020-03-01", "2022-02-01", "2021-01-31"] {
        assert!(reason.contains(day), "{day}: {reason}");
    }
}

#[test]
fn what_was_cleared_in_the_window_stands_beside_what_was_exposed_in_it() {
    let exposed = version(SiteStatus::Exposed, "v1", 3, live("2021-02-01", "2021-02-10", "a"));
    let safe = version(SiteStatus::Cleared, "v2", 3, live("2021-02-10", "", "b"));
    let later = version(SiteStatus::Cleared, "v3", 3, live("2023-02-10", "", "c"));
    let earlier = outside("v1", 3, live("2020-02-10", "2020-03-01", "d"));
    let elsewhere = {
        let mut version = outside("v1", 3, live("2020-02-10", "2020-03-01", "d"));
        version.site.consumer.as_mut().unwrap().job = Some("other".to_owned());
        version
    };
    let merged = sites(vec![vec![exposed], vec![safe], vec![later], vec![earlier, elsewhere]]);
    let found: Vec<_> = merged
        .iter()
        .map(|site| {
            let job = site.consumer.as_ref().unwrap().job.clone().unwrap();
            (site.status, job, site.component.reference.clone().unwrap())
        })
        .collect();
    let line = |status, job: &str, reference: &str| (status, job.to_owned(), reference.to_owned());
    assert_eq!(
        found,
        [
            line(SiteStatus::Exposed, "test", "v1"),
            line(SiteStatus::Cleared, "other", "v1"),
            line(SiteStatus::Cleared, "test", "v2"),
        ]
    );
}
