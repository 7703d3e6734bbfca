//! A secret that is a JSON object of named values. What is not ours in it keeps its text: numbers are not read.

use std::collections::BTreeMap;

use keysweep_sdk::{Bundle, Purpose, SecretValue};
use serde_json::value::RawValue;

#[derive(Default)]
pub(crate) struct Object(BTreeMap<String, Box<RawValue>>);

/// It is not a JSON object.
#[derive(Debug)]
pub(crate) struct NotAnObject;

impl Object {
    pub(crate) fn parse(text: &SecretValue) -> Result<Self, NotAnObject> {
        // The parser's error would quote the text.
        serde_json::from_str(text.expose_for(Purpose::Place)).map(Self).map_err(|_| NotAnObject)
    }

    pub(crate) fn set(&mut self, name: &str, value: &SecretValue) -> Result<(), NotAnObject> {
        let raw = serde_json::value::to_raw_value(value.expose_for(Purpose::Place));
        self.0.insert(name.to_owned(), raw.map_err(|_| NotAnObject)?);
        Ok(())
    }

    /// Whether it was there.
    pub(crate) fn unset(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// The same names with the same text.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|((a, x), (b, y))| a == b && x.get() == y.get())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A string as what it says, anything else as it is written.
    pub(crate) fn value(&self, name: &str) -> Option<SecretValue> {
        let raw = self.0.get(name)?.get();
        Some(SecretValue::new(serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned())))
    }

    pub(crate) fn values(&self, names: &[String]) -> Bundle {
        names.iter().filter_map(|name| Some((name.clone(), self.value(name)?))).collect()
    }

    pub(crate) fn text(&self) -> Result<SecretValue, NotAnObject> {
        serde_json::to_string(&self.0).map(SecretValue::new).map_err(|_| NotAnObject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_keeps_its_text() {
        let text = r#"{"n": 1.10, "big": 123456789012345678901234567890, "o": {"z":1, "a":2}, "p": "old"}"#;
        let mut object = Object::parse(&SecretValue::new(text)).unwrap();
        object.set("p", &SecretValue::new("ne\"w")).unwrap();
        assert!(object.unset("n") && !object.unset("n"));
        let text = object.text().unwrap();
        let text = text.expose_for(Purpose::Place);
        assert_eq!(
            text,
            r#"{"big":123456789012345678901234567890,"o":{"z":1, "a":2},"p":"ne\"w"}"#
        );
        assert_eq!(object.value("p").unwrap().expose_for(Purpose::Place), "ne\"w");
        assert!(object.value("gone").is_none());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for bad in ["planted", "[1]", "\"a\"", "{"] {
            assert!(Object::parse(&SecretValue::new(bad)).is_err());
        }
    }
}
