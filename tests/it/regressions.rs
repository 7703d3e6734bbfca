//! Cases in which the program once gave a wrong answer.

use std::{fs, path::Path, process::Command};

struct Answer {
    out: String,
    err: String,
    code: i32,
}

fn keysweep(home: &Path, args: &[&str]) -> Answer {
    let run = Command::new(env!("CARGO_BIN_EXE_keysweep"))
        .env("KEYSWEEP_HOME", home)
        .args(args)
        .output()
        .expect("it runs");
    Answer {
        out: String::from_utf8(run.stdout).expect("text"),
        err: String::from_utf8(run.stderr).expect("text"),
        code: run.status.code().expect("it ends"),
    }
}

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("has one")).expect("made");
        fs::write(path, text).expect("written");
    }
    dir
}

fn job(command: &str) -> String {
    format!(
        "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: \
         actions/checkout@v4\n      - run: {command}\n        env: {{T: '${{{{ secrets.T }}}}'}}\n"
    )
}

const CI: &str = ".github/workflows/ci.yml";

/// Taken as it stood inside the window.
fn expose(incident: &str, day: &str, files: &[(&str, &str)]) -> Answer {
    let dir = tree(files);
    let path = dir.path().to_str().expect("text");
    keysweep(dir.path(), &["expose", incident, path, "--as-of", day])
}

#[test]
fn a_release_asset_is_the_component_whose_url_the_pack_names() {
    let base = "https://github.com/aquasecurity/trivy/releases";
    let file = "trivy_0.69.4_Linux-64bit.tar.gz";
    for (url, code) in [
        (format!("{base}/download/v0.69.4/{file}"), 10),
        (format!("{base}/latest/download/{file}"), 10),
        (format!("{base}/download/v0.69.3/{file}"), 0),
        (format!("https://github.com/other/trivy/releases/download/v0.69.4/{file}"), 0),
    ] {
        let ci = job(&format!("curl -sSL {url} -o t && chmod +x t && ./t image x"));
        let answer = expose("trivy-2026", "2026-03-19T19:00:00Z", &[(CI, &ci)]);
        assert_eq!(answer.code, code, "{url}\n{}", answer.out);
    }
}

#[test]
fn a_literal_behind_a_letter_of_two_bytes_is_found_and_no_crash() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    for command in [format!("echo \"é={token}\""), format!("echo schlüssel={token}")] {
        let dir = tree(&[(CI, &job(&command))]);
        let path = dir.path().to_str().expect("text");
        let answer = keysweep(dir.path(), &["inventory", path]);
        assert_eq!(answer.code, 0, "{}", answer.err);
        assert!(!answer.out.contains(token) && !answer.err.contains(token));
    }
}

const MANIFEST: &str = r#"{"dependencies": {"axios": "^1.0.0"}}"#;

fn npm(command: &str, manifest: &str, lock: &str) -> Answer {
    let files = [(CI, &*job(command)), ("package.json", manifest), ("package-lock.json", lock)];
    expose("axios-2026", "2026-03-31T01:00:00Z", &files)
}

fn lock(packages: &str) -> String {
    format!(r#"{{"lockfileVersion": 3, "packages": {{{packages}}}}}"#)
}

#[test]
fn a_lock_file_that_holds_nothing_readable_is_not_a_clean_one() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    for broken in ["{broken", "", pointer] {
        let answer = npm("npm ci", MANIFEST, broken);
        assert_ne!(answer.code, 0, "{broken}\n{}", answer.out);
    }
    let whole = lock(r#""node_modules/axios": {"version": "1.13.0"}"#);
    assert_eq!(npm("npm ci", MANIFEST, &whole).code, 0);
}

#[test]
fn what_a_lock_file_no_longer_fits_is_resolved_anew() {
    let old = lock(r#""node_modules/axios": {"version": "1.13.0"}"#);
    let newer = r#"{"dependencies": {"axios": "^1.14.0"}}"#;
    assert_eq!(npm("npm install", newer, &old).code, 10, "the range does not take 1.13.0 in");
    let without = lock(r#""node_modules/left-pad": {"version": "1.0.0"}"#);
    assert_eq!(npm("npm install", MANIFEST, &without).code, 10, "the lock file lacks it");
    assert_eq!(npm("npm install", MANIFEST, &old).code, 0);
}

#[test]
fn what_people_copy_names_the_component_or_is_refused() {
    let ci =
        "on: push\njobs:\n  b:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: owner/x@v1\n";
    let dir = tree(&[(CI, ci)]);
    let path = dir.path().to_str().expect("text");
    let ask = |component: &str| {
        let args = ["expose", "--component", component, "--from", "2026-01-01", path];
        keysweep(dir.path(), &args)
    };
    for same in ["owner/x@v1", "https://github.com/owner/x@v1", "owner/x@refs/tags/v1"] {
        assert_eq!(ask(same).code, 10, "{same}");
    }
    for refused in [
        "https://github.com/owner/x",
        "/owner/x@v1",
        "owner/*@*",
        "owner/x@v2,v1",
        "npm:axios@1.14",
        "npm:axios@1.14.x",
        "pypi:litellm>=1.82.7",
        "npm/axios@1.14.1",
        "vendor:github",
    ] {
        let answer = ask(refused);
        assert_eq!(answer.code, 2, "{refused}: {}", answer.out);
        assert!(answer.err.contains("hint"), "{refused}: {}", answer.err);
    }
    assert_ne!(ask("npm:axios==1.14.1").code, 2);
}

#[test]
fn a_broken_pack_is_not_answered_by_the_one_that_it_stood_in_for() {
    let dir = tree(&[(CI, &job("npx axios@1.14.1"))]);
    let home = tree(&[("incidents/axios-2026.toml", "junk\n")]);
    let path = dir.path().to_str().expect("text");
    let answer = keysweep(home.path(), &["expose", "axios-2026", path]);
    assert_eq!(answer.code, 2, "{}", answer.out);
    assert!(answer.err.contains("axios-2026.toml"), "{}", answer.err);
    let other = tree(&[("README.md", "nothing here")]);
    let path = other.path().to_str().expect("text");
    assert_eq!(keysweep(home.path(), &["check", path]).code, 20);
}

#[test]
fn a_credential_in_the_place_of_a_name_is_in_no_output() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let ci = format!(
        "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    environment: {token}\n    steps:\n      \
         - run: bash <(curl -s https://codecov.io/bash)\n        env: {{A: '${{{{ secrets.A }}}}', {token}: '${{{{ \
         secrets.B }}}}'}}\n"
    );
    let named = format!(".github/workflows/{token}.yml");
    let dir = tree(&[(CI, &ci), (&named, &ci), ("CODEOWNERS", &format!("* @acme/{token}\n"))]);
    let path = dir.path().to_str().expect("text");
    for args in [
        &["expose", "codecov-2021", path][..],
        &["expose", "codecov-2021", path, "--format", "json"],
        &["inventory", path],
        &["inventory", path, "--format", "json"],
        &["components", path],
        &["components", path, "--format", "json"],
        &["check", path],
        &["check", path, "--format", "json"],
        &[
            "expose",
            "--component",
            &format!("https://u:{token}@h.io/x"),
            "--from",
            "2021-01-01",
            path,
        ],
    ] {
        let answer = keysweep(dir.path(), args);
        assert!(!answer.out.is_empty(), "{args:?}: {}", answer.err);
        let shown = format!("{}{}", answer.out, answer.err);
        // A table breaks a long name over lines.
        let joined: String = shown.split_whitespace().collect();
        assert!(!joined.contains(&token[4..]), "{args:?}\n{shown}");
        if args.contains(&"json") {
            let json: serde_json::Value = serde_json::from_str(&answer.out).expect("JSON");
            assert!(json["schema"].is_string());
        }
    }
}

#[test]
fn an_image_that_only_a_run_knows_is_not_taken_for_another() {
    let of = |command: &str| {
        let ci = job(command);
        expose("trivy-2026", "2026-03-19T19:00:00Z", &[(CI, &ci)]).code
    };
    assert_eq!(of("docker run $SOME_IMAGE image x"), 20);
    assert_eq!(of("docker run other/tool:1 image x"), 0);
    assert_ne!(of("docker run aquasec/trivy:0.69.4 image x"), 0);
}

#[test]
fn a_window_that_is_still_to_come_is_a_slip() {
    let dir = tree(&[(CI, &job("make"))]);
    let path = dir.path().to_str().expect("text");
    let args = ["expose", "--component", "owner/x@v1", "--from", "9000-01-01", path];
    let answer = keysweep(dir.path(), &args);
    assert_eq!(answer.code, 2, "{}", answer.out);
    assert!(answer.err.contains("future"), "{}", answer.err);
}
