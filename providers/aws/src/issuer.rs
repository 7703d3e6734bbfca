use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_iam::types::{AccessKey, AccessKeyMetadata, StatusType};
use keysweep_sdk::{
    Bundle, Chooser, CredentialId, Cx, ErrorKind, Issuer, IssuerLimits, Live, LiveState, LostReply,
    MintRequest, Minted, Op, PrincipalId, Result, SecretValue, Style,
};

use crate::{Aws, failure::Call, timestamp};

pub(crate) const ID: &str = "access_key_id";
pub(crate) const SECRET: &str = "secret_access_key";

#[async_trait]
impl Issuer for Aws {
    /// "IAM and AWS STS quotas": two access keys for a user, not adjustable; inactive ones count. Keys have no tags.
    fn limits(&self) -> IssuerLimits {
        IssuerLimits {
            style: Style::Overlap,
            chooser: Chooser::Issuer,
            max_live: Some(2),
            inactive_count: true,
            marker: false,
            lost_reply: LostReply::Reconcile,
            visible_within: Duration::from_secs(60),
            fields: vec![ID.to_owned(), SECRET.to_owned()],
        }
    }

    async fn snapshot(&self, _: &Cx, principal: &PrincipalId) -> Result<Vec<Live>> {
        let name = self.user(Op::Snapshot, principal)?;
        let call = Call::reads(Op::Snapshot, "iam:ListAccessKeys", principal.as_str());
        let mut live = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let list = self.iam.list_access_keys().user_name(name).set_marker(marker.clone());
            let page = list.send().await.map_err(|error| self.failed(call, &error))?;
            for key in page.access_key_metadata() {
                live.push(listed(key, name).ok_or_else(|| {
                    self.unexpected(call, "a key of somebody else, or in no known state")
                })?);
            }
            if !page.is_truncated() {
                return Ok(live);
            }
            if page.marker().is_none_or(|next| Some(next) == marker.as_deref()) {
                return Err(self.unexpected(call, "a list that has no end"));
            }
            marker = page.marker().map(str::to_owned);
        }
    }

    async fn mint(&self, _: &Cx, request: &MintRequest<'_>) -> Result<Minted> {
        let name = self.user(Op::Mint, request.principal)?;
        if request.chosen.is_some() {
            return Err(self.refuse(Op::Mint, ErrorKind::Unsupported, "IAM makes up its own keys"));
        }
        let call = Call::mutates(Op::Mint, "iam:CreateAccessKey", request.principal.as_str());
        let reply = self.iam.create_access_key().user_name(name).send().await;
        let reply = reply.map_err(|error| self.failed(call, &error))?;
        let key = reply
            .access_key
            .filter(|key| key.user_name() == name && !key.secret_access_key().is_empty());
        key.map(minted).ok_or_else(|| self.unexpected(call, "no key of this user"))
    }
}

fn minted(key: AccessKey) -> Minted {
    let AccessKey { access_key_id: id, secret_access_key: secret, .. } = key;
    Minted {
        bundle: Bundle::one(ID, SecretValue::new(id.clone()))
            .with(SECRET, SecretValue::new(secret)),
        id: CredentialId::new(id),
        scope: std::collections::BTreeMap::new(),
    }
}

fn listed(key: &AccessKeyMetadata, user: &str) -> Option<Live> {
    if key.user_name() != Some(user) {
        return None;
    }
    let state = match key.status()? {
        StatusType::Active => LiveState::Active,
        StatusType::Inactive => LiveState::Inactive,
        _ => return None,
    };
    Some(Live {
        id: CredentialId::new(key.access_key_id()?),
        state,
        created: key.create_date().and_then(timestamp),
        expires: None,
        marker: None,
        scope: std::collections::BTreeMap::new(),
    })
}
