use std::fmt;

use rand::{RngExt, distr::Alphanumeric};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// The value of a secret. Not `Clone`, not `Serialize`, not `Display`; wiped from memory when dropped.
///
/// A struct that holds one cannot derive `Serialize`:
///
/// ```compile_fail
/// #[derive(serde::Serialize)]
/// struct Leaks {
///     value: keysweep_sdk::SecretValue,
/// }
/// ```
///
/// ```compile_fail
/// fn twice(value: &keysweep_sdk::SecretValue) -> keysweep_sdk::SecretValue {
///     value.clone()
/// }
/// ```
pub struct SecretValue(SecretString);

/// Why a value is read. There is no purpose "show".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// To write it where a consumer reads it.
    Place,
    /// To make it the value of a credential that the caller chooses.
    Mint,
    /// To ask its issuer whether it is alive.
    Verify,
    /// To prove who keysweep itself is.
    Authenticate,
    /// To encrypt it for the escrow.
    Seal,
}

impl SecretValue {
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// A new value from a generator seeded by the system: `length` letters and digits, 5.95 bits each.
    ///
    /// Letters and digits only, since a value passes through connection strings, shells and dotenv files.
    pub fn random(length: usize) -> Self {
        let random = rand::rng().sample_iter(Alphanumeric);
        Self::new(random.take(length).map(char::from).collect::<String>())
    }

    /// The one way to read the value. `git grep expose_for` lists every reader.
    pub fn expose_for(&self, _purpose: Purpose) -> &str {
        self.0.expose_secret()
    }

    /// Whether both are the same, in a time that tells nothing but the length.
    pub fn same(&self, other: &Self) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(other.0.expose_secret().as_bytes()).into()
    }

    pub fn is_empty(&self) -> bool {
        self.0.expose_secret().is_empty()
    }

    /// A second copy, for a payload that outlives the bundle it was made from.
    pub(crate) fn copied(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A new mark for one mint: `keysweep-` and twelve letters and digits. Not secret.
pub fn mark() -> String {
    let random = rand::rng().sample_iter(Alphanumeric).take(12).map(char::from);
    format!("keysweep-{}", random.collect::<String>())
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_not_printed_and_not_repeated() {
        let (a, b) = (SecretValue::random(40), SecretValue::random(40));
        assert!(!a.same(&b));
        assert_eq!(a.expose_for(Purpose::Place).len(), 40);
        assert!(!format!("{a:?}").contains(a.expose_for(Purpose::Place)));
        assert!(a.same(&a.copied()));
    }
}
