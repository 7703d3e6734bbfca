use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Mounting, Op, Provider, ProviderConfig, ProviderName, Result,
    SecretRef, SecretValue,
};
use keysweep_transport::{Base, Client, Hosts, Options};
use serde::Deserialize;

use crate::{
    api::Api,
    change::{Ends, Uses},
    file,
    issuer::Keys,
    manifest::{Auth, Manifest, Verify},
    verifier::Asks,
};

/// `[providers.NAME]` with `type = "http-manifest"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The name of a shipped one, or the path of a file, relative to the configuration: `./acme.toml`.
    pub manifest: String,
    /// keysweep's own credential there.
    #[serde(default)]
    pub token: Option<SecretRef>,
    /// Further ones, by the names that the manifest's `auth` gives them.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRef>,
    /// What the manifest's `params` ask for.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// One of the manifest's, or with `allow_loopback` a server of this machine.
    #[serde(default)]
    pub base_url: Option<String>,
    #[serde(default)]
    pub allow_loopback: bool,
}

#[async_trait]
impl ProviderConfig for Config {
    const TYPE: &'static str = "http-manifest";

    async fn mount(self, name: ProviderName, mounting: &Mounting) -> Result<Provider> {
        let bad = |message: String| {
            Error::new(name.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
        };
        let manifest = self.read(&name, mounting)?;
        let base = self.base(&manifest).map_err(|(why, hint)| bad(why).with_hint(hint))?;
        self.params_fit(&manifest).map_err(&bad)?;
        let mut own = BTreeMap::new();
        for wanted in wanted(&manifest) {
            let reference = self.reference(wanted).ok_or_else(|| {
                let line = match wanted {
                    "token" => "token = \"env:NAME\"".to_owned(),
                    other => format!("secrets = {{ {other} = \"env:NAME\" }}"),
                };
                bad(format!("`{}` authenticates with `{wanted}`, which is not given", manifest.id))
                    .with_hint(format!("write `{line}`"))
            })?;
            let value: SecretValue = mounting.resolve.resolve(&name, reference).await?;
            own.insert(wanted.to_owned(), value);
        }
        let options = Options {
            min_gap: Duration::from_millis(manifest.limits.min_gap_ms),
            ..Options::default()
        };
        let client = Client::with(name, Hosts::of([&base]), &mounting.network, options)?;
        Ok(mounted(Arc::new(Api { client, base, manifest, params: self.params, own })))
    }
}

/// With the parts whose sections are there.
fn mounted(api: Arc<Api>) -> Provider {
    let hosts: Vec<String> = api.client.hosts().map(str::to_owned).collect();
    let mut provider =
        Provider::new(api.name().clone()).hosts(hosts).issuer(Keys(Arc::clone(&api)));
    if api.manifest.verify.is_some() {
        provider = provider.verifier(Asks(Arc::clone(&api)));
    }
    if api.manifest.destroy.is_some() {
        provider = provider.revoker(Ends(Arc::clone(&api)));
    }
    if api.manifest.item.last_used.is_some() {
        provider = provider.usage(Uses(api));
    }
    provider
}

/// The names of keysweep's own credentials that the manifest uses.
fn wanted<'a>(manifest: &'a Manifest) -> impl Iterator<Item = &'a str> {
    let control = |verify: &'a Verify| verify.control.iter().flat_map(|control| &control.auth);
    let verify = manifest.verify.iter().flat_map(move |v| v.auth.iter().chain(control(v)));
    let mut names: Vec<&str> =
        manifest.auth.iter().chain(verify).filter_map(|auth: &Auth| auth.own.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter()
}

impl Config {
    fn reference(&self, wanted: &str) -> Option<&SecretRef> {
        match wanted {
            "token" => self.token.as_ref(),
            other => self.secrets.get(other),
        }
    }

    fn read(&self, name: &ProviderName, mounting: &Mounting) -> Result<Manifest> {
        let bad = |message: String| {
            Error::new(name.clone(), Op::Mount, ErrorKind::Config, Effect::None, message)
        };
        let shipped = file::shipped().find(|(id, _)| *id == self.manifest);
        let (at, text) = match shipped {
            Some((id, text)) => (id.to_owned(), text.to_owned()),
            None if self.manifest.ends_with(".toml") => {
                let path = mounting.folder.join(&self.manifest);
                let at = path.display().to_string();
                let text = fs::read_to_string(&path)
                    .map_err(|error| bad(format!("the manifest `{at}` cannot be read: {error}")))?;
                (at, text)
            }
            None => {
                let known: Vec<&str> = file::shipped().map(|(id, _)| id).collect();
                return Err(bad(format!("there is no manifest `{}`", self.manifest)).with_hint(
                    format!(
                        "shipped are {}; a file of your own ends with `.toml`",
                        known.join(", ")
                    ),
                ));
            }
        };
        file::parse(&at, &text).map_err(|why| bad(why.to_string()).with_hint(why.hint))
    }

    fn base(&self, manifest: &Manifest) -> Result<Base, (String, String)> {
        let known = manifest.base.join(", ");
        let Some(set) = &self.base_url else {
            let first = manifest.base.first().map(String::as_str).unwrap_or_default();
            return Base::parse(first).map_err(|why| (format!("`base`: {why}"), known));
        };
        let base = Base::parse(set).map_err(|why| (format!("`base_url`: {why}"), known.clone()))?;
        let listed = manifest.base.iter().filter_map(|text| Base::parse(text).ok());
        if listed.into_iter().any(|listed| listed == base) {
            return Ok(base);
        }
        match (base.is_loopback(), self.allow_loopback) {
            (true, true) => Ok(base),
            (true, false) => Err((
                "`base_url` is this machine".to_owned(),
                "for a test, set `allow_loopback = true`".to_owned(),
            )),
            (false, _) => Err((
                format!("`base_url` is not one of `{}`'s", manifest.id),
                format!("take one of {known}, or write a manifest of your own"),
            )),
        }
    }

    fn params_fit(&self, manifest: &Manifest) -> Result<(), String> {
        let missing = manifest.params.iter().find(|name| !self.params.contains_key(*name));
        if let Some(name) = missing {
            return Err(format!("`{}` asks for `params.{name}`", manifest.id));
        }
        if let Some(name) = self.params.keys().find(|name| !manifest.params.contains(name)) {
            return Err(format!("`{}` has no parameter `{name}`", manifest.id));
        }
        match self.secrets.keys().find(|name| !wanted(manifest).any(|other| other == *name)) {
            Some(name) => Err(format!("`{}` has no use for `secrets.{name}`", manifest.id)),
            None => Ok(()),
        }
    }
}
