//! Incidents of runsweep: one window, npm releases, actions by commit.

use serde_json::Value;

use super::{
    Imported, RECORD, Refused, Said, commits, component, document, indicators, items, refused,
    source, text, texts, unknown,
};
use crate::{
    ci::model::Kind,
    incident::{
        document::{BadCommit, Document, IndicatorKind, Trust},
        draft::{COMMAND_LINE, Moment},
    },
};

pub(super) fn read(value: &Value, said: &Said) -> Result<Imported, Refused> {
    let id = text(value, "id").ok_or_else(|| refused("has no `id`", "name the whole record"))?;
    let title = text(value, "title").unwrap_or(id);
    let urls = texts(value, "refs");
    let url = urls.first().copied().unwrap_or(COMMAND_LINE);
    let mut document = document(id, title, source(title, url, Trust::Secondary, said), said);
    for (i, url) in urls.iter().enumerate().skip(1) {
        document
            .sources
            .insert(format!("reference-{}", i + 1), source(url, url, Trust::Secondary, said));
    }
    let mut notes = Vec::new();
    // What the file says stands; the flags fill what it does not say.
    let window = value.get("window").unwrap_or(&Value::Null);
    let from = bound(window, "start")?.or_else(|| said.from.clone());
    let to = bound(window, "end")?.or_else(|| said.to.clone());
    let said = Said { from, to, ..said.clone() };
    for entry in items(value, "npm") {
        let Some(name) = text(entry, "name") else { continue };
        let mut new =
            component(Kind::Package, &format!("npm:{name}"), document.components.len(), &said);
        new.packages = texts(entry, "versions").iter().map(|v| format!("npm:{name}@{v}")).collect();
        if !new.packages.is_empty() {
            new.names.clear();
        }
        document.components.push(new);
    }
    for entry in items(value, "actions") {
        let Some(name) = text(entry, "uses") else { continue };
        let mut new = component(Kind::Action, name, document.components.len(), &said);
        let listed = texts(entry, "shas");
        let whole = commits(&listed, name, &mut notes);
        new.bad_commits = whole
            .iter()
            .map(|commit| BadCommit { commit: (*commit).to_owned(), source: RECORD.to_owned() })
            .collect();
        new.other_refs = Some(unknown("the record names commits, and not which tags named them"));
        if new.bad_commits.is_empty() {
            new.other_commits = Some(unknown("the record names no whole commit"));
        }
        document.components.push(new);
    }
    iocs(value, &mut document, &mut notes);
    if document.components.is_empty() {
        return Err(refused("names neither npm releases nor actions", "name the whole record"));
    }
    notes.push("its one window stands for all components; seconds are the record's".to_owned());
    if said.payload.is_empty() {
        notes.push("payload not known: the format cannot say it, so it counts as everything; give `--payload`".to_owned());
    }
    Ok(Imported { document, notes })
}

fn bound(window: &Value, key: &str) -> Result<Option<Moment>, Refused> {
    let Some(written) = text(window, key) else { return Ok(None) };
    Moment::read(written)
        .map(Some)
        .map_err(|(trouble, hint)| refused(format!("`window.{key}: {written}`: {trouble}"), &hint))
}

fn iocs(value: &Value, document: &mut Document, notes: &mut Vec<String>) {
    let Some(found) = value.get("iocs").and_then(Value::as_object) else { return };
    let mut leads: Vec<String> = Vec::new();
    for (kind, listed) in found {
        let listed: Vec<&str> =
            listed.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let known = match kind.as_str() {
            "domains" => IndicatorKind::Domain,
            "ips" => IndicatorKind::Ip,
            "urls" => IndicatorKind::Url,
            "sha256" | "hashes" => IndicatorKind::Sha256,
            "files" | "paths" => IndicatorKind::FilePath,
            _ => {
                leads.push(format!("{kind}: {}", listed.join(", ")));
                continue;
            }
        };
        indicators(known, &listed, &mut document.indicators);
    }
    if !leads.is_empty() {
        notes.push(format!("leads, not keys: {}", leads.join("; ")));
    }
}
