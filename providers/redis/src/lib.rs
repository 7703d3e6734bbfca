//! Passwords of Redis ACL users.
//!
//! A principal is `user/NAME`. Redis keeps a set of SHA-256 hashes for each user and takes any password whose hash is in
//! it, so old and new work side by side. keysweep sends the hash of the password that it made up
//! (`ACL SETUSER NAME #hash`) and later takes the old hash away (`!hash`); a password goes over the wire only where a
//! consumer's would, in `AUTH`.
//!
//! * ACL users are **not replicated**: each node has its own. All nodes that consumers may reach are to be in `nodes`; a
//!   mint is refused where the server has more replicas than are listed.
//! * A change lives in memory until it is saved: with `ACL SAVE` where the server has an `aclfile`, else with
//!   `CONFIG REWRITE` where it was started from a file. Where it has neither, a mint is refused, since the old password
//!   would be back at the next start.
//! * Connections stay authenticated when their password is taken away; `end_sessions` closes them.
//! * Redis does not tell which password a connection used, nor when a password was used last, so there is no `usage`:
//!   `CLIENT LIST` only knows the user, and only now; `ACL LOG` only has what was refused.
//! * It cannot refuse one password for a while: there is no `disable`. `ACL SETUSER NAME off` refuses all of them.
//!
//! Redis 6 and later. <https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/>

mod access;
mod acl;
mod fault;
mod fingerprint;
mod issuer;
mod nodes;
mod persistence;
mod revoker;
mod session;
mod tls;
mod topology;
mod verifier;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Mounting, Op, Provider, ProviderConfig, ProviderName, Result,
    SecretRef,
};
use serde::Deserialize;

use crate::{
    access::Permissions,
    fingerprint::Fingerprints,
    issuer::Passwords,
    nodes::{Login, Node, Nodes},
    revoker::Removal,
    verifier::Logins,
};

const PORT: u16 = 6379;

/// Seconds for one call, unless `[network]` says otherwise.
const TIMEOUT: u64 = 30;

/// `type = "redis"` in the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub host: String,
    /// 6379 unless told.
    #[serde(default)]
    pub port: Option<u16>,
    /// Further nodes that have the same users, `host:port`: replicas, the nodes of a cluster.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// Who keysweep logs in as; `default` unless told.
    #[serde(default)]
    pub user: Option<String>,
    pub password: SecretRef,
    /// TLS, with the system's authorities and that of `[network]`.
    #[serde(default)]
    pub tls: bool,
    #[serde(default)]
    pub persistence: Persistence,
    /// The server has replicas or is one of a cluster, and those that are not in `nodes` are seen to by others.
    #[serde(default)]
    pub other_nodes_elsewhere: bool,
}

/// Who sees to it that a change survives a restart.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Persistence {
    /// keysweep, with what the server has for it.
    #[default]
    Server,
    /// Whatever writes the users when the server starts. It has to have the new hash, and not the old one.
    Elsewhere,
}

#[async_trait]
impl ProviderConfig for Config {
    const TYPE: &'static str = "redis";

    async fn mount(self, name: ProviderName, mounting: &Mounting) -> Result<Provider> {
        let wrong = |message: String, hint: &str| {
            Error::new(name.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
                .with_hint(hint)
        };
        let nodes = self.all().map_err(|(message, hint)| wrong(message, hint))?;
        let tls = match self.tls {
            true => Some(
                tls::connector(mounting)
                    .map_err(|message| wrong(message, "look at `ca` of `[network]`"))?,
            ),
            false => None,
        };
        let password = mounting.resolve.resolve(&name, &self.password).await?;
        let hosts = nodes.iter().map(ToString::to_string).collect::<Vec<_>>();
        let nodes = Arc::new(Nodes {
            name: name.clone(),
            nodes,
            own: Login { user: self.user.unwrap_or_else(|| "default".into()), password },
            tls,
            timeout: Duration::from_secs(mounting.network.timeout.unwrap_or(TIMEOUT)),
            persistence: self.persistence,
            other_nodes_elsewhere: self.other_nodes_elsewhere,
            fingerprints: Fingerprints::default(),
        });
        Ok(Provider::new(name)
            .hosts(hosts)
            .issuer(Passwords(nodes.clone()))
            .verifier(Logins(nodes.clone()))
            .revoker(Removal(nodes.clone()))
            .access(Permissions(nodes)))
    }
}

impl Config {
    /// All nodes, each once, or what is wrong and the way out.
    fn all(&self) -> Result<Vec<Node>, (String, &'static str)> {
        let hint = "write a name or an address alone, and the port by itself";
        let first = Node { host: self.host.clone(), port: self.port.unwrap_or(PORT) };
        let mut nodes = vec![first];
        for text in &self.nodes {
            let node = text
                .parse()
                .map_err(|()| (format!("`{text}` in `nodes` is no node"), "write `host:port`"))?;
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        match nodes.iter().find(|node| !node.is_dialable()) {
            Some(node) => Err((format!("`{}` is no host", node.host), hint)),
            None => Ok(nodes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &str) -> Result<Config, String> {
        toml::from_str(&format!("host = \"db\"\npassword = \"env:P\"\n{more}"))
            .map_err(|error: toml::de::Error| error.to_string())
    }

    #[test]
    fn a_node_is_dialled_once() {
        let config = config("nodes = [\"db:6379\", \"[::1]:7000\"]").unwrap();
        let nodes: Vec<_> = config.all().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(nodes, ["db:6379", "[::1]:7000"]);
    }

    #[test]
    fn what_is_no_node_and_what_is_no_option_is_refused() {
        for nodes in ["db", "db:", ":1", "redis://db:1", "u:p@db:1"] {
            assert!(config(&format!("nodes = [\"{nodes}\"]")).unwrap().all().is_err(), "{nodes}");
        }
        assert!(config("pasword = \"x\"").unwrap_err().contains("unknown field"));
        let literal = toml::from_str::<Config>("host = \"db\"\npassword = \"planted\"");
        assert!(!literal.unwrap_err().message().contains("planted"));
    }
}
