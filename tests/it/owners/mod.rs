//! Who owns a secret's consumer, who first named it, and what in git writes it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod author;
mod codeowners;
mod managed;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use keysweep::{
    assess::{Exposure, InventoryReport, Report},
    cli::{Checkout, Progress, Sources, Stages},
    report::{self, Heading},
};
use tempfile::TempDir;

const CI: &str = ".github/workflows/ci.yml";

/// A workflow whose step with the component gets these secrets.
fn workflow(names: &[&str]) -> String {
    let env: String =
        names.iter().map(|name| format!("          {name}: ${{{{ secrets.{name} }}}}\n")).collect();
    format!(
        "on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - name: Upload
        uses: codecov/codecov-action@v1
        env:
{env}"
    )
}

/// A repository under construction; each commit is a day of its own, the first is 2021-01-01.
struct Repo {
    home: TempDir,
    path: PathBuf,
    day: u32,
}

impl Repo {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("repo");
        fs::create_dir(&path).unwrap();
        let repo = Self { home, path, day: 0 };
        repo.git("a", &["init", "-q", "-b", "main"]);
        repo.git("a", &["remote", "add", "origin", "https://github.com/acme/site"]);
        repo
    }

    fn git(&self, who: &str, args: &[&str]) -> String {
        let date = format!("2021-01-{:02}T00:00:00Z", self.day.clamp(1, 28));
        let mail = format!("{who}@example.org");
        let output = Command::new("git")
            .args(args)
            .current_dir(&self.path)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", who)
            .env("GIT_AUTHOR_EMAIL", &mail)
            .env("GIT_COMMITTER_NAME", "committer")
            .env("GIT_COMMITTER_EMAIL", "committer@example.org")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {error}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&mut self, path: &str, text: &str) -> &mut Self {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn commit(&mut self, who: &str) -> String {
        self.day += 1;
        self.git(who, &["add", "-A"]);
        self.git(who, &["commit", "-q", "--allow-empty", "-m", "x"]);
        self.git(who, &["rev-parse", "HEAD"])
    }

    fn report(&self) -> Report {
        expose(std::slice::from_ref(&self.path))
    }
}

/// A folder, by file.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn sources(paths: &[PathBuf]) -> Sources {
    Sources {
        paths: paths.to_vec(),
        as_of: Some("2021-02-10T00:00:00Z".parse().unwrap()),
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
    }
}

fn expose(paths: &[PathBuf]) -> Report {
    Checkout.expose("codecov-2021", &sources(paths), &Progress::new(false)).unwrap().report
}

fn inventory(path: &Path) -> InventoryReport {
    Checkout.inventory(&sources(&[path.to_owned()]), &Progress::new(false)).unwrap()
}

fn find<'r>(report: &'r Report, name: &str) -> &'r Exposure {
    let found = report.exposures.iter().find(|e| e.placement.name == name);
    found.unwrap_or_else(|| panic!("{name} is not in the report"))
}

/// Everything that a user can be shown.
fn outputs(report: &Report) -> String {
    let heading = Heading::default();
    let mut all = report::exposure(report, &heading);
    all.push_str(&report::json(report).unwrap());
    all.push_str(&report::verdict_line(report, &heading));
    for exposure in &report.exposures {
        all.push_str(&report::explain(report, &heading, &exposure.id).unwrap());
    }
    all.push_str(&format!("{report:?}"));
    all
}

/// The words of a page, without its line breaks.
fn words(page: &str) -> String {
    anstream::adapter::strip_str(page).to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
