//! Packs from what others publish: OSV, GHSA, runsweep, CIRewind.
//!
//! What a format does not say is not invented: a window is open and says why, a payload is unknown, a ref
//! of which no commit is named is unknown. Hashes that are cut short are leads: they stand in a note.

mod cirewind;
mod ghsa;
mod join;
mod osv;
mod runsweep;

use std::collections::BTreeMap;

use serde_json::Value;

pub use join::join;

use super::{
    Capability,
    document::{
        Component, Document, Fallback, Indicator, IndicatorKind, Mode, RefStanding, SCHEMA, Source,
        Trust,
    },
    draft::{Moment, blank, ecosystem, window},
};
use crate::ci::model::Kind;

/// What was said beside the file.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub id: Option<String>,
    pub from: Option<Moment>,
    pub to: Option<Moment>,
    pub payload: Vec<Capability>,
    /// `YYYY-MM-DD`.
    pub today: String,
}

/// A draft, which [`super::lint`] has not seen, and what a person has to know of it.
#[derive(Clone, Debug)]
pub struct Imported {
    pub document: Document,
    pub notes: Vec<String>,
}

/// Why a file makes no pack.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{trouble}")]
pub struct Refused {
    pub trouble: String,
    pub hint: String,
}

fn refused(trouble: impl Into<String>, hint: &str) -> Refused {
    Refused { trouble: trouble.into(), hint: hint.to_owned() }
}

/// The format shows in the keys. YAML comes as the same tree, with every scalar a text.
///
/// # Errors
///
/// When the format is not known, or the record says nothing that a pack could hold.
pub fn read(value: &Value, said: &Said) -> Result<Imported, Refused> {
    let value = match value.as_array().map(Vec::as_slice) {
        Some([one]) => one,
        Some(many) => {
            let ids: Vec<&str> = many
                .iter()
                .filter_map(|one| text(one, "ghsa_id").or(text(one, "id")))
                .take(20)
                .collect();
            let trouble = format!("holds {} records: {}", many.len(), ids.join(", "));
            return Err(refused(trouble, "cut it to the records of one incident, a file for each"));
        }
        None => value,
    };
    if text(value, "apiVersion").is_some() {
        cirewind::read(value, said)
    } else if text(value, "ghsa_id").is_some() {
        ghsa::read(value, said)
    } else if value.get("affected").is_some()
        || (text(value, "id").is_some() && value.get("modified").is_some())
    {
        osv::read(value, said)
    } else if value.get("window").is_some() {
        runsweep::read(value, said)
    } else {
        Err(refused(
            "neither OSV, GHSA, runsweep nor CIRewind",
            "name the record as it was published; `keysweep incident new` makes a pack of answers",
        ))
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn texts<'v>(value: &'v Value, key: &str) -> Vec<&'v str> {
    items(value, key).iter().filter_map(Value::as_str).map(str::trim).collect()
}

/// The key of the source of a record.
const RECORD: &str = "record";

/// A document without components.
fn document(id: &str, title: &str, source: Source, said: &Said) -> Document {
    let lower: String = id
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    Document {
        schema: SCHEMA.to_owned(),
        id: said.id.clone().unwrap_or(lower),
        aliases: Vec::new(),
        title: title.to_owned(),
        revision: 1,
        revised: said.today.clone(),
        summary: title.to_owned(),
        sources: BTreeMap::from([(RECORD.to_owned(), source)]),
        enabled_by: Vec::new(),
        components: Vec::new(),
        not_affected: Vec::new(),
        indicators: Vec::new(),
        gates: Vec::new(),
        guidance: Vec::new(),
        rotation: Vec::new(),
    }
}

fn source(title: &str, url: &str, trust: Trust, said: &Said) -> Source {
    Source { title: title.to_owned(), url: url.to_owned(), trust, retrieved: said.today.clone() }
}

/// A component with the window and the payload that were said beside the file, or none.
fn component(kind: Kind, name: &str, number: usize, said: &Said) -> Component {
    let mode = if kind == Kind::Package { Mode::Package } else { Mode::Step };
    let payload = match &said.payload[..] {
        [] => vec![Capability::Unknown],
        payload => payload.to_vec(),
    };
    Component {
        names: vec![name.to_owned()],
        payload,
        windows: vec![window(said.from.as_ref(), said.to.as_ref(), RECORD)],
        ..blank(format!("component-{}", number + 1), kind, mode, RECORD)
    }
}

fn unknown(why: &str) -> Fallback {
    Fallback { standing: RefStanding::Unknown, why: why.to_owned(), source: RECORD.to_owned() }
}

fn indicators(kind: IndicatorKind, values: &[&str], into: &mut Vec<Indicator>) {
    for value in values {
        if into.iter().all(|known| known.value != **value) {
            let value = (*value).to_owned();
            into.push(Indicator { kind, value, note: None, source: RECORD.to_owned() });
        }
    }
}

/// What formats without windows and capabilities leave open.
fn open_questions(said: &Said, notes: &mut Vec<String>) {
    if said.from.is_none() && said.to.is_none() {
        notes.push("window not known: the record does not say when it was bad, so all times count; give `--from` and `--to`".to_owned());
    }
    if said.payload.is_empty() {
        notes.push("payload not known: the record does not say what it could take, so it counts as everything; give `--payload`".to_owned());
    }
}

/// Whole ids are keys, the others leads.
fn commits<'t>(listed: &[&'t str], whose: &str, notes: &mut Vec<String>) -> Vec<&'t str> {
    let (whole, cut): (Vec<&str>, Vec<&str>) =
        listed.iter().partition(|one| super::reference::is_commit(one));
    if !cut.is_empty() {
        notes.push(format!(
            "leads, not keys ({whose}): {} is not a whole commit id",
            cut.join(", ")
        ));
    }
    whole
}
