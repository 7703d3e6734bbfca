//! Lock files in git history, as CI files are.

use std::{fs, process::Command};

use super::{CI, expose, job, pack, told};

fn history(commits: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let git = |date: &str, args: &[&str]| {
        let done = Command::new("git")
            .args(args)
            .current_dir(dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.org")])
            .envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.org")])
            .env("GIT_AUTHOR_DATE", format!("{date}T00:00:00Z"))
            .env("GIT_COMMITTER_DATE", format!("{date}T00:00:00Z"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    git("2025-01-01", &["init", "-q", "-b", "main"]);
    fs::create_dir_all(dir.path().join(".github/workflows")).unwrap();
    fs::write(dir.path().join(CI), job("npm ci")).unwrap();
    fs::write(dir.path().join("package.json"), "{}").unwrap();
    for (date, version) in commits {
        let lock = format!(
            "{{\"lockfileVersion\": 3, \"packages\": {{\"node_modules/axios\": {{\"version\": \"{version}\"}}}}}}"
        );
        fs::write(dir.path().join("package-lock.json"), lock).unwrap();
        git(date, &["add", "-A"]);
        git(date, &["commit", "-q", "-m", "x"]);
    }
    told(&expose(&pack(), dir.path(), None))
}

#[test]
fn a_bad_version_counts_while_it_was_locked() {
    let exposed = "Exposed | Exposed npm:axios@1.14.1 package-lock.json:1";
    let in_window = [("2025-04-01", "1.14.0"), ("2025-05-01", "1.14.1"), ("2025-05-02", "1.15.0")];
    assert!(history(&in_window).starts_with(exposed), "{}", history(&in_window));
    let before = [("2025-03-01", "1.14.1"), ("2025-04-01", "1.14.0")];
    assert_eq!(history(&before), "Cleared | Cleared npm:axios@1.14.0 package-lock.json:1");
    let after = [("2025-04-01", "1.14.0"), ("2025-06-01", "1.14.1"), ("2025-06-02", "1.15.0")];
    assert_eq!(history(&after), "Cleared | Cleared npm:axios@1.14.0 package-lock.json:1");
}
