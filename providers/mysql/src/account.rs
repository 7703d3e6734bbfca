//! Accounts, and the ways that they are let in.

use std::fmt;

use keysweep_sdk::PrincipalId;
use serde::Deserialize;

use crate::plugin::Plugin;

/// `NAME@HOST`, both as the server has them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) host: String,
}

/// One way that an account is let in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Alternative {
    pub(crate) plugin: String,
    /// What the plugin keeps: of a password its hash.
    pub(crate) string: String,
}

/// All of them, in the order in which the server tries them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Authentication {
    pub(crate) alternatives: Vec<Alternative>,
    pub(crate) locked: bool,
}

/// Why an account is not touched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    NoPassword,
    Plugin(String),
    OtherWays(String),
    Full,
    TwoEd25519,
}

/// Ways that know no password of the account's own.
const WITHOUT_PASSWORD: &[&str] = &["unix_socket", "pam", "gssapi", "named_pipe"];

/// What the server writes where no password is to be right.
const INVALID: &str = "invalid";

impl Account {
    pub(crate) fn named(principal: &PrincipalId) -> Option<Self> {
        Self::read(principal.as_str().strip_prefix("user/")?)
    }

    /// `NAME@HOST`, as `CURRENT_USER()` gives it. A host has no `@`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (user, host) = text.rsplit_once('@')?;
        let odd = |text: &str| text.is_empty() || text.contains(char::is_control);
        if odd(user) || odd(host) {
            None
        } else {
            Some(Self { user: user.into(), host: host.into() })
        }
    }

    pub(crate) fn principal(&self) -> PrincipalId {
        PrincipalId::new(format!("user/{}@{}", self.user, self.host))
    }

    fn quoted(&self) -> String {
        // Between backquotes nothing but a backquote is special, whatever the server's SQL mode.
        let quoted = |text: &str| format!("`{}`", text.replace('`', "``"));
        format!("{}@{}", quoted(&self.user), quoted(&self.host))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.quoted())
    }
}

impl Alternative {
    pub(crate) fn new(plugin: Plugin, string: String) -> Self {
        Self { plugin: plugin.name().to_owned(), string }
    }

    /// The plugin, if this is a password that somebody may know.
    pub(crate) fn password(&self) -> Option<Plugin> {
        Plugin::named(&self.plugin).filter(|plugin| plugin.is_string(&self.string))
    }

    fn is_placeholder(&self) -> bool {
        Plugin::named(&self.plugin).is_some() && self.string == INVALID
    }
}

/// An entry of `mysql.global_priv`. Of `auth_or` an empty one stands for the plugin beside it.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    plugin: String,
    #[serde(default)]
    authentication_string: String,
    #[serde(default)]
    account_locked: bool,
    #[serde(default)]
    is_role: bool,
    #[serde(default)]
    auth_or: Vec<Way>,
}

#[derive(Deserialize)]
struct Way {
    #[serde(default)]
    plugin: Option<String>,
    #[serde(default)]
    authentication_string: String,
}

impl Authentication {
    /// `None`: not understood. `Some(None)`: a role, which nobody logs in as.
    pub(crate) fn read(json: &str) -> Option<Option<Self>> {
        let entry: Entry = serde_json::from_str(json).ok()?;
        if entry.is_role {
            return Some(None);
        }
        let plugin = match entry.plugin.as_str() {
            "" => Plugin::Native.name().to_owned(),
            name => name.to_owned(),
        };
        let first = Alternative { plugin, string: entry.authentication_string };
        let alternatives = match entry.auth_or.is_empty() {
            true => vec![first],
            false => entry
                .auth_or
                .into_iter()
                .map(|way| match way.plugin {
                    None => first.clone(),
                    Some(plugin) => Alternative { plugin, string: way.authentication_string },
                })
                .collect(),
        };
        Some(Some(Self { alternatives, locked: entry.account_locked }))
    }

    /// The passwords that somebody may know.
    pub(crate) fn passwords(&self) -> impl Iterator<Item = &Alternative> {
        self.alternatives.iter().filter(|way| way.password().is_some())
    }

    /// Whether all that lets in is known here, and no way is open to everybody.
    pub(crate) fn sound(&self) -> Result<(), Refusal> {
        for way in &self.alternatives {
            let known = way.password().is_some()
                || way.is_placeholder()
                || WITHOUT_PASSWORD.contains(&way.plugin.as_str());
            if Plugin::named(&way.plugin).is_some() && way.string.is_empty() {
                return Err(Refusal::NoPassword);
            }
            if !known {
                return Err(Refusal::Plugin(way.plugin.clone()));
            }
        }
        Ok(())
    }

    /// With one more password.
    pub(crate) fn with(&self, new: Alternative) -> Result<Self, Refusal> {
        if self.alternatives.contains(&new) {
            return Ok(self.clone());
        }
        if let Some(other) =
            self.alternatives.iter().find(|way| WITHOUT_PASSWORD.contains(&way.plugin.as_str()))
        {
            return Err(Refusal::OtherWays(other.plugin.clone()));
        }
        let mut alternatives: Vec<_> = self.passwords().cloned().collect();
        if alternatives.len() > 1 {
            return Err(Refusal::Full);
        }
        alternatives.push(new);
        // A stable sort: of two alike the old one stays first, and its consumers see no difference.
        alternatives.sort_by_key(Alternative::password);
        if alternatives.iter().all(|way| way.password() == Some(Plugin::Ed25519))
            && alternatives.len() > 1
        {
            return Err(Refusal::TwoEd25519);
        }
        Ok(Self { alternatives, locked: self.locked })
    }

    /// Without one of them. Where that was the last, nobody is let in.
    pub(crate) fn without(&self, gone: &Alternative) -> Self {
        let mut alternatives = self.alternatives.clone();
        alternatives.retain(|way| way != gone);
        if alternatives.is_empty() {
            alternatives.push(Alternative::new(Plugin::Native, INVALID.to_owned()));
        }
        Self { alternatives, locked: self.locked }
    }

    /// The statement that sets it; everything else of the account stays. In the SQL mode `NO_BACKSLASH_ESCAPES`.
    pub(crate) fn statement(&self, account: &Account) -> String {
        let ways: Vec<_> = self
            .alternatives
            .iter()
            .map(|way| {
                let plugin = way.plugin.replace('`', "``");
                match way.string.as_str() {
                    "" => format!("`{plugin}`"),
                    string => format!("`{plugin}` USING '{}'", string.replace('\'', "''")),
                }
            })
            .collect();
        format!("ALTER USER {} IDENTIFIED VIA {}", account.quoted(), ways.join(" OR "))
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use keysweep_sdk::{Purpose, SecretValue};

    use super::*;

    fn way(plugin: Plugin, password: &str) -> Alternative {
        Alternative::new(plugin, plugin.string(&SecretValue::new(password), Purpose::Mint))
    }

    fn of(alternatives: &[Alternative]) -> Authentication {
        Authentication { alternatives: alternatives.to_vec(), locked: false }
    }

    fn other(plugin: &str, string: &str) -> Alternative {
        Alternative { plugin: plugin.into(), string: string.into() }
    }

    #[test]
    fn an_entry_is_read_in_its_order() {
        let read = |json| Authentication::read(json).unwrap();
        let json = r#"{"plugin":"mysql_native_password","authentication_string":"B",
            "auth_or":[{"plugin":"ed25519","authentication_string":"A"},{}],"account_locked":true}"#;
        let both = read(json).unwrap();
        assert_eq!(both.alternatives, [other("ed25519", "A"), other("mysql_native_password", "B")]);
        assert!(both.locked);
        let root = read(r#"{"access":1}"#).unwrap();
        assert_eq!(root.sound(), Err(Refusal::NoPassword));
        assert_eq!(read(r#"{"is_role":true}"#), None);
        assert_eq!(Authentication::read("PLANTED"), None);
    }

    #[test]
    fn a_second_password_is_where_clients_find_it() {
        use Plugin::{Ed25519, Native};
        let (old, new) = (way(Native, "old"), way(Native, "new"));
        let both = of(slice::from_ref(&old)).with(new.clone()).unwrap();
        assert_eq!(both.alternatives, [old.clone(), new.clone()]);
        assert_eq!(both.with(new.clone()), Ok(both.clone()));
        assert_eq!(both.with(way(Native, "third")), Err(Refusal::Full));
        let ed = way(Ed25519, "old");
        assert_eq!(
            of(slice::from_ref(&ed)).with(new.clone()).unwrap().alternatives,
            [new.clone(), ed.clone()]
        );
        assert_eq!(of(&[ed]).with(way(Ed25519, "new")), Err(Refusal::TwoEd25519));
        let socket = of(&[old.clone(), other("unix_socket", "")]);
        assert_eq!(socket.sound(), Ok(()));
        assert_eq!(socket.with(new), Err(Refusal::OtherWays("unix_socket".into())));
        assert_eq!(socket.without(&old).alternatives, [other("unix_socket", "")]);
        assert_eq!(of(&[other("parsec", "P0")]).sound(), Err(Refusal::Plugin("parsec".into())));
    }

    #[test]
    fn without_its_last_password_nobody_is_let_in() {
        let old = way(Plugin::Native, "old");
        let none = of(slice::from_ref(&old)).without(&old);
        assert_eq!((none.passwords().count(), none.sound()), (0, Ok(())));
        let new = way(Plugin::Native, "new");
        assert_eq!(none.with(new.clone()).unwrap().alternatives, [new]);
    }

    #[test]
    fn names_and_strings_cannot_end_the_statement() {
        let account = Account::named(&PrincipalId::new("user/a`; DROP USER `x@b@%")).unwrap();
        let statement = of(&[other("pam", r"it's \'")]).statement(&account);
        assert_eq!(
            statement,
            r"ALTER USER `a``; DROP USER ``x@b`@`%` IDENTIFIED VIA `pam` USING 'it''s \'''"
        );
        for bad in ["app@%", "user/app", "user/@%", "user/app@", "user/a\nb@%"] {
            assert_eq!(Account::named(&PrincipalId::new(bad)), None, "{bad}");
        }
    }
}
