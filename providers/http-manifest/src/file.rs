//! Manifests: those that are shipped, and those of the user.

use std::fmt;

use toml::{Spanned, de::DeTable, de::DeValue};

use crate::{lint, manifest::Manifest};

const SHIPPED: &[(&str, &str)] = &[
    ("cloudflare-account", include_str!("../manifests/cloudflare-account.toml")),
    ("cloudflare-user", include_str!("../manifests/cloudflare-user.toml")),
    ("datadog-api-key", include_str!("../manifests/datadog-api-key.toml")),
    ("datadog-application-key", include_str!("../manifests/datadog-application-key.toml")),
    ("digitalocean-spaces", include_str!("../manifests/digitalocean-spaces.toml")),
    ("heroku", include_str!("../manifests/heroku.toml")),
    ("npm", include_str!("../manifests/npm.toml")),
    ("sendgrid", include_str!("../manifests/sendgrid.toml")),
];

/// Why a manifest is refused: where, what, and the way out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadManifest {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// `mint.outcome`; empty when it is about the whole.
    pub key: String,
    pub message: String,
    pub hint: String,
}

/// The names of the manifests that are part of keysweep, and their text.
pub fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHIPPED.iter().copied()
}

/// Whether a manifest is well-formed and says all that it has to.
pub fn check(file: &str, text: &str) -> Result<(), BadManifest> {
    parse(file, text).map(drop)
}

pub(crate) fn parse(file: &str, text: &str) -> Result<Manifest, BadManifest> {
    let bad = |line, key: String, message: String, hint: &str| BadManifest {
        file: file.to_owned(),
        line,
        key,
        message,
        hint: hint.to_owned(),
    };
    let manifest: Manifest = toml::from_str(text).map_err(|error| {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        bad(
            line,
            String::new(),
            error.message().to_owned(),
            "the fields are in providers/http-manifest/README.md",
        )
    })?;
    match lint::lint(&manifest, text) {
        None => Ok(manifest),
        Some(found) => {
            let line = locate(text, &found.key).unwrap_or(1);
            Err(bad(line, found.key, found.message, found.hint))
        }
    }
}

/// The line where a key stands, or the nearest that is around it.
fn locate(text: &str, key: &str) -> Option<usize> {
    let root: Spanned<DeTable<'_>> = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut start = None;
    for part in key.split('.').filter(|part| !part.is_empty()) {
        let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref().as_ref() == part)
        else {
            break;
        };
        start = Some(name.span().start);
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    start.map(|start| line_of(text, start))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

impl fmt::Display for BadManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        match self.key.is_empty() {
            true => f.write_str(&self.message),
            false => write!(f, "`{}`: {}", self.key, self.message),
        }
    }
}

impl std::error::Error for BadManifest {}
