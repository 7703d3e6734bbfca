//! The one way to the network: no connection is used twice, no host beyond the list, no proxy of the environment.

use std::{collections::BTreeSet, fs, sync::Arc, time::Duration};

use aws_sdk_iam::config::SharedHttpClient;
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
        http_client_fn,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use keysweep_sdk::{Mounting, ProviderName, Result};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::{
    config_error,
    endpoint::{METADATA, host},
};

#[derive(Debug)]
pub(crate) struct Wire(Arc<Connector>);

impl Wire {
    pub(crate) fn new(
        name: &ProviderName,
        mounting: &Mounting,
        timeout: Duration,
        tls: bool,
    ) -> Result<Self> {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .read_timeout(timeout)
            .build();
        let mut builder = Connector::builder()
            .connector_settings(settings)
            // A kept connection may be closed by the server just as a mutation is sent on it, and then nobody knows
            // whether it took effect.
            .pool_max_idle_per_host(0)
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context(name, mounting, tls)?);
        if let Some(proxy) = &mounting.network.proxy {
            // The address is not repeated: it may hold a password.
            let proxy = ProxyConfig::all(proxy.as_str())
                .map_err(|_| config_error(name, "`network.proxy` is not an address"))?;
            let metadata = METADATA.map(|host| host.trim_end_matches(":80")).join(",");
            builder = builder.proxy_config(proxy.no_proxy(metadata));
        }
        Ok(Self(Arc::new(builder.build())))
    }

    /// A client that dials these hosts only.
    pub(crate) fn fenced(&self, hosts: Vec<String>) -> SharedHttpClient {
        let fenced = SharedHttpConnector::new(Fenced {
            connector: Arc::clone(&self.0),
            hosts: hosts.into_iter().collect(),
        });
        http_client_fn(move |_, _| fenced.clone())
    }
}

#[derive(Debug)]
struct Fenced {
    connector: Arc<Connector>,
    hosts: BTreeSet<String>,
}

/// A host that is not in the list. Nothing was sent.
#[derive(Debug)]
pub(crate) struct Unlisted(pub(crate) String);

impl std::fmt::Display for Unlisted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is not one of the hosts that may be dialled", self.0)
    }
}

impl std::error::Error for Unlisted {}

impl HttpConnector for Fenced {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match host(request.uri()) {
            Some(host) if self.hosts.contains(&host) => self.connector.call(request),
            other => {
                let unlisted = Unlisted(other.unwrap_or_default());
                HttpConnectorFuture::ready(Err(ConnectorError::user(Box::new(unlisted))))
            }
        }
    }
}

/// The system's certificate authorities and those of `[network] ca`, looked at here since the SDK panics on bad ones.
fn context(name: &ProviderName, mounting: &Mounting, tls: bool) -> Result<TlsContext> {
    let mut store = TrustStore::empty();
    if tls {
        let (system, _) = rustls::RootCertStore::empty()
            .add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if system == 0 && mounting.network.ca.is_none() {
            return Err(config_error(name, "this system has no certificate authorities")
                .with_hint("install `ca-certificates`, or name a file by `ca` in `[network]`"));
        }
        store = store.with_native_roots(system > 0);
    }
    if let Some(path) = &mounting.network.ca {
        let path = mounting.folder.join(path);
        let refused = |why: &str| config_error(name, format!("`{}` {why}", path.display()));
        let pem = fs::read(&path).map_err(|e| refused("cannot be read").with_source(e))?;
        let certificates = CertificateDer::pem_slice_iter(&pem)
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|_| refused("is not PEM"))?;
        let count = certificates.len();
        let (taken, _) = rustls::RootCertStore::empty().add_parsable_certificates(certificates);
        if taken == 0 || taken < count {
            return Err(refused("holds something else than certificates of authorities"));
        }
        store = store.with_pem_certificate(pem);
    }
    TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|_| config_error(name, "TLS cannot be set up"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_host_is_dialled_that_is_not_listed() {
        let connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(
                TlsContext::builder().with_trust_store(TrustStore::empty()).build().unwrap(),
            )
            .build();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let there = listener.local_addr().unwrap();
        let fenced = Fenced {
            connector: Arc::new(connector),
            hosts: BTreeSet::from(["127.0.0.1:1".to_owned()]),
        };
        let mut request = HttpRequest::empty();
        request.set_uri(format!("http://{there}/")).unwrap();
        let error = fenced.call(request).await.unwrap_err();
        assert!(error.is_user(), "{error:?}");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "it was dialled");
    }
}
