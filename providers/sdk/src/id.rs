use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! string_id {
    ($(#[$m:meta])* $name:ident) => {
        $(#[$m])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

string_id!(
    /// The name that the configuration gives a provider: `prod` of `[providers.prod]`.
    ProviderName
);
string_id!(
    /// Whoever a credential speaks for, as its issuer names it: `user/ci-deployer`, `role/app`.
    PrincipalId
);
string_id!(
    /// The public name of one credential, `AKIA…`. Never the secret half, and never a hash of a value a person chose.
    CredentialId
);
string_id!(
    /// A slot that holds a copy of a value, as its store names it: `acme/site/actions/TOKEN`, `.env#TOKEN`.
    PlacementId
);
