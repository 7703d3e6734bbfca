//! Why GitHub refuses a file. Everything in such a file is read all the same, as *possible*.
//!
//! GitHub's own list of keys, ids, limits and permissions is not kept here: a key that is newer than
//! this program must not make a file doubtful.

use std::collections::HashSet;

use super::expr::{self, Part};
use crate::ci::{
    model::Doubt,
    yaml::{Effect, Entry, Node, NodeKind, Parsed, Scalar},
};

/// Below this a walk is cheaper than a hash.
const FEW: usize = 16;

/// One reason is enough; a few are kind.
const MAX_DOUBTS: usize = 8;

/// What the YAML reader knows. GitHub reads anchors since 2025-08 and refuses merge keys to this day:
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations#yaml-anchors-and-aliases>.
pub(super) fn by_reader(parsed: &Parsed) -> Vec<Doubt> {
    let refused = parsed.troubles.iter().filter(|trouble| trouble.effect != Effect::Replaced);
    let mut doubts: Vec<Doubt> =
        refused.take(MAX_DOUBTS).map(|t| refusal(t.line, &t.reason)).collect();
    if parsed.anchors {
        let reason = "before 2025-08 GitHub refused files with YAML anchors".to_owned();
        doubts.push(Doubt { reason, until: Some("2025-08-01") });
    }
    doubts
}

/// What the structure of a workflow shows.
pub(super) fn by_structure(root: &Node) -> Vec<Doubt> {
    let mut found = Found(Vec::new());
    for key in ["on", "jobs"] {
        if root.get(key).is_none_or(|node| node.is_null()) {
            found.say(root.line, &format!("there is no `{key}:`"));
        }
    }
    if let Some(jobs) = root.get("jobs") {
        if !matches!(jobs.kind, NodeKind::Map(_) | NodeKind::Null) {
            found.say(jobs.line, "`jobs:` is not a mapping");
        }
        jobs.entries().iter().for_each(|job| found.job(job));
    }
    found.walk(root);
    found.0
}

struct Found(Vec<Doubt>);

impl Found {
    fn say(&mut self, line: u32, reason: &str) {
        if self.0.len() < MAX_DOUBTS {
            self.0.push(refusal(line, reason));
        }
    }

    fn job(&mut self, job: &Entry) {
        let id = job.key.text.trim();
        let has = |key: &str| job.value.get(key).is_some();
        match (has("uses"), has("steps"), has("runs-on")) {
            (true, false, false) | (false, _, true) => {}
            (true, ..) => {
                self.say(
                    job.key_line,
                    &format!("job `{id}` has `uses` and what does not go with it"),
                );
            }
            (false, ..) => {
                self.say(job.key_line, &format!("job `{id}` has neither `runs-on` nor `uses`"));
            }
        }
        if let Some(condition) = job.value.get("if").and_then(|n| n.scalar()) {
            self.condition(condition);
        }
        let Some(steps) = job.value.get("steps") else { return };
        if !matches!(steps.kind, NodeKind::Seq(_)) {
            self.say(steps.line, "`steps` is not a list");
        }
        steps.items().iter().for_each(|step| self.step(step));
    }

    fn step(&mut self, step: &Node) {
        let has = |key: &&str| step.entry(key).is_some();
        match ["run", "uses", "wait", "wait-all", "cancel", "parallel"]
            .iter()
            .filter(|k| has(k))
            .count()
        {
            1 => {}
            0 => self.say(step.line, "a step has neither `run` nor `uses`"),
            _ => self.say(step.line, "a step has both `run` and `uses`"),
        }
        for key in ["run", "uses"] {
            if let Some(entry) = step.entry(key)
                && entry.value.scalar().is_none()
            {
                self.say(entry.key_line, &format!("`{key}` of a step is not a text"));
            }
        }
        if step.get("uses").and_then(|n| n.text()).is_some_and(|uses| uses.contains("${{")) {
            self.say(step.line, "an expression in `uses`");
        }
        if let Some(condition) = step.get("if").and_then(|n| n.scalar()) {
            self.condition(condition);
        }
    }

    fn condition(&mut self, condition: &Scalar) {
        if !condition.text.contains("${{") {
            self.expression(&condition.text, condition.lines.line_at(0));
        }
    }

    fn walk(&mut self, node: &Node) {
        if self.0.len() >= MAX_DOUBTS {
            return;
        }
        match &node.kind {
            NodeKind::Null => {}
            NodeKind::Scalar(scalar) => self.scalar(scalar),
            NodeKind::Seq(items) => items.iter().for_each(|item| self.walk(item)),
            NodeKind::Map(entries) => {
                self.keys(entries);
                entries.iter().for_each(|entry| self.walk(&entry.value));
            }
        }
    }

    /// GitHub compares keys without regard to case; the same key in the same case is the YAML
    /// reader's to tell.
    fn keys(&mut self, entries: &[Entry]) {
        let same_but_for_case = |(a, b): (&Entry, &Entry)| {
            a.key.text != b.key.text && a.key.text.eq_ignore_ascii_case(&b.key.text)
        };
        if entries.len() <= FEW {
            // As all do in practice; and no copy of a key is made.
            let mut earlier = (1..entries.len()).filter(|&i| {
                entries[..i].iter().any(|entry| same_but_for_case((entry, &entries[i])))
            });
            if let Some(i) = earlier.next() {
                let (line, key) = (entries[i].key_line, &entries[i].key.text);
                self.say(line, &format!("key `{key}` differs from another by case only"));
            }
            return;
        }
        let (mut exact, mut folded) = (HashSet::new(), HashSet::new());
        for entry in entries {
            let key = &*entry.key.text;
            if exact.insert(key) && !folded.insert(key.to_ascii_uppercase()) {
                self.say(entry.key_line, &format!("key `{key}` differs from another by case only"));
            }
        }
    }

    fn scalar(&mut self, scalar: &Scalar) {
        if !scalar.text.contains("${{") {
            return;
        }
        for part in expr::split(&scalar.text) {
            match part {
                Part::Text(_) => {}
                Part::Expression { range, body } => {
                    let line = scalar.lines.line_at(range.start);
                    let text = &scalar.text[body];
                    if text.trim().is_empty() {
                        self.say(line, "an empty expression");
                    }
                    self.expression(text, line);
                }
                Part::Unterminated { range, .. } => {
                    let line = scalar.lines.line_at(range.start);
                    self.say(line, "an expression that does not end");
                }
            }
        }
    }

    fn expression(&mut self, body: &str, line: u32) {
        // A directive, which stands as a key only.
        if body.trim().eq_ignore_ascii_case("insert") {
            self.say(line, "`insert` as a value");
        }
        if expr::refusal(body).is_some() {
            self.say(line, "an expression that cannot be parsed");
        }
    }
}

fn refusal(line: u32, reason: &str) -> Doubt {
    Doubt { reason: format!("GitHub refuses this file: {reason} (line {line})"), until: None }
}
