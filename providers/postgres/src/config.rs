use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Mounting, Op, Provider, ProviderConfig, ProviderName, Result,
    SecretRef,
};
use serde::Deserialize;

use crate::{
    access::PostgresAccess, issuer::PostgresIssuer, revoker::PostgresRevoker, roles::Roles,
    server::Server, tls, usage::PostgresUsage, verifier::PostgresVerifier,
};

/// `type = "postgres"`: one PostgreSQL server, version 11 or later.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A name or an address. The server itself: a pooler answers for other sessions than are asked about.
    pub host: String,
    /// 5432 unless told.
    #[serde(default = "port")]
    pub port: u16,
    /// Where keysweep itself logs in: `postgres` unless told.
    #[serde(default = "database")]
    pub database: String,
    /// Where the roles log in to be verified; `database` unless told. Each of them needs `CONNECT` on it.
    #[serde(default)]
    pub verify_database: Option<String>,
    /// Who keysweep is: a role with `CREATEROLE`, not a superuser. `keysweep doctor` prints how to make it.
    pub user: String,
    pub password: SecretRef,
    #[serde(default)]
    pub sslmode: SslMode,
    /// Takes `sslmode = "disable"` for a host that is not this one.
    #[serde(default)]
    pub insecure: bool,
    /// Pairs of login roles that are used in turn. Without any, each principal `role/NAME` is that single role.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// Seconds by which the read replicas that roles log in to may be behind; 0 unless told.
    #[serde(default)]
    pub replica_lag: u64,
}

/// The two login roles of one principal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    pub alternates: [String; 2],
}

/// How the connection is protected; there is no mode that falls back to plain text.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Plain text: for loopback, or with `insecure`.
    Disable,
    /// Encrypted, the certificate not verified. Instead the server has to prove by SCRAM with channel binding that it
    /// knows the password's verifier, so an impostor gets nothing; servers without it are refused.
    Require,
    /// Encrypted, and the certificate has to be one for this host from a known authority.
    #[default]
    VerifyFull,
}

fn port() -> u16 {
    5432
}

fn database() -> String {
    "postgres".to_owned()
}

#[async_trait]
impl ProviderConfig for Config {
    const TYPE: &'static str = "postgres";

    async fn mount(self, name: ProviderName, mounting: &Mounting) -> Result<Provider> {
        let wrong = |message: String| {
            Error::new(name.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
        };
        if self.host.is_empty() || self.host.contains(['/', ' ', '\0']) {
            let error = wrong(format!("`host` is no host name or address: `{}`", self.host));
            return Err(error.with_hint("sockets in the file system are not spoken to; use TCP"));
        }
        if self.sslmode == SslMode::Disable && !self.insecure && !is_loopback(&self.host) {
            let error = wrong(format!("`sslmode = \"disable\"` for `{}`", self.host));
            return Err(error.with_hint("use `verify-full`, or say `insecure = true`"));
        }
        let roles = Roles::new(&self.roles).map_err(wrong)?;
        let tls = tls::connector(self.sslmode, mounting).map_err(wrong)?;
        let password = mounting.resolve.resolve(&name, &self.password).await?;
        let server = std::sync::Arc::new(Server {
            name: name.clone(),
            verify_database: self.verify_database.unwrap_or_else(|| self.database.clone()),
            host: self.host,
            port: self.port,
            database: self.database,
            user: self.user,
            password,
            tls,
            timeout: Duration::from_secs(mounting.network.timeout.unwrap_or(30)),
            replica_lag: Duration::from_secs(self.replica_lag),
            roles,
        });
        Ok(Provider::new(name)
            .hosts([format!("{}:{}", server.host, server.port)])
            .issuer(PostgresIssuer(server.clone()))
            .verifier(PostgresVerifier(server.clone()))
            .revoker(PostgresRevoker(server.clone()))
            .usage(PostgresUsage(server.clone()))
            .access(PostgresAccess(server)))
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
