//! keysweep's own credential.

use std::time::Duration;

use aws_config::{
    Region, SdkConfig, default_provider::credentials::DefaultCredentialsChain,
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig as ChainConfig,
    sts::AssumeRoleProvider,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use keysweep_sdk::{Mounting, ProviderName, Purpose, Result, SecretRef};

use crate::{Config, OwnKey, config_error, endpoint::Endpoints, wire::Wire};

/// What gives the credential at the first call. Nothing is dialled before.
pub(crate) async fn provider(
    config: &Config,
    name: &ProviderName,
    mounting: &Mounting,
    base: &SdkConfig,
    endpoints: &Endpoints,
    wire: &Wire,
) -> Result<SharedCredentialsProvider> {
    let own = match (&config.credentials, &config.profile) {
        (Some(_), Some(_)) => {
            return Err(config_error(name, "both `credentials` and `profile` are given")
                .with_hint("keep the one that is meant"));
        }
        (Some(key), None) => SharedCredentialsProvider::new(key.read(name, mounting).await?),
        (None, profile) => {
            let mut chain = ChainConfig::without_region()
                .with_region(base.region().cloned())
                .with_http_client(wire.fenced(endpoints.chain_hosts(config)));
            if let Some(timeouts) = base.timeout_config() {
                chain = chain.with_timeout_config(timeouts.clone());
            }
            of_chain(profile.as_deref(), base.region().cloned(), chain).await
        }
    };
    let Some(role) = &config.role_arn else { return Ok(own) };
    let sts = base.clone().into_builder().endpoint_url(&endpoints.sts).build();
    let mut assume = AssumeRoleProvider::builder(role)
        .session_name("keysweep")
        .session_length(Duration::from_secs(3600))
        .configure(&sts);
    if let Some(id) = &config.external_id {
        assume = assume.external_id(id);
    }
    Ok(SharedCredentialsProvider::new(assume.build_from_provider(own).await))
}

/// A profile that is named goes before the environment, as with the vendor's command line.
async fn of_chain(
    profile: Option<&str>,
    region: Option<Region>,
    config: ChainConfig,
) -> SharedCredentialsProvider {
    match profile {
        Some(profile) => SharedCredentialsProvider::new(
            ProfileFileCredentialsProvider::builder()
                .configure(&config)
                .profile_name(profile)
                .build(),
        ),
        None => {
            let chain = DefaultCredentialsChain::builder().region(region);
            SharedCredentialsProvider::new(chain.configure(config).build().await)
        }
    }
}

impl OwnKey {
    async fn read(&self, name: &ProviderName, mounting: &Mounting) -> Result<Credentials> {
        let id = field(name, mounting, &self.access_key_id).await?;
        let secret = field(name, mounting, &self.secret_access_key).await?;
        let token = match &self.session_token {
            Some(reference) => Some(field(name, mounting, reference).await?),
            None => None,
        };
        Ok(Credentials::new(id, secret, token, None, "keysweep"))
    }
}

async fn field(name: &ProviderName, mounting: &Mounting, from: &SecretRef) -> Result<String> {
    let value = mounting.resolve.resolve(name, from).await?;
    let text = value.expose_for(Purpose::Authenticate);
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(config_error(name, format!("`{from}` does not give one part of an AWS key")));
    }
    Ok(text.to_owned())
}
