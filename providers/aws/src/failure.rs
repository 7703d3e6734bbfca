//! What AWS, or the way to it, said instead of yes.

use std::{error::Error as StdError, io};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_iam::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use keysweep_sdk::{Effect, Error, ErrorKind, Op};

use crate::{Aws, answer::Answer, wire::Unlisted};

/// One call, for the error that says that it failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) op: Op,
    /// As a policy names it: `iam:CreateAccessKey`.
    pub(crate) action: &'static str,
    /// What it is about. Never a value.
    pub(crate) on: &'a str,
    pub(crate) mutates: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn reads(op: Op, action: &'static str, on: &'a str) -> Self {
        Self { op, action, on, mutates: false }
    }

    pub(crate) fn mutates(op: Op, action: &'static str, on: &'a str) -> Self {
        Self { op, action, on, mutates: true }
    }
}

/// Why a call failed. Nothing of AWS's own text is kept: it quotes what it was given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    /// keysweep's own credential could not be had. Nothing was sent.
    Credential,
    /// Nothing was sent.
    Unsent(&'static str),
    /// A host beyond the list. Nothing was sent.
    Unlisted(String),
    /// Not reached: no byte of the request was sent.
    Unreachable,
    /// Sent, perhaps, and no reply that can be read.
    Lost(&'static str),
    Answer(Answer),
}

impl Cause {
    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        match error {
            SdkError::ServiceError(answered) => {
                let (meta, raw) = (answered.err(), answered.raw());
                Self::Answer(Answer::of(raw, meta.code(), meta.message()))
            }
            SdkError::ResponseError(unread) if unread.raw().status().is_success() => {
                Self::Lost("the reply cannot be read")
            }
            SdkError::ResponseError(unread) => Self::Answer(Answer::of(unread.raw(), None, None)),
            SdkError::TimeoutError(_) => Self::Lost("no reply in time"),
            SdkError::DispatchFailure(failure) => failure
                .as_connector_error()
                .map_or(Self::Lost("the connection failed"), |e| Self::of_connection(e)),
            SdkError::ConstructionFailure(_) => match find::<CredentialsError>(error) {
                Some(_) => Self::Credential,
                None => Self::Unsent("it cannot be put into a request"),
            },
            _ => Self::Lost("the reason is not known"),
        }
    }

    fn of_connection(error: &(dyn StdError + 'static)) -> Self {
        if find::<CredentialsError>(error).is_some() {
            return Self::Credential;
        }
        if let Some(Unlisted(host)) = find::<Unlisted>(error) {
            return Self::Unlisted(host.clone());
        }
        let connect = find::<hyper_util::client::legacy::Error>(error)
            .is_some_and(hyper_util::client::legacy::Error::is_connect);
        let refused = find::<io::Error>(error)
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if connect || refused {
            Self::Unreachable
        } else if error.downcast_ref::<ConnectorError>().is_some_and(ConnectorError::is_timeout) {
            Self::Lost("no reply in time")
        } else {
            Self::Lost("the connection broke off")
        }
    }

    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Answer(answer) => answer.code.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Credential => ErrorKind::Unauthenticated,
            Self::Unsent(_) => ErrorKind::Invalid,
            Self::Unlisted(_) => ErrorKind::Config,
            Self::Unreachable | Self::Lost(_) => ErrorKind::Unavailable,
            Self::Answer(answer) => answer.kind(),
        }
    }

    /// What a mutation may have done.
    fn effect(&self) -> Effect {
        match self {
            Self::Credential | Self::Unsent(_) | Self::Unlisted(_) | Self::Unreachable => {
                Effect::None
            }
            Self::Lost(_) => Effect::Unknown,
            Self::Answer(answer) => answer.effect(),
        }
    }
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // `io::Error` skips the error that it wraps.
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            return find(inner);
        }
        next = error.source();
    }
    None
}

impl Aws {
    /// The error of a call that failed.
    pub(crate) fn failed<E>(&self, call: Call<'_>, error: &SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        self.of_cause(call, &Cause::of(error))
    }

    pub(crate) fn of_cause(&self, call: Call<'_>, cause: &Cause) -> Error {
        let Call { op, action, on, mutates } = call;
        let effect = if mutates { cause.effect() } else { Effect::None };
        let mut message = match cause {
            Cause::Credential => {
                format!("`{action}` on `{on}`: no credential of its own to be had")
            }
            Cause::Unsent(why) => format!("`{action}` on `{on}` was not sent: {why}"),
            Cause::Unlisted(host) => {
                format!("`{action}` on `{on}` was not sent: `{host}` is not a listed host")
            }
            Cause::Unreachable => format!("`{action}` on `{on}`: the service is not reached"),
            Cause::Lost(why) => format!("`{action}` on `{on}`: {why}"),
            Cause::Answer(answer) => {
                let code = answer.code.as_deref().unwrap_or("no AWS error code");
                format!("`{action}` on `{on}` was refused: {code} (HTTP {})", answer.status)
            }
        };
        if effect == Effect::Unknown {
            message.push_str("; it may have taken effect");
        }
        let error = Error::new(self.name.clone(), op, cause.kind(), effect, message);
        match hint(call, cause) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// An error of our own: nothing was sent.
    pub(crate) fn refuse(&self, op: Op, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(self.name.clone(), op, kind, Effect::None, message)
    }

    /// AWS answered what its documentation does not have.
    pub(crate) fn unexpected(&self, call: Call<'_>, what: &str) -> Error {
        let effect = if call.mutates { Effect::Unknown } else { Effect::None };
        let message = format!("`{}` on `{}` answered {what}", call.action, call.on);
        Error::new(self.name.clone(), call.op, ErrorKind::Unexpected, effect, message)
    }
}

fn hint(call: Call<'_>, cause: &Cause) -> Option<String> {
    if let Cause::Answer(answer) = cause
        && answer.skewed
        && answer.kind() == ErrorKind::Unauthenticated
    {
        return Some("set this machine's clock: it is minutes away from AWS's".into());
    }
    Some(match cause.kind() {
        ErrorKind::PermissionDenied => {
            let Call { action, on, .. } = call;
            format!(
                "allow `{action}` on `{on}`, by its own policy and those of the organization; \
                 `keysweep doctor` prints the least policy"
            )
        }
        ErrorKind::Unauthenticated => {
            "look at the `credentials`, `profile` or `role_arn` of this provider: wrong, inactive or expired".into()
        }
        ErrorKind::LimitReached if call.op == Op::Mint => {
            "a user holds two access keys at most, inactive ones too: destroy one that nobody uses".into()
        }
        ErrorKind::Unavailable if call.mutates && cause.effect() == Effect::Unknown => {
            "look at the state before anything is sent again".into()
        }
        ErrorKind::Config => {
            "set `sso_region` to the region of the profile's SSO, or name the endpoint".into()
        }
        _ => return None,
    })
}
