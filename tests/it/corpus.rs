//! Real CI files against what a careful reader found in them.
//!
//! They are other people's files and not part of this repository: `KEYSWEEP_CORPUS` names their folder.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use keysweep::{
    assess::{Confidence, Reach, Report, SiteStatus, Verdict},
    cli::{Checkout, Progress, Sources, Stages},
    incident,
};
use serde_json::Value;

/// Differences from the judged truth that are argued, not accidents: `(case, name, why)`.
const ARGUED: &[(&str, &str, &str)] = &[];

pub(crate) fn corpus() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let dir = std::env::var_os("KEYSWEEP_CORPUS").map_or(default, PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("NOT RUN: no corpus at {}; KEYSWEEP_CORPUS names it", dir.display());
    None
}

struct Case {
    name: String,
    dir: PathBuf,
    meta: Value,
}

fn cases(corpus: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for group in fs::read_dir(corpus).unwrap().flatten().filter(|e| e.path().is_dir()) {
        for case in fs::read_dir(group.path()).unwrap().flatten() {
            let Ok(text) = fs::read_to_string(case.path().join("meta.json")) else { continue };
            let name = format!(
                "{}/{}",
                group.file_name().to_string_lossy(),
                case.file_name().to_string_lossy()
            );
            cases.push(Case { name, dir: case.path(), meta: serde_json::from_str(&text).unwrap() });
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    fn incident(&self) -> Option<&'static str> {
        match self.name.split('/').next()? {
            "codecov" | "forms" => Some("codecov-2021"),
            "tj-actions" => Some("tj-actions-2025"),
            "reviewdog" => Some("reviewdog-2025"),
            "circleci-2023" => Some("circleci-2023"),
            _ => None,
        }
    }

    fn is_github(&self) -> bool {
        let systems = self.meta["ci_systems"].as_array().unwrap();
        systems.iter().filter_map(Value::as_str).any(|s| s.starts_with("github"))
    }

    fn expose(&self) -> Report {
        let pack = incident::find(self.incident().unwrap()).unwrap();
        let date = self.meta["dated"]
            .as_bool()
            .unwrap()
            .then(|| self.meta["commit_date"].as_str().unwrap());
        let as_of = date.map(|date| date.parse().unwrap());
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let sources = Sources { paths: vec![self.dir.clone()], as_of, now };
        Checkout.expose(pack.id(), &sources, &Progress::new(false)).unwrap().report
    }

    fn names(&self, list: &str) -> BTreeSet<String> {
        let list = self.meta["secrets"][list].as_array().unwrap();
        let name = |entry: &Value| entry["name"].as_str().unwrap().to_owned();
        list.iter().map(name).map(|n| n.trim_end_matches(" of the consumer").to_owned()).collect()
    }
}

#[test]
fn placements_are_those_that_a_reader_found() {
    let Some(corpus) = corpus() else { return };
    let (mut wrong, mut read) = (Vec::new(), 0);
    for case in cases(&corpus).iter().filter(|case| case.is_github() && case.incident().is_some()) {
        read += 1;
        let report = case.expose();
        let dated = case.meta["dated"].as_bool().unwrap();
        let (mut taken, mut other) = (BTreeSet::new(), BTreeSet::new());
        for e in &report.exposures {
            // Without a date nothing is better than possible; the reach is what can be compared.
            let sure = e.confidence >= Confidence::Inferred || !dated;
            let set = if e.reach == Reach::Payload && sure { &mut taken } else { &mut other };
            set.insert(e.placement.name.clone());
        }
        other.retain(|name| !taken.contains(name));
        let (exposed, possible) = (case.names("exposed"), case.names("possible"));
        let mut check = |what: &str, found: &BTreeSet<String>, judged: &BTreeSet<String>| {
            for name in found.symmetric_difference(judged) {
                if !ARGUED.iter().any(|(c, n, _)| *c == case.name && n == name) {
                    let side =
                        if found.contains(name) { "reported, not judged so" } else { "missed" };
                    wrong.push(format!("{}: {what} {name}: {side}", case.name));
                }
            }
        };
        check("exposed", &taken, &exposed);
        check("possible", &other, &possible);
        let reported: BTreeSet<String> = taken.union(&other).cloned().collect();
        for name in case.names("not_exposed").intersection(&reported) {
            wrong.push(format!("{}: {name} must not be reported", case.name));
        }
    }
    assert!(read >= 20, "only {read} cases were read");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn sites_are_the_judged_lines() {
    let Some(corpus) = corpus() else { return };
    let mut wrong = Vec::new();
    for case in cases(&corpus).iter().filter(|case| case.is_github() && case.incident().is_some()) {
        let report = case.expose();
        for usage in case.meta["component_uses"].as_array().unwrap() {
            let (file, line) = (usage["file"].as_str().unwrap(), usage["line"].as_u64().unwrap());
            if !file.starts_with(".github/") && !file.starts_with("action.y") {
                continue;
            }
            let at = |site: &&keysweep::assess::Site| {
                site.consumer.as_ref().is_some_and(|c| c.file == file && u64::from(c.line) == line)
            };
            let found = report.sites.iter().find(at).map(|site| site.status);
            let affected = usage["affected"].as_str().unwrap() == "yes";
            let right = match found {
                Some(SiteStatus::Exposed) => affected,
                Some(SiteStatus::Cleared) | None => !affected,
                Some(SiteStatus::Unknown) => false,
            };
            if !right {
                wrong.push(format!(
                    "{}: {file}:{line} is {found:?}, judged affected: {affected}",
                    case.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_read_never_leads_to_cleared_or_not_found() {
    use keysweep::assess::Verdict;
    let Some(corpus) = corpus() else { return };
    let mut seen = 0;
    for case in cases(&corpus).iter().filter(|case| case.incident() == Some("codecov-2021")) {
        let report = case.expose();
        let unread = report
            .coverage
            .iter()
            .any(|entry| entry.scope.starts_with("dialect:") && entry.matters);
        if unread {
            seen += 1;
            assert!(
                matches!(report.summary.verdict, Verdict::Exposed | Verdict::Unknown),
                "{}: {:?}",
                case.name,
                report.summary.verdict
            );
        }
    }
    assert!(seen >= 4, "only {seen} cases hold a dialect that is not read");
}

#[test]
fn the_verdict_agrees_with_the_case() {
    use keysweep::assess::Verdict;
    let Some(corpus) = corpus() else { return };
    for case in cases(&corpus).iter().filter(|case| case.is_github() && case.incident().is_some()) {
        let verdict = case.expose().summary.verdict;
        let affected = case.meta["affected"].as_str().unwrap().starts_with("yes");
        assert_eq!(verdict == Verdict::Exposed, affected, "{}: {verdict:?}", case.name);
    }
}

/// The vendor was breached: what the file names has to be listed, and what it does not name as well.
#[test]
fn what_circleci_stored_is_listed_by_the_names_that_a_reader_found() {
    let Some(corpus) = corpus() else { return };
    let (mut missed, mut read) = (Vec::new(), 0);
    for case in cases(&corpus).iter().filter(|c| c.incident() == Some("circleci-2023")) {
        read += 1;
        let report = case.expose();
        assert_eq!(report.summary.verdict, Verdict::Exposed, "{}", case.name);
        let listed: BTreeSet<String> = report
            .exposures
            .iter()
            .map(|e| match e.placement.scope.strip_prefix("context:") {
                Some(context) => format!("context:{context}"),
                None => e.placement.name.clone(),
            })
            .collect();
        assert!(listed.contains("*"), "{}: what no file names is stored as well", case.name);
        missed.extend(
            case.names("exposed").difference(&listed).map(|n| format!("{} {n}", case.name)),
        );
    }
    assert!(read >= 3, "only {read} cases were read");
    assert!(missed.is_empty(), "{missed:#?}");
}
