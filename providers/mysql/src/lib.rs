//! Passwords of MariaDB accounts.
//!
//! A principal is `user/NAME@HOST`, as the server has the account: `user/app@%`. MariaDB 10.4 and later lets an account in
//! by one of several ways (`IDENTIFIED VIA … OR …`), and the same plugin may be there twice, each with a password of its
//! own. keysweep adds the new password as a second alternative and later takes the first away. What it sends is the
//! authentication string that the server keeps, computed here, never a password: so no query log has one.
//! The statement repeats the string of the old password, too, and is in the query and binary logs like any other.
//!
//! * Two passwords at most. The server tries the alternatives in turn, and each after the first costs the client an
//!   *authentication switch*; many clients (PyMySQL, mysql_async, Connector/Python) follow one and no second.
//! * Two `mysql_native_password` side by side are understood by every client that was tried. Two `ed25519` are not, since
//!   the first already takes a switch. `successor` says what is to follow an `ed25519` password.
//! * An account that also lets in by other ways (`unix_socket`, `pam` …) can lose passwords here and gets no new ones.
//! * Sessions stay when their password is taken away. `end_sessions` closes all of the user's name: MariaDB does not tell
//!   when a session was made, nor by which password, nor by which of several accounts of one name.
//! * The server does not tell when a password was used, so there is no `usage`: the list of processes only knows the user,
//!   and only now. It cannot refuse one password for a while (`ACCOUNT LOCK` refuses all), so there is no `disable`.
//! * Replicas follow by their own lag; what is told is true for the server that is asked.
//!
//! **MySQL: not yet.** Its two passwords (`RETAIN CURRENT PASSWORD`) are another path. A server that is no MariaDB is
//! refused at the first call, before anything is changed.
//!
//! Use TLS: a stranger in the middle could ask the client for a password by a weaker plugin.
//!
//! <https://mariadb.com/kb/en/alter-user/>, <https://mariadb.com/kb/en/authentication-plugin-ed25519/>

mod access;
mod account;
mod fault;
mod fingerprint;
mod grants;
mod issuer;
mod plugin;
mod revoker;
mod server;
mod session;
mod verifier;

use std::{fs, sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Mounting, Op, Provider, ProviderConfig, ProviderName, Result,
    SecretRef,
};
use mysql_async::SslOpts;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::Deserialize;

use crate::{
    access::Permissions,
    fingerprint::Fingerprints,
    issuer::Passwords,
    revoker::Removal,
    server::{Login, Server},
    verifier::Logins,
};

const PORT: u16 = 3306;

/// Seconds for one statement or login, unless `[network]` says otherwise.
const TIMEOUT: u64 = 30;

/// `type = "mysql"` in the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub host: String,
    /// 3306 unless told.
    #[serde(default)]
    pub port: Option<u16>,
    /// Who keysweep logs in as.
    pub user: String,
    pub password: SecretRef,
    /// TLS, with the system's authorities and that of `[network]`.
    #[serde(default)]
    pub tls: bool,
    /// Without it: `mysql_native_password` follows itself, and `ed25519` is not followed.
    #[serde(default)]
    pub successor: Option<Successor>,
}

/// By which plugin the new password is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Successor {
    /// Always `mysql_native_password`. All clients know it; it is weaker than `ed25519`.
    Native,
    /// `ed25519` follows `mysql_native_password` and the other way round. All consumers have to know both.
    Alternate,
}

#[async_trait]
impl ProviderConfig for Config {
    const TYPE: &'static str = "mysql";

    async fn mount(self, name: ProviderName, mounting: &Mounting) -> Result<Provider> {
        let wrong = |message: String, hint: &str| {
            Error::new(name.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
                .with_hint(hint)
        };
        let odd = |c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '[' | ']' | '#')
        };
        if self.host.is_empty() || self.host.contains(odd) {
            let hint = "write a name or an address alone, and the port by itself";
            return Err(wrong(format!("`{}` is no host", self.host), hint));
        }
        let tls = match self.tls {
            true => {
                let hint = "look at `ca` of `[network]`";
                Some(authorities(mounting).map_err(|message| wrong(message, hint))?)
            }
            false => None,
        };
        let password = mounting.resolve.resolve(&name, &self.password).await?;
        let server = Arc::new(Server {
            name: name.clone(),
            host: self.host,
            port: self.port.unwrap_or(PORT),
            own: Login { user: self.user, password },
            tls,
            timeout: Duration::from_secs(mounting.network.timeout.unwrap_or(TIMEOUT)),
            successor: self.successor,
            fingerprints: Fingerprints::default(),
        });
        Ok(Provider::new(name)
            .hosts([server.address()])
            .issuer(Passwords(server.clone()))
            .verifier(Logins(server.clone()))
            .revoker(Removal(server.clone()))
            .access(Permissions(server)))
    }
}

/// The system's certificate authorities, and those of `[network]`.
fn authorities(mounting: &Mounting) -> Result<SslOpts, String> {
    let mut found = rustls_native_certs::load_native_certs().certs;
    if let Some(path) = &mounting.network.ca {
        let path = mounting.folder.join(path);
        let shown = path.display();
        let pem = fs::read(&path).map_err(|error| format!("`{shown}` is not read: {error}"))?;
        let more = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        let more = more.map_err(|_| format!("`{shown}` is not PEM"))?;
        if more.is_empty() {
            return Err(format!("`{shown}` holds no certificate"));
        }
        found.extend(more);
    }
    // One that the library does not read would fail every connection.
    let mut roots = rustls::RootCertStore::empty();
    found.retain(|certificate| roots.add(certificate.clone()).is_ok());
    if found.is_empty() {
        return Err("no certificate authority is known".to_owned());
    }
    let found = found.into_iter().map(|certificate| certificate.to_vec().into());
    Ok(SslOpts::default().with_disable_built_in_roots(true).with_root_certs(found.collect()))
}
