use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use keysweep_sdk::{
    CredentialId, Cx, Effect, ErrorKind, Op, PrincipalId, Result, Revoker, RevokerLimits,
    SecretValue, Sessions,
};
use postgres_protocol::escape::{escape_identifier, escape_literal};

use crate::{
    catalog::{self, RoleRow, field},
    error::Here,
    mark::Mark,
    server::Server,
    session::Session,
};

/// A session has no end of its own; a year stands for that.
const UNBOUNDED: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Clone, Debug)]
pub(crate) struct PostgresRevoker(pub(crate) Arc<Server>);

/// A transaction in which the role still has the password in question.
struct Open<'a> {
    here: Here<'a>,
    session: Session,
    row: RoleRow,
}

#[async_trait]
impl Revoker for PostgresRevoker {
    fn limits(&self) -> RevokerLimits {
        RevokerLimits {
            reversible: true,
            dead_within: self.0.replica_lag,
            sessions: Some(Sessions {
                survive: UNBOUNDED,
                can_end: true,
                ended_by: "pg_terminate_backend".to_owned(),
            }),
        }
    }

    /// `NOLOGIN`. Sessions go on.
    async fn disable(&self, _cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let Some(open) = self.open(Op::Disable, principal, id).await? else { return Ok(()) };
        let role = escape_identifier(&open.row.name);
        open.commit(format!("ALTER ROLE {role} NOLOGIN")).await
    }

    async fn enable(&self, _cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let Some(open) = self.open(Op::Enable, principal, id).await? else {
            let message = format!("the password `{id}` is gone");
            return Err(self.0.here(Op::Enable).nothing(ErrorKind::NotFound, message));
        };
        let role = escape_identifier(&open.row.name);
        open.commit(format!("ALTER ROLE {role} LOGIN")).await
    }

    /// `PASSWORD NULL NOLOGIN`. Sessions go on, and the role stays, to be used again.
    async fn destroy(&self, _cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let Some(open) = self.open(Op::Destroy, principal, id).await? else { return Ok(()) };
        let role = escape_identifier(&open.row.name);
        let comment = escape_literal(&Mark::Gone.written(open.row.comment.as_deref()));
        let statements =
            format!("ALTER ROLE {role} NOLOGIN PASSWORD NULL; COMMENT ON ROLE {role} IS {comment}");
        open.commit(statements).await
    }

    /// Ends the role's sessions that began before then, with whatever password: which one a session was made with is
    /// not kept. The server's clock is compared with this one's, so that theirs may differ.
    async fn end_sessions(
        &self,
        _cx: &Cx,
        principal: &PrincipalId,
        id: &CredentialId,
        before: Timestamp,
    ) -> Result<()> {
        let here = self.0.here(Op::EndSessions);
        let role = self.0.owner(Op::EndSessions, principal, id, ErrorKind::Invalid)?;
        let session = self.0.own_session(Op::EndSessions).await?;
        let ended = end(&session, here, &role, before, self.0.timeout).await;
        session.close().await;
        ended
    }
}

impl PostgresRevoker {
    /// `None`: the role has another password, or none, or is gone; there is nothing to be done to it.
    async fn open(
        &self,
        op: Op,
        principal: &PrincipalId,
        id: &CredentialId,
    ) -> Result<Option<Open<'_>>> {
        let here = self.0.here(op);
        let role = self.0.owner(op, principal, id, ErrorKind::Invalid)?;
        if role == self.0.user && op != Op::Enable {
            let message = format!("`{role}` is who keysweep itself is");
            let error = here.nothing(ErrorKind::Invalid, message);
            return Err(error.with_hint("mount the server as another role to do this"));
        }
        let session = self.0.own_session(op).await?;
        session.begin(here, &role).await?;
        match catalog::row(&session, here, &role).await?.filter(|row| row.holds(id)) {
            Some(row) => Ok(Some(Open { here, session, row })),
            None => {
                session.close().await;
                Ok(None)
            }
        }
    }
}

impl Open<'_> {
    async fn commit(self, statements: String) -> Result<()> {
        self.session.commit(self.here, &SecretValue::new(statements)).await?;
        self.session.close().await;
        Ok(())
    }
}

/// A row without a start is one that keysweep may not see into.
const SESSIONS: &str = "
SELECT count(*) FILTER (WHERE backend_start IS NULL) AS hidden,
  count(*) FILTER (WHERE backend_start < timestamptz 'epoch' + $2::int8 * interval '1 microsecond') AS old
FROM pg_catalog.pg_stat_activity WHERE usename::text = $1 AND pid <> pg_backend_pid()";

const MAY_SIGNAL: &str = "
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8 AS now,
  (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
  OR pg_has_role('pg_signal_backend', 'usage') OR pg_has_role(oid, 'usage') AS may
FROM pg_catalog.pg_roles WHERE rolname::text = $1";

const END: &str = "
SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE usename::text = $1 AND pid <> pg_backend_pid()
  AND backend_start < timestamptz 'epoch' + $2::int8 * interval '1 microsecond'";

async fn end(
    session: &Session,
    here: Here<'_>,
    role: &str,
    before: Timestamp,
    patience: Duration,
) -> Result<()> {
    let asked = Timestamp::now();
    let about = session.query(here, MAY_SIGNAL, &[&role]).await?;
    let Some(about) = about.first() else { return Ok(()) };
    let server_now: i64 = field(about, here, "now")?;
    let before = before.as_microsecond() + (server_now - asked.as_microsecond());
    let (hidden, _) = sessions(session, here, role, before).await?;
    let may: bool = field(about, here, "may")?;
    if hidden > 0 || !may {
        let message = format!("the sessions of `{role}` may not be seen and ended");
        return Err(here
            .nothing(ErrorKind::PermissionDenied, message)
            .with_hint("GRANT pg_read_all_stats, pg_signal_backend TO the role that keysweep is"));
    }
    let rounds = 20;
    for _ in 0..rounds {
        session.act(here, END, &[&role, &before]).await?;
        if sessions(session, here, role, before).await?.1 == 0 {
            return Ok(());
        }
        tokio::time::sleep(patience.min(Duration::from_secs(5)) / rounds).await;
    }
    let message = format!("sessions of `{role}` were told to end and are still there");
    Err(here.error(ErrorKind::Unavailable, Effect::Unknown, message))
}

/// How many cannot be seen into, and how many began before.
async fn sessions(
    session: &Session,
    here: Here<'_>,
    role: &str,
    before: i64,
) -> Result<(i64, i64)> {
    let rows = session.query(here, SESSIONS, &[&role, &before]).await?;
    let Some(row) = rows.first() else { return Ok((0, 0)) };
    Ok((field(row, here, "hidden")?, field(row, here, "old")?))
}
