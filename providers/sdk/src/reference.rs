//! keysweep's own credentials: named in the configuration, never written there.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

/// Where one of keysweep's own credentials is to be had.
///
/// A literal is refused when it is parsed, and the refusal does not repeat it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SecretRef {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `cmd:PROGRAM ARG…`: what a program prints. Split at blanks and quotes, no shell.
    Cmd(String),
    /// `gh`: what `gh auth token` prints.
    Gh,
    /// `vault:PATH#FIELD`: a field of a KV v2 secret of the Vault that `VAULT_ADDR` and `VAULT_TOKEN` name.
    Vault { path: String, field: String },
    /// `keychain:SERVICE/ACCOUNT`: an entry of the system's keychain.
    Keychain { service: String, account: String },
}

#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "a credential is given by reference, never as a literal: `env:NAME`, `cmd:…`, `gh`, `vault:PATH#FIELD` or `keychain:SERVICE/ACCOUNT`"
)]
pub struct BadReference;

impl std::str::FromStr for SecretRef {
    type Err = BadReference;

    fn from_str(text: &str) -> Result<Self, BadReference> {
        if text == "gh" {
            return Ok(Self::Gh);
        }
        let (scheme, rest) = text.split_once(':').ok_or(BadReference)?;
        let both = |separator| {
            rest.split_once(separator)
                .filter(|(a, b)| !a.is_empty() && !b.is_empty())
                .map(|(a, b): (&str, &str)| (a.to_owned(), b.to_owned()))
                .ok_or(BadReference)
        };
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match scheme {
            "env" if !rest.is_empty() && rest.chars().all(name) => Ok(Self::Env(rest.to_owned())),
            "cmd" if !rest.trim().is_empty() => Ok(Self::Cmd(rest.to_owned())),
            "vault" => both('#').map(|(path, field)| Self::Vault { path, field }),
            "keychain" => both('/').map(|(service, account)| Self::Keychain { service, account }),
            _ => Err(BadReference),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Cmd(line) => write!(f, "cmd:{line}"),
            Self::Gh => f.write_str("gh"),
            Self::Vault { path, field } => write!(f, "vault:{path}#{field}"),
            Self::Keychain { service, account } => write!(f, "keychain:{service}/{account}"),
        }
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // `String` first and a message of our own: serde's would quote the literal.
        let text =
            String::deserialize(deserializer).map_err(|_| de::Error::custom(BadReference))?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_back_as_written() {
        for text in ["env:A_1", "cmd:op read x", "gh", "vault:secret/ci#token", "keychain:a/b"] {
            assert_eq!(text.parse::<SecretRef>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_literal_is_refused_and_not_repeated() {
        for text in ["ghp_planted", "env:", "env:ghp-planted!", "vault:x", "", "token:planted"] {
            let error = text.parse::<SecretRef>().unwrap_err().to_string();
            assert!(!error.contains("planted") && error.contains("env:NAME"), "{error}");
            let json = serde_json::to_string(text).unwrap();
            let error = serde_json::from_str::<SecretRef>(&json).unwrap_err().to_string();
            assert!(!error.contains("planted"), "{error}");
        }
    }
}
