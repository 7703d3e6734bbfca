use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use keysweep_sdk::CredentialId;
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;

use crate::account::{Account, Alternative};

/// Of PBKDF2: about a tenth of a second for each guess.
const ROUNDS: u32 = 600_000;
/// Of the id: 24 bits.
const BYTES: usize = 3;

/// The public names of passwords.
///
/// The server lists hashes. For a password that a person chose such a hash is as good as the password: a dictionary finds
/// it. A shorter piece of it would still confirm a guess. So the id is the plugin and a slow, salted derivation of the
/// hash, cut to 24 bits: each guess costs a tenth of a second, and a dictionary of a hundred million words leaves some six
/// that fit. It depends on nothing but the account and the hash, so that it is the same after a restart of keysweep and a
/// change of its configuration. The slot alone would not do: it is used again, and a late call would end the wrong one.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints(Mutex<HashMap<(String, String), CredentialId>>);

impl Fingerprints {
    pub(crate) fn id(&self, account: &Account, alternative: &Alternative) -> CredentialId {
        let key = (account.to_string(), format!("{} {}", alternative.plugin, alternative.string));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(key).or_insert_with(|| derived(account, alternative)).clone()
    }
}

fn derived(account: &Account, alternative: &Alternative) -> CredentialId {
    let salt = format!("keysweep mysql {account}");
    let mut out = [0; BYTES];
    pbkdf2_hmac::<Sha256>(alternative.string.as_bytes(), salt.as_bytes(), ROUNDS, &mut out);
    let plugin = alternative.password().map_or("other", |plugin| plugin.short());
    CredentialId::new(format!("{plugin}-{}", hex::encode(out)))
}
