use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use keysweep_provider_vault::Config;
use keysweep_sdk::{
    Bundle, CredentialId, Cx, Delivery, Error, Held, Live, MintRequest, Minted, Mounting, Network,
    Payload, PlacementId, PrincipalId, Provider, ProviderConfig, ProviderName, Purpose, Resolve,
    Result, SecretRef, SecretValue, Slot, Verdict,
};
use keysweep_testbed::openbao::{Login, OpenBao, ROOT_TOKEN};

/// Gives every reference this value.
#[derive(Debug)]
pub(crate) struct Always(pub(crate) String);

#[async_trait]
impl Resolve for Always {
    async fn resolve(&self, _: &ProviderName, _: &SecretRef) -> Result<SecretValue> {
        Ok(SecretValue::new(self.0.clone()))
    }
}

pub(crate) fn mounting(token: &str, timeout: u64) -> Mounting {
    Mounting {
        resolve: Arc::new(Always(token.to_owned())),
        network: Network { ca: None, proxy: None, timeout: Some(timeout) },
        folder: PathBuf::new(),
    }
}

pub(crate) async fn mounted_at(url: &str, token: &str, timeout: u64, further: &str) -> Provider {
    let text = format!("address = \"{url}\"\ntoken = \"env:UNUSED\"\n{further}");
    let config: Config = toml::from_str(&text).unwrap();
    config.mount(ProviderName::new("bao"), &mounting(token, timeout)).await.unwrap()
}

pub(crate) async fn mounted(server: &OpenBao) -> Provider {
    mounted_at(&server.url(), ROOT_TOKEN, 10, "").await
}

pub(crate) fn cx() -> Cx {
    Cx { campaign: "test".into() }
}

pub(crate) fn principal() -> PrincipalId {
    PrincipalId::new("approle/approle/ci")
}

pub(crate) fn id(text: &str) -> CredentialId {
    CredentialId::new(text)
}

pub(crate) fn bundle(role_id: &str, secret_id: &str) -> Bundle {
    Bundle::one("role_id", SecretValue::new(role_id)).with("secret_id", SecretValue::new(secret_id))
}

pub(crate) fn login(login: &Login) -> Bundle {
    bundle(&login.role_id, &login.secret_id)
}

pub(crate) fn field<'a>(bundle: &'a Bundle, name: &str) -> &'a str {
    bundle.field(name).unwrap().expose_for(Purpose::Verify)
}

pub(crate) async fn snapshot(provider: &Provider) -> Result<Vec<Live>> {
    provider.issuer.as_ref().unwrap().snapshot(&cx(), &principal()).await
}

pub(crate) async fn mint(provider: &Provider, marker: &str, old: Option<&str>) -> Result<Minted> {
    let (of, old) = (principal(), old.map(id));
    let request = MintRequest { principal: &of, marker, replaces: old.as_ref(), chosen: None };
    provider.issuer.as_ref().unwrap().mint(&cx(), &request).await
}

pub(crate) async fn verify(provider: &Provider, bundle: &Bundle) -> Result<Verdict> {
    provider.verifier.as_ref().unwrap().verify(&cx(), &principal(), bundle).await
}

pub(crate) fn one(value: &str) -> Payload {
    Payload::One(SecretValue::new(value))
}

pub(crate) fn named(values: &[(&str, &str)]) -> Payload {
    let fields = values.iter().map(|(n, v)| ((*n).to_owned(), SecretValue::new(*v)));
    Payload::Named(fields.collect())
}

pub(crate) async fn place(
    provider: &Provider,
    at: &str,
    payload: &Payload,
    expect: Option<&str>,
) -> Result<Slot> {
    let at = PlacementId::new(at);
    let delivery = Delivery { expect, ..Delivery::new(&at, payload) };
    provider.store.as_ref().unwrap().place(&cx(), &delivery).await
}

pub(crate) async fn stat(provider: &Provider, at: &str) -> Result<Option<Slot>> {
    provider.store.as_ref().unwrap().stat(&cx(), &PlacementId::new(at)).await
}

pub(crate) async fn read(provider: &Provider, at: &str, names: &[&str]) -> Result<Held> {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    provider.store.as_ref().unwrap().read(&cx(), &PlacementId::new(at), &names).await
}

pub(crate) async fn remove(provider: &Provider, at: &str, names: &[&str]) -> Result<()> {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    provider.store.as_ref().unwrap().remove(&cx(), &PlacementId::new(at), &names).await
}

/// All that an error shows.
pub(crate) fn shown(error: &Error) -> String {
    format!("{error} {error:?} {error:#?} {:?}", error.hint())
}
