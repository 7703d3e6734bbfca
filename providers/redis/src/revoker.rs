use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keysweep_sdk::{
    CredentialId, Cx, Effect, Error, ErrorKind, Op, PrincipalId, Result, Revoker, RevokerLimits,
    Sessions,
};

use crate::{
    fault::Fault,
    issuer::{Change, at_least},
    nodes::{Found, Nodes},
    persistence::Saving,
    session::Session,
};

/// A connection has no bound of its own; who plans has to take it for long.
const SESSIONS: Duration = Duration::from_secs(365 * 24 * 3600);

/// Hashes are taken out of the set, connections are closed.
#[derive(Debug)]
pub(crate) struct Removal(pub(crate) Arc<Nodes>);

#[async_trait]
impl Revoker for Removal {
    fn limits(&self) -> RevokerLimits {
        RevokerLimits {
            reversible: false,
            dead_within: Duration::ZERO,
            sessions: Some(Sessions {
                survive: SESSIONS,
                can_end: true,
                ended_by: "`CLIENT KILL` of the user's connections, which then log in anew".into(),
            }),
        }
    }

    async fn disable(&self, _: &Cx, _: &PrincipalId, _: &CredentialId) -> Result<()> {
        Err(self.one_way(Op::Disable))
    }

    async fn enable(&self, _: &Cx, _: &PrincipalId, _: &CredentialId) -> Result<()> {
        Err(self.one_way(Op::Enable))
    }

    /// Connections that were made with it live on.
    async fn destroy(&self, _: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let op = Op::Destroy;
        let user = self.0.user(op, principal)?;
        let (mut changes, mut unsaved) = (Vec::new(), None);
        for Found { session, user } in self.0.find(op, user).await? {
            let Some(user) = user else { continue };
            let held = user.hashes.iter().filter(|hash| self.0.id(principal, hash) == *id);
            let rules: Vec<_> = held.map(|hash| format!("!{hash}")).collect();
            if rules.len() > 1 {
                return Err(self.0.alike(op, principal, id));
            }
            // Also without a rule: an earlier call may have been cut short before it saved.
            let saving = self.0.saving(op, &session).await?;
            if saving.is_none() {
                unsaved = Some(session.node().clone());
            }
            changes.push(Change { session, saving: saving.unwrap_or(Saving::Elsewhere), rules });
        }
        let sent = changes.iter().any(|change| !change.rules.is_empty());
        self.0.apply(op, user, changes).await?;
        match unsaved {
            // To refuse it now is worth more than to refuse to act.
            Some(node) => {
                let message = format!(
                    "`{node}` refuses it now, but has nowhere to save users: a restart may bring it back"
                );
                let error = self.0.error(op, ErrorKind::Config, message).with_hint(
                    "change the users where they are written when it starts, say `persistence = \
                     \"elsewhere\"`, and resume",
                );
                Err(at_least(if sent { Effect::Unknown } else { Effect::None }, error))
            }
            None => Ok(()),
        }
    }

    /// Redis does not tell which password a connection was made with, so it is all of the user that are old enough,
    /// a second of rounding included. keysweep's own is left.
    async fn end_sessions(
        &self,
        _: &Cx,
        principal: &PrincipalId,
        _: &CredentialId,
        before: Timestamp,
    ) -> Result<()> {
        let user = self.0.user(Op::EndSessions, principal)?;
        let mut effect = Effect::None;
        for node in &self.0.nodes {
            let session = self.0.log_in(Op::EndSessions, node).await;
            let session = session.map_err(|error| at_least(effect, error))?;
            end(&session, user, before, &mut effect).await.map_err(|fault| {
                at_least(effect, self.0.fault(Op::EndSessions, node, &fault, Effect::Unknown))
            })?;
        }
        Ok(())
    }
}

impl Removal {
    fn one_way(&self, op: Op) -> Error {
        self.0
            .error(op, ErrorKind::Unsupported, "Redis cannot refuse one password for a while")
            .with_hint("`ACL SETUSER … off` refuses all passwords of the user; destroy ends one")
    }
}

/// `effect` becomes `Unknown` with the first that is closed.
async fn end(
    session: &Session,
    user: &str,
    before: Timestamp,
    effect: &mut Effect,
) -> Result<(), Fault> {
    let own = match session.call(&["CLIENT", "ID"]).await? {
        redis::Value::Int(id) => id.to_string(),
        _ => return Err(Fault::Odd("an answer to `CLIENT ID` that is no number")),
    };
    // A connection that was made while the others were closed is newer, so twice is enough; the second time shows that
    // none is left.
    for last in [false, true] {
        let connections = session.connections().await?;
        let now = Timestamp::now();
        let old = connections.iter().filter(|connection| {
            let earliest = now.checked_sub(SignedDuration::from_secs(connection.age + 1));
            connection.user == user
                && connection.id != own
                && earliest.is_ok_and(|earliest| earliest < before)
        });
        for connection in old {
            if last {
                return Err(Fault::StillConnected);
            }
            session.call(&["CLIENT", "KILL", "ID", &connection.id]).await?;
            *effect = Effect::Unknown;
        }
    }
    Ok(())
}
