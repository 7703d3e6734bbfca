//! What earlier actions left behind (rule G15), from the table `residue.toml`.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

use super::{names::Names, value::Value};
use crate::ci::model::{Certainty, Flow, Place, Scope, Secret, Way};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    action: Vec<Residue>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Residue {
    name: String,
    /// Where the action's own documentation says so.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for readers of the table; a test asks for it")
    )]
    source: String,
    #[serde(default)]
    env: Vec<Left>,
    #[serde(default)]
    files: Vec<Left>,
    #[serde(default)]
    outputs: Vec<Left>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Left {
    #[serde(default)]
    name: String,
    #[serde(default)]
    #[expect(dead_code, reason = "says to a reader of the table which file it is")]
    what: String,
    from: Option<String>,
    from_env: Option<String>,
    default: Option<String>,
    minted: Option<String>,
    when: Option<String>,
    unless: Option<Unless>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unless {
    input: String,
    value: String,
}

static TABLE: LazyLock<HashMap<String, Residue>> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("residue.toml"))
        .expect("the shipped table parses: a unit test reads it");
    table.action.into_iter().map(|row| (row.name.clone(), row)).collect()
});

/// What one use of an action leaves for the steps after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaves {
    pub(super) env: Vec<(String, Value)>,
    pub(super) files: Vec<Flow>,
    pub(super) outputs: Vec<(String, Value)>,
}

/// One use of an action: its inputs, and how a minted value of it is named.
pub(super) struct Use<'a> {
    /// `owner/repo[/path]`.
    pub(super) name: &'a str,
    pub(super) inputs: &'a Names,
    /// The environment of its step.
    pub(super) env: &'a Names,
    /// The step's id, or `#N`.
    pub(super) step: &'a str,
    pub(super) place: &'a Place,
    pub(super) token: &'a Flow,
}

pub(super) fn of(usage: &Use<'_>) -> Leaves {
    let Some(row) = TABLE.get(&usage.name.to_ascii_lowercase()) else { return Leaves::default() };
    let mut leaves = Leaves::default();
    for left in row.env.iter().filter(|left| left.applies(usage.inputs)) {
        leaves.env.push((left.name.clone(), left.value(usage)));
    }
    for left in row.files.iter().filter(|left| left.applies(usage.inputs)) {
        leaves.files.extend(left.value(usage).flows);
    }
    for left in row.outputs.iter().filter(|left| left.applies(usage.inputs)) {
        leaves.outputs.push((left.name.clone(), left.value(usage)));
    }
    leaves
}

impl Use<'_> {
    fn minted(&self, output: &str) -> Flow {
        let name = format!("steps.{}.outputs.{output}", self.step);
        Flow {
            secret: Secret { scope: Scope::Job, name: name.into() },
            way: Way::Residue,
            place: self.place.clone(),
            certainty: Certainty::Inferred,
        }
    }
}

impl Left {
    fn applies(&self, inputs: &Names) -> bool {
        let given = self.when.as_ref().is_none_or(|input| is_given(inputs, input));
        given && self.unless.as_ref().is_none_or(|unless| !unless.holds(inputs))
    }

    fn value(&self, usage: &Use<'_>) -> Value {
        let mut value = self.source(usage);
        value.flows.iter_mut().for_each(|flow| flow.way = Way::Residue);
        // An expression decides whether it is left.
        let decided = self.unless.as_ref().is_none_or(|unless| {
            usage.inputs.find(&unless.input).is_none_or(|value| value.only().is_some())
        });
        if decided { value } else { value.weakened(Certainty::Possible) }
    }

    fn source(&self, usage: &Use<'_>) -> Value {
        if let Some(output) = &self.minted {
            return Value::one(usage.minted(output));
        }
        if let Some(name) = &self.from_env {
            return usage.env.find(name).cloned().unwrap_or_default();
        }
        match self.from.as_ref().and_then(|input| usage.inputs.find(input)) {
            Some(value) => value.clone(),
            None if self.default.is_some() => Value::one(usage.token.clone()),
            None => Value::default(),
        }
    }
}

/// An empty text is as good as none.
fn is_given(inputs: &Names, input: &str) -> bool {
    let empty = |value: &Value| value.only().is_some_and(|text| text.trim().is_empty());
    inputs.find(input).is_some_and(|value| !empty(value))
}

impl Unless {
    fn holds(&self, inputs: &Names) -> bool {
        let text = inputs.find(&self.input).and_then(|value| value.only());
        text.is_some_and(|text| text.trim().eq_ignore_ascii_case(&self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn every_row_is_named_in_lower_case_and_has_a_source() {
        assert!(TABLE.len() >= 20);
        for (name, row) in TABLE.iter() {
            assert_eq!(*name, name.to_ascii_lowercase());
            assert!(row.source.starts_with("https://"), "{name}");
        }
    }
}
