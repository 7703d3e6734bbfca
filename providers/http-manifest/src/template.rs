//! Texts and bodies with `{name}` in them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What stands for the names.
#[derive(Debug, Default)]
pub(crate) struct Values {
    pub(crate) texts: BTreeMap<String, String>,
    /// Parts of what the credential may do.
    pub(crate) scope: BTreeMap<String, Value>,
    /// Parts of the credential as it was read before, by pointer.
    pub(crate) was: BTreeMap<String, Value>,
}

/// A place for something, in braces.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Place<'a> {
    Text(&'a str),
    Scope { name: &'a str, required: bool },
    Was { pointer: &'a str, required: bool },
    Secret(&'a str),
}

/// A body that is filled in, and the places in it that take a field of the credential.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    pub(crate) body: Value,
    pub(crate) secrets: Vec<(String, String)>,
}

/// The names in braces. The error is what is not closed.
pub(crate) fn places(text: &str) -> Result<Vec<Place<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let (name, after) =
            after.split_once('}').ok_or_else(|| format!("a `{{` is not closed in `{text}`"))?;
        found.push(place(name));
        rest = after;
    }
    Ok(found)
}

fn place(name: &str) -> Place<'_> {
    match name.split_once(':') {
        Some(("scope", name)) => Place::Scope { name, required: true },
        Some(("scope?", name)) => Place::Scope { name, required: false },
        Some(("was", pointer)) => Place::Was { pointer, required: true },
        Some(("was?", pointer)) => Place::Was { pointer, required: false },
        Some(("secret", field)) => Place::Secret(field),
        _ => Place::Text(name),
    }
}

/// All texts of a body, for lint.
pub(crate) fn texts(body: &Value) -> Vec<&str> {
    match body {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// What of a credential a body copies, beside its scope.
pub(crate) fn copied(body: &Value) -> impl Iterator<Item = &str> {
    let places = texts(body).into_iter().filter_map(|text| places(text).ok()).flatten();
    places.filter_map(|place| match place {
        Place::Was { pointer, .. } => Some(pointer),
        Place::Text(_) | Place::Scope { .. } | Place::Secret(_) => None,
    })
}

impl Values {
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.texts.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn text(&self, template: &str) -> Result<String, String> {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("a `{` is not closed")?;
            let value =
                self.texts.get(name).ok_or_else(|| format!("nothing is given for `{name}`"))?;
            text.push_str(before);
            text.push_str(value);
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }

    pub(crate) fn body(&self, template: &Value) -> Result<Filled, String> {
        let mut secrets = Vec::new();
        let body = self.filled(template, "", &mut secrets)?.unwrap_or_default();
        Ok(Filled { body, secrets })
    }

    /// `None`: it is left out.
    fn filled(
        &self,
        template: &Value,
        at: &str,
        secrets: &mut Vec<(String, String)>,
    ) -> Result<Option<Value>, String> {
        Ok(Some(match template {
            Value::String(text) => return self.value(text, at, secrets),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(i, item)| self.filled(item, &format!("{at}/{i}"), secrets));
                Value::Array(items.filter_map(Result::transpose).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let mut filled = Map::new();
                for (name, field) in fields {
                    let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                    if let Some(field) = self.filled(field, &at, secrets)? {
                        filled.insert(name.clone(), field);
                    }
                }
                Value::Object(filled)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => template.clone(),
        }))
    }

    fn value(
        &self,
        text: &str,
        at: &str,
        secrets: &mut Vec<(String, String)>,
    ) -> Result<Option<Value>, String> {
        let only =
            text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).filter(|t| !t.contains('{'));
        let (found, required, what) = match only.map(place) {
            Some(Place::Scope { name, required }) => (self.scope.get(name), required, name),
            Some(Place::Was { pointer, required }) => (self.was.get(pointer), required, pointer),
            Some(Place::Secret(field)) => {
                secrets.push((at.to_owned(), field.to_owned()));
                return Ok(Some(Value::Null));
            }
            Some(Place::Text(_)) | None => return self.text(text).map(Value::String).map(Some),
        };
        match found.filter(|value| !value.is_null()) {
            Some(value) => Ok(Some(value.clone())),
            None if required => {
                Err(format!("the credential that is there has no `{what}` to copy"))
            }
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_filled_in() {
        let values = Values {
            scope: BTreeMap::from([("policies".into(), json!([{"a": 1}]))]),
            was: BTreeMap::from([("/name".into(), json!("old")), ("/nothing".into(), Value::Null)]),
            ..Values::default()
        };
        let values = values.with("marker", "m-1");
        let body = json!({
            "name": "ci {marker}", "policies": "{scope:policies}", "cond": "{scope?:condition}",
            "old": "{was:/name}", "none": "{was?:/nothing}", "n": 3, "in": {"a/b": ["{secret:token}"]},
        });
        let filled = values.body(&body).unwrap();
        let expected = json!({
            "name": "ci m-1", "policies": [{"a": 1}], "old": "old", "n": 3, "in": {"a/b": [null]},
        });
        assert_eq!(filled.body, expected);
        assert_eq!(filled.secrets, [("/in/a~1b/0".to_owned(), "token".to_owned())]);
        // A scope that cannot be copied would give the new one more than the old one had.
        assert!(values.body(&json!({"x": "{scope:scopes}"})).is_err());
        assert!(values.body(&json!({"x": "{was:/nothing}"})).is_err());
        assert!(values.text("{principal}").is_err());
    }
}
