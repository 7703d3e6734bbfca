//! Checkouts on disk: real repositories, made with `git`, and folders with odd things in them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use jiff::Timestamp;
use keysweep::{
    ci::{
        Files, Siblings,
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
    Query { windows: Some(Hull { from: open(from), to: open(to) }), ..Query::default() }
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
    discover::scan(root, query, &lower).unwrap()
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

#[test]
fn a_line_counts_from_its_commit_to_the_next_content() {
    let git = Git::new();
    let added = git.ci("bad", "02-01");
    git.noise("02-10");
    git.noise("04-10");
    git.ci("good", "05-01");
    let inside = git.scan("03-01", "03-31");
    assert_eq!(live(&inside, "bad"), ["Inferred 02-01..05-01"]);
    assert_eq!(found(&inside, "bad")[0].live[0].commit.as_deref(), Some(&*added));
    assert_eq!(live(&inside, "good"), [""; 0]);

    assert_eq!(live(&git.scan("", "01-31"), "bad"), [""; 0], "added after the window");
    assert_eq!(live(&git.scan("05-01", ""), "bad"), [""; 0], "removed before the window");
    assert_eq!(live(&git.scan("05-01", ""), "good"), ["Inferred 05-01..now"]);
    assert_eq!(live(&git.scan("04-30", ""), "bad"), ["Inferred 02-01..05-01"]);
    assert_eq!(live(&git.scan("", "02-01"), "bad"), ["Inferred 02-01..05-01"]);
}

#[test]
fn removed_and_added_again_is_two_intervals() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.ci("good", "02-10");
    git.ci("bad", "03-10");
    fs::remove_file(git.path.join(CI)).unwrap();
    git.commit("04-10");
    let all = git.scan("01-01", "12-31");
    assert_eq!(live(&all, "bad"), ["Inferred 01-10..02-10", "Inferred 03-10..04-10"]);
    assert_eq!(live(&all, "good"), ["Inferred 02-10..03-10"]);
}

#[test]
fn what_only_a_branch_or_a_tag_holds_is_possible() {
    let git = Git::new();
    git.ci("good", "01-10");
    git.run(&["checkout", "-q", "-b", "side"]);
    git.ci("branch", "02-10");
    git.run(&["checkout", "-q", "--detach", "main"]);
    git.ci("tagged", "03-10");
    git.run(&["tag", "-a", "-m", "x", "v1"]);
    git.run(&["checkout", "-q", "main"]);
    let all = git.scan("04-01", "04-02");
    assert_eq!(live(&all, "branch"), ["Possible 02-10..now"]);
    assert_eq!(live(&all, "tagged"), ["Possible 03-10..now"]);
    assert_eq!(live(&all, "good"), ["Inferred 01-10..now"]);
}

#[test]
fn a_side_line_keeps_a_version_in_force_as_possible() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.run(&["branch", "side"]);
    git.ci("good", "02-10");
    git.run(&["checkout", "-q", "side"]);
    git.noise("03-10");
    git.run(&["checkout", "-q", "main"]);
    assert_eq!(
        live(&git.scan("01-01", ""), "bad"),
        ["Inferred 01-10..02-10", "Possible 02-10..now"]
    );
    assert_eq!(live(&git.scan("06-01", ""), "bad"), ["Possible 02-10..now"]);
}

#[test]
fn a_merge_ends_both_lines() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.run(&["checkout", "-q", "-b", "side"]);
    git.noise("02-10");
    git.run(&["checkout", "-q", "main"]);
    git.ci("good", "02-20");
    git.run_at(&full("03-10"), &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    git.run(&["branch", "-q", "-D", "side"]);
    let all = git.scan("01-01", "");
    assert_eq!(live(&all, "bad"), ["Inferred 01-10..03-10"]);
    assert_eq!(live(&all, "good"), ["Inferred 02-20..now"]);
}

#[test]
fn an_octopus_has_many_parents() {
    let git = Git::new();
    git.ci("bad", "01-10");
    for (branch, date) in [("a", "02-01"), ("b", "02-02"), ("c", "02-03")] {
        git.run(&["checkout", "-q", "-b", branch, "main"]);
        git.write(branch, branch).commit(date);
    }
    git.run(&["checkout", "-q", "main"]);
    git.run_at(&full("03-10"), &["merge", "-q", "-m", "octopus", "a", "b", "c"]);
    git.ci("good", "04-10");
    git.run(&["branch", "-q", "-D", "a", "b", "c"]);
    assert_eq!(live(&git.scan("03-20", "03-21"), "bad"), ["Inferred 01-10..04-10"]);
}

#[test]
fn a_script_that_changed_is_another_version_of_the_workflow() {
    let git = Git::new();
    git.write("ci/run.sh", "old").ci("call ci/run.sh", "01-10");
    git.write("ci/run.sh", "new").commit("02-10");
    git.noise("03-10");
    fs::remove_file(git.path.join("ci/run.sh")).unwrap();
    git.commit("04-10");
    let all = git.scan("01-01", "");
    assert_eq!(live(&all, "old"), ["Inferred 01-10..02-10"]);
    assert_eq!(live(&all, "new"), ["Inferred 02-10..04-10"]);
    assert_eq!(live(&all, "-"), ["Inferred 04-10..now"]);
}

#[test]
fn a_script_behind_a_link_is_followed_through_history() {
    let git = Git::new();
    git.write("tools/run.sh", "old");
    std::os::unix::fs::symlink("tools", git.path.join("ci")).unwrap();
    git.ci("call ci/run.sh", "01-10");
    git.write("tools/run.sh", "new").commit("02-10");
    fs::remove_file(git.path.join("ci")).unwrap();
    std::os::unix::fs::symlink("../outside", git.path.join("ci")).unwrap();
    git.commit("03-10");
    let all = git.scan("01-01", "");
    assert_eq!(live(&all, "old"), ["Inferred 01-10..02-10"]);
    assert_eq!(live(&all, "new"), ["Inferred 02-10..03-10"]);
    let broken = found(&all, "");
    assert_eq!(broken.len(), 1);
    assert!(broken[0].pipeline.gaps[0].reason.contains("leaves the checkout"), "{broken:?}");
}

#[test]
fn a_listed_folder_counts_by_names_only() {
    let git = Git::new();
    git.write("ci/a.sh", "1").ci("list ci", "01-10");
    git.write("ci/a.sh", "2").commit("02-10");
    git.write("ci/b.sh", "1").commit("03-10");
    let all = git.scan("01-01", "");
    assert_eq!(live(&all, "a.sh"), ["Inferred 01-10..03-10"]);
    assert_eq!(live(&all, "a.sh,b.sh"), ["Inferred 03-10..now"]);
}

#[test]
fn a_moved_file_is_another_definition() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.run(&["mv", CI, ".github/workflows/test.yml"]);
    git.commit("02-10");
    let all = git.scan("01-01", "");
    assert_eq!(live(&all, "bad"), ["Inferred 01-10..02-10", "Inferred 02-10..now"]);
    let files: Vec<&str> = found(&all, "bad").iter().map(|found| &*found.pipeline.file).collect();
    assert_eq!(files, [CI, ".github/workflows/test.yml"]);
}

#[test]
fn a_stale_tip_behind_a_skewed_date_is_found() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.run(&["branch", "stale"]);
    git.run(&["checkout", "-q", "stale"]);
    // Much older than the commit it stands on.
    git.noise("2001-01-01T00:00:00Z");
    git.run(&["checkout", "-q", "main"]);
    git.ci("good", "01-20");
    let late = git.scan("06-01", "06-02");
    assert_eq!(live(&late, "bad"), ["Possible 2001-01-01..01-10", "Possible 01-20..now"]);
}

#[test]
fn a_child_dated_before_its_parent_does_not_hide_the_parent() {
    let git = Git::new();
    git.noise("01-01");
    git.ci("bad", "06-10");
    git.ci("good", "03-10");
    git.noise("07-10");
    // Its own date is right and the child's wrong …
    assert_eq!(live(&git.scan("06-20", "06-30"), "bad"), ["Inferred 06-10..07-10"]);
    // … or the other way round.
    assert_eq!(live(&git.scan("04-10", "04-12"), "bad"), ["Possible 03-10..06-10"]);
}

#[test]
fn a_bare_mirror_reads_as_the_clone_does() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.run(&["checkout", "-q", "-b", "side"]);
    git.ci("side", "01-20");
    git.run(&["checkout", "-q", "main"]);
    git.ci("good", "02-10");
    git.run(&["update-ref", "refs/pull/1/head", "side"]);
    git.run(&["clone", "-q", "--mirror", ".", "../mirror.git"]);
    git_in(&git.home.path().join("mirror.git"), "", &["gc", "-q"]);
    let mirror = scan(&git.home.path().join("mirror.git"), &window("01-01", ""));
    assert_eq!(mirror.kind, RootKind::Bare);
    assert_eq!(mirror.default_branch.as_deref(), Some("main"));
    assert_eq!(live(&mirror, "bad"), ["Inferred 01-10..02-10"]);
    assert_eq!(live(&mirror, "side"), ["Possible 01-20..now"]);
    assert_eq!(coverage(&mirror, "history:refs").state, CoverageState::NotApplicable);
    // Without a window: the newest state.
    let newest = scan(&git.home.path().join("mirror.git"), &Query::default());
    assert_eq!(live(&newest, "good"), ["Inferred 02-10..now"]);
    assert_eq!(newest.definitions.len(), 1);
}

#[test]
fn the_remote_says_which_branch_is_the_default() {
    let git = Git::new();
    git.ci("good", "01-10");
    git.run(&["clone", "-q", ".", "../clone"]);
    let clone = git.home.path().join("clone");
    git_in(&clone, "", &["checkout", "-q", "-b", "feature"]);
    fs::write(clone.join(CI), "bad").unwrap();
    git_in(&clone, &full("02-10"), &["commit", "-q", "-a", "-m", "x"]);
    let all = scan(&clone, &window("03-01", "04-01"));
    assert_eq!(all.default_branch.as_deref(), Some("main"));
    assert_eq!(live(&all, "bad"), ["Possible 02-10..now"]);
    assert_eq!(live(&all, "good"), ["Inferred 01-10..now"]);
}

#[test]
fn a_local_branch_behind_its_remote_holds_nothing() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.run(&["clone", "-q", ".", "../clone"]);
    git.ci("good", "02-10");
    let clone = git.home.path().join("clone");
    git_in(&clone, "", &["fetch", "-q"]);
    assert_eq!(live(&scan(&clone, &window("03-01", "")), "bad"), [""; 0]);
    // A branch of the server that was left behind does.
    git.run(&["branch", "old", "HEAD~"]);
    git_in(&clone, "", &["fetch", "-q"]);
    assert_eq!(live(&scan(&clone, &window("03-01", "")), "bad"), ["Possible 02-10..now"]);
}

#[test]
fn a_shallow_clone_says_what_it_hides() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.ci("good", "02-10");
    git.noise("03-10");
    let url = format!("file://{}", git.path.display());
    git.run(&["clone", "-q", "--depth", "1", &url, "../shallow"]);
    let shallow = scan(&git.home.path().join("shallow"), &window("01-01", "02-01"));
    assert_eq!(shallow.definitions.len(), 0);
    let cut = shallow.coverage.iter().find(|entry| entry.state == CoverageState::Unseen).unwrap();
    assert!(cut.scope.starts_with("history:") && cut.reason.contains("shallow"), "{cut:?}");
    assert_eq!(cut.hides, Hidden::Before(time("03-10")));
    assert!(
        git.scan("01-01", "02-01").coverage.iter().all(|entry| entry.state == CoverageState::Seen)
    );
}

#[test]
fn a_missing_commit_is_not_the_beginning() {
    let git = Git::new();
    let lost = git.ci("bad", "01-10");
    git.ci("good", "02-10");
    fs::remove_file(git.path.join(format!(".git/objects/{}/{}", &lost[..2], &lost[2..]))).unwrap();
    let all = git.scan("01-01", "01-20");
    let failed = all.coverage.iter().find(|entry| entry.state == CoverageState::Failed).unwrap();
    assert_eq!(failed.hides, Hidden::Before(time("02-10")), "{failed:?}");
}

#[test]
fn a_missing_tree_and_a_missing_file_are_loud() {
    let git = Git::new();
    git.ci("bad", "01-10");
    let tree = git.run(&["rev-parse", "HEAD^{tree}"]);
    let blob = git.run(&["rev-parse", &format!("HEAD:{CI}")]);
    let object = |id: &str| git.path.join(format!(".git/objects/{}/{}", &id[..2], &id[2..]));
    fs::remove_file(object(&blob)).unwrap();
    let all = git.scan("01-01", "");
    assert!(all.definitions[0].pipeline.gaps[0].reason.contains("not in this clone"));
    fs::remove_file(object(&tree)).unwrap();
    let all = git.scan("01-01", "");
    let failed = all.coverage.iter().find(|entry| entry.state == CoverageState::Failed).unwrap();
    assert_eq!((&*failed.scope, failed.hides), ("history:refs/heads/main", Hidden::Anything));
}

#[test]
fn a_ref_to_nowhere_is_named() {
    let git = Git::new();
    git.ci("good", "01-10");
    fs::write(git.path.join(".git/refs/heads/lost"), format!("{}\n", "1".repeat(40))).unwrap();
    let all = git.scan("01-01", "");
    assert_eq!(coverage(&all, "history:refs/heads/lost").state, CoverageState::Failed);
    assert_eq!(live(&all, "good"), ["Inferred 01-10..now"]);
}

#[test]
fn a_clone_without_its_branches_is_not_empty() {
    let git = Git::new();
    git.ci("good", "01-10");
    git.run(&["gc", "-q"]);
    fs::remove_file(git.path.join(".git/packed-refs")).unwrap();
    let all = git.scan("01-01", "");
    assert_eq!(coverage(&all, "history:HEAD").state, CoverageState::Failed);
    assert_eq!(all.definitions.len(), 1, "the folder is read instead");
}

#[test]
fn grafted_history_is_followed() {
    let git = Git::new();
    let old = git.ci("bad", "01-10");
    git.run(&["checkout", "-q", "--orphan", "fresh"]);
    let new = git.ci("good", "02-10");
    git.run(&["branch", "-q", "-D", "main"]);
    git.run(&["branch", "-q", "-m", "main"]);
    assert_eq!(live(&git.scan("01-01", ""), "bad"), [""; 0]);
    git.run(&["replace", "--graft", &new, &old]);
    let joined = git.scan("01-01", "");
    assert_eq!(live(&joined, "bad"), ["Inferred 01-10..02-10"]);
    assert_eq!(coverage(&joined, "history:refs/replace").state, CoverageState::Seen);
}

#[test]
fn a_graft_file_is_followed() {
    let git = Git::new();
    let old = git.ci("bad", "01-10");
    git.run(&["checkout", "-q", "--orphan", "fresh"]);
    let new = git.ci("good", "02-10");
    git.run(&["branch", "-q", "-D", "main"]);
    fs::write(git.path.join(".git/info/grafts"), format!("# joined\n{new} {old}\n")).unwrap();
    let joined = git.scan("01-01", "");
    assert_eq!(live(&joined, "bad"), ["Inferred 01-10..02-10"]);
    assert_eq!(coverage(&joined, "history:info/grafts").state, CoverageState::Seen);
}

#[test]
fn a_partial_clone_names_what_it_lacks() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.ci("good", "02-10");
    git.run(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", git.path.display());
    git.run(&["clone", "-q", "--filter=blob:none", &url, "../partial"]);
    let partial = scan(&git.home.path().join("partial"), &window("01-01", ""));
    assert_eq!(live(&partial, "good"), ["Inferred 02-10..now"]);
    let lacking = found(&partial, "");
    assert!(lacking[0].pipeline.gaps[0].reason.contains("not in this clone"), "{partial:#?}");
    let entry = partial.coverage.iter().find(|entry| entry.state == CoverageState::Unseen).unwrap();
    assert!(entry.reason.contains("partial"));
}

#[test]
fn other_formats_of_git() {
    let git = Git::new();
    fs::remove_dir_all(git.path.join(".git")).unwrap();
    git.run(&["init", "-q", "-b", "main", "--object-format=sha256"]);
    git.ci("bad", "01-10");
    git.ci("good", "02-10");
    assert_eq!(live(&git.scan("01-01", ""), "bad"), ["Inferred 01-10..02-10"]);

    fs::remove_dir_all(git.path.join(".git")).unwrap();
    git.run(&["init", "-q", "-b", "main", "--ref-format=reftable"]);
    git.ci("good", "02-10");
    let all = git.scan("01-01", "");
    assert!(coverage(&all, "history:HEAD").reason.contains("reftable"), "{:#?}", all.coverage);
    assert_eq!(coverage(&all, "history:HEAD").hides, Hidden::Anything);
    assert_eq!(all.definitions.len(), 1, "the folder is still read");
}

#[test]
fn a_fifo_in_git_does_not_block() {
    let git = Git::new();
    git.ci("good", "01-10");
    for name in ["packed-refs", "shallow", "info/grafts"] {
        let path = git.path.join(".git").join(name);
        fs::remove_file(&path).ok();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let all = git.scan("01-01", "");
        assert!(coverage(&all, "history:HEAD").reason.contains(name));
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn present_files_are_the_definitions_without_a_window() {
    let git = Git::new();
    git.ci("old", "01-10");
    git.write(CI, "edited");
    let present = scan(&git.path, &Query::default());
    assert_eq!(live(&present, "edited"), ["Inferred 01-10..now"]);
    assert_eq!(present.definitions.len(), 1);
    let as_of = Query { as_of: Some(time("02-01")), ..window("03-01", "03-02") };
    assert_eq!(live(&scan(&git.path, &as_of), "edited"), ["Inferred 02-01..now"]);
}

#[test]
fn what_is_not_committed_counts_from_now_on() {
    let git = Git::new();
    git.ci("old", "01-10");
    git.write("other", "untouched");
    let query = Query { now: Some(time("06-01")), ..window("03-01", "") };
    assert_eq!(scan(&git.path, &query).definitions.len(), 1);
    git.write(CI, "edited");
    let all = scan(&git.path, &query);
    assert_eq!(live(&all, "old"), ["Inferred 01-10..now"]);
    assert_eq!(live(&all, "edited"), ["Possible 06-01..now"]);
    let closed = Query { now: Some(time("06-01")), ..window("03-01", "04-01") };
    assert_eq!(live(&scan(&git.path, &closed), "edited"), [""; 0]);
}

#[test]
fn a_repository_without_commits_is_a_folder() {
    let git = Git::new();
    git.write(CI, "new");
    let all = git.scan("01-01", "");
    assert!(!all.definitions[0].dated);
}

#[test]
fn a_folder_inside_a_work_tree_has_no_history() {
    let git = Git::new();
    git.write("examples/demo/.github/workflows/ci.yml", "demo").commit("01-10");
    let demo = scan(&git.path.join("examples/demo"), &window("01-01", ""));
    assert_eq!(demo.kind, RootKind::Folder);
    assert!(!demo.definitions[0].dated && demo.definitions[0].live.is_empty());
    assert_eq!(git.scan("01-01", "").definitions.len(), 0, "and is no CI of the whole");
}

#[test]
fn linked_work_trees_and_submodules() {
    let git = Git::new();
    git.ci("good", "01-10");
    git.run(&["worktree", "add", "-q", "../linked"]);
    let linked = scan(&git.home.path().join("linked"), &window("01-01", ""));
    assert_eq!(
        (linked.kind, &*live(&linked, "good")),
        (RootKind::WorkTree, &["Inferred 01-10..now".to_owned()][..])
    );

    let outer = Git::new();
    let url = git.path.display().to_string();
    outer.run(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "sub"]);
    outer.write("action.yml", "call sub/README").commit("02-10");
    let all = outer.scan("01-01", "");
    assert_eq!(all.definitions.len(), 1, "what is in the submodule is not this repository's");
    assert!(all.definitions[0].pipeline.gaps[0].reason.contains("submodule"));
    let present = scan(&outer.path, &Query::default());
    assert_eq!(coverage(&present, "file:sub").state, CoverageState::NotApplicable);
    assert_eq!(
        live(&scan(&outer.path.join("sub"), &window("01-01", "")), "good"),
        ["Inferred 01-10..now"]
    );
}

#[test]
fn a_damaged_repository_is_still_read_as_a_folder() {
    let git = Git::new();
    git.ci("good", "01-10");
    fs::remove_file(git.path.join(".git/HEAD")).unwrap();
    let all = git.scan("01-01", "");
    assert_eq!(all.definitions.len(), 1);
    assert_eq!(coverage(&all, "history:HEAD").state, CoverageState::Failed);
}

#[test]
fn nothing_of_the_configuration_is_run() {
    let git = Git::new();
    git.write(".gitattributes", "* filter=evil\n").ci("good", "01-10");
    let trap = git.home.path().join("trap");
    let touch = format!("touch {}", trap.display());
    for key in [
        "core.fsmonitor",
        "filter.evil.smudge",
        "filter.evil.clean",
        "core.sshCommand",
        "core.pager",
    ] {
        git.run(&["config", key, &touch]);
    }
    git.run(&["config", "include.path", "/dev/zero"]);
    let query = Query { now: Some(time("06-01")), ..window("01-01", "") };
    assert_eq!(live(&scan(&git.path, &query), "good"), ["Inferred 01-10..now"]);
    assert!(!trap.exists());
}

#[test]
fn a_tree_that_holds_itself_many_times_ends() {
    let git = Git::new();
    let mktree = |lines: String| {
        fs::write(git.path.join("lines"), lines).unwrap();
        let mut command = Command::new("git");
        let output = command.arg("mktree").current_dir(&git.path);
        let output =
            output.stdin(fs::File::open(git.path.join("lines")).unwrap()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    fs::write(git.path.join("x"), "x").unwrap();
    let blob = git.run(&["hash-object", "-w", "x"]);
    let mut tree = mktree(format!("100644 blob {blob}\tJenkinsfile\n"));
    for _ in 0..20 {
        tree = mktree((0..10).map(|n| format!("040000 tree {tree}\td{n}\n")).collect());
    }
    let commit = git.run(&["commit-tree", "-m", "x", &tree]);
    git.run(&["update-ref", "refs/heads/main", &commit]);
    let all = git.scan("", "");
    assert!(
        all.coverage.iter().any(|entry| entry.reason.contains("more than")),
        "{:#?}",
        all.coverage
    );
    assert_eq!(coverage(&all, "dialect:jenkins").state, CoverageState::Unseen);
}

#[test]
fn dialects_and_lockfiles_of_the_past_are_named() {
    let git = Git::new();
    git.write(".travis.yml", "x").write("web/yarn.lock", "").commit("01-10");
    fs::remove_file(git.path.join(".travis.yml")).unwrap();
    git.commit("02-10");
    let past = git.scan("01-20", "01-21");
    let travis = coverage(&past, "dialect:travis");
    assert_eq!((travis.state, travis.hides), (CoverageState::Unseen, Hidden::Anything));
    assert_eq!(travis.live[0].to, Some(time("02-10")));
    assert_eq!(coverage(&past, "file:web/yarn.lock").hides, Hidden::Packages("npm"));
    let later = git.scan("03-01", "");
    assert!(later.coverage.iter().all(|entry| entry.scope != "dialect:travis"));
}

#[test]
fn each_version_is_lowered_once() {
    let git = Git::new();
    git.write("action.yml", "action").ci("one", "01-10");
    for day in 11..=20 {
        git.noise(&format!("01-{day}"));
    }
    git.ci("two", "02-10");
    let count = AtomicUsize::new(0);
    let counting = |files: &dyn Files, path: &str, entry| {
        count.fetch_add(1, Ordering::Relaxed);
        lower(files, path, entry)
    };
    discover::scan(&git.path, &window("01-01", ""), &counting).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 3);
    count.store(0, Ordering::Relaxed);
    discover::scan(&git.path, &window("03-01", ""), &counting).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 2, "what was replaced before is not lowered");
}

#[test]
fn identity_comes_from_the_remote() {
    let git = Git::new();
    git.ci("good", "01-10");
    assert_eq!(scan(&git.path, &Query::default()).identity, "repo");
    git.run(&["remote", "add", "upstream", "https://user:s3cret@gitlab.example.org/g/p.git"]);
    assert_eq!(discover::identity(&git.path).unwrap(), "gitlab.example.org/g/p");
    git.run(&["remote", "add", "origin", "git@github.com:acme/site.git"]);
    assert_eq!(scan(&git.path, &Query::default()).identity, "acme/site");
}

#[test]
fn many_roots() {
    let home = tempfile::tempdir().unwrap();
    let make = |path: &str| {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    };
    make("clones/a/.github/workflows/ci.yml");
    make("clones/b/.travis.yml");
    make("clones/notes/README");
    let clones = home.path().join("clones");
    fs::create_dir(clones.join("c")).unwrap();
    git_in(&clones.join("c"), "", &["init", "-q", "--bare"]);
    std::os::unix::fs::symlink("a", clones.join("again")).unwrap();
    let roots = |paths: &[&Path]| {
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        discover::roots(&paths).map_err(|error| error.to_string())
    };
    let found = roots(&[&clones, &clones.join("a")]).unwrap();
    assert_eq!(found, [clones.join("a"), clones.join("b"), clones.join("c")]);
    assert_eq!(roots(&[&clones.join("notes")]).unwrap(), [clones.join("notes")]);

    let missing = roots(&[&home.path().join("nope")]).unwrap_err();
    assert!(missing.contains("nope") && missing.contains("does not exist"), "{missing}");
    let file = roots(&[&clones.join("notes/README")]).unwrap_err();
    assert!(file.contains("name the folder"), "{file}");
    fs::create_dir(home.path().join("empty")).unwrap();
    assert!(roots(&[&home.path().join("empty")]).unwrap_err().contains("is empty"));
}

#[test]
fn clones_of_one_repository_are_told_apart_and_found_as_siblings() {
    let a = Git::new();
    a.write("x.sh", "a").ci("good", "01-10");
    a.run(&["remote", "add", "origin", "https://github.com/Acme/Site"]);
    a.run(&["clone", "-q", "--bare", ".", "../b.git"]);
    let bare = a.home.path().join("b.git");
    git_in(&bare, "", &["remote", "set-url", "origin", "https://github.com/Acme/Site"]);
    let mut both = [scan(&a.path, &Query::default()), scan(&bare, &Query::default())];
    discover::tell_apart(&mut both);
    assert_ne!(both[0].identity, both[1].identity);
    assert!(both.iter().all(|one| one.identity.starts_with("Acme/Site (")));
    for root in [&a.path, &bare] {
        let checkouts = discover::Checkouts::open(std::slice::from_ref(root));
        let files = checkouts.find("acme/site").unwrap();
        assert_eq!(files.read("x.sh").unwrap().as_deref(), Some(&b"a"[..]));
        assert!(checkouts.find("acme/other").is_none());
    }
}

#[test]
fn a_folder_with_odd_things_in_it() {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("root");
    let workflows = root.join(".github/workflows");
    fs::create_dir_all(&workflows).unwrap();
    fs::write(home.path().join("secret.yml"), "outside").unwrap();
    fs::write(workflows.join("good.yml"), "good").unwrap();
    fs::write(workflows.join("dots.yml"), "call ../secret.yml").unwrap();
    fs::write(workflows.join("git.yml"), "call .git/config").unwrap();
    symlink("../../../secret.yml", workflows.join("link.yml")).unwrap();
    symlink("loop.yml", workflows.join("loop.yml")).unwrap();
    symlink("nothing", workflows.join("dangling.yml")).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink(".", root.join("self")).unwrap();
    fs::write(workflows.join("big.yml"), vec![b'#'; 9 << 20]).unwrap();
    fs::create_dir(workflows.join("folder.yml")).unwrap();
    let fifo = workflows.join("fifo.yml");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fs::write(workflows.join(std::ffi::OsStr::from_bytes(b"odd\xff.yml")), "x").unwrap();
    let all = scan(&root, &window("01-01", ""));
    let gap = |name: &str| {
        let file = format!(".github/workflows/{name}.yml");
        let found = all.definitions.iter().find(|one| *one.pipeline.file == *file).unwrap();
        found.pipeline.gaps.first().map(|gap| gap.reason.clone()).unwrap_or_default()
    };
    assert_eq!(gap("good"), "");
    assert_eq!(gap("git"), "");
    for (name, reason) in [
        ("dots", "leaves the checkout"),
        ("link", "leaves the checkout through a symbolic link"),
        ("loop", "loop"),
        ("dangling", "a symbolic link to nothing"),
        ("big", "9 MB, the limit is 8 MB"),
        ("fifo", "not a regular file"),
    ] {
        assert!(gap(name).contains(reason), "{name}: {}", gap(name));
    }
    assert_eq!(all.definitions.len(), 8);
    let odd = all.coverage.iter().find(|entry| entry.reason.contains("UTF-8")).unwrap();
    assert_eq!((odd.state, odd.hides), (CoverageState::Failed, Hidden::Anything));
}

#[test]
fn a_linked_workflows_folder_is_named() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", home.path().join(".github")).unwrap();
    let all = scan(home.path(), &Query::default());
    assert_eq!(coverage(&all, "file:.github").state, CoverageState::Failed);
}

#[test]
fn a_folder_dated_by_the_user() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".github/workflows")).unwrap();
    fs::write(home.path().join(CI), "good").unwrap();
    let all = scan(home.path(), &Query { as_of: Some(time("02-01")), ..window("01-01", "") });
    assert_eq!(live(&all, "good"), ["Inferred 02-01..now"]);
    assert!(all.definitions[0].dated);
}

/// Histories by chance, and what they mean by the definition alone: every commit is lowered, every
/// interval is written down tick by tick.
mod by_chance {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fmt::Write as _,
        io::Write as _,
        process::Stdio,
    };

    use keysweep::ci::MemoryFiles;

    use super::*;

    const TICKS: usize = 60;
    const DAY: i64 = 86_400;
    const START: i64 = 1_600_000_000;

    /// A small generator: the cases must be the same in every run.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % end
        }
    }

    #[derive(Clone)]
    struct Commit {
        date: usize,
        parents: Vec<usize>,
        files: BTreeMap<&'static str, String>,
    }

    const PATHS: [&str; 5] =
        [CI, ".github/workflows/b.yml", "tools/action.yml", "ci/one.sh", "ci/two.sh"];
    const TEXTS: [&str; 5] =
        ["call ci/one.sh", "call ci/two.sh", "plain", "list ci", "call ci/one.sh\nx"];

    fn history(chance: &mut Chance) -> Vec<Commit> {
        let mut commits: Vec<Commit> = Vec::new();
        for n in 0..40 {
            let back = |chance: &mut Chance| n - 1 - chance.below(n.min(4));
            let mut parents: Vec<usize> = Vec::new();
            if n > 0 && chance.below(20) > 0 {
                parents.push(back(chance));
                while chance.below(6) == 0 {
                    parents.push(back(chance));
                }
                parents.dedup();
            }
            let mut commit = parents.first().map_or_else(
                || Commit { date: 0, parents: Vec::new(), files: BTreeMap::new() },
                |first| commits[*first].clone(),
            );
            // Mostly in order, now and then far off.
            commit.date =
                if chance.below(12) == 0 { chance.below(TICKS - 2) } else { n + chance.below(3) };
            commit.parents = parents;
            if chance.below(3) == 0 {
                let path = PATHS[chance.below(PATHS.len())];
                match chance.below(5) {
                    0 => commit.files.remove(path),
                    _ => commit.files.insert(path, TEXTS[chance.below(TEXTS.len())].to_owned()),
                };
            }
            commits.push(commit);
        }
        commits
    }

    fn import(git: &Git, commits: &[Commit], branches: &BTreeMap<String, usize>) {
        let mut stream = String::new();
        for (n, commit) in commits.iter().enumerate() {
            let date = START + commit.date as i64 * DAY;
            write!(
                stream,
                "commit refs/temporary/{n}\nmark :{}\ncommitter a <a> {date} +0000\ndata 0\n",
                n + 1
            )
            .unwrap();
            for (at, parent) in commit.parents.iter().enumerate() {
                let word = if at == 0 { "from" } else { "merge" };
                writeln!(stream, "{word} :{}", parent + 1).unwrap();
            }
            stream.push_str("deleteall\n");
            for (path, text) in &commit.files {
                write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len()).unwrap();
            }
        }
        for (name, at) in branches {
            write!(stream, "reset {name}\nfrom :{}\n", at + 1).unwrap();
        }
        let mut child = Command::new("git")
            .args(["fast-import", "--quiet"])
            .current_dir(&git.path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    type Ticks = [bool; TICKS];
    type Found = BTreeMap<(String, String, bool), Ticks>;

    fn ancestors(commits: &[Commit], tips: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<usize> = tips.into_iter().collect();
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                open.extend(&commits[at].parents);
            }
        }
        seen
    }

    /// The first date on a child's line that is not before `date`, level by level.
    fn replaced(commits: &[Commit], line: &BTreeSet<usize>, at: usize) -> Option<usize> {
        let children =
            |of: usize| line.iter().copied().filter(move |n| commits[*n].parents.contains(&of));
        let date = commits[at].date;
        let after = |child: usize| {
            let mut level = BTreeSet::from([child]);
            for _ in 0..commits.len() {
                if let Some(fit) =
                    level.iter().map(|n| commits[*n].date).filter(|d| *d >= date).max()
                {
                    return fit;
                }
                level = level.iter().flat_map(|n| children(*n)).collect();
            }
            date
        };
        children(at).map(after).max()
    }

    fn expected(commits: &[Commit], branches: &BTreeMap<String, usize>) -> Found {
        let all = ancestors(commits, branches.values().copied());
        let default = ancestors(commits, [branches["refs/heads/main"]]);
        let mut found = Found::new();
        for at in &all {
            let commit = &commits[*at];
            let files = commit
                .files
                .iter()
                .fold(MemoryFiles::default(), |files, (path, text)| files.with(path, text));
            let held =
                branches.iter().any(|(name, tip)| tip == at && name.starts_with("refs/heads/"));
            for (path, entry) in [
                (PATHS[0], Entry::Workflow),
                (PATHS[1], Entry::Workflow),
                (PATHS[2], Entry::Action),
            ] {
                if !commit.files.contains_key(path) {
                    continue;
                }
                let name = lower(&files, path, entry)[0].name.clone().unwrap();
                let mut mark = |inferred: bool, from: usize, to: Option<usize>| {
                    let ticks = found
                        .entry((path.to_owned(), name.clone(), inferred))
                        .or_insert([false; TICKS]);
                    ticks[from..to.unwrap_or(TICKS)].fill(true);
                };
                if default.contains(at) {
                    mark(true, commit.date, replaced(commits, &default, *at));
                }
                let to = replaced(commits, &all, *at).filter(|_| !held);
                mark(false, commit.date, to);
                let children = all.iter().filter(|n| commits[**n].parents.contains(at));
                if let Some(first) =
                    children.map(|n| commits[*n].date).min().filter(|d| *d < commit.date)
                {
                    mark(false, first, Some(commit.date));
                }
            }
        }
        for ((path, name, _), inferred) in
            found.clone().into_iter().filter(|((_, _, inferred), _)| *inferred)
        {
            if let Some(possible) = found.get_mut(&(path, name, false)) {
                possible.iter_mut().zip(inferred).for_each(|(tick, known)| *tick &= !known);
            }
        }
        found
    }

    fn actual(repository: &Repository) -> Found {
        let tick = |time: Timestamp| usize::try_from((time.as_second() - START) / DAY).unwrap();
        let mut found = Found::new();
        for definition in &repository.definitions {
            let inferred = definition.certainty == keysweep::ci::model::Certainty::Inferred;
            let name = definition.pipeline.name.clone().unwrap();
            let key = (definition.pipeline.file.to_string(), name, inferred);
            let ticks = found.entry(key).or_insert([false; TICKS]);
            for live in &definition.live {
                ticks[tick(live.from.unwrap())..live.to.map_or(TICKS, tick)].fill(true);
            }
        }
        // Two versions of one name may hold the same tick, one of them only possibly.
        for ((path, name, inferred), known) in found.clone() {
            if inferred && let Some(possible) = found.get_mut(&(path, name, false)) {
                possible.iter_mut().zip(known).for_each(|(tick, known)| *tick &= !known);
            }
        }
        found
    }

    fn without_empty(found: Found, from: usize, to: usize) -> Found {
        found.into_iter().filter(|(_, ticks)| ticks[from..to].contains(&true)).collect()
    }

    #[test]
    fn the_fast_way_finds_what_the_plain_way_finds() {
        for seed in 0..10 {
            let mut chance = Chance(seed);
            let commits = history(&mut chance);
            let mut branches = BTreeMap::from([("refs/heads/main".to_owned(), commits.len() - 1)]);
            for n in 0..4 {
                let kind = if n == 3 { "tags" } else { "heads" };
                branches.insert(format!("refs/{kind}/b{n}"), chance.below(commits.len()));
            }
            let git = Git::new();
            import(&git, &commits, &branches);
            let expected = expected(&commits, &branches);
            let all = scan(&git.path, &window("", ""));
            assert_eq!(
                without_empty(actual(&all), 0, TICKS),
                without_empty(expected.clone(), 0, TICKS),
                "seed {seed}"
            );
            // In a window the same versions are found, with their whole time in force.
            let from = chance.below(TICKS - 10);
            let to = from + 1 + chance.below(9);
            let time = |tick: usize, less: i64| {
                Timestamp::from_second(START + tick as i64 * DAY - less).ok()
            };
            let hull = Hull { from: time(from, 0), to: time(to, 1) };
            let some = scan(&git.path, &Query { windows: Some(hull), ..Query::default() });
            let keys =
                |found: Found| without_empty(found, from, to).into_keys().collect::<Vec<_>>();
            assert_eq!(keys(actual(&some)), keys(expected), "seed {seed} in {from}..{to}");
        }
    }
}
