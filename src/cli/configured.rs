//! What the verbs that work with providers have in common: the configuration, mounted providers, a runtime.

use std::{collections::BTreeMap, future::Future, path::Path, sync::Arc};

use keysweep_sdk::{Provider, ProviderName, Resolve};

use super::{ExitError, Streams};
use crate::{
    config::{self, Config, ConfigError, reference::References},
    registry::{self, MountError},
};

/// Reads the configuration. Of several mistakes the last is the error, and the others are told before it.
pub(super) fn load(path: &Path, streams: &mut Streams<'_>) -> Result<Config, ExitError> {
    config::load(path).map_err(|errors| told(&errors, streams))
}

/// Tells all mistakes but the last, which is returned.
pub(super) fn told(errors: &[ConfigError], streams: &mut Streams<'_>) -> ExitError {
    last(errors.iter().map(refused).collect(), streams)
}

pub(super) fn refused(error: &ConfigError) -> ExitError {
    ExitError::usage(format!("`{}`", error.place()), error.trouble()).hint(error.hint.clone())
}

pub(super) fn last(mut errors: Vec<ExitError>, streams: &mut Streams<'_>) -> ExitError {
    let last = errors.pop();
    for error in errors {
        let _ = write!(streams.err, "{error}");
    }
    last.unwrap_or_else(|| ExitError::failed("configuration", "not read"))
}

/// Every provider of the configuration, or why it is not there.
pub(super) async fn mounted(
    config: &Config,
) -> BTreeMap<ProviderName, Result<Provider, MountError>> {
    let resolve: Arc<dyn Resolve> = Arc::new(References::of(config));
    let mut mounted = BTreeMap::new();
    for name in config.providers.keys() {
        let provider = registry::mount(config, name, Arc::clone(&resolve)).await;
        mounted.insert(name.clone(), provider);
    }
    mounted
}

/// Tells, before anything is dialled, what will be.
pub(super) fn tell_hosts<'p>(
    providers: impl IntoIterator<Item = &'p Provider>,
    streams: &mut Streams<'_>,
) {
    let mut none = true;
    for provider in providers {
        for host in &provider.hosts {
            if none {
                let _ = writeln!(streams.err, "hosts that are dialled, and no other:");
            }
            none = false;
            let line = format!("  {host}  ({})", provider.name());
            let _ = writeln!(streams.err, "{}", crate::report::clean(&line));
        }
    }
    if none {
        let _ = writeln!(streams.err, "no host is dialled");
    }
    let _ = streams.err.flush();
}

/// Runs what waits, on this thread.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, ExitError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        ExitError::failed("keysweep", super::settings::plain(&error))
            .hint("see how many files a process may have open (`ulimit -n`)")
    })?;
    Ok(runtime.block_on(work))
}
