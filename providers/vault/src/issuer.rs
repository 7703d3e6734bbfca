use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, Chooser, CredentialId, Cx, ErrorKind, Issuer, IssuerLimits, Live, LostReply,
    MintRequest, Minted, Op, PrincipalId, Result, Style,
};
use keysweep_transport::Method;
use serde_json::{Value, json};

use crate::{
    address::{AppRole, is_accessor},
    approle::{self, MARKER, SecretId},
    server::Vault,
};

/// Standby nodes that answer reads themselves may be so far behind.
pub(crate) const SETTLED: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(crate) struct AppRoleIssuer(pub(crate) Arc<Vault>);

#[async_trait]
impl Issuer for AppRoleIssuer {
    fn limits(&self) -> IssuerLimits {
        IssuerLimits {
            style: Style::Overlap,
            chooser: Chooser::Issuer,
            max_live: None,
            inactive_count: false,
            marker: true,
            lost_reply: LostReply::Reconcile,
            visible_within: SETTLED,
            fields: vec!["role_id".to_owned(), "secret_id".to_owned()],
        }
    }

    async fn snapshot(&self, _cx: &Cx, principal: &PrincipalId) -> Result<Vec<Live>> {
        let op = Op::Snapshot;
        let role = self.0.role_of(op, principal)?;
        self.0.role(op, &role).await?;
        let mut live = Vec::new();
        for accessor in self.0.accessors(op, &role).await? {
            // One that expired since it was listed is none.
            let id = self.0.by_accessor(op, &role, &accessor).await?;
            live.extend(id.and_then(|id| id.live));
        }
        live.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(live)
    }

    async fn mint(&self, _cx: &Cx, request: &MintRequest<'_>) -> Result<Minted> {
        let op = Op::Mint;
        let role = self.0.role_of(op, request.principal)?;
        let about = self.0.role(op, &role).await?;
        if about.json()?.pointer("/data/secret_id_num_uses").and_then(Value::as_u64) == Some(1) {
            let message = format!(
                "a secret-id of `{}` can be used once, and to prove it is a use",
                role.role
            );
            let error = self.0.nothing(op, ErrorKind::Invalid, message);
            return Err(error.with_hint("raise `secret_id_num_uses` of the role"));
        }
        let role_id = self.0.role_id(op, &role).await?;
        let like = self.like(&role, request.replaces).await?;
        let marker = json!({ MARKER: request.marker }).to_string();
        let mut body = json!({
            "metadata": marker, "cidr_list": like.cidrs, "token_bound_cidrs": like.token_cidrs
        });
        if like.ttl > 0 {
            body["ttl"] = json!(format!("{}s", like.ttl));
        }
        let request = self.0.ask(op, Method::POST, self.0.role_path(&role, "/secret-id"));
        let mut response = self.0.answer(op, request.json(body)).await?;
        let number = |name: &str| -> Result<u64> {
            Ok(response.json()?.pointer(name).and_then(Value::as_u64).unwrap_or_default())
        };
        let (ttl, uses) = (number("/data/secret_id_ttl")?, number("/data/secret_id_num_uses")?);
        let id = CredentialId::new(response.text("/data/secret_id_accessor")?);
        let secret_id = response.take_secret("/data/secret_id")?;
        let made = SecretId { ttl, ..like };
        let bundle = Bundle::one("role_id", role_id).with("secret_id", secret_id);
        Ok(Minted { id, bundle, scope: approle::scope(&made, uses > 0) })
    }
}

impl AppRoleIssuer {
    /// What the old one may do beyond its role, for the new one to have the same.
    async fn like(&self, role: &AppRole, replaces: Option<&CredentialId>) -> Result<SecretId> {
        let Some(old) = replaces.filter(|id| is_accessor(id)) else {
            return Ok(SecretId::default());
        };
        let old = self.0.by_accessor(Op::Mint, role, old.as_str()).await?;
        Ok(old.unwrap_or_default())
    }
}
