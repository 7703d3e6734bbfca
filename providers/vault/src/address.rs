//! What placements and principals are called.

use keysweep_sdk::{CredentialId, Payload, PlacementId, PrincipalId, SecretValue};

use crate::config::is_path;

/// A secret of KV version 2, or one field of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Address {
    pub(crate) mount: String,
    pub(crate) path: String,
    pub(crate) field: Option<String>,
}

impl Address {
    /// `MOUNT/PATH` or `MOUNT/PATH#FIELD`. `Err`: why it is none.
    pub(crate) fn parse(at: &PlacementId, mounts: &[String]) -> Result<Self, String> {
        let (secret, field) = match at.as_str().rsplit_once('#') {
            None => (at.as_str(), None),
            Some((_, "")) => return Err(format!("`{at}` names no field after `#`")),
            Some((secret, field)) => (secret, Some(field.to_owned())),
        };
        let below = |mount: &&String| {
            secret.strip_prefix(mount.as_str()).and_then(|rest| rest.strip_prefix('/')).is_some()
        };
        let Some(mount) = mounts.iter().filter(below).max_by_key(|mount| mount.len()) else {
            return Err(format!("`{at}` is in none of the mounts {}", mounts.join(", ")));
        };
        let path = &secret[mount.len() + 1..];
        // Blanks at the end of a segment are cut off by some versions, silently.
        if !is_path(path) || path.split('/').any(|segment| segment.trim() != segment) {
            return Err(format!("`{at}` is no path of a secret"));
        }
        Ok(Self { mount: mount.clone(), path: path.to_owned(), field })
    }

    /// The fields that the payload is for.
    pub(crate) fn fields<'a>(
        &'a self,
        payload: &'a Payload,
    ) -> Result<Vec<(&'a str, &'a SecretValue)>, String> {
        match (payload, &self.field) {
            (Payload::One(value), Some(field)) => Ok(vec![(field, value)]),
            (Payload::Named(named), None) if !named.is_empty() => Ok(named.iter().collect()),
            (Payload::Named(_), None) => Err("there is nothing to place".to_owned()),
            (Payload::One(_), None) => {
                Err(format!("one value needs the name of its field: `{self}#FIELD`"))
            }
            (Payload::Named(_), Some(field)) => {
                Err(format!("`{self}` is one field, `{field}`, and takes one value"))
            }
        }
    }

    /// The fields that are asked for.
    pub(crate) fn asked(&self, named: &[String]) -> Result<Vec<String>, String> {
        match &self.field {
            Some(field) => Ok(vec![field.clone()]),
            None if named.is_empty() => Err(format!(
                "of `{self}` no field is named: `{self}#FIELD`, or a placement of named values"
            )),
            None => Ok(named.to_vec()),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.mount, self.path)
    }
}

/// The role of an AppRole mount.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AppRole {
    pub(crate) mount: String,
    pub(crate) role: String,
}

impl AppRole {
    /// `approle/MOUNT/ROLE`; a mount may have slashes, a role has none. `Err`: why it is none.
    pub(crate) fn parse(principal: &PrincipalId) -> Result<Self, String> {
        principal
            .as_str()
            .strip_prefix("approle/")
            .filter(|rest| is_path(rest))
            .and_then(|rest| rest.rsplit_once('/'))
            .map(|(mount, role)| Self { mount: mount.to_owned(), role: role.to_owned() })
            .ok_or_else(|| format!("`{principal}` is no principal of Vault: `approle/MOUNT/ROLE`"))
    }
}

/// Accessors are UUIDs; anything else is nobody's, and would be a path of its own.
pub(crate) fn is_accessor(id: &CredentialId) -> bool {
    let text = id.as_str();
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(at: &str) -> Result<Address, String> {
        Address::parse(&PlacementId::new(at), &["secret".into(), "team/kv".into(), "team".into()])
    }

    #[test]
    fn a_placement_is_a_mount_a_path_and_perhaps_a_field() {
        let at = parse("secret/ci/aws#token").unwrap();
        assert_eq!((at.mount.as_str(), at.path.as_str()), ("secret", "ci/aws"));
        assert_eq!(at.field.as_deref(), Some("token"));
        let at = parse("team/kv/ci").unwrap();
        assert_eq!((at.mount.as_str(), at.path.as_str(), at.field), ("team/kv", "ci", None));
        let bad =
            ["", "secret", "secret/", "other/ci", "secret/a//b", "secret/a/../b", "secret/a#"];
        for bad in bad {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("secrets/ci").is_err() && parse("secret/a /b").is_err());
    }

    #[test]
    fn a_principal_is_a_role_of_a_mount() {
        let role = |text: &str| AppRole::parse(&PrincipalId::new(text));
        assert_eq!(role("approle/approle/ci").unwrap().role, "ci");
        assert_eq!(role("approle/team/ci/app").unwrap().mount, "team/ci");
        for bad in ["approle/ci", "approle//ci", "ci", "approle/a/../b", "userpass/a/b"] {
            assert!(role(bad).is_err(), "{bad}");
        }
    }
}
