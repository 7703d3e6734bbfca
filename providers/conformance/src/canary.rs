//! Looks for values where none may be.

use std::fmt::Write;

use keysweep_sdk::{Bundle, CredentialId, Error, Payload, PrincipalId, Purpose};

/// What was printed, and what must not be in it.
#[derive(Default)]
pub(crate) struct Canaries {
    values: Vec<String>,
    printed: Vec<(String, String)>,
}

impl Canaries {
    pub(crate) fn plant(&mut self, value: &str) {
        // A value this short is found in anything.
        if value.len() >= 6 && !self.values.iter().any(|known| known == value) {
            self.values.push(value.to_owned());
        }
    }

    /// The fields of a credential, without those that are its public names.
    pub(crate) fn bundle(&mut self, bundle: &Bundle, id: &CredentialId, principal: &PrincipalId) {
        for (_, value) in bundle.iter() {
            let value = value.expose_for(Purpose::Verify);
            if !id.as_str().contains(value) && !principal.as_str().contains(value) {
                self.plant(value);
            }
        }
    }

    pub(crate) fn payload(&mut self, payload: &Payload) {
        match payload {
            Payload::One(value) => self.plant(value.expose_for(Purpose::Place)),
            Payload::Named(named) => {
                named.iter().for_each(|(_, value)| self.plant(value.expose_for(Purpose::Place)));
            }
        }
    }

    pub(crate) fn printed(&mut self, check: &str, text: String) {
        self.printed.push((check.to_owned(), text));
    }

    /// All that an error can print: itself, its parts, its causes.
    pub(crate) fn error(&mut self, check: &str, error: &Error) {
        let mut text =
            format!("{error} {error:?} {error:#?} {} {:?}", error.message(), error.hint());
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            let _ = write!(text, " {error} {error:?}");
            cause = error.source();
        }
        self.printed(check, text);
    }

    /// The checks in which a value was printed, plain or encoded. The value itself is not repeated.
    pub(crate) fn found(&self) -> Vec<String> {
        let mut found = Vec::new();
        for value in &self.values {
            let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
            let coded = base64(value.as_bytes());
            for (check, text) in &self.printed {
                if text.contains(value) || text.contains(&hex) || text.contains(&coded) {
                    let shown = text.replace(value, "<VALUE>").replace(&hex, "<HEX>");
                    found.push(format!(
                        "{check} printed a value: {}",
                        shown.replace(&coded, "<BASE64>")
                    ));
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// RFC 4648, without the padding and the last characters that depend on what follows.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks_exact(3)
        .flat_map(|chunk| {
            let bits = u32::from(chunk[0]) << 16 | u32::from(chunk[1]) << 8 | u32::from(chunk[2]);
            [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_plain_and_encoded() {
        let mut canaries = Canaries::default();
        canaries.plant("planted-value");
        canaries.printed("quiet", "nothing here".into());
        assert!(canaries.found().is_empty());
        canaries.printed("plain", "x planted-value y".into());
        canaries.printed("hex", "706c616e7465642d76616c7565".into());
        canaries.printed("base64", "cGxhbnRlZC12YWx1ZQ==".into());
        let found = canaries.found();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().all(|line| !line.contains("planted-value")));
    }
}
