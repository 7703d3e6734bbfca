use std::time::Duration;

use keysweep_sdk::{
    CredentialId, Effect, ErrorKind, Op, PrincipalId, ProviderName, Purpose, Result, SecretValue,
};
use tokio::time::timeout;
use tokio_postgres::{
    NoTls,
    config::{ChannelBinding, SslMode as Negotiation},
};

use crate::{error::Here, roles::Roles, session::Session, tls::Tls};

/// The server, and who keysweep is there.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: ProviderName,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) verify_database: String,
    pub(crate) user: String,
    pub(crate) password: SecretValue,
    /// `None`: plain text.
    pub(crate) tls: Option<Tls>,
    /// For the login, and for each statement.
    pub(crate) timeout: Duration,
    pub(crate) replica_lag: Duration,
    pub(crate) roles: Roles,
}

/// Who logs in.
#[derive(Debug)]
pub(crate) struct Login<'a> {
    pub(crate) database: &'a str,
    pub(crate) user: &'a str,
    /// `None`: only to see whether one is asked for.
    pub(crate) password: Option<(&'a SecretValue, Purpose)>,
}

/// Why nobody is logged in.
#[derive(Debug)]
pub(crate) enum NoLogin {
    TimedOut,
    Refused(tokio_postgres::Error),
}

impl Server {
    pub(crate) fn here(&self, op: Op) -> Here<'_> {
        Here { name: &self.name, op }
    }

    /// Logs in with what is given and nothing else: no environment, no `.pgpass`, no service file is read.
    pub(crate) async fn login(&self, login: &Login<'_>) -> Result<Session, NoLogin> {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .dbname(login.database)
            .user(login.user)
            .application_name("keysweep")
            .connect_timeout(self.timeout);
        if let Some((password, purpose)) = login.password {
            config.password(password.expose_for(purpose));
        }
        let opening = async {
            match &self.tls {
                None => {
                    config.ssl_mode(Negotiation::Disable);
                    let (client, connection) = config.connect(NoTls).await?;
                    Ok(Session::new(client, connection, self.timeout))
                }
                Some(tls) => {
                    config.ssl_mode(Negotiation::Require);
                    if tls.bound {
                        config.channel_binding(ChannelBinding::Require);
                    }
                    let (client, connection) = config.connect(tls.connector.clone()).await?;
                    Ok(Session::new(client, connection, self.timeout))
                }
            }
        };
        match timeout(self.timeout, opening).await {
            Err(_) => Err(NoLogin::TimedOut),
            Ok(opened) => opened.map_err(NoLogin::Refused),
        }
    }

    /// Logs in as keysweep. Until a statement is sent there, nothing is changed.
    pub(crate) async fn own_session(&self, op: Op) -> Result<Session> {
        let here = self.here(op);
        let login = Login {
            database: &self.database,
            user: &self.user,
            password: Some((&self.password, Purpose::Authenticate)),
        };
        self.login(&login).await.map_err(|error| match error {
            NoLogin::TimedOut => here.timed_out(Effect::None, "the login"),
            NoLogin::Refused(error) => here.own_login(&self.user, &error),
        })
    }

    /// The roles of a principal of the configuration.
    pub(crate) fn roles_of(&self, op: Op, principal: &PrincipalId) -> Result<Vec<String>> {
        self.roles.of(principal).map_err(|why| self.here(op).nothing(ErrorKind::NotFound, why))
    }

    /// The role that this is the password of; otherwise an error of that kind.
    pub(crate) fn owner(
        &self,
        op: Op,
        principal: &PrincipalId,
        id: &CredentialId,
        otherwise: ErrorKind,
    ) -> Result<String> {
        self.roles_of(op, principal)?;
        let owner = self.roles.owner(principal, id);
        owner.map_err(|why| self.here(op).nothing(otherwise, why))
    }
}
