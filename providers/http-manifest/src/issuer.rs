use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, Chooser, Cx, ErrorKind, Issuer, IssuerLimits, Live, LostReply, MintRequest, Minted, Op,
    PrincipalId, Result,
};
use keysweep_transport::Response;

use crate::{
    api::Api,
    list::{id, list},
    manifest::Mint,
    outcome::{Meaning, refusal},
    scope,
};

#[derive(Debug)]
pub(crate) struct Keys(pub(crate) Arc<Api>);

#[async_trait]
impl Issuer for Keys {
    fn limits(&self) -> IssuerLimits {
        let manifest = &self.0.manifest;
        IssuerLimits {
            style: manifest.limits.style,
            chooser: Chooser::Issuer,
            max_live: manifest.limits.max_live,
            inactive_count: true,
            marker: manifest.item.marker.is_some(),
            lost_reply: LostReply::Reconcile,
            visible_within: Duration::from_secs(manifest.limits.visible_within),
            fields: manifest.fields(),
        }
    }

    async fn snapshot(&self, cx: &Cx, principal: &PrincipalId) -> Result<Vec<Live>> {
        let found = list(&self.0, Op::Snapshot, cx, principal).await?;
        Ok(found.into_iter().map(|listed| listed.live).collect())
    }

    async fn mint(&self, cx: &Cx, request: &MintRequest<'_>) -> Result<Minted> {
        let api = &self.0;
        let Some(mint) = &api.manifest.mint else {
            let message = "this API mints for a person who is there only";
            return Err(api
                .error(Op::Mint, ErrorKind::Unsupported, message)
                .with_hint("mint it by hand, and give it with the `manual` provider"));
        };
        let values = api.values(Op::Mint, cx, request.principal)?;
        let mut values = values.with("marker", request.marker);
        if let Some(before) = &mint.before {
            let Some(old) = request.replaces else {
                let message = "there is no credential whose scope the new one could have";
                return Err(api
                    .error(Op::Mint, ErrorKind::Invalid, message)
                    .with_hint("make the first one by hand"));
            };
            values = values.with("id", old.as_str());
            let found = api.read_before(Op::Mint, before, &mint.body, &mint.outcome, &mut values);
            if !found.await? {
                let message = format!("`{old}`, whose scope the new one is to have, is gone");
                return Err(api.error(Op::Mint, ErrorKind::NotFound, message));
            }
        }
        let filled = values.body(&mint.body);
        let filled = filled.map_err(|why| api.error(Op::Mint, ErrorKind::Invalid, why))?;
        let mut sent = api.request(Op::Mint, &mint.request, &values)?;
        if !filled.body.is_null() {
            sent = sent.json(filled.body);
        }
        let response = sent.send().await?;
        match api.meaning(&response, &mint.outcome) {
            Some(Meaning::Done) => minted(api, mint, response),
            meaning => Err(refusal(&response, meaning)),
        }
    }
}

fn minted(api: &Api, mint: &Mint, mut response: Response) -> Result<Minted> {
    let item = response.json()?.pointer(&mint.item);
    let item =
        item.ok_or_else(|| response.unexpected(format!("without a key at `{}`", mint.item)))?;
    let id = id(&response, item, &api.manifest.item.id)?;
    let scope = match api.manifest.list.scope {
        true => scope::texts(&scope::cut(item, &api.manifest.scope)),
        false => Default::default(),
    };
    let mut bundle = Bundle::default();
    for (field, at) in &mint.values {
        bundle = bundle.with(field, response.take_secret(at)?);
    }
    Ok(Minted { id, bundle, scope })
}
