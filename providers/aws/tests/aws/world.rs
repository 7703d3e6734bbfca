use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use keysweep_provider_aws::Config;
use keysweep_sdk::{
    Bundle, Cx, Effect, Error, ErrorKind, Mounting, Network, Payload, PlacementId, PrincipalId,
    Provider, ProviderConfig, ProviderName, Purpose, Resolve, Result, SecretRef, SecretValue,
};
use keysweep_testbed::{
    absent,
    aws::{AwsServer, Key, REGION},
    ministack, moto,
};

/// The servers that are there.
pub(crate) fn servers() -> Vec<AwsServer> {
    let mut all = Vec::new();
    for (name, started) in [("moto", moto::start()), ("ministack", ministack::start())] {
        match started {
            Some(server) => all.push(server),
            None => absent(name),
        }
    }
    all
}

#[derive(Debug)]
struct Given(BTreeMap<&'static str, String>);

#[async_trait]
impl Resolve for Given {
    async fn resolve(&self, _: &ProviderName, reference: &SecretRef) -> Result<SecretValue> {
        let SecretRef::Env(name) = reference else { panic!("{reference}") };
        Ok(SecretValue::new(self.0[name.as_str()].clone()))
    }
}

pub(crate) fn mounting(key: &Key) -> Mounting {
    let given = BTreeMap::from([("ID", key.id.clone()), ("SECRET", key.secret.clone())]);
    Mounting {
        resolve: Arc::new(Given(given)),
        network: Network::default(),
        folder: PathBuf::new(),
    }
}

pub(crate) fn config(url: &str) -> String {
    format!(
        "region = '{REGION}'\nbase_url = '{url}'\n\
         credentials = {{ access_key_id = 'env:ID', secret_access_key = 'env:SECRET' }}\n"
    )
}

/// The provider, at this address and with this key.
pub(crate) async fn mounted(url: &str, key: &Key) -> Provider {
    mounted_for(url, key, 10).await
}

/// With a timeout of so many seconds.
pub(crate) async fn mounted_for(url: &str, key: &Key, timeout: u64) -> Provider {
    let config: Config = toml::from_str(&config(url)).unwrap();
    let mut mounting = mounting(key);
    mounting.network.timeout = Some(timeout);
    config.mount(ProviderName::new("prod"), &mounting).await.unwrap()
}

pub(crate) async fn admin(server: &AwsServer) -> Provider {
    mounted(&server.url(), &server.admin).await
}

pub(crate) fn cx() -> Cx {
    Cx { campaign: "test".into() }
}

pub(crate) fn user(name: &str) -> PrincipalId {
    PrincipalId::new(format!("user/{name}"))
}

pub(crate) fn at(place: &str) -> PlacementId {
    PlacementId::new(place)
}

pub(crate) fn one(value: &str) -> Payload {
    Payload::One(SecretValue::new(value))
}

pub(crate) fn named(values: &[(&str, &str)]) -> Payload {
    let values = values.iter().map(|&(n, v)| (n.to_owned(), SecretValue::new(v)));
    Payload::Named(values.collect())
}

pub(crate) fn bundle(key: &Key) -> Bundle {
    Bundle::one("access_key_id", SecretValue::new(key.id.clone()))
        .with("secret_access_key", SecretValue::new(key.secret.clone()))
}

pub(crate) fn key(bundle: &Bundle) -> Key {
    let field = |name| bundle.field(name).unwrap().expose_for(Purpose::Verify);
    Key::new(field("access_key_id"), field("secret_access_key"))
}

/// The kind and the effect that an error has to have; and it tells none of these values.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    result: Result<T>,
    kind: ErrorKind,
    effect: Effect,
    secrets: &[&str],
) -> Error {
    let error = result.unwrap_err();
    assert_eq!((error.kind, error.effect), (kind, effect), "{error:?}");
    let text = format!("{error} {error:?} {:?}", error.hint());
    for secret in secrets {
        assert!(!text.contains(secret), "an error tells a value");
    }
    error
}
