//! Task runners of the repository: `tox` is followed, the text of others is a gap.

use super::*;
use keysweep::ci::model::{EnvView, Hides};

const TOX: &str = "\
[tox]
envlist = {py36,py37}-{cov,plain}, lint

[testenv]
passenv = CI PASSED_*
commands =
    pytest {posargs}
    cov: bash -c \"bash <(curl -s https://h.io/cov) \\
    -f x\"
    lint: flake8

[testenv:up]
passenv =
    *
commands = sh -c 'curl -s https://h.io/up | sh -s -- {posargs}'

[testenv:set]
passenv =
setenv =
    GIVEN = {env:KEPT}
commands = {[shared]upload}

[shared]
upload = bash -c 'curl -s https://h.io/set | bash'
";

#[test]
fn tox_runs_what_it_is_asked_for_with_what_it_passes() {
    // (command, TOXENV, what runs, the secrets it sees, is it sure?)
    let table = [
        ("tox", "", "tox.ini:8 https://h.io/cov", "PASSED_A", true),
        ("tox -e py37-plain,lint", "", "", "", true),
        ("tox -vv -e py37-cov", "", "tox.ini:8 https://h.io/cov", "PASSED_A", true),
        ("python -m tox -e '{py36,py37}-cov'", "", "tox.ini:8 https://h.io/cov", "PASSED_A", true),
        ("tox", "py36-cov", "tox.ini:8 https://h.io/cov", "PASSED_A", true),
        ("tox", "py36-plain", "", "", true),
        ("tox -e up -- a", "", "tox.ini:15 https://h.io/up", "KEPT PASSED_A", true),
        ("tox -e set", "", "tox.ini:24 https://h.io/set", "GIVEN", true),
        ("tox -e $WHICH", "", "tox.ini:8 https://h.io/cov", "PASSED_A", false),
        ("tox -c other.ini", "", "", "", true),
    ];
    let files = MemoryFiles::default().with("tox.ini", TOX);
    for (command, toxenv, runs, sees, sure) in table {
        let mut step = Step::new(command).secret("PASSED_A", "A").secret("KEPT", "K");
        if !toxenv.is_empty() {
            step = step.plain("TOXENV", toxenv);
        }
        let outcome = job(&files, &[step]).pop().expect("one step");
        let found = running(&outcome);
        let shown: Vec<String> = found
            .iter()
            .map(|m| format!("{}:{} {}", m.place.file, m.place.line, m.component.name))
            .collect();
        assert_eq!(shown.join(" "), runs, "{command} {toxenv}");
        for mention in found {
            let EnvView::Only { passed } = &mention.env else { panic!("{command}: all is passed") };
            let names: Vec<&str> = passed
                .iter()
                .filter(|binding| !binding.flows.is_empty())
                .map(|binding| binding.name.as_str())
                .collect();
            assert_eq!(names.join(" "), sees, "{command}");
            assert_eq!(mention.certainty == Certainty::Inferred, sure, "{command}");
        }
    }
}

#[test]
fn the_file_of_another_runner_is_text_that_may_name_it() {
    for (command, file) in [
        ("just coverage", "justfile"),
        ("bundle exec rake", "Rakefile"),
        ("nox -s cov", "noxfile.py"),
        ("python -m invoke cov", "tasks.py"),
        ("./gradlew check", "build.gradle.kts"),
        ("cargo make cov", "Makefile.toml"),
    ] {
        let files = MemoryFiles::default().with(file, "run https://h.io/x");
        let outcome = job(&files, &[Step::new(command)]).pop().expect("one step");
        let holds = |hides: &Hides| matches!(hides, Hides::Text(text) if text.contains("h.io/x"));
        assert!(outcome.gaps.iter().any(|gap| holds(&gap.hides)), "{command}");
        assert!(script(command).gaps.is_empty(), "{command} without its file");
    }
}

#[test]
fn xargs_may_have_a_line_of_a_list_that_is_not_known() {
    let text = "find . -name '*.x' | xargs -I{} bash -c 'bash <(curl -s https://h.io/x) -f {}'";
    assert_eq!(names(&script(text)), ["https://h.io/x"]);
}
