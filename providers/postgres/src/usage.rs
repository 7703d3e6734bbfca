use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use keysweep_sdk::{CredentialId, Cx, ErrorKind, Op, PrincipalId, Result, Usage, UsageLimits, Use};

use crate::{
    catalog::{self, field},
    error::Here,
    server::Server,
    session::Session,
};

/// PostgreSQL keeps no last use: what is told are the sessions that are there at the moment. A login that came and went
/// between two looks is not seen, so a look stands for no more than its surroundings.
const LOOK: Duration = Duration::from_secs(300);

#[derive(Clone, Debug)]
pub(crate) struct PostgresUsage(pub(crate) Arc<Server>);

#[async_trait]
impl Usage for PostgresUsage {
    fn limits(&self) -> UsageLimits {
        UsageLimits { granularity: LOOK, lag: Duration::ZERO, tells_source: true }
    }

    /// The latest activity in the role's sessions that are there now, and who that one is; `None` where there is none
    /// now, whatever was before.
    async fn last_use(&self, _cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<Use> {
        let here = self.0.here(Op::LastUse);
        let role = self.0.owner(Op::LastUse, principal, id, ErrorKind::NotFound)?;
        let session = self.0.own_session(Op::LastUse).await?;
        let row = catalog::row(&session, here, &role).await?;
        if !row.is_some_and(|row| row.holds(id)) {
            let message = format!("the password `{id}` is gone");
            return Err(here.nothing(ErrorKind::NotFound, message));
        }
        let used = sessions(&session, here, &role).await;
        session.close().await;
        used
    }
}

const SESSIONS: &str = "
SELECT (extract(epoch FROM greatest(backend_start, state_change)) * 1000000)::int8 AS at,
  concat_ws(' ', nullif(application_name, ''), 'from', coalesce(host(client_addr), 'a socket'))
    AS source
FROM pg_catalog.pg_stat_activity
WHERE usename::text = $1 AND pid <> pg_backend_pid()
ORDER BY greatest(backend_start, state_change) DESC NULLS FIRST";

/// Asked apart, since a role without sessions shows nothing to anybody.
const MAY_SEE: &str = "
SELECT pg_has_role('pg_read_all_stats', 'usage') OR pg_has_role(oid, 'usage') AS may
FROM pg_catalog.pg_roles WHERE rolname::text = $1";

async fn sessions(session: &Session, here: Here<'_>, role: &str) -> Result<Use> {
    let may = session.query(here, MAY_SEE, &[&role]).await?;
    let may = may.first().map(|row| field::<bool>(row, here, "may")).transpose()?;
    if may == Some(false) {
        return Err(hidden(here, role));
    }
    let rows = session.query(here, SESSIONS, &[&role]).await?;
    let Some(latest) = rows.first() else { return Ok(Use::default()) };
    // A session that keysweep may not see into has no times, and comes first.
    let Some(at) = field::<Option<i64>>(latest, here, "at")? else {
        return Err(hidden(here, role));
    };
    Ok(Use {
        at: Timestamp::from_microsecond(at).ok(),
        source: Some(field(latest, here, "source")?),
    })
}

fn hidden(here: Here<'_>, role: &str) -> keysweep_sdk::Error {
    let message = format!("the sessions of `{role}` may not be seen");
    let error = here.nothing(ErrorKind::PermissionDenied, message);
    error.with_hint("GRANT pg_read_all_stats TO the role that keysweep is")
}
