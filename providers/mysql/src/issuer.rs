use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, Chooser, Chosen, CredentialId, Cx, Effect, Error, ErrorKind, Issuer, IssuerLimits,
    Live, LiveState, LostReply, MintRequest, Minted, Op, PrincipalId, Purpose, Result, SecretValue,
    Style,
};

use crate::{
    Successor,
    account::{Account, Alternative, Authentication, Refusal},
    plugin::Plugin,
    server::Server,
    session::Session,
};

/// Letters and digits: 238 bits.
const LENGTH: usize = 40;

/// The alternatives of each account.
#[derive(Debug)]
pub(crate) struct Passwords(pub(crate) Arc<Server>);

#[async_trait]
impl Issuer for Passwords {
    fn limits(&self) -> IssuerLimits {
        IssuerLimits {
            style: Style::CallerChosen,
            chooser: Chooser::Caller,
            max_live: Some(2),
            inactive_count: true,
            marker: false,
            lost_reply: LostReply::Repeat,
            visible_within: Duration::ZERO,
            fields: vec!["username".into(), "password".into()],
        }
    }

    async fn snapshot(&self, _: &Cx, principal: &PrincipalId) -> Result<Vec<Live>> {
        let account = self.0.account(Op::Snapshot, principal)?;
        let mut session = self.0.log_in(Op::Snapshot).await?;
        let found = self.0.require(Op::Snapshot, &mut session, &account).await?;
        session.close().await;
        let mut live = BTreeMap::new();
        for password in found.passwords() {
            let id = self.0.id(&account, password);
            let one = Live {
                id: id.clone(),
                state: if found.locked { LiveState::Inactive } else { LiveState::Active },
                created: None,
                expires: None,
                marker: None,
                scope: scope(&account),
            };
            if live.insert(id.clone(), one).is_some() {
                return Err(self.0.alike(Op::Snapshot, &account, &id));
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
        let account = self.0.account(Op::Choose, principal)?;
        let plugin = self.successor(&account, old.or(live.first().map(|live| &live.id)))?;
        loop {
            let password = SecretValue::random(LENGTH);
            let string = plugin.string(&password, Purpose::Mint);
            let id = self.0.id(&account, &Alternative::new(plugin, string));
            // An id of 24 bits may be taken.
            if old != Some(&id) && live.iter().all(|live| live.id != id) {
                let bundle = Bundle::one("username", SecretValue::new(account.user));
                return Ok(Some(Chosen { id, bundle: bundle.with("password", password) }));
            }
        }
    }

    async fn mint(&self, _: &Cx, request: &MintRequest<'_>) -> Result<Minted> {
        let account = self.0.account(Op::Mint, request.principal)?;
        let chosen = request.chosen.ok_or_else(|| {
            self.0.error(Op::Mint, ErrorKind::Invalid, "the value to set is missing")
        })?;
        let (new, password) = self.chosen(&account, chosen)?;
        let mut session = self.0.locked(Op::Mint, &account).await?;
        let before = self.0.require(Op::Mint, &mut session, &account).await?;
        let after =
            before.with(new).map_err(|refusal| self.0.refused(Op::Mint, &account, &refusal))?;
        self.0.change(Op::Mint, &mut session, &account, &before, &after).await?;
        session.close().await;
        let copy = SecretValue::new(password.expose_for(Purpose::Mint));
        let bundle =
            Bundle::one("username", SecretValue::new(&*account.user)).with("password", copy);
        Ok(Minted { id: chosen.id.clone(), bundle, scope: scope(&account) })
    }
}

impl Passwords {
    fn successor(&self, account: &Account, old: Option<&CredentialId>) -> Result<Plugin> {
        let old = old.and_then(|old| Plugin::of_id(old.as_str()));
        match (self.0.successor, old) {
            (_, None) | (None, Some(Plugin::Native)) | (Some(Successor::Native), _) => {
                Ok(Plugin::Native)
            }
            (Some(Successor::Alternate), Some(old)) => Ok(old.other()),
            (None, Some(Plugin::Ed25519)) => {
                Err(self.0.refused(Op::Choose, account, &Refusal::TwoEd25519))
            }
        }
    }

    /// What was chosen, if it is a password for this account and has that id.
    fn chosen<'c>(
        &self,
        account: &Account,
        chosen: &'c Chosen,
    ) -> Result<(Alternative, &'c SecretValue)> {
        let wrong = |what| self.0.error(Op::Mint, ErrorKind::Invalid, what);
        let name = chosen.bundle.field("username");
        if name.is_some_and(|name| name.expose_for(Purpose::Mint) != account.user) {
            return Err(wrong("the value to set is another user's"));
        }
        let password = chosen.bundle.field("password").filter(|password| !password.is_empty());
        let password = password.ok_or_else(|| wrong("the value to set has no `password`"))?;
        let plugin = Plugin::of_id(chosen.id.as_str());
        let plugin = plugin.ok_or_else(|| wrong("the value to set has an id of no plugin"))?;
        let new = Alternative::new(plugin, plugin.string(password, Purpose::Mint));
        match self.0.id(account, &new) == chosen.id {
            true => Ok((new, password)),
            false => Err(wrong("the value to set has another id")),
        }
    }
}

/// From where it is taken.
fn scope(account: &Account) -> BTreeMap<String, String> {
    BTreeMap::from([("host".to_owned(), account.host.clone())])
}

impl Server {
    /// Logged in, with other keysweeps kept from the account.
    pub(crate) async fn locked(&self, op: Op, account: &Account) -> Result<Session> {
        let mut session = self.log_in(op).await?;
        match session.lock(account).await {
            Ok(true) => Ok(session),
            Ok(false) => Err(self
                .error(op, ErrorKind::Conflict, format!("another keysweep changes {account} now"))
                .with_hint("wait until it is through, then resume")),
            Err(fault) => Err(self.fault(op, &fault, Effect::None)),
        }
    }

    /// Changes how the account lets in, and looks whether that is how it is.
    ///
    /// The server has no compare-and-set. Other keysweeps are kept out by the lock; of a person who changes the account
    /// between our look and our change the change is lost, and one that comes after ours is told.
    pub(crate) async fn change(
        &self,
        op: Op,
        session: &mut Session,
        account: &Account,
        before: &Authentication,
        after: &Authentication,
    ) -> Result<()> {
        if before == after {
            return Ok(());
        }
        let mode = "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'";
        session.run(mode).await.map_err(|fault| self.fault(op, &fault, Effect::None))?;
        let statement = after.statement(account);
        session.alter(&statement).await.map_err(|fault| self.fault(op, &fault, Effect::Unknown))?;
        let unknown = |mut error: Error| {
            error.effect = Effect::Unknown;
            error
        };
        if self.require(op, session, account).await.map_err(unknown)? == *after {
            return Ok(());
        }
        let message = format!("somebody else changed {account} in the same moment");
        Err(unknown(self.error(op, ErrorKind::Conflict, message))
            .with_hint("find out who, then look again"))
    }

    pub(crate) fn alike(&self, op: Op, account: &Account, id: &CredentialId) -> Error {
        let message = format!("two passwords of {account} have the same id `{id}`");
        self.error(op, ErrorKind::Conflict, message)
            .with_hint("take one of them away by hand, with `ALTER USER`")
    }
}
