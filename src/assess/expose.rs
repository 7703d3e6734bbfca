//! One incident against everything that was read.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Coverage, Exposure, Live, Report, SCHEMA, Site, SiteStatus, Summary, Verdict, locked, merge,
    site, unseen,
};
use crate::{
    ci::model::{
        Certainty, Component, EnvView, Job, Kind, Mention, Pinned, Pipeline, Role, Verified,
    },
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
    let assessed = assess(pack, subject);
    let (sites, exposures) = (merge::sites(assessed.sites), assessed.exposures);
    let mut coverage = unseen::of(pack, subject, &sites);
    coverage.extend(assessed.cut.iter().map(|file| unseen::too_many(subject, file, MOST_LINES)));
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
        revision: Some(pack.document().revision),
        caveats: pack.caveats(),
        summary: summary(&sites, &exposures, &coverage),
        exposures,
        sites,
        coverage: unseen::sorted(coverage),
        changes: None,
    }
}

impl Report {
    /// Adds what else was not seen; nothing that could change the verdict.
    pub fn note(&mut self, entries: impl IntoIterator<Item = Coverage>) {
        let entries = entries.into_iter().map(|entry| Coverage { matters: false, ..entry });
        let all = std::mem::take(&mut self.coverage).into_iter().chain(entries);
        self.coverage = unseen::sorted(all.collect());
    }
}

/// Exposures of one file. Steps times secrets of a job: a small file can ask for millions.
const MOST_LINES: usize = 50_000;

#[derive(Default)]
struct Assessed<'p, 's> {
    /// By definition.
    sites: Vec<Vec<merge::Version<'p>>>,
    exposures: Vec<Exposure>,
    /// Files with more exposures than are listed.
    cut: BTreeSet<&'s str>,
}

fn assess<'p, 's>(pack: &'p Pack, subject: &'s Subject<'_>) -> Assessed<'p, 's> {
    let mut all = Assessed::default();
    let called = called(subject);
    for defined in &subject.definitions {
        if defined.pipeline.role == Role::Offered && is_inner(defined, &called) {
            continue;
        }
        if defined.pipeline.role == Role::Locked {
            all.sites.push(locked::sites(pack, subject, defined));
            continue;
        }
        let (mut sites, mut room) = (Vec::new(), MOST_LINES);
        for job in &defined.pipeline.jobs {
            let of_steps = job
                .steps
                .iter()
                .flat_map(|step| step.mentions.iter().map(move |mention| (Some(step), mention)));
            let injected = pack.injects(&defined.pipeline.file).then(|| pushed(defined, job));
            let of_job = job.mentions.iter().chain(&injected).map(|mention| (None, mention));
            for (step, mention) in of_job.chain(of_steps) {
                let spot = site::Spot { subject, defined, job, step, mention };
                let Some(found) = site::assess(pack, &spot, room) else { continue };
                room -= found.exposures.len();
                all.exposures.extend(found.exposures);
                sites.push(found.site);
            }
        }
        all.sites.push(sites);
        if room == 0 {
            all.cut.insert(&defined.pipeline.file);
        }
    }
    all
}

/// The whole workflow is the attacker's: one mention for each of its jobs.
fn pushed(defined: &Defined<'_>, job: &Job) -> Mention {
    Mention {
        component: Component {
            kind: Kind::InjectedWorkflow,
            name: defined.pipeline.file.to_string(),
            reference: None,
            pinned: Pinned::No,
            verified: Verified::No,
        },
        place: job.place.clone(),
        via: Vec::new(),
        runs: true,
        env: EnvView::Inherits { plus: Vec::new() },
        inputs: Vec::new(),
        arguments: Vec::new(),
        certainty: Certainty::Inferred,
    }
}

/// What is there for the repository's own workflows has been assessed in the jobs that called it then.
/// Of the time outside of the window the callers may not have been read: there it stands for itself.
///
/// Outside `.github` an action is taken as offered to others even if a workflow here tries it out.
fn is_inner(offered: &Defined<'_>, called: &Called<'_>) -> bool {
    let file = &*offered.pipeline.file;
    let callers = called.get(file).map_or(&[][..], Vec::as_slice);
    file.starts_with(".github/") && callers.iter().any(|live| at_one_time(live, offered.live))
}

/// The files that jobs and steps of the repository's own pipelines stand in, and when they did.
type Called<'a> = HashMap<&'a str, Vec<&'a [Live]>>;

fn called<'a>(subject: &'a Subject<'_>) -> Called<'a> {
    let mut called = Called::new();
    for defined in subject.definitions.iter().filter(|one| one.pipeline.role == Role::Runs) {
        let places = |job: &'a Job| {
            std::iter::once(&job.place).chain(job.steps.iter().map(|step| &step.place))
        };
        let files: HashSet<&str> =
            defined.pipeline.jobs.iter().flat_map(places).map(|place| &*place.file).collect();
        for file in files {
            called.entry(file).or_default().push(defined.live);
        }
    }
    called
}

/// Whether two definitions were in force together; one without dates may always have been.
pub(super) fn at_one_time(a: &[Live], b: &[Live]) -> bool {
    let before = |a: &Live, b: &Live| a.to.zip(b.from).is_some_and(|(to, from)| to <= from);
    let meet = |a: &Live| b.iter().any(|b| !before(a, b) && !before(b, a));
    a.is_empty() || b.is_empty() || a.iter().any(meet)
}

/// Leaves of a pipeline what [`examine`] asks of it: of a job without a component of the incident the
/// files that it is made of. A large repository has little else.
pub fn keep_what_counts(packs: &[&Pack], pipeline: &mut Pipeline) {
    if packs.iter().any(|pack| pack.injects(&pipeline.file)) {
        return;
    }
    let counts = |mention: &Mention| packs.iter().any(|pack| pack.knows(&mention.component));
    for job in &mut pipeline.jobs {
        let of_steps = job.steps.iter().flat_map(|step| &step.mentions);
        if job.mentions.iter().chain(of_steps).any(counts) {
            continue;
        }
        job.sent = Vec::new();
        job.mentions = Vec::new();
        job.steps.iter_mut().for_each(|step| step.installs = Vec::new());
        let mut files = HashSet::from([Arc::clone(&job.place.file)]);
        job.steps.retain(|step| files.insert(Arc::clone(&step.place.file)));
        job.steps.shrink_to_fit();
        for step in &mut job.steps {
            step.env = Vec::new();
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
