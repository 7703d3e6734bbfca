//! Sends a request and reads its answer.

use std::{io, time::Duration};

use jiff::Timestamp;
use keysweep_sdk::{Effect, Error, ErrorKind, Purpose, Result, SecretValue};
use reqwest::{
    Method, StatusCode,
    header::{ETAG, HeaderMap, IF_NONE_MATCH, LOCATION},
};
use secrecy::zeroize::Zeroizing;
use tokio::time::Instant;
use url::Url;

use crate::{
    Base, Response, Traced,
    base::{bare, host},
    client::Inner,
    request::Call,
    wait,
};

/// A request with everything in it.
pub(crate) struct Ready<'a> {
    pub(crate) call: &'a Call,
    pub(crate) base: &'a Base,
    pub(crate) template: &'a str,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) cached: bool,
    /// The secrets in it, which no error may quote.
    pub(crate) sent: &'a [&'a SecretValue],
}

/// An answer before it is judged.
struct Answer {
    url: Url,
    status: StatusCode,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
    cached: bool,
}

/// Of one GET. More is a loop.
const REDIRECTS: usize = 3;

pub(crate) async fn send(inner: &Inner, ready: Ready<'_>) -> Result<Response> {
    let call = ready.call;
    let host = host(&ready.url);
    let kind = format!("{} {host}{}", ready.method, ready.template);
    if let Some(wait) = inner.budget.wait(&kind) {
        let message = format!(
            "not sent: the budget that the server allows is used up for {} s",
            wait.as_secs() + 1
        );
        let kind = ErrorKind::RateLimited { retry_after: Some(wait) };
        return Err(call.error(kind, Effect::None, message));
    }
    let _permit = match call.mutates {
        true => inner.pace.permit().await,
        false => None,
    };
    let start = Instant::now();
    let answer = answer(inner, &ready).await;
    if let Some(trace) = &inner.trace {
        trace.request(&Traced {
            provider: &call.provider,
            op: call.op,
            method: ready.method.as_str(),
            host: &host,
            template: ready.template,
            status: answer.as_ref().ok().map(|answer| answer.status.as_u16()),
            cached: answer.as_ref().is_ok_and(|answer| answer.cached),
            duration: start.elapsed(),
        });
    }
    let answer = answer?;
    let refused = is_limit(answer.status, &answer.headers);
    let retry_after = refused.then(|| retry_after(&answer.headers)).flatten();
    inner.budget.learn(&kind, &answer.headers);
    let limited = refused.then_some(retry_after);
    let values = ready.sent.iter().map(|secret| secret.expose_for(Purpose::Authenticate));
    // As they went out too: Basic is encoded.
    let lines = ready.headers.values().filter(|value| value.is_sensitive());
    let sent = values.chain(lines.filter_map(|line| line.to_str().ok()?.rsplit(' ').next()));
    let sent: Vec<&str> = sent.collect();
    let Answer { url, status, headers, body, .. } = answer;
    Ok(Response::new(call.clone(), url, status.as_u16(), headers, &body, limited, &sent))
}

/// Follows what a read is redirected to, on the same host.
async fn answer(inner: &Inner, ready: &Ready<'_>) -> Result<Answer> {
    let mut url = ready.url.clone();
    for _ in 0..=REDIRECTS {
        let answer = once(inner, ready, &url).await?;
        let Some(location) = answer.headers.get(LOCATION).filter(|_| moved(answer.status)) else {
            return Ok(answer);
        };
        // What a redirected mutation did is for the one who asked to find out.
        if ready.call.mutates || !matches!(ready.method, Method::GET | Method::HEAD) {
            return Ok(answer);
        }
        let named = location.to_str().unwrap_or_default();
        url = ready.base.same_origin(&url, named).map_err(|other| {
            let message =
                format!("answered {} to {other}, which was not dialled", answer.status.as_u16());
            ready
                .call
                .error(ErrorKind::Unexpected, Effect::None, message)
                .with_hint("set the base URL to where the API is")
        })?;
    }
    let message = format!("redirected more than {REDIRECTS} times");
    Err(ready.call.error(ErrorKind::Unexpected, Effect::None, message))
}

async fn once(inner: &Inner, ready: &Ready<'_>, url: &Url) -> Result<Answer> {
    let client = if ready.call.mutates { &inner.writes } else { &inner.reads };
    // The server checks who asks before it says "not modified", so that one key for all askers does no harm.
    let key =
        format!("{} {url}", ready.headers.get("accept").map_or("", |a| a.to_str().unwrap_or("")));
    let kept = if ready.cached { inner.cache.entry(&key) } else { None };
    let mut request =
        client.request(ready.method.clone(), url.clone()).headers(ready.headers.clone());
    if let Some(kept) = &kept {
        request = request.header(IF_NONE_MATCH, kept.etag.clone());
    }
    if let Some(body) = &ready.body {
        request = request.body(body.clone());
    }
    let mut response = request.send().await.map_err(|error| lost(inner, ready.call, error))?;
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let body = whole(inner, ready.call, response).await?;
    match (kept, headers.get(ETAG)) {
        (Some(kept), _) if status == StatusCode::NOT_MODIFIED => {
            let body = Zeroizing::new(kept.body);
            let (url, status) = (url.clone(), StatusCode::OK);
            return Ok(Answer { url, status, headers, body, cached: true });
        }
        (_, Some(etag)) if ready.cached && status == StatusCode::OK => {
            inner.cache.keep(&key, etag.clone(), &body);
        }
        _ => {}
    }
    Ok(Answer { url: url.clone(), status, headers, body, cached: false })
}

async fn whole(
    inner: &Inner,
    call: &Call,
    mut response: reqwest::Response,
) -> Result<Zeroizing<Vec<u8>>> {
    let status = response.status().as_u16();
    let too_long = || {
        let message = format!("answered {status} with more than {} bytes", inner.max_body);
        call.error(ErrorKind::Unexpected, call.doubt(), message)
    };
    if response.content_length().is_some_and(|length| length > inner.max_body as u64) {
        return Err(too_long());
    }
    let mut body = Zeroizing::new(Vec::new());
    while let Some(part) =
        response.chunk().await.map_err(|error| cut(inner, call, status, error))?
    {
        if body.len() + part.len() > inner.max_body {
            return Err(too_long());
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// No answer. Until there is a connection nothing was sent.
fn lost(inner: &Inner, call: &Call, error: reqwest::Error) -> Error {
    let untrusted = is_untrusted(&error);
    let (effect, what) = match () {
        () if error.is_connect() && untrusted => {
            (Effect::None, "its certificate is not trusted".to_owned())
        }
        () if error.is_connect() && error.is_timeout() => {
            (Effect::None, "no connection in time".to_owned())
        }
        () if error.is_connect() => (Effect::None, "no connection".to_owned()),
        () if error.is_timeout() => {
            (call.doubt(), format!("no answer within {} s", inner.timeout.as_secs()))
        }
        () if error.is_builder() => (Effect::None, "not a request".to_owned()),
        () => (call.doubt(), "the connection broke before the answer".to_owned()),
    };
    let lost = call.error(ErrorKind::Unavailable, effect, what).with_source(bare(error));
    match untrusted {
        true => lost.with_hint("name its certificate authority in `network.ca`"),
        false => lost,
    }
}

/// Half an answer.
fn cut(inner: &Inner, call: &Call, status: u16, error: reqwest::Error) -> Error {
    let message = match error.is_timeout() {
        true => {
            format!("answered {status}, and not to the end within {} s", inner.timeout.as_secs())
        }
        false => format!("answered {status}, and the connection broke within the answer"),
    };
    call.error(ErrorKind::Unavailable, call.doubt(), message).with_source(bare(error))
}

fn is_untrusted(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        cause = match error.downcast_ref::<io::Error>() {
            // Its `source` leaves out the error that it wraps.
            Some(wrapper) => wrapper.get_ref().map(|inner| inner as _),
            None => error.source(),
        };
    }
    false
}

fn moved(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// 429, or GitHub's 403 with the marks of one.
fn is_limit(status: StatusCode, headers: &HeaderMap) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => retry_after(headers).is_some(),
        _ => false,
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let now = Timestamp::now();
    let used_up =
        || wait::budget(headers, now).filter(|(left, _)| *left == 0).map(|(_, wait)| wait);
    wait::retry_after(headers, now).or_else(used_up)
}
