//! Packages by lock file, and images by Dockerfile and compose file: from a tree or its history to a verdict.

mod formats;
mod images;
mod installs;
mod times;

use std::{fs, path::Path};

use keysweep::{
    assess::{self, Basis, Defined, Reach, Report, Subject},
    ci::{self, Files, NoSiblings, catalog::Entry, lock, lock::Wanted, model::Pipeline},
    discover::{self, Hull, Query},
    incident::{self, Pack},
};
use tempfile::TempDir;

const CI: &str = ".github/workflows/ci.yml";

fn pack() -> Pack {
    incident::parse(include_str!("packages/pack.toml"), "pack.toml").unwrap()
}

/// What the verb `expose` does with a pack.
fn expose(pack: &Pack, dir: &Path, as_of: Option<&str>) -> Report {
    let (from, to) = pack.hull();
    let as_of = as_of.map(|day| format!("{day}T00:00:00Z").parse().unwrap());
    let now = Some("2026-01-01T00:00:00Z".parse().unwrap());
    let query = Query { windows: vec![Hull { from, to }], as_of, now };
    let wanted = Wanted::new(pack.components().iter().flat_map(|c| c.package_names()));
    let cache = lock::Cache::default();
    let lower = |files: &dyn Files, path: &str, entry: Entry| -> Vec<Pipeline> {
        let mut pipelines = match entry {
            Entry::Lockfile => lock::unclaimed(files, &wanted, &cache, path),
            _ => ci::github::read(files, &NoSiblings, path, entry),
        };
        for pipeline in &mut pipelines {
            lock::resolve(files, &wanted, &cache, pipeline);
            assess::keep_what_counts(&[pack], pipeline);
        }
        pipelines
    };
    let repository = discover::scan(dir, &query, &lower, None).unwrap();
    let dated = repository.definitions.iter().all(|definition| definition.dated);
    let subject = Subject {
        identity: "o/r",
        basis: match as_of {
            Some(day) => Basis::AsOf(day),
            None if dated => Basis::History,
            None => Basis::Undated,
        },
        definitions: repository
            .definitions
            .iter()
            .map(|definition| Defined {
                pipeline: &definition.pipeline,
                live: &definition.live,
                certainty: definition.certainty,
            })
            .collect(),
        coverage: &repository.coverage,
    };
    assess::report(pack, vec![assess::examine(pack, &subject)])
}

/// A job with one secret that runs the command.
fn job(command: &str) -> String {
    format!(
        "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: {command}\n        env:\n          T: ${{{{ secrets.TOKEN }}}}\n"
    )
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// One line: the verdict; `STATUS NAME@REF FILE:LINE` of each site; the confidence with which the payload
/// took `TOKEN`; gaps that matter.
fn verdict(files: &[(&str, &str)]) -> String {
    let dir = folder(files);
    told(&expose(&pack(), dir.path(), Some("2025-05-01")))
}

fn told(report: &Report) -> String {
    let mut parts = vec![format!("{:?}", report.summary.verdict)];
    for site in &report.sites {
        let consumer = site.consumer.as_ref().unwrap();
        let reference = site.component.reference.as_deref().unwrap_or("-");
        parts.push(format!(
            "{:?} {}@{reference} {}:{}",
            site.status, site.component.name, consumer.file, consumer.line
        ));
    }
    let taken = report.exposures.iter().filter(|e| e.reach == Reach::Payload);
    for exposure in taken.filter(|e| e.placement.name == "TOKEN") {
        parts.push(format!("TOKEN {:?}", exposure.confidence));
    }
    let open = report.coverage.iter().filter(|entry| entry.matters);
    parts.extend(open.map(|entry| format!("{}: {}", entry.scope, entry.reason)));
    parts.join(" | ")
}
