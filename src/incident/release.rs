//! Packages of which a pack lists the bad releases: which versions and ranges are clear of them.

use std::str::FromStr;

use super::{Pack, PackComponent, Standing, examine::cleared};
use crate::ci::model::{Certainty, Component, Pinned};

/// A longer range is nobody's.
const LONGEST: usize = 300;

impl Pack {
    pub(super) fn release<'p>(
        &'p self,
        affected: &'p PackComponent,
        component: &Component,
        bad: &[String],
    ) -> Standing<'p> {
        let (name, listed) = (&component.name, bad.join(", "));
        let ecosystem = name.split_once(':').map_or("", |(ecosystem, _)| ecosystem);
        let reference = component.reference.as_deref();
        let exact =
            |version: &&str| component.pinned == Pinned::Version && is_exact(ecosystem, version);
        match (reference.filter(exact), reference) {
            (Some(version), _) if bad.iter().any(|one| is_same(ecosystem, one, version)) => {
                self.bad(affected, &affected.entry.source)
            }
            (Some(version), _) => {
                cleared(&format!("{name} {version} is not a bad release ({listed})"))
            }
            (None, Some(range)) if excludes(ecosystem, range, bad) => {
                cleared(&format!("{name} `{range}` takes in no bad release ({listed})"))
            }
            // Whatever was newest then was taken; whether that was a bad one, only a log can tell.
            (None, _) => Standing::Bad {
                windows: affected.windows.iter().collect(),
                certainty: Certainty::Possible,
            },
        }
    }
}

/// `axios@1.14` is the newest of 1.14; other ecosystems take it for that version.
fn is_exact(ecosystem: &str, version: &str) -> bool {
    let core = bare(version).split(['-', '+']).next().unwrap_or_default();
    match ecosystem {
        "npm" | "cargo" | "crates.io" | "go" | "" => core.split('.').count() >= 3,
        _ => true,
    }
}

/// Go writes `v1.2.3`, most others `1.2.3`.
fn bare(version: &str) -> &str {
    version.trim().trim_start_matches(['=', ' ', 'v'])
}

fn is_same(ecosystem: &str, a: &str, b: &str) -> bool {
    let (a, b) = (bare(a), bare(b));
    let alike = |a: &str, b: &str| {
        let version = |text: &str| pep440_rs::Version::from_str(text).ok();
        version(a).is_some_and(|a| version(b) == Some(a))
    };
    match ecosystem {
        "pypi" => a == b || alike(a, b),
        // `2.0` is `2.0.0`.
        "packagist" | "composer" | "rubygems" => without_zeros(a) == without_zeros(b),
        _ => a == b,
    }
}

fn without_zeros(mut version: &str) -> &str {
    while let Some(shorter) = version.strip_suffix(".0") {
        version = shorter;
    }
    version
}

/// Whether it is certain that none of these fits the range; `false` where that cannot be told.
fn excludes(ecosystem: &str, range: &str, versions: &[String]) -> bool {
    if range.len() > LONGEST {
        return false;
    }
    let decided = match ecosystem {
        "npm" => none_fits(nodejs_semver::Range::parse(range).ok(), versions, |range, version| {
            Some(range.satisfies(&nodejs_semver::Version::parse(version).ok()?))
        }),
        "pypi" => {
            let range = pep440_rs::VersionSpecifiers::from_str(range).ok();
            let range = range.filter(|range| range.iter().next().is_some());
            none_fits(range, versions, |range, version| {
                Some(range.contains(&pep440_rs::Version::from_str(version).ok()?))
            })
        }
        "cargo" | "crates.io" => {
            none_fits(semver::VersionReq::parse(range).ok(), versions, |range, version| {
                Some(range.matches(&semver::Version::parse(version).ok()?))
            })
        }
        _ => None,
    };
    decided.unwrap_or(false)
}

fn none_fits<R>(
    range: Option<R>,
    versions: &[String],
    fits: impl Fn(&R, &str) -> Option<bool>,
) -> Option<bool> {
    let range = range?;
    for version in versions {
        if fits(&range, bare(version))? {
            return Some(false);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::{excludes, is_exact, is_same};

    #[test]
    fn ranges_that_take_in_no_bad_release() {
        for (ecosystem, range, bad, expected) in [
            ("npm", "^1.0.0", "1.14.1", false),
            ("npm", "^0.27.2", "1.14.1", true),
            ("npm", "1.14", "1.14.1", false),
            ("npm", "~1.13.0 || ^0.2", "1.14.1", true),
            ("npm", ">=1.14.2", "1.14.1", true),
            ("npm", "latest", "1.14.1", false),
            ("npm", "*", "1.14.1", false),
            ("npm", "", "1.14.1", false),
            ("npm", "workspace:*", "1.14.1", false),
            ("npm", "git+https://x/y", "1.14.1", false),
            ("npm", "^0.1", "not a version", false),
            ("pypi", ">=1,<1.82", "1.82.7", true),
            ("pypi", ">=1", "1.82.7", false),
            ("pypi", "~=1.80.0", "1.82.7", true),
            ("pypi", "^1.0", "1.82.7", false),
            ("pypi", "", "1.82.7", false),
            ("cargo", "1.2", "1.2.3", false),
            ("cargo", "0.9", "1.2.3", true),
            ("rubygems", "~> 1.0", "9.0", false),
        ] {
            let found = excludes(ecosystem, range, &[bad.to_owned()]);
            assert_eq!(found, expected, "{ecosystem} {range}");
        }
        assert!(!excludes("npm", &"1 || ".repeat(1_000), &["2.0.0".to_owned()]));
    }

    #[test]
    fn versions() {
        assert!(is_exact("npm", "1.14.1") && !is_exact("npm", "1.14") && !is_exact("go", "v1"));
        assert!(is_exact("pypi", "1.82"));
        assert!(is_same("pypi", "1.82", "1.82.0") && !is_same("npm", "1.82", "1.82.0"));
        assert!(is_same("go", "v1.2.0", "1.2.0") && is_same("packagist", "v2.0", "2.0.0"));
    }
}
