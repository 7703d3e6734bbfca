#![doc = include_str!("../README.md")]

mod access;
mod answer;
mod chain;
mod endpoint;
mod failure;
mod issuer;
mod object;
mod parameter;
mod permission;
mod place;
mod principal;
mod revoker;
mod secret;
mod sessions;
mod stamp;
mod store;
mod usage;
mod verifier;
mod version;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::{
    SharedHttpClient, retry::RetryConfig, timeout::TimeoutConfig as Timeouts,
};
use aws_smithy_async::{rt::sleep::TokioSleep, time::SharedTimeSource};
use jiff::Timestamp;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Mounting, Op, Provider, ProviderConfig, ProviderName, Result,
    SecretRef,
};
use serde::Deserialize;

use crate::endpoint::Endpoints;

/// `[providers.NAME]` with `type = "aws"`.
///
/// keysweep's own credential is, in this order: `credentials`, by reference; `profile`, a profile of the shared
/// configuration files (keys, SSO, assumed roles, processes); the default chain (environment, default profile, web
/// identity, container, instance). With `role_arn` it is then used to assume that role.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `us-east-1`. Without it `AWS_REGION`, then the profile's.
    #[serde(default)]
    pub region: Option<String>,
    /// Twelve digits: whose users and secrets these are. For the printed policy, and checked by the preflight.
    #[serde(default)]
    pub account: Option<String>,
    #[serde(default)]
    pub credentials: Option<OwnKey>,
    #[serde(default)]
    pub profile: Option<String>,
    /// Where the profile's SSO is, if not in `region`.
    #[serde(default)]
    pub sso_region: Option<String>,
    #[serde(default)]
    pub role_arn: Option<String>,
    #[serde(default)]
    pub external_id: Option<String>,
    /// One endpoint for all services, such as a test server. Plain HTTP on loopback only.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Endpoints of single services, such as VPC endpoints.
    #[serde(default)]
    pub endpoints: ServiceEndpoints,
}

/// An access key, each part by reference.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnKey {
    pub access_key_id: SecretRef,
    pub secret_access_key: SecretRef,
    #[serde(default)]
    pub session_token: Option<SecretRef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceEndpoints {
    #[serde(default)]
    pub iam: Option<String>,
    #[serde(default)]
    pub sts: Option<String>,
    #[serde(default)]
    pub secretsmanager: Option<String>,
    #[serde(default)]
    pub ssm: Option<String>,
}

/// All parts share the clients.
#[derive(Clone)]
pub(crate) struct Aws(Arc<Clients>);

pub(crate) struct Clients {
    pub(crate) name: ProviderName,
    pub(crate) region: String,
    pub(crate) account: Option<String>,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    pub(crate) parameters: aws_sdk_ssm::Client,
    /// For [`verifier`], whose client has nothing else of these.
    pub(crate) http: SharedHttpClient,
    pub(crate) timeouts: Timeouts,
    pub(crate) sts_endpoint: String,
}

#[async_trait]
impl ProviderConfig for Config {
    const TYPE: &'static str = "aws";

    async fn mount(self, name: ProviderName, mounting: &Mounting) -> Result<Provider> {
        let region = self.region(&name).await?;
        let endpoints = Endpoints::of(&self, &region, &name).await?;
        let timeout = Duration::from_secs(mounting.network.timeout.unwrap_or(30).max(1));
        let wire =
            wire::Wire::new(&name, mounting, timeout, endpoints.tls(self.credentials.is_some()))?;
        let timeouts = Timeouts::builder()
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .read_timeout(timeout)
            .operation_timeout(timeout)
            .build();
        let http = wire.fenced(endpoints.hosts());
        let base = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            // In the user agent, and so in CloudTrail.
            .app_name(AppName::new("keysweep").map_err(|_| config_error(&name, "no name"))?)
            .region(Region::new(region.clone()))
            .http_client(http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.clone())
            .sleep_impl(TokioSleep::new())
            .time_source(SharedTimeSource::default())
            .build();
        let own = chain::provider(&self, &name, mounting, &base, &endpoints, &wire).await?;
        let config = base.into_builder().credentials_provider(own).build();
        let mut hosts = endpoints.all_hosts(&self);
        hosts.extend(mounting.network.proxy.as_deref().and_then(endpoint::host));
        let aws =
            Aws(Arc::new(self.clients(name.clone(), region, &config, &endpoints, http, timeouts)));
        Ok(Provider::new(name)
            .hosts(hosts)
            .issuer(aws.clone())
            .verifier(aws.clone())
            .revoker(aws.clone())
            .usage(aws.clone())
            .store(aws.clone())
            .access(aws))
    }
}

impl Config {
    fn clients(
        self,
        name: ProviderName,
        region: String,
        config: &SdkConfig,
        endpoints: &Endpoints,
        http: SharedHttpClient,
        timeouts: Timeouts,
    ) -> Clients {
        let iam = aws_sdk_iam::config::Builder::from(config).endpoint_url(&endpoints.iam).build();
        let sts = aws_sdk_sts::config::Builder::from(config).endpoint_url(&endpoints.sts).build();
        let secrets = aws_sdk_secretsmanager::config::Builder::from(config)
            .endpoint_url(&endpoints.secretsmanager)
            .build();
        let parameters =
            aws_sdk_ssm::config::Builder::from(config).endpoint_url(&endpoints.ssm).build();
        Clients {
            name,
            region,
            account: self.account,
            iam: aws_sdk_iam::Client::from_conf(iam),
            sts: aws_sdk_sts::Client::from_conf(sts),
            secrets: aws_sdk_secretsmanager::Client::from_conf(secrets),
            parameters: aws_sdk_ssm::Client::from_conf(parameters),
            http,
            timeouts,
            sts_endpoint: endpoints.sts.clone(),
        }
    }

    /// Never from the instance's metadata service: mounting dials nothing.
    async fn region(&self, name: &ProviderName) -> Result<String> {
        use aws_config::{
            environment::EnvironmentVariableRegionProvider, meta::region::ProvideRegion,
            profile::ProfileFileRegionProvider,
        };
        let region = match &self.region {
            Some(region) => Some(region.clone()),
            None => {
                let mut profile = ProfileFileRegionProvider::builder();
                if let Some(name) = &self.profile {
                    profile = profile.profile_name(name);
                }
                let found = match EnvironmentVariableRegionProvider::new().region().await {
                    Some(region) if self.profile.is_none() => Some(region),
                    ambient => profile.build().region().await.or(ambient),
                };
                found.map(|region| region.as_ref().to_owned())
            }
        };
        let well_formed = |region: &String| {
            !region.is_empty()
                && region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && region.len() <= 40
        };
        region.filter(well_formed).ok_or_else(|| {
            config_error(name, "no usable `region`").with_hint("set `region = \"us-east-1\"`")
        })
    }
}

impl std::ops::Deref for Aws {
    type Target = Clients;

    fn deref(&self) -> &Clients {
        &self.0
    }
}

// The SDK's clients print pages, and what they hold is not ours to vouch for.
impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("name", &self.name).field("region", &self.region).finish()
    }
}

pub(crate) fn config_error(name: &ProviderName, message: impl Into<String>) -> Error {
    Error::new(name.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
}

/// AWS's time as ours; out of range is no time.
pub(crate) fn timestamp(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    let nanos = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanos).ok()
}
