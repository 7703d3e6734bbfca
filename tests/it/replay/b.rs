//! The incidents of 2026: Trivy, Checkmarx, litellm, axios, Bitwarden CLI, TanStack, actions-cool, codfish.

mod actions;
mod packages;
mod states;
mod trivy;

use keysweep::{
    assess::Verdict,
    ci::model::{Component, Kind, Pinned, Verified},
};

use super::{CI, taken};

/// A job whose first step is this one, with a secret of its own; one secret in a later step, one in another job.
fn job(step: &str) -> String {
    job_on("ubuntu-latest", step)
}

fn job_on(runner: &str, step: &str) -> String {
    format!(
        "on: push
jobs:
  build:
    runs-on: {runner}
    steps:
      - {step}
        env:
          HERE: ${{{{ secrets.IN_STEP }}}}
      - run: make
        env:
          THERE: ${{{{ secrets.IN_JOB }}}}
  other:
    runs-on: {runner}
    steps:
      - run: make
        env:
          ELSEWHERE: ${{{{ secrets.IN_OTHER_JOB }}}}
"
    )
}

/// A workflow with this step that was there from one instant to the other.
fn lived(incident: &str, step: &str, from: &str, to: &str) -> (Verdict, Vec<String>) {
    taken(incident, &[(from, &[(CI, &job(step))]), (to, &[(CI, ""), ("README.md", "x")])])
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn component(kind: Kind, name: &str, reference: Option<&str>, pinned: Pinned) -> Component {
    let reference = reference.map(str::to_owned);
    Component { kind, name: name.to_owned(), reference, pinned, verified: Verified::No }
}

/// `name@version`, as a lock file or an exact install says it.
fn release(name: &str, version: &str) -> Component {
    component(Kind::Package, name, Some(version), Pinned::Version)
}

/// `owner/repo@ref`
fn action(uses: &str) -> Component {
    let (name, reference) = uses.split_once('@').unwrap();
    let commit = reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pinned = if commit { Pinned::Sha } else { Pinned::Tag };
    component(Kind::Action, name, Some(reference), pinned)
}
