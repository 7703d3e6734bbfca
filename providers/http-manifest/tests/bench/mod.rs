//! Mounts the provider for tests.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use keysweep_provider_http_manifest::Config;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Mounting, Network, Op, Provider, ProviderConfig, ProviderName,
    Resolve, Result, SecretRef, SecretValue,
};
use serde_json::Value;

/// Gives `own-NAME` for `env:NAME`.
#[derive(Debug)]
pub(crate) struct Fixed;

#[async_trait]
impl Resolve for Fixed {
    async fn resolve(&self, provider: &ProviderName, reference: &SecretRef) -> Result<SecretValue> {
        match reference {
            SecretRef::Env(name) => Ok(SecretValue::new(format!("own-{name}"))),
            other => Err(Error::new(
                provider.clone(),
                Op::Mount,
                ErrorKind::Config,
                Effect::None,
                format!("`{other}` is not there"),
            )),
        }
    }
}

/// With a timeout in seconds.
pub(crate) async fn mount_within(config: Value, folder: &Path, seconds: u64) -> Result<Provider> {
    let config: Config = serde_json::from_value(config).unwrap();
    let network = Network { timeout: Some(seconds), ..Network::default() };
    let mounting = Mounting { resolve: Arc::new(Fixed), network, folder: folder.to_owned() };
    config.mount(ProviderName::new("under-test"), &mounting).await
}
