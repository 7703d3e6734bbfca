//! GitHub's own parser cases, read from a folder beside this one. `KEYSWEEP_PEERS` names another place.

#![expect(clippy::print_stderr, reason = "a suite that is skipped says so")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use keysweep::ci::github::expr::refusal;
use serde::Deserialize;

/// `None`, and a loud word, where the cases are not on this machine.
fn cases(suite: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/peers");
    let peers = std::env::var_os("KEYSWEEP_PEERS").map_or_else(default, PathBuf::from);
    let folder = peers.join("actions-languageservices").join(suite);
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is not there; set KEYSWEEP_PEERS", folder.display());
        return None;
    }
    Some(folder)
}

/// The files of a folder, in order of their names.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder that can be read")
        .map(|entry| entry.expect("an entry that can be read").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == extension))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds nothing", folder.display());
    files
}

mod expressions {
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        expr: String,
        err: Option<Error>,
    }

    #[derive(Deserialize)]
    struct Error {
        kind: String,
        value: String,
    }

    /// Cases that we answer otherwise: group, text of GitHub's error, how many, why.
    const DIFFERENCES: &[(&str, &str, usize, &str)] = &[
        (
            "unknown context",
            "Unrecognized named-value",
            1,
            "which contexts exist where is not asked: an unknown one names no secret",
        ),
        (
            "depth-errors",
            "Exceeded max expression depth",
            4,
            "a long path (`a.b.c…`) is no deep tree here, and is read",
        ),
    ];

    #[test]
    fn read_or_refused_as_github_does() {
        let Some(folder) = cases("expressions/testdata") else { return };
        let mut seen = vec![0; DIFFERENCES.len()];
        let mut wrong = Vec::new();
        let mut count = 0;
        for file in files(&folder, "json") {
            let text = fs::read_to_string(&file).expect("a file that can be read");
            let groups: BTreeMap<String, Vec<Case>> =
                serde_json::from_str(&text).expect("groups of cases");
            for (group, case) in
                groups.iter().flat_map(|(group, cases)| cases.iter().map(move |case| (group, case)))
            {
                count += 1;
                let refused = case.err.as_ref().filter(|error| error.kind != "evaluation");
                let ours = refusal(&case.expr);
                if ours.is_some() == refused.is_some() {
                    continue;
                }
                let known = DIFFERENCES.iter().position(|(of, error, ..)| {
                    of == group && refused.is_some_and(|refused| refused.value.starts_with(error))
                });
                match known {
                    Some(i) => seen[i] += 1,
                    None => wrong.push(format!("{group}: {:?}: ours: {ours:?}", case.expr)),
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let expected: Vec<_> = DIFFERENCES.iter().map(|(_, _, count, _)| *count).collect();
        assert_eq!(seen, expected, "a known difference is gone, or there are more");
        assert!(count >= 1_000, "{count} cases only");
    }
}

mod workflows {
    use std::collections::BTreeSet;

    use keysweep::ci::{
        Files, MemoryFiles, Siblings,
        catalog::Entry,
        github,
        model::{Hides, Job, Kind, Mention, Pipeline},
    };
    use serde_json::Value;

    use super::*;

    /// Rejects that are read without a doubt here: file (or the start of its name), why.
    const NOT_DOUBTED: &[(&str, &str)] = &[
        ("errors-expression-not-allowed", "where an expression may stand is not kept here"),
        ("errors-invalid-mapping-key", "lists of keys are not kept here"),
        ("errors-invalid-permissions", "permissions are not checked"),
        ("errors-job-concurrency", "which contexts exist where is not kept here"),
        ("errors-job-id", "ids are not checked"),
        ("errors-job-needs", "`needs` is not checked"),
        ("errors-job-runs-on-group-invalid-prefix", "names of groups are not checked"),
        ("errors-matrix", "lists of keys, and limits, are not kept here"),
        ("errors-max-", "limits are not kept here"),
        ("errors-on-workflow_call", "inputs are not checked"),
        ("errors-parse-", "explicit tags are not checked"),
        ("errors-required-property-missing", "properties are not checked"),
        ("errors-reusable-workflow", "inputs, limits and permissions of a call are not checked"),
        ("errors-step-id", "ids are not checked"),
        ("errors-step-run-exceeds-length", "limits are not kept here"),
        ("errors-step-uses-syntax", "an odd form of `uses` is a gap of its own"),
        ("errors-unexpected-", "a list for a text changes nothing that is read"),
        ("errors-yaml-", "explicit tags are not checked"),
        ("errors-anchor-tag", "GitHub reads anchors since 2025-08"),
        ("events-single-invalid", "lists of keys are not kept here"),
        ("job-container-", "lists of keys are not kept here"),
    ];

    struct Peer {
        name: String,
        workflow: String,
        /// Called workflows: `owner/repo/path@ref` or `./path`, and the text.
        called: Vec<(String, String)>,
        expected: Value,
    }

    impl Peer {
        fn read(path: &Path) -> Self {
            let text = fs::read_to_string(path).expect("a file that can be read");
            let text = text.replace("\r\n", "\n");
            let parts: Vec<&str> = text.split("\n---\n").collect();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            let inner = &parts[2..parts.len() - 1];
            let called = if name.contains("reusable") {
                let pair = |pair: &[&str]| (pair[0].trim().to_owned(), pair[1].to_owned());
                inner.chunks_exact(2).map(pair).collect()
            } else {
                Vec::new()
            };
            let expected = parts[parts.len() - 1];
            Self {
                workflow: parts[1].to_owned(),
                called,
                expected: serde_json::from_str(expected).expect("the expected result as JSON"),
                name,
            }
        }

        fn is_reject(&self) -> bool {
            self.expected.get("errors").is_some()
        }

        /// The called workflows stand in checkouts beside this one.
        fn pipelines(&self) -> Vec<Pipeline> {
            let path = format!(".github/workflows/{}", self.name);
            let mut files = MemoryFiles::default().with(&path, &self.workflow);
            let mut beside = Beside::default();
            for (reference, text) in &self.called {
                let name = reference.split_once('@').map_or(&**reference, |(name, _)| name);
                match name.strip_prefix("./").or(name.starts_with(".github").then_some(name)) {
                    Some(path) => files = files.with(path, text),
                    None => beside.add(name, text),
                }
            }
            github::read(&files, &beside, &path, Entry::Workflow)
        }
    }

    #[derive(Default)]
    struct Beside(BTreeMap<String, MemoryFiles>);

    impl Beside {
        fn add(&mut self, name: &str, text: &str) {
            let cut = name.match_indices('/').nth(1).expect("owner/repo/path").0;
            let (owner_repo, path) = (&name[..cut], &name[cut + 1..]);
            let files = self.0.remove(owner_repo).unwrap_or_default().with(path, text);
            self.0.insert(owner_repo.to_owned(), files);
        }
    }

    impl Siblings for Beside {
        fn find(&self, owner_repo: &str) -> Option<&dyn Files> {
            self.0.get(owner_repo).map(|files| -> &dyn Files { files })
        }
    }

    fn peers() -> Option<Vec<Peer>> {
        let folder = cases("workflow-parser/testdata/reader")?;
        let peers: Vec<_> = files(&folder, "yml").iter().map(|path| Peer::read(path)).collect();
        assert!(peers.len() >= 190, "{} cases only", peers.len());
        Some(peers)
    }

    /// Own jobs of a file: those of called ones come by way of a call.
    fn own_jobs(pipeline: &Pipeline) -> impl Iterator<Item = &Job> {
        pipeline.jobs.iter().filter(|job| job.via.is_empty())
    }

    /// `secrets.NAME` in any text below, upper case.
    fn secrets_named(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => found.extend(secrets_in(text)),
            Value::Array(items) => items.iter().for_each(|item| secrets_named(item, found)),
            Value::Object(map) => map.values().for_each(|value| secrets_named(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn secrets_in(text: &str) -> Vec<String> {
        let name = |rest: &str| {
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        };
        text.match_indices("secrets.")
            .map(|(at, word)| name(&text[at + word.len()..]).to_uppercase())
            .filter(|name| !name.is_empty())
            .collect()
    }

    fn sent(jobs: &[&Job]) -> BTreeSet<String> {
        let flows = jobs.iter().flat_map(|job| &job.sent);
        flows.map(|flow| flow.secret.name.to_string()).collect()
    }

    fn uses(job: &Job) -> Vec<String> {
        let of_steps = job.steps.iter().filter(|s| s.via.is_empty()).flat_map(|s| &s.mentions);
        let component = |m: &Mention| match &m.component.reference {
            Some(reference) if m.component.kind == Kind::Image => {
                let mark = if reference.starts_with("sha256:") { '@' } else { ':' };
                format!("docker://{}{mark}{reference}", m.component.name)
            }
            Some(reference) => format!("{}@{reference}", m.component.name),
            None => m.component.name.clone(),
        };
        of_steps.map(component).collect()
    }

    /// A text, with its place beside it where the case asks for that.
    fn text(value: &Value) -> Option<&str> {
        value.as_str().or_else(|| value["lit"].as_str())
    }

    /// Secrets that the variables of workflow, job and step name, and that our step has not.
    fn missing_in_env(peer: &Peer, their: &Value, our: &Job) -> Vec<String> {
        let empty = Vec::new();
        let steps = their["steps"].as_array().unwrap_or(&empty);
        let own = our.steps.iter().filter(|step| step.via.is_empty());
        let mut missing = Vec::new();
        for (their_step, step) in steps.iter().zip(own) {
            let mut named = BTreeSet::new();
            for env in [&peer.expected["env"], &their["env"], &their_step["env"]] {
                secrets_named(env, &mut named);
            }
            let flows = step.env.iter().flat_map(|binding| &binding.flows);
            let has: BTreeSet<String> = flows.map(|flow| flow.secret.name.to_string()).collect();
            missing.extend(named.difference(&has).cloned());
        }
        missing
    }

    /// What GitHub's reader found, against what ours did.
    fn compare(peer: &Peer, pipeline: &Pipeline) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut differ = |what: &str, theirs: String, ours: String| {
            if theirs != ours {
                wrong.push(format!("{}: {what}: theirs {theirs}, ours {ours}", peer.name));
            }
        };
        let empty = Vec::new();
        let theirs = peer.expected["jobs"].as_array().unwrap_or(&empty);
        let ours: Vec<&Job> = own_jobs(pipeline).collect();
        let ids = |job: &Value| text(&job["id"]).unwrap_or_default().to_owned();
        let their_ids: Vec<_> = theirs.iter().map(ids).collect();
        let our_ids: Vec<_> = ours.iter().map(|job| job.id.clone()).collect();
        differ("jobs", format!("{their_ids:?}"), format!("{our_ids:?}"));
        for (their, our) in theirs.iter().zip(&ours) {
            let needs = their["needs"].as_array().unwrap_or(&empty);
            let needs: Vec<_> = needs.iter().filter_map(text).collect();
            differ("needs", format!("{needs:?}"), format!("{:?}", our.needs));
            let steps = their["steps"].as_array().unwrap_or(&empty);
            let their_uses: Vec<_> = steps.iter().filter_map(|s| text(&s["uses"])).collect();
            // Those of this checkout that are not there are gaps.
            let remote = |uses: &&&str| !uses.starts_with("./") && !uses.starts_with(".\\");
            let their_uses: Vec<_> = their_uses.iter().filter(remote).copied().collect();
            differ("uses", format!("{their_uses:?}"), format!("{:?}", uses(our)));
            if let Some(called) = text(&their["ref"]).filter(|r| !r.starts_with("./")) {
                let components: Vec<_> = our.mentions.iter().map(|m| &m.component).collect();
                let named = components.iter().any(|c| {
                    format!("{}@{}", c.name, c.reference.as_deref().unwrap_or_default()) == called
                });
                differ(
                    "call",
                    called.to_owned(),
                    if named { called.into() } else { format!("{components:?}") },
                );
            }
            let mut named = BTreeSet::new();
            for part in ["steps", "env", "secret-values", "input-values", "container", "services"] {
                secrets_named(&their[part], &mut named);
            }
            differ("env", String::new(), missing_in_env(peer, their, our).join(", "));
            let mut jobs = vec![*our];
            jobs.extend(pipeline.jobs.iter().filter(|job| !job.via.is_empty()));
            let missed: Vec<_> = named.difference(&sent(&jobs)).cloned().collect();
            differ("secrets", "[]".into(), format!("{missed:?}"));
        }
        wrong
    }

    #[test]
    fn accepted_files_are_read_as_github_reads_them() {
        let Some(peers) = peers() else { return };
        let mut wrong = Vec::new();
        for peer in peers.iter().filter(|peer| !peer.is_reject()) {
            let pipelines = peer.pipelines();
            for pipeline in &pipelines {
                wrong.extend(compare(peer, pipeline));
                for doubt in &pipeline.doubts {
                    wrong.push(format!("{}: doubted: {}", peer.name, doubt.reason));
                }
                for gap in &pipeline.gaps {
                    // A called workflow or a local action that the case leaves out.
                    let absent = gap.reason.contains("there is no such file")
                        || gap.reason.contains("is not in this checkout")
                        // `echo "hi` is no script that could be read.
                        || gap.reason.starts_with("script not understood");
                    if gap.hides != Hides::Nothing && !absent {
                        wrong.push(format!("{}: gap: {}", peer.name, gap.reason));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Every job, component and secret that a plain search of the text finds is read, and GitHub's
    /// refusal is told.
    #[test]
    fn a_reject_is_read_as_far_as_it_goes() {
        let Some(peers) = peers() else { return };
        let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
        for peer in peers.iter().filter(|peer| peer.is_reject()) {
            let pipelines = peer.pipelines();
            let known = NOT_DOUBTED.iter().find(|(start, _)| peer.name.starts_with(start));
            let doubted = pipelines.iter().all(|pipeline| {
                pipeline.doubts.iter().any(|doubt| doubt.until.is_none())
                    || pipeline.jobs.is_empty()
            });
            match known {
                Some((start, _)) => {
                    seen.insert(*start);
                }
                None if !doubted => wrong.push(format!("{}: no doubt is told", peer.name)),
                None => {}
            }
            let text = format!("{pipelines:?}").to_lowercase();
            for uses in peer.workflow.lines().filter_map(|line| {
                let line = line.trim().trim_start_matches("- ");
                line.strip_prefix("uses:")
                    .map(|uses| uses.split(" #").next().unwrap_or_default().trim())
            }) {
                let name =
                    uses.split('@').next().unwrap_or_default().trim_start_matches("docker://");
                let name = name.split(':').next().unwrap_or_default().trim_start_matches("./");
                if !text.contains(&name.to_lowercase()) {
                    wrong.push(format!("{}: `uses: {uses}` is lost", peer.name));
                }
            }
            for secret in secrets_in(&peer.workflow) {
                if !text.contains(&format!("\"{}\"", secret.to_lowercase())) {
                    wrong.push(format!("{}: secret {secret} is lost", peer.name));
                }
            }
        }
        let unused: Vec<_> = NOT_DOUBTED.iter().filter(|(s, _)| !seen.contains(s)).collect();
        assert!(unused.is_empty(), "no such case any more: {unused:?}");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
