//! One incident against everything that was read.

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;

use super::{
    Coverage, Exposure, Report, SCHEMA, Site, SiteStatus, Summary, Verdict, merge, site, unseen,
};
use crate::{
    ci::model::{Certainty, Job, Mention, Pipeline, Role},
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
    let coverage = unseen::of(pack, subject, &sites);
    Part { sites: merge::sites(sites), exposures: merge::exposures(exposures), coverage }
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

fn assess(pack: &Pack, subject: &Subject<'_>) -> (Vec<Site>, Vec<Exposure>) {
    let (mut sites, mut exposures) = (Vec::new(), Vec::new());
    let called = called(subject);
    for defined in &subject.definitions {
        if defined.pipeline.role == Role::Offered && is_inner(defined.pipeline, &called) {
            continue;
        }
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
    }
    (sites, exposures)
}

/// What is there for the repository's own workflows has been assessed in the jobs that call it.
///
/// Outside `.github` an action is taken as offered to others even if a workflow here tries it out.
fn is_inner(offered: &Pipeline, called: &HashSet<&str>) -> bool {
    offered.file.starts_with(".github/") && called.contains(&*offered.file)
}

/// The files that hold a job or a step of the repository's own pipelines.
fn called<'a>(subject: &'a Subject<'_>) -> HashSet<&'a str> {
    let own = subject.definitions.iter().filter(|defined| defined.pipeline.role == Role::Runs);
    let jobs = own.flat_map(|defined| &defined.pipeline.jobs);
    let places =
        |job: &'a Job| std::iter::once(&job.place).chain(job.steps.iter().map(|step| &step.place));
    jobs.flat_map(places).map(|place| &*place.file).collect()
}

/// Leaves of a pipeline only what [`examine`] asks of it: jobs without a component of the incident
/// keep the names of the files they are made of, and gaps. A large repository has little else.
pub fn keep_what_counts(pack: &Pack, pipeline: &mut Pipeline) {
    let counts = |mention: &Mention| pack.knows(&mention.component);
    for job in &mut pipeline.jobs {
        let steps = job.steps.iter().flat_map(|step| &step.mentions);
        if job.mentions.iter().chain(steps).any(counts) {
            continue;
        }
        job.sent = Vec::new();
        job.mentions = Vec::new();
        let mut files = HashSet::from([Arc::clone(&job.place.file)]);
        job.steps.retain(|step| files.insert(Arc::clone(&step.place.file)));
        job.steps.shrink_to_fit();
        for step in &mut job.steps {
            step.env = Arc::default();
            step.files = Vec::new();
            step.mentions = Vec::new();
        }
    }
    pipeline.jobs.shrink_to_fit();
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
