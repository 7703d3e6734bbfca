use std::{fmt::Debug, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Access, Capabilities, Issuer, ProviderName, Result, Revoker, SecretRef, SecretValue, Store,
    Usage, Verifier,
};

/// The context of one call.
#[derive(Clone, Debug, Default)]
pub struct Cx {
    /// Whose turn it is: written into what a provider records, where it has a field for it.
    pub campaign: String,
}

/// One mounted provider: a bag of optional parts.
#[derive(Clone, Debug)]
pub struct Provider {
    name: ProviderName,
    /// The hosts it dials, `host:port`; beyond them nothing is dialled. Empty: none.
    pub hosts: Vec<String>,
    pub issuer: Option<Arc<dyn Issuer>>,
    pub store: Option<Arc<dyn Store>>,
    pub verifier: Option<Arc<dyn Verifier>>,
    pub revoker: Option<Arc<dyn Revoker>>,
    pub usage: Option<Arc<dyn Usage>>,
    pub access: Option<Arc<dyn Access>>,
    /// What a person has to do where the provider cannot: the plan shows it and makes tasks of it.
    pub instructions: Option<Instructions>,
}

/// What a person does at an issuer that has no API for it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct Instructions {
    /// Where: the address of a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The steps that make a new credential, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mint: Vec<String>,
    /// The steps that end the old one, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoke: Vec<String>,
    /// How long a person may take to make it, from the moment of asking. `None`: no bound of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mint_within: Option<Duration>,
    /// How long a person may take to end it, from the moment of asking. `None`: no bound of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_within: Option<Duration>,
}

impl Provider {
    pub fn new(name: ProviderName) -> Self {
        Self {
            name,
            hosts: Vec::new(),
            issuer: None,
            store: None,
            verifier: None,
            revoker: None,
            usage: None,
            access: None,
            instructions: None,
        }
    }

    #[must_use]
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.hosts = hosts.into_iter().collect();
        self
    }

    #[must_use]
    pub fn issuer(mut self, part: impl Issuer + 'static) -> Self {
        self.issuer = Some(Arc::new(part));
        self
    }

    #[must_use]
    pub fn store(mut self, part: impl Store + 'static) -> Self {
        self.store = Some(Arc::new(part));
        self
    }

    #[must_use]
    pub fn verifier(mut self, part: impl Verifier + 'static) -> Self {
        self.verifier = Some(Arc::new(part));
        self
    }

    #[must_use]
    pub fn revoker(mut self, part: impl Revoker + 'static) -> Self {
        self.revoker = Some(Arc::new(part));
        self
    }

    #[must_use]
    pub fn usage(mut self, part: impl Usage + 'static) -> Self {
        self.usage = Some(Arc::new(part));
        self
    }

    #[must_use]
    pub fn access(mut self, part: impl Access + 'static) -> Self {
        self.access = Some(Arc::new(part));
        self
    }

    #[must_use]
    pub fn instructions(mut self, instructions: Instructions) -> Self {
        self.instructions = Some(instructions);
        self
    }

    pub fn name(&self) -> &ProviderName {
        &self.name
    }

    /// What it can do, by what is there.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            issuer: self.issuer.as_ref().map(|part| part.limits()),
            store: self.store.as_ref().map(|part| part.limits()),
            verifier: self.verifier.as_ref().map(|part| part.limits()),
            revoker: self.revoker.as_ref().map(|part| part.limits()),
            usage: self.usage.as_ref().map(|part| part.limits()),
            access: self.access.is_some(),
        }
    }
}

/// Reads keysweep's own credentials from where a [`SecretRef`] says they are.
#[async_trait]
pub trait Resolve: Debug + Send + Sync {
    /// The error names the reference, never what was read.
    async fn resolve(&self, provider: &ProviderName, reference: &SecretRef) -> Result<SecretValue>;
}

/// How the network is to be used: `[network]` of the configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Further certificate authorities, PEM.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// A proxy for all of HTTP: `http://host:port`. Without it none is used, whatever the environment says.
    #[serde(default)]
    pub proxy: Option<String>,
    /// Seconds for one call; 30 unless told.
    #[serde(default)]
    pub timeout: Option<u64>,
}

/// What a provider gets when it is mounted.
#[derive(Clone, Debug)]
pub struct Mounting {
    pub resolve: Arc<dyn Resolve>,
    pub network: Network,
    /// The folder of the configuration: relative paths count from it.
    pub folder: PathBuf,
}

/// What a provider crate exports: its configuration, which knows how to mount.
#[async_trait]
pub trait ProviderConfig: DeserializeOwned + Send {
    /// The `type = "…"` of the user's TOML.
    const TYPE: &'static str;

    /// Makes the provider. Reads its own credentials; dials nothing.
    async fn mount(self, name: ProviderName, mounting: &Mounting) -> Result<Provider>;
}
