use std::{fmt, time::Duration};

use keysweep_sdk::{Effect, Error, ErrorKind, Result, SecretValue};
use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::{body::wipe, reason::reason, request::Call};

/// A whole answer. Its `Debug` shows the status and no more; what it held is wiped when it is dropped.
pub struct Response {
    call: Call,
    url: Url,
    status: u16,
    headers: HeaderMap,
    body: Body,
    /// The server refused for the number of requests, and may have said how long.
    limited: Option<Option<Duration>>,
    reason: Option<String>,
}

enum Body {
    Empty,
    Json(Value),
    /// It begins with this, and is no JSON.
    Other(usize),
}

impl Response {
    pub(crate) fn new(
        call: Call,
        url: Url,
        status: u16,
        headers: HeaderMap,
        bytes: &[u8],
        limited: Option<Option<Duration>>,
        sent: &[&str],
    ) -> Self {
        let body = match bytes.trim_ascii().is_empty() {
            true => Body::Empty,
            false => serde_json::from_slice(bytes).map_or(Body::Other(bytes.len()), Body::Json),
        };
        let reason = match &body {
            Body::Json(value) if (400..500).contains(&status) => reason(value, sent),
            _ => None,
        };
        Self { call, url, status, headers, body, limited, reason }
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Of a header that is there once, in visible characters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `rel="next"` of `Link` (RFC 8288), whole, for [`crate::Client::follow`].
    pub fn next_link(&self) -> Option<String> {
        let links = self.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
        let named = links.filter_map(next).next()?;
        self.url.join(named).map(String::from).ok()
    }

    /// Itself when the status is 2xx, else [`Response::refusal`].
    pub fn success(self) -> Result<Self> {
        match self.is_success() {
            true => Ok(self),
            false => Err(self.refusal()),
        }
    }

    /// The body. Where it is none: `Unexpected`, with an unknown effect for what changes something.
    pub fn json(&self) -> Result<&Value> {
        match &self.body {
            Body::Json(value) => Ok(value),
            Body::Empty => Err(self.unexpected("without a body")),
            Body::Other(bytes) => {
                Err(self.unexpected(format!("with {bytes} bytes that are no JSON")))
            }
        }
    }

    /// The text at an RFC 6901 pointer of the body.
    pub fn text(&self, pointer: &str) -> Result<&str> {
        let found = self.json()?.pointer(pointer).and_then(Value::as_str);
        found.ok_or_else(|| self.unexpected(format!("without a text at `{pointer}`")))
    }

    /// Takes the text at a pointer out of the body, as a secret.
    pub fn take_secret(&mut self, pointer: &str) -> Result<SecretValue> {
        self.json()?;
        let taken = match &mut self.body {
            Body::Json(body) => body.pointer_mut(pointer).map(Value::take),
            Body::Empty | Body::Other(_) => None,
        };
        match taken {
            Some(Value::String(text)) if !text.is_empty() => Ok(SecretValue::new(text)),
            _ => Err(self.unexpected(format!("without a value at `{pointer}`"))),
        }
    }

    /// What the server says about its refusal; never a value that it was sent.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The error that the status stands for: what a 4xx refused had no effect, of all else it is not known.
    pub fn refusal(&self) -> Error {
        use ErrorKind as Kind;
        let kind = match self.status {
            _ if self.limited.is_some() => {
                Kind::RateLimited { retry_after: self.limited.flatten() }
            }
            401 => Kind::Unauthenticated,
            402 | 403 => Kind::PermissionDenied,
            404 | 410 => Kind::NotFound,
            409 | 412 => Kind::Conflict,
            400 | 413 | 414 | 415 | 422 => Kind::Invalid,
            408 | 425 | 500.. => Kind::Unavailable,
            _ => Kind::Unexpected,
        };
        let error = self.error(kind, self.refused());
        match self.status {
            401 => error.with_hint("renew the credential that the configuration names for it"),
            403 if self.limited.is_none() => error.with_hint("give who it runs as the permission"),
            _ => error,
        }
    }

    /// An error of another kind than the status stands for, where an API says more in its body.
    pub fn error(&self, kind: ErrorKind, effect: Effect) -> Error {
        let said = self.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        self.call.error(kind, effect, format!("answered {}{said}", self.status))
    }

    /// An answer that the API's documentation does not have.
    pub fn unexpected(&self, what: impl fmt::Display) -> Error {
        let effect = if self.is_success() { self.call.doubt() } else { self.refused() };
        let message = format!("answered {} {what}", self.status);
        self.call.error(ErrorKind::Unexpected, effect, message)
    }

    /// What is known of the other side when the answer is not understood: nothing, if the request changes something.
    pub fn doubt(&self) -> Effect {
        self.call.doubt()
    }

    fn refused(&self) -> Effect {
        match self.status {
            // A gateway says this of what it has passed on already.
            408 | 499 => self.call.doubt(),
            400..500 => Effect::None,
            _ => self.call.doubt(),
        }
    }
}

/// Of one `Link` header with its several links.
fn next(line: &str) -> Option<&str> {
    line.split('<').skip(1).find_map(|link| {
        let (url, parameters) = link.split_once('>')?;
        let mut parameters = parameters.split([';', ',']).map(str::trim);
        // Sentry names a next page that holds nothing, and says so: https://docs.sentry.io/api/pagination/
        let empty = parameters.clone().any(|p| p == "results=\"false\"");
        let next = parameters.any(|p| ["rel=\"next\"", "rel=next"].contains(&p));
        (next && !empty).then_some(url)
    })
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("to", &self.call.line)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        if let Body::Json(body) = &mut self.body {
            wipe(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_read_from_link() {
        let github = r#"<https://h/a?page=1>; rel="prev", <https://h/a?x=1,2&page=3>; rel="next""#;
        assert_eq!(next(github), Some("https://h/a?x=1,2&page=3"));
        assert_eq!(next(r#"<https://h/a?page=1>; rel="prev""#), None);
        let sentry = r#"<https://h/a?cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", <https://h/a?cursor=0:100:0>; rel="next"; results="true"; cursor="0:100:0""#;
        assert_eq!(next(sentry), Some("https://h/a?cursor=0:100:0"));
        let last = r#"<https://h/a?cursor=0:0:1>; rel="previous"; results="true", <https://h/b>; rel="next"; results="false""#;
        assert_eq!(next(last), None);
    }
}
