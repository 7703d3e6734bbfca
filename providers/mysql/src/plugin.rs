use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use curve25519_dalek::{EdwardsPoint, Scalar, scalar::clamp_integer};
use keysweep_sdk::{Purpose, SecretValue};
use sha1::{Digest as _, Sha1};
use sha2::{Digest as _, Sha512};

/// An authentication plugin whose passwords keysweep can make.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Plugin {
    /// Before the other: its password takes no authentication switch, so that one is left for the second.
    Native,
    Ed25519,
}

impl Plugin {
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Native, Self::Ed25519].into_iter().find(|plugin| plugin.name() == name)
    }

    /// Of an id that begins with it.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        let short = id.split_once('-')?.0;
        [Self::Native, Self::Ed25519].into_iter().find(|plugin| plugin.short() == short)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::Ed25519 => "ed25519",
        }
    }

    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Ed25519 => "ed25519",
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Native => Self::Ed25519,
            Self::Ed25519 => Self::Native,
        }
    }

    /// What the server keeps of a password.
    pub(crate) fn string(self, password: &SecretValue, purpose: Purpose) -> String {
        let password = password.expose_for(purpose).as_bytes();
        match self {
            Self::Native => {
                let twice = Sha1::digest(Sha1::digest(password));
                format!("*{}", hex::encode_upper(twice))
            }
            Self::Ed25519 => {
                // The public key of the pair whose seed is the password, of any length (RFC 8032, 5.1.5).
                let hashed = Sha512::digest(password);
                let mut secret = [0; 32];
                secret.copy_from_slice(&hashed[..32]);
                let secret = Scalar::from_bytes_mod_order(clamp_integer(secret));
                STANDARD_NO_PAD.encode(EdwardsPoint::mul_base(&secret).compress().as_bytes())
            }
        }
    }

    /// Whether it could be what the server keeps of a password.
    pub(crate) fn is_string(self, text: &str) -> bool {
        match self {
            Self::Native => text.strip_prefix('*').is_some_and(|digits| {
                digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit())
            }),
            Self::Ed25519 => STANDARD_NO_PAD.decode(text).is_ok_and(|key| key.len() == 32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As MariaDB 10.11 has them for `two2` and `one1`.
    #[test]
    fn strings_are_the_servers() {
        let string = |plugin: Plugin, text| plugin.string(&SecretValue::new(text), Purpose::Mint);
        let native = string(Plugin::Native, "two2");
        assert_eq!(native, "*C133A9DD3CE802FA5659661CD98766847CA019C8");
        let ed25519 = string(Plugin::Ed25519, "one1");
        assert_eq!(ed25519, "WMUTscLJkOIrtrpy29o7LTemXRR1L/gCP9d1g8TckD0");
        assert!(Plugin::Native.is_string(&native) && Plugin::Ed25519.is_string(&ed25519));
        assert!(!Plugin::Native.is_string("invalid") && !Plugin::Ed25519.is_string("invalid"));
    }
}
