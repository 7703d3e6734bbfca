//! The judge of packs: refuses what would make a verdict wrong without anybody seeing it.
//!
//! Public incident data is full of made-up, cut, spliced and wrongly typed hashes, of windows that end
//! before they begin and of patterns that flag the safe version too. What a machine can refuse is
//! refused here; whether a fact is *true* only its source can tell, so every fact has to name one.

mod beside;
mod component;
mod hash;
mod indicator;
mod zone;

use std::collections::BTreeSet;

pub use beside::lint_beside;
pub(super) use component::name_trouble;

use super::document::{Bound, Document, SCHEMA};

/// One thing that is wrong with a pack.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// `components[0].windows[1].from.at`.
    pub key: String,
    pub message: String,
    /// The way out.
    pub hint: String,
}

/// Everything that is wrong with the document, in its own order; empty if it may be relied on.
pub fn lint(document: &Document) -> Vec<Finding> {
    let mut linter = Linter { document, findings: Vec::new() };
    linter.head();
    linter.sources();
    component::lint(&mut linter);
    indicator::lint(&mut linter);
    linter.advice();
    linter.findings
}

struct Linter<'d> {
    document: &'d Document,
    findings: Vec<Finding>,
}

impl Linter<'_> {
    fn report(&mut self, key: impl Into<String>, message: impl Into<String>, hint: &str) {
        self.findings.push(Finding {
            key: key.into(),
            message: message.into(),
            hint: hint.to_owned(),
        });
    }

    fn head(&mut self) {
        let document = self.document;
        if document.schema != SCHEMA {
            let message = format!("schema `{}` is not known", document.schema);
            self.report("schema", message, "this version reads `keysweep.pack/1`");
        }
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if document.id.is_empty() || !document.id.chars().all(good) {
            let message = format!("id `{}` is not of the form `name-year`", document.id);
            self.report("id", message, "use lower case letters, digits and `-`");
        }
        if document.revision == 0 {
            self.report("revision", "revision is 0", "the first revision is 1");
        }
        self.day("revised", &document.revised);
        self.said("title", &document.title);
        self.said("summary", &document.summary);
        for (i, alias) in document.aliases.iter().enumerate() {
            if !alias_is_whole(alias) {
                let message = format!("`{alias}` is not a whole CVE or GHSA id");
                self.report(
                    format!("aliases[{i}]"),
                    message,
                    "`CVE-2025-30066`, `GHSA-mrrh-fwg8-r2c3`",
                );
            }
        }
    }

    fn sources(&mut self) {
        for (id, source) in &self.document.sources {
            let key = format!("sources.{id}");
            if !["https://", "http://", "urn:"].iter().any(|scheme| source.url.starts_with(scheme))
            {
                let message = format!("`{}` is not a URL", source.url);
                self.report(format!("{key}.url"), message, "name the page that was read");
            }
            self.said(format!("{key}.title"), &source.title);
            self.day(format!("{key}.retrieved"), &source.retrieved);
        }
    }

    fn advice(&mut self) {
        let document = self.document;
        for (i, edge) in document.enabled_by.iter().enumerate() {
            let key = format!("enabled_by[{i}]");
            self.said(format!("{key}.how"), &edge.how);
            self.cited(&key, &edge.source);
        }
        for (i, gate) in document.gates.iter().enumerate() {
            let key = format!("gates[{i}]");
            self.said(format!("{key}.condition"), &gate.condition);
            self.cited(&key, &gate.source);
        }
        for (i, guidance) in document.guidance.iter().enumerate() {
            let key = format!("guidance[{i}]");
            self.said(format!("{key}.text"), &guidance.text);
            self.cited(&key, &guidance.source);
        }
        for (i, step) in document.rotation.iter().enumerate() {
            let key = format!("rotation[{i}]");
            self.said(format!("{key}.what"), &step.what);
            self.cited(&key, &step.source);
        }
        let ids = document.gates.iter().map(|gate| gate.id.as_str());
        self.distinct("gates", ids);
    }

    /// A fact has to name a source of this pack.
    fn cited(&mut self, key: &str, source: &str) {
        if !self.document.sources.contains_key(source) {
            let known: Vec<_> = self.document.sources.keys().map(String::as_str).collect();
            let message = if source.is_empty() {
                "has no source".to_owned()
            } else {
                format!("source `{source}` is not in this pack (known: {})", known.join(", "))
            };
            self.report(format!("{key}.source"), message, "add it under `[sources.NAME]`");
        }
    }

    fn said(&mut self, key: impl Into<String>, text: &str) {
        if text.trim().is_empty() {
            self.report(key, "is empty", "say it in a sentence");
        }
    }

    fn day(&mut self, key: impl Into<String>, text: &str) {
        if !super::window::is_day(text) {
            self.report(key, format!("`{text}` is not a day"), "write `2021-01-31`");
        }
    }

    fn distinct<'t>(&mut self, key: &str, ids: impl Iterator<Item = &'t str>) {
        let mut seen = BTreeSet::new();
        for (i, id) in ids.enumerate() {
            if !seen.insert(id) {
                self.report(
                    format!("{key}[{i}]"),
                    format!("`{id}` stands twice"),
                    "drop one of them",
                );
            }
        }
    }

    fn bound(&mut self, key: &str, bound: &Bound) {
        if let Some(message) = super::window::trouble(bound) {
            self.report(
                format!("{key}.at"),
                message,
                "write no more and no less than the source says, and that as `precision`",
            );
        }
        self.zone(key, bound);
        self.cited(key, &bound.source);
    }
}

/// Other prefixes are other people's id schemes, of which nothing is known here.
fn alias_is_whole(alias: &str) -> bool {
    let groups: Vec<_> = alias.split('-').collect();
    match groups.as_slice() {
        ["CVE", rest @ ..] => {
            let digits = |text: &str, least: usize| {
                text.len() >= least && text.bytes().all(|byte| byte.is_ascii_digit())
            };
            matches!(rest, [year, number] if year.len() == 4 && digits(year, 4) && digits(number, 4))
        }
        ["GHSA", rest @ ..] => {
            let group =
                |text: &&str| text.len() == 4 && text.bytes().all(|b| b.is_ascii_alphanumeric());
            rest.len() == 3 && rest.iter().all(group)
        }
        _ => !alias.trim().is_empty(),
    }
}
