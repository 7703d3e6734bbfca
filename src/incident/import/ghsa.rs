//! Advisories as GitHub's REST interface gives them (`GET /advisories`).

use serde_json::Value;

use super::{
    Imported, Refused, Said, document, ecosystem, items, open_questions,
    osv::{SpanOf, action, of_package},
    refused, source, text,
};
use crate::incident::document::Trust;

pub(super) fn read(value: &Value, said: &Said) -> Result<Imported, Refused> {
    let id = text(value, "ghsa_id")
        .ok_or_else(|| refused("has no `ghsa_id`", "name the whole record"))?;
    if let Some(day) = text(value, "withdrawn_at") {
        return Err(refused(
            format!("{id} was withdrawn on {day}: its facts no longer stand"),
            "look for the record that took its place",
        ));
    }
    let own = format!("https://github.com/advisories/{id}");
    let url = text(value, "html_url").unwrap_or(&own);
    let title = text(value, "summary").unwrap_or(id);
    let mut document = document(id, title, source(id, url, Trust::Secondary, said), said);
    let cve = text(value, "cve_id").map(str::to_owned);
    document.aliases = std::iter::once(id.to_owned()).chain(cve).collect();
    let mut notes = Vec::new();
    // One entry for each range: those of one package are one component.
    let mut packages: Vec<(&str, &str, Vec<SpanOf>, Vec<&str>)> = Vec::new();
    for entry in items(value, "vulnerabilities") {
        let Some(package) = entry.get("package") else { continue };
        let (Some(of), Some(name)) = (text(package, "ecosystem"), text(package, "name")) else {
            continue;
        };
        let at =
            packages.iter().position(|(o, n, ..)| (*o, *n) == (of, name)).unwrap_or_else(|| {
                packages.push((of, name, Vec::new(), Vec::new()));
                packages.len() - 1
            });
        match range(text(entry, "vulnerable_version_range").unwrap_or_default()) {
            Range::Exact(version) => packages[at].3.push(version),
            Range::Span(span) => packages[at].2.push(span),
        }
    }
    for (of, name, spans, versions) in packages {
        let number = document.components.len();
        if of.eq_ignore_ascii_case("actions") {
            document.components.push(action(name, &versions, &spans, number, said, &mut notes));
        } else if let Some(prefix) = ecosystem(if of == "rust" { "cargo" } else { of }) {
            let name = format!("{prefix}:{name}");
            document
                .components
                .push(of_package(&name, &versions, &spans, number, said, &mut notes));
        } else {
            notes.push(format!(
                "left out: `{name}` of the ecosystem {of}, which CI files do not name"
            ));
        }
    }
    if document.components.is_empty() {
        let trouble = format!("{id} names nothing that CI could run");
        return Err(refused(trouble, "`keysweep incident new` makes a pack of answers"));
    }
    open_questions(said, &mut notes);
    Ok(Imported { document, notes })
}

enum Range<'v> {
    Exact(&'v str),
    Span(SpanOf),
}

/// `< 46.0.1`, `>= 1.0.0, < 2.0.0`, `= 1.2.3`; empty: every version.
fn range(written: &str) -> Range<'_> {
    if let Some(version) = written.trim().strip_prefix('=') {
        return Range::Exact(version.trim());
    }
    let mut span = SpanOf { from: None, to: None };
    for part in written.split(',').map(str::trim) {
        if let Some(from) = part.strip_prefix(">=") {
            span.from = Some(from.trim().to_owned()).filter(|from| !from.is_empty() && from != "0");
        } else if let Some(to) = part.strip_prefix("<=") {
            span.to = Some(("<=", to.trim().to_owned()));
        } else if let Some(to) = part.strip_prefix('<') {
            span.to = Some(("<", to.trim().to_owned()));
        } else if let Some(from) = part.strip_prefix('>') {
            // A pack says `>=`: one version too many is no credential too few.
            span.from = Some(from.trim().to_owned()).filter(|from| from != "0");
        }
    }
    Range::Span(span)
}
