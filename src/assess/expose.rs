//! One incident against everything that was read.

use jiff::Timestamp;

use super::{
    Coverage, Exposure, Live, Report, SCHEMA, Site, SiteStatus, Summary, Verdict, merge, site,
    unseen,
};
use crate::{
    ci::model::{Certainty, Pipeline, Role},
    discover,
    incident::Pack,
};

/// What is known of the time in which a definition was in force.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Basis {
    /// Git history.
    History,
    /// `--as-of`: known from that day on, and nothing of before.
    AsOf(Timestamp),
    /// A folder without history and without a date.
    Undated,
}

/// One repository as it was read.
#[derive(Debug)]
pub struct Subject<'a> {
    pub identity: &'a str,
    pub basis: Basis,
    pub definitions: Vec<Defined<'a>>,
    pub coverage: &'a [discover::Coverage],
}

/// A pipeline and when it was in force.
#[derive(Debug)]
pub struct Defined<'a> {
    pub pipeline: &'a Pipeline,
    pub live: &'a [super::Live],
    /// *Possible* where only a branch beside the default one holds it.
    pub certainty: Certainty,
}

/// What one repository adds to a report.
#[derive(Debug)]
pub struct Part {
    sites: Vec<Site>,
    exposures: Vec<Exposure>,
    coverage: Vec<Coverage>,
}

/// Assesses every definition of one repository.
pub fn examine(pack: &Pack, subject: &Subject<'_>) -> Part {
    let (sites, exposures) = assess(pack, subject);
    let sites = merge::sites(sites);
    let coverage = unseen::of(pack, subject, &sites);
    Part { sites, exposures: merge::exposures(exposures), coverage }
}

/// One report of all repositories.
pub fn report(pack: &Pack, parts: Vec<Part>) -> Report {
    let (mut sites, mut exposures, mut coverage) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        sites.extend(part.sites);
        exposures.extend(part.exposures);
        coverage.extend(part.coverage);
    }
    Report {
        schema: SCHEMA.to_owned(),
        incident: pack.id().to_owned(),
        summary: summary(&sites, &exposures, &coverage),
        exposures,
        sites,
        coverage: unseen::sorted(coverage),
    }
}

/// Sites by definition.
fn assess<'p>(
    pack: &'p Pack,
    subject: &Subject<'_>,
) -> (Vec<Vec<merge::Version<'p>>>, Vec<Exposure>) {
    let (mut all, mut exposures) = (Vec::new(), Vec::new());
    for defined in &subject.definitions {
        if defined.pipeline.role == Role::Offered && is_inner(defined, subject) {
            continue;
        }
        let mut sites = Vec::new();
        for job in &defined.pipeline.jobs {
            let of_steps = job
                .steps
                .iter()
                .flat_map(|step| step.mentions.iter().map(move |mention| (Some(step), mention)));
            for (step, mention) in job.mentions.iter().map(|m| (None, m)).chain(of_steps) {
                let spot = site::Spot { subject, defined, job, step, mention };
                let Some(found) = site::assess(pack, &spot) else { continue };
                exposures.extend(found.exposures);
                sites.push(found.site);
            }
        }
        all.push(sites);
    }
    (all, exposures)
}

/// What is there for the repository's own workflows has been assessed in the jobs that called it then.
/// Of the time outside of the window the callers may not have been read: there it stands for itself.
///
/// Outside `.github` an action is taken as offered to others even if a workflow here tries it out.
fn is_inner(offered: &Defined<'_>, subject: &Subject<'_>) -> bool {
    let file = &offered.pipeline.file;
    let calls_it = |defined: &&Defined<'_>| {
        defined.pipeline.role == Role::Runs && calls(defined.pipeline, file)
    };
    file.starts_with(".github/")
        && subject
            .definitions
            .iter()
            .filter(calls_it)
            .any(|caller| at_one_time(caller.live, offered.live))
}

/// Whether two definitions were in force together; one without dates may always have been.
fn at_one_time(a: &[Live], b: &[Live]) -> bool {
    let before = |a: &Live, b: &Live| a.to.zip(b.from).is_some_and(|(to, from)| to <= from);
    let meet = |a: &Live| b.iter().any(|b| !before(a, b) && !before(b, a));
    a.is_empty() || b.is_empty() || a.iter().any(meet)
}

fn calls(pipeline: &Pipeline, file: &str) -> bool {
    pipeline.jobs.iter().any(|job| {
        &*job.place.file == file || job.steps.iter().any(|step| &*step.place.file == file)
    })
}

fn summary(sites: &[Site], exposures: &[Exposure], coverage: &[Coverage]) -> Summary {
    let any = |status| sites.iter().any(|site| site.status == status);
    let verdict = if any(SiteStatus::Exposed) {
        Verdict::Exposed
    } else if any(SiteStatus::Unknown) || coverage.iter().any(|entry| entry.matters) {
        Verdict::Unknown
    } else if sites.is_empty() {
        Verdict::NotFound
    } else {
        Verdict::Cleared
    };
    let placements: std::collections::BTreeSet<_> =
        exposures.iter().map(|e| (&e.repository, &e.placement)).collect();
    Summary { verdict, placements: placements.len() }
}
