//! What is missing, damaged or hostile in a repository is named.

use super::*;

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
fn a_damaged_repository_is_still_read_as_a_folder() {
    let git = Git::new();
    git.ci("good", "01-10");
    fs::remove_file(git.path.join(".git/HEAD")).unwrap();
    let all = git.scan("01-01", "");
    assert_eq!(all.definitions.len(), 1);
    assert_eq!(coverage(&all, "history:HEAD").state, CoverageState::Failed);
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
