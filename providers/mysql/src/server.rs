use std::{fmt, time::Duration};

use keysweep_sdk::{
    CredentialId, Effect, Error, ErrorKind, Op, PrincipalId, ProviderName, Result, SecretValue,
};
use mysql_async::SslOpts;

use crate::{
    Successor,
    account::{Account, Alternative, Authentication, Refusal},
    fault::Fault,
    fingerprint::Fingerprints,
    session::Session,
};

/// Who keysweep logs in as.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: SecretValue,
}

/// The server, and how it is talked to. Every call makes a connection of its own.
pub(crate) struct Server {
    pub(crate) name: ProviderName,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) own: Login,
    pub(crate) tls: Option<SslOpts>,
    pub(crate) timeout: Duration,
    pub(crate) successor: Option<Successor>,
    pub(crate) fingerprints: Fingerprints,
}

impl Server {
    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    pub(crate) fn account(&self, op: Op, principal: &PrincipalId) -> Result<Account> {
        Account::named(principal).ok_or_else(|| {
            self.error(op, ErrorKind::Invalid, format!("`{principal}` is no principal"))
                .with_hint("write `user/NAME@HOST`, as the server has it: `user/app@%`")
        })
    }

    /// Logged in as keysweep, to a MariaDB.
    pub(crate) async fn log_in(&self, op: Op) -> Result<Session> {
        let mut session = Session::open(self, &self.own.user, &self.own.password)
            .await
            .map_err(|fault| self.fault(op, &fault.of_own_login(), Effect::None))?;
        let version = session.version().await.map_err(|f| self.fault(op, &f, Effect::None))?;
        if version.contains("MariaDB") {
            return Ok(session);
        }
        let message = format!("`{}` is no MariaDB: MySQL is not served yet", self.address());
        Err(self.error(op, ErrorKind::Unsupported, message).with_hint(
            "rotate it by hand with `RETAIN CURRENT PASSWORD`, as a credential of type `manual`",
        ))
    }

    /// How the account lets in.
    pub(crate) async fn require(
        &self,
        op: Op,
        session: &mut Session,
        account: &Account,
    ) -> Result<Authentication> {
        let found = session.authentication(account).await;
        match found.map_err(|fault| self.fault(op, &fault, Effect::None))? {
            Some(authentication) => {
                authentication.sound().map_err(|refusal| self.refused(op, account, &refusal))?;
                Ok(authentication)
            }
            None => Err(self
                .error(op, ErrorKind::NotFound, format!("no account {account}"))
                .with_hint("an account is a user and a host, as `SELECT User, Host FROM mysql.user` lists it")),
        }
    }

    /// The id of one of its passwords.
    pub(crate) fn id(&self, account: &Account, alternative: &Alternative) -> CredentialId {
        self.fingerprints.id(account, alternative)
    }

    pub(crate) fn refused(&self, op: Op, account: &Account, refusal: &Refusal) -> Error {
        let (kind, message, hint) = match refusal {
            Refusal::NoPassword => (
                ErrorKind::Unsupported,
                format!("{account} is let in without a password"),
                "give it one first: `ALTER USER … IDENTIFIED BY …`".to_owned(),
            ),
            Refusal::Plugin(plugin) => (
                ErrorKind::Unsupported,
                format!("{account} is let in by `{plugin}`, which is not known here"),
                "only `mysql_native_password` and `ed25519` passwords are rotated".to_owned(),
            ),
            Refusal::OtherWays(plugin) => (
                ErrorKind::Unsupported,
                format!("{account} is also let in by `{plugin}`: a second password might not be asked for"),
                "give consumers an account of their own, with a password alone".to_owned(),
            ),
            Refusal::Full => (
                ErrorKind::LimitReached,
                format!("{account} has two passwords already"),
                "destroy the one that is not used: clients do not get as far as a third".to_owned(),
            ),
            Refusal::TwoEd25519 => (
                ErrorKind::Config,
                format!("{account} has an `ed25519` password, beside which clients find no second"),
                "say `successor = \"native\"`, or `\"alternate\"` where all consumers know both plugins"
                    .to_owned(),
            ),
        };
        self.error(op, kind, message).with_hint(hint)
    }

    pub(crate) fn error(&self, op: Op, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(self.name.clone(), op, kind, Effect::None, message)
    }

    /// `effect`: what a fault that came before the server could refuse may have changed.
    pub(crate) fn fault(&self, op: Op, fault: &Fault, effect: Effect) -> Error {
        fault.error(&self.name, op, &self.address(), effect)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.name)
            .field("address", &self.address())
            .field("own", &self.own)
            .field("tls", &self.tls.is_some())
            .field("timeout", &self.timeout)
            .field("successor", &self.successor)
            .finish_non_exhaustive()
    }
}
