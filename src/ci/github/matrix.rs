//! `strategy.matrix`: what `matrix.a.b` may be.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    context::Context,
    expr::ANY,
    value::{Value, all},
};
use crate::ci::{
    model::Way,
    yaml::{Node, NodeKind},
};

/// GitHub's own limit on nesting is far below this.
const MAX_DEPTH: usize = 8;

type Path = Vec<String>;

/// `matrix.a.b` → `["a", "b"]`; names in lower case. The empty path is an expression for the whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Matrix(BTreeMap<Path, Value>);

impl Matrix {
    /// Lists and `include` give the alternatives of one name.
    pub(super) fn read(node: &Node, cx: &Context) -> Self {
        let mut matrix = Self::default();
        if node.scalar().is_some() {
            matrix.collect(node, &[], cx);
        }
        for entry in node.entries() {
            match &*lower(&entry.key.text) {
                "exclude" => {}
                "include" => matrix.collect(&entry.value, &[], cx),
                name => matrix.collect(&entry.value, &[name.to_owned()], cx),
            }
        }
        matrix.0.values_mut().for_each(Value::tidy);
        matrix.spread();
        matrix
    }

    pub(super) fn find(&self, path: &[String]) -> Value {
        let path: Path = path.iter().map(|part| lower(part)).collect();
        match self.0.get(&path) {
            Some(value) => value.clone(),
            // `toJSON(matrix)`, a part of a nested entry, a computed name: all that it may be.
            None => all(self.0.iter().filter(|(key, _)| meet(key, &path)).map(|(_, value)| value)),
        }
    }

    fn collect(&mut self, node: &Node, path: &[String], cx: &Context) {
        if path.len() > MAX_DEPTH {
            return;
        }
        match &node.kind {
            NodeKind::Null => {}
            NodeKind::Seq(items) => items.iter().for_each(|item| self.collect(item, path, cx)),
            NodeKind::Map(entries) => entries.iter().for_each(|entry| {
                self.collect(&entry.value, &below(path, &entry.key.text), cx);
            }),
            NodeKind::Scalar(scalar) => {
                let value = cx.evaluate(scalar, Way::Other).value;
                match cx.json(scalar) {
                    Some(alternatives) => {
                        alternatives.iter().for_each(|json| self.collect_json(json, path, &value))
                    }
                    None => self.slot(path).pile(&value),
                }
            }
        }
    }

    /// `include` in a JSON text is read as in YAML.
    fn collect_json(&mut self, json: &Json, path: &[String], whole: &Value) {
        if path.len() > MAX_DEPTH {
            return;
        }
        match json {
            Json::Array(items) => {
                items.iter().for_each(|item| self.collect_json(item, path, whole));
            }
            Json::Object(map) => {
                for (name, value) in map {
                    match &*lower(name) {
                        "exclude" if path.is_empty() => {}
                        "include" if path.is_empty() => self.collect_json(value, path, whole),
                        _ => self.collect_json(value, &below(path, name), whole),
                    }
                }
            }
            Json::String(text) => self.add_text(path, text, whole),
            Json::Null => {}
            Json::Bool(_) | Json::Number(_) => self.add_text(path, &json.to_string(), whole),
        }
    }

    fn add_text(&mut self, path: &[String], text: &str, whole: &Value) {
        let value = Value { flows: whole.flows.clone(), ..Value::literal(text) };
        self.slot(path).pile(&value);
    }

    fn slot(&mut self, path: &[String]) -> &mut Value {
        self.0.entry(path.to_vec()).or_insert_with(Value::nothing)
    }

    /// An expression for the whole, or for `include`, may add to every name.
    fn spread(&mut self) {
        let Some(open) = self.0.get(&Path::new()).cloned() else { return };
        for (path, value) in &mut self.0 {
            if !path.is_empty() {
                value.merge(&Value { values: Vec::new(), ..open.clone() });
            }
        }
    }
}

/// Whether one is the other or lies below it.
fn meet(key: &[String], path: &[String]) -> bool {
    key.iter().zip(path).all(|(key, part)| part == ANY || key == part)
}

fn below(path: &[String], name: &str) -> Path {
    let mut path = path.to_vec();
    path.push(lower(name));
    path
}

fn lower(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}
