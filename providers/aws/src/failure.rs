//! What AWS, or the way to it, said instead of yes.

use std::{error::Error as StdError, io, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_iam::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use jiff::Timestamp;
use keysweep_sdk::{Effect, Error, ErrorKind, Op};

use crate::{Aws, wire::Unlisted};

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

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// This machine's clock and AWS's are too far apart for a signature to hold.
    pub(crate) skewed: bool,
    /// It carries AWS's own request id.
    pub(crate) of_aws: bool,
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

impl Answer {
    fn of(raw: &HttpResponse, code: Option<&str>, message: Option<&str>) -> Self {
        let header = |name: &str| raw.headers().get(name);
        let body = raw.body().bytes().unwrap_or_default();
        let code = code.and_then(well_formed).or_else(|| code_in(body));
        let date = header("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let apart = date
            .map_or(0, |date| (Timestamp::now().as_second() - date.timestamp().as_second()).abs());
        let told =
            |text: &str| text.contains("ignature expired") || text.contains("not yet current");
        Self {
            status: raw.status().as_u16(),
            // AWS refuses a signature that is five minutes off.
            skewed: apart > 290 || message.is_some_and(told),
            of_aws: code.is_some() || header("x-amzn-requestid").is_some(),
            code,
            retry_after: header("retry-after")
                .and_then(|seconds| seconds.trim().parse().ok())
                .map(Duration::from_secs),
        }
    }

    pub(crate) fn is_throttled(&self) -> bool {
        matches!(self.kind(), ErrorKind::RateLimited { .. })
    }

    pub(crate) fn is_refused_credential(&self) -> bool {
        self.code.as_deref().is_some_and(|code| kind_of(code) == Some(ErrorKind::Unauthenticated))
    }

    fn kind(&self) -> ErrorKind {
        let throttled = ErrorKind::RateLimited { retry_after: self.retry_after };
        match (self.code.as_deref().map(kind_of), self.status) {
            (Some(Some(ErrorKind::RateLimited { .. })), _) => throttled,
            (Some(Some(kind)), _) => kind,
            (_, 429) => throttled,
            (_, 500..) => ErrorKind::Unavailable,
            (Some(None), 400..) => ErrorKind::Invalid,
            // Without a code it may not be AWS that answers: what is not there cannot be told from that.
            (_, 401) => ErrorKind::Unauthenticated,
            (_, 403) => ErrorKind::PermissionDenied,
            (_, 409) => ErrorKind::Conflict,
            _ => ErrorKind::Unexpected,
        }
    }

    fn effect(&self) -> Effect {
        let refused = match self.status {
            401 | 403 | 407 | 413 | 429 => true,
            400..=499 => self.code.is_some(),
            _ => false,
        };
        if refused { Effect::None } else { Effect::Unknown }
    }
}

/// The action that a code asks for. `None`: it has no action of its own.
///
/// Codes as in the services' API references and in "Common errors" of each.
fn kind_of(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "NoSuchEntity"
        | "NoSuchEntityException"
        | "ResourceNotFoundException"
        | "ParameterNotFound" => ErrorKind::NotFound,
        "LimitExceeded"
        | "LimitExceededException"
        | "ParameterLimitExceeded"
        | "ParameterMaxVersionLimitExceeded" => ErrorKind::LimitReached,
        "AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "UnauthorizedOperation" => {
            ErrorKind::PermissionDenied
        }
        "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => ErrorKind::Unauthenticated,
        "RequestLimitExceeded"
        | "RequestThrottled"
        | "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "TooManyUpdates" => ErrorKind::RateLimited { retry_after: None },
        "ConcurrentModification"
        | "ConcurrentModificationException"
        | "EntityTemporarilyUnmodifiable"
        | "ResourceExistsException" => ErrorKind::Conflict,
        "InvalidAction" | "NotImplemented" | "UnknownOperationException" => ErrorKind::Unsupported,
        "InternalFailure"
        | "InternalServerError"
        | "InternalServiceError"
        | "ServiceFailure"
        | "ServiceUnavailable" => ErrorKind::Unavailable,
        _ => return None,
    })
}

/// A code as AWS writes them: anything else may be a value that somebody sends back.
fn well_formed(code: &str) -> Option<String> {
    let code = code.rsplit('#').next().unwrap_or(code);
    let letters = code.chars().all(|c| c.is_ascii_alphabetic() || c == '.');
    (letters && (3..=60).contains(&code.len())).then(|| code.to_owned())
}

/// The code in XML that the service's own protocol does not have, as gateways answer.
fn code_in(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    well_formed(code)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: Option<&str>) -> Answer {
        let code = code.map(str::to_owned);
        Answer { status, code, retry_after: None, skewed: false, of_aws: true }
    }

    #[test]
    fn only_a_refusal_says_that_nothing_happened() {
        for (status, code, kind, effect) in [
            (409, Some("LimitExceeded"), ErrorKind::LimitReached, Effect::None),
            (403, None, ErrorKind::PermissionDenied, Effect::None),
            (403, Some("InvalidClientTokenId"), ErrorKind::Unauthenticated, Effect::None),
            (400, Some("Throttling"), ErrorKind::RateLimited { retry_after: None }, Effect::None),
            (400, Some("SomethingNew"), ErrorKind::Invalid, Effect::None),
            (400, None, ErrorKind::Unexpected, Effect::Unknown),
            (404, None, ErrorKind::Unexpected, Effect::Unknown),
            (408, None, ErrorKind::Unexpected, Effect::Unknown),
            (500, Some("ServiceFailure"), ErrorKind::Unavailable, Effect::Unknown),
            (
                503,
                Some("Throttling"),
                ErrorKind::RateLimited { retry_after: None },
                Effect::Unknown,
            ),
            (502, None, ErrorKind::Unavailable, Effect::Unknown),
            (302, None, ErrorKind::Unexpected, Effect::Unknown),
        ] {
            let answer = answer(status, code);
            assert_eq!((answer.kind(), answer.effect()), (kind, effect), "{answer:?}");
        }
    }

    #[test]
    fn a_code_is_letters_and_nothing_that_was_sent() {
        assert_eq!(well_formed("NoSuchEntity").as_deref(), Some("NoSuchEntity"));
        assert_eq!(well_formed("aws.ssm#ParameterNotFound").as_deref(), Some("ParameterNotFound"));
        for bad in ["403", "", "Value 'planted' is bad", "wJalrXUtnFEMI/K7MDENG"] {
            assert_eq!(well_formed(bad), None);
        }
        let body = b"<ErrorResponse><Errors><Error><Code>AccessDenied</Code></Error></Errors></ErrorResponse>";
        assert_eq!(code_in(body).as_deref(), Some("AccessDenied"));
        assert_eq!(code_in(b"<html>"), None);
    }
}
