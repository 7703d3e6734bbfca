//! The name of a version of a secret.

use keysweep_sdk::{Purpose, SecretValue};
use pbkdf2::pbkdf2_hmac_array;
use sha2::Sha256;

/// Whoever may describe the secret reads the names of its versions, so a value that a person chose must not be cheap to
/// try against one.
const ROUNDS: u32 = 100_000;

/// A `ClientRequestToken` that is the same for the same value in the same place, so that a write that is sent again
/// makes no second version: 32 hexadecimal digits.
pub(crate) fn token(place: &str, value: &SecretValue) -> String {
    let salt = format!("keysweep aws v1 {place}");
    let text = value.expose_for(Purpose::Place).as_bytes();
    let bytes: [u8; 16] = pbkdf2_hmac_array::<Sha256, 16>(text, salt.as_bytes(), ROUNDS);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_in_the_same_place_has_the_same_name() {
        let (one, two) = (SecretValue::new("one"), SecretValue::new("two"));
        let token_of_one = token("app/db", &one);
        assert_eq!(token_of_one.len(), 32);
        assert_eq!(token_of_one, token("app/db", &one));
        assert_ne!(token_of_one, token("app/db", &two));
        assert_ne!(token_of_one, token("app/other", &one));
    }
}
