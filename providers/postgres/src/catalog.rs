//! What the catalogs say of roles. All of it but `pg_authid` is open to every role.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keysweep_sdk::{CredentialId, ErrorKind, Live, LiveState, Result};
use tokio_postgres::Row;

use crate::{
    error::Here,
    mark::{Mark, UNMARKED},
    roles::id_of,
    session::Session,
};

/// SCRAM came with 10, `sha256` and `hashtextextended` with 11. An older server would take a verifier for a password.
const OLDEST: i32 = 110_000;

/// What a role is, as far as rotation cares.
#[derive(Clone, Debug)]
pub(crate) struct RoleRow {
    pub(crate) name: String,
    pub(crate) login: bool,
    /// Whether it has a password; `None`: only a superuser may see.
    has_password: Option<bool>,
    valid_until: Option<Timestamp>,
    /// By the server's clock.
    pub(crate) expired: bool,
    pub(crate) comment: Option<String>,
    pub(crate) scope: BTreeMap<String, String>,
}

impl RoleRow {
    /// The password that it has, as far as that can be told.
    pub(crate) fn live(&self) -> Option<Live> {
        let generation = match Mark::read(self.comment.as_deref()) {
            _ if self.has_password == Some(false) => return None,
            Mark::Generation(generation) => generation,
            Mark::None => UNMARKED.to_owned(),
            // Taken away by keysweep; that it works again was somebody else.
            Mark::Gone if self.login || self.has_password == Some(true) => UNMARKED.to_owned(),
            Mark::Gone => return None,
        };
        let works = self.login && !self.expired;
        Some(Live {
            id: id_of(&self.name, &generation),
            state: if works { LiveState::Active } else { LiveState::Inactive },
            created: None,
            expires: self.valid_until,
            marker: None,
            scope: self.scope.clone(),
        })
    }

    pub(crate) fn holds(&self, id: &CredentialId) -> bool {
        self.live().is_some_and(|live| live.id == *id)
    }
}

/// The rows of these roles; a role that is not there has none.
pub(crate) async fn rows(
    session: &Session,
    here: Here<'_>,
    names: &[String],
) -> Result<Vec<RoleRow>> {
    let seen = session.query(here, ABOUT, &[]).await?;
    let about = seen.first().ok_or_else(|| unreadable(here))?;
    let version: i32 = field(about, here, "version")?;
    if version < OLDEST {
        let message = format!("the server has version {version}, and 11 (110000) is the oldest");
        return Err(here.nothing(ErrorKind::Unsupported, message));
    }
    let sql = if field(about, here, "passwords")? {
        ROLES.replace("{has_password}", HAS_PASSWORD)
    } else {
        ROLES.replace("{has_password}", "NULL::bool")
    };
    let rows = session.query(here, &sql, &[&names]).await?;
    rows.iter().map(|row| read(row, here)).collect()
}

pub(crate) async fn row(session: &Session, here: Here<'_>, name: &str) -> Result<Option<RoleRow>> {
    Ok(rows(session, here, &[name.to_owned()]).await?.pop())
}

/// A column, or an error in place of the client's panic.
pub(crate) fn field<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    here: Here<'_>,
    name: &str,
) -> Result<T> {
    row.try_get(name).map_err(|_| unreadable(here))
}

fn unreadable(here: Here<'_>) -> keysweep_sdk::Error {
    here.nothing(ErrorKind::Unexpected, "the catalogs are not those of PostgreSQL")
}

const ABOUT: &str = "SELECT current_setting('server_version_num')::int4 AS version, \
    has_table_privilege('pg_catalog.pg_authid', 'select') AS passwords";

const HAS_PASSWORD: &str =
    "(SELECT a.rolpassword IS NOT NULL FROM pg_catalog.pg_authid a WHERE a.oid = r.oid)";

/// `pg_auth_members` has `inherit_option` and `set_option` since 16: by JSON, one statement does for all versions.
/// Of settings whose name has a dot only the name is told: applications keep secrets in them.
/// Of what a role owns, and of what is granted to it by itself, a digest is told: enough to see a difference.
const ROLES: &str = "
SELECT r.rolname::text AS name, r.rolcanlogin AS login,
  {has_password} AS has_password,
  CASE WHEN isfinite(r.rolvaliduntil) THEN extract(epoch FROM r.rolvaliduntil)::int8 END AS until,
  coalesce(r.rolvaliduntil <= clock_timestamp(), false) AS expired,
  shobj_description(r.oid, 'pg_authid') AS comment,
  r.rolconnlimit AS connections,
  array_to_string(ARRAY[
    CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolcreaterole THEN 'createrole' END,
    CASE WHEN r.rolcreatedb THEN 'createdb' END, CASE WHEN r.rolreplication THEN 'replication' END,
    CASE WHEN r.rolbypassrls THEN 'bypassrls' END, CASE WHEN NOT r.rolinherit THEN 'noinherit' END
  ], ', ') AS attributes,
  (SELECT string_agg(DISTINCT g.rolname::text
      || CASE WHEN m.admin_option THEN ' (admin)' ELSE '' END
      || CASE WHEN to_jsonb(m) ->> 'inherit_option' = 'false' THEN ' (no inherit)' ELSE '' END
      || CASE WHEN to_jsonb(m) ->> 'set_option' = 'false' THEN ' (no set)' ELSE '' END, ', ')
    FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
    WHERE m.member = r.oid) AS member_of,
  (SELECT string_agg(coalesce(d.datname::text || ': ', '')
      || CASE WHEN split_part(c, '=', 1) LIKE '%.%' THEN split_part(c, '=', 1) ELSE c END, ', '
      ORDER BY d.datname::text NULLS FIRST, c)
    FROM pg_catalog.pg_db_role_setting s
    LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c
    WHERE s.setrole = r.oid) AS settings,
  (SELECT count(*) || ' objects, ' || left(encode(sha256(convert_to(
      string_agg(format('%s.%s.%s.%s', o.dbid, o.classid, o.objid, o.objsubid), ' '
        ORDER BY o.dbid, o.classid, o.objid, o.objsubid), 'UTF8')), 'hex'), 12)
    FROM pg_catalog.pg_shdepend o
    WHERE o.refclassid = 'pg_catalog.pg_authid'::regclass AND o.refobjid = r.oid
      AND o.deptype = 'o') AS owns,
  (SELECT count(*) || ' objects, ' || left(encode(sha256(convert_to(
      string_agg(format('%s.%s.%s.%s', o.dbid, o.classid, o.objid, o.objsubid), ' '
        ORDER BY o.dbid, o.classid, o.objid, o.objsubid), 'UTF8')), 'hex'), 12)
    FROM pg_catalog.pg_shdepend o
    WHERE o.refclassid = 'pg_catalog.pg_authid'::regclass AND o.refobjid = r.oid
      AND o.deptype = 'a') AS granted
FROM pg_catalog.pg_roles r WHERE r.rolname::text = ANY($1) ORDER BY r.rolname::text";

fn read(row: &Row, here: Here<'_>) -> Result<RoleRow> {
    let until: Option<i64> = field(row, here, "until")?;
    let valid_until = until.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let mut scope = BTreeMap::new();
    for name in ["attributes", "member_of", "settings", "owns", "granted"] {
        let told: Option<String> = field(row, here, name)?;
        scope.extend(told.filter(|text| !text.is_empty()).map(|text| (name.to_owned(), text)));
    }
    let connections: i32 = field(row, here, "connections")?;
    if connections >= 0 {
        scope.insert("connection_limit".to_owned(), connections.to_string());
    }
    scope.extend(valid_until.map(|until| ("valid_until".to_owned(), until.to_string())));
    Ok(RoleRow {
        name: field(row, here, "name")?,
        login: field(row, here, "login")?,
        has_password: field(row, here, "has_password")?,
        valid_until,
        expired: field(row, here, "expired")?,
        comment: field(row, here, "comment")?,
        scope,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(comment: Option<&str>, login: bool, has_password: Option<bool>) -> RoleRow {
        RoleRow {
            name: "app".into(),
            login,
            has_password,
            valid_until: None,
            expired: false,
            comment: comment.map(str::to_owned),
            scope: BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_told_of_a_role_is_its_password() {
        let marked = Some("[keysweep:1f2e3d4c]");
        let gone = Some("[keysweep:gone]");
        let cases = [
            (role(marked, true, None), Some(("app@1f2e3d4c", LiveState::Active))),
            (role(marked, false, None), Some(("app@1f2e3d4c", LiveState::Inactive))),
            (role(None, true, None), Some(("app@unmarked", LiveState::Active))),
            (role(None, false, None), Some(("app@unmarked", LiveState::Inactive))),
            (role(gone, false, None), None),
            (role(gone, true, None), Some(("app@unmarked", LiveState::Active))),
            (role(gone, false, Some(true)), Some(("app@unmarked", LiveState::Inactive))),
            (role(marked, true, Some(false)), None),
        ];
        for (row, expected) in cases {
            let live = row.live();
            let told = live.as_ref().map(|live| (live.id.as_str(), live.state));
            assert_eq!(told, expected, "{row:?}");
        }
        let expired = RoleRow { expired: true, ..role(marked, true, None) };
        assert_eq!(expired.live().map(|live| live.state), Some(LiveState::Inactive));
    }
}
