//! `on:`, `permissions:`, `runs-on:`: what decides which secrets and what power a job has.

use super::{context::Context, names::Names, value::Value};
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
            items.iter().filter_map(|item| item.text()).map(|text| text.trim().to_owned()).collect()
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

/// What `inputs.X` may be in a run of this workflow's own: choices are all there are, a default is one
/// of many.
pub(super) fn dispatch_inputs(on: Option<&Node>) -> Names {
    let mut names = Names::default();
    let inputs = on.and_then(|on| on.get("workflow_dispatch")?.get("inputs"));
    for entry in inputs.map(|n| n.entries()).unwrap_or_default() {
        let text = |key: &str| entry.value.get(key).and_then(|n| n.text()).map(str::trim);
        let mut value = Value::nothing();
        let mut may_be = |text: &str| value.merge(&Value::literal(text));
        match text("type") {
            Some("choice") => {
                let options = entry.value.get("options").map(|n| n.items()).unwrap_or_default();
                options.iter().filter_map(|n| n.text()).for_each(&mut may_be);
            }
            Some("boolean") => ["true", "false"].into_iter().for_each(&mut may_be),
            _ => {
                text("default").into_iter().for_each(&mut may_be);
                value.partial = true;
            }
        }
        names.set(entry.key.text.trim(), value);
    }
    names
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
    let Some(labels) = labels else { return Runner::default() };
    let value = cx.evaluate_all(labels, Way::Other).value;
    let names: Vec<String> =
        value.values.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    // Labels of a list hold together; what an expression gives are alternatives.
    let together = matches!(labels.kind, NodeKind::Seq(_)) || value.only().is_some();
    Runner {
        os: os_of(&names, together, value.partial),
        self_hosted: self_hosted(&names, together, value.partial || group),
        labels: names,
        in_container: false,
    }
}

fn self_hosted(labels: &[String], together: bool, open: bool) -> Option<bool> {
    let own = |label: &String| label == "self-hosted";
    let hosted =
        |label: &String| ["ubuntu-", "macos-", "windows-"].iter().any(|p| label.starts_with(p));
    if labels.is_empty() {
        None
    } else if (together && labels.iter().any(own)) || (!open && labels.iter().all(own)) {
        Some(true)
    } else if !open && labels.iter().all(hosted) {
        Some(false)
    } else {
        None
    }
}

/// A matrix over several systems is *unknown*: each of them runs.
fn os_of(labels: &[String], together: bool, open: bool) -> Os {
    let mut found: Vec<Option<Os>> = labels
        .iter()
        .map(|label| match label.as_str() {
            l if l.contains("ubuntu") || l.contains("linux") => Some(Os::Linux),
            l if l.contains("macos") => Some(Os::Macos),
            l if l.contains("windows") => Some(Os::Windows),
            _ => None,
        })
        .filter(|os| os.is_some() || !together)
        .collect();
    found.dedup();
    match found.as_slice() {
        [Some(only)] if together || !open => *only,
        _ => Os::Unknown,
    }
}
