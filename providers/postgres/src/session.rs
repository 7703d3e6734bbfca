use std::{fmt, future::Future, time::Duration};

use keysweep_sdk::{Effect, Purpose, Result, SecretValue};
use postgres_protocol::escape::escape_literal;
use tokio::{io, task::JoinHandle, time::timeout};
use tokio_postgres::{Client, Connection, Row, types::ToSql};

use crate::error::Here;

/// How long the goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// One login. Each statement is bounded.
pub(crate) struct Session {
    client: Client,
    connection: Ending,
    timeout: Duration,
}

/// The task that moves the bytes; it ends with its session, also where the server says nothing any more.
struct Ending(JoinHandle<()>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    pub(crate) fn new<S, T>(client: Client, connection: Connection<S, T>, timeout: Duration) -> Self
    where
        S: io::AsyncRead + io::AsyncWrite + Unpin + Send + 'static,
        T: io::AsyncRead + io::AsyncWrite + Unpin + Send + 'static,
    {
        // What ends the connection is told to whoever waits for an answer on it.
        let connection = tokio::spawn(async { drop(connection.await) });
        Self { client, connection: Ending(connection), timeout }
    }

    /// Asks; changes nothing.
    pub(crate) async fn query(
        &self,
        here: Here<'_>,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        self.bounded(here, Effect::None, self.client.query(sql, parameters)).await
    }

    /// Opens a transaction that one keysweep at a time has for this role. Nothing in it takes effect before `commit`.
    pub(crate) async fn begin(&self, here: Here<'_>, role: &str) -> Result<()> {
        let lock = escape_literal(&format!("keysweep role {role}"));
        let most = self.timeout.as_millis();
        // A statement that is no longer waited for must not take effect late. And a commit that was answered must
        // outlive a crash, also where the server was told to be quick.
        let sql = format!(
            "BEGIN; SET LOCAL statement_timeout = {most}; SET LOCAL lock_timeout = {most}; \
             SELECT set_config('synchronous_commit', 'on', true) \
               WHERE current_setting('synchronous_commit') = 'off'; \
             SELECT pg_advisory_xact_lock(hashtextextended({lock}, 0))"
        );
        self.bounded(here, Effect::None, self.client.batch_execute(&sql)).await
    }

    /// Does it and commits, in one message: what is lost is lost as a whole.
    pub(crate) async fn commit(&self, here: Here<'_>, statements: &SecretValue) -> Result<()> {
        let sql = SecretValue::new(format!("{}; COMMIT", statements.expose_for(Purpose::Mint)));
        let sent = self.client.batch_execute(sql.expose_for(Purpose::Mint));
        self.bounded(here, Effect::Unknown, sent).await
    }

    /// Sends something outside of a transaction that may have had an effect when it fails.
    pub(crate) async fn act(
        &self,
        here: Here<'_>,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        self.bounded(here, Effect::Unknown, self.client.query(sql, parameters)).await
    }

    async fn bounded<T>(
        &self,
        here: Here<'_>,
        unanswered: Effect,
        call: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        match timeout(self.timeout, call).await {
            Err(_) => Err(here.timed_out(unanswered, "the statement")),
            Ok(answer) => answer.map_err(|error| here.statement(&error, unanswered)),
        }
    }

    /// Logs out, so that the session is not taken for somebody's use.
    pub(crate) async fn close(self) {
        let Self { client, mut connection, .. } = self;
        drop(client);
        let _ = timeout(GOODBYE, &mut connection.0).await;
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
