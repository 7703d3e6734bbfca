//! The calls of an API.

use super::{
    Check, auths, ensure, states,
    texts::{all_places, body, fill, line, outcomes, pointer, says},
};
use crate::{
    manifest::{Before, Change, Manifest, Pages, Verify},
    outcome::Meaning,
    template::{Place, texts},
};

pub(super) fn list(m: &Manifest) -> Check {
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
    outcomes("list.outcome", &list.outcome, &[])?;
    says(
        m,
        "list.outcome",
        &list.outcome,
        &[Meaning::Done, Meaning::Unauthenticated, Meaning::Denied],
    )
}

pub(super) fn mint(m: &Manifest) -> Check {
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
    outcomes("mint.outcome", &mint.outcome, &[Meaning::Gone])?;
    says(
        m,
        "mint.outcome",
        &mint.outcome,
        &[Meaning::Done, Meaning::Unauthenticated, Meaning::Denied],
    )
}

pub(super) fn verify(m: &Manifest) -> Check {
    let Some(verify) = &m.verify else { return Ok(()) };
    line(&verify.request, "verify.request", m, &["principal"])?;
    auths(&verify.auth, "verify.auth", &m.fields())?;
    sent(m, verify)?;
    states(verify.state.as_ref(), "verify.state")?;
    verify.id.iter().try_for_each(|at| pointer(at, "verify.id"))?;
    outcomes("verify.outcome", &verify.outcome, &[Meaning::Done, Meaning::Gone])?;
    says(m, "verify.outcome", &verify.outcome, &[Meaning::Live, Meaning::Dead])?;
    let own = verify.auth.iter().any(|auth| auth.own.is_some());
    ensure(
        own == verify.control.is_some(),
        "verify.control",
        "it goes with an `own` credential in `verify.auth`",
        "give a request that shows that keysweep's own part is right",
    )?;
    let Some(control) = &verify.control else { return Ok(()) };
    line(&control.request, "verify.control", m, &["principal"])?;
    auths(&control.auth, "verify.control", &[])?;
    let get = control.request.method == "GET";
    ensure(get, "verify.control", "it is not a GET", "it changes nothing")
}

/// The credential is sent, and its fields stand where they can.
fn sent(m: &Manifest, verify: &Verify) -> Check {
    let fields = m.fields();
    let mut asked = verify.auth.iter().any(|auth| auth.field.is_some());
    for text in texts(&verify.body) {
        match all_places(text, "verify.body")?.as_slice() {
            [Place::Secret(field)] if text == format!("{{secret:{field}}}") => {
                asked = true;
                ensure(
                    fields.iter().any(|known| known == field),
                    "verify.body",
                    format!("`{field}` is not one of the `fields`"),
                    "name one of them",
                )?;
            }
            _ => fill(text, "verify.body", m, &["principal"])?,
        }
    }
    ensure(
        asked,
        "verify.auth",
        "the credential is not sent",
        "send one of the `fields`, in `auth` or as the whole of a body field",
    )
}

pub(super) fn changes(m: &Manifest) -> Check {
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
    outcomes(&key("outcome"), &change.outcome, &[])?;
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
