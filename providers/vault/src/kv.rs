//! One secret of KV version 2. <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>

use std::collections::BTreeMap;

use jiff::Timestamp;
use keysweep_sdk::{Op, Purpose, Result, SecretValue, Slot};
use keysweep_transport::{Method, Path, Response};
use serde_json::{Map, Value, json};

use crate::{address::Address, server::Vault};

/// What a secret holds, and its version: 0 when it never was.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) version: u64,
    pub(crate) updated: Option<Timestamp>,
    /// `None`: the current version was deleted, or the secret never was.
    pub(crate) fields: Option<BTreeMap<String, Field>>,
}

/// Most fields are text. What is not is kept as it is.
#[derive(Debug)]
pub(crate) enum Field {
    Text(SecretValue),
    Other(SecretValue),
}

impl Field {
    fn read(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(SecretValue::new(text.clone())),
            other => Self::Other(SecretValue::new(other.to_string())),
        }
    }

    /// The text, or the JSON of what is none.
    pub(crate) fn value(&self) -> &SecretValue {
        match self {
            Self::Text(value) | Self::Other(value) => value,
        }
    }

    pub(crate) fn copied(&self) -> SecretValue {
        SecretValue::new(self.value().expose_for(Purpose::Place).to_owned())
    }

    pub(crate) fn is_text(&self, other: &SecretValue) -> bool {
        matches!(self, Self::Text(value) if value.same(other))
    }
}

impl Vault {
    fn secret(&self, verb: &str, at: &Address) -> Path {
        Path::new(format!("/v1/{{mount}}/{verb}/{{path}}"))
            .set_many("mount", &at.mount)
            .set_many("path", &at.path)
    }

    /// What is known of the secret without reading it. `None`: it is not there, or its current version is deleted.
    pub(crate) async fn slot(&self, op: Op, at: &Address) -> Result<Option<Slot>> {
        let request = self.ask(op, Method::GET, self.secret("metadata", at));
        let Some(response) = self.look(op, request).await? else { return Ok(None) };
        let about = response.json()?;
        let Some(version) = about.pointer("/data/current_version").and_then(Value::as_u64) else {
            return Err(response.unexpected("without a version"));
        };
        let current = about.pointer(&format!("/data/versions/{version}"));
        let is = |name| current.and_then(|c| c.get(name));
        let deleted = is("deletion_time").and_then(Value::as_str).is_some_and(past);
        if version == 0 || deleted || is("destroyed") == Some(&Value::Bool(true)) {
            return Ok(None);
        }
        let updated = is("created_time")
            .and_then(time)
            .or_else(|| about.pointer("/data/updated_time").and_then(time));
        Ok(Some(Slot { version: Some(version.to_string()), updated, ..Slot::default() }))
    }

    pub(crate) async fn content(&self, op: Op, at: &Address) -> Result<Content> {
        let response = self.ask(op, Method::GET, self.secret("data", at)).send().await?;
        // A deleted version is answered with 404 and its metadata.
        let known =
            response.json().is_ok_and(|body| body.pointer("/data/metadata/version").is_some());
        if response.status() == 404 && !known {
            self.found(op, response).await?;
            return Ok(Content::default());
        }
        let response =
            if response.status() == 404 { response } else { self.success(op, response).await? };
        let body = response.json()?;
        let Some(version) = body.pointer("/data/metadata/version").and_then(Value::as_u64) else {
            return Err(response.unexpected("without a version"));
        };
        let fields = body.pointer("/data/data").and_then(Value::as_object).map(|fields| {
            fields.iter().map(|(name, value)| (name.clone(), Field::read(value))).collect()
        });
        let updated = body.pointer("/data/metadata/created_time").and_then(time);
        Ok(Content { version, updated, fields })
    }

    /// Writes all fields, if the version is still this one. A field in `new` stands for the one of that name in `kept`.
    pub(crate) async fn write(
        &self,
        op: Op,
        at: &Address,
        version: u64,
        kept: &BTreeMap<String, Field>,
        new: &[(&str, &SecretValue)],
    ) -> Result<Slot> {
        let mut others = Map::new();
        for (name, field) in kept {
            if let Field::Other(value) = field {
                let value = serde_json::from_str(value.expose_for(Purpose::Place));
                others.insert(name.clone(), value.unwrap_or(Value::Null));
            }
        }
        let body = json!({"data": others, "options": {"cas": version}});
        let mut request = self.ask(op, Method::POST, self.secret("data", at)).json(body);
        for (name, field) in kept {
            if let Field::Text(value) = field {
                request = request.secret(pointer(name), value, Purpose::Place);
            }
        }
        for (name, value) in new {
            request = request.secret(pointer(name), value, Purpose::Place);
        }
        let response = self.answer(op, request).await?;
        written(&response)
    }

    /// Deletes one version; `undelete` brings it back.
    pub(crate) async fn delete(&self, op: Op, at: &Address, version: u64) -> Result<()> {
        let request = self.ask(op, Method::POST, self.secret("delete", at));
        self.answer(op, request.json(json!({"versions": [version]}))).await.map(drop)
    }
}

fn written(response: &Response) -> Result<Slot> {
    let body = response.json()?;
    let Some(version) = body.pointer("/data/version").and_then(Value::as_u64) else {
        return Err(response.unexpected("without a version"));
    };
    let updated = body.pointer("/data/created_time").and_then(time);
    Ok(Slot { version: Some(version.to_string()), updated, ..Slot::default() })
}

fn pointer(field: &str) -> String {
    format!("/data/{}", field.replace('~', "~0").replace('/', "~1"))
}

pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|text| text.parse().ok())
}

/// `delete_version_after` writes a time that is still to come.
fn past(time: &str) -> bool {
    !time.is_empty() && time.parse::<Timestamp>().is_ok_and(|time| time <= Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_any_name_is_pointed_to() {
        assert_eq!(pointer("a/b~c"), "/data/a~1b~0c");
    }

    #[test]
    fn what_is_no_text_is_told_as_json() {
        let field = Field::read(&json!({"a": [1, null]}));
        assert_eq!(field.value().expose_for(Purpose::Place), r#"{"a":[1,null]}"#);
        assert!(!field.is_text(&SecretValue::new(r#"{"a":[1,null]}"#)));
        assert!(past("2020-01-01T00:00:00.5Z") && !past("") && !past("2999-01-01T00:00:00Z"));
    }
}
