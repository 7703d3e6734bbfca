//! The text of a configuration, and where in it something stands.

use std::{fmt, ops::Range, path::PathBuf, sync::Arc};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::error::{self, ConfigError};

/// A TOML text and the name of its file. It is read more than once: a provider's own part only when it is mounted.
#[derive(Clone, Eq, PartialEq)]
pub struct Source {
    path: PathBuf,
    text: Arc<str>,
}

impl Source {
    pub fn new(path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Line of a byte, counted from 1.
    pub(crate) fn line(&self, at: usize) -> u32 {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let breaks = before.iter().filter(|byte| **byte == b'\n').count();
        u32::try_from(breaks).unwrap_or(u32::MAX - 1) + 1
    }

    pub(crate) fn tree(&self) -> Result<Spanned<DeTable<'_>>, ConfigError> {
        DeTable::parse(&self.text).map_err(|broken| {
            let line = broken.span().map(|span| self.line(span.start));
            ConfigError {
                file: self.path.clone(),
                line,
                key: String::new(),
                message: format!("no valid TOML: {}", broken.message()),
                hint: "mend the line; strings stand in quotes, tables in brackets".to_owned(),
            }
        })
    }

    /// An error at a place of the text.
    pub(crate) fn error(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ConfigError {
        let key = self.tree().map(|tree| key_at(tree.get_ref(), &span)).unwrap_or_default();
        ConfigError {
            file: self.path.clone(),
            line: Some(self.line(span.start)),
            key,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// What a reader of typed TOML says, without the values that it quotes. `around` is where the part begins that it
    /// read, for errors that know no place.
    pub(crate) fn refusal(&self, refused: &toml::de::Error, around: usize) -> ConfigError {
        let (message, hint) = error::told(refused.message());
        self.error(refused.span().unwrap_or(around..around), message, hint)
    }
}

/// The text may hold, by mistake, what must not be shown.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("path", &self.path).finish_non_exhaustive()
    }
}

/// `credentials[0].stores[1].at`: the deepest key that stands there.
fn key_at(tree: &DeTable<'_>, span: &Range<usize>) -> String {
    let mut best = None;
    descend(tree, span, "", &mut best);
    best.map(|(_, key)| key).unwrap_or_default()
}

/// The smallest place that holds the span wins; a header holds less than an inline table that is written out.
fn descend(
    table: &DeTable<'_>,
    span: &Range<usize>,
    above: &str,
    best: &mut Option<(usize, String)>,
) {
    for (name, value) in table {
        let key = if above.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{above}.{}", name.get_ref())
        };
        consider(&name.span(), span, &key, best);
        inside(value, span, &key, best);
    }
}

fn inside(
    value: &Spanned<DeValue<'_>>,
    span: &Range<usize>,
    key: &str,
    best: &mut Option<(usize, String)>,
) {
    consider(&value.span(), span, key, best);
    match value.get_ref() {
        DeValue::Table(table) => descend(table, span, key, best),
        DeValue::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                inside(item, span, &format!("{key}[{at}]"), best);
            }
        }
        _ => {}
    }
}

fn consider(
    place: &Range<usize>,
    span: &Range<usize>,
    key: &str,
    best: &mut Option<(usize, String)>,
) {
    let holds = place.start <= span.start && span.end <= place.end && !place.is_empty();
    if holds && best.as_ref().is_none_or(|(size, _)| place.len() <= *size) {
        *best = Some((place.len(), key.to_owned()));
    }
}
