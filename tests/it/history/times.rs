//! When versions were in force.

use super::*;

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
fn dialects_and_lockfiles_of_the_past_are_named() {
    let git = Git::new();
    git.write(".travis.yml", "x")
        .write("web/yarn.lock", "")
        .write("web/mix.lock", "")
        .commit("01-10");
    fs::remove_file(git.path.join(".travis.yml")).unwrap();
    git.commit("02-10");
    let past = git.scan("01-20", "01-21");
    let travis = coverage(&past, "dialect:travis");
    assert_eq!((travis.state, travis.hides), (CoverageState::Unseen, Hidden::Anything));
    assert_eq!(travis.live[0].to, Some(time("02-10")));
    assert_eq!(coverage(&past, "file:web/mix.lock").hides, Hidden::Packages("hex"));
    let read = coverage(&past, "file:web/yarn.lock");
    assert_eq!((read.state, read.hides), (CoverageState::Seen, Hidden::Nothing));
    let later = git.scan("03-01", "");
    assert!(later.coverage.iter().all(|entry| entry.scope != "dialect:travis"));
}
