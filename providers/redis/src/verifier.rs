use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, Cx, Effect, ErrorKind, Identity, Op, PrincipalId, Purpose, Result, SecretValue,
    Verdict, Verifier, VerifierLimits,
};

use crate::{
    fingerprint,
    nodes::{Node, Nodes},
};

/// `AUTH` on a connection of its own. A refusal is listed in the server's `ACL LOG`.
#[derive(Debug)]
pub(crate) struct Logins(pub(crate) Arc<Nodes>);

#[async_trait]
impl Verifier for Logins {
    fn limits(&self) -> VerifierLimits {
        VerifierLimits { spacing: Duration::from_millis(200), successes: 2, counts_as_use: false }
    }

    /// Live where all nodes take it, dead where none does.
    async fn verify(&self, _: &Cx, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict> {
        let name = self.0.user(Op::Verify, principal)?;
        let password = bundle.field("password").ok_or_else(|| {
            self.0.error(Op::Verify, ErrorKind::Invalid, "there is no field `password`")
        })?;
        let user = match bundle.field("username") {
            Some(user) => user.expose_for(Purpose::Verify),
            None => name,
        };
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        for node in &self.0.nodes {
            match self.ask(node, user, password).await? {
                Some(who) => taken.push((node, who)),
                None => refused.push(node),
            }
        }
        let Some((_, who)) = taken.first() else { return Ok(Verdict::Dead) };
        if let Some(node) = refused.first() {
            let others = taken.len();
            return Ok(Verdict::Unknown(format!("`{node}` refuses it, {others} others take it")));
        }
        let principal = PrincipalId::new(format!("user/{who}"));
        let hash = fingerprint::hash(password, Purpose::Verify);
        let credential = Some(self.0.id(&principal, &hash));
        Ok(Verdict::Live(Identity {
            credential,
            principal: Some(principal),
            ..Identity::default()
        }))
    }
}

impl Logins {
    /// Who the node takes it for. `None`: it refuses it.
    async fn ask(&self, node: &Node, user: &str, password: &SecretValue) -> Result<Option<String>> {
        let session = self.0.dial(Op::Verify, node).await?;
        let fault = |fault| self.0.fault(Op::Verify, node, &fault, Effect::None);
        match session.ok(&["AUTH", user, password.expose_for(Purpose::Verify)]).await {
            Ok(()) => {}
            Err(refused) if refused.code() == Some("WRONGPASS") => return Ok(None),
            Err(other) => return Err(fault(other)),
        }
        match session.text(&["ACL", "WHOAMI"]).await {
            Ok(who) => Ok(Some(who)),
            // It may not ask who it is; but it is let in, under the name that it gave.
            Err(refused) if refused.code() == Some("NOPERM") => Ok(Some(user.to_owned())),
            Err(other) => Err(fault(other)),
        }
    }
}
