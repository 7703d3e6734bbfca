//! All incidents in three passes: what was in force in any window, what vendors stored, what is there now.

use super::{Asked, each_root, listed, pipelines, subject};
use crate::{
    assess::{self, CheckReport, Coverage, Fallouts, Part, Report},
    ci::model::{Kind, Pipeline},
    cli::{ExitError, Progress, Sources},
    discover::{Hull, Query},
    incident::Pack,
};

pub(super) fn run(
    packs: &[&Pack],
    sources: &Sources,
    progress: &Progress,
) -> Result<CheckReport, ExitError> {
    // A vendor's store is asked of all history, and costs little; workflows only of the windows.
    let (vendors, others): (Vec<&Pack>, Vec<&Pack>) =
        packs.iter().partition(|pack| pack.has_kind(Kind::Vendor));
    let mut reports = examine(&others, sources, progress)?;
    reports.extend(examine(&vendors, sources, progress)?);
    let today = each_root(sources, &Asked::everything(), progress, |repository| {
        let mut fallouts = Fallouts::default();
        let pipelines = pipelines(repository);
        fallouts.add(&repository.identity, pipelines.iter().map(AsRef::as_ref));
        let gaps = assess::gaps_of_components(&repository.identity, &pipelines);
        (fallouts, [listed(repository), gaps].concat())
    })?;
    let repositories = today.len();
    let mut fallouts = Fallouts::default();
    let mut coverage: Vec<Coverage> = Vec::new();
    for (of_root, unread) in today {
        fallouts.merge(of_root);
        coverage.extend(unread);
    }
    Ok(assess::check(reports, fallouts, coverage, repositories))
}

/// Each incident's title and report.
fn examine(
    packs: &[&Pack],
    sources: &Sources,
    progress: &Progress,
) -> Result<Vec<(String, Report)>, ExitError> {
    if packs.is_empty() {
        return Ok(Vec::new());
    }
    let hull = |pack: &&Pack| {
        let (from, to) = pack.span_to_read();
        Hull { from, to }
    };
    let query = Query {
        windows: packs.iter().map(hull).collect(),
        as_of: sources.as_of,
        now: Some(sources.now),
    };
    let slim = |pipeline: &mut Pipeline| assess::keep_what_counts(packs, pipeline);
    // What was used at other times only is told by `expose`: here it would cost all of history.
    let asked = Asked { query, slim: &slim, ..Asked::of(packs) };
    let parts: Vec<Vec<Part>> = each_root(sources, &asked, progress, |repository| {
        let subject = subject(repository, sources);
        packs.iter().map(|pack| assess::examine(pack, &subject)).collect()
    })?;
    let mut by_pack: Vec<Vec<Part>> = packs.iter().map(|_| Vec::new()).collect();
    for of_root in parts {
        for (pack, part) in by_pack.iter_mut().zip(of_root) {
            pack.push(part);
        }
    }
    let report =
        |(pack, parts): (&&Pack, Vec<Part>)| (pack.title().to_owned(), assess::report(pack, parts));
    Ok(packs.iter().zip(by_pack).map(report).collect())
}
