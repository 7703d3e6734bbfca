//! What AWS answered instead of yes.

use std::time::Duration;

use aws_sdk_iam::config::http::HttpResponse;
use jiff::Timestamp;
use keysweep_sdk::{Effect, ErrorKind};

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

impl Answer {
    pub(crate) fn of(raw: &HttpResponse, code: Option<&str>, message: Option<&str>) -> Self {
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

    pub(crate) fn kind(&self) -> ErrorKind {
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

    pub(crate) fn effect(&self) -> Effect {
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
