//! Reads a list to its end, and what each of its items says.

use std::collections::BTreeSet;

use jiff::Timestamp;
use keysweep_sdk::{CredentialId, Cx, ErrorKind, Live, LiveState, Op, PrincipalId, Result};
use keysweep_transport::{Request, Response};
use serde_json::Value;

use crate::{
    api::{Api, scalar},
    manifest::{Pages, State},
    outcome::{Meaning, refusal},
    scope,
};

/// One credential of a list, without its values, if the API lists those.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) live: Live,
    pub(crate) last_used: Option<Timestamp>,
}

/// What a state stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    Active,
    Inactive,
    Gone,
}

/// Of any list. More is a loop.
const PAGES: u64 = 1000;

/// What the request for a page adds.
enum Next {
    First,
    Query(String, String),
    Url(String),
    Range(String),
}

/// All of the principal's credentials that are not gone.
pub(crate) async fn list(
    api: &Api,
    op: Op,
    cx: &Cx,
    principal: &PrincipalId,
) -> Result<Vec<Listed>> {
    let pages = &api.manifest.list.pages;
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    let mut next = match pages {
        Pages::Number { param, first, .. } => Next::Query(param.clone(), first.to_string()),
        _ => Next::First,
    };
    for page in 0..PAGES {
        let response = request(api, op, cx, principal, &next)?.send().await?;
        match api.meaning(&response, &api.manifest.list.outcome) {
            Some(Meaning::Done) => {}
            meaning => return Err(refusal(&response, meaning)),
        }
        let at = &api.manifest.list.items;
        let items = response.json()?.pointer(at).and_then(Value::as_array);
        let items =
            items.ok_or_else(|| response.unexpected(format!("without a list at `{at}`")))?;
        for item in items {
            let (id, listed) = listed(api, &response, item)?;
            if !seen.insert(id) {
                return Err(response.unexpected("with a credential that an earlier page had"));
            }
            found.extend(listed);
        }
        match following(pages, &response, items.len(), seen.len(), page)? {
            Some(further) => next = further,
            None => return Ok(found),
        }
    }
    Err(api.error(op, ErrorKind::Unexpected, format!("the list has more than {PAGES} pages")))
}

fn request<'a>(
    api: &'a Api,
    op: Op,
    cx: &Cx,
    principal: &PrincipalId,
    next: &Next,
) -> Result<Request<'a>> {
    if let Next::Url(url) = next {
        return api.follow(op, url);
    }
    let list = &api.manifest.list;
    let values = api.values(op, cx, principal)?;
    let mut request = api.request(op, &list.request, &values)?;
    for (name, value) in &list.query {
        let value = values.text(value).map_err(|why| api.error(op, ErrorKind::Config, why))?;
        request = request.query(name, value);
    }
    Ok(match next {
        Next::Query(name, value) => request.query(name, value),
        Next::Range(range) => request.header("range", range),
        Next::First | Next::Url(_) => request,
    })
}

/// `None`: that was the end.
fn following(
    pages: &Pages,
    response: &Response,
    here: usize,
    so_far: usize,
    page: u64,
) -> Result<Option<Next>> {
    Ok(match pages {
        Pages::One { most } if here >= *most => {
            return Err(response.unexpected(format!("with {here} credentials, and may have more")));
        }
        Pages::One { .. } => None,
        Pages::Number { param, first, total } => {
            let total = match total {
                Some(at) => Some(count(response, at)?),
                None => None,
            };
            match total {
                Some(total) if so_far >= total => None,
                Some(total) if here == 0 => {
                    return Err(
                        response.unexpected(format!("with {so_far} of {total} credentials"))
                    );
                }
                None if here == 0 => None,
                _ => Some(Next::Query(param.clone(), (first + page + 1).to_string())),
            }
        }
        Pages::Cursor { param, next } => match response.json()?.pointer(next) {
            None | Some(Value::Null) => None,
            Some(Value::String(cursor)) if cursor.is_empty() => None,
            Some(Value::String(cursor)) => Some(Next::Query(param.clone(), cursor.clone())),
            Some(Value::Number(cursor)) => Some(Next::Query(param.clone(), cursor.to_string())),
            Some(_) => return Err(response.unexpected(format!("without a cursor at `{next}`"))),
        },
        Pages::Url { next } => match response.json()?.pointer(next) {
            None | Some(Value::Null) => None,
            Some(Value::String(url)) if url.is_empty() => None,
            Some(Value::String(url)) => Some(Next::Url(url.clone())),
            Some(_) => return Err(response.unexpected(format!("without a URL at `{next}`"))),
        },
        Pages::Link => response.next_link().map(Next::Url),
        Pages::Range if response.status() == 206 => {
            let range = response.header("next-range");
            Some(Next::Range(
                range.ok_or_else(|| response.unexpected("without `Next-Range`"))?.to_owned(),
            ))
        }
        Pages::Range => None,
    })
}

fn count(response: &Response, at: &str) -> Result<usize> {
    let number = response.json()?.pointer(at).and_then(Value::as_u64);
    let number = number.and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| response.unexpected(format!("without a number at `{at}`")))
}

fn listed(api: &Api, response: &Response, item: &Value) -> Result<(CredentialId, Option<Listed>)> {
    let parts = &api.manifest.item;
    let id = id(response, item, &parts.id)?;
    let time = |at: &Option<String>| match at {
        Some(at) => time(response, item, at),
        None => Ok(None),
    };
    let stage = match &parts.state {
        Some(state) => stage(state, item).map_err(|text| {
            response.unexpected(format!("with the state {text}, which the manifest does not have"))
        })?,
        None => Stage::Active,
    };
    let state = match stage {
        Stage::Gone => return Ok((id, None)),
        Stage::Active => LiveState::Active,
        Stage::Inactive => LiveState::Inactive,
    };
    let marker = parts.marker.as_ref().and_then(|at| item.pointer(at)?.as_str());
    let scope = match api.manifest.list.scope {
        true => scope::texts(&scope::cut(item, &api.manifest.scope)),
        false => Default::default(),
    };
    let live = Live {
        id: id.clone(),
        state,
        created: time(&parts.created)?,
        expires: time(&parts.expires)?,
        marker: marker.map(str::to_owned),
        scope,
    };
    Ok((id, Some(Listed { live, last_used: time(&parts.last_used)? })))
}

pub(crate) fn id(response: &Response, item: &Value, at: &str) -> Result<CredentialId> {
    let text = item.pointer(at).filter(|value| value.is_string() || value.is_number());
    let text = scalar(text).filter(|text| !text.is_empty() && text != "null");
    text.map(CredentialId::new)
        .ok_or_else(|| response.unexpected(format!("without an id at `{at}`")))
}

/// RFC 3339, or seconds or milliseconds of Unix time.
fn time(response: &Response, item: &Value, at: &str) -> Result<Option<Timestamp>> {
    const MILLISECONDS: i64 = 100_000_000_000;
    let read = match item.pointer(at) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => match number.as_i64() {
            Some(ms) if ms.abs() >= MILLISECONDS => Timestamp::from_millisecond(ms).ok(),
            Some(seconds) => Timestamp::from_second(seconds).ok(),
            None => None,
        },
    };
    read.map(Some).ok_or_else(|| response.unexpected(format!("without a time at `{at}`")))
}

/// The error is what stands there.
pub(crate) fn stage(state: &State, item: &Value) -> std::result::Result<Stage, String> {
    let text = scalar(item.pointer(&state.at)).ok_or_else(|| "that is no scalar".to_owned())?;
    let lists = [
        (Stage::Active, &state.active),
        (Stage::Inactive, &state.inactive),
        (Stage::Gone, &state.gone),
    ];
    let of = |value: &str| {
        lists.iter().find(|(_, list)| list.iter().any(|v| v == value)).map(|(stage, _)| *stage)
    };
    of(&text).or_else(|| of("*")).ok_or_else(|| format!("`{}`", text.escape_debug()))
}
