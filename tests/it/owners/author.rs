//! The author of the line that first named a secret, through what history does to it.

use std::path::Path;

use keysweep::discover::{Answer, Author, MOST_OBJECTS, Question, first_named};

use super::{CI, Repo, expose, find, workflow};

fn ask(root: &Path, file: &str, name: &str) -> Answer {
    let question = Question { file: file.to_owned(), name: name.to_owned() };
    let mailmap = std::fs::read_to_string(root.join(".mailmap")).unwrap_or_default();
    first_named(root, &[question], &mailmap, MOST_OBJECTS).pop().unwrap()
}

fn author(repo: &Repo, name: &str) -> Author {
    match ask(&repo.path, CI, name) {
        Answer::Author(author) => author,
        other => panic!("{other:?}"),
    }
}

fn reason(answer: Answer) -> String {
    match answer {
        Answer::Unknown(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_edit_or_a_move_of_the_line_changes_no_author() {
    let mut repo = Repo::new();
    repo.write(CI, "on: push\n").commit("zero");
    let first = repo.write(CI, &workflow(&["OTHER", "TOKEN"])).commit("alice");
    repo.write(CI, &workflow(&["TOKEN", "OTHER"])).commit("bob");
    repo.write(CI, &workflow(&["TOKEN", "OTHER"]).replace("          ", "             "))
        .commit("carol");
    let found = author(&repo, "TOKEN");
    assert_eq!(found.who, "alice <alice@example.org>");
    assert_eq!((found.commit, found.line), (first, 10));
    assert_eq!(found.date.to_string(), "2021-01-02T00:00:00Z");
}

#[test]
fn a_name_that_went_and_came_again_was_first_named_the_first_time() {
    let mut repo = Repo::new();
    repo.write(CI, &workflow(&["TOKEN"])).commit("alice");
    repo.write(CI, &workflow(&["OTHER"])).commit("bob");
    repo.write(CI, &workflow(&["TOKEN"])).commit("carol");
    assert_eq!(author(&repo, "TOKEN").who, "alice <alice@example.org>");
    assert_eq!(author(&repo, "OTHER").who, "bob <bob@example.org>");
}

#[test]
fn a_part_of_another_name_is_no_naming() {
    let mut repo = Repo::new();
    repo.write(CI, &workflow(&["MY_TOKEN"])).commit("alice");
    repo.write(CI, &workflow(&["MY_TOKEN", "TOKEN"])).commit("bob");
    assert_eq!(author(&repo, "TOKEN").who, "bob <bob@example.org>");
    assert_eq!(ask(&repo.path, CI, "NOWHERE"), Answer::Unnamed);
}

#[test]
fn renames_are_followed_to_the_file_before() {
    let mut repo = Repo::new();
    repo.write(".github/workflows/old.yml", &workflow(&["TOKEN"])).commit("alice");
    repo.git("bob", &["mv", ".github/workflows/old.yml", ".github/workflows/mid.yml"]);
    repo.commit("bob");
    repo.git("carol", &["mv", ".github/workflows/mid.yml", CI]);
    // Renamed and changed in one commit.
    repo.write(CI, &workflow(&["MORE", "TOKEN"])).commit("carol");
    let found = author(&repo, "TOKEN");
    assert_eq!(found.who, "alice <alice@example.org>");
    assert_eq!(found.file, ".github/workflows/old.yml");
    assert_eq!(author(&repo, "MORE").who, "carol <carol@example.org>");
}

#[test]
fn a_copy_is_a_naming_of_its_own() {
    let mut repo = Repo::new();
    repo.write(".github/workflows/old.yml", &workflow(&["TOKEN"])).commit("alice");
    repo.write(CI, &workflow(&["TOKEN"])).commit("bob");
    assert_eq!(author(&repo, "TOKEN").who, "bob <bob@example.org>");
}

#[test]
fn two_files_that_became_one_are_not_guessed_between() {
    let mut repo = Repo::new();
    repo.write(".github/workflows/a.yml", &workflow(&["TOKEN", "A"])).commit("alice");
    repo.write(".github/workflows/b.yml", &workflow(&["TOKEN", "B"])).commit("bob");
    repo.git("carol", &["rm", "-q", ".github/workflows/a.yml", ".github/workflows/b.yml"]);
    repo.write(CI, &workflow(&["TOKEN", "A", "B"])).commit("carol");
    let reason = reason(ask(&repo.path, CI, "TOKEN"));
    assert!(reason.contains("2 files that named it went away"), "{reason}");
}

#[test]
fn a_merge_brings_the_author_of_its_branch() {
    let mut repo = Repo::new();
    repo.write(CI, &workflow(&["OTHER"])).commit("zero");
    repo.git("alice", &["checkout", "-q", "-b", "topic"]);
    let named = repo.write(CI, &workflow(&["OTHER", "TOKEN"])).commit("alice");
    repo.git("bob", &["checkout", "-q", "main"]);
    repo.write("README", "x").commit("bob");
    repo.git("merger", &["merge", "-q", "--no-ff", "-m", "merge", "topic"]);
    let found = author(&repo, "TOKEN");
    assert_eq!((found.who.as_str(), found.commit), ("alice <alice@example.org>", named));
}

#[test]
fn dates_out_of_order_do_not_change_who_was_first() {
    let mut repo = Repo::new();
    repo.day = 20;
    repo.write(CI, &workflow(&["TOKEN"])).commit("alice");
    repo.day = 3;
    repo.write(CI, &workflow(&["TOKEN", "OTHER"])).commit("bob");
    assert_eq!(author(&repo, "TOKEN").who, "alice <alice@example.org>");
}

#[test]
fn a_shallow_clone_names_nobody() {
    let mut repo = Repo::new();
    repo.write(CI, &workflow(&["TOKEN"])).commit("alice");
    repo.write("README", "x").commit("bob");
    let url = format!("file://{}", repo.path.display());
    repo.git("a", &["clone", "-q", "--depth", "1", &url, "../shallow"]);
    let shallow = repo.home.path().join("shallow");
    assert!(reason(ask(&shallow, CI, "TOKEN")).contains("a shallow clone"));
    let report = expose(&[shallow]);
    let exposure = find(&report, "TOKEN");
    assert!(exposure.owners.is_empty());
    assert!(exposure.author_unknown.as_ref().unwrap().contains("shallow"));
    let entry = report.coverage.iter().find(|entry| entry.scope == "history:authors").unwrap();
    assert!(!entry.matters && entry.reason.contains("who first named a secret is not known"));
}

#[test]
fn a_folder_without_history_names_nobody() {
    let dir = super::folder(&[(CI, &workflow(&["TOKEN"]))]);
    let report = expose(&[dir.path().to_owned()]);
    let reason = find(&report, "TOKEN").author_unknown.clone().unwrap();
    assert_eq!(reason, "the folder has no history");
}

#[test]
fn a_mailmap_says_how_somebody_is_called_now() {
    let mut repo = Repo::new();
    repo.write(CI, &workflow(&["TOKEN"])).commit("alice");
    repo.write(".mailmap", "Alice Doe <doe@example.com> <alice@example.org>\n").commit("bob");
    assert_eq!(author(&repo, "TOKEN").who, "Alice Doe <doe@example.com>");
    let report = repo.report();
    assert_eq!(find(&report, "TOKEN").owners[0].who, "Alice Doe <doe@example.com>");
}

#[test]
fn a_bare_clone_tells_the_same() {
    let mut repo = Repo::new();
    repo.write(CI, &workflow(&["TOKEN"])).write("CODEOWNERS", "* @all").commit("alice");
    repo.write("README", "x").commit("bob");
    repo.git("a", &["clone", "-q", "--bare", ".", "../bare.git"]);
    let report = expose(&[repo.home.path().join("bare.git")]);
    let who: Vec<&str> = find(&report, "TOKEN").owners.iter().map(|o| o.who.as_str()).collect();
    assert_eq!(who, ["@all", "alice <alice@example.org>"]);
}

#[test]
fn a_branch_beside_the_default_one_is_not_searched_and_not_guessed() {
    let mut repo = Repo::new();
    repo.write(CI, "on: push\n").commit("zero");
    repo.git("alice", &["checkout", "-q", "-b", "topic"]);
    repo.write(CI, &workflow(&["TOKEN"])).commit("alice");
    repo.git("bob", &["checkout", "-q", "main"]);
    assert_eq!(ask(&repo.path, CI, "TOKEN"), Answer::Unnamed);
}

#[test]
fn a_history_that_is_too_long_names_nobody() {
    let mut repo = Repo::new();
    for _ in 0..20 {
        repo.commit("zero");
    }
    repo.write(CI, &workflow(&["TOKEN"])).commit("alice");
    let question = Question { file: CI.to_owned(), name: "TOKEN".to_owned() };
    let ask = |most| first_named(&repo.path, std::slice::from_ref(&question), "", most).remove(0);
    assert_eq!(reason(ask(10)), "the history is longer than is searched");
    assert!(matches!(ask(40), Answer::Author(_)));
}

#[test]
fn a_commit_that_is_lost_names_nobody() {
    let mut repo = Repo::new();
    let lost = repo.write(CI, &workflow(&["TOKEN"])).commit("alice");
    repo.write("README", "x").commit("bob");
    std::fs::remove_file(repo.path.join(".git/objects").join(&lost[..2]).join(&lost[2..])).unwrap();
    assert_eq!(reason(ask(&repo.path, CI, "TOKEN")), "commits are missing or damaged");
}
