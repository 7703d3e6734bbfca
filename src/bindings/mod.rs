//! The binding book, `bindings.toml`: which credential a placement holds, how we know, who confirmed it, and when.
//!
//! It lies in git beside the configuration and is read by people. Everything here is pure.

mod document;
mod judge;
mod matching;
mod seen;
mod table;
mod written;

use jiff::civil::Date;

use crate::config::{ConfigError, CredentialName, Source};

pub use judge::{Finding, FindingKind, judge};
pub use matching::Match;
pub(crate) use seen::names_of;
pub use seen::{Seen, SeenIssuer, of_exposures, of_inventory};
pub use table::{Imported, RowError, exported, imported};
pub use written::block;

/// One line of knowledge: what the placements of a pattern hold.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Binding {
    /// A glob over the names of placements: `github:acme/site/*/AWS_*`, `web:acme/site/actions/TOKEN`. `*` stays
    /// between two `/`, `**` does not.
    pub placement: String,
    pub credential: Option<CredentialName>,
    /// What kind of credential it is: `aws-access-key`, as the reports name it.
    pub issuer: Option<String>,
    /// The account, host or region at the issuer.
    pub account: Option<String>,
    pub owner: Option<String>,
    /// A page that says how it is rotated by hand.
    pub runbook: Option<String>,
    /// What writes the placement in truth: `terraform`, `sops`. A plan then makes a task, not a write.
    pub source_of_truth: Option<String>,
    pub class: Option<String>,
    /// How we know: `CloudTrail event`, `asked the team`.
    pub known_by: Option<String>,
    pub confirmed_by: Option<String>,
    pub confirmed: Option<Date>,
    /// In the book; 0 of what is not in it yet.
    pub line: u32,
}

/// All bindings, in the order of the file.
#[derive(Clone, Debug)]
pub struct Book {
    source: Source,
    bindings: Vec<Binding>,
    matcher: matching::Matcher,
}

impl Book {
    /// Reads a book; `path` is its name in messages.
    ///
    /// # Errors
    ///
    /// Every mistake that could be told at once, at least one.
    pub fn parse(path: impl AsRef<std::path::Path>, text: &str) -> Result<Self, Vec<ConfigError>> {
        let source = Source::new(path.as_ref(), text);
        let bindings = document::bindings(&source)?;
        let matcher = matching::Matcher::new(&source, &bindings)?;
        let bindings = bindings.into_iter().map(|(binding, _)| binding).collect();
        Ok(Self { source, bindings, matcher })
    }

    pub fn path(&self) -> &std::path::Path {
        self.source.path()
    }

    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// What a placement of this name holds.
    pub fn find(&self, placement: &str) -> Match<'_> {
        self.find_any(&[placement])
    }

    /// What a placement holds that may be called by any of these names.
    pub fn find_any(&self, names: &[impl AsRef<str>]) -> Match<'_> {
        self.matcher.find(&self.bindings, names)
    }
}

impl Binding {
    /// Whether both say the same of what a placement holds.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        (&self.credential, &self.issuer, &self.account, &self.source_of_truth)
            == (&other.credential, &other.issuer, &other.account, &other.source_of_truth)
    }

    /// Whether it names one placement, and no pattern.
    pub(crate) fn is_exact(&self) -> bool {
        !self.placement.contains(['*', '?', '[', '{', '\\'])
    }
}
