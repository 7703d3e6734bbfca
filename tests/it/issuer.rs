//! What secrets are, told by their use.

use std::{collections::BTreeMap, fs, path::Path};

use keysweep::{
    assess::{Disposition, Exposure, InventoryPlacement, InventoryReport, Report},
    cli::{Checkout, Progress, Sources, Stages},
    resolve::{Issuer, IssuerConfidence},
};

use crate::corpus;

fn sources(dir: &Path) -> Sources {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    Sources { paths: vec![dir.to_owned()], as_of: None, now }
}

fn inventory(dir: &Path) -> InventoryReport {
    Checkout.inventory(&sources(dir), &Progress::new(false)).unwrap()
}

fn expose(dir: &Path) -> Report {
    Checkout.expose("tj-actions-2025", &sources(dir), &Progress::new(false)).unwrap().report
}

fn workflow(steps: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_workflow(dir.path(), steps);
    dir
}

fn write_workflow(dir: &Path, steps: &str) {
    let file = dir.join(".github/workflows/w.yml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let head = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n";
    let bad = "      - uses: tj-actions/changed-files@v45\n";
    fs::write(file, format!("{head}{steps}{bad}")).unwrap();
}

fn find<'r>(report: &'r InventoryReport, name: &str) -> &'r InventoryPlacement {
    let found = report.placements.iter().find(|placement| placement.name == name);
    assert!(found.is_some(), "no placement {name}");
    found.unwrap()
}

fn issuer(steps: &str, name: &str) -> Issuer {
    let dir = workflow(steps);
    find(&inventory(dir.path()), name).issuer.clone().unwrap()
}

#[test]
fn the_input_of_an_action_tells_with_certainty() {
    let login = "      - uses: docker/login-action@v3\n        with:\n          registry: ghcr.io\n          \
                 username: acme-bot\n          password: ${{ secrets.PW }}\n";
    let found = issuer(login, "PW");
    assert_eq!(found.kind, "github-token");
    assert_eq!(found.confidence, IssuerConfidence::Certain);
    assert_eq!(found.account.as_deref(), Some("ghcr.io acme-bot"));
    assert_eq!(found.evidence[0].row, "action:docker/login-action#password");
    assert_eq!(found.evidence[0].file, ".github/workflows/w.yml");
    let hub = login.replace("          registry: ghcr.io\n", "");
    assert_eq!(issuer(&hub, "PW").kind, "dockerhub-token");
    let unknown = login.replace("ghcr.io", "${{ vars.REGISTRY }}");
    assert_eq!(issuer(&unknown, "PW").kind, "registry-login");
}

#[test]
fn a_variable_is_certain_only_beside_its_tool() {
    let publish = |run: &str| {
        format!(
            "      - run: {run}\n        env:\n          NODE_AUTH_TOKEN: ${{{{ secrets.A }}}}\n"
        )
    };
    let with_tool = issuer(&publish("npm publish"), "A");
    assert_eq!(
        (with_tool.kind.as_str(), with_tool.confidence),
        ("npm-token", IssuerConfidence::Certain)
    );
    let without = issuer(&publish("./release"), "A");
    assert_eq!(
        (without.kind.as_str(), without.confidence),
        ("npm-token", IssuerConfidence::Likely)
    );
}

#[test]
fn command_lines_tell() {
    for (run, kind, account) in [
        ("docker login -u acme -p \"$S\" quay.io", "quay-token", Some("quay.io")),
        (
            "echo \"$S\" | docker login ghcr.io -u acme --password-stdin",
            "github-token",
            Some("ghcr.io"),
        ),
        ("git clone https://x:$S@github.com/acme/site", "github-token", Some("github.com")),
        (
            "curl -H \"Authorization: Bearer $S\" https://api.cloudflare.com/client/v4",
            "cloudflare-api-token",
            Some("api.cloudflare.com"),
        ),
        ("echo $S | gh auth login --with-token", "github-token", None),
        ("npm config set //registry.npmjs.org/:_authToken $S", "npm-token", None),
        ("twine upload -u __token__ -p $S dist/*", "pypi-token", Some("__token__")),
        ("cargo publish --token $S", "crates-io-token", None),
        ("vault login $S", "vault-token", None),
        ("helm registry login -u a -p $S ghcr.io", "github-token", Some("ghcr.io")),
        (
            "curl -u acme:$S https://scan.coverity.com/x",
            "coverity-token",
            Some("scan.coverity.com"),
        ),
    ] {
        let step = format!(
            "      - run: |\n          {run}\n        env:\n          S: ${{{{ secrets.Q }}}}\n"
        );
        let found = issuer(&step, "Q");
        assert_eq!(found.kind, kind, "{run}: {found:?}");
        assert_eq!(found.account.as_deref(), account, "{run}");
        assert_eq!(found.confidence, IssuerConfidence::Likely, "{run}");
    }
}

#[test]
fn a_name_alone_is_never_certain() {
    let step = "      - run: ./x\n        env:\n          V: ${{ secrets.NPM_TOKEN }}\n";
    let found = issuer(step, "NPM_TOKEN");
    assert_eq!((found.kind.as_str(), found.confidence), ("npm-token", IssuerConfidence::Possible));
    let nothing = issuer("      - run: ./x ${{ secrets.ZULU }}\n", "ZULU");
    assert_eq!((nothing.kind.as_str(), nothing.confidence), ("unknown", IssuerConfidence::Unknown));
}

#[test]
fn two_kinds_from_use_are_both_shown_and_less_is_sure() {
    let steps = "      - uses: JS-DevTools/npm-publish@v3\n        with: {token: '${{ secrets.T }}'}\n      \
                 - uses: codecov/codecov-action@v4\n        with: {token: '${{ secrets.T }}'}\n";
    let found = issuer(steps, "T");
    let mut kinds = found.also.clone();
    kinds.push(found.kind);
    kinds.sort();
    assert_eq!(kinds, ["codecov-token", "npm-token"]);
    assert!(found.confidence < IssuerConfidence::Certain);
}

#[test]
fn a_use_in_a_job_that_the_incident_does_not_touch_tells_too() {
    let dir = workflow("      - run: ./x\n        env: {T: '${{ secrets.T }}'}\n");
    let other = "on: push\njobs:\n  other:\n    runs-on: ubuntu-latest\n    steps:\n      \
                 - uses: JS-DevTools/npm-publish@v3\n        with: {token: '${{ secrets.T }}'}\n";
    fs::write(dir.path().join(".github/workflows/other.yml"), other).unwrap();
    let report = expose(dir.path());
    let line = report.exposures.iter().find(|line| line.placement.name == "T").unwrap();
    let issuer = line.issuer.as_ref().unwrap();
    assert_eq!(issuer.kind, "npm-token");
    assert_eq!(issuer.evidence[0].file, ".github/workflows/other.yml");
}

const HALVES: [(&str, &str); 8] = [
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("PROD_AWS_ACCESS_KEY_ID", "PROD_AWS_SECRET_ACCESS_KEY"),
    ("DOCKER_USERNAME", "DOCKER_PASSWORD"),
    ("GPG_PASSPHRASE", "GPG_PRIVATE_KEY"),
    ("TWINE_USERNAME", "TWINE_PASSWORD"),
    ("CLIENT_ID", "CLIENT_SECRET"),
    ("APP_ID", "APP_PRIVATE_KEY"),
    ("ZULU_USER", "ZULU_PASSWORD"),
];

#[test]
fn halves_of_one_credential_are_one_row() {
    for (one, other) in HALVES {
        let step = format!(
            "      - run: ./x\n        env:\n          A: ${{{{ secrets.{one} }}}}\n          B: ${{{{ secrets.{other} }}}}\n"
        );
        let dir = workflow(&step);
        let report = inventory(dir.path());
        let (a, b) = (find(&report, one), find(&report, other));
        let (a, b) = (a.credential.as_ref().unwrap(), b.credential.as_ref().unwrap());
        assert_eq!(a.id, b.id, "{one}");
        assert_eq!(a.with, [other], "{one}");
        let report = expose(dir.path());
        let line = |name: &str| report.exposures.iter().find(|e| e.placement.name == name).unwrap();
        for line in [line(one), line(other)] {
            assert_ne!(line.disposition, Disposition::NotACredential, "{one}");
        }
        assert_ne!(line(one).id, line(other).id);
    }
}

#[test]
fn the_parts_of_a_credential_share_a_row_and_the_derivation_tells_why() {
    let dir = workflow(
        "      - uses: aws-actions/configure-aws-credentials@v4\n        with:\n          aws-region: eu-west-1\n          \
         aws-access-key-id: ${{ secrets.DEPLOY_ID }}\n          aws-secret-access-key: ${{ secrets.DEPLOY_SECRET }}\n",
    );
    let page = keysweep::report::inventory(&inventory(dir.path()));
    let lines: Vec<&str> = page.lines().collect();
    let at = lines.iter().position(|line| line.contains("DEPLOY_ID")).unwrap();
    assert!(lines[at + 1].contains("DEPLOY_SECRET"), "{page}");
    assert!(lines[at + 2].contains("aws-access-key (eu-west-1)"), "{page}");
    assert!(lines.iter().all(|line| line.chars().count() <= 120), "{page}");
    let report = expose(dir.path());
    let line = report.exposures.iter().find(|e| e.placement.name == "DEPLOY_ID").unwrap();
    let run = |args: &[&str]| {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_keysweep"));
        let mut run = run;
        let output = run.arg("expose").arg("tj-actions-2025").args(args).arg(dir.path()).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let page = run(&["--explain", &line.id]);
    assert!(page.contains("one credential with DEPLOY_SECRET"), "{page}");
    assert!(
        page.contains("action:aws-actions/configure-aws-credentials#aws-access-key-id"),
        "{page}"
    );
    assert!(page.contains("by rule D5 part-of-a-credential"), "{page}");
}

#[test]
fn what_only_looks_alike_stays_two() {
    let steps = "      - run: ./x\n        env:\n          A: ${{ secrets.DEV_AWS_ACCESS_KEY_ID }}\n          \
                 B: ${{ secrets.PROD_AWS_SECRET_ACCESS_KEY }}\n";
    let report = inventory(workflow(steps).path());
    assert!(find(&report, "DEV_AWS_ACCESS_KEY_ID").credential.is_none());
    let steps = "      - uses: aws-actions/configure-aws-credentials@v4\n        with:\n          \
                 aws-access-key-id: ${{ secrets.FOO }}\n          aws-secret-access-key: ${{ secrets.BAR }}\n";
    let report = inventory(workflow(steps).path());
    assert_eq!(find(&report, "FOO").credential.as_ref().unwrap().with, ["BAR"]);
}

#[test]
fn the_disposition_names_its_rule() {
    let steps = "      - run: ./x\n        env:\n          A: ${{ secrets.AWS_ROLE_ARN }}\n          \
                 B: ${{ secrets.DEPLOY_USER }}\n          C: ${{ secrets.GPG_KEY }}\n      \
                 - uses: JS-DevTools/npm-publish@v3\n        with: {token: '${{ secrets.DEPLOY_USER }}'}\n";
    let report = expose(workflow(steps).path());
    let of = |name: &str| {
        let line: &Exposure = report.exposures.iter().find(|e| e.placement.name == name).unwrap();
        (line.disposition, line.disposition_rule.clone().unwrap())
    };
    assert_eq!(
        of("AWS_ROLE_ARN"),
        (Disposition::NotACredential, "D3 name-is-an-identifier".into())
    );
    assert_eq!(of("DEPLOY_USER"), (Disposition::Rotate, "D6 credential-by-use".into()));
    assert_eq!(of("GPG_KEY").0, Disposition::SigningKey);
}

#[test]
fn lines_above_a_step_change_no_id() {
    let step = "      - run: ./x\n        env: {T: '${{ secrets.T }}'}\n";
    // The folder's name is the repository's.
    let dir = tempfile::tempdir().unwrap();
    let ids = |steps: &str| -> Vec<String> {
        write_workflow(dir.path(), steps);
        let report = expose(dir.path());
        report.exposures.into_iter().map(|e| e.id).collect()
    };
    let before = ids(step);
    assert!(!before.is_empty());
    assert_eq!(before, ids(&format!("      # a comment\n\n      # and more\n{step}")));
    assert_eq!(before, ids(&format!("      - run: make\n      - run: make test\n{step}")));
}

/// Kinds by case and name.
type Labels = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn kinds_are_those_that_a_reader_found() {
    let Some(folder) = corpus::corpus() else { return };
    let labels: Labels = toml::from_str(include_str!("issuer/labels.toml")).unwrap();
    let (mut right, mut all, mut wrong, mut sure, mut lost) =
        (0, 0, Vec::new(), Vec::new(), Vec::new());
    for (case, names) in &labels {
        let report = inventory(&folder.join(case));
        for (name, label) in names {
            let found = report.placements.iter().find(|p| p.name == *name && p.scope != "literal");
            let Some(issuer) = found.and_then(|p| p.issuer.as_ref()) else {
                lost.push(format!("{case} {name}"));
                continue;
            };
            all += 1;
            if issuer.kind == *label {
                right += 1;
                continue;
            }
            let line =
                format!("{case} {name}: {label}, told {} {:?}", issuer.kind, issuer.confidence);
            if issuer.confidence == IssuerConfidence::Certain {
                sure.push(line.clone());
            }
            wrong.push(line);
        }
    }
    eprintln!(
        "{right} of {all} kinds are right\nwrong:\n{}\nnot there:\n{}",
        wrong.join("\n"),
        lost.join("\n")
    );
    assert!(lost.is_empty(), "{lost:?}");
    assert!(right * 100 >= all * 85, "{right} of {all}");
    assert!(sure.is_empty(), "wrong with certainty: {sure:?}");
}

#[test]
fn no_credential_is_called_none() {
    let Some(folder) = corpus::corpus() else { return };
    let labels: Labels = toml::from_str(include_str!("issuer/labels.toml")).unwrap();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (case, names) in &labels {
        let incident = match case.split('/').next() {
            Some("codecov") => "codecov-2021",
            Some("reviewdog") => "reviewdog-2025",
            _ => "tj-actions-2025",
        };
        let dir = folder.join(case);
        let report =
            Checkout.expose(incident, &sources(&dir), &Progress::new(false)).unwrap().report;
        for line in &report.exposures {
            seen += 1;
            let opens = names.get(&line.placement.name).is_none_or(|kind| kind != "identifier");
            let public = ["USERNAME", "USER"]
                .iter()
                .any(|end| line.placement.name.to_uppercase().ends_with(end));
            if line.disposition == Disposition::NotACredential && opens && !public {
                wrong.push(format!("{case} {}", line.placement.name));
            }
        }
    }
    assert!(seen >= 15, "{seen}");
    assert!(wrong.is_empty(), "{wrong:?}");
}
