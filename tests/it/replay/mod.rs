//! Each built-in pack on small trees: what it hits, what it clears, what it misses.

mod a;
mod b;

use std::{fs, path::Path, process::Command};

use keysweep::{
    assess::{Confidence, Reach, Report, SiteStatus, Verdict},
    ci::model::Component,
    cli::{Checkout, Progress, Sources, Stages},
    incident::{self, Context, Standing},
};

pub(super) const CI: &str = ".github/workflows/ci.yml";

/// Commits: date, and files with their texts; an empty text removes the file.
pub(super) type History<'h> = &'h [(&'h str, &'h [(&'h str, &'h str)])];

fn git(dir: &Path, date: &str, args: &[&str]) {
    let run = Command::new("git")
        .current_dir(dir)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(args)
        .env("GIT_AUTHOR_DATE", date)
        .env("GIT_COMMITTER_DATE", date)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// What the incident says of a repository with this history.
pub(super) fn replay(incident: &str, history: History<'_>) -> Report {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), "2015-01-01T00:00:00Z", &["init", "-q", "-b", "main"]);
    for (date, files) in history {
        for (path, text) in *files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text.is_empty() {
                true => fs::remove_file(path).unwrap(),
                false => fs::write(path, text).unwrap(),
            }
        }
        git(dir.path(), date, &["add", "-A"]);
        git(dir.path(), date, &["commit", "-q", "--allow-empty", "-m", "x"]);
    }
    let sources = Sources {
        paths: vec![dir.path().to_owned()],
        as_of: None,
        now: "2026-11-25T00:00:00Z".parse().unwrap(),
    };
    Checkout.expose(incident, &sources, &Progress::new(false)).unwrap().report
}

/// The verdict, and the names that the known payload took; `?` after what is possible only.
pub(super) fn taken(incident: &str, history: History<'_>) -> (Verdict, Vec<String>) {
    let report = replay(incident, history);
    (report.summary.verdict, names(&report))
}

/// The same for the components that it found, whatever else could not be read.
pub(super) fn judged(incident: &str, history: History<'_>) -> (Verdict, Vec<String>) {
    let report = replay(incident, history);
    let is = |status| report.sites.iter().any(|site| site.status == status);
    let verdict = match () {
        () if is(SiteStatus::Exposed) => Verdict::Exposed,
        () if is(SiteStatus::Unknown) => Verdict::Unknown,
        () if is(SiteStatus::Cleared) => Verdict::Cleared,
        () => Verdict::NotFound,
    };
    (verdict, names(&report))
}

fn names(report: &Report) -> Vec<String> {
    let by_payload = report.exposures.iter().filter(|e| e.reach == Reach::Payload);
    let mut names: Vec<_> = by_payload
        .map(|e| {
            let doubt = if e.confidence == Confidence::Possible { "?" } else { "" };
            format!("{}{doubt}", e.placement.name)
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// One word for what a pack says of a component, before any date is looked at.
pub(super) fn standing(incident: &str, component: &Component, context: &Context) -> &'static str {
    match incident::find(incident).unwrap().examine(component, context) {
        None => "none",
        Some(hit) => match hit.standing {
            Standing::Cleared { .. } => "cleared",
            Standing::Unknown { .. } => "unknown",
            Standing::Bad { .. } if hit.payload.is_empty() => "took nothing",
            Standing::Bad { .. } => "bad",
        },
    }
}
