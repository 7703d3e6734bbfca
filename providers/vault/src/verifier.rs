use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, Cx, Effect, ErrorKind, Identity, Op, PrincipalId, Purpose, Result, SecretValue,
    Verdict, Verifier, VerifierLimits,
};
use keysweep_transport::{Method, Path, Response};
use serde_json::{Value, json};

use crate::{
    address::AppRole,
    approle::SecretId,
    server::{Vault, token},
};

#[derive(Clone, Debug)]
pub(crate) struct AppRoleVerifier(pub(crate) Arc<Vault>);

#[async_trait]
impl Verifier for AppRoleVerifier {
    fn limits(&self) -> VerifierLimits {
        VerifierLimits { spacing: Duration::from_secs(1), successes: 1, counts_as_use: true }
    }

    /// Logs in with it, and revokes the token that this makes. A value that the role does not have is not tried: five
    /// failed logins lock the whole role out (<https://developer.hashicorp.com/vault/docs/concepts/user-lockout>), so
    /// that the proof that the old one is dead would stop the new one. The server is asked for it by lookup instead.
    async fn verify(&self, _cx: &Cx, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict> {
        let op = Op::Verify;
        let role = self.0.role_of(op, principal)?;
        let field = |name: &str| {
            bundle.field(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                self.0.nothing(op, ErrorKind::Invalid, format!("there is no field `{name}`"))
            })
        };
        let (role_id, secret_id) = (field("role_id")?, field("secret_id")?);
        self.0.role(op, &role).await?;
        if !self.0.role_id(op, &role).await?.same(role_id) {
            return Ok(Verdict::Dead);
        }
        let Some(known) = self.0.by_value(op, &role, secret_id).await? else {
            return Ok(Verdict::Dead);
        };
        match self.login(&role, principal, role_id, secret_id, known).await {
            Err(error) if error.effect == Effect::Unknown => Ok(Verdict::Unknown(format!(
                "the login was not answered, and may have made a token: {}",
                error.message()
            ))),
            told => told,
        }
    }
}

impl AppRoleVerifier {
    async fn login(
        &self,
        role: &AppRole,
        principal: &PrincipalId,
        role_id: &SecretValue,
        secret_id: &SecretValue,
        known: SecretId,
    ) -> Result<Verdict> {
        let path = Path::new("/v1/auth/{mount}/login").set_many("mount", &role.mount);
        // It makes a token: never to be sent twice.
        let request = self.0.ask_as(Op::Verify, Method::POST, path).json(json!({}));
        let request = request.secret("/role_id", role_id, Purpose::Verify);
        let response = request.secret("/secret_id", secret_id, Purpose::Verify).send().await?;
        if let Some(verdict) = refused(&response) {
            return Ok(verdict);
        }
        let mut response = self.0.success(Op::Verify, response).await?;
        let named = response.json()?.pointer("/auth/metadata/role_name").and_then(Value::as_str);
        let mut identity = Identity {
            principal: Some(match named {
                Some(other) if other != role.role => {
                    PrincipalId::new(format!("approle/{}/{other}", role.mount))
                }
                _ => principal.clone(),
            }),
            ..Identity::default()
        };
        if let Some(live) = known.live {
            identity.credential = Some(live.id);
            identity.scope = live.scope;
        }
        let accessor = response.text("/auth/accessor").unwrap_or("unknown").to_owned();
        let made = response.take_secret("/auth/client_token")?;
        if let Err(error) = self.revoke(&made).await {
            return Ok(Verdict::Unknown(format!(
                "it logs in, and the token of this proof could not be revoked, accessor {accessor}: {}",
                error.message()
            )));
        }
        Ok(Verdict::Live(identity))
    }

    async fn revoke(&self, made: &SecretValue) -> Result<()> {
        let path = Path::new("/v1/auth/token/revoke-self");
        let request = self.0.ask_as(Op::Verify, Method::POST, path).auth(token(made));
        self.0.answer(Op::Verify, request).await.map(drop)
    }
}

/// What a refused login says of the secret-id; `None`: it was not refused for that.
fn refused(response: &Response) -> Option<Verdict> {
    let said = response.reason().unwrap_or_default();
    match response.status() {
        400 if said.contains("invalid role or secret ID") || said.contains("invalid secret id") => {
            Some(Verdict::Dead)
        }
        // Addresses that it may not be used from, a lockout, or a rule in between.
        400 | 403 => Some(Verdict::Unknown(format!("the login is refused: {said}"))),
        _ => None,
    }
}
