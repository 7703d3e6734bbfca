use std::{fmt::Debug, time::Duration};

use keysweep_sdk::{Op, ProviderName};

/// Told of each request when it has ended. It gets no header, no body, no query and no id.
pub trait Trace: Debug + Send + Sync {
    fn request(&self, traced: &Traced<'_>);
}

/// One request that has ended.
#[derive(Clone, Debug)]
pub struct Traced<'a> {
    pub provider: &'a ProviderName,
    pub op: Op,
    pub method: &'a str,
    /// `host:port`.
    pub host: &'a str,
    /// The path with `{name}` where an id stands.
    pub template: &'a str,
    /// `None`: there was no answer.
    pub status: Option<u16>,
    /// The answer was "not modified", and what was kept was used.
    pub cached: bool,
    pub duration: Duration,
}
