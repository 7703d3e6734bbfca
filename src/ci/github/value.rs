//! What an expression can evaluate to: the secrets in it, and its literal values where the file tells.

use std::{collections::HashSet, sync::Arc};

use crate::ci::model::{Binding, Certainty, Flow};

/// Literal alternatives kept for one value; more are *unknown*.
pub(super) const MAX_VALUES: usize = 16;

/// Below this a walk is cheaper than a hash.
const FEW: usize = 12;

/// The content of a variable, an input, an output.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Value {
    pub(super) flows: Vec<Flow>,
    /// Texts it may be; empty where the file does not tell.
    pub(super) values: Vec<Arc<str>>,
    /// It may be other texts too.
    pub(super) partial: bool,
}

impl Value {
    pub(super) fn literal(text: impl Into<Arc<str>>) -> Self {
        Self { values: vec![text.into()], ..Self::default() }
    }

    pub(super) fn one(flow: Flow) -> Self {
        Self { flows: vec![flow], ..Self::default() }
    }

    pub(super) fn bind(self, name: impl Into<String>) -> Binding {
        let literal = if self.flows.is_empty() { self.only().cloned() } else { None };
        Binding { name: name.into(), flows: self.flows, literal }
    }

    /// No alternative yet: to be merged into.
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    /// It may be the other one too.
    pub(super) fn merge(&mut self, other: &Self) {
        self.add(other.flows.iter().cloned());
        self.merge_texts(other);
    }

    pub(super) fn merge_texts(&mut self, other: &Self) {
        self.partial |= other.partial || other.values.is_empty();
        for text in &other.values {
            if !self.values.contains(text) {
                if self.values.len() == MAX_VALUES {
                    self.partial = true;
                    return;
                }
                self.values.push(Arc::clone(text));
            }
        }
    }

    /// More flows, without a look at those that are there: see [`Self::tidy`].
    pub(super) fn pile(&mut self, other: &Self) {
        self.flows.extend(other.flows.iter().cloned());
        self.merge_texts(other);
    }

    pub(super) fn tidy(&mut self) {
        self.flows = distinct(std::mem::take(&mut self.flows));
    }

    /// The weakest link of the way to here.
    pub(super) fn weakened(mut self, certainty: Certainty) -> Self {
        self.flows.iter_mut().for_each(|flow| flow.certainty = flow.certainty.max(certainty));
        self
    }

    /// The one text it is, where the files tell.
    pub(super) fn only(&self) -> Option<&Arc<str>> {
        match self.values.as_slice() {
            [only] if !self.partial => Some(only),
            _ => None,
        }
    }

    pub(super) fn add(&mut self, flows: impl IntoIterator<Item = Flow>) {
        if self.flows.len() <= FEW {
            for flow in flows {
                if self.flows.len() > FEW || !self.flows.contains(&flow) {
                    self.flows.push(flow);
                }
            }
        } else {
            self.flows.extend(flows);
        }
        if self.flows.len() > FEW {
            self.flows = distinct(std::mem::take(&mut self.flows));
        }
    }
}

/// Any of these, or several together.
pub(super) fn all<'a>(values: impl Iterator<Item = &'a Value>) -> Value {
    let (mut out, mut flows) = (Value::nothing(), Vec::new());
    for value in values {
        flows.extend(value.flows.iter().cloned());
        out.merge_texts(value);
    }
    out.flows = distinct(flows);
    out
}

pub(super) fn distinct(mut flows: Vec<Flow>) -> Vec<Flow> {
    let mut seen = HashSet::new();
    flows.retain(|flow| seen.insert(flow.clone()));
    flows
}
