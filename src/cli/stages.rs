//! What the verbs ask of the stages, and the one place where the stages are joined.

mod check;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rayon::prelude::*;

use super::{ExitError, Progress, Sources, ownership};
use crate::{
    assess::{
        self, Basis, CheckReport, ComponentsReport, Coverage, Defined, InventoryReport, Report,
        Span, Subject,
    },
    ci::{
        self, Files,
        catalog::Entry,
        lock::{self, Wanted},
        model::{Kind, Pipeline},
    },
    discover::{
        self, Checkouts, CouldName, DiscoverError, Hidden, Hull, Query, Repository, RootKind,
    },
    incident,
    report::IncidentLine,
    resolve::Clues,
};

/// What a verb may ask for. Tests answer with reports of their own.
pub trait Stages: Sync {
    /// Every incident that is known.
    fn incidents(&self) -> Vec<IncidentLine>;

    /// The JSON schema of an incident pack.
    fn pack_schema(&self) -> serde_json::Value;

    /// These incidents at once, and what would fall today.
    fn check(
        &self,
        packs: &[&incident::Pack],
        sources: &Sources,
        progress: &Progress,
    ) -> Result<CheckReport, ExitError>;

    /// `incident` is the id of one of [`Stages::incidents`].
    fn expose(
        &self,
        incident: &str,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<Exposed, ExitError>;

    /// One incident, from wherever its pack comes.
    fn expose_pack(
        &self,
        pack: &incident::Pack,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<Exposed, ExitError>;

    /// Where packs and keys are kept; `None`: nowhere.
    fn home(&self) -> Option<PathBuf> {
        None
    }

    fn components(
        &self,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<ComponentsReport, ExitError>;

    fn inventory(
        &self,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<InventoryReport, ExitError>;
}

#[derive(Clone, Debug)]
pub struct Exposed {
    pub report: Report,
    /// How many were read, found in or not.
    pub repositories: usize,
}

/// The stages that work on clones and folders of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Checkout;

impl Stages for Checkout {
    fn incidents(&self) -> Vec<IncidentLine> {
        let line = |pack: &incident::Pack| {
            let (from, to) = pack.hull();
            IncidentLine {
                id: pack.id().to_owned(),
                title: pack.title().to_owned(),
                window: Some(Span { from, to }),
                revision: pack.document().revision,
                origin: "built in".to_owned(),
            }
        };
        incident::builtin().iter().map(line).collect()
    }

    fn pack_schema(&self) -> serde_json::Value {
        incident::schema().to_value()
    }

    fn check(
        &self,
        packs: &[&incident::Pack],
        sources: &Sources,
        progress: &Progress,
    ) -> Result<CheckReport, ExitError> {
        check::run(packs, sources, progress)
    }

    fn expose(
        &self,
        incident: &str,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<Exposed, ExitError> {
        let pack = incident::find(incident)
            .map_err(|error| ExitError::usage(format!("incident `{incident}`"), error))?;
        self.expose_pack(pack, sources, progress)
    }

    fn expose_pack(
        &self,
        pack: &incident::Pack,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<Exposed, ExitError> {
        Self::expose_pack(self, pack, sources, progress)
    }

    fn home(&self) -> Option<PathBuf> {
        super::home::of_user()
    }

    fn components(
        &self,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<ComponentsReport, ExitError> {
        let parts = each_root(sources, &Asked::everything(), progress, |repository, _| {
            let pipelines = pipelines(repository);
            let coverage = listed(repository);
            assess::components(&[(repository.identity.clone(), &pipelines)], coverage)
        })?;
        let mut whole = assess::components(&[], Vec::new());
        for part in parts {
            whole.components.extend(part.components);
            whole.coverage.extend(part.coverage);
        }
        Ok(whole)
    }

    fn inventory(
        &self,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<InventoryReport, ExitError> {
        let parts = each_root(sources, &Asked::everything(), progress, |repository, clues| {
            let pipelines = pipelines(repository);
            let coverage = listed(repository);
            let mut report =
                assess::inventory(&[(repository.identity.clone(), &pipelines)], coverage);
            assess::identify_placements(&mut report, clues);
            report
        })?;
        let mut whole = assess::inventory(&[], Vec::new());
        for part in parts {
            whole.placements.extend(part.placements);
            whole.coverage.extend(part.coverage);
        }
        ownership::of_inventory(&mut whole, sources);
        Ok(whole)
    }
}

impl Checkout {
    /// One incident, from wherever its pack comes.
    pub fn expose_pack(
        &self,
        pack: &incident::Pack,
        sources: &Sources,
        progress: &Progress,
    ) -> Result<Exposed, ExitError> {
        let (from, to) = pack.span_to_read();
        let query = Query {
            windows: vec![Hull { from, to }],
            as_of: sources.as_of,
            now: Some(sources.now),
        };
        let could_name = |text: &[u8]| pack.could_name(&String::from_utf8_lossy(text));
        let slim = |pipeline: &mut Pipeline| assess::keep_what_counts(&[pack], pipeline);
        let asked =
            Asked { query, could_name: Some(&could_name), slim: &slim, ..Asked::of(&[pack]) };
        let parts = each_root(sources, &asked, progress, |repository, clues| {
            let mut part = assess::examine(pack, &subject(repository, sources));
            assess::identify_exposures(&mut part, clues);
            part
        })?;
        let repositories = parts.len();
        let mut report = assess::report(pack, parts);
        ownership::of_report(&mut report, sources);
        Ok(Exposed { report, repositories })
    }
}

/// What is wanted of every root.
struct Asked<'a> {
    query: Query,
    could_name: Option<&'a CouldName<'a>>,
    /// Takes from a pipeline, as soon as it is read, what is not wanted: most of a large repository.
    slim: &'a (dyn Fn(&mut Pipeline) + Sync),
    /// Packages that are looked for in lock files. A list of all would have millions of lines.
    wanted: Wanted,
    /// Whether files are asked for what a vendor stores.
    stores: bool,
    /// Whether workflows and actions are read.
    workflows: bool,
}

impl Asked<'_> {
    /// What these incidents need to be read; nothing more is known of them yet.
    fn of(packs: &[&incident::Pack]) -> Self {
        let any = |of: fn(&incident::Pack) -> bool| packs.iter().any(|pack| of(pack));
        let components = packs.iter().flat_map(|pack| pack.components());
        Self {
            wanted: Wanted::new(components.flat_map(incident::PackComponent::package_names)),
            stores: any(|pack| pack.has_kind(Kind::Vendor)),
            workflows: any(|pack| pack.components().iter().any(|c| c.entry.kind != Kind::Vendor)),
            ..Self::everything()
        }
    }

    fn everything() -> Self {
        Self {
            query: Query::default(),
            could_name: None,
            slim: &|_| {},
            wanted: Wanted::default(),
            stores: false,
            workflows: true,
        }
    }
}

/// Reads every root and keeps only what `keep` makes of it, so that memory does not grow with their number.
fn each_root<T: Send>(
    sources: &Sources,
    asked: &Asked<'_>,
    progress: &Progress,
    keep: impl Fn(&Repository, &Clues) -> T + Sync,
) -> Result<Vec<T>, ExitError> {
    let roots = discover::roots(&sources.paths).map_err(|error| failed(&error))?;
    let names = discover::names(&roots);
    let siblings = Checkouts::open(&roots);
    let (wanted, locks) = (&asked.wanted, lock::Cache::default());
    progress.begin("reading", roots.len());
    let read = |(root, name): (&PathBuf, &String)| {
        let clues = Mutex::new(Clues::default());
        let lower = |files: &dyn Files, path: &str, entry: Entry| {
            let mut pipelines = match entry {
                Entry::Stored(platform) if asked.stores => ci::stored::read(files, path, platform),
                Entry::Workflow | Entry::Action if !asked.workflows => Vec::new(),
                Entry::Stored(_) => Vec::new(),
                Entry::Lockfile => lock::unclaimed(files, wanted, &locks, path),
                Entry::Workflow | Entry::Action => ci::github::read(files, &siblings, path, entry),
            };
            for pipeline in &mut pipelines {
                // What tells of a secret may stand in a job that is not wanted.
                clues.lock().unwrap_or_else(PoisonError::into_inner).read(pipeline);
                pipeline.forget_uses();
                lock::resolve(files, wanted, &locks, pipeline);
                (asked.slim)(pipeline);
            }
            pipelines
        };
        let mut repository = discover::scan(root, &asked.query, &lower, asked.could_name)
            .map_err(|error| failed(&error))?;
        repository.identity.clone_from(name);
        let clues = clues.into_inner().unwrap_or_else(PoisonError::into_inner);
        let kept = keep(&repository, &clues);
        progress.advance();
        Ok(kept)
    };
    roots.par_iter().zip(&names).map(read).collect()
}

fn subject<'a>(repository: &'a Repository, sources: &Sources) -> Subject<'a> {
    let dated = repository.definitions.iter().all(|definition| definition.dated);
    let basis = match (sources.as_of, repository.kind) {
        (Some(day), _) => Basis::AsOf(day),
        (None, RootKind::WorkTree | RootKind::Bare) if dated => Basis::History,
        (None, _) => Basis::Undated,
    };
    let defined = |definition: &'a discover::Definition| Defined {
        pipeline: &definition.pipeline,
        live: &definition.live,
        certainty: definition.certainty,
    };
    Subject {
        identity: &repository.identity,
        basis,
        definitions: repository.definitions.iter().map(defined).collect(),
        coverage: &repository.coverage,
    }
}

fn pipelines(repository: &Repository) -> Vec<Arc<Pipeline>> {
    repository.definitions.iter().map(|definition| Arc::clone(&definition.pipeline)).collect()
}

/// Coverage of a list of what is there: whatever could hold a component or a secret matters.
fn listed(repository: &Repository) -> Vec<Coverage> {
    let entry = |entry: &discover::Coverage| Coverage {
        repository: repository.identity.clone(),
        scope: entry.scope.clone(),
        state: entry.state,
        reason: entry.reason.clone(),
        matters: entry.hides == Hidden::Anything,
        file: entry.file.clone(),
        line: None,
    };
    repository.coverage.iter().map(entry).collect()
}

fn failed(error: &DiscoverError) -> ExitError {
    ExitError::failed(format_args!("`{}`", error.path().display()), error)
        .hint("name a checkout, a bare clone, or a folder of clones")
}
