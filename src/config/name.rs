//! Names that reach across providers: `PROVIDER:WHAT`.

use std::{fmt, str::FromStr};

use keysweep_sdk::{PlacementId, PrincipalId, ProviderName};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("`PROVIDER:NAME` is wanted: a provider of this file, a colon, and what it calls it")]
pub struct BadName;

macro_rules! name {
    ($(#[$m:meta])* $name:ident { $what:ident: $id:ident }) => {
        $(#[$m])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name {
            pub provider: ProviderName,
            pub $what: $id,
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                let (provider, rest) = split(text)?;
                Ok(Self { provider: ProviderName::new(provider), $what: $id::new(rest) })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}:{}", self.provider, self.$what)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

name!(
    /// A credential, known by its issuer and who it speaks for: `prod:user/ci-deployer`.
    CredentialName { principal: PrincipalId }
);
name!(
    /// A placement, known by its store and what that calls it: `web:acme/site/actions/TOKEN`.
    PlacementName { placement: PlacementId }
);

fn split(text: &str) -> Result<(&str, &str), BadName> {
    let (provider, rest) = text.split_once(':').ok_or(BadName)?;
    if is_provider_name(provider) && !rest.trim().is_empty() {
        Ok((provider, rest))
    } else {
        Err(BadName)
    }
}

/// Letters, digits, `-` and `_`: it stands before a colon, and in messages.
pub(super) fn is_provider_name(name: &str) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(of_name)
}

#[cfg(test)]
mod tests {
    use super::{CredentialName, PlacementName};

    #[test]
    fn names_are_read_back_as_written() {
        for text in ["prod:user/ci-deployer", "db:role/app:x", "a-1:x"] {
            assert_eq!(text.parse::<CredentialName>().unwrap().to_string(), text);
            assert_eq!(text.parse::<PlacementName>().unwrap().to_string(), text);
        }
        for text in ["", "prod", "prod:", ":x", "a b:c", "prod: "] {
            assert!(text.parse::<CredentialName>().is_err(), "{text}");
        }
    }
}
