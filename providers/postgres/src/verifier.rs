use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, Cx, ErrorKind, Identity, LiveState, Op, PrincipalId, Purpose, Result, SecretValue,
    Verdict, Verifier, VerifierLimits,
};

use crate::{
    catalog,
    error::{is_no_login, told, unreached},
    server::{Login, NoLogin, Server},
    session::Session,
};

#[derive(Clone, Debug)]
pub(crate) struct PostgresVerifier(pub(crate) Arc<Server>);

#[async_trait]
impl Verifier for PostgresVerifier {
    fn limits(&self) -> VerifierLimits {
        VerifierLimits { spacing: Duration::from_millis(500), successes: 1, counts_as_use: true }
    }

    /// Logs in with the value. An accepted login is proof only where the server would not have let in anybody, so that
    /// is tried too: `trust` in `pg_hba.conf` takes every password.
    async fn verify(&self, _cx: &Cx, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict> {
        let (user, password) = self.fields(principal, bundle)?;
        let database = &self.0.verify_database;
        let login = Login { database, user, password: Some((password, Purpose::Verify)) };
        let session = match self.0.login(&login).await {
            Ok(session) => session,
            Err(error) => return self.refused(error),
        };
        let identity = self.identity(&session, principal).await;
        session.close().await;
        let anybody = Login { database, user, password: None };
        if let Ok(session) = self.0.login(&anybody).await {
            session.close().await;
            return Ok(Verdict::Unknown(
                "the server takes this role from here without a password: see `pg_hba.conf`".into(),
            ));
        }
        identity.map(Verdict::Live)
    }
}

impl PostgresVerifier {
    fn fields<'a>(
        &self,
        principal: &PrincipalId,
        bundle: &'a Bundle,
    ) -> Result<(&'a str, &'a SecretValue)> {
        let here = self.0.here(Op::Verify);
        let names = self.0.roles_of(Op::Verify, principal)?;
        let field = |name: &str| {
            bundle.field(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                here.nothing(ErrorKind::Invalid, format!("there is no field `{name}`"))
            })
        };
        let user = field("username")?.expose_for(Purpose::Verify);
        if !names.iter().any(|name| name == user) {
            let message = format!("the field `username` is no role of `{principal}`");
            return Err(here.nothing(ErrorKind::Invalid, message));
        }
        Ok((user, field("password")?))
    }

    /// Who the session is. `SET role` in the role's settings changes `current_user`, so it is `session_user` that counts.
    async fn identity(&self, session: &Session, principal: &PrincipalId) -> Result<Identity> {
        let here = self.0.here(Op::Verify);
        let rows = session
            .query(here, "SELECT session_user::text AS login, current_user::text AS acts", &[])
            .await?;
        let mut identity = Identity::default();
        let Some(row) = rows.first() else { return Ok(identity) };
        let login: String = catalog::field(row, here, "login")?;
        let acts: String = catalog::field(row, here, "acts")?;
        if let Some(row) = catalog::row(session, here, &login).await? {
            let active = |live: &keysweep_sdk::Live| live.state == LiveState::Active;
            identity.credential = row.live().filter(active).map(|live| live.id);
            identity.scope = row.scope;
        }
        identity.principal = Some(if self.0.roles_of(Op::Verify, principal)?.contains(&login) {
            principal.clone()
        } else {
            PrincipalId::new(format!("role/{login}"))
        });
        if acts != login {
            identity.scope.insert("acts_as".to_owned(), acts);
        }
        Ok(identity)
    }

    /// Dead is only what the server said of the password itself.
    fn refused(&self, error: NoLogin) -> Result<Verdict> {
        let here = self.0.here(Op::Verify);
        let error = match error {
            NoLogin::TimedOut => {
                return Ok(Verdict::Unknown("the login was not answered in time".into()));
            }
            NoLogin::Refused(error) => error,
        };
        let Some(refusal) = error.as_db_error() else {
            return Err(here.nothing(ErrorKind::Unavailable, unreached(&error)));
        };
        Ok(match refusal.code().code() {
            "28P01" => Verdict::Dead,
            "28000" if is_no_login(refusal) => Verdict::Dead,
            code => {
                Verdict::Unknown(format!("the login ends with SQLSTATE {code}: {}", told(refusal)))
            }
        })
    }
}
