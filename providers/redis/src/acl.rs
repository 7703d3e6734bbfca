//! What Redis tells of users and connections.

use std::collections::BTreeMap;

use redis::Value;

use crate::session::text;

/// An ACL user as `ACL GETUSER` gives it.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) on: bool,
    /// Any password is taken.
    pub(crate) nopass: bool,
    /// SHA-256, as digits.
    pub(crate) hashes: Vec<String>,
    /// What it may do: `commands`, `keys`, `channels`, `selectors`.
    pub(crate) scope: BTreeMap<String, String>,
}

/// A line of `CLIENT LIST`.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Connection {
    pub(crate) id: String,
    pub(crate) user: String,
    /// Whole seconds since it was made.
    pub(crate) age: i64,
}

impl User {
    /// `None`: not understood.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let mut fields = pairs(value)?;
        let flags = words(fields.remove("flags")?)?;
        let hashes = words(fields.remove("passwords")?)?;
        let is_hash =
            |hash: &String| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        if !hashes.iter().all(is_hash) {
            return None;
        }
        let on = flags.iter().any(|flag| flag == "on");
        if !on && !flags.iter().any(|flag| flag == "off") {
            return None;
        }
        let nopass = flags.iter().any(|flag| flag == "nopass");
        let scope = fields.into_iter().map(|(name, value)| (name, shown(value))).collect();
        Some(Self { on, nopass, hashes, scope })
    }
}

impl Connection {
    pub(crate) fn read(line: &str) -> Option<Self> {
        let field = |name: &str| {
            line.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let (id, user, age) = (field("id")?, field("user")?, field("age")?);
        id.parse::<u64>().ok()?;
        Some(Self { id: id.to_owned(), user: user.to_owned(), age: age.parse().ok()? })
    }
}

/// A map, which in RESP2 is a list of names and values by turns.
fn pairs(value: &Value) -> Option<BTreeMap<String, &Value>> {
    match value {
        Value::Map(entries) => entries.iter().map(|(k, v)| Some((text(k)?, v))).collect(),
        Value::Array(items) if items.len() % 2 == 0 => {
            items.chunks_exact(2).map(|two| Some((text(&two[0])?, &two[1]))).collect()
        }
        _ => None,
    }
}

fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) | Value::Set(items) => items.iter().map(text).collect(),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) | Value::Set(items) => {
            items.iter().map(shown).collect::<Vec<_>>().join(" ")
        }
        Value::Map(entries) => {
            let shown = entries.iter().map(|(k, v)| format!("{} {}", shown(k), shown(v)));
            shown.collect::<Vec<_>>().join(" ")
        }
        value => text(value).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn user(flags: &[&str], hash: &str) -> Value {
        let flags = flags.iter().map(|flag| bulk(flag)).collect();
        Value::Array(vec![
            bulk("flags"),
            Value::Array(flags),
            bulk("passwords"),
            Value::Array(vec![bulk(hash)]),
            bulk("commands"),
            bulk("+@all"),
            bulk("keys"),
            Value::Array(vec![bulk("~*")]),
        ])
    }

    #[test]
    fn a_user_is_read_whole_or_not_at_all() {
        let hash = "a".repeat(64);
        let read = User::read(&user(&["on", "sanitize-payload"], &hash)).unwrap();
        assert!(read.on && !read.nopass && read.hashes == [hash.clone()]);
        assert_eq!(read.scope["keys"], "~*");
        assert!(User::read(&user(&["on", "nopass"], &hash)).unwrap().nopass);
        assert!(User::read(&user(&["on"], "short")).is_none());
        assert!(User::read(&user(&[], &hash)).is_none());
        assert!(User::read(&Value::Nil).is_none());
    }

    #[test]
    fn a_connection_needs_its_id_its_user_and_its_age() {
        let line =
            "id=7 addr=127.0.0.1:5 laddr=127.0.0.1:6 fd=8 name= age=12 idle=3 user=app redir=-1";
        let read = Connection::read(line).unwrap();
        assert_eq!(read, Connection { id: "7".into(), user: "app".into(), age: 12 });
        assert_eq!(Connection::read("id=7 age=12"), None);
        assert_eq!(Connection::read("id=x age=1 user=app"), None);
    }
}
