use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use keysweep_sdk::{Effect, Error, ErrorKind, Network, Op, ProviderName, Result};
use reqwest::{Method, NoProxy, Proxy, redirect, retry};
use rustls::ClientConfig;

use crate::{
    Base, Hosts, Path, Request, Trace, base,
    budget::Budget,
    cache::Cache,
    pace::Pace,
    request::{Hidden, Target},
    tls,
};

/// Sends requests of one provider. Clones share the connections, the budget and what is kept.
#[derive(Clone, Debug)]
pub struct Client(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) provider: ProviderName,
    pub(crate) hosts: Hosts,
    pub(crate) proxy: Option<String>,
    pub(crate) reads: reqwest::Client,
    pub(crate) writes: reqwest::Client,
    pub(crate) timeout: Duration,
    pub(crate) max_body: usize,
    pub(crate) budget: Budget,
    pub(crate) pace: Pace,
    pub(crate) cache: Cache,
    pub(crate) trace: Option<Arc<dyn Trace>>,
}

/// What a provider sets for its API; the user's settings are in [`Network`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Between the end of one mutation and the start of the next. More than zero also makes them serial.
    pub min_gap: Duration,
    /// Bytes of one answer; a longer one is an error.
    pub max_body: usize,
    pub user_agent: String,
    pub trace: Option<Arc<dyn Trace>>,
}

/// For one call, from the first byte of the connection to the last of the answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Of it, for the connection with its handshake. Shorter than the whole, so that "never connected" is told from "no answer".
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Default for Options {
    fn default() -> Self {
        Self {
            min_gap: Duration::ZERO,
            max_body: 8 << 20,
            user_agent: concat!("keysweep/", env!("CARGO_PKG_VERSION")).to_owned(),
            trace: None,
        }
    }
}

impl Client {
    /// With the default [`Options`]. Dials nothing. `Config`: the proxy or the authorities are not usable.
    pub fn new(provider: ProviderName, hosts: Hosts, network: &Network) -> Result<Self> {
        Self::with(provider, hosts, network, Options::default())
    }

    pub fn with(
        provider: ProviderName,
        hosts: Hosts,
        network: &Network,
        options: Options,
    ) -> Result<Self> {
        let refused = |message: String| {
            Error::new(provider.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
                .with_hint("see `[network]` of the configuration")
        };
        let timeout = network.timeout.map_or(TIMEOUT, Duration::from_secs);
        if timeout.is_zero() {
            return Err(refused("`network.timeout` is 0 seconds".to_owned()));
        }
        let proxy = network.proxy.as_deref().map(Base::proxy).transpose();
        let proxy =
            proxy.map_err(|why| refused(format!("`network.proxy` is not usable: {why}")))?;
        let tls = tls::config(network.ca.as_deref(), hosts.are_loopback()).map_err(&refused)?;
        let build = |idle| built(tls.clone(), proxy.as_ref(), timeout, &options, idle);
        let (reads, writes) =
            build(4).and_then(|reads| Ok((reads, build(0)?))).map_err(&refused)?;
        Ok(Self(Arc::new(Inner {
            provider,
            hosts,
            proxy: proxy.as_ref().map(Base::host),
            reads,
            writes,
            timeout,
            max_body: options.max_body,
            budget: Budget::default(),
            pace: Pace::new(options.min_gap),
            cache: Cache::default(),
            trace: options.trace,
        })))
    }

    pub fn request<'a>(&self, op: Op, method: Method, base: &Base, path: Path) -> Request<'a> {
        Request::new(self.clone(), op, method, base.clone(), Target::Path(path))
    }

    /// Reads a further page, by the URL that the server gave for it. It has to be of the same scheme, host and port.
    pub fn follow<'a>(&self, op: Op, base: &Base, url: &str) -> Request<'a> {
        Request::new(
            self.clone(),
            op,
            Method::GET,
            base.clone(),
            Target::Named(Hidden(url.to_owned())),
        )
    }

    /// What may be dialled, `host:port`, with the proxy if there is one: for printing beforehand.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.0.hosts.iter().chain(self.0.proxy.as_deref())
    }

    pub fn provider(&self) -> &ProviderName {
        &self.0.provider
    }
}

fn built(
    tls: ClientConfig,
    proxy: Option<&Base>,
    timeout: Duration,
    options: &Options,
    idle: usize,
) -> Result<reqwest::Client, String> {
    let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .user_agent(&options.user_agent)
        .timeout(timeout)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout / 2))
        .pool_max_idle_per_host(idle)
        // No name service is to send `localhost`, which may go in plain, elsewhere.
        .resolve_to_addrs("localhost", &loopback.map(|address| SocketAddr::new(address, 0)))
        .tls_backend_preconfigured(tls);
    if let Some(base) = proxy {
        let proxy = Proxy::all(base.to_string())
            .map_err(|error| format!("`network.proxy` is not usable: {}", error.without_url()))?
            .no_proxy(NoProxy::from_string("localhost,127.0.0.0/8,::1"));
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| format!("no HTTP client: {}", base::bare(error)))
}
