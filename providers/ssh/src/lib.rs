//! `authorized_keys` as an issuer of SSH keys.
//!
//! A principal is `user/NAME`; a credential is a key in the file that lets NAME in, by the SHA-256 fingerprint of its
//! public half. keysweep makes the pair, adds the line beside the old one, and later comments the old line out
//! (reversible) or removes it. The options of the replaced line (`from=`, `command=`, `restrict` …) go on the new one.
//!
//! The file is a local one, or one on a host that the system's `ssh` reaches. There the edit is a script that is sent
//! on standard input, compares the file with what was read, and renames the new one over it. Nothing of a private key
//! ever goes there, nor on a command line or to a disk.
//!
//! What it does not see: keys that sshd takes from elsewhere (`AuthorizedKeysCommand`, a second file, certificates of a
//! trusted authority). Over ssh, a verification logs in and so notices when one of those still lets an old key in.
//! For a local file the verdict is what the file says, nothing more.

mod access;
mod agent;
mod issuer;
mod keys;
mod line;
mod local;
mod login;
mod remote;
mod revoker;
mod script;
mod target;
mod verifier;

use std::{env, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Mounting, Op, Provider, ProviderConfig, ProviderName, Result,
};
use serde::Deserialize;

use crate::{
    access::Permissions,
    issuer::AuthorizedKeys,
    local::Local,
    login::Login,
    remote::Remote,
    revoker::Lines,
    target::{Accounts, Target},
    verifier::Logins,
};

/// Seconds for one connection with all that is done on it, unless `[network]` says otherwise.
const TIMEOUT: u64 = 30;

/// Where the file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    Local,
    Ssh,
}

/// `type = "ssh"` in the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub target: Place,
    /// The file. `%u` in it stands for the NAME of the principal `user/NAME`, as in sshd's `AuthorizedKeysFile`; without
    /// it the file is the one of `user`. A relative one counts from the folder of the configuration, or on a host from
    /// the home of `user`, where it is `.ssh/authorized_keys` unless told.
    #[serde(default)]
    pub path: Option<String>,
    /// Whose file it is; on a host, who keysweep logs in as.
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub host: Option<String>,
    /// 22 unless told.
    #[serde(default)]
    pub port: Option<u16>,
    /// The private key file that keysweep logs in with. Without it: what the agent of the environment holds.
    #[serde(default)]
    pub identity: Option<PathBuf>,
    /// The known hosts; ssh's own unless told. A host that is not in it is not talked to.
    #[serde(default)]
    pub known_hosts: Option<PathBuf>,
    /// A configuration of ssh, for a jump host. Without it none is read.
    #[serde(default)]
    pub ssh_config: Option<PathBuf>,
}

#[async_trait]
impl ProviderConfig for Config {
    const TYPE: &'static str = "ssh";

    async fn mount(self, name: ProviderName, mounting: &Mounting) -> Result<Provider> {
        let (target, hosts) = self.target(mounting).map_err(|(message, hint)| {
            Error::new(name.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
                .with_hint(hint)
        })?;
        let target = Arc::new(target);
        Ok(Provider::new(name.clone())
            .hosts(hosts)
            .issuer(AuthorizedKeys { name: name.clone(), target: target.clone() })
            .revoker(Lines { name: name.clone(), target: target.clone() })
            .verifier(Logins { name: name.clone(), target: target.clone() })
            .access(Permissions { name, target }))
    }
}

/// What is wrong, and the way out.
type Wrong = (String, &'static str);

impl Config {
    fn target(self, mounting: &Mounting) -> Result<(Target, Vec<String>), Wrong> {
        let user = self.user.clone();
        if user.as_deref().is_some_and(|user| !target::is_name(user)) {
            return Err(("`user` is no name of a user".into(), "write letters, digits and `_.-`"));
        }
        match self.target {
            Place::Local => self.local(mounting),
            Place::Ssh => self.remote(mounting),
        }
    }

    fn local(self, mounting: &Mounting) -> Result<(Target, Vec<String>), Wrong> {
        let Self { host, port, identity, known_hosts, ssh_config, .. } = &self;
        if host.is_some()
            || port.is_some()
            || identity.is_some()
            || known_hosts.is_some()
            || ssh_config.is_some()
        {
            let hint = "say `target = \"ssh\"`, or take `host`, `port`, `identity`, `known_hosts` and `ssh_config` out";
            return Err(("a local file needs no host".into(), hint));
        }
        let path =
            self.path.ok_or(("`path` is missing".into(), "name the authorized_keys file"))?;
        let path = mounting.folder.join(expanded(&path)).to_string_lossy().into_owned();
        let accounts = Accounts::new(path, self.user)?;
        Ok((Target::Local(Local { accounts }), Vec::new()))
    }

    fn remote(self, mounting: &Mounting) -> Result<(Target, Vec<String>), Wrong> {
        let host = self.host.ok_or(("`host` is missing".into(), "name the host to log in to"))?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == '@';
        if host.is_empty() || host.starts_with('-') || host.contains(odd) {
            return Err(("`host` is no host".into(), "write a name or an address alone"));
        }
        let user = self.user.ok_or(("`user` is missing".into(), "name who is to log in"))?;
        let path = self.path.unwrap_or_else(|| ".ssh/authorized_keys".to_owned());
        let local = |path: PathBuf| mounting.folder.join(expanded(&path.to_string_lossy()));
        let port = self.port.unwrap_or(22);
        let timeout = Duration::from_secs(mounting.network.timeout.unwrap_or(TIMEOUT));
        let login = Login {
            host: host.clone(),
            port,
            identity: self.identity.map(local),
            known_hosts: self.known_hosts.map(local),
            ssh_config: self.ssh_config.map(local),
            timeout,
        };
        let accounts = Accounts::new(path, Some(user.clone()))?;
        Ok((Target::Remote(Remote { accounts, login, user }), vec![format!("{host}:{port}")]))
    }
}

/// `~/` is the home of who runs keysweep.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}
