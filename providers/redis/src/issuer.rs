use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, Chooser, Chosen, CredentialId, Cx, Effect, Error, ErrorKind, Issuer, IssuerLimits,
    Live, LiveState, LostReply, MintRequest, Minted, Op, PrincipalId, Purpose, Result, SecretValue,
    Style,
};

use crate::{fingerprint, nodes::Nodes, persistence::Saving, session::Session, topology::unlisted};

/// Letters and digits: 238 bits.
const LENGTH: usize = 40;

/// The set of passwords of each user.
#[derive(Debug)]
pub(crate) struct Passwords(pub(crate) Arc<Nodes>);

#[async_trait]
impl Issuer for Passwords {
    fn limits(&self) -> IssuerLimits {
        IssuerLimits {
            style: Style::CallerChosen,
            chooser: Chooser::Caller,
            max_live: None,
            inactive_count: false,
            marker: false,
            lost_reply: LostReply::Repeat,
            visible_within: Duration::ZERO,
            fields: vec!["username".into(), "password".into()],
        }
    }

    /// What is live on any node is live.
    async fn snapshot(&self, _: &Cx, principal: &PrincipalId) -> Result<Vec<Live>> {
        let found = self.0.require(Op::Snapshot, principal).await?;
        let on = found.iter().any(|(_, user)| user.on);
        let hashes: BTreeSet<_> =
            found.iter().flat_map(|(_, user)| user.hashes.iter().cloned()).collect();
        let scope = found.into_iter().next().map(|(_, user)| user.scope).unwrap_or_default();
        let mut live = BTreeMap::new();
        for hash in hashes {
            let id = self.0.id(principal, &hash);
            let state = if on { LiveState::Active } else { LiveState::Inactive };
            let one = Live {
                id: id.clone(),
                state,
                created: None,
                expires: None,
                marker: None,
                scope: scope.clone(),
            };
            if live.insert(id.clone(), one).is_some() {
                return Err(self.0.alike(Op::Snapshot, principal, &id));
            }
        }
        Ok(live.into_values().collect())
    }

    async fn choose(
        &self,
        _: &Cx,
        principal: &PrincipalId,
        live: &[Live],
        old: Option<&CredentialId>,
    ) -> Result<Option<Chosen>> {
        let user = self.0.user(Op::Choose, principal)?;
        loop {
            let password = SecretValue::random(LENGTH);
            let id = self.0.id(principal, &fingerprint::hash(&password, Purpose::Mint));
            // An id of 24 bits may be taken.
            if old != Some(&id) && live.iter().all(|live| live.id != id) {
                let bundle = Bundle::one("username", SecretValue::new(user));
                return Ok(Some(Chosen { id, bundle: bundle.with("password", password) }));
            }
        }
    }

    async fn mint(&self, _: &Cx, request: &MintRequest<'_>) -> Result<Minted> {
        let principal = request.principal;
        let user = self.0.user(Op::Mint, principal)?;
        let chosen = request.chosen.ok_or_else(|| {
            self.0.error(Op::Mint, ErrorKind::Invalid, "the value to set is missing")
        })?;
        let password = self.chosen(principal, user, chosen)?;
        let hash = fingerprint::hash(password, Purpose::Mint);
        let found = self.0.require(Op::Mint, principal).await?;
        let scope = found.first().map(|(_, user)| user.scope.clone()).unwrap_or_default();
        let mut changes = Vec::new();
        for (session, held) in found {
            self.all_are_listed(&session).await?;
            let saving = self.saved(&session).await?;
            let rule = (!held.hashes.contains(&hash)).then(|| format!("#{hash}"));
            changes.push(Change { session, saving, rules: rule.into_iter().collect() });
        }
        self.0.apply(Op::Mint, user, changes).await?;
        self.really_set(principal, &hash).await?;
        let copy = SecretValue::new(password.expose_for(Purpose::Mint));
        let bundle = Bundle::one("username", SecretValue::new(user)).with("password", copy);
        Ok(Minted { id: chosen.id.clone(), bundle, scope })
    }
}

impl Passwords {
    /// The password of what was chosen, if it is one for this user and has that id.
    fn chosen<'c>(
        &self,
        principal: &PrincipalId,
        user: &str,
        chosen: &'c Chosen,
    ) -> Result<&'c SecretValue> {
        let wrong = |what| self.0.error(Op::Mint, ErrorKind::Invalid, what);
        let name = chosen.bundle.field("username");
        if name.is_some_and(|name| name.expose_for(Purpose::Mint) != user) {
            return Err(wrong("the value to set is another user's"));
        }
        let password = chosen.bundle.field("password").filter(|password| !password.is_empty());
        let password = password.ok_or_else(|| wrong("the value to set has no `password`"))?;
        let id = self.0.id(principal, &fingerprint::hash(password, Purpose::Mint));
        if id == chosen.id { Ok(password) } else { Err(wrong("the value to set has another id")) }
    }

    async fn all_are_listed(&self, session: &Session) -> Result<()> {
        if self.0.other_nodes_elsewhere {
            return Ok(());
        }
        let unlisted = unlisted(session, self.0.nodes.len())
            .await
            .map_err(|fault| self.0.fault(Op::Mint, session.node(), &fault, Effect::None))?;
        match unlisted {
            None => Ok(()),
            Some(what) => Err(self.0.error(Op::Mint, ErrorKind::Config, what).with_hint(
                "users are not replicated: list all in `nodes`, or say `other_nodes_elsewhere = true`",
            )),
        }
    }

    async fn saved(&self, session: &Session) -> Result<Saving> {
        self.0.saving(Op::Mint, session).await?.ok_or_else(|| {
            let message = format!(
                "`{}` has neither an `aclfile` nor a file it was started from: at its next start \
                 the new password would be gone and the old one back",
                session.node()
            );
            self.0.error(Op::Mint, ErrorKind::Config, message).with_hint(
                "start it with an `aclfile`, or say `persistence = \"elsewhere\"` and change the \
                 users there",
            )
        })
    }

    /// Looks whether the user still was what it was before: somebody may have removed it meanwhile.
    async fn really_set(&self, principal: &PrincipalId, hash: &str) -> Result<()> {
        let unknown = |error| at_least(Effect::Unknown, error);
        for (session, user) in self.0.require(Op::Mint, principal).await.map_err(unknown)? {
            if !user.hashes.iter().any(|held| held == hash) {
                let message = format!("the new password was taken away from `{}`", session.node());
                return Err(unknown(self.0.error(Op::Mint, ErrorKind::Conflict, message)));
            }
        }
        Ok(())
    }
}

/// What is to be done on one node.
pub(crate) struct Change {
    pub(crate) session: Session,
    pub(crate) saving: Saving,
    /// `#hash` or `!hash`; none: only to be saved, as after a call that was cut short.
    pub(crate) rules: Vec<String>,
}

impl Nodes {
    /// Changes the user on each node and saves it there. All in all it is idempotent.
    pub(crate) async fn apply(&self, op: Op, user: &str, changes: Vec<Change>) -> Result<()> {
        let mut effect = Effect::None;
        for Change { session, saving, rules } in changes {
            let node = session.node();
            if !rules.is_empty() {
                let mut words = vec!["ACL", "SETUSER", user];
                words.extend(rules.iter().map(String::as_str));
                if let Err(fault) = session.ok(&words).await {
                    let error = self.fault(op, node, &fault, Effect::Unknown);
                    return Err(at_least(effect, error));
                }
                effect = Effect::Unknown;
            }
            if let Err(fault) = saving.save(&session).await {
                let cause = at_least(effect, self.fault(op, node, &fault, Effect::Unknown));
                let message = format!(
                    "`{user}` is changed on `{node}` but not saved, so a restart would undo it: {}",
                    cause.message()
                );
                let hint = "see why in the server's log, mend it, and resume: it is saved then";
                return Err(Error::new(self.name.clone(), op, cause.kind, cause.effect, message)
                    .with_hint(hint));
            }
        }
        Ok(())
    }

    pub(crate) fn alike(&self, op: Op, principal: &PrincipalId, id: &CredentialId) -> Error {
        let message = format!("two passwords of `{principal}` have the same id `{id}`");
        self.error(op, ErrorKind::Conflict, message)
            .with_hint("take one of them away by hand, with `ACL SETUSER … !<sha256>`")
    }
}

/// The error of a step, after earlier ones that had this effect.
pub(crate) fn at_least(effect: Effect, mut error: Error) -> Error {
    if effect == Effect::Unknown {
        error.effect = Effect::Unknown;
    }
    error
}
