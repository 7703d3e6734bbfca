use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use keysweep_provider_postgres::Config;
use keysweep_sdk::{
    Bundle, Chosen, CredentialId, Cx, Error, Live, MintRequest, Minted, Mounting, Network,
    PrincipalId, Provider, ProviderConfig, ProviderName, Purpose, Resolve, Result, SecretRef,
    SecretValue, Verdict,
};
use keysweep_testbed::postgres::{ADMIN_PASSWORD, Postgres};

/// Gives every reference this value.
#[derive(Debug)]
pub(crate) struct Always(pub(crate) &'static str);

#[async_trait]
impl Resolve for Always {
    async fn resolve(&self, _: &ProviderName, _: &SecretRef) -> Result<SecretValue> {
        Ok(SecretValue::new(self.0))
    }
}

pub(crate) fn mounting(password: &'static str, ca: Option<PathBuf>, timeout: u64) -> Mounting {
    Mounting {
        resolve: Arc::new(Always(password)),
        network: Network { ca, proxy: None, timeout: Some(timeout) },
        folder: PathBuf::new(),
    }
}

pub(crate) fn config(port: u16, further: &str) -> Config {
    toml::from_str(&format!(
        "host = \"127.0.0.1\"\nport = {port}\nuser = \"postgres\"\npassword = \"env:UNUSED\"\n\
         sslmode = \"disable\"\n{further}"
    ))
    .unwrap()
}

pub(crate) async fn mounted(server: &Postgres, further: &str) -> Provider {
    let config = config(server.port(), further);
    config.mount(ProviderName::new("db"), &mounting(ADMIN_PASSWORD, None, 10)).await.unwrap()
}

pub(crate) const PAIR: &str = "[roles.app]\nalternates = [\"app_a\", \"app_b\"]\n";

pub(crate) fn cx() -> Cx {
    Cx { campaign: "test".into() }
}

pub(crate) fn principal() -> PrincipalId {
    PrincipalId::new("role/app")
}

pub(crate) fn id(text: &str) -> CredentialId {
    CredentialId::new(text)
}

pub(crate) fn login(user: &str, password: &str) -> Bundle {
    Bundle::one("username", SecretValue::new(user)).with("password", SecretValue::new(password))
}

pub(crate) fn password(bundle: &Bundle) -> &str {
    bundle.field("password").unwrap().expose_for(Purpose::Verify)
}

pub(crate) async fn snapshot(provider: &Provider, of: &PrincipalId) -> Result<Vec<Live>> {
    provider.issuer.as_ref().unwrap().snapshot(&cx(), of).await
}

pub(crate) async fn choose(provider: &Provider, old: Option<&CredentialId>) -> Result<Chosen> {
    let live = snapshot(provider, &principal()).await?;
    let issuer = provider.issuer.as_ref().unwrap();
    Ok(issuer.choose(&cx(), &principal(), &live, old).await?.unwrap())
}

pub(crate) async fn mint(
    provider: &Provider,
    chosen: &Chosen,
    replaces: Option<&CredentialId>,
) -> Result<Minted> {
    let of = principal();
    let request = MintRequest { principal: &of, marker: "m", replaces, chosen: Some(chosen) };
    provider.issuer.as_ref().unwrap().mint(&cx(), &request).await
}

pub(crate) async fn verify(provider: &Provider, bundle: &Bundle) -> Result<Verdict> {
    provider.verifier.as_ref().unwrap().verify(&cx(), &principal(), bundle).await
}

pub(crate) fn is_live(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Live(_))
}

/// All that an error shows.
pub(crate) fn shown(error: &Error) -> String {
    format!("{error} {error:?} {error:#?} {:?}", error.hint())
}
