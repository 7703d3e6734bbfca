//! Folders without history, and odd things in them.

use super::*;

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
