//! The packs that come with the program.

use std::sync::LazyLock;

use super::{Pack, parse};

/// File name and text; the tests hold every one of them to [`super::lint`].
pub const SOURCES: &[(&str, &str)] = &[
    ("actions-cool-2026.toml", include_str!("packs/actions-cool-2026.toml")),
    ("axios-2026.toml", include_str!("packs/axios-2026.toml")),
    ("bitwarden-cli-2026.toml", include_str!("packs/bitwarden-cli-2026.toml")),
    ("circleci-2023.toml", include_str!("packs/circleci-2023.toml")),
    ("codecov-2021.toml", include_str!("packs/codecov-2021.toml")),
    ("codfish-2026.toml", include_str!("packs/codfish-2026.toml")),
    ("ghostaction-2025.toml", include_str!("packs/ghostaction-2025.toml")),
    ("kics-2026.toml", include_str!("packs/kics-2026.toml")),
    ("litellm-2026.toml", include_str!("packs/litellm-2026.toml")),
    ("nx-2025.toml", include_str!("packs/nx-2025.toml")),
    ("pytorch-nightly-2022.toml", include_str!("packs/pytorch-nightly-2022.toml")),
    ("reviewdog-2025.toml", include_str!("packs/reviewdog-2025.toml")),
    ("shai-hulud-2-2025.toml", include_str!("packs/shai-hulud-2-2025.toml")),
    ("shai-hulud-2025.toml", include_str!("packs/shai-hulud-2025.toml")),
    ("tanstack-2026.toml", include_str!("packs/tanstack-2026.toml")),
    ("tj-actions-2025.toml", include_str!("packs/tj-actions-2025.toml")),
    ("travis-2021.toml", include_str!("packs/travis-2021.toml")),
    ("trivy-2026.toml", include_str!("packs/trivy-2026.toml")),
    ("ultralytics-2024.toml", include_str!("packs/ultralytics-2024.toml")),
];

static PACKS: LazyLock<Vec<Pack>> = LazyLock::new(|| {
    let parsed = SOURCES.iter().map(|(name, text)| parse(text, name));
    // The texts are compiled in, and the tests parse every one.
    parsed.map(|pack| pack.expect("built-in packs are well formed")).collect()
});

pub fn builtin() -> &'static [Pack] {
    &PACKS
}

/// The built-in pack of this id, or of this alias, in any letter case.
pub fn find(id: &str) -> Result<&'static Pack, UnknownPack> {
    let called = |pack: &&Pack| {
        pack.id().eq_ignore_ascii_case(id)
            || pack.document().aliases.iter().any(|alias| alias.eq_ignore_ascii_case(id))
    };
    builtin().iter().find(called).ok_or_else(|| UnknownPack::new(id))
}

/// No pack has this id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no incident `{id}` is known (known: {})", .known.join(", "))]
pub struct UnknownPack {
    pub id: String,
    pub known: Vec<String>,
    pub suggestion: Option<String>,
}

impl UnknownPack {
    fn new(id: &str) -> Self {
        let known: Vec<_> = builtin().iter().map(|pack| pack.id().to_owned()).collect();
        let wanted = id.to_ascii_lowercase();
        let likeness = |name: &str| match stem(name) == stem(&wanted) {
            true => 1.0,
            false => strsim::jaro_winkler(name, &wanted),
        };
        let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let suggestion = nearest.filter(|name| likeness(name) > 0.8).cloned();
        Self { id: id.to_owned(), known, suggestion }
    }

    /// The way out, for the line under the error.
    pub fn hint(&self) -> String {
        match &self.suggestion {
            Some(name) => format!("did you mean `{name}`?"),
            None => "an incident is named by its id, its CVE or its GHSA".to_owned(),
        }
    }
}

/// The id without its year.
fn stem(id: &str) -> &str {
    id.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-')
}
