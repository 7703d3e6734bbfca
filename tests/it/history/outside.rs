//! What was there before and after the window only, as far as it could name what is asked about.

use std::sync::Mutex;

use super::*;

/// As [`scan`], with the versions outside of the window whose text holds the word.
fn scan_naming(git: &Git, (from, to): (&str, &str), word: &str) -> Repository {
    let could_name = |text: &[u8]| String::from_utf8_lossy(text).contains(word);
    discover::scan(&git.path, &window(from, to), &lower, Some(&could_name)).unwrap()
}

const MARCH: (&str, &str) = ("03-01", "03-31");

#[test]
fn a_name_before_and_after_the_window_is_found_with_its_times() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.noise("01-20");
    git.ci("good", "02-10");
    git.ci("bad", "05-10");
    git.noise("05-20");
    git.ci("other", "06-10");
    git.ci("bad too", "07-10");
    let all = scan_naming(&git, MARCH, "bad");
    assert_eq!(live(&all, "bad"), ["Inferred 01-10..02-10", "Inferred 05-10..06-10"]);
    assert_eq!(live(&all, "bad too"), ["Inferred 07-10..now"]);
    assert_eq!(live(&all, "good"), ["Inferred 02-10..05-10"]);
    assert_eq!(all.definitions.len(), 3, "`other` is neither in the window nor named");
    assert_eq!(live(&git.scan(MARCH.0, MARCH.1), "bad"), [""; 0], "only where it is asked for");
}

#[test]
fn what_could_not_name_it_is_not_lowered() {
    let git = Git::new();
    git.ci("one", "01-10");
    git.ci("bad", "01-20");
    git.ci("two", "02-10");
    git.ci("three", "05-10");
    let lowered = Mutex::new(Vec::new());
    let counting = |files: &dyn Files, path: &str, entry| {
        let pipelines = lower(files, path, entry);
        lowered.lock().unwrap().push(pipelines[0].name.clone().unwrap());
        pipelines
    };
    let could_name = |text: &[u8]| text == b"bad";
    let query = window(MARCH.0, MARCH.1);
    discover::scan(&git.path, &query, &counting, Some(&could_name)).unwrap();
    assert_eq!(*lowered.lock().unwrap(), ["two", "bad"]);
}

#[test]
fn a_version_of_the_window_is_not_lowered_again() {
    let git = Git::new();
    git.ci("bad", "01-10");
    git.ci("good", "01-20");
    git.ci("bad", "02-10");
    git.ci("good", "04-10");
    let all = scan_naming(&git, MARCH, "bad");
    assert_eq!(live(&all, "bad"), ["Inferred 01-10..01-20", "Inferred 02-10..04-10"]);
    assert_eq!(found(&all, "bad").len(), 1);
    assert_eq!(all.definitions.len(), 1);
}

#[test]
fn scripts_are_not_read_outside_of_the_window() {
    let git = Git::new();
    git.write("run.sh", " old").ci("bad\ncall run.sh", "01-10");
    git.write("run.sh", " new").commit("01-20");
    git.write("run.sh", "bad").ci("call run.sh", "02-10");
    git.write("run.sh", "good").commit("02-20");
    let all = scan_naming(&git, MARCH, "bad");
    assert_eq!(live(&all, "bad-"), ["Inferred 01-10..02-10"], "as if `run.sh` were not there");
    assert_eq!(live(&all, "bad"), [""; 0], "named by the script alone");
}

#[test]
fn actions_are_looked_for_in_their_usual_places() {
    let git = Git::new();
    for path in [".github/actions/x/action.yml", "action.yaml", "deep/action.yml"] {
        git.write(path, "bad");
    }
    git.commit("01-10");
    for path in [".github/actions/x/action.yml", "action.yaml", "deep/action.yml"] {
        git.write(path, "good");
    }
    git.commit("02-10");
    let all = scan_naming(&git, MARCH, "bad");
    let mut files: Vec<&str> = found(&all, "bad").iter().map(|one| &*one.pipeline.file).collect();
    files.sort_unstable();
    assert_eq!(files, [".github/actions/x/action.yml", "action.yaml"]);
}

#[test]
fn other_branches_are_looked_at_in_the_window_only() {
    let git = Git::new();
    git.ci("good", "01-01");
    git.run(&["checkout", "-q", "-b", "side"]);
    git.ci("bad", "01-10");
    git.ci("fixed", "01-20");
    git.run(&["checkout", "-q", "-b", "merged", "main"]);
    git.ci("bad once", "01-12");
    git.ci("good", "01-22");
    git.run(&["checkout", "-q", "main"]);
    git.run_at(&full("02-10"), &["merge", "-q", "--no-ff", "-m", "merge", "merged"]);
    let all = scan_naming(&git, MARCH, "bad");
    assert_eq!(live(&all, "bad"), [""; 0], "a branch that never became the default one");
    assert_eq!(live(&all, "bad once"), ["Inferred 01-12..01-22"]);
    assert_eq!(live(&all, "fixed"), ["Possible 01-20..now"]);
}

#[test]
fn what_is_missing_outside_of_the_window_is_no_trouble() {
    let git = Git::new();
    git.ci("bad", "01-10");
    let object = |name: &str| {
        let id = git.run(&["rev-parse", name]);
        git.path.join(format!(".git/objects/{}/{}", &id[..2], &id[2..]))
    };
    let blob = object(&format!("HEAD:{CI}"));
    git.ci("bad too", "01-20");
    let tree = object("HEAD:.github");
    git.ci("good", "02-10");
    fs::remove_file(blob).unwrap();
    fs::remove_file(tree).unwrap();
    let all = scan_naming(&git, MARCH, "bad");
    assert_eq!(live(&all, "good"), ["Inferred 02-10..now"]);
    assert_eq!(all.definitions.len(), 1);
    assert!(all.coverage.iter().all(|entry| entry.state == CoverageState::Seen), "{all:#?}");
}
