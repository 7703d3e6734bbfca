//! Values by name.

use std::{collections::BTreeMap, rc::Rc};

use super::value::Value;
use crate::ci::model::Binding;

/// Values by name, found as GitHub finds them: without regard to ASCII case.
///
/// Only variables of an environment differ by case: on Linux `TOKEN` and `token` stand side by side.
///
/// A copy costs nothing until it is changed: most steps have the environment of the step before.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Rc<BTreeMap<String, Vec<(String, Value)>>>);

impl Names {
    /// An input or a secret: the last of its name counts.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        Rc::make_mut(&mut self.0).insert(name.to_ascii_uppercase(), vec![(name.to_owned(), value)]);
    }

    /// A variable of an environment.
    pub(super) fn set_variable(&mut self, name: &str, value: Value) {
        let variants = Rc::make_mut(&mut self.0).entry(name.to_ascii_uppercase()).or_default();
        match variants.iter_mut().find(|(variant, _)| variant == name) {
            Some((_, slot)) => *slot = value,
            None => variants.push((name.to_owned(), value)),
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Value> {
        let variants = self.0.get(&name.to_ascii_uppercase())?;
        let exact = variants.iter().find(|(variant, _)| variant == name);
        exact.or_else(|| variants.last()).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.values().flatten().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Variables of an inner environment over those of an outer one.
    pub(super) fn extend(&mut self, inner: &Self) {
        if self.0.is_empty() {
            self.0 = Rc::clone(&inner.0);
            return;
        }
        inner.iter().for_each(|(name, value)| self.set_variable(name, value.clone()));
    }

    pub(super) fn bindings(&self) -> Vec<Binding> {
        self.iter().map(|(name, value)| value.clone().bind(name)).collect()
    }

    /// Those that carry a secret.
    pub(super) fn secret_bindings(&self) -> Vec<Binding> {
        let secret = self.iter().filter(|(_, value)| !value.flows.is_empty());
        secret.map(|(name, value)| value.clone().bind(name)).collect()
    }
}
