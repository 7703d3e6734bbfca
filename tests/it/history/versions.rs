//! What makes two commits hold the same version of a file.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

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
    discover::scan(&git.path, &window("01-01", ""), &counting, None).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 3);
    count.store(0, Ordering::Relaxed);
    discover::scan(&git.path, &window("03-01", ""), &counting, None).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 2, "what was replaced before is not lowered");
}
