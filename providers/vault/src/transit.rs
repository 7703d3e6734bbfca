use base64::{Engine, engine::general_purpose::STANDARD};
use keysweep_sdk::{
    ErrorKind, Mounting, Op, ProviderName, Purpose, Result, SecretRef, SecretValue,
};
use keysweep_transport::{Method, Path};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    config::{connected, is_path},
    server::Vault,
};

/// A key of the transit engine, as an outer seal of the escrow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitConfig {
    /// `https://vault.example.com:8200`; plain HTTP on loopback only.
    pub address: String,
    pub token: SecretRef,
    #[serde(default)]
    pub namespace: Option<String>,
    /// Where the engine is mounted: `transit` unless told.
    #[serde(default = "mount")]
    pub mount: String,
    /// The name of the key. It has to be there: a key that is made by the way has nobody who keeps it.
    pub key: String,
}

fn mount() -> String {
    "transit".to_owned()
}

/// Seals and unseals by a key that never leaves the server. Its errors say `place` and `read`.
///
/// The token needs `read` on `transit/keys/KEY`, and `update` on `transit/encrypt/KEY` and `transit/decrypt/KEY`.
/// <https://developer.hashicorp.com/vault/api-docs/secret/transit>
#[derive(Debug)]
pub struct Transit {
    vault: Vault,
    mount: String,
    key: String,
}

impl TransitConfig {
    /// Reads its token; dials nothing.
    pub async fn open(self, name: ProviderName, mounting: &Mounting) -> Result<Transit> {
        let server = connected(&name, &self.address, &self.token, self.namespace, mounting);
        let vault = server.await?;
        if !is_path(&self.mount) || !is_path(&self.key) || self.key.contains('/') {
            let message = format!("`{}` and `{}` are no mount and key", self.mount, self.key);
            return Err(vault.nothing(Op::Mount, ErrorKind::Config, message));
        }
        Ok(Transit { vault, mount: self.mount, key: self.key })
    }
}

impl Transit {
    /// `host:port` of all that is dialled.
    pub fn hosts(&self) -> Vec<String> {
        self.vault.client.hosts().map(str::to_owned).collect()
    }

    /// Encrypts. `about` is not secret; the same has to be given to unseal, so that a ciphertext cannot be put in another's
    /// place. `NotFound`: there is no such key. `Config`: it is of a type that cannot do this.
    pub async fn seal(&self, value: &SecretValue, about: &str) -> Result<String> {
        let op = Op::Place;
        self.check(op).await?;
        let plain = STANDARD.encode(value.expose_for(Purpose::Seal));
        let plain = SecretValue::new(plain);
        let body = json!({"associated_data": STANDARD.encode(about)});
        let request = self.vault.ask(op, Method::POST, self.path("encrypt")).json(body);
        let request = request.secret("/plaintext", &plain, Purpose::Seal);
        Ok(self.vault.answer(op, request).await?.text("/data/ciphertext")?.to_owned())
    }

    /// Decrypts. `Invalid`: it was sealed by another key, or about something else, or is spoilt.
    pub async fn unseal(&self, ciphertext: &str, about: &str) -> Result<SecretValue> {
        let op = Op::Read;
        let body = json!({"ciphertext": ciphertext, "associated_data": STANDARD.encode(about)});
        let request = self.vault.ask(op, Method::POST, self.path("decrypt")).reads().json(body);
        let mut response = self.vault.answer(op, request).await?;
        let plain = response.take_secret("/data/plaintext")?;
        let bytes = STANDARD.decode(plain.expose_for(Purpose::Seal)).ok();
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(SecretValue::new).ok_or_else(
            || self.vault.nothing(op, ErrorKind::Unexpected, "what was unsealed is no text"),
        )
    }

    /// That the key is there and binds what it seals to what it is about. To encrypt with a key that is not there may
    /// make one.
    async fn check(&self, op: Op) -> Result<()> {
        let request = self.vault.ask(op, Method::GET, self.path("keys"));
        let Some(response) = self.vault.look(op, request).await? else {
            let message = format!("there is no key `{}` at `{}`", self.key, self.mount);
            let error = self.vault.nothing(op, ErrorKind::NotFound, message);
            return Err(
                error.with_hint(format!("`vault write -f {}/keys/{}`", self.mount, self.key))
            );
        };
        let kind = response.json()?.pointer("/data/type").and_then(Value::as_str);
        let kind = kind.unwrap_or_default();
        if !["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305"]
            .contains(&kind)
        {
            let message = format!("the key `{}` is of type `{kind}`", self.key);
            let error = self.vault.nothing(op, ErrorKind::Config, message);
            return Err(error.with_hint("use `aes256-gcm96`, which is the default"));
        }
        Ok(())
    }

    fn path(&self, verb: &str) -> Path {
        Path::new(format!("/v1/{{mount}}/{verb}/{{key}}"))
            .set_many("mount", &self.mount)
            .set("key", &self.key)
    }
}
