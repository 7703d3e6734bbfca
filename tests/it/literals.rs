//! A credential that is written into a file is told by place and kind, and never shown.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

/// Kind and a made-up value of its format, put together here so that no scanner finds it in this file.
fn canaries() -> Vec<(&'static str, String)> {
    let hex = "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0";
    let mix = "Zq3Wb7Tx9Rk2Vm5Yc8Ln4Hj6Gd1Fs0Pa2Qe7Uw3Io9Xt5Bz8Kv4Nm6Jh1Cg0Ry2Ds7Lf3";
    let upper = "Q3W7E2R5T4Y6U7I2O3P5A4S6";
    let of = |prefix: &str, text: &str, length: usize| format!("{prefix}{}", &text[..length]);
    vec![
        ("github-token", of("ghp_", mix, 36)),
        ("github-token", of("github_pat_", mix, 62)),
        ("gitlab-token", of("glpat-", mix, 20)),
        ("aws-access-key", of("AKIA", upper, 16)),
        (
            "slack-webhook",
            format!(
                "https://hooks.slack.com/services/T{}/B{}/{}",
                &upper[..9],
                &upper[..9],
                &mix[..24]
            ),
        ),
        ("slack-token", of("xoxb-", hex, 40)),
        (
            "discord-webhook",
            format!("https://discord.com/api/webhooks/123456789012345678/{}", &mix[..60]),
        ),
        ("stripe-key", of("sk_live_", mix, 24)),
        ("sendgrid-key", format!("SG.{}.{}", &mix[..22], &mix[22..65])),
        ("npm-token", of("npm_", mix, 36)),
        ("pypi-token", of("pypi-AgE", mix, 60)),
        ("rubygems-token", of("rubygems_", hex, 48)),
        ("dockerhub-token", of("dckr_pat_", mix, 27)),
        ("vault-token", of("hvs.", mix, 40)),
        ("google-api-key", of("AIza", mix, 35)),
        ("digitalocean-token", of("dop_v1_", hex, 64)),
        ("huggingface-token", of("hf_", mix, 34)),
        ("sonar-token", of("squ_", hex, 40)),
        ("pulumi-token", of("pul-", hex, 40)),
        ("telegram-bot-token", of("1234567890:AA", mix, 33)),
        ("url-password", format!("https://bot:{}@git.acme.dev/x.git", &mix[..20])),
    ]
}

/// The part of a value that nobody else writes.
fn core(value: &str) -> &str {
    let secret =
        value.split_once("bot:").map_or(value, |(_, rest)| rest.split('@').next().unwrap());
    &secret[secret.len() - 12..]
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const PLACES: usize = 13;

/// A repository with the value in one of the places where text stands.
fn planted(value: &str, place: usize) -> tempfile::TempDir {
    let at = |number: usize| if number == place { value } else { "none" };
    let dir = tempfile::tempdir().unwrap();
    let workflow = format!(
        "name: 'n {}'\non: push\nenv:\n  TOP: '{}'\njobs:\n  j:\n    name: 'j {}'\n    runs-on: ubuntu-latest\n    env:\n      \
         JOB: '{}'\n    steps:\n      - name: 's {}'\n        if: github.ref != '{}'\n        run: |\n          echo '{}'\n          \
         bash <(curl -s 'https://codecov.io/bash?x={}')\n          ./ci.sh\n        env:\n          STEP: '{}'\n      \
         - uses: codecov/codecov-action@v1\n        with:\n          input: '{}'\n      - uses: ./.github/actions/x\n      \
         # {}\n      - run: bash <(curl -s https://codecov.io/bash)\n",
        at(0),
        at(1),
        at(2),
        at(3),
        at(4),
        at(5),
        at(6),
        at(7),
        at(8),
        at(9),
        at(10)
    );
    write(dir.path(), ".github/workflows/w.yml", &workflow);
    write(
        dir.path(),
        "ci.sh",
        &format!("#!/bin/sh\ncurl -H 'X: {}' https://codecov.io/bash | bash\n", at(11)),
    );
    write(
        dir.path(),
        ".github/actions/x/action.yml",
        &format!(
            "runs:\n  using: composite\n  steps:\n    - run: echo '{}'\n      shell: bash\n",
            at(12)
        ),
    );
    write(dir.path(), ".git/HEAD", "ref: refs/heads/main\n");
    dir
}

fn run(args: &[&str], dir: &Path) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_keysweep")).args(args).arg(dir).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

const EXPOSE: [&str; 4] = ["expose", "codecov-2021", "--as-of", "2021-02-01"];

fn is_silent(dir: &Path, args: &[&str], value: &str, place: usize) -> String {
    let (out, err) = run(args, dir);
    for text in [&out, &err] {
        let leak =
            text.contains(core(value)) || text.replace(['\n', ' '], "").contains(core(value));
        assert!(!leak, "place {place} of a value is shown by {args:?}");
    }
    out
}

/// Kinds and places of the literals of an inventory.
fn literals(json: &str) -> Vec<(String, Vec<(String, u64)>)> {
    let report: Value = serde_json::from_str(json).unwrap();
    let placements = report["placements"].as_array().unwrap().iter();
    placements
        .filter(|placement| placement["scope"] == "literal")
        .map(|placement| {
            let kind = placement["issuer"]["kind"].as_str().unwrap_or_default().to_owned();
            let consumers = placement["consumers"].as_array().unwrap().iter();
            let at =
                |c: &Value| (c["file"].as_str().unwrap().to_owned(), c["line"].as_u64().unwrap());
            (kind, consumers.map(at).collect())
        })
        .collect()
}

#[test]
fn a_planted_credential_is_found_everywhere_and_shown_nowhere() {
    let canaries = canaries();
    let kinds: BTreeSet<&str> = canaries.iter().map(|(kind, _)| *kind).collect();
    assert!(kinds.len() >= 15);
    let mut unseen = Vec::new();
    for (number, (kind, value)) in canaries.iter().enumerate() {
        for place in 0..PLACES {
            // Each kind in a few places, each place with many kinds.
            if (place + number) % 3 != 0 {
                continue;
            }
            let dir = planted(value, place);
            let json = is_silent(dir.path(), &["inventory", "--format", "json"], value, place);
            let found = literals(&json);
            if !found.iter().any(|(found, places)| found == kind && !places.is_empty()) {
                unseen.push(format!("{kind} in place {place}: {found:?}"));
            }
            is_silent(dir.path(), &[&EXPOSE[..], &["--format", "json"]].concat(), value, place);
        }
    }
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}

#[test]
fn no_output_shows_a_planted_credential() {
    let canaries = canaries();
    for place in 0..PLACES {
        let (_, value) = &canaries[place % canaries.len()];
        let dir = planted(value, place);
        for verb in [&EXPOSE[..], &["components"], &["inventory"]] {
            is_silent(dir.path(), verb, value, place);
            is_silent(dir.path(), &[verb, &["--format", "json"]].concat(), value, place);
        }
        let json =
            is_silent(dir.path(), &[&EXPOSE[..], &["--format", "json"]].concat(), value, place);
        let report: Value = serde_json::from_str(&json).unwrap();
        for line in report["exposures"].as_array().unwrap() {
            let id = line["id"].as_str().unwrap();
            is_silent(dir.path(), &[&EXPOSE[..], &["--explain", id]].concat(), value, place);
        }
    }
}

#[test]
fn a_broken_file_shows_none_either() {
    for (_, value) in canaries() {
        let dir = tempfile::tempdir().unwrap();
        let broken = format!("on: push\njobs:\n  j: {{ run: '{value}\n  k: [{value}\n");
        write(dir.path(), ".github/workflows/w.yml", &broken);
        write(dir.path(), ".git/HEAD", "ref: refs/heads/main\n");
        for verb in [&EXPOSE[..], &["components"], &["inventory"]] {
            is_silent(dir.path(), verb, &value, 0);
            is_silent(dir.path(), &[verb, &["--format", "json"]].concat(), &value, 0);
        }
    }
}

#[test]
fn a_secret_in_an_address_is_masked_and_the_component_keeps_its_identity() {
    let (_, value) = &canaries()[0];
    let dir = tempfile::tempdir().unwrap();
    let run = format!("curl -s https://get.acme.dev/{value}/i.sh | bash");
    let text = format!(
        "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {run}\n"
    );
    write(dir.path(), ".github/workflows/w.yml", &text);
    write(dir.path(), ".git/HEAD", "ref: refs/heads/main\n");
    let json = is_silent(dir.path(), &["components", "--format", "json"], value, 0);
    assert!(json.contains("https://get.acme.dev/***/i.sh"), "{json}");
}

#[test]
fn placeholders_are_not_reported() {
    for value in [
        "xxxxxxxxxxxxxxxxxxxx",
        "changeme",
        "${{ inputs.token }}",
        "<token>",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "your-token-goes-here",
    ] {
        let json = run(&["inventory", "--format", "json"], planted(value, 3).path()).0;
        assert_eq!(literals(&json), [], "{value}");
    }
}
