//! Entries of the system's keychain.

use keyring::Entry;
use keysweep_sdk::{Purpose, SecretValue};
use tokio::task;

/// Reads an entry.
///
/// # Errors
///
/// What is wrong, in words without values.
pub async fn read(service: String, account: String) -> Result<SecretValue, String> {
    blocking(move || {
        let entry = Entry::new(&service, &account).map_err(|error| told(&error))?;
        entry.get_password().map(SecretValue::new).map_err(|error| told(&error))
    })
    .await
}

/// Writes an entry and reads it back: there are keychains that take everything and keep nothing.
///
/// # Errors
///
/// What is wrong, in words without values.
pub async fn write(service: String, account: String, value: SecretValue) -> Result<(), String> {
    blocking(move || {
        let entry = Entry::new(&service, &account).map_err(|error| told(&error))?;
        entry.set_password(value.expose_for(Purpose::Seal)).map_err(|error| told(&error))?;
        // A handle of its own, so that nothing that the first one remembers can answer.
        let again = Entry::new(&service, &account).map_err(|error| told(&error))?;
        let kept = again.get_password().map(SecretValue::new).map_err(|error| told(&error))?;
        if kept.same(&value) { Ok(()) } else { Err("it does not keep what is written".to_owned()) }
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    task::spawn_blocking(work).await.unwrap_or_else(|_| Err("the keychain broke off".to_owned()))
}

/// The kind only: the rest is the platform's and may quote.
fn told(error: &keyring::Error) -> String {
    match error {
        keyring::Error::NoEntry => "no such entry",
        keyring::Error::NoStorageAccess(_) => "the keychain is locked, or not there",
        keyring::Error::PlatformFailure(_) => "the keychain failed",
        _ => "the keychain gives no text",
    }
    .to_owned()
}
