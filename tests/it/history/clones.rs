//! Kinds of clones: mirrors, remotes, linked work trees, grafts, other formats.

use super::*;

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
