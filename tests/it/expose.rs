//! The main job from folders and clones to the report: verdicts, dates, ids, coverage.

use std::{fs, path::Path, process::Command};

use keysweep::{
    assess::{Confidence, Disposition, Exposure, Reach, Report, SiteStatus, Verdict},
    cli::{Checkout, Progress, Sources, Stages},
};
use tempfile::TempDir;

const CI: &str = ".github/workflows/ci.yml";

/// A job with the component, a secret in its environment, one in another step and one in another job.
fn workflow(uses: &str) -> String {
    format!(
        "on: push
jobs:
  test:
    runs-on: ubuntu-latest
    env:
      A: ${{{{ secrets.IN_ENV }}}}
    steps:
      - uses: actions/checkout@v2
      - name: Other step
        run: make
        env:
          B: ${{{{ secrets.IN_STEP }}}}
      - name: Upload
        uses: {uses}
        with:
          token: ${{{{ secrets.IN_INPUT }}}}
  other:
    runs-on: ubuntu-latest
    steps:
      - run: make
        env:
          C: ${{{{ secrets.IN_JOB }}}}
"
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

fn expose(incident: &str, dir: &Path, as_of: Option<&str>) -> Report {
    let sources = Sources {
        paths: vec![dir.to_owned()],
        as_of: as_of.map(|day| format!("{day}T00:00:00Z").parse().unwrap()),
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
    };
    Checkout.expose(incident, &sources, &Progress::new(false)).unwrap().report
}

fn find<'r>(report: &'r Report, name: &str) -> Option<&'r Exposure> {
    report.exposures.iter().find(|e| e.placement.name == name)
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines: Vec<_> = report
        .exposures
        .iter()
        .map(|e| format!("{} {:?} {:?} {}", e.placement.name, e.reach, e.confidence, e.capability))
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_payload_of_the_environment_takes_its_own_step() {
    let dir = folder(&[(CI, &workflow("codecov/codecov-action@v1"))]);
    let report = expose("codecov-2021", dir.path(), Some("2021-02-10"));
    assert_eq!(
        lines(&report),
        [
            "GITHUB_TOKEN AnyCode Inferred K2",
            "IN_ENV Payload Inferred K1",
            "IN_INPUT Payload Inferred K1",
            "IN_STEP AnyCode Inferred K3",
        ]
    );
    assert_eq!(report.summary.verdict, Verdict::Exposed);
    assert_eq!(report.summary.placements, 4);
    assert_eq!(find(&report, "GITHUB_TOKEN").unwrap().disposition, Disposition::AuditOnly);
    let consumer = find(&report, "IN_ENV").unwrap().consumer.as_ref().unwrap();
    assert_eq!((consumer.line, consumer.step.as_deref()), (14, Some("Upload")));
}

#[test]
fn a_payload_of_the_memory_takes_the_whole_job() {
    let dir = folder(&[(CI, &workflow("tj-actions/changed-files@v45"))]);
    let report = expose("tj-actions-2025", dir.path(), Some("2025-03-14"));
    assert_eq!(
        lines(&report),
        [
            "GITHUB_TOKEN Payload Inferred K5",
            "IN_ENV Payload Inferred K5",
            "IN_INPUT Payload Inferred K5",
            "IN_STEP Payload Inferred K5",
        ]
    );
}

#[test]
fn the_repository_may_lie_in_a_folder_of_the_workspace() {
    let ci = "on: push
env: {GOPATH: '${{ github.workspace }}/go'}
jobs:
  make:
    runs-on: ubuntu-latest
    defaults: {run: {working-directory: go/src/o/r}}
    env: {A: '${{ secrets.MAKE }}'}
    steps:
      - uses: actions/checkout@v2
        with: {path: '${{ env.GOPATH }}/src/o/r'}
      - run: make coverage
  script:
    runs-on: ubuntu-latest
    env: {A: '${{ secrets.SCRIPT }}'}
    steps:
      - uses: actions/checkout@v2
        with: {path: mine, repository: '${{ github.event.pull_request.head.repo.full_name }}'}
      - run: cd mine && ./upload.sh
  action:
    runs-on: ubuntu-latest
    env: {A: '${{ secrets.ACTION }}'}
    steps:
      - uses: actions/checkout@v2
        with: {path: mine}
      - uses: ./mine/upload
  other:
    runs-on: ubuntu-latest
    env: {A: '${{ secrets.OTHER }}'}
    steps:
      - uses: actions/checkout@v2
        with: {path: theirs, repository: someone/else}
      - run: cd theirs && ./upload.sh
";
    let dir = folder(&[
        (CI, ci),
        ("Makefile", "coverage:\n\t./upload.sh\n"),
        ("upload.sh", "#!/bin/sh\ncurl -s https://codecov.io/bash | bash\n"),
        (
            "upload/action.yml",
            "runs:\n  using: composite\n  steps:\n    - {run: '${{ github.action_path }}/../upload.sh', shell: bash}\n",
        ),
    ]);
    let report = expose("codecov-2021", dir.path(), Some("2021-02-10"));
    let mut taken: Vec<_> = report
        .exposures
        .iter()
        .filter(|e| e.reach == Reach::Payload)
        .map(|e| e.placement.name.as_str())
        .collect();
    taken.sort_unstable();
    assert_eq!(taken, ["ACTION", "MAKE", "SCRIPT"]);
    assert!(report.coverage.iter().all(|entry| !entry.matters), "{:?}", report.coverage);
}

#[test]
fn a_token_that_is_written_out_as_an_argument_is_taken() {
    let run = |arguments: &str| {
        let ci = format!(
            "on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: bash <(curl -s https://codecov.io/bash) {arguments}
"
        );
        let dir = folder(&[(CI, &ci)]);
        let report = expose("codecov-2021", dir.path(), Some("2021-02-10"));
        let text = serde_json::to_string(&report).unwrap();
        assert!(!text.contains("4c1d7e02"), "{arguments}");
        let literals = report.exposures.iter().filter(|e| e.reach == Reach::Payload);
        literals.map(|e| e.placement.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(run("-F unit -t 4c1d7e02-58f3-4b6a-a1d9-03b7c65e2f18"), ["-t"]);
    assert_eq!(run("--token=4c1d7e02-58f3-4b6a-a1d9-03b7c65e2f18"), ["--token"]);
    assert_eq!(run("-C 4c1d7e0258f34b6aa1d903b7c65e2f181234abcd -f a -F unit"), [""; 0]);
}

#[test]
fn dates_decide() {
    let dir = folder(&[(CI, &workflow("codecov/codecov-action@v1"))]);
    let site = |as_of: Option<&str>| {
        let report = expose("codecov-2021", dir.path(), as_of);
        let best = report.exposures.iter().map(|e| e.confidence).max();
        (report.summary.verdict, best, report.sites[0].reason.clone())
    };
    let (verdict, best, _) = site(Some("2021-04-01"));
    assert_eq!((verdict, best), (Verdict::Exposed, Some(Confidence::Inferred)), "day precision");
    let (verdict, _, reason) = site(Some("2021-04-02"));
    assert_eq!(verdict, Verdict::Unknown, "what stood there in the window is not known: {reason}");
    let (verdict, best, reason) = site(None);
    assert_eq!((verdict, best), (Verdict::Exposed, Some(Confidence::Possible)));
    assert!(reason.contains("undated"), "{reason}");
}

#[test]
fn an_audit_window_alone_gives_possible() {
    let dir = folder(&[(CI, &workflow("tj-actions/changed-files@v45"))]);
    let repository = git(
        &dir,
        &[
            (CI, &workflow("tj-actions/changed-files@v45"), "2025-01-01"),
            (CI, "on: push\njobs: {}\n", "2025-03-13T12:00:00Z"),
        ],
    );
    let report = expose("tj-actions-2025", repository, None);
    assert_eq!(report.summary.verdict, Verdict::Exposed);
    assert!(
        report.exposures.iter().all(|e| e.confidence == Confidence::Possible),
        "{:?}",
        lines(&report)
    );
}

#[test]
fn what_cannot_have_been_bad_is_cleared_with_a_reason() {
    for (uses, word) in [
        ("codecov/codecov-action@v2", "after the window"),
        ("codecov/codecov-action@29386c70ef20e286228c72b668a06fd0e8399192", "commit"),
    ] {
        let dir = folder(&[(CI, &workflow(uses))]);
        let report = expose("codecov-2021", dir.path(), Some("2021-03-01"));
        assert_eq!(report.summary.verdict, Verdict::Cleared, "{uses}: {:?}", report.sites);
        assert!(
            report.exposures.is_empty() && report.sites[0].reason.contains(word),
            "{:?}",
            report.sites
        );
    }
    let dir = folder(&[(
        CI,
        &workflow("codecov/codecov-action@v1")
            .replace("- name: Upload", "- name: Upload\n        if: ${{ false }}"),
    )]);
    let report = expose("codecov-2021", dir.path(), Some("2021-03-01"));
    assert_eq!(report.summary.verdict, Verdict::Cleared);
    assert!(report.sites[0].reason.contains("if:"), "{}", report.sites[0].reason);
}

#[test]
fn no_mention_is_not_found_and_a_look_alike_is_none() {
    let dir = folder(&[(CI, &workflow("step-security/changed-files@v45"))]);
    let report = expose("tj-actions-2025", dir.path(), Some("2025-03-14"));
    assert_eq!(report.summary.verdict, Verdict::NotFound, "{:?}", report.coverage);
    assert!(report.sites.is_empty());
}

#[test]
fn a_gap_matters_only_where_it_could_hide_the_incident() {
    let broken = "on: push\njobs:\n  a:\n    steps:\n      - uses: 'x\n  {";
    let dir =
        folder(&[(CI, &workflow("actions/cache@v2")), (".github/workflows/broken.yml", broken)]);
    let report = expose("codecov-2021", dir.path(), Some("2021-03-01"));
    assert_eq!(report.summary.verdict, Verdict::NotFound, "nothing behind the break names it");
    let broken = format!("{broken}\n      - run: curl https://codecov.io/bash");
    let dir =
        folder(&[(CI, &workflow("actions/cache@v2")), (".github/workflows/broken.yml", &broken)]);
    let report = expose("codecov-2021", dir.path(), Some("2021-03-01"));
    assert_eq!(report.summary.verdict, Verdict::Unknown, "{:?}", report.coverage);
    let entry = report.coverage.iter().find(|c| c.matters).unwrap();
    assert!(entry.scope.starts_with("file:.github/workflows/broken.yml"), "{entry:?}");
}

#[test]
fn a_dialect_that_is_not_read_is_unknown_where_the_component_could_run_in_it() {
    let dir = folder(&[(".travis.yml", "script: bash <(curl -s https://codecov.io/bash)")]);
    assert_eq!(
        expose("codecov-2021", dir.path(), Some("2021-03-01")).summary.verdict,
        Verdict::Unknown
    );
    // An action of GitHub cannot run on Travis.
    assert_eq!(
        expose("tj-actions-2025", dir.path(), Some("2025-03-14")).summary.verdict,
        Verdict::NotFound
    );
}

#[test]
fn an_action_offered_to_others_is_assessed_for_them() {
    let action = "name: x
inputs:
  github_token: { default: '${{ github.token }}' }
  level: { default: error }
runs:
  using: composite
  steps:
    - uses: reviewdog/action-setup@v1
    - run: ./x.sh
      shell: bash
      env: { T: '${{ inputs.github_token }}' }
";
    let dir = folder(&[("action.yml", action), ("x.sh", "")]);
    let report = expose("reviewdog-2025", dir.path(), Some("2025-03-11"));
    assert_eq!(lines(&report), ["inputs.github_token Payload Inferred K5"]);
    assert!(report.coverage.iter().any(|c| c.scope == "settings:consumers"));
}

#[test]
fn an_id_survives_edits_around_it() {
    let text = workflow("codecov/codecov-action@v1");
    let before = folder(
        &[("a/".to_owned() + CI, text.clone())].each_ref().map(|(p, t)| (p.as_str(), t.as_str())),
    );
    let after = folder(
        &[("a/".to_owned() + CI, format!("# a comment\n\n{text}"))]
            .each_ref()
            .map(|(p, t)| (p.as_str(), t.as_str())),
    );
    let report = |dir: &TempDir| expose("codecov-2021", &dir.path().join("a"), Some("2021-03-01"));
    let (before, after) = (report(&before), report(&after));
    let ids = |report: &Report| report.exposures.iter().map(|e| e.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&before), ids(&after));
    let line = |report: &Report| report.exposures[0].consumer.as_ref().unwrap().line;
    assert_eq!(line(&after), line(&before) + 2);
    assert!(ids(&before).iter().all(|id| id.len() == 12));
}

/// Commits the files one after the other, each at its date, and gives the repository's folder.
fn git<'d>(dir: &'d TempDir, commits: &[(&str, &str, &str)]) -> &'d Path {
    let root = dir.path();
    let run = |args: &[&str], date: &str| {
        let status = Command::new("git")
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.org",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(args)
            .current_dir(root)
            .env("GIT_COMMITTER_DATE", date)
            .env("GIT_AUTHOR_DATE", date)
            .output()
            .unwrap();
        assert!(
            status.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&status.stderr)
        );
    };
    run(&["init", "-q"], "");
    for (path, text, date) in commits {
        let date =
            if date.contains('T') { (*date).to_owned() } else { format!("{date}T00:00:00Z") };
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
        run(&["add", "-A"], &date);
        run(&["commit", "-q", "--allow-empty", "-m", "x"], &date);
    }
    root
}

#[test]
fn history_tells_what_was_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let bad = workflow("codecov/codecov-action@v1");
    let clean = workflow("actions/cache@v2");
    let repository = git(
        &dir,
        &[(CI, &clean, "2020-06-01"), (CI, &bad, "2021-02-20"), (CI, &clean, "2021-03-10")],
    );
    let report = expose("codecov-2021", repository, None);
    assert_eq!(report.summary.verdict, Verdict::Exposed);
    let line = find(&report, "IN_ENV").unwrap();
    assert_eq!((line.confidence, line.reach), (Confidence::Inferred, Reach::Payload));
    assert_eq!(line.live.len(), 1);
    let overlap = line.overlap.unwrap();
    assert_eq!(overlap.from.unwrap().to_string(), "2021-02-20T00:00:00Z");
    assert_eq!(overlap.to.unwrap().to_string(), "2021-03-10T00:00:00Z");
}

#[test]
fn history_clears_by_date() {
    let dir = tempfile::tempdir().unwrap();
    let bad = workflow("codecov/codecov-action@v1");
    let clean = workflow("actions/cache@v2");
    let repository = git(&dir, &[(CI, &bad, "2020-06-01"), (CI, &clean, "2021-01-10")]);
    let report = expose("codecov-2021", repository, None);
    cleared_by_date(&report, &["2020-06-01", "2021-01-10", "2021-01-31"]);
}

/// One site, in no exposure, whose reason names the days.
fn cleared_by_date(report: &Report, days: &[&str]) {
    assert_eq!(report.summary.verdict, Verdict::Cleared, "{:?}", report.coverage);
    assert!(report.exposures.is_empty(), "{:?}", lines(report));
    assert_eq!(report.sites.len(), 1, "{:?}", report.sites);
    let site = &report.sites[0];
    assert_eq!((site.status, site.live.len()), (SiteStatus::Cleared, 1));
    assert!(site.reason.starts_with("outside the window: in force"), "{}", site.reason);
    for day in days {
        assert!(site.reason.contains(day), "{day}: {}", site.reason);
    }
}

#[test]
fn what_was_added_after_the_window_is_cleared_by_date() {
    let dir = tempfile::tempdir().unwrap();
    let bad = workflow("codecov/codecov-action@v1");
    let clean = workflow("actions/cache@v2");
    let repository = git(&dir, &[(CI, &clean, "2020-06-01"), (CI, &bad, "2021-06-10")]);
    cleared_by_date(&expose("codecov-2021", repository, None), &["from 2021-06-10", "2021-04-02"]);
}

#[test]
fn an_action_of_the_repository_is_cleared_by_date_where_its_callers_do_not_name_the_component() {
    let action = |uses: &str| format!("runs:\n  using: composite\n  steps:\n    - uses: {uses}\n");
    let (bad, clean) = (action("codecov/codecov-action@v1"), action("actions/cache@v2"));
    let dir = tempfile::tempdir().unwrap();
    let path = ".github/actions/upload/action.yml";
    let caller = workflow("./.github/actions/upload");
    let repository = git(
        &dir,
        &[(CI, &caller, "2020-05-01"), (path, &bad, "2020-06-01"), (path, &clean, "2021-01-10")],
    );
    let report = expose("codecov-2021", repository, None);
    cleared_by_date(&report, &["2020-06-01", "2021-01-10"]);
    assert_eq!(report.sites[0].consumer.as_ref().unwrap().file, path);
    // In the window it is the caller's job that counts.
    let dir = tempfile::tempdir().unwrap();
    let repository = git(&dir, &[(path, &bad, "2020-06-01"), (CI, &caller, "2021-02-10")]);
    let report = expose("codecov-2021", repository, None);
    assert_eq!(report.summary.verdict, Verdict::Exposed);
    assert_eq!(report.sites.len(), 1, "{:?}", report.sites);
    assert_eq!(report.sites[0].consumer.as_ref().unwrap().job.as_deref(), Some("test"));
}

#[test]
fn a_branch_that_named_it_outside_of_the_window_is_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let bad = workflow("codecov/codecov-action@v1");
    let clean = workflow("actions/cache@v2");
    let root = git(
        &dir,
        &[(CI, &clean, "2020-06-01"), (CI, &bad, "2020-07-01"), (CI, &clean, "2020-08-01")],
    );
    assert_eq!(expose("codecov-2021", root, None).summary.verdict, Verdict::Cleared);
    for args in [&["branch", "side"][..], &["reset", "-q", "--hard", "HEAD~2"]] {
        assert!(Command::new("git").args(args).current_dir(root).status().unwrap().success());
    }
    assert_eq!(expose("codecov-2021", root, None).summary.verdict, Verdict::NotFound);
}

#[test]
fn a_gap_of_another_time_does_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let clean = workflow("actions/cache@v2");
    let bad = workflow("codecov/codecov-action@v1");
    let broken = "on: push\njobs:\n  a:\n    steps:\n      - uses: 'codecov/codecov-action@v1\n  {";
    let other = ".github/workflows/other.yml";
    let repository = git(
        &dir,
        &[
            (other, broken, "2020-06-01"),
            (CI, &bad, "2020-06-02"),
            (CI, &clean, "2020-06-03"),
            (other, &clean, "2021-01-10"),
        ],
    );
    let report = expose("codecov-2021", repository, None);
    assert_eq!(report.summary.verdict, Verdict::Cleared, "{:?}", report.coverage);
    // The same gap in the window does.
    let dir = tempfile::tempdir().unwrap();
    let repository = git(&dir, &[(other, broken, "2020-06-01"), (other, &clean, "2021-02-10")]);
    assert_eq!(expose("codecov-2021", repository, None).summary.verdict, Verdict::Unknown);
}

#[test]
fn a_day_after_the_window_is_unknown_whatever_stands_there() {
    for uses in ["actions/cache@v2", "codecov/codecov-action@v3"] {
        let dir = folder(&[(CI, &workflow(uses))]);
        let report = expose("codecov-2021", dir.path(), Some("2022-03-01"));
        assert_eq!(report.summary.verdict, Verdict::Unknown, "{uses}");
        let entry = report.coverage.iter().find(|entry| entry.matters).unwrap();
        assert!(entry.reason.contains("2022-03-01"), "{entry:?}");
    }
}

#[test]
fn one_place_bad_in_one_version_stays_exposed() {
    let dir = tempfile::tempdir().unwrap();
    let bad = workflow("codecov/codecov-action@v1");
    let pinned = workflow("codecov/codecov-action@v2");
    let repository = git(&dir, &[(CI, &bad, "2021-02-01"), (CI, &pinned, "2021-03-01")]);
    let report = expose("codecov-2021", repository, None);
    assert_eq!(report.summary.verdict, Verdict::Exposed);
    assert!(report.sites.iter().any(|site| site.status == SiteStatus::Exposed));
}

#[test]
fn a_fetch_in_one_step_and_its_run_in_another_are_one_site() {
    let text = "on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: curl -s https://codecov.io/bash -o codecov.sh
      - run: make
      - name: Upload
        run: bash codecov.sh
        env:
          T: ${{ secrets.T }}
";
    let dir = folder(&[(CI, text)]);
    let report = expose("codecov-2021", dir.path(), Some("2021-03-01"));
    assert_eq!(report.sites.len(), 1, "{:?}", report.sites);
    let site = &report.sites[0];
    assert_eq!(site.status, SiteStatus::Exposed);
    assert_eq!(site.consumer.as_ref().map(|c| c.line), Some(9));
    assert_eq!(site.via.iter().map(|place| place.line).collect::<Vec<_>>(), [6]);
    assert_eq!(find(&report, "T").map(|e| e.reach), Some(Reach::Payload));
}
