//! What a manifest has to say, beyond its form.

mod calls;
mod texts;

use std::collections::BTreeSet;

use keysweep_sdk::Style;
use keysweep_transport::Base;

use self::{
    calls::{changes, list, mint, verify},
    texts::{fill, outcomes, pointer},
};
use crate::manifest::{Auth, How, Manifest, State};

pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

/// Lines that are not empty and not a comment. An API that needs more needs a provider in Rust.
const LONGEST: usize = 40;

/// The first thing that is wrong.
pub(crate) fn lint(manifest: &Manifest, text: &str) -> Option<Found> {
    let checks: [fn(&Manifest) -> Check; 9] =
        [whole, based, limited, own, item, list, mint, verify, changes];
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
    outcomes("outcome", &m.outcome, &[])
}

/// Where it may be.
fn based(m: &Manifest) -> Check {
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
    Ok(())
}

/// How a credential is replaced, and whose.
fn limited(m: &Manifest) -> Check {
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
    )
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
    let mut seen = BTreeSet::new();
    let twice = all.into_iter().flatten().find(|value| !seen.insert(value.as_str()));
    ensure(twice.is_none(), key, "a value has two meanings", "list each value once")
}
