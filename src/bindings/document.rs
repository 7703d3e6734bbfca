//! The book as it is written.

use std::ops::Range;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use super::Binding;
use crate::config::{self, ConfigError, CredentialName, Source};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    bindings: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    placement: Spanned<String>,
    credential: Option<CredentialName>,
    issuer: Option<String>,
    account: Option<String>,
    owner: Option<String>,
    runbook: Option<String>,
    source_of_truth: Option<String>,
    class: Option<String>,
    known_by: Option<String>,
    confirmed_by: Option<String>,
    /// As text, `2026-03-01`: a TOML date is taken, too.
    confirmed: Option<Spanned<Day>>,
}

/// A day, written as text or as TOML's own date.
#[derive(Debug)]
struct Day(Option<Date>);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let text = match &value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Datetime(moment) => moment.to_string(),
            _ => String::new(),
        };
        Ok(Self(day(&text)))
    }
}

/// `2026-03-01` and nothing else.
pub(super) fn day(text: &str) -> Option<Date> {
    (text.len() == "2026-03-01".len()).then(|| text.parse().ok()).flatten()
}

/// Each binding, and where its pattern stands.
pub(super) fn bindings(source: &Source) -> Result<Vec<(Binding, Range<usize>)>, Vec<ConfigError>> {
    let document: Document = config::document(source)?;
    let mut errors = Vec::new();
    let mut rows: Vec<(Binding, Range<usize>)> = Vec::new();
    for row in document.bindings {
        let (placement, at) = (row.placement.get_ref().clone(), row.placement.span());
        let mut refuse = |span, message: String, hint: &str| {
            errors.push(source.error(span, message, hint));
        };
        if placement.trim().is_empty() {
            refuse(at.clone(), "no placement".to_owned(), "write its name, or a glob over names");
        }
        if let Some((first, _)) = rows.iter().find(|(other, _)| other.placement == placement) {
            let message = format!("`{placement}` is bound in line {} already", first.line);
            refuse(at.clone(), message, "keep the row that is right");
        }
        let confirmed = row.confirmed.as_ref().and_then(|day| {
            if day.get_ref().0.is_none() {
                refuse(day.span(), "no day".to_owned(), "write `2026-03-01`");
            }
            day.get_ref().0
        });
        let binding = Binding {
            line: source.line(at.start),
            placement,
            credential: row.credential,
            issuer: row.issuer,
            account: row.account,
            owner: row.owner,
            runbook: row.runbook,
            source_of_truth: row.source_of_truth,
            class: row.class,
            known_by: row.known_by,
            confirmed_by: row.confirmed_by,
            confirmed,
        };
        if binding.credential.is_none() && binding.issuer.is_none() {
            let hint = "name the `credential`, or at least its `issuer`";
            refuse(at.clone(), "it is bound to nothing".to_owned(), hint);
        }
        rows.push((binding, at));
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}
