//! What a manifest has to say, beyond its form.

use std::collections::BTreeMap;

use keysweep_sdk::Style;
use keysweep_transport::Base;
use serde_json::Value;

use crate::{
    manifest::{Auth, Before, Change, How, Line, Manifest, Outcomes, Pages, State},
    outcome::Meaning,
    template::{Place, places, texts},
};

pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

/// Lines that are not empty and not a comment. An API that needs more needs a provider in Rust.
const LONGEST: usize = 40;

/// The first thing that is wrong.
pub(crate) fn lint(manifest: &Manifest, text: &str) -> Option<Found> {
    let checks: [fn(&Manifest) -> Check; 7] = [whole, own, item, list, mint, verify, changes];
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).count();
    let long = ensure(
        lines <= LONGEST,
        "",
        format!("{lines} lines are more than {LONGEST}"),
        "write a provider in Rust: providers/README.md",
    );
    long.and_then(|()| checks.iter().try_for_each(|check| check(manifest))).err()
}

type Check = Result<(), Found>;

fn ensure(right: bool, key: &str, message: impl Into<String>, hint: &'static str) -> Check {
    match right {
        true => Ok(()),
        false => Err(Found { key: key.to_owned(), message: message.into(), hint }),
    }
}

fn whole(m: &Manifest) -> Check {
    let word = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    ensure(
        m.manifest == 1,
        "manifest",
        format!("version {} is not known", m.manifest),
        "this keysweep reads version 1",
    )?;
    ensure(word(&m.id), "id", format!("`{}` is no name", m.id), "use letters, digits and `-`")?;
    ensure(
        m.docs.starts_with("https://"),
        "docs",
        "it is not an https URL",
        "give the page that documents the API",
    )?;
    ensure(
        !m.base.is_empty(),
        "base",
        "there is none",
        "list the base URLs that the API has; the first is the default",
    )?;
    for base in &m.base {
        let parsed = Base::parse(base).map_err(|why| why.to_string());
        let parsed = parsed.and_then(|b| {
            (b.is_https() && !b.is_loopback())
                .then_some(())
                .ok_or("it is not https, or on this machine".into())
        });
        ensure(
            parsed.is_ok(),
            "base",
            parsed.err().unwrap_or_default(),
            "for a test, set `base_url` and `allow_loopback` in the configuration",
        )?;
    }
    ensure(
        !m.fields().is_empty(),
        "fields",
        "there is none",
        "name the fields of the credential, like `token`",
    )?;
    ensure(
        m.params
            .iter()
            .all(|p| word(p) && !["principal", "id", "marker", "campaign"].contains(&p.as_str())),
        "params",
        "a name is no word, or is taken",
        "`principal`, `id`, `marker` and `campaign` are always there",
    )?;
    ensure(
        matches!(m.limits.style, Style::Overlap | Style::Retire),
        "limits.style",
        "it can be `overlap`, or `retire` when nothing is minted",
        "other styles need a provider in Rust",
    )?;
    ensure(
        m.mint.is_some() == (m.limits.style == Style::Overlap),
        "limits.style",
        "it does not go with `[mint]`",
        "`overlap` mints, `retire` does not",
    )?;
    let named = texts_of_paths(m).iter().any(|path| path.contains("{principal}"));
    ensure(
        named != m.principal.is_some(),
        "principal",
        "either the requests name `{principal}`, or the manifest says which one there is",
        "write `principal = \"account\"` where a token stands for all",
    )?;
    outcomes(m, "outcome", &m.outcome, &[])
}

fn texts_of_paths(m: &Manifest) -> Vec<&str> {
    let changes = [&m.disable, &m.enable, &m.destroy];
    let changes = changes.into_iter().flatten().map(|change| &change.request);
    let others = m.mint.iter().map(|mint| &mint.request).chain([&m.list.request]);
    changes.chain(others).map(|line| line.path.as_str()).collect()
}

fn own(m: &Manifest) -> Check {
    ensure(
        !m.auth.is_empty(),
        "auth",
        "there is none",
        "write `auth = [{ as = \"bearer\", own = \"token\" }]`",
    )?;
    auths(&m.auth, "auth", &[])?;
    for (name, value) in &m.headers {
        let secret = ["authorization", "cookie"].contains(&name.to_lowercase().as_str());
        ensure(
            !secret,
            "headers",
            format!("`{name}` is not set here"),
            "who asks belongs into `auth`",
        )?;
        fill(value, "headers", m, &[])?;
    }
    Ok(())
}

fn auths(auths: &[Auth], key: &str, fields: &[String]) -> Check {
    for auth in auths {
        let one = match (&auth.own, &auth.field) {
            (Some(_), None) => true,
            (None, Some(field)) => fields.contains(field),
            _ => false,
        };
        ensure(
            one,
            key,
            "each entry takes `own`, a credential of the configuration, or in `verify` one of the `fields` as `field`",
            "for example `{ as = \"bearer\", own = \"token\" }`",
        )?;
        let header = auth.how == How::Header;
        ensure(
            header == auth.name.is_some() && (header || auth.prefix.is_empty()),
            key,
            "`name` and `prefix` go with `as = \"header\"`",
            "for example `{ as = \"header\", name = \"X-Key\", own = \"token\" }`",
        )?;
        ensure(
            (auth.how == How::Basic) == auth.user.is_some(),
            key,
            "`user` goes with `as = \"basic\"`",
            "for example `{ as = \"basic\", user = \"api\", own = \"token\" }`",
        )?;
    }
    Ok(())
}

fn item(m: &Manifest) -> Check {
    let item = &m.item;
    let some = [&item.created, &item.expires, &item.marker, &item.last_used];
    let all = some.into_iter().flatten().chain([&item.id]);
    for at in all {
        pointer(at, "item")?;
    }
    states(item.state.as_ref(), "item.state")?;
    let told = [m.limits.use_granularity.is_some(), m.limits.use_lag.is_some()];
    ensure(
        told == [item.last_used.is_some(); 2],
        "limits",
        "`use_granularity` and `use_lag` go with `item.last_used`",
        "give all or none",
    )?;
    m.scope.values().try_for_each(|part| {
        pointer(&part.at, "scope")?;
        part.without.iter().try_for_each(|at| pointer(at, "scope"))
    })
}

fn states(state: Option<&State>, key: &str) -> Check {
    let Some(state) = state else { return Ok(()) };
    pointer(&state.at, key)?;
    let all = [&state.active, &state.inactive, &state.gone];
    ensure(
        !state.active.is_empty(),
        key,
        "nothing is `active`",
        "list the values that stand for a credential that works",
    )?;
    let mut seen = BTreeMap::new();
    let twice = all.into_iter().flatten().find(|value| seen.insert(value.as_str(), ()).is_some());
    ensure(twice.is_none(), key, "a value has two meanings", "list each value once")
}

fn list(m: &Manifest) -> Check {
    let list = &m.list;
    line(&list.request, "list.request", m, &["principal"])?;
    ensure(
        list.request.method == "GET",
        "list.request",
        "a list is read with GET",
        "an API that lists by POST needs a provider in Rust",
    )?;
    pointer(&list.items, "list.items")?;
    list.query.values().try_for_each(|value| fill(value, "list.query", m, &["principal"]))?;
    if let Pages::Number { param, .. } | Pages::Cursor { param, .. } = &list.pages {
        ensure(
            !list.query.contains_key(param),
            "list.pages",
            format!("`{param}` is in `query` too"),
            "the pages set it",
        )?;
    }
    outcomes(m, "list.outcome", &list.outcome, &[])?;
    says(
        m,
        "list.outcome",
        &list.outcome,
        &[Meaning::Done, Meaning::Unauthenticated, Meaning::Denied],
    )
}

fn mint(m: &Manifest) -> Check {
    let Some(mint) = &m.mint else { return Ok(()) };
    line(&mint.request, "mint.request", m, &["principal"])?;
    before(mint.before.as_ref(), "mint.before", m)?;
    body(&mint.body, "mint.body", m, &["principal", "marker", "campaign"], mint.before.is_some())?;
    pointer(&mint.item, "mint.item")?;
    mint.values.values().try_for_each(|at| pointer(at, "mint.values"))?;
    ensure(
        mint.values.len() == m.fields().len(),
        "mint.values",
        "it does not give each of `fields`",
        "say where in the answer each field is",
    )?;
    let marks = texts(&mint.body).iter().any(|text| text.contains("{marker}"));
    ensure(
        marks == m.item.marker.is_some(),
        "mint.body",
        "`{marker}` goes with `item.marker`, where it is read back",
        "give both or none",
    )?;
    outcomes(m, "mint.outcome", &mint.outcome, &[Meaning::Gone])?;
    says(
        m,
        "mint.outcome",
        &mint.outcome,
        &[Meaning::Done, Meaning::Unauthenticated, Meaning::Denied],
    )
}

fn verify(m: &Manifest) -> Check {
    let Some(verify) = &m.verify else { return Ok(()) };
    line(&verify.request, "verify.request", m, &["principal"])?;
    auths(&verify.auth, "verify.auth", &m.fields())?;
    for text in texts(&verify.body) {
        for place in places(text).unwrap_or_default() {
            let Place::Secret(field) = place else { continue };
            let whole =
                text == format!("{{secret:{field}}}") && m.fields().iter().any(|f| f == field);
            ensure(
                whole,
                "verify.body",
                format!("`{text}` is not one of the `fields` by itself"),
                "a secret is the whole of a body field",
            )?;
        }
    }
    let in_body = texts(&verify.body).iter().any(|text| text.starts_with("{secret:"));
    let asked = in_body || verify.auth.iter().any(|auth| auth.field.is_some());
    ensure(
        asked,
        "verify.auth",
        "the credential is not sent",
        "send one of the `fields`, in `auth` or the body",
    )?;
    let own = verify.auth.iter().any(|auth| auth.own.is_some());
    ensure(
        own == verify.control.is_some(),
        "verify.control",
        "it goes with an `own` credential in `verify.auth`",
        "give a request that shows that keysweep's own part is right",
    )?;
    if let Some(control) = &verify.control {
        line(&control.request, "verify.control", m, &["principal"])?;
        auths(&control.auth, "verify.control", &[])?;
        ensure(
            control.request.method == "GET",
            "verify.control",
            "it is not a GET",
            "it changes nothing",
        )?;
    }
    states(verify.state.as_ref(), "verify.state")?;
    verify.id.iter().try_for_each(|at| pointer(at, "verify.id"))?;
    says(m, "verify.outcome", &verify.outcome, &[Meaning::Live, Meaning::Dead])
}

fn changes(m: &Manifest) -> Check {
    ensure(
        m.disable.is_some() == m.enable.is_some(),
        "disable",
        "it goes with `[enable]`",
        "give both or none",
    )?;
    ensure(
        m.disable.is_none() || m.destroy.is_some(),
        "disable",
        "there is no `[destroy]`",
        "what cannot be ended for good needs a provider in Rust",
    )?;
    for (name, change) in [("disable", &m.disable), ("enable", &m.enable), ("destroy", &m.destroy)]
    {
        let Some(change) = change else { continue };
        one_change(m, name, change)?;
    }
    Ok(())
}

fn one_change(m: &Manifest, name: &str, change: &Change) -> Check {
    let key = |part: &str| format!("{name}.{part}");
    line(&change.request, &key("request"), m, &["principal", "id"])?;
    ensure(
        change.request.path.contains("{id}")
            || texts(&change.body).iter().any(|t| t.contains("{id}")),
        &key("request"),
        "it does not name `{id}`",
        "say which credential it is about",
    )?;
    ensure(
        change.request.method != "GET",
        &key("request"),
        "a GET changes nothing",
        "use the API's method for it",
    )?;
    before(change.before.as_ref(), &key("before"), m)?;
    body(&change.body, &key("body"), m, &["principal", "id"], change.before.is_some())?;
    let end = if name == "enable" { Meaning::NotFound } else { Meaning::Gone };
    outcomes(m, &key("outcome"), &change.outcome, &[])?;
    says(
        m,
        &key("outcome"),
        &change.outcome,
        &[Meaning::Done, end, Meaning::Unauthenticated, Meaning::Denied],
    )
}

fn before(before: Option<&Before>, key: &str, m: &Manifest) -> Check {
    let Some(before) = before else { return Ok(()) };
    line(&before.request, key, m, &["principal", "id"])?;
    ensure(
        before.request.method == "GET",
        key,
        "it is not a GET",
        "what is read first changes nothing",
    )?;
    pointer(&before.item, key)
}

fn line(line: &Line, key: &str, m: &Manifest, names: &[&str]) -> Check {
    ensure(!line.path.contains(['?', '#', ' ']), key, "a path has no query", "use `query`")?;
    fill(&line.path, key, m, names)
}

fn body(body: &Value, key: &str, m: &Manifest, names: &[&str], read: bool) -> Check {
    ensure(body.is_null() || body.is_object(), key, "it is no table", "a body is a JSON object")?;
    for text in texts(body) {
        let found = places(text).map_err(|message| Found {
            key: key.to_owned(),
            message,
            hint: "close it",
        })?;
        for place in &found {
            let whole = found.len() == 1 && text.starts_with('{') && text.ends_with('}');
            match place {
                Place::Text(name) => known(name, key, m, names)?,
                Place::Scope { name, .. } => ensure(
                    read && whole && m.scope.contains_key(*name),
                    key,
                    format!("`{text}` cannot be copied"),
                    "it takes `before`, an entry of `[scope]`, and the whole of a body field",
                )?,
                Place::Was { pointer: at, .. } => {
                    ensure(
                        read && whole,
                        key,
                        format!("`{text}` cannot be copied"),
                        "it takes `before`, and the whole of a body field",
                    )?;
                    pointer(at, key)?;
                }
                Place::Secret(_) => ensure(
                    false,
                    key,
                    "a field of a credential is sent by `verify` only",
                    "a value that the caller chooses needs a provider in Rust",
                )?,
            }
        }
    }
    Ok(())
}

fn fill(text: &str, key: &str, m: &Manifest, names: &[&str]) -> Check {
    let found =
        places(text).map_err(|message| Found { key: key.to_owned(), message, hint: "close it" })?;
    found.iter().try_for_each(|place| match place {
        Place::Text(name) => known(name, key, m, names),
        _ => ensure(
            false,
            key,
            format!("`{text}` copies into a text"),
            "copies and secrets go into a body",
        ),
    })
}

fn known(name: &str, key: &str, m: &Manifest, names: &[&str]) -> Check {
    let known = names.contains(&name) || m.params.iter().any(|param| param == name);
    ensure(
        known,
        key,
        format!("`{{{name}}}` is not known here"),
        "here are the `params`, and `principal`, `id`, `marker` or `campaign` as far as they make sense",
    )
}

fn pointer(at: &str, key: &str) -> Check {
    ensure(
        at.is_empty() || at.starts_with('/'),
        key,
        format!("`{at}` is no pointer"),
        "a JSON pointer (RFC 6901) is empty or begins with `/`",
    )
}

/// The wanted meanings are there, by the section or by the manifest.
fn says(m: &Manifest, key: &str, section: &Outcomes, wanted: &[Meaning]) -> Check {
    let whole = m.outcome.iter().filter(|(status, _)| !section.contains_key(status));
    let all: Vec<&Meaning> = section.values().chain(whole.map(|(_, meaning)| meaning)).collect();
    for meaning in wanted {
        ensure(
            all.contains(&meaning),
            key,
            format!("no status means `{meaning:?}`").to_lowercase(),
            "look it up in the API's documentation, and map it here or in `outcome`",
        )?;
    }
    Ok(())
}

/// What a status cannot mean.
fn outcomes(_: &Manifest, key: &str, section: &Outcomes, never: &[Meaning]) -> Check {
    for (status, meaning) in section {
        let possible = match meaning {
            Meaning::Live | Meaning::Dead => false,
            Meaning::Done => (200..300).contains(status),
            Meaning::Unknown => true,
            Meaning::Unavailable => *status == 503,
            _ => (400..500).contains(status),
        };
        ensure(
            possible && !never.contains(meaning),
            key,
            format!("{status} cannot mean `{meaning:?}`").to_lowercase(),
            "2xx is done, 4xx is a refusal, and of all else the effect is unknown",
        )?;
    }
    Ok(())
}
