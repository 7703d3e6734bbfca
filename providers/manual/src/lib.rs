//! What only a person can mint or revoke: an API key that a vendor makes in its console alone.
//!
//! Such a provider tells what is to be done and where ([`keysweep_sdk::Instructions`]), and which fields the person
//! will be asked for. It mints nothing and has no revoker: the engine asks through the operator's own channel, without
//! echo, and makes tasks of the steps. A claim is checked by whichever provider can verify the value.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use jiff::SignedDuration;
use keysweep_sdk::{
    CredentialId, Cx, Effect, Error, ErrorKind, Instructions, Issuer, IssuerLimits, Live,
    LiveState, MintRequest, Minted, Mounting, Op, PrincipalId, Provider, ProviderConfig,
    ProviderName, Result,
};
use serde::Deserialize;

/// `type = "manual"` in the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The page where it is done: `https://console.vendor.example/keys`.
    pub r#where: String,
    /// The steps that make a new credential, in order.
    pub steps: Vec<String>,
    /// The fields of the credential: each is asked for.
    pub fields: Vec<String>,
    /// The steps that end the old one, in order.
    pub revoke_steps: Vec<String>,
    /// How long a person may take to make it: `"4h"`.
    #[serde(default)]
    pub mint_within: Option<SignedDuration>,
    /// How long a person may take to end the old one.
    #[serde(default)]
    pub revoke_within: Option<SignedDuration>,
    /// After this time at the latest a new one works; at once unless told.
    #[serde(default)]
    pub visible_within: Option<SignedDuration>,
    /// The public names of the credentials that people know of: principal → ids. The issuer cannot be asked.
    #[serde(default)]
    pub known: BTreeMap<PrincipalId, Vec<CredentialId>>,
}

#[async_trait]
impl ProviderConfig for Config {
    const TYPE: &'static str = "manual";

    async fn mount(self, name: ProviderName, _: &Mounting) -> Result<Provider> {
        let wrong = |message: String| {
            Error::new(name.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
        };
        let lists = [
            ("steps", &self.steps),
            ("fields", &self.fields),
            ("revoke_steps", &self.revoke_steps),
        ];
        for (key, list) in lists {
            if list.is_empty() || list.iter().any(|text| text.trim().is_empty()) {
                let hint = "a person cannot follow what is not written: give at least one text, none of them blank";
                return Err(wrong(format!("`{key}` is empty or has an empty text")).with_hint(hint));
            }
        }
        // It is printed in plans and tickets: an address with a login in it would be, too.
        if !is_page(&self.r#where) {
            return Err(wrong("`where` is not the address of a page".into())
                .with_hint("write `https://HOST/PATH`, without a login or password in it"));
        }
        let within = |key: &str, given: Option<SignedDuration>| {
            given
                .map(Duration::try_from)
                .transpose()
                .map_err(|_| wrong(format!("`{key}` is negative")))
        };
        let instructions = Instructions {
            at: Some(self.r#where.clone()),
            mint: self.steps.clone(),
            revoke: self.revoke_steps.clone(),
            mint_within: within("mint_within", self.mint_within)?,
            revoke_within: within("revoke_within", self.revoke_within)?,
        };
        let visible_within = within("visible_within", self.visible_within)?.unwrap_or_default();
        let by_hand = ByHand {
            name: name.clone(),
            at: self.r#where,
            fields: self.fields,
            visible_within,
            known: self.known,
        };
        Ok(Provider::new(name).issuer(by_hand).instructions(instructions))
    }
}

fn is_page(address: &str) -> bool {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    !host.is_empty()
        && !host.contains('@')
        && !address.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[derive(Debug)]
struct ByHand {
    name: ProviderName,
    at: String,
    fields: Vec<String>,
    visible_within: Duration,
    known: BTreeMap<PrincipalId, Vec<CredentialId>>,
}

#[async_trait]
impl Issuer for ByHand {
    fn limits(&self) -> IssuerLimits {
        IssuerLimits::by_hand(self.fields.clone(), self.visible_within)
    }

    /// What people said there is (`known`). It stands for the list of an issuer that cannot be asked, so nothing may be
    /// concluded from what it lacks; [`Style::Manual`] tells the engine so.
    async fn snapshot(&self, _: &Cx, principal: &PrincipalId) -> Result<Vec<Live>> {
        let known = self.known.get(principal).into_iter().flatten();
        Ok(known
            .map(|id| Live {
                id: id.clone(),
                state: LiveState::Active,
                created: None,
                expires: None,
                marker: None,
                scope: BTreeMap::new(),
            })
            .collect())
    }

    async fn mint(&self, _: &Cx, request: &MintRequest<'_>) -> Result<Minted> {
        let message = format!("only a person can make a credential for `{}`", request.principal);
        let (name, kind) = (self.name.clone(), ErrorKind::Unsupported);
        Err(Error::new(name, Op::Mint, kind, Effect::None, message)
            .with_hint(format!("make it at {} and give it to keysweep when it asks", self.at)))
    }
}
