use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use keysweep_sdk::{Access, Cx, ErrorKind, Grant, Need, Op, PrincipalId, Result};
use postgres_protocol::escape::escape_identifier;

use crate::{catalog::field, server::Server};

#[derive(Clone, Debug)]
pub(crate) struct PostgresAccess(pub(crate) Arc<Server>);

/// What keysweep's role may do to another. Since 16 `CREATEROLE` reaches only roles that it has `ADMIN` on; before, all
/// but superusers, and those for replication.
/// <https://www.postgresql.org/docs/current/role-attributes.html>
const ABOUT: &str = "
SELECT current_setting('server_version_num')::int4 >= 160000 AS by_admin,
  me.rolsuper AS super, me.rolcreaterole AS createrole,
  pg_has_role('pg_signal_backend', 'usage') AS signal,
  pg_has_role('pg_read_all_stats', 'usage') AS stats
FROM pg_catalog.pg_roles me WHERE me.rolname = current_user";

const ROLE: &str = "
SELECT rolsuper AS super, rolreplication AS replication,
  pg_has_role(oid, 'member with admin option') AS admin, pg_has_role(oid, 'usage') AS usage
FROM pg_catalog.pg_roles WHERE rolname::text = $1";

#[async_trait]
impl Access for PostgresAccess {
    async fn check(&self, _cx: &Cx, needs: &[Need]) -> Result<Vec<Grant>> {
        let here = self.0.here(Op::Check);
        let wanted = self.wanted(needs)?;
        let session = self.0.own_session(Op::Check).await?;
        let about = session.query(here, ABOUT, &[]).await?;
        let Some(me) = about.first() else {
            return Err(here.nothing(ErrorKind::Unexpected, "keysweep's own role is not listed"));
        };
        let is = |name| field::<bool>(me, here, name);
        let mut grants = Vec::new();
        for (role, rotate) in wanted {
            let grant = |permission: &str, held| Grant {
                permission: permission.to_owned(),
                held: Some(held),
                on: format!("role {role}"),
            };
            let rows = session.query(here, ROLE, &[&role]).await?;
            let Some(row) = rows.first() else {
                grants.push(grant("the role exists", false));
                continue;
            };
            if !rotate {
                continue;
            }
            let of = |name| field::<bool>(row, here, name);
            let all = is("super")?;
            if of("super")? || of("replication")? && !is("by_admin")? {
                grants.push(grant("SUPERUSER", all));
            } else {
                grants.push(grant("CREATEROLE", all || is("createrole")?));
            }
            if is("by_admin")? {
                grants.push(grant("ADMIN OPTION", all || of("admin")?));
            }
            grants.push(grant("pg_signal_backend", all || is("signal")? || of("usage")?));
            grants.push(grant("pg_read_all_stats", all || is("stats")? || of("usage")?));
        }
        session.close().await;
        Ok(grants)
    }

    fn policy(&self, needs: &[Need]) -> String {
        let rotated = self.wanted(needs).unwrap_or_default();
        let roles: Vec<_> = rotated.iter().filter(|(_, rotate)| *rotate).collect();
        let me = escape_identifier(&self.0.user);
        let mut sql = format!("ALTER ROLE {me} LOGIN NOSUPERUSER;\n");
        if roles.is_empty() {
            sql.push_str("-- to look at roles needs no grant\n");
            return sql;
        }
        sql.push_str(&format!(
            "-- before version 16 this reaches every role but superusers\n\
             ALTER ROLE {me} CREATEROLE;\n\
             GRANT pg_signal_backend, pg_read_all_stats TO {me};\n\
             -- version 16 and later, by a superuser or who created the roles:\n"
        ));
        for (role, _) in roles {
            let role = escape_identifier(role);
            sql.push_str(&format!(
                "GRANT {role} TO {me} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;\n"
            ));
        }
        sql
    }
}

impl PostgresAccess {
    /// The roles that are meant, and whether they are to be rotated.
    fn wanted(&self, needs: &[Need]) -> Result<BTreeSet<(String, bool)>> {
        let mut wanted = BTreeSet::new();
        for need in needs {
            let (principal, rotate): (&PrincipalId, bool) = match need {
                Need::Snapshot(principal) => (principal, false),
                Need::Rotate(principal) => (principal, true),
                // It has no placements.
                Need::Stat(_) | Need::Place(_) => continue,
            };
            let roles = self.0.roles_of(Op::Check, principal)?;
            wanted.extend(roles.into_iter().map(|role| (role, rotate)));
        }
        let rotated = |role: &str| wanted.contains(&(role.to_owned(), true));
        Ok(wanted.iter().filter(|(role, rotate)| *rotate || !rotated(role)).cloned().collect())
    }
}
