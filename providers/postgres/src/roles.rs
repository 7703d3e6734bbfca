//! Principals and the roles that they are.

use std::collections::BTreeMap;

use keysweep_sdk::{CredentialId, PrincipalId};

use crate::config::Role;

/// PostgreSQL cuts longer names off silently (`NAMEDATALEN` is 64 with the final zero).
const LONGEST: usize = 63;

#[derive(Clone, Debug)]
pub(crate) enum Roles {
    Single,
    Alternating(BTreeMap<String, [String; 2]>),
}

impl Roles {
    /// The message of the error says what is wrong with the configuration.
    pub(crate) fn new(configured: &BTreeMap<String, Role>) -> Result<Self, String> {
        if configured.is_empty() {
            return Ok(Self::Single);
        }
        let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, role) in configured {
            for alternate in &role.alternates {
                check(alternate).map_err(|why| format!("`roles.{name}`: {why}"))?;
                if let Some(other) = taken.insert(alternate, name) {
                    return Err(format!("`{alternate}` is in `roles.{other}` and `roles.{name}`"));
                }
            }
        }
        let pairs = configured.iter().map(|(name, role)| (name.clone(), role.alternates.clone()));
        Ok(Self::Alternating(pairs.collect()))
    }

    /// The roles of a principal. `Err`: why it has none.
    pub(crate) fn of(&self, principal: &PrincipalId) -> Result<Vec<String>, String> {
        let name = principal
            .as_str()
            .strip_prefix("role/")
            .ok_or_else(|| format!("`{principal}` is no principal of PostgreSQL: `role/NAME`"))?;
        match self {
            Self::Single => check(name).map(|()| vec![name.to_owned()]),
            Self::Alternating(pairs) => pairs
                .get(name)
                .map(|pair| pair.to_vec())
                .ok_or_else(|| format!("`{principal}` is not configured: `[roles.{name}]`")),
        }
    }

    /// The role that a credential is the password of, if it is the principal's.
    pub(crate) fn owner(
        &self,
        principal: &PrincipalId,
        id: &CredentialId,
    ) -> Result<String, String> {
        let role = role_of(id);
        self.of(principal)?
            .into_iter()
            .find(|name| Some(name.as_str()) == role)
            .ok_or_else(|| format!("`{id}` is no password of `{principal}`"))
    }

    pub(crate) fn alternate(&self) -> bool {
        matches!(self, Self::Alternating(_))
    }
}

/// The role in an id. A role's name may hold `@`, a generation does not.
pub(crate) fn role_of(id: &CredentialId) -> Option<&str> {
    id.as_str().rsplit_once('@').map(|(role, _)| role)
}

pub(crate) fn id_of(role: &str, generation: &str) -> CredentialId {
    CredentialId::new(format!("{role}@{generation}"))
}

fn check(role: &str) -> Result<(), String> {
    if role.is_empty() || role.len() > LONGEST || role.contains('\0') {
        return Err(format!("a role's name has 1 to {LONGEST} bytes: `{role}`"));
    }
    if role.starts_with("pg_") {
        return Err(format!("`{role}`: names that begin with `pg_` are the server's own"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(a: &str, b: &str) -> Role {
        Role { alternates: [a.to_owned(), b.to_owned()] }
    }

    #[test]
    fn a_principal_is_its_pair_or_itself() {
        let app = PrincipalId::new("role/app");
        assert_eq!(Roles::Single.of(&app).unwrap(), ["app"]);
        let pairs = Roles::new(&BTreeMap::from([("app".into(), pair("app_a", "app_b"))])).unwrap();
        assert_eq!(pairs.of(&app).unwrap(), ["app_a", "app_b"]);
        let other = pairs.of(&PrincipalId::new("role/other")).unwrap_err();
        assert!(other.contains("[roles.other]"), "{other}");
        assert_eq!(pairs.owner(&app, &id_of("app_b", "1f")).unwrap(), "app_b");
        assert!(pairs.owner(&app, &id_of("app", "1f")).is_err());
        assert!(pairs.owner(&app, &CredentialId::new("app_b")).is_err());
    }

    #[test]
    fn names_that_would_become_others_are_refused() {
        for name in ["", "pg_monitor", &"x".repeat(64), "a\0b"] {
            assert!(Roles::Single.of(&PrincipalId::new(format!("role/{name}"))).is_err(), "{name}");
        }
        let twice = [("a".into(), pair("x", "y")), ("b".into(), pair("y", "z"))];
        assert!(Roles::new(&BTreeMap::from(twice)).unwrap_err().contains("`y`"));
        let same = BTreeMap::from([("a".into(), pair("x", "x"))]);
        assert!(Roles::new(&same).is_err());
    }
}
