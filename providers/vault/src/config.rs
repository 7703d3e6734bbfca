use std::{collections::BTreeSet, sync::Mutex};

use async_trait::async_trait;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Mounting, Network, Op, Provider, ProviderConfig, ProviderName,
    Result, SecretRef,
};
use keysweep_transport::{Base, Client, Hosts};
use serde::Deserialize;

use crate::{
    access::VaultAccess, issuer::AppRoleIssuer, revoker::AppRoleRevoker, server::Vault,
    store::KvStore, verifier::AppRoleVerifier,
};

/// `type = "vault"`: one Vault or OpenBao.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `https://vault.example.com:8200`; plain HTTP on loopback only.
    pub address: String,
    pub token: SecretRef,
    /// Of Vault Enterprise, HCP or OpenBao: `team/ci`.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Where KV version 2 is mounted: `["secret"]` unless told. A placement begins with one of them.
    #[serde(default = "mounts")]
    pub mounts: Vec<String>,
}

fn mounts() -> Vec<String> {
    vec!["secret".to_owned()]
}

#[async_trait]
impl ProviderConfig for Config {
    const TYPE: &'static str = "vault";

    async fn mount(self, name: ProviderName, mounting: &Mounting) -> Result<Provider> {
        if let Some(bad) = self.mounts.iter().find(|mount| !is_path(mount)) {
            let message = format!("`mounts`: `{bad}` is no path: `secret`, without outer slashes");
            return Err(Error::new(name, Op::Mount, ErrorKind::Config, Effect::None, message));
        }
        let server = connected(&name, &self.address, &self.token, self.namespace, mounting);
        let vault = std::sync::Arc::new(Vault { mounts: self.mounts, ..server.await? });
        Ok(Provider::new(name)
            .hosts(vault.client.hosts().map(str::to_owned))
            .issuer(AppRoleIssuer(vault.clone()))
            .verifier(AppRoleVerifier(vault.clone()))
            .revoker(AppRoleRevoker(vault.clone()))
            .store(KvStore(vault.clone()))
            .access(VaultAccess(vault)))
    }
}

pub(crate) async fn connected(
    name: &ProviderName,
    address: &str,
    token: &SecretRef,
    namespace: Option<String>,
    mounting: &Mounting,
) -> Result<Vault> {
    let base = Base::parse(address).map_err(|why| {
        let message = format!("`address` is not usable: {why}");
        Error::new(name.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
    })?;
    let ca = mounting.network.ca.as_ref().map(|path| mounting.folder.join(path));
    let network = Network { ca, ..mounting.network.clone() };
    let client = Client::new(name.clone(), Hosts::of([&base]), &network)?;
    let token = mounting.resolve.resolve(name, token).await?;
    Ok(Vault {
        client,
        base,
        token,
        namespace,
        mounts: Vec::new(),
        versioned: Mutex::new(BTreeSet::new()),
    })
}

/// Segments parted by single slashes.
pub(crate) fn is_path(text: &str) -> bool {
    let segment = |s: &str| !["", ".", ".."].contains(&s) && !s.contains(char::is_control);
    text.split('/').all(segment)
}
