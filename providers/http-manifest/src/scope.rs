//! What a credential may do, cut out of what the API tells of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::manifest::Projection;

/// Name → that part, without what the API makes up. What is not there, or null, is left out.
pub(crate) fn cut(item: &Value, scope: &BTreeMap<String, Projection>) -> BTreeMap<String, Value> {
    let parts = scope.iter().filter_map(|(name, part)| {
        let mut value = item.pointer(&part.at).filter(|value| !value.is_null())?.clone();
        for pattern in &part.without {
            let steps: Vec<&str> = pattern.split('/').skip(1).collect();
            remove(&mut value, &steps);
        }
        Some((name.clone(), value))
    });
    parts.collect()
}

/// As text that is the same for the same scope, whatever the order of its parts.
pub(crate) fn texts(parts: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    parts.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn remove(value: &mut Value, steps: &[&str]) {
    match (steps, value) {
        ([last], Value::Object(fields)) => {
            fields.remove(*last);
        }
        (["*", rest @ ..], Value::Array(items)) => items.iter_mut().for_each(|i| remove(i, rest)),
        ([step, rest @ ..], Value::Object(fields)) => {
            if let Some(field) = fields.get_mut(*step) {
                remove(field, rest);
            }
        }
        _ => {}
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(text).collect();
            items.sort();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let mut fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
            fields.sort();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_api_makes_up_is_no_scope() {
        let without = vec!["/*/id".to_owned(), "/*/groups/*/name".to_owned()];
        let policies = Projection { at: "/policies".to_owned(), without };
        let scope = BTreeMap::from([("policies".to_owned(), policies)]);
        let item = |id: &str, groups: Value| json!({"policies": [{"id": id, "groups": groups}]});
        let one = cut(&item("1", json!([{"id": "b", "name": "x"}, {"id": "a"}])), &scope);
        let two = cut(&item("2", json!([{"id": "a"}, {"id": "b"}])), &scope);
        assert_eq!(one["policies"], json!([{"groups": [{"id": "b"}, {"id": "a"}]}]));
        assert_eq!(texts(&one), texts(&two));
        assert!(cut(&json!({"policies": null}), &scope).is_empty());
    }
}
