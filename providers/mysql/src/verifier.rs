use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, CredentialId, Cx, Effect, ErrorKind, Identity, Op, PrincipalId, Purpose, Result,
    SecretValue, Verdict, Verifier, VerifierLimits,
};

use crate::{
    account::Account,
    fault::{Fault, code},
    plugin::Plugin,
    server::Server,
    session::Session,
};

/// A login on a connection of its own.
///
/// On a server with a low `max_password_errors` each refusal counts against the user.
#[derive(Debug)]
pub(crate) struct Logins(pub(crate) Arc<Server>);

#[async_trait]
impl Verifier for Logins {
    fn limits(&self) -> VerifierLimits {
        VerifierLimits { spacing: Duration::from_millis(200), successes: 2, counts_as_use: false }
    }

    async fn verify(&self, _: &Cx, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict> {
        let account = self.0.account(Op::Verify, principal)?;
        let password = bundle.field("password").ok_or_else(|| {
            self.0.error(Op::Verify, ErrorKind::Invalid, "there is no field `password`")
        })?;
        let user = match bundle.field("username") {
            Some(user) => user.expose_for(Purpose::Verify),
            None => &account.user,
        };
        let fault = match Session::open(&self.0, user, password).await {
            Ok(session) => return self.taken(session, password).await,
            Err(fault) => fault,
        };
        match fault.code() {
            Some(code::ACCESS_DENIED | code::DENIED_WITHOUT_PASSWORD) => {
                self.refused(&account, user).await
            }
            Some(code::HOST_NOT_ALLOWED) => {
                Ok(Verdict::Unknown("the account is not for the host that keysweep is on".into()))
            }
            Some(code::ACCOUNT_LOCKED) => Ok(Verdict::Unknown("the account is locked".into())),
            Some(code::PASSWORD_EXPIRED) => Ok(Verdict::Unknown("it is right, but expired".into())),
            _ => Err(self.0.fault(Op::Verify, &fault, Effect::None)),
        }
    }
}

impl Logins {
    async fn taken(&self, mut session: Session, password: &SecretValue) -> Result<Verdict> {
        let who = session.one::<String>("SELECT CURRENT_USER()", ()).await;
        let who = who.map_err(|fault| self.0.fault(Op::Verify, &fault, Effect::None))?;
        session.close().await;
        let Some(account) = who.as_deref().and_then(Account::read) else {
            return Ok(Verdict::Unknown("the server does not tell whose it is".into()));
        };
        let credential = self.which(&account, password).await?;
        let principal = Some(account.principal());
        Ok(Verdict::Live(Identity { principal, credential, ..Identity::default() }))
    }

    /// Which of the account's passwords it is.
    async fn which(
        &self,
        account: &Account,
        password: &SecretValue,
    ) -> Result<Option<CredentialId>> {
        let mut session = self.0.log_in(Op::Verify).await?;
        let found = session.authentication(account).await;
        let found = found.map_err(|fault| self.0.fault(Op::Verify, &fault, Effect::None))?;
        session.close().await;
        let is_it =
            |plugin: Plugin, string: &str| plugin.string(password, Purpose::Verify) == string;
        Ok(found.and_then(|found| {
            found
                .passwords()
                .find(|way| way.password().is_some_and(|plugin| is_it(plugin, &way.string)))
                .map(|way| self.0.id(account, way))
        }))
    }

    /// A refusal is one of this account only if no other could have answered in its place: the server takes the account
    /// with the most special host, those of nobody included.
    async fn refused(&self, account: &Account, user: &str) -> Result<Verdict> {
        let mut session = self.0.log_in(Op::Verify).await?;
        let answer = could_be_another(&mut session, account, user).await;
        let answer = answer.map_err(|fault| self.0.fault(Op::Verify, &fault, Effect::None))?;
        session.close().await;
        Ok(answer.map_or(Verdict::Dead, Verdict::Unknown))
    }
}

async fn could_be_another(
    session: &mut Session,
    account: &Account,
    user: &str,
) -> Result<Option<String>, Fault> {
    if user != account.user {
        return Ok(Some("it is of another user".into()));
    }
    let own = session.one::<String>("SELECT USER()", ()).await?;
    let own = own.and_then(|own| own.rsplit_once('@').map(|(_, host)| host.to_owned()));
    let own = own.ok_or(Fault::Odd("no host of the session"))?;
    let others = session
        .rows::<(String, String)>(
            "SELECT User, Host FROM mysql.global_priv WHERE User IN (?, '') AND Host <> '' \
             AND NOT (User = ? AND Host = ?) AND (? LIKE Host OR Host LIKE '%/%') LIMIT 1",
            (user, user, account.host.as_str(), own.as_str()),
        )
        .await?;
    if let Some((name, host)) = others.first() {
        let other = Account { user: name.clone(), host: host.clone() };
        return Ok(Some(format!("{other} may have answered in place of {account}")));
    }
    let like = session.one::<i64>("SELECT ? LIKE ?", (own.as_str(), account.host.as_str())).await?;
    Ok((like != Some(1))
        .then(|| format!("{account} may not be for `{own}`, as which the server sees keysweep")))
}
