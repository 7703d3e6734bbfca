use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_iam::types::StatusType;
use jiff::Timestamp;
use keysweep_sdk::{
    CredentialId, Cx, ErrorKind, Op, PrincipalId, Result, Revoker, RevokerLimits, Sessions,
};

use crate::{Aws, failure::Call, sessions};

#[async_trait]
impl Revoker for Aws {
    /// A session token lives for 36 hours at most (`GetSessionToken`, `GetFederationToken`).
    fn limits(&self) -> RevokerLimits {
        RevokerLimits {
            reversible: true,
            dead_within: Duration::from_secs(5 * 60),
            sessions: Some(Sessions {
                survive: Duration::from_secs(36 * 3600),
                can_end: true,
                ended_by: format!(
                    "a deny on `aws:TokenIssueTime`, the user's inline policy `{}`; sessions of roles that it assumed \
                     end by the same deny at each role",
                    sessions::POLICY
                ),
            }),
        }
    }

    async fn disable(&self, _: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        match self.set(Op::Disable, principal, id, StatusType::Inactive).await {
            Err(error) if error.kind == ErrorKind::NotFound => {
                self.is_gone(Op::Disable, principal, id).await
            }
            done => done,
        }
    }

    async fn enable(&self, _: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        self.set(Op::Enable, principal, id, StatusType::Active).await
    }

    async fn destroy(&self, _: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let name = self.user(Op::Destroy, principal)?;
        let on = format!("{principal} {id}");
        let call = Call::mutates(Op::Destroy, "iam:DeleteAccessKey", &on);
        let delete = self.iam.delete_access_key().user_name(name).access_key_id(id.as_str());
        match delete.send().await.map_err(|error| self.failed(call, &error)) {
            Err(error) if error.kind == ErrorKind::NotFound => {
                self.is_gone(Op::Destroy, principal, id).await
            }
            done => done.map(|_| ()),
        }
    }

    /// Puts the deny of [`sessions`] on the user. An earlier one is moved forward, never back. It is taken off by
    /// hand once the longest session has ended: `aws iam delete-user-policy --user-name NAME --policy-name
    /// keysweep-revoke-sessions`.
    async fn end_sessions(
        &self,
        _: &Cx,
        principal: &PrincipalId,
        _: &CredentialId,
        before: Timestamp,
    ) -> Result<()> {
        let name = self.user(Op::EndSessions, principal)?;
        let cut = sessions::cut(before);
        if self.cut_now(name, principal).await?.is_some_and(|now| now >= cut) {
            return Ok(());
        }
        let call = Call::mutates(Op::EndSessions, "iam:PutUserPolicy", principal.as_str());
        let put = self
            .iam
            .put_user_policy()
            .user_name(name)
            .policy_name(sessions::POLICY)
            .policy_document(sessions::document(cut));
        put.send().await.map(|_| ()).map_err(|error| self.failed(call, &error))
    }
}

impl Aws {
    async fn set(
        &self,
        op: Op,
        principal: &PrincipalId,
        id: &CredentialId,
        status: StatusType,
    ) -> Result<()> {
        let name = self.user(op, principal)?;
        let on = format!("{principal} {id}");
        let call = Call::mutates(op, "iam:UpdateAccessKey", &on);
        let update = self.iam.update_access_key().user_name(name).access_key_id(id.as_str());
        let done = update.status(status).send().await;
        done.map(|_| ()).map_err(|error| self.failed(call, &error))
    }

    /// IAM says "no such entity" of another user's key, too, and of one that it does not see everywhere yet.
    async fn is_gone(&self, op: Op, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let asked = self.iam.get_access_key_last_used().access_key_id(id.as_str()).send().await;
        // Of a key that is gone AWS says nothing more, and it may not be allowed to ask.
        let owner = asked.ok().and_then(|reply| reply.user_name).map(|name| format!("user/{name}"));
        match owner {
            None => Ok(()),
            Some(owner) if owner == principal.as_str() => {
                let message =
                    format!("IAM does not find `{id}` of `{principal}`, and still lists it");
                Err(self.refuse(op, ErrorKind::Unavailable, message))
            }
            Some(owner) => {
                let message = format!("`{id}` is not a key of `{principal}` but of `{owner}`");
                Err(self
                    .refuse(op, ErrorKind::Invalid, message)
                    .with_hint("name that user as the principal of the credential"))
            }
        }
    }

    /// The time of the deny that is on the user.
    async fn cut_now(&self, name: &str, principal: &PrincipalId) -> Result<Option<Timestamp>> {
        let call = Call::reads(Op::EndSessions, "iam:GetUserPolicy", principal.as_str());
        let get = self.iam.get_user_policy().user_name(name).policy_name(sessions::POLICY);
        let policy = match get.send().await.map_err(|error| self.failed(call, &error)) {
            Ok(policy) => policy,
            // Or the user is not there: then the write says so.
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        sessions::cut_of(policy.policy_document()).map(Some).ok_or_else(|| {
            let message =
                format!("the policy `{}` of `{principal}` is not keysweep's", sessions::POLICY);
            self.refuse(Op::EndSessions, ErrorKind::Conflict, message)
                .with_hint("look at it, and give it another name")
        })
    }
}
