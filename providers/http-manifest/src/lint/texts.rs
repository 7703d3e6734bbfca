//! Texts with names in them, pointers, and what statuses mean.

use serde_json::Value;

use super::{Check, Found, ensure};
use crate::{
    manifest::{Line, Manifest, Outcomes},
    outcome::Meaning,
    template::{Place, places, texts},
};

pub(super) fn all_places<'a>(text: &'a str, key: &str) -> Result<Vec<Place<'a>>, Found> {
    places(text).map_err(|message| Found { key: key.to_owned(), message, hint: "close it" })
}

pub(super) fn line(line: &Line, key: &str, m: &Manifest, names: &[&str]) -> Check {
    ensure(!line.path.contains(['?', '#', ' ']), key, "a path has no query", "use `query`")?;
    fill(&line.path, key, m, names)
}

pub(super) fn body(body: &Value, key: &str, m: &Manifest, names: &[&str], read: bool) -> Check {
    ensure(body.is_null() || body.is_object(), key, "it is no table", "a body is a JSON object")?;
    for text in texts(body) {
        let found = all_places(text, key)?;
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

pub(super) fn fill(text: &str, key: &str, m: &Manifest, names: &[&str]) -> Check {
    let found = all_places(text, key)?;
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

pub(super) fn pointer(at: &str, key: &str) -> Check {
    ensure(
        at.is_empty() || at.starts_with('/'),
        key,
        format!("`{at}` is no pointer"),
        "a JSON pointer (RFC 6901) is empty or begins with `/`",
    )
}

/// The wanted meanings are there, by the section or by the manifest.
pub(super) fn says(m: &Manifest, key: &str, section: &Outcomes, wanted: &[Meaning]) -> Check {
    let whole = m.outcome.iter().filter(|(status, _)| !section.contains_key(status));
    let all: Vec<&Meaning> = section.values().chain(whole.map(|(_, meaning)| meaning)).collect();
    for meaning in wanted {
        ensure(
            all.contains(&meaning),
            key,
            format!("no status means `{meaning}`"),
            "look it up in the API's documentation, and map it here or in `outcome`",
        )?;
    }
    Ok(())
}

/// What a status cannot mean.
pub(super) fn outcomes(key: &str, section: &Outcomes, never: &[Meaning]) -> Check {
    for (status, meaning) in section {
        let possible = match meaning {
            Meaning::Live | Meaning::Dead => key == "verify.outcome" && (200..500).contains(status),
            Meaning::Done => (200..300).contains(status),
            Meaning::Unknown => true,
            Meaning::Unavailable => *status == 503,
            _ => (400..500).contains(status),
        };
        ensure(
            possible && !never.contains(meaning),
            key,
            format!("{status} cannot mean `{meaning}`"),
            "2xx is done, 4xx is a refusal, and of all else the effect is unknown",
        )?;
    }
    Ok(())
}
