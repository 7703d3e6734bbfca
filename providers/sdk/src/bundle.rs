//! A credential has named fields, and is delivered whole or not at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Purpose, SecretValue};

/// The fields of one credential: `access_key_id` and `secret_access_key`, `username` and `password`.
///
/// All of them are treated as secret, also those that are not: one rule is easier to keep than two.
#[derive(Debug, Default)]
pub struct Bundle(BTreeMap<String, SecretValue>);

/// Which part of a bundle a placement takes. Plain data: it stands in the plan.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The placement is one value: this field.
    Field(String),
    /// The placement holds named values: name there → field.
    Named(BTreeMap<String, String>),
    /// The placement is one text made of fields: `postgres://{{ username }}:{{ password | urlencode }}@db/app`.
    /// The syntax is Jinja's, as `minijinja` reads it; every field that it names must be there.
    Template(String),
}

/// What is written to a placement, or was read from it.
#[derive(Debug)]
pub enum Payload {
    One(SecretValue),
    Named(Bundle),
}

impl Bundle {
    pub fn one(field: impl Into<String>, value: SecretValue) -> Self {
        Self(BTreeMap::from([(field.into(), value)]))
    }

    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: SecretValue) -> Self {
        self.0.insert(field.into(), value);
        self
    }

    pub fn field(&self, name: &str) -> Option<&SecretValue> {
        self.0.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Same fields, same values.
    pub fn same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.iter().all(|(name, value)| other.field(name).is_some_and(|o| o.same(value)))
    }

    /// What a placement of this shape gets, or the name of the first field that is missing.
    pub fn shaped(&self, shape: &Shape) -> Result<Payload, String> {
        let field = |name: &String| {
            self.0.get(name).map(SecretValue::copied).ok_or_else(|| format!("no field `{name}`"))
        };
        match shape {
            Shape::Field(name) => Ok(Payload::One(field(name)?)),
            Shape::Named(names) => names
                .iter()
                .map(|(there, name)| Ok((there.clone(), field(name)?)))
                .collect::<Result<_, _>>()
                .map(|fields| Payload::Named(Self(fields))),
            Shape::Template(text) => self.rendered(text).map(Payload::One),
        }
    }

    fn rendered(&self, template: &str) -> Result<SecretValue, String> {
        let mut engine = minijinja::Environment::empty();
        engine.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        engine.add_filter("urlencode", minijinja::filters::urlencode);
        engine.add_filter("tojson", minijinja::filters::tojson);
        let fields: BTreeMap<String, String> = self
            .iter()
            .map(|(name, value)| (name.to_owned(), value.expose_for(Purpose::Place).to_owned()))
            .collect();
        // Only the kind of the error is told: its detail could quote what was rendered.
        engine
            .render_str(template, minijinja::Value::from(fields))
            .map(SecretValue::new)
            .map_err(|error| format!("the template does not render: {}", error.kind()))
    }
}

impl FromIterator<(String, SecretValue)> for Bundle {
    fn from_iter<I: IntoIterator<Item = (String, SecretValue)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl Shape {
    /// The fields of the bundle that go there. Of a template, those that it mentions.
    pub fn fields(&self) -> Vec<String> {
        match self {
            Self::Field(name) => vec![name.clone()],
            Self::Named(names) => names.values().cloned().collect(),
            Self::Template(text) => {
                let engine = minijinja::Environment::empty();
                let named = engine.template_from_str(text).map(|t| t.undeclared_variables(false));
                let mut fields: Vec<_> = named.into_iter().flatten().collect();
                fields.sort();
                fields
            }
        }
    }
}

impl Payload {
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::One(a), Self::One(b)) => a.same(b),
            (Self::Named(a), Self::Named(b)) => a.same(b),
            (Self::One(_), Self::Named(_)) | (Self::Named(_), Self::One(_)) => false,
        }
    }

    /// The one value, of a placement that holds one.
    pub fn one(&self) -> Option<&SecretValue> {
        match self {
            Self::One(value) => Some(value),
            Self::Named(_) => None,
        }
    }

    /// The fields that were put there by `shape`; a template cannot be taken apart.
    pub fn fields(&self, shape: &Shape) -> Option<Bundle> {
        match (self, shape) {
            (Self::One(value), Shape::Field(name)) => {
                Some(Bundle::one(name.clone(), value.copied()))
            }
            (Self::Named(held), Shape::Named(names)) => names
                .iter()
                .map(|(there, name)| Some((name.clone(), held.field(there)?.copied())))
                .collect(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Bundle {
        Bundle::one("username", SecretValue::new("app"))
            .with("password", SecretValue::new("p@ss/word"))
    }

    fn text(payload: &Payload) -> &str {
        payload.one().unwrap().expose_for(Purpose::Place)
    }

    #[test]
    fn a_placement_gets_the_shape_it_takes() {
        let bundle = login();
        assert_eq!(text(&bundle.shaped(&Shape::Field("password".into())).unwrap()), "p@ss/word");
        let url = Shape::Template("db://{{ username }}:{{ password|urlencode }}@h".into());
        assert_eq!(text(&bundle.shaped(&url).unwrap()), "db://app:p%40ss/word@h");
        assert_eq!(url.fields(), ["password", "username"]);
        let named = Shape::Named(BTreeMap::from([("PGPASSWORD".into(), "password".into())]));
        let payload = bundle.shaped(&named).unwrap();
        let back = payload.fields(&named).unwrap();
        assert!(back.field("password").unwrap().same(bundle.field("password").unwrap()));
    }

    #[test]
    fn a_missing_field_is_named_and_no_value_is() {
        let bundle = login();
        let error = bundle.shaped(&Shape::Field("token".into())).unwrap_err();
        assert_eq!(error, "no field `token`");
        let error = bundle.shaped(&Shape::Template("{{ password }}{{ token }}".into()));
        assert!(!error.unwrap_err().contains("p@ss"));
        let error = bundle.shaped(&Shape::Template("{{ password".into())).unwrap_err();
        assert!(error.contains("syntax"), "{error}");
    }
}
