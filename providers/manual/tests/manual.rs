//! A provider of instructions: no server is there to be asked.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_provider_manual::Config;
use keysweep_sdk::{
    Cx, Effect, Error, ErrorKind, MintRequest, Mounting, Network, Op, PrincipalId, Provider,
    ProviderConfig, ProviderName, Resolve, Result, SecretRef, SecretValue, Style,
};

#[derive(Debug)]
struct NoCredentials;

#[async_trait]
impl Resolve for NoCredentials {
    async fn resolve(&self, provider: &ProviderName, _: &SecretRef) -> Result<SecretValue> {
        let (kind, effect) = (ErrorKind::Config, Effect::None);
        Err(Error::new(provider.clone(), Op::Mount, kind, effect, "none is needed"))
    }
}

async fn mount(text: &str) -> Result<Provider> {
    let mounting = Mounting {
        resolve: Arc::new(NoCredentials),
        network: Network::default(),
        folder: PathBuf::from("."),
    };
    let config: Config = toml::from_str(text).expect("the configuration parses");
    config.mount(ProviderName::new("vendor"), &mounting).await
}

const VENDOR: &str = r#"
where = "https://console.vendor.example/keys"
steps = ["press *New key*", "name it keysweep"]
fields = ["key_id", "api_key"]
revoke_steps = ["find the key by its id", "press *Revoke*"]
revoke_within = "4h"
[known]
"org/acme" = ["key-17"]
"#;

#[tokio::test]
async fn it_shows_what_a_person_has_to_do() {
    let provider = mount(VENDOR).await.unwrap();
    let told = provider.instructions.as_ref().unwrap();
    assert_eq!(told.at.as_deref(), Some("https://console.vendor.example/keys"));
    assert_eq!((told.mint.len(), told.revoke.len()), (2, 2));
    assert_eq!((told.mint_within, told.revoke_within), (None, Some(Duration::from_secs(4 * 3600))));

    let can = provider.capabilities();
    let issuer = can.issuer.unwrap();
    assert_eq!((issuer.style, issuer.fields.len()), (Style::Manual, 2));
    assert!(can.revoker.is_none() && can.store.is_none() && provider.hosts.is_empty());
}

#[tokio::test]
async fn it_lists_what_people_know_and_mints_nothing() {
    let provider = mount(VENDOR).await.unwrap();
    let (issuer, cx) = (provider.issuer.unwrap(), Cx::default());
    let acme = PrincipalId::new("org/acme");
    let live = issuer.snapshot(&cx, &acme).await.unwrap();
    assert_eq!(live.iter().map(|l| l.id.as_str()).collect::<Vec<_>>(), ["key-17"]);
    assert!(issuer.snapshot(&cx, &PrincipalId::new("org/other")).await.unwrap().is_empty());

    let request = MintRequest { principal: &acme, marker: "m", replaces: None, chosen: None };
    let error = issuer.mint(&cx, &request).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unsupported, Effect::None));
    assert!(error.hint().unwrap().contains("console.vendor.example"), "{error:?}");
}

#[tokio::test]
async fn what_nobody_could_follow_is_refused() {
    let wrong = [
        ("steps = [\"press *New key*\", \"name it keysweep\"]", "steps = []", "steps"),
        ("\"press *Revoke*\"", "\" \"", "revoke_steps"),
        ("https://console", "https://login:planted@console", "where"),
        ("https://console.vendor.example/keys", "the console", "where"),
        ("4h", "-4h", "revoke_within"),
    ];
    for (from, to, named) in wrong {
        let error = mount(&VENDOR.replace(from, to)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.message().contains(named), "{error}");
        assert!(!format!("{error:?}").contains("planted"), "{error:?}");
    }
    assert!(toml::from_str::<Config>(&format!("surprise = 1\n{VENDOR}")).is_err());
}
