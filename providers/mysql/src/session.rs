//! One connection.

use std::time::Duration;

use keysweep_sdk::{Purpose, SecretValue};
use mysql_async::{
    Conn, OptsBuilder, Params,
    prelude::{FromRow, Queryable},
};
use tokio::time;

use crate::{
    account::{Account, Authentication},
    fault::{Fault, code},
    grants::Grants,
    server::Server,
};

/// No answer here is longer.
const PACKET: usize = 16 * 1024 * 1024;

/// A connection that ends with this handle. It is never made again by itself, and nothing is sent twice.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Conn,
    timeout: Duration,
}

impl Session {
    pub(crate) async fn open(
        server: &Server,
        user: &str,
        password: &SecretValue,
    ) -> Result<Self, Fault> {
        let options = OptsBuilder::default()
            .ip_or_hostname(server.host.clone())
            .tcp_port(server.port)
            .user(Some(user))
            .pass(Some(password.expose_for(Purpose::Authenticate)))
            .ssl_opts(server.tls.clone())
            // Over TCP as told, and without a question before the first.
            .prefer_socket(false)
            .max_allowed_packet(Some(PACKET))
            .wait_timeout(Some(300))
            .stmt_cache_size(0)
            .enable_cleartext_plugin(false);
        let connection = time::timeout(server.timeout, Conn::new(options))
            .await
            .map_err(|_| Fault::TimedOut)?
            .map_err(Fault::of_opening)?;
        Ok(Self { connection, timeout: server.timeout })
    }

    /// Says good-bye. A connection that is not told is noted in the server's log.
    pub(crate) async fn close(self) {
        let _ = time::timeout(self.timeout, self.connection.disconnect()).await;
    }

    pub(crate) async fn run(&mut self, statement: &str) -> Result<(), Fault> {
        time::timeout(self.timeout, self.connection.query_drop(statement))
            .await
            .map_err(|_| Fault::TimedOut)?
            .map_err(Fault::from)
    }

    /// Changes an account. The general error that it cannot be done hides the reason, which the server lists beside it.
    pub(crate) async fn alter(&mut self, statement: &str) -> Result<(), Fault> {
        let fault = match self.run(statement).await {
            Err(fault) if fault.code() == Some(code::CANNOT_USER) => fault,
            done => return done,
        };
        let listed = self.connection.query::<(String, u16, String), _>("SHOW WARNINGS");
        let reason = match time::timeout(self.timeout, listed).await {
            Ok(Ok(listed)) => {
                listed.into_iter().find(|one| one.0 == "Error" && one.1 != code::CANNOT_USER)
            }
            // It refused; only the reason is not known.
            Ok(Err(_)) | Err(_) => None,
        };
        Err(reason.map_or(fault, |(_, code, _)| Fault::Refused(code)))
    }

    /// All rows. Parameters are sent apart from the statement.
    pub(crate) async fn rows<R: FromRow + Send + 'static>(
        &mut self,
        statement: &str,
        parameters: impl Into<Params>,
    ) -> Result<Vec<R>, Fault> {
        let rows = self.connection.exec(statement, parameters.into());
        let rows: Vec<mysql_async::Row> = time::timeout(self.timeout, rows)
            .await
            .map_err(|_| Fault::TimedOut)?
            .map_err(Fault::from)?;
        rows.into_iter()
            .map(|row| R::from_row_opt(row).map_err(|_| Fault::Odd("a row of another form")))
            .collect()
    }

    /// The one value of the one row.
    pub(crate) async fn one<T>(
        &mut self,
        statement: &str,
        parameters: impl Into<Params>,
    ) -> Result<Option<T>, Fault>
    where
        (Option<T>,): FromRow + Send + 'static,
    {
        let rows = self.rows::<(Option<T>,)>(statement, parameters).await?;
        Ok(rows.into_iter().next().and_then(|(value,)| value))
    }

    pub(crate) async fn version(&mut self) -> Result<String, Fault> {
        let version = self.one("SELECT VERSION()", ()).await?;
        version.ok_or(Fault::Odd("no version"))
    }

    /// `None`: no such account.
    pub(crate) async fn authentication(
        &mut self,
        account: &Account,
    ) -> Result<Option<Authentication>, Fault> {
        let statement = "SELECT Priv FROM mysql.global_priv WHERE User = ? AND Host = ?";
        let parameters = (account.user.as_str(), account.host.as_str());
        match self.one::<String>(statement, parameters).await? {
            None => Ok(None),
            Some(json) => Authentication::read(&json)
                .ok_or(Fault::Odd("an entry of `mysql.global_priv` that is not understood")),
        }
    }

    /// Keeps other keysweeps from the account, as long as this connection is there. `false`: one is at it.
    pub(crate) async fn lock(&mut self, account: &Account) -> Result<bool, Fault> {
        let name = format!("{}@{}", account.user, account.host);
        let statement = "SELECT GET_LOCK(CONCAT('keysweep ', SHA1(?)), 2)";
        Ok(self.one::<i64>(statement, (name,)).await? == Some(1))
    }

    /// What keysweep's own account may do.
    pub(crate) async fn grants(&mut self) -> Result<Grants, Fault> {
        let rows = self.rows::<(String,)>("SHOW GRANTS", ()).await?;
        Ok(Grants::read(rows.iter().map(|(line,)| line.as_str())))
    }
}
