use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    CredentialId, Cx, ErrorKind, Op, PrincipalId, Result, Revoker, RevokerLimits, Usage,
    UsageLimits, Use,
};

use crate::{
    api::Api,
    list::list,
    manifest::Change,
    outcome::{Meaning, refusal},
};

/// Disables, enables, destroys.
#[derive(Debug)]
pub(crate) struct Ends(pub(crate) Arc<Api>);

/// The last use, as the list tells it.
#[derive(Debug)]
pub(crate) struct Uses(pub(crate) Arc<Api>);

impl Ends {
    /// `false`: it is gone already.
    async fn change(
        &self,
        op: Op,
        change: Option<&Change>,
        cx: &Cx,
        principal: &PrincipalId,
        id: &CredentialId,
    ) -> Result<bool> {
        let api = &self.0;
        let Some(change) = change else {
            let message = "this API has no such call";
            return Err(api.error(op, ErrorKind::Unsupported, message));
        };
        let mut values = api.values(op, cx, principal)?.with("id", id.as_str());
        if let Some(before) = &change.before {
            let read = api.read_before(op, before, &change.body, &change.outcome, &mut values);
            if !read.await? {
                return Ok(false);
            }
        }
        let filled = values.body(&change.body);
        let filled = filled.map_err(|why| api.error(op, ErrorKind::Invalid, why))?;
        let mut request = api.request(op, &change.request, &values)?;
        if !filled.body.is_null() {
            request = request.json(filled.body);
        }
        let response = request.send().await?;
        match api.meaning(&response, &change.outcome) {
            Some(Meaning::Done) => Ok(true),
            Some(Meaning::Gone) => Ok(false),
            meaning => Err(refusal(&response, meaning)),
        }
    }
}

#[async_trait]
impl Revoker for Ends {
    fn limits(&self) -> RevokerLimits {
        let manifest = &self.0.manifest;
        RevokerLimits {
            reversible: manifest.disable.is_some(),
            dead_within: Duration::from_secs(manifest.limits.dead_within),
            sessions: None,
        }
    }

    async fn disable(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let change = self.0.manifest.disable.as_ref();
        self.change(Op::Disable, change, cx, principal, id).await.map(drop)
    }

    async fn enable(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let change = self.0.manifest.enable.as_ref();
        match self.change(Op::Enable, change, cx, principal, id).await? {
            true => Ok(()),
            false => {
                let message = format!("`{id}` is gone");
                Err(self.0.error(Op::Enable, ErrorKind::NotFound, message))
            }
        }
    }

    async fn destroy(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let change = self.0.manifest.destroy.as_ref();
        self.change(Op::Destroy, change, cx, principal, id).await.map(drop)
    }
}

#[async_trait]
impl Usage for Uses {
    fn limits(&self) -> UsageLimits {
        let limits = &self.0.manifest.limits;
        UsageLimits {
            granularity: Duration::from_secs(limits.use_granularity.unwrap_or_default()),
            lag: Duration::from_secs(limits.use_lag.unwrap_or_default()),
            tells_source: false,
        }
    }

    async fn last_use(&self, cx: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<Use> {
        let found = list(&self.0, Op::LastUse, cx, principal).await?;
        match found.into_iter().find(|listed| listed.live.id == *id) {
            Some(listed) => Ok(Use { at: listed.last_used, source: None }),
            None => {
                let message = format!("`{principal}` has no credential `{id}`");
                Err(self.0.error(Op::LastUse, ErrorKind::NotFound, message))
            }
        }
    }
}
