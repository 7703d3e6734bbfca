//! Where the services are, and so which hosts are dialled.

use aws_sdk_iam::config::endpoint::ResolveEndpoint as _;
use aws_sdk_secretsmanager::config::endpoint::ResolveEndpoint as _;
use aws_sdk_ssm::config::endpoint::ResolveEndpoint as _;
use aws_sdk_sts::config::endpoint::ResolveEndpoint as _;
use http::Uri;
use keysweep_sdk::{ProviderName, Result};

use crate::{Config, config_error};

/// The instance's metadata service and the container's, of the default chain.
pub(crate) const METADATA: [&str; 2] = ["169.254.169.254:80", "169.254.170.2:80"];

#[derive(Debug)]
pub(crate) struct Endpoints {
    pub(crate) iam: String,
    pub(crate) sts: String,
    pub(crate) secretsmanager: String,
    pub(crate) ssm: String,
    sso_region: String,
    dns_suffix: String,
}

/// The vendor's own endpoint, by the SDK's rules for partitions.
macro_rules! of_region {
    ($service:ident, $region:expr) => {{
        use $service::config::endpoint::{DefaultResolver, Params};
        let params = Params::builder().region($region).build().ok();
        match params {
            Some(params) => {
                let found = DefaultResolver::new().resolve_endpoint(&params).await;
                found.ok().map(|endpoint| endpoint.url().to_owned())
            }
            None => None,
        }
    }};
}

impl Endpoints {
    pub(crate) async fn of(config: &Config, region: &str, name: &ProviderName) -> Result<Self> {
        let base = config.base_url.as_ref();
        let own = &config.endpoints;
        let chosen = |service: &str, own: &Option<String>, of_region: Option<String>| {
            let url = own.as_ref().or(base).cloned().or(of_region);
            let url = url.ok_or_else(|| {
                config_error(name, format!("no endpoint of `{service}` in region `{region}`"))
            })?;
            checked(name, service, &url).map(|()| url)
        };
        let sts = chosen("sts", &own.sts, of_region!(aws_sdk_sts, region))?;
        let ssm = chosen("ssm", &own.ssm, of_region!(aws_sdk_ssm, region))?;
        let secretsmanager = chosen(
            "secretsmanager",
            &own.secretsmanager,
            of_region!(aws_sdk_secretsmanager, region),
        )?;
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Ok(Self {
            iam: chosen("iam", &own.iam, of_region!(aws_sdk_iam, region))?,
            sts,
            secretsmanager,
            ssm,
            sso_region: config.sso_region.clone().unwrap_or_else(|| region.to_owned()),
            dns_suffix: suffix.to_owned(),
        })
    }

    /// Of the services.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let urls = [&self.iam, &self.sts, &self.secretsmanager, &self.ssm];
        let mut hosts: Vec<_> = urls.into_iter().filter_map(|url| host(url)).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Of what a profile or the default chain may ask for keysweep's own credential.
    pub(crate) fn chain_hosts(&self, config: &Config) -> Vec<String> {
        if config.credentials.is_some() {
            return Vec::new();
        }
        let (region, suffix) = (&self.sso_region, &self.dns_suffix);
        let mut hosts: Vec<_> = METADATA.map(str::to_owned).into();
        hosts.push(format!("oidc.{region}.{suffix}:443"));
        hosts.push(format!("portal.sso.{region}.{suffix}:443"));
        hosts.extend(host(&self.sts));
        let container = std::env::var("AWS_CONTAINER_CREDENTIALS_FULL_URI").ok();
        hosts.extend(container.and_then(|uri| host(&uri)));
        hosts
    }

    pub(crate) fn all_hosts(&self, config: &Config) -> Vec<String> {
        let mut hosts = self.hosts();
        hosts.extend(self.chain_hosts(config));
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Whether anything is asked over TLS.
    pub(crate) fn tls(&self, config_has_key: bool) -> bool {
        let urls = [&self.iam, &self.sts, &self.secretsmanager, &self.ssm];
        !config_has_key || urls.iter().any(|url| url.starts_with("https:"))
    }
}

/// `host:port` of an address.
pub(crate) fn host(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let port = uri.port_u16().or_else(|| match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    })?;
    Some(format!("{}:{port}", uri.host()?))
}

/// The replies hold secrets, so they come over TLS, or from this machine.
fn checked(name: &ProviderName, service: &str, url: &str) -> Result<()> {
    let refused = |why: &str| {
        // The address is not repeated: somebody may have written a password into it.
        config_error(name, format!("the endpoint of `{service}` {why}"))
            .with_hint("`https://HOST`, or `http://127.0.0.1:PORT` for a server on this machine")
    };
    let uri: Uri = url.parse().map_err(|_| refused("is not an address"))?;
    let host = uri.host().ok_or_else(|| refused("has no host"))?;
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(refused("holds a credential"));
    }
    if uri.query().is_some() || !matches!(uri.path(), "" | "/") {
        return Err(refused("has more than a scheme, a host and a port"));
    }
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_loopback(host) => Ok(()),
        Some("http") => Err(refused("is plain HTTP to another machine")),
        _ => Err(refused("has no scheme")),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> ProviderName {
        ProviderName::new("prod")
    }

    #[tokio::test]
    async fn the_hosts_are_those_of_the_region_and_its_partition() {
        let config = Config::default();
        let hosts = |region| {
            let config = &config;
            async move { Endpoints::of(config, region, &named()).await.unwrap().hosts() }
        };
        assert_eq!(
            hosts("eu-west-1").await,
            [
                "iam.amazonaws.com:443",
                "secretsmanager.eu-west-1.amazonaws.com:443",
                "ssm.eu-west-1.amazonaws.com:443",
                "sts.eu-west-1.amazonaws.com:443",
            ]
        );
        assert!(hosts("cn-north-1").await.contains(&"iam.cn-north-1.amazonaws.com.cn:443".into()));
        assert!(hosts("us-gov-west-1").await.contains(&"iam.us-gov.amazonaws.com:443".into()));
    }

    #[tokio::test]
    async fn a_service_endpoint_goes_before_the_one_for_all() {
        let text = "base_url = 'http://127.0.0.1:5000'\nendpoints = { ssm = 'https://ssm.test' }";
        let config: Config = toml::from_str(text).unwrap();
        let endpoints = Endpoints::of(&config, "us-east-1", &named()).await.unwrap();
        assert_eq!(endpoints.hosts(), ["127.0.0.1:5000", "ssm.test:443"]);
    }

    #[test]
    fn plain_http_stays_on_this_machine_and_a_password_is_not_repeated() {
        for good in ["https://iam.test", "http://localhost:1", "http://[::1]:80", "https://h:8443/"]
        {
            checked(&named(), "iam", good).unwrap();
        }
        for bad in [
            "http://iam.test",
            "http://127.0.0.1.test",
            "https://u:planted@iam.test",
            "iam.test",
            "ftp://iam.test",
            "https://iam.test/planted",
            "",
        ] {
            let error = format!("{:?}", checked(&named(), "iam", bad).unwrap_err());
            assert!(!error.contains("planted") && error.contains("iam"), "{error}");
        }
    }
}
