//! What others rely on in the JSON, and what must never be printed.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Every place in which somebody may have written a value; all begin with `CANARY`.
const LEAKY: &str = r#"on: push
env:
  API_TOKEN: CANARY01a9f8e7d6c5b4
  SET: ${{ secrets.SET }}
jobs:
  t:
    runs-on: ubuntu-latest
    container:
      image: ghcr.io/acme/x:1
      credentials: {username: u, password: CANARY02a9f8e7d6c5b4}
      env: {BOX_SECRET: CANARY03a9f8e7d6c5b4}
    services:
      db: {image: postgres, env: {POSTGRES_PASSWORD: CANARY04a9f8e7d6c5b4}}
    steps:
      - uses: codecov/codecov-action@v1
        with: {token: CANARY05a9f8e7d6c5b4}
        env: {STEP_TOKEN: CANARY06a9f8e7d6c5b4}
      - run: |
          export SHELL_TOKEN=CANARY07a9f8e7d6c5b4
          bash <(curl -s https://codecov.io/bash) -t CANARY08a9f8e7d6c5b4
          curl -H "Authorization: Bearer CANARY09a9f8e7d6c5b4" https://codecov.io/bash | LINE_SECRET=CANARY10a9f8e7d6c5b4 sh
      - run: docker run -e PASSWORD=CANARY11a9f8e7d6c5b4 img sh -c "curl https://codecov.io/bash | sh"
      - run: curl "https://u:CANARY12a9f8e7d6c5b4@codecov.io/bash?token=CANARY13a9f8e7d6c5b4" | sh
      - run: echo "LATER_TOKEN=CANARY14a9f8e7d6c5b4" >> $GITHUB_ENV
      - run: curl https://codecov.io/bash | sh
      - uses: docker://u:CANARY15a9f8e7d6c5b4@registry.example.com/img:1
      - run: git clone https://x-access-token:CANARY16a9f8e7d6c5b4@github.com/acme/tool && ./tool/run.sh
      - run: pip install git+https://CANARY17a9f8e7d6c5b4:x-oauth-basic@github.com/acme/p
      - run: npx --registry https://u:CANARY18a9f8e7d6c5b4@npm.example.com foo
      - run: "DEPLOY_TOKEN=CANARY19a9f8e7d6c5b4 curl https://codecov.io/bash | bash )"
      - uses: ./.github/actions/x
        with: {api-key: CANARY20a9f8e7d6c5b4}
      - uses: https://u:CANARY21a9f8e7d6c5b4@github.com/a/b@v1
  called:
    uses: https://u:CANARY22a9f8e7d6c5b4@github.com/a/b/.github/workflows/x.yml@main
"#;

const ACTION: &str = r#"inputs: {api-key: {default: CANARY23a9f8e7d6c5b4}}
runs:
  using: composite
  steps:
    - run: curl https://codecov.io/bash | sh
      shell: bash
      env: {API_KEY: "${{ inputs.api-key }}"}
"#;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn leaky() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ".github/workflows/w.yml", LEAKY);
    write(dir.path(), ".github/workflows/broken.yml", "a: 'CANARY24a9f8e7d6c5b4\nb: [CANARY25");
    write(dir.path(), ".github/actions/x/action.yml", ACTION);
    write(dir.path(), ".git/HEAD", "ref: refs/heads/main\n");
    write(dir.path(), ".git/objects/x", "");
    write(dir.path(), ".git/refs/x", "");
    write(
        dir.path(),
        ".git/config",
        "[remote \"origin\"]\n url = https://u:CANARY26a9f8e7d6c5b4@github.com/acme/site.git\n",
    );
    dir
}

fn run(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keysweep")).args(args).arg(dir).output().unwrap()
}

fn json_of(args: &[&str], dir: &Path) -> Value {
    let output = run(&[args, &["--format", "json"]].concat(), dir);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn items<'a>(report: &'a Value, key: &str) -> &'a Vec<Value> {
    report[key].as_array().unwrap()
}

const EXPOSE: [&str; 4] = ["expose", "codecov-2021", "--as-of", "2021-02-01"];

#[test]
fn no_value_is_printed_wherever_it_was_written() {
    let dir = leaky();
    let report = json_of(&EXPOSE, dir.path());
    let ids = items(&report, "exposures").iter().map(|e| e["id"].as_str().unwrap());
    let explained: Vec<Vec<&str>> =
        ids.map(|id| [&EXPOSE[..], &["--explain", id]].concat()).collect();
    let mut runs: Vec<Vec<&str>> = explained;
    for verb in [&EXPOSE[..], &["components"], &["inventory"]] {
        runs.push(verb.to_vec());
        runs.push([verb, &["--format", "json"]].concat());
    }
    assert!(runs.len() > 20, "the canaries stand where something is found");
    for args in runs {
        let output = run(&args, dir.path());
        for text in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(text);
            let leak = text.lines().find(|line| line.contains("CANARY"));
            assert_eq!(leak, None, "{args:?}");
        }
    }
}

#[test]
fn literal_credentials_are_reported_by_the_name_of_their_variable() {
    let report = json_of(&EXPOSE, leaky().path());
    for name in [
        "API_TOKEN",
        "STEP_TOKEN",
        "token",
        "SHELL_TOKEN",
        "LINE_SECRET",
        "PASSWORD",
        "LATER_TOKEN",
        "api-key",
        "-t",
    ] {
        let found = items(&report, "exposures").iter().any(|exposure| {
            exposure["placement"]["name"] == name
                && exposure["placement"]["scope"] == "literal"
                && exposure["reach"] == "payload"
        });
        assert!(found, "{name}");
    }
}

#[test]
fn an_id_is_the_digest_of_what_the_line_is_about() {
    let dir = tempfile::tempdir().unwrap();
    let steps = "      - run: make\n      - uses: codecov/codecov-action@v1\n";
    let head = "on: push\njobs:\n  tést:\n    runs-on: ubuntu-latest\n    environment: prod\n";
    let env = "    env: {A: '${{ secrets.A }}'}\n    steps:\n";
    write(dir.path(), ".github/workflows/w.yml", &format!("{head}{env}{steps}"));
    write(dir.path(), ".git/HEAD", "ref: refs/heads/main\n");
    write(dir.path(), ".git/objects/x", "");
    write(dir.path(), ".git/refs/x", "");
    let remote = "[remote \"origin\"]\n url = git@github.com:acme/site.git\n";
    write(dir.path(), ".git/config", remote);
    let report = json_of(&EXPOSE, dir.path());
    let exposure =
        items(&report, "exposures").iter().find(|e| e["placement"]["name"] == "A").unwrap();
    let parts = json!([
        "codecov-2021",
        "acme/site",
        "action",
        "codecov/codecov-action",
        "v1",
        "github",
        "unknown",
        "A",
        ".github/workflows/w.yml",
        "tést",
        "#0",
        "env"
    ]);
    let digest = hex::encode(Sha256::digest(parts.to_string()));
    assert_eq!(exposure["id"], digest[..12], "{exposure:#}");
}

#[test]
fn the_fields_that_others_rely_on() {
    let report = json_of(&EXPOSE, leaky().path());
    let has = |value: &Value, keys: &str| {
        for key in keys.split(' ') {
            assert!(value.get(key).is_some(), "no `{key}` in {value:#}");
        }
    };
    has(&report, "schema incident summary exposures sites coverage");
    has(&report["summary"], "verdict placements");
    let one_of = |value: &Value, allowed: &str| {
        let value = value.as_str().unwrap();
        assert!(allowed.split(' ').any(|known| known == value), "{value} is not of {allowed}");
    };
    for exposure in items(&report, "exposures") {
        has(exposure, "id repository placement verdict confidence reach capability carrier");
        has(exposure, "component consumer live overlap rules disposition why");
        has(&exposure["placement"], "platform scope name");
        has(&exposure["component"], "kind name ref pinned verified");
        has(&exposure["consumer"], "file line job step");
        has(&exposure["overlap"], "from to");
        one_of(&exposure["reach"], "payload any-code");
        one_of(&exposure["confidence"], "inferred possible");
        one_of(&exposure["carrier"], "env input script memory file token store");
        one_of(&exposure["capability"], "K1 K2 K3 K4 K5");
        let unknown = exposure["placement"]["scope"] == "unknown";
        assert_eq!(unknown, exposure["placement"].get("scope_candidates").is_some());
        for live in items(exposure, "live") {
            has(live, "from to commit");
            assert_eq!(live["from"], "2021-02-01T00:00:00Z");
        }
    }
    for site in items(&report, "sites") {
        has(site, "component consumer status reason");
        one_of(&site["status"], "exposed cleared unknown");
    }
    for entry in items(&report, "coverage") {
        has(entry, "scope state reason matters");
        one_of(&entry["state"], "seen not-applicable unseen denied failed expired");
        let (kind, _) = entry["scope"].as_str().unwrap().split_once(':').unwrap();
        assert!(["file", "dialect", "history", "settings", "pack"].contains(&kind), "{entry:#}");
    }
}

#[test]
fn a_folder_inside_a_checkout_is_not_taken_for_one_without_ci() {
    let dir = leaky();
    write(dir.path(), "src/main.c", "int main;");
    let output = run(&["expose", "codecov-2021"], &dir.path().join("src"));
    assert_eq!(output.status.code(), Some(20));
    let said = String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<String>();
    assert!(said.contains("liesinthecheckout"), "{said}");
}

#[test]
fn clones_some_levels_down_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let clone = dir.path().join("host/owner/repo");
    write(&clone, ".github/workflows/w.yml", LEAKY);
    write(&clone, ".git/HEAD", "ref: refs/heads/main\n");
    write(&dir.path().join("other"), "README", "");
    let report = json_of(&["expose", "codecov-2021"], dir.path());
    assert_eq!(report["summary"]["verdict"], "exposed");
    assert_eq!(report["sites"][0]["repository"], "repo");
}

#[test]
#[cfg(unix)]
fn a_clone_that_cannot_be_read_does_not_end_the_run() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("open"), ".github/workflows/w.yml", LEAKY);
    write(&dir.path().join("shut"), ".github/workflows/w.yml", LEAKY);
    let shut = dir.path().join("shut");
    let mode = |mode| fs::set_permissions(&shut, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    if fs::read_dir(&shut).is_ok() {
        // Nothing is shut to root.
        return mode(0o755);
    }
    let report = json_of(&EXPOSE, dir.path());
    mode(0o755);
    assert_eq!(report["summary"]["verdict"], "exposed");
    let denied = items(&report, "coverage").iter().find(|entry| entry["state"] == "denied");
    let denied = denied.unwrap();
    assert_eq!((&denied["repository"], &denied["matters"]), (&json!("shut"), &json!(true)));
}
