//! `env:` and `with:` maps.

use std::sync::Arc;

use super::{context::Context, job::JobReader, names::Names, value::Value};
use crate::ci::{
    literal,
    model::{Certainty, Flow, Place, Scope, Secret, Way},
    yaml::{Entry, Node, NodeKind},
};

impl JobReader<'_> {
    /// Reads an `env:` or `with:` map; literal credentials in it are flows too.
    pub(super) fn read_bindings(&mut self, node: &Node, cx: &Context, way: Way) -> Names {
        let mut names = Names::default();
        if !cx.budget.spend(node.entries().len() + 1) {
            return names;
        }
        if !matches!(node.kind, NodeKind::Map(_) | NodeKind::Null) {
            // `env: ${{ fromJSON(…) }}`; a list, which GitHub refuses.
            self.insert(node, cx, way, &mut names);
        }
        for entry in node.entries() {
            if is_insert(&entry.key.text) {
                self.insert(&entry.value, cx, way, &mut names);
                continue;
            }
            let evaluated = cx.evaluate_all(&entry.value, way);
            self.sent.extend(evaluated.sent);
            let mut value = evaluated.value;
            self.sent.extend(carried(&value.flows, way));
            if entry.merged {
                value = value.weakened(Certainty::Possible);
            }
            let key = cx.evaluate(&entry.key, way);
            self.sent.extend(key.sent);
            let alternatives = match key.value.values {
                names if names.is_empty() => vec![Arc::from("*")],
                names => names,
            };
            for name in &alternatives {
                let value = self.with_literal(name.trim(), value.clone(), entry, cx, way);
                set(&mut names, name.trim(), value, way);
            }
        }
        names
    }

    fn with_literal(
        &mut self,
        name: &str,
        mut value: Value,
        entry: &Entry,
        cx: &Context,
        way: Way,
    ) -> Value {
        // One that came here by another variable has its name from there.
        let named = value.flows.iter().any(|flow| flow.secret.scope == Scope::Literal);
        if !named && value.values.iter().any(|text| literal::is_credential(name, text)) {
            if let Some(kind) = value.values.iter().find_map(|text| literal::kind_of(text)) {
                self.literals.push((Arc::from(name), kind));
            }
            let flow = literal_flow(name, cx.place(entry.key_line), way);
            self.sent.push(flow.clone());
            value.add([flow]);
        }
        value
    }

    /// A whole map that an expression gives: by name where the files tell, else the secrets in it.
    fn insert(&mut self, node: &Node, cx: &Context, way: Way, names: &mut Names) {
        let evaluated = cx.evaluate_all(node, way);
        self.sent.extend(evaluated.sent);
        let whole = Value { values: Vec::new(), ..evaluated.value };
        let alternatives = node.scalar().and_then(|scalar| cx.json(scalar)).unwrap_or_default();
        for (name, json) in alternatives.iter().filter_map(|json| json.as_object()).flatten() {
            let text = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            set(names, name, Value { flows: whole.flows.clone(), ..Value::literal(text) }, way);
        }
        if alternatives.is_empty() {
            set(names, "*", whole, way);
        }
    }
}

/// What came here under another name, on the way it goes on from here.
fn carried(flows: &[Flow], way: Way) -> impl Iterator<Item = Flow> {
    let renamed = move |flow: &&Flow| {
        flow.way != way && matches!(flow.way, Way::Env | Way::Input | Way::Script | Way::Other)
    };
    flows.iter().filter(renamed).map(move |flow| Flow { way, ..flow.clone() })
}

fn set(names: &mut Names, name: &str, value: Value, way: Way) {
    match way {
        Way::Env => names.set_variable(name, value),
        _ => names.set(name, value),
    }
}

/// `${{ insert }}` as a key puts a whole map in its place.
fn is_insert(key: &str) -> bool {
    let inner = key.trim().strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
    inner.is_some_and(|inner| inner.trim().eq_ignore_ascii_case("insert"))
}

pub(super) fn literal_flow(name: &str, place: Place, way: Way) -> Flow {
    let secret = Secret { scope: Scope::Literal, name: Arc::from(name) };
    Flow { secret, way, place, certainty: Certainty::Inferred }
}
