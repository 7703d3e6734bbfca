use base64::{Engine, engine::general_purpose::STANDARD};
use keysweep_sdk::{Effect, Error, ErrorKind, Op, ProviderName, Purpose, Result, SecretValue};
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use url::Url;

use crate::{
    Base, Client, Path, Response,
    base::host,
    body::{self, Insert},
    exchange::{self, Ready},
};

/// One request. Built, then sent once.
///
/// Its `Debug` shows no header, no body and no query.
#[derive(Debug)]
pub struct Request<'a> {
    client: Client,
    op: Op,
    method: Method,
    base: Base,
    target: Target,
    query: Hidden<Vec<(String, String)>>,
    headers: Vec<(String, Hidden<String>)>,
    auth: Vec<Auth<'a>>,
    body: Option<Hidden<Value>>,
    secrets: Vec<Insert<'a>>,
    reads: bool,
    cached: bool,
}

#[derive(Debug)]
pub(crate) enum Target {
    Path(Path),
    /// By the server.
    Named(Hidden<String>),
}

/// Who asks. Read at the last moment, and sent in a header that nothing prints.
#[derive(Clone, Copy, Debug)]
pub enum Auth<'a> {
    /// `Authorization: Bearer …`
    Bearer(&'a SecretValue),
    /// `Authorization: Basic …`, RFC 7617.
    Basic { user: &'a str, password: &'a SecretValue },
    /// A header with a name of its own: `X-Vault-Token`. `prefix` stands before the value.
    Header { name: &'a str, prefix: &'a str, value: &'a SecretValue },
}

/// What is not for `Debug`.
pub(crate) struct Hidden<T>(pub(crate) T);

/// Which call it is, for its errors.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) provider: ProviderName,
    pub(crate) op: Op,
    pub(crate) mutates: bool,
    /// `PUT api.example.com:443/user/tokens/7c1f`.
    pub(crate) line: String,
}

impl<'a> Request<'a> {
    pub(crate) fn new(client: Client, op: Op, method: Method, base: Base, target: Target) -> Self {
        Self {
            client,
            op,
            reads: ["GET", "HEAD", "OPTIONS", "LIST"].contains(&method.as_str()),
            method,
            base,
            target,
            query: Hidden(Vec::new()),
            headers: Vec::new(),
            auth: Vec::new(),
            body: None,
            secrets: Vec::new(),
            cached: false,
        }
    }

    /// A request that changes nothing whatever its method: a login, a search by POST.
    #[must_use]
    pub fn reads(mut self) -> Self {
        self.reads = true;
        self
    }

    /// Never a secret: a URL is logged on its way.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.0.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Hidden(value.into())));
        self
    }

    /// Several are sent together, for an API that wants two keys.
    #[must_use]
    pub fn auth(mut self, auth: Auth<'a>) -> Self {
        self.auth.push(auth);
        self
    }

    /// The body, without its secrets.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(Hidden(body));
        self
    }

    /// Puts a secret into the body, at an RFC 6901 pointer whose object is there. It is done when the request is sent.
    #[must_use]
    pub fn secret(
        mut self,
        pointer: impl Into<String>,
        value: &'a SecretValue,
        purpose: Purpose,
    ) -> Self {
        self.secrets.push(Insert { pointer: pointer.into(), value, purpose });
        self
    }

    /// Keeps the answer in memory by its ETag, and uses it when the server says that nothing changed. For a GET whose
    /// answer cannot hold a value.
    #[must_use]
    pub fn cached(mut self) -> Self {
        self.cached = self.method == Method::GET;
        self
    }

    /// Sends it, once. Any whole answer is a [`Response`], also a refusal; see [`Response::success`].
    ///
    /// `Unavailable`: not reached, with `Effect::None` when it was certainly not sent. `RateLimited`: the budget is used
    /// up, and nothing was sent. `Config`: the host is not listed. `Unexpected`: half an answer, or one that is too long.
    pub async fn send(self) -> Result<Response> {
        let call = self.call();
        let url = self.url(&call)?;
        if !self.client.0.hosts.allow(&url) {
            let message =
                format!("`{}` is not in the list of hosts, and was not dialled", host(&url));
            return Err(call.error(ErrorKind::Config, Effect::None, message));
        }
        let headers = self.header_map(&call)?;
        let bytes = self.body.map(|Hidden(body)| body::written(body, &self.secrets)).transpose();
        let bytes = bytes.map_err(|why| call.error(ErrorKind::Invalid, Effect::None, why))?;
        let sent: Vec<&SecretValue> = self
            .auth
            .iter()
            .map(Auth::value)
            .chain(self.secrets.iter().map(|secret| secret.value))
            .collect();
        let template = match &self.target {
            Target::Path(path) => path.template(),
            Target::Named(_) => "(next page)",
        };
        let ready = Ready {
            call: &call,
            base: &self.base,
            template,
            method: self.method,
            url,
            headers,
            body: bytes,
            cached: self.cached,
            sent: &sent,
        };
        exchange::send(&self.client.0, ready).await
    }

    fn call(&self) -> Call {
        let path = match &self.target {
            Target::Path(path) => path.shown(),
            Target::Named(_) => " (next page)".to_owned(),
        };
        Call {
            provider: self.client.0.provider.clone(),
            op: self.op,
            mutates: !self.reads,
            line: format!("{} {}{path}", self.method, self.base.host()),
        }
    }

    fn url(&self, call: &Call) -> Result<Url> {
        let refused = |why: String| call.error(ErrorKind::Invalid, Effect::None, why);
        let mut url = match &self.target {
            Target::Path(path) => path
                .encoded()
                .and_then(|path| {
                    self.base.join(&path).ok_or_else(|| "the path is not one of a URL".to_owned())
                })
                .map_err(refused)?,
            Target::Named(Hidden(url)) => {
                self.base.same_origin(self.base.url(), url).map_err(|other| {
                    let message = format!("the next page is at {other}, which is another host");
                    call.error(ErrorKind::Unexpected, Effect::None, message)
                })?
            }
        };
        if !self.query.0.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query.0);
        }
        Ok(url)
    }

    fn header_map(&self, call: &Call) -> Result<HeaderMap> {
        let refused = |what: &str| {
            let message = format!(
                "{what} cannot stand in a header: it is empty, or has a line break or a control character"
            );
            call.error(ErrorKind::Invalid, Effect::None, message)
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if self.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, Hidden(value)) in &self.headers {
            let value = HeaderValue::from_str(value).map_err(|_| refused(&format!("`{name}`")))?;
            let name = HeaderName::from_bytes(name.as_bytes());
            headers.insert(name.map_err(|_| refused("the name of a header"))?, value);
        }
        for auth in &self.auth {
            let (name, text) = auth.line(match self.op {
                Op::Verify => Purpose::Verify,
                _ => Purpose::Authenticate,
            });
            let value = HeaderValue::from_str(&text).ok().filter(|_| !auth.value().is_empty());
            let mut value = value.ok_or_else(|| refused("the credential"))?;
            value.set_sensitive(true);
            headers.insert(name.ok_or_else(|| refused("the name of a header"))?, value);
        }
        Ok(headers)
    }
}

impl Auth<'_> {
    fn value(&self) -> &SecretValue {
        match self {
            Self::Bearer(value) | Self::Header { value, .. } => value,
            Self::Basic { password, .. } => password,
        }
    }

    fn line(&self, purpose: Purpose) -> (Option<HeaderName>, String) {
        match self {
            Self::Bearer(value) => {
                (Some(AUTHORIZATION), format!("Bearer {}", value.expose_for(purpose)))
            }
            Self::Basic { user, password } => {
                let pair = format!("{user}:{}", password.expose_for(purpose));
                (Some(AUTHORIZATION), format!("Basic {}", STANDARD.encode(pair)))
            }
            Self::Header { name, prefix, value } => (
                HeaderName::from_bytes(name.as_bytes()).ok(),
                format!("{prefix}{}", value.expose_for(purpose)),
            ),
        }
    }
}

impl Call {
    pub(crate) fn error(
        &self,
        kind: ErrorKind,
        effect: Effect,
        message: impl std::fmt::Display,
    ) -> Error {
        let message = format!("{}: {message}", self.line);
        Error::new(self.provider.clone(), self.op, kind, effect, message)
    }

    /// What is known of the other side when an answer is lost or cannot be read.
    pub(crate) fn doubt(&self) -> Effect {
        match self.mutates {
            true => Effect::Unknown,
            false => Effect::None,
        }
    }
}

impl<T> std::fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}
