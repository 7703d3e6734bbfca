use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    CredentialId, Cx, ErrorKind, Op, PrincipalId, Result, Revoker, RevokerLimits, Sessions,
};
use keysweep_transport::Method;
use serde_json::json;

use crate::{address::is_accessor, issuer::SETTLED, server::Vault};

/// The default `max_lease_ttl` of the system, 768 hours. A role's `token_max_ttl` and a mount's tuning change it, and a
/// periodic token has no end.
const TOKENS: Duration = Duration::from_secs(768 * 3600);

#[derive(Clone, Debug)]
pub(crate) struct AppRoleRevoker(pub(crate) Arc<Vault>);

#[async_trait]
impl Revoker for AppRoleRevoker {
    fn limits(&self) -> RevokerLimits {
        RevokerLimits {
            reversible: false,
            dead_within: SETTLED,
            sessions: Some(Sessions {
                survive: TOKENS,
                can_end: false,
                ended_by: "`vault token revoke -accessor` for each token of the role, or \
                           `vault lease revoke -prefix auth/MOUNT/login` for all of the mount"
                    .to_owned(),
            }),
        }
    }

    async fn disable(&self, _cx: &Cx, _principal: &PrincipalId, _id: &CredentialId) -> Result<()> {
        Err(self.unsupported(Op::Disable))
    }

    async fn enable(&self, _cx: &Cx, _principal: &PrincipalId, _id: &CredentialId) -> Result<()> {
        Err(self.unsupported(Op::Enable))
    }

    async fn destroy(&self, _cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let op = Op::Destroy;
        let role = self.0.role_of(op, principal)?;
        if !is_accessor(id) {
            let message = format!("`{id}` is no accessor of a secret-id");
            return Err(self.0.nothing(op, ErrorKind::Invalid, message));
        }
        // The role is asked for first: where it is not, "not there" would not be said of the secret-id.
        self.0.role(op, &role).await?;
        if self.0.by_accessor(op, &role, id.as_str()).await?.is_none() {
            return Ok(());
        }
        let path = self.0.role_path(&role, "/secret-id-accessor/destroy");
        let body = json!({"secret_id_accessor": id.as_str()});
        let request = self.0.ask(op, Method::POST, path).json(body);
        // Gone between the look and this is gone.
        self.0.look(op, request).await.map(drop)
    }
}

impl AppRoleRevoker {
    fn unsupported(&self, op: Op) -> keysweep_sdk::Error {
        let message = "a secret-id cannot be disabled, only destroyed";
        self.0.nothing(op, ErrorKind::Unsupported, message)
    }
}
