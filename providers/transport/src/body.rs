//! JSON that holds values of secrets for as short as can be.

use keysweep_sdk::{Purpose, SecretValue};
use secrecy::zeroize::Zeroize;
use serde_json::Value;

/// A secret for one field of a body.
#[derive(Debug)]
pub(crate) struct Insert<'a> {
    /// RFC 6901. The object that holds the field has to be there, the field need not.
    pub(crate) pointer: String,
    pub(crate) value: &'a SecretValue,
    pub(crate) purpose: Purpose,
}

/// The bytes of a body with its secrets. The copy that they were put into is wiped.
pub(crate) fn written(mut body: Value, inserts: &[Insert<'_>]) -> Result<Vec<u8>, String> {
    let inserted = inserts.iter().try_for_each(|insert| put(&mut body, insert));
    let bytes = inserted.and_then(|()| {
        serde_json::to_vec(&body).map_err(|_| "the body cannot be written as JSON".to_owned())
    });
    wipe(&mut body);
    bytes
}

fn put(body: &mut Value, insert: &Insert<'_>) -> Result<(), String> {
    let nowhere = || format!("the body has no place `{}` for a secret", insert.pointer);
    let (parent, field) = insert.pointer.rsplit_once('/').ok_or_else(nowhere)?;
    let field = field.replace("~1", "/").replace("~0", "~");
    let value = Value::String(insert.value.expose_for(insert.purpose).to_owned());
    match body.pointer_mut(parent) {
        Some(Value::Object(object)) => object.insert(field, value),
        Some(Value::Array(items)) => field
            .parse::<usize>()
            .ok()
            .and_then(|index| items.get_mut(index))
            .map(|item| std::mem::replace(item, value))
            .map(Some)
            .ok_or_else(nowhere)?,
        _ => return Err(nowhere()),
    };
    Ok(())
}

pub(crate) fn wipe(body: &mut Value) {
    match body {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_goes_where_it_is_pointed() {
        let secret = SecretValue::new("p\"1");
        let at = |pointer: &str, body| {
            let insert =
                Insert { pointer: pointer.into(), value: &secret, purpose: Purpose::Place };
            written(body, &[insert]).map(|bytes| String::from_utf8(bytes).unwrap())
        };
        assert_eq!(at("/data/a~1b", json!({"data": {}})).unwrap(), r#"{"data":{"a/b":"p\"1"}}"#);
        assert_eq!(at("/a/0", json!({"a": [null]})).unwrap(), r#"{"a":["p\"1"]}"#);
        for (pointer, body) in [("/a/b", json!({})), ("/a/1", json!({"a": [1]})), ("a", json!({}))]
        {
            let error = at(pointer, body).unwrap_err();
            assert!(error.contains(pointer) && !error.contains("p\""), "{error}");
        }
    }
}
