use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use keysweep_sdk::{CredentialId, PrincipalId, Purpose, SecretValue};
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256};

/// Of PBKDF2: about a tenth of a second for each guess.
const ROUNDS: u32 = 600_000;
/// Of the id: 24 bits.
const BYTES: usize = 3;

/// The public names of passwords.
///
/// Redis lists SHA-256 hashes. For a password that a person chose such a hash is as good as the password: a dictionary
/// finds it. A shorter piece of it would still confirm a guess. So the id is a slow, salted derivation of the hash, cut
/// to 24 bits: it tells the few passwords of one user apart (two of ten alike: once in 400,000 users), each guess costs
/// a tenth of a second, and a dictionary of a hundred million words leaves some six that fit. It depends on nothing but
/// the user's name and the hash, so that it is the same after a restart of keysweep and a change of its configuration.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints(Mutex<HashMap<(String, String), CredentialId>>);

impl Fingerprints {
    pub(crate) fn id(&self, principal: &PrincipalId, hash: &str) -> CredentialId {
        let key = (principal.as_str().to_owned(), hash.to_owned());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(key).or_insert_with(|| derived(principal, hash)).clone()
    }
}

fn derived(principal: &PrincipalId, hash: &str) -> CredentialId {
    let salt = format!("keysweep redis {principal}");
    let mut out = [0; BYTES];
    pbkdf2_hmac::<Sha256>(hash.as_bytes(), salt.as_bytes(), ROUNDS, &mut out);
    CredentialId::new(format!("pw-{}", hex::encode(out)))
}

/// What Redis keeps of a password: its SHA-256 as 64 lower-case digits.
pub(crate) fn hash(password: &SecretValue, purpose: Purpose) -> String {
    hex::encode(Sha256::digest(password.expose_for(purpose).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_stable_and_no_piece_of_the_hash() {
        let (app, web) = (PrincipalId::new("user/app"), PrincipalId::new("user/web"));
        let hash = hash(&SecretValue::new("summer2024"), Purpose::Mint);
        let ids = Fingerprints::default();
        let id = ids.id(&app, &hash);
        assert_eq!(id, Fingerprints::default().id(&app, &hash));
        assert_ne!(id, ids.id(&web, &hash));
        assert!(!hash.contains(&id.as_str()[3..]), "{id} {hash}");
    }
}
