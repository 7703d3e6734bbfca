//! `keysweep check`: all incidents at once, and what would fall today.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

fn keysweep(args: &[&str], dir: &Path) -> (String, i32) {
    at_home(&dir.join("no-packs-are-kept-here"), args, dir)
}

fn at_home(home: &Path, args: &[&str], dir: &Path) -> (String, i32) {
    let run = Command::new(env!("CARGO_BIN_EXE_keysweep"))
        .env("KEYSWEEP_HOME", home)
        .args(args)
        .arg(dir)
        .output()
        .expect("it runs");
    assert!(run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
    (String::from_utf8(run.stdout).expect("text"), run.status.code().expect("it ends"))
}

fn workflow(dir: &Path, name: &str, text: &str) {
    let folder = dir.join(".github/workflows");
    fs::create_dir_all(&folder).expect("made");
    fs::write(folder.join(name), text).expect("written");
}

const CI: &str = "on: push
jobs:
  wide:
    runs-on: ubuntu-latest
    env: {A_TOKEN: '${{ secrets.A_TOKEN }}', B_TOKEN: '${{ secrets.B_TOKEN }}'}
    steps:
      - uses: acme/wide@v1
      - uses: acme/fixed@0123456789012345678901234567890123456789
  narrow:
    runs-on: ubuntu-latest
    steps:
      - uses: acme/narrow@v2
        with: {token: '${{ secrets.A_TOKEN }}'}
";

#[test]
fn a_small_repository_takes_ten_lines_the_widest_reach_first() {
    let dir = tempfile::tempdir().expect("a folder");
    workflow(dir.path(), "ci.yml", CI);
    let (page, code) = keysweep(&["check"], dir.path());
    assert!(page.lines().count() <= 10, "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not in\n{page}"));
    assert!(at("2  acme/wide@v1: A_TOKEN, B_TOKEN") < at("1  acme/narrow@v2: A_TOKEN"));
    assert!(page.contains("today: 2 credentials are within reach of 2 components"), "{page}");
    assert!(page.contains("1 component is fixed"), "{page}");
    assert_eq!(code, 0, "{page}");
}

#[test]
fn an_incident_that_is_met_is_named_with_its_credentials() {
    let dir = tempfile::tempdir().expect("a folder");
    let text = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n      - run: bash \
                <(curl -s https://codecov.io/bash)\n        env: {DEPLOY: '${{ secrets.DEPLOY }}'}\n";
    workflow(dir.path(), "ci.yml", text);
    let (page, code) = keysweep(&["check"], dir.path());
    assert!(page.starts_with("EXPOSED  codecov-2021 · 1 credential: DEPLOY\n"), "{page}");
    assert_eq!(code, 10);
    let (json, code) = keysweep(&["check", "--format", "json"], dir.path());
    let report: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((report["schema"].as_str(), code), (Some("keysweep.check/1"), 10));
    assert_eq!(report["incidents"][0]["id"], "codecov-2021");
    let credentials = report["incidents"][0]["credentials"].as_array().expect("a list");
    assert!(credentials.iter().any(|one| one["placement"]["name"] == "DEPLOY"));
    let known = keysweep::incident::builtin().len();
    assert_eq!(report["incidents"].as_array().map(Vec::len), Some(known), "none is passed over");
}

#[test]
fn what_was_not_read_keeps_incidents_open_and_is_said_once() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join(".cirrus.yml"), "task: {script: make}\n").expect("written");
    let (page, code) = keysweep(&["check"], dir.path());
    assert_eq!(page.matches("dialect:cirrus").count(), 1, "{page}");
    assert!(page.starts_with("UNKNOWN  ") && page.contains("codecov-2021"), "{page}");
    assert_eq!(code, 20);
}

#[test]
fn one_check_says_what_each_expose_says() {
    let dir = tempfile::tempdir().expect("a folder");
    workflow(dir.path(), "ci.yml", CI);
    workflow(
        dir.path(),
        "old.yml",
        "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: \
         tj-actions/changed-files@v40\n        env: {K: '${{ secrets.K }}'}\n      - uses: \
         codecov/codecov-action@v1\n",
    );
    fs::create_dir_all(dir.path().join(".circleci")).expect("made");
    fs::write(dir.path().join(".circleci/config.yml"), "version: 2.1\n").expect("written");
    let (json, _) = keysweep(&["check", "--format", "json"], dir.path());
    let check: Value = serde_json::from_str(&json).expect("JSON");
    for incident in check["incidents"].as_array().expect("a list") {
        let id = incident["id"].as_str().expect("an id");
        let (json, _) = keysweep(&["expose", id, "--format", "json"], dir.path());
        let expose: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(incident["verdict"], expose["summary"]["verdict"], "{id}");
        let sites = expose["sites"].as_array().map(Vec::len).unwrap_or_default();
        assert_eq!(incident["sites"], sites, "{id}");
    }
}

#[test]
fn a_kept_pack_is_checked_and_a_revision_of_it_stands_in_for_the_built_in_one() {
    let (dir, home) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("one"));
    workflow(dir.path(), "ci.yml", CI);
    let file = home.path().join("mine.toml");
    let new = ["incident", "new", "--component", "acme/narrow@*", "--from", "2024-01-01"];
    let more = ["--id", "mine-2024", "--title", "Mine", "--source-url", "https://example.com/a"];
    let run = |args: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_keysweep"))
            .env("KEYSWEEP_HOME", home.path())
            .args(args)
            .output()
            .expect("it runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    };
    let file = file.to_str().expect("text");
    run(&[&new[..], &more, &["-o", file]].concat());
    run(&["incident", "add", file]);
    let (json, code) = at_home(home.path(), &["check", "--format", "json"], dir.path());
    let report: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((report["incidents"][0]["id"].as_str(), code), (Some("mine-2024"), 10));
    let known = keysweep::incident::builtin().len() + 1;
    assert_eq!(report["incidents"].as_array().map(Vec::len), Some(known));
}
