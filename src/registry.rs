//! The one list of provider types that this binary knows, and how a configuration becomes mounted providers.

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, sync::Arc};

use keysweep_sdk::{Error, ErrorKind, Mounting, Provider, ProviderConfig, ProviderName, Resolve};
use toml::{
    Spanned,
    de::{DeValue, ValueDeserializer},
};

use crate::config::{Config, ConfigError, Source, suggestion};

/// Adding a provider is one line here and one in `Cargo.toml`.
const BUILT_IN: &[Entry] = &[
    entry::<keysweep_provider_file::Config>(),
    entry::<keysweep_provider_manual::Config>(),
    entry::<keysweep_provider_ssh::Config>(),
];

type Mounted<'a> = Pin<Box<dyn Future<Output = Result<Provider, MountError>> + Send + 'a>>;

struct Entry {
    kind: &'static str,
    mount: for<'a> fn(&'a Place<'a>, Spanned<DeValue<'a>>) -> Mounted<'a>,
}

/// Where a provider is described, and what it gets.
struct Place<'a> {
    source: &'a Source,
    name: ProviderName,
    /// Where its table begins.
    at: usize,
    mounting: &'a Mounting,
}

/// Why a provider is not there.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// Its part of the configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It could not begin: its own credential is not to be had, mostly.
    #[error("`{at}`: {error}")]
    Start { at: String, error: Error },
}

impl MountError {
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Config(error) => Some(&error.hint),
            Self::Start { error, .. } => error.hint(),
        }
    }

    /// Whether the user's file, and not the world, has to change.
    pub fn is_config(&self) -> bool {
        match self {
            Self::Config(_) => true,
            Self::Start { error, .. } => error.kind == ErrorKind::Config,
        }
    }
}

/// The known `type`s, in alphabetical order.
pub fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<_> = BUILT_IN.iter().map(|entry| entry.kind).collect();
    kinds.sort_unstable();
    kinds
}

/// Mounts one provider of a configuration. Dials nothing; reads the provider's own credentials.
///
/// # Errors
///
/// Where the provider is not described, its type is not known, or it does not mount.
pub async fn mount(
    config: &Config,
    name: &ProviderName,
    resolve: Arc<dyn Resolve>,
) -> Result<Provider, MountError> {
    let mounting = Mounting { resolve, network: config.network.clone(), folder: config.folder() };
    let tree = config.source.tree()?;
    let table =
        tree.into_inner().remove("providers").and_then(|providers| match providers.into_inner() {
            DeValue::Table(mut providers) => providers.remove_entry(name.as_str()),
            _ => None,
        });
    let Some((key, value)) = table else {
        let known = config.providers.keys().map(ProviderName::as_str);
        let hint = suggestion(name.as_str(), known, "providers");
        let message = format!("no provider is called `{name}`");
        return Err(config.source.error(0..0, message, hint).into());
    };
    let place = Place {
        source: &config.source,
        name: name.clone(),
        at: key.span().start,
        mounting: &mounting,
    };
    place.mount(value).await
}

/// Mounts all, in the order of their names. All failures are told, not the first only.
///
/// # Errors
///
/// As [`mount`].
pub async fn mount_all(
    config: &Config,
    resolve: &Arc<dyn Resolve>,
) -> Result<BTreeMap<ProviderName, Provider>, Vec<MountError>> {
    let (mut mounted, mut failed) = (BTreeMap::new(), Vec::new());
    for name in config.providers.keys() {
        match mount(config, name, Arc::clone(resolve)).await {
            Ok(provider) => {
                mounted.insert(name.clone(), provider);
            }
            Err(error) => failed.push(error),
        }
    }
    if failed.is_empty() { Ok(mounted) } else { Err(failed) }
}

impl Place<'_> {
    async fn mount(&self, value: Spanned<DeValue<'_>>) -> Result<Provider, MountError> {
        let span = value.span();
        let DeValue::Table(mut table) = value.into_inner() else {
            let hint = format!("write `[providers.{}]` and its keys below", self.name);
            return Err(self.source.error(span, "a table is wanted", hint).into());
        };
        let kind = table.remove("type");
        let (kind, at) = match &kind {
            Some(kind) => (kind.get_ref().as_str().unwrap_or_default(), kind.span()),
            None => ("", span.clone()),
        };
        let Some(entry) = BUILT_IN.iter().find(|entry| entry.kind == kind) else {
            let hint = suggestion(kind, kinds(), "types");
            let message = format!("no type of provider is called `{kind}`");
            return Err(self.source.error(at, message, hint).into());
        };
        (entry.mount)(self, Spanned::new(span, DeValue::Table(table))).await
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.kind).finish()
    }
}

const fn entry<C: ProviderConfig + 'static>() -> Entry {
    Entry {
        kind: C::TYPE,
        mount: |place, value| {
            Box::pin(async move {
                let config = C::deserialize(ValueDeserializer::from(value))
                    .map_err(|error| place.source.refusal(&error, place.at))?;
                config.mount(place.name.clone(), place.mounting).await.map_err(|error| {
                    let line = place.source.line(place.at);
                    let at = format!("{}:{line}", place.source.path().display());
                    MountError::Start { at, error }
                })
            })
        },
    }
}
