//! Checkouts on disk: real repositories, made with `git`, and folders with odd things in them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod by_chance;
mod clones;
mod damage;
mod folders;
mod outside;
mod roots;
mod times;
mod versions;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use jiff::Timestamp;
use keysweep::{
    ci::{
        Files,
        catalog::Entry,
        model::{Gap, Hides, Pipeline, Place, Platform, Role},
    },
    discover::{self, CoverageState, Definition, Hidden, Hull, Query, Repository, RootKind},
};
use tempfile::TempDir;

const CI: &str = ".github/workflows/ci.yml";

/// A repository under construction. Dates are days of 2021 (`"02-03"`) or RFC 3339.
struct Git {
    home: TempDir,
    path: PathBuf,
}

impl Git {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("repo");
        fs::create_dir(&path).unwrap();
        let git = Self { home, path };
        git.run(&["init", "-q", "-b", "main"]);
        git
    }

    fn run(&self, args: &[&str]) -> String {
        self.run_at("2021-01-01T00:00:00Z", args)
    }

    fn run_at(&self, date: &str, args: &[&str]) -> String {
        git_in(&self.path, date, args)
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Commits everything that is there.
    fn commit(&self, date: &str) -> String {
        self.run(&["add", "-A"]);
        self.run_at(&full(date), &["commit", "-q", "--allow-empty", "-m", date]);
        self.run(&["rev-parse", "HEAD"])
    }

    /// A commit that changes nothing that is CI.
    fn noise(&self, date: &str) -> String {
        self.write("README", date).commit(date)
    }

    fn ci(&self, text: &str, date: &str) -> String {
        self.write(CI, text).commit(date)
    }

    fn scan(&self, from: &str, to: &str) -> Repository {
        scan(&self.path, &window(from, to))
    }
}

fn git_in(path: &Path, date: &str, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(path)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", path)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "a")
        .env("GIT_AUTHOR_EMAIL", "a@example.org")
        .env("GIT_COMMITTER_NAME", "a")
        .env("GIT_COMMITTER_EMAIL", "a@example.org")
        .env("GIT_AUTHOR_DATE", "2020-01-01T00:00:00Z")
        .env("GIT_COMMITTER_DATE", date)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn full(date: &str) -> String {
    if date.len() == 5 { format!("2021-{date}T00:00:00Z") } else { date.to_owned() }
}

fn time(date: &str) -> Timestamp {
    full(date).parse().unwrap()
}

fn window(from: &str, to: &str) -> Query {
    let open = |date: &str| (!date.is_empty()).then(|| time(date));
    Query { windows: vec![Hull { from: open(from), to: open(to) }], ..Query::default() }
}

/// A stand-in for a front end: its pipeline is named by what it read. `call PATH` in a file reads PATH,
/// `list PATH` lists it.
fn lower(files: &dyn Files, path: &str, entry: Entry) -> Vec<Pipeline> {
    let mut gaps = Vec::new();
    let mut name = String::new();
    read(files, path, &mut name, &mut gaps, 0);
    let role = if entry == Entry::Workflow { Role::Runs } else { Role::Offered };
    vec![Pipeline {
        platform: Platform::Github,
        file: path.into(),
        name: Some(name),
        role,
        triggers: Vec::new(),
        jobs: Vec::new(),
        doubts: Vec::new(),
        gaps,
    }]
}

fn read(files: &dyn Files, path: &str, name: &mut String, gaps: &mut Vec<Gap>, depth: usize) {
    match files.read(path) {
        Ok(Some(bytes)) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            for line in text.lines().filter(|_| depth < 5) {
                match line.split_once(' ') {
                    Some(("call", path)) => read(files, path, name, gaps, depth + 1),
                    Some(("list", dir)) => name.push_str(&files.list(dir).join(",")),
                    _ => name.push_str(line),
                }
            }
        }
        Ok(None) => name.push('-'),
        Err(error) => gaps.push(Gap {
            place: Place { file: path.into(), line: 1 },
            reason: error.to_string(),
            hides: Hides::Anything,
        }),
    }
}

fn scan(root: &Path, query: &Query) -> Repository {
    discover::scan(root, query, &lower, None).unwrap()
}

fn found<'r>(repository: &'r Repository, name: &str) -> Vec<&'r Definition> {
    let named = |definition: &&Definition| definition.pipeline.name.as_deref() == Some(name);
    repository.definitions.iter().filter(named).collect()
}

/// `CERTAINTY from..to` of every definition of this name; days of 2021 where they are that.
fn live(repository: &Repository, name: &str) -> Vec<String> {
    let day = |time: Option<Timestamp>| match time.map(|time| time.to_string()) {
        None => "now".to_owned(),
        Some(text) => {
            let text = text.strip_suffix("T00:00:00Z").unwrap_or(&text);
            text.strip_prefix("2021-").unwrap_or(text).to_owned()
        }
    };
    found(repository, name)
        .iter()
        .flat_map(|definition| {
            definition.live.iter().map(|live| {
                format!("{:?} {}..{}", definition.certainty, day(live.from), day(live.to))
            })
        })
        .collect()
}

fn coverage<'r>(repository: &'r Repository, scope: &str) -> &'r discover::Coverage {
    let all = &repository.coverage;
    let entry = all.iter().find(|entry| entry.scope == scope);
    entry.unwrap_or_else(|| panic!("no `{scope}` in {all:#?}"))
}
