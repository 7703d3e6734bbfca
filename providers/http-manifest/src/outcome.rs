//! What a status means, and what is not said of it.

use std::fmt;

use keysweep_sdk::{Effect, Error, ErrorKind};
use keysweep_transport::Response;
use serde::{Deserialize, Serialize};

use crate::manifest::Outcomes;

/// What a manifest may say of a status.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Meaning {
    /// It was done; of a list, here it is.
    Done,
    /// What was to be ended is not there any more.
    Gone,
    /// `verify`: the issuer takes it.
    Live,
    /// `verify`: the issuer refuses it.
    Dead,
    Refused,
    NotFound,
    Conflict,
    /// The principal holds as many as it may.
    Limit,
    Denied,
    Unauthenticated,
    RateLimited,
    /// It failed on the other side, and certainly did nothing.
    Unavailable,
    /// It may have been done or not.
    Unknown,
}

/// As a manifest writes it.
impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What the manifest says of a status: the section first, then the manifest.
pub(crate) fn meaning(status: u16, section: &Outcomes, whole: &Outcomes) -> Option<Meaning> {
    section.get(&status).or_else(|| whole.get(&status)).copied()
}

/// The error for all that is not what was asked for. What is not mapped is unknown.
pub(crate) fn refusal(response: &Response, meaning: Option<Meaning>) -> Error {
    use ErrorKind as Kind;
    let kind = match meaning {
        Some(Meaning::Refused) => Kind::Invalid,
        Some(Meaning::NotFound | Meaning::Gone) => Kind::NotFound,
        Some(Meaning::Conflict) => Kind::Conflict,
        Some(Meaning::Limit) => Kind::LimitReached,
        Some(Meaning::Denied) => Kind::PermissionDenied,
        Some(Meaning::Unauthenticated | Meaning::Dead) => Kind::Unauthenticated,
        Some(Meaning::RateLimited) => {
            return match response.refusal() {
                error if matches!(error.kind, Kind::RateLimited { .. }) => error,
                _ => response.error(Kind::RateLimited { retry_after: None }, Effect::None),
            };
        }
        Some(Meaning::Unavailable) => Kind::Unavailable,
        Some(Meaning::Unknown) => return response.error(Kind::Unavailable, response.doubt()),
        Some(Meaning::Done | Meaning::Live) | None => {
            let kind = if response.status() >= 500 { Kind::Unavailable } else { Kind::Unexpected };
            return response.error(kind, response.doubt()).with_hint(
                "the manifest does not say what this status means; look at the API's documentation",
            );
        }
    };
    let error = response.error(kind, Effect::None);
    match kind {
        Kind::Unauthenticated => {
            error.with_hint("renew the credential that the configuration names")
        }
        Kind::PermissionDenied => {
            error.with_hint("give the credential that the configuration names the permission")
        }
        Kind::LimitReached => error.with_hint("destroy one that nobody uses"),
        _ => error,
    }
}
