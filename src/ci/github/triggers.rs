//! `on:`, `permissions:`, `runs-on:`: what decides which secrets and what power a job has.

use std::sync::Arc;

use super::value::Context;
use crate::ci::{
    model::{Os, Permissions, Runner, Trigger, TriggerSecrets, Way},
    yaml::{Node, NodeKind},
};

/// Names of events in `on:`; `workflow_call` among them.
pub(super) fn events(on: &Node) -> Vec<String> {
    match &on.kind {
        NodeKind::Null => Vec::new(),
        NodeKind::Scalar(one) => vec![one.text.trim().to_owned()],
        NodeKind::Seq(items) => {
            items.iter().filter_map(|item| item.text()).map(str::to_owned).collect()
        }
        NodeKind::Map(entries) => {
            entries.iter().map(|entry| entry.key.text.trim().to_owned()).collect()
        }
    }
}

pub(super) fn triggers(events: &[String]) -> Vec<Trigger> {
    events
        .iter()
        .filter(|event| *event != "workflow_call")
        .map(|event| Trigger { event: event.clone(), secrets: secrets_of(event) })
        .collect()
}

/// Rule G5. Which events run with secrets although an outsider starts them:
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>.
fn secrets_of(event: &str) -> TriggerSecrets {
    match event {
        "pull_request" | "pull_request_review" | "pull_request_review_comment" => {
            TriggerSecrets::TrustedOnly
        }
        "pull_request_target"
        | "workflow_run"
        | "issue_comment"
        | "issues"
        | "discussion"
        | "discussion_comment"
        | "fork"
        | "watch"
        | "gollum" => TriggerSecrets::FullForOutsiders,
        _ => TriggerSecrets::Full,
    }
}

/// Rule G6: for these events a run that Dependabot starts takes Dependabot's secrets instead.
pub(super) fn dependabot_may_start(events: &[String]) -> bool {
    const EVENTS: [&str; 7] = [
        "push",
        "create",
        "deployment",
        "deployment_status",
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
    ];
    events.iter().any(|event| EVENTS.contains(&event.as_str()))
}

pub(super) fn permissions(node: Option<&Node>) -> Option<Permissions> {
    match &node?.kind {
        NodeKind::Scalar(one) => match one.text.trim() {
            "read-all" => Some(Permissions::ReadAll),
            "write-all" => Some(Permissions::WriteAll),
            _ => None,
        },
        NodeKind::Map(entries) => Some(Permissions::Listed(
            entries
                .iter()
                .filter_map(|entry| {
                    let access = entry.value.text()?.trim();
                    (access != "none")
                        .then(|| (entry.key.text.trim().to_owned(), access.to_owned()))
                })
                .collect(),
        )),
        NodeKind::Null | NodeKind::Seq(_) => None,
    }
}

pub(super) fn runner(runs_on: Option<&Node>, cx: &Context) -> Runner {
    let Some(node) = runs_on else { return Runner::default() };
    let (labels, group) = match (&node.kind, node.get("labels")) {
        (NodeKind::Map(_), labels) => (labels.map(|n| &**n), node.get("group").is_some()),
        _ => (Some(node), false),
    };
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut certain = true;
    if let Some(labels) = labels {
        let evaluated = cx.evaluate_all(labels, Way::Other).value;
        names = evaluated.values;
        certain = !names.is_empty();
    }
    let labels: Vec<String> = names.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    let hosted =
        |label: &String| ["ubuntu-", "macos-", "windows-"].iter().any(|p| label.starts_with(p));
    let self_hosted = if labels.iter().any(|label| label == "self-hosted") {
        Some(true)
    } else if certain && !group && !labels.is_empty() && labels.iter().all(hosted) {
        Some(false)
    } else {
        None
    };
    Runner { os: os_of(&labels), labels, self_hosted, in_container: false }
}

/// A matrix over several systems is *unknown*: each of them runs.
fn os_of(labels: &[String]) -> Os {
    let mut found: Vec<Os> = labels
        .iter()
        .filter_map(|label| match label.as_str() {
            l if l.contains("ubuntu") || l.contains("linux") => Some(Os::Linux),
            l if l.contains("macos") => Some(Os::Macos),
            l if l.contains("windows") => Some(Os::Windows),
            _ => None,
        })
        .collect();
    found.dedup();
    match found.as_slice() {
        [only] => *only,
        _ => Os::Unknown,
    }
}
