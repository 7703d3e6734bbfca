use std::{fmt, str::FromStr, time::Duration};

use keysweep_sdk::{
    CredentialId, Effect, Error, ErrorKind, Op, PrincipalId, ProviderName, Result, SecretValue,
};
use tokio_rustls::TlsConnector;

use crate::{
    Persistence,
    acl::User,
    fault::Fault,
    fingerprint::Fingerprints,
    persistence::{Saving, saving},
    session::Session,
};

/// One server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Node {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Who keysweep logs in as.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: SecretValue,
}

/// All servers that have the users, and how they are talked to. Every call makes connections of its own.
pub(crate) struct Nodes {
    pub(crate) name: ProviderName,
    pub(crate) nodes: Vec<Node>,
    pub(crate) own: Login,
    pub(crate) tls: Option<TlsConnector>,
    pub(crate) timeout: Duration,
    pub(crate) persistence: Persistence,
    pub(crate) other_nodes_elsewhere: bool,
    pub(crate) fingerprints: Fingerprints,
}

/// A user as each node has it, and the session that read it.
pub(crate) struct Found {
    pub(crate) session: Session,
    pub(crate) user: Option<User>,
}

impl Nodes {
    /// The name of the ACL user.
    pub(crate) fn user<'p>(&self, op: Op, principal: &'p PrincipalId) -> Result<&'p str> {
        let name = principal.as_str().strip_prefix("user/");
        // Redis takes no blank and no NUL in a name.
        let odd = |c: char| c.is_whitespace() || c.is_control();
        name.filter(|name| !name.is_empty() && !name.contains(odd)).ok_or_else(|| {
            self.error(op, ErrorKind::Invalid, format!("`{principal}` is no principal"))
                .with_hint("write `user/NAME`")
        })
    }

    /// Connected to a node, not logged in.
    pub(crate) async fn dial(&self, op: Op, node: &Node) -> Result<Session> {
        Session::dial(node, self.tls.as_ref(), self.timeout)
            .await
            .map_err(|fault| self.fault(op, node, &fault, Effect::None))
    }

    /// Logged in as keysweep.
    pub(crate) async fn log_in(&self, op: Op, node: &Node) -> Result<Session> {
        let session = self.dial(op, node).await?;
        session
            .authenticate(&self.own.user, &self.own.password)
            .await
            .map_err(|fault| self.fault(op, node, &fault.of_own_login(), Effect::None))?;
        Ok(session)
    }

    /// The user on all nodes. Changes nothing.
    pub(crate) async fn find(&self, op: Op, user: &str) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for node in &self.nodes {
            let session = self.log_in(op, node).await?;
            let user = session
                .user(user)
                .await
                .map_err(|fault| self.fault(op, node, &fault, Effect::None))?;
            found.push(Found { session, user });
        }
        Ok(found)
    }

    /// The user on all nodes, on each of which it has to be, with passwords that mean something.
    pub(crate) async fn require(
        &self,
        op: Op,
        principal: &PrincipalId,
    ) -> Result<Vec<(Session, User)>> {
        let name = self.user(op, principal)?;
        let mut required = Vec::new();
        for Found { session, user } in self.find(op, name).await? {
            let node = session.node();
            let Some(user) = user else {
                let message = format!("no user `{name}` on `{node}`");
                return Err(self
                    .error(op, ErrorKind::NotFound, message)
                    .with_hint("each node has its own users: make it there, or look at `nodes`"));
            };
            if user.nopass {
                let message = format!("`{name}` on `{node}` lets everybody in, with any password");
                return Err(self.error(op, ErrorKind::Unsupported, message).with_hint(format!(
                    "take `nopass` away first: `ACL SETUSER {name} resetpass #<sha256>`"
                )));
            }
            required.push((session, user));
        }
        Ok(required)
    }

    /// The id of a hash of the user.
    pub(crate) fn id(&self, principal: &PrincipalId, hash: &str) -> CredentialId {
        self.fingerprints.id(principal, hash)
    }

    /// How a change is saved on a node. `None`: it would be lost.
    pub(crate) async fn saving(&self, op: Op, session: &Session) -> Result<Option<Saving>> {
        match self.persistence {
            Persistence::Elsewhere => Ok(Some(Saving::Elsewhere)),
            Persistence::Server => saving(session)
                .await
                .map_err(|fault| self.fault(op, session.node(), &fault, Effect::None)),
        }
    }

    pub(crate) fn error(&self, op: Op, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(self.name.clone(), op, kind, Effect::None, message)
    }

    /// `effect`: what a fault that came before the server could refuse may have changed.
    pub(crate) fn fault(&self, op: Op, node: &Node, fault: &Fault, effect: Effect) -> Error {
        fault.error(&self.name, op, node, effect)
    }
}

impl Node {
    pub(crate) fn is_dialable(&self) -> bool {
        let odd = |c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '[' | ']' | '#')
        };
        !self.host.is_empty() && !self.host.contains(odd)
    }
}

impl FromStr for Node {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (host, port) = text.rsplit_once(':').ok_or(())?;
        let plain = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let node = Self { host: plain.unwrap_or(host).into(), port: port.parse().map_err(|_| ())? };
        if node.is_dialable() { Ok(node) } else { Err(()) }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nodes")
            .field("name", &self.name)
            .field("nodes", &self.nodes)
            .field("own", &self.own)
            .field("tls", &self.tls.is_some())
            .field("timeout", &self.timeout)
            .field("persistence", &self.persistence)
            .finish_non_exhaustive()
    }
}
