//! Trivy: what was known when. Each published state is a revision of the pack, the built-in one the last.

use std::collections::BTreeMap;

use keysweep::{
    assess::{Confidence, Exposure, Report},
    cli::{Checkout, Progress, Sources},
    incident::{self, Pack, find},
};
use tempfile::TempDir;

use super::super::git;

const PACK: &str = "trivy-2026";
const START: &str = "2026-01-01T00:00:00Z";

/// One job for each way in.
fn repository() -> TempDir {
    let steps = [
        ("moved-action", "uses: aquasecurity/trivy-action@0.33.1"),
        ("clean-action", "uses: aquasecurity/trivy-action@0.35.0"),
        ("hub-image", "run: docker run --rm -e T aquasec/trivy:0.69.6 fs ."),
        ("image", "run: docker run --rm -e T ghcr.io/aquasecurity/trivy:0.69.4 fs ."),
        ("nested", "uses: aquasecurity/trivy-action@18f2510ee396bbf400402947b394f2dd8c87dbb0"),
        ("oldest", "uses: aquasecurity/trivy-action@7294c6a40848e986221c11460945f099a67bbe37"),
        (
            "script",
            "run: curl -sfL https://raw.githubusercontent.com/aquasecurity/trivy/main/contrib/install.sh | sh -s -- -b .",
        ),
        ("setup", "uses: aquasecurity/setup-trivy@v0.2.6"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, step: &str| {
        let secret = name.to_uppercase().replace('-', "_");
        let text = format!(
            "on: push\njobs:\n  {name}:\n    runs-on: ubuntu-latest\n    steps:\n      - {step}\n        env:\n          T: ${{{{ secrets.{secret} }}}}\n"
        );
        let path = dir.path().join(format!(".github/workflows/{name}.yml"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let commit = |date: &str| {
        git(dir.path(), date, &["add", "-A"]);
        git(dir.path(), date, &["commit", "-q", "-m", "x"]);
    };
    git(dir.path(), START, &["init", "-q", "-b", "main"]);
    for (name, step) in steps {
        write(name, step);
    }
    commit(START);
    // Only after the windows of the actions, but on a day of which the first notice could not say so.
    write("late-setup", "uses: aquasecurity/setup-trivy@v0.2.6");
    commit("2026-03-20T10:00:00Z");
    dir
}

fn report(pack: &Pack, dir: &TempDir) -> Report {
    let sources = Sources {
        paths: vec![dir.path().to_owned()],
        as_of: None,
        now: "2026-11-25T00:00:00Z".parse().unwrap(),
    };
    Checkout.expose_pack(pack, &sources, &Progress::new(false)).unwrap().report
}

/// Rows by id, each as the job, the secret, and `?` if it is possible only; without the job's own token.
fn rows(report: &Report) -> BTreeMap<String, String> {
    let secrets = report.exposures.iter().filter(|e| e.placement.name != "GITHUB_TOKEN");
    let line = |e: &Exposure| {
        let job = e.consumer.as_ref().and_then(|c| c.job.clone()).unwrap();
        let doubt = if e.confidence == Confidence::Possible { "?" } else { "" };
        assert_eq!(e.placement.name, job.to_uppercase().replace('-', "_"));
        format!("{job}{doubt}")
    };
    secrets.map(|e| (e.id.clone(), line(e))).collect()
}

/// The lines of the ids that only the first has.
fn only_in(rows: &BTreeMap<String, String>, others: &BTreeMap<String, String>) -> String {
    let only = rows.iter().filter(|(id, _)| !others.contains_key(*id));
    let mut lines: Vec<&str> = only.map(|(_, line)| &**line).collect();
    lines.sort_unstable();
    lines.join(" ")
}

#[test]
fn each_published_state_adds_its_rows() {
    let texts = [
        include_str!("../trivy/1.toml"),
        include_str!("../trivy/2.toml"),
        include_str!("../trivy/3.toml"),
        include_str!("../trivy/4.toml"),
    ];
    let states: Vec<_> =
        texts.into_iter().map(|text| incident::parse(text, "state").unwrap()).collect();
    let states: Vec<&Pack> = states.iter().chain([find(PACK).unwrap()]).collect();
    let dir = repository();
    let mut known = BTreeMap::new();
    let mut changes = Vec::new();
    for (i, state) in states.into_iter().enumerate() {
        assert_eq!(state.id(), PACK);
        assert_eq!(state.document().revision as usize, i + 1);
        let now = rows(&report(state, &dir));
        changes.push((only_in(&now, &known), only_in(&known, &now)));
        known = now;
    }
    let expected = [
        // The release: whoever fetches the newest one.
        ("script?", ""),
        // The actions; until when, nobody can say yet.
        ("late-setup moved-action setup", ""),
        // The advisory: images, what calls setup-trivy by tag, `version: latest`; and the ends of the windows.
        ("clean-action? image nested", "late-setup"),
        // Docker Hub again.
        ("hub-image", ""),
        // That `latest` was moved on Docker Hub too, and which commits run it.
        ("oldest", ""),
    ];
    let changes: Vec<_> = changes.iter().map(|(a, d)| (a.as_str(), d.as_str())).collect();
    assert_eq!(changes, expected);
}
