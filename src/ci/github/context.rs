//! What can be named at one point of a file, and what an expression there evaluates to.

use std::{cell::Cell, collections::BTreeMap, sync::Arc};

use super::{
    budget::Budget,
    expr::{self, Part, Reference},
    matrix::Matrix,
    names::Names,
    value::{MAX_VALUES, Value, distinct},
};
use crate::ci::{
    model::{Certainty, Flow, Place, Way},
    shell::Placeholder,
    yaml::{Node, NodeKind, Scalar},
};

/// Whose secrets a `secrets.X` names.
#[derive(Clone, Debug)]
pub(super) enum Secrets {
    /// Those of the repository that runs the pipeline.
    Own { scopes: Vec<Arc<str>> },
    /// What a caller mapped (rule G4); nothing else is visible.
    Mapped(Names),
    /// Those of an unknown caller: named `secrets.X`.
    Consumer,
    /// A composite action has no `secrets` context.
    None,
}

/// What can be named at one point of a file.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) file: Arc<str>,
    pub(super) env: Names,
    pub(super) inputs: Names,
    pub(super) secrets: Secrets,
    /// Scopes of the environment of a called workflow's job, beside what its caller mapped (G4).
    pub(super) environments: Vec<Arc<str>>,
    pub(super) matrix: Matrix,
    /// `(step, output)`, both lower case.
    pub(super) outputs: BTreeMap<(String, String), Value>,
    /// `github.action_path` of a composite action.
    pub(super) action_path: Option<Arc<str>>,
    /// The weakest link from the file's start to here.
    pub(super) certainty: Certainty,
    /// A condition decides whether what is read here runs.
    pub(super) conditional: bool,
    pub(super) budget: Budget,
}

/// The value of a scalar and every secret that had to be sent to evaluate it.
#[derive(Clone, Debug, Default)]
pub(super) struct Evaluated {
    pub(super) value: Value,
    pub(super) sent: Vec<Flow>,
}

impl Context {
    pub(super) fn new(file: &Arc<str>, secrets: Secrets, budget: &Budget) -> Self {
        Self {
            file: Arc::clone(file),
            env: Names::default(),
            inputs: Names::default(),
            secrets,
            environments: Vec::new(),
            matrix: Matrix::default(),
            outputs: BTreeMap::new(),
            action_path: None,
            certainty: Certainty::Inferred,
            conditional: false,
            budget: budget.clone(),
        }
    }

    /// Inside a composite action: `defaults` and secrets of the workflow do not reach into it.
    pub(super) fn in_action(&self) -> bool {
        matches!(self.secrets, Secrets::None)
    }

    pub(super) fn place(&self, line: u32) -> Place {
        Place { file: Arc::clone(&self.file), line }
    }

    /// Evaluates a scalar that is a template: text with `${{ … }}` in it.
    pub(super) fn evaluate(&self, scalar: &Scalar, way: Way) -> Evaluated {
        let mut out = Evaluated::default();
        if !scalar.text.contains("${{") {
            return Evaluated { value: Value::literal(&*scalar.text), sent: Vec::new() };
        }
        let mut texts = vec![String::new()];
        let mut known = true;
        for part in expr::split(&scalar.text) {
            let alternatives = match part {
                Part::Text(range) => vec![Arc::from(&scalar.text[range])],
                Part::Expression { range, body } | Part::Unterminated { range, body } => {
                    let line = scalar.lines.line_at(range.start);
                    let part = self.expression(&scalar.text[body], line, way);
                    out.value.add(part.value.flows);
                    out.value.partial |= part.value.partial;
                    out.sent.extend(part.sent);
                    part.value.values
                }
            };
            known &= !alternatives.is_empty() && texts.len() * alternatives.len() <= MAX_VALUES;
            if known {
                texts = texts
                    .iter()
                    .flat_map(|head| alternatives.iter().map(move |tail| format!("{head}{tail}")))
                    .collect();
            }
        }
        if known {
            out.value.values = texts.into_iter().map(Arc::from).collect();
        }
        out
    }

    /// Evaluates everything below a node: what it may hold, not how it is built.
    pub(super) fn evaluate_all(&self, node: &Node, way: Way) -> Evaluated {
        let mut out = Evaluated::default();
        self.gather(node, way, &mut out);
        // Once at the end: there may be thousands.
        out.value.flows = distinct(out.value.flows);
        out.sent = distinct(out.sent);
        out
    }

    fn gather(&self, node: &Node, way: Way, out: &mut Evaluated) {
        if !self.budget.spend(1) {
            return;
        }
        match &node.kind {
            NodeKind::Null => {}
            NodeKind::Scalar(scalar) => {
                let part = self.evaluate(scalar, way);
                out.value.merge_texts(&part.value);
                out.value.flows.extend(part.value.flows);
                out.sent.extend(part.sent);
            }
            NodeKind::Seq(items) => {
                items.iter().for_each(|item| self.gather(item, way, out));
            }
            NodeKind::Map(entries) => {
                entries.iter().for_each(|entry| self.gather(&entry.value, way, out));
            }
        }
    }

    /// The placeholders of a script, and what was sent for them.
    pub(super) fn placeholders(&self, scalar: &Scalar) -> (Vec<Placeholder>, Vec<Flow>) {
        let (mut found, mut sent) = (Vec::new(), Vec::new());
        for part in expr::split(&scalar.text) {
            let (Part::Expression { range, body } | Part::Unterminated { range, body }) = part
            else {
                continue;
            };
            let line = scalar.lines.line_at(range.start);
            let part = self.expression(&scalar.text[body], line, Way::Script);
            sent.extend(part.sent);
            let Value { flows, values, .. } = part.value;
            // Rule G13: whatever name it came by, it stands in the text of this script.
            let place = self.place(line);
            sent.extend(
                flows.iter().filter(|flow| flow.way != Way::WholeContext).map(|flow| Flow {
                    way: Way::Script,
                    place: place.clone(),
                    ..flow.clone()
                }),
            );
            found.push(Placeholder { range, flows, values });
        }
        (found, sent)
    }

    /// A condition, with or without braces: nothing of it reaches a process, but it is sent (G9).
    pub(super) fn condition(&self, scalar: &Scalar) -> Vec<Flow> {
        if scalar.text.contains("${{") {
            return self.evaluate(scalar, Way::Other).sent;
        }
        let line = scalar.lines.line_at(0);
        self.expression(&scalar.text, line, Way::Other).sent
    }

    pub(super) fn expression(&self, body: &str, line: u32, way: Way) -> Evaluated {
        let mut out = Evaluated::default();
        if !self.budget.spend(1 + body.len() / 8) {
            return out;
        }
        for found in expr::references(body) {
            let mut value = self.resolve(&found.reference, line, way);
            let certainty = found.certainty.max(self.certainty);
            for flow in &mut value.flows {
                flow.certainty = flow.certainty.max(certainty);
            }
            // `secrets[name]` sends the whole context (G10), but only what `name` may be is in the value.
            if let Reference::DynamicSecret { index } = &found.reference {
                out.sent.extend(value.flows);
                value = self.dynamic(index, line, way);
            }
            if !found.in_value {
                // It is asked about, and reaches no process.
                value.flows.iter_mut().filter(|f| f.way == way).for_each(|f| f.way = Way::Other);
            }
            out.sent.extend(value.flows.iter().cloned());
            if found.in_value {
                out.value.add(value.flows);
            }
        }
        let (values, incomplete) = self.looking_up(line, |lookup| expr::evaluate(body, lookup));
        out.value.values = values.known;
        out.value.partial = !values.complete || incomplete;
        out
    }

    /// What a scalar that is one `fromJSON(…)` gives, where the files tell all of it.
    pub(super) fn json(&self, scalar: &Scalar) -> Option<Vec<serde_json::Value>> {
        let text = scalar.text.trim();
        let parts = expr::split(text);
        let [Part::Expression { body, .. }] = parts.as_slice() else { return None };
        let line = scalar.lines.line_at(0);
        let (json, incomplete) =
            self.looking_up(line, |lookup| expr::json(&text[body.clone()], lookup));
        json.filter(|_| !incomplete)
    }

    /// With a word on whether something that was looked up may be more than was said.
    fn looking_up<T>(
        &self,
        line: u32,
        ask: impl FnOnce(&dyn Fn(&Reference) -> Vec<Arc<str>>) -> T,
    ) -> (T, bool) {
        let incomplete = Cell::new(false);
        let answer = ask(&|reference: &Reference| {
            let value = self.resolve(reference, line, Way::Other);
            incomplete.set(incomplete.get() || value.partial);
            value.values
        });
        (answer, incomplete.get())
    }

    /// `secrets[index]`: those that the index may name, and all where it may name others.
    fn dynamic(&self, index: &str, line: u32, way: Way) -> Value {
        let (names, incomplete) = self.looking_up(line, |lookup| expr::evaluate(index, lookup));
        if names.known.is_empty() {
            return self.whole(line);
        }
        let mut value = Value::default();
        for name in &names.known {
            value.add(self.secret(name, line, way).flows);
        }
        if incomplete || !names.complete {
            value.add(self.whole(line).flows);
        }
        value.weakened(Certainty::Possible)
    }
}
