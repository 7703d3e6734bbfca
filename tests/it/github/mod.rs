//! GitHub workflows and actions → what a component in them could take.
//!
//! Each case is a file and what `evil/thief@v1` in it sees: `NAME:K1` is in its environment or inputs,
//! `K2` in a file, `K3` in another process, `K5` in the runner's memory; `?` marks *possible*.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod actions;
mod attack;
mod calls;
mod environments;
mod images;
mod leftovers;
mod odd;
mod offered;
mod runners;

use std::collections::BTreeMap;

use keysweep::{
    ci::{
        Files, MemoryFiles, Siblings,
        catalog::Entry,
        github,
        model::{Certainty, Hides, Job, Mention, Pipeline, Step},
    },
    reach::reached,
};

const CI: &str = ".github/workflows/ci.yml";

/// A checkout, and others beside it.
#[derive(Default)]
struct World {
    files: MemoryFiles,
    beside: Beside,
}

#[derive(Default)]
struct Beside(BTreeMap<String, MemoryFiles>);

impl Siblings for Beside {
    fn find(&self, owner_repo: &str) -> Option<&dyn Files> {
        self.0.get(owner_repo).map(|files| -> &dyn Files { files })
    }
}

impl World {
    fn ci(text: &str) -> Self {
        Self::default().with(CI, text)
    }

    fn with(mut self, path: &str, text: &str) -> Self {
        self.files = self.files.with(path, text);
        self
    }

    fn sibling(mut self, owner_repo: &str, path: &str, text: &str) -> Self {
        let files = self.beside.0.remove(owner_repo).unwrap_or_default().with(path, text);
        self.beside.0.insert(owner_repo.to_owned(), files);
        self
    }

    fn read_all(&self, path: &str) -> Vec<Pipeline> {
        let kind =
            if path.contains(".github/workflows/") { Entry::Workflow } else { Entry::Action };
        github::read(&self.files, &self.beside, path, kind)
    }

    fn read(&self) -> Pipeline {
        let mut pipelines = self.read_all(CI);
        assert_eq!(pipelines.len(), 1);
        pipelines.remove(0)
    }

    fn thief(&self) -> String {
        thief(&self.read())
    }
}

fn mentions(pipeline: &Pipeline) -> Vec<(&Job, Option<&Step>, &Mention)> {
    let mut all = Vec::new();
    for job in &pipeline.jobs {
        all.extend(job.mentions.iter().map(|mention| (job, None, mention)));
        for step in &job.steps {
            all.extend(step.mentions.iter().map(|mention| (job, Some(step), mention)));
        }
    }
    all
}

/// The weakest way to each secret, of every mention whose name ends so.
fn taken(pipeline: &Pipeline, name: &str) -> Vec<String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = false;
    for (job, step, mention) in mentions(pipeline) {
        if !mention.component.name.ends_with(name) {
            continue;
        }
        seen = true;
        for way in reached(job, step, mention) {
            let possible = way.flow.certainty.max(mention.certainty) == Certainty::Possible;
            let how = format!("{:?}{}", way.capability, if possible { "?" } else { "" });
            let slot = found.entry(way.flow.secret.name.to_string()).or_insert(how.clone());
            if how < *slot {
                *slot = how;
            }
        }
    }
    assert!(seen, "no `{name}` was found: {:?}", pipeline.gaps);
    found.into_iter().map(|(name, how)| format!("{name}:{how}")).collect()
}

fn of(pipeline: &Pipeline, name: &str) -> String {
    let all = taken(pipeline, name);
    let but_token: Vec<_> = all.into_iter().filter(|t| !t.starts_with("GITHUB_TOKEN")).collect();
    but_token.join(" ")
}

/// Everything but the job's own token.
fn thief(pipeline: &Pipeline) -> String {
    of(pipeline, "evil/thief")
}

fn token(pipeline: &Pipeline) -> String {
    let token = taken(pipeline, "evil/thief").into_iter().find(|t| t.starts_with("GITHUB_TOKEN"));
    token.unwrap_or_default()
}

/// One job `j` on Linux; `body` is indented by the caller to four blanks.
fn job(body: &str) -> String {
    format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n{body}")
}

/// Components, in order.
fn components(pipeline: &Pipeline) -> Vec<String> {
    let name = |(_, _, mention): (&Job, Option<&Step>, &Mention)| {
        let possible = if mention.certainty == Certainty::Possible { "?" } else { "" };
        match &mention.component.reference {
            Some(reference) => format!("{}@{reference}{possible}", mention.component.name),
            None => format!("{}{possible}", mention.component.name),
        }
    };
    mentions(pipeline).into_iter().map(name).collect()
}

/// Gaps that could hide something.
fn holes(pipeline: &Pipeline) -> Vec<String> {
    let open = pipeline.gaps.iter().filter(|gap| gap.hides != Hides::Nothing);
    open.map(|gap| gap.reason.clone()).collect()
}

fn check(table: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (why, steps, expected) in table {
        let pipeline = World::ci(&job(steps)).read();
        let found = thief(&pipeline);
        if found != *expected {
            wrong.push(format!("{why}:\n   expected {expected:?}\n   found    {found:?}"));
        }
        if let Some(doubt) = pipeline.doubts.first() {
            wrong.push(format!("{why}: {}", doubt.reason));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
