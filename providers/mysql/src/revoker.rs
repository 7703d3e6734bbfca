use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use keysweep_sdk::{
    CredentialId, Cx, Effect, Error, ErrorKind, Op, PrincipalId, Result, Revoker, RevokerLimits,
    Sessions,
};
use tokio::time::{Instant, sleep};

use crate::{
    account::Account,
    fault::{Fault, code},
    server::Server,
    session::Session,
};

/// A session has no bound of its own; who plans has to take it for long.
const SESSIONS: Duration = Duration::from_secs(365 * 24 * 3600);

/// Alternatives are taken away, connections are closed.
#[derive(Debug)]
pub(crate) struct Removal(pub(crate) Arc<Server>);

#[async_trait]
impl Revoker for Removal {
    fn limits(&self) -> RevokerLimits {
        RevokerLimits {
            reversible: false,
            dead_within: Duration::ZERO,
            sessions: Some(Sessions {
                survive: SESSIONS,
                can_end: true,
                ended_by:
                    "`KILL CONNECTION` of all of the user's sessions, also those made with the new \
                           password: they log in anew, and what they had begun is rolled back"
                        .into(),
            }),
        }
    }

    async fn disable(&self, _: &Cx, _: &PrincipalId, _: &CredentialId) -> Result<()> {
        Err(self.one_way(Op::Disable))
    }

    async fn enable(&self, _: &Cx, _: &PrincipalId, _: &CredentialId) -> Result<()> {
        Err(self.one_way(Op::Enable))
    }

    /// Sessions that were made with it live on.
    async fn destroy(&self, _: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let account = self.0.account(Op::Destroy, principal)?;
        let mut session = self.0.locked(Op::Destroy, &account).await?;
        let before = match self.0.require(Op::Destroy, &mut session, &account).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
            before => before?,
        };
        let held: Vec<_> =
            before.passwords().filter(|way| self.0.id(&account, way) == *id).collect();
        let after = match held.as_slice() {
            [] => before.clone(),
            [one] => before.without(one),
            _ => return Err(self.0.alike(Op::Destroy, &account, id)),
        };
        self.0.change(Op::Destroy, &mut session, &account, &before, &after).await?;
        session.close().await;
        Ok(())
    }

    /// MariaDB does not tell when a session was made nor by which password, so it is all of them, whatever `before` is.
    /// keysweep's own is left.
    async fn end_sessions(
        &self,
        _: &Cx,
        principal: &PrincipalId,
        _: &CredentialId,
        _: Timestamp,
    ) -> Result<()> {
        let op = Op::EndSessions;
        let account = self.0.account(op, principal)?;
        let mut session = self.0.log_in(op).await?;
        let grants = session.grants().await;
        if !grants.map_err(|fault| self.0.fault(op, &fault, Effect::None))?.sees_processes() {
            let message = "keysweep's account does not see the sessions of others";
            return Err(self
                .0
                .error(op, ErrorKind::PermissionDenied, message)
                .with_hint("`GRANT PROCESS ON *.*` to it"));
        }
        let mut effect = Effect::None;
        self.end(&mut session, &account, &mut effect).await.map_err(|fault| {
            let mut error = self.0.fault(op, &fault, Effect::Unknown);
            if effect == Effect::Unknown {
                error.effect = effect;
            }
            error
        })?;
        session.close().await;
        Ok(())
    }
}

impl Removal {
    fn one_way(&self, op: Op) -> Error {
        self.0
            .error(op, ErrorKind::Unsupported, "MariaDB cannot refuse one password for a while")
            .with_hint("`ALTER USER … ACCOUNT LOCK` refuses all of the account; destroy ends one")
    }

    /// `effect` becomes `Unknown` with the first that is closed.
    async fn end(
        &self,
        session: &mut Session,
        account: &Account,
        effect: &mut Effect,
    ) -> Result<(), Fault> {
        let found = sessions(session, account).await?;
        for id in &found {
            match session.run(&format!("KILL HARD CONNECTION {id}")).await {
                Ok(()) => *effect = Effect::Unknown,
                Err(fault) if fault.code() == Some(code::NO_SUCH_THREAD) => {}
                Err(fault) => return Err(fault),
            }
        }
        // A killed session is listed until it noticed; new ones are not these.
        let end = Instant::now() + self.0.timeout;
        loop {
            let left = sessions(session, account).await?;
            if !left.iter().any(|id| found.contains(id)) {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(Fault::TimedOut);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn sessions(session: &mut Session, account: &Account) -> Result<Vec<u64>, Fault> {
    let statement =
        "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = ? AND ID <> CONNECTION_ID()";
    let rows = session.rows::<(u64,)>(statement, (account.user.as_str(),)).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
