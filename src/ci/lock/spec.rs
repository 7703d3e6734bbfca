//! Packages as commands and manifests ask for them: name and range.

use super::{requirements, yarn};
use crate::ci::model::{Component, Kind, Pinned, Verified};

/// `axios@^1` → `axios` and `^1`; the range is empty where there is none.
pub(super) fn split<'s>(ecosystem: &str, spec: &'s str) -> (&'s str, &'s str) {
    match ecosystem {
        "pypi" => match spec.split_once('@') {
            // `uvx ruff@0.4`, but not `name @ https://…`.
            Some((name, version)) if !name.ends_with(' ') => (name, version),
            _ => requirements::requirement(spec).unwrap_or((spec, "")),
        },
        "packagist" => spec.split_once([':', '=']).unwrap_or((spec, "")),
        _ => {
            let name = yarn::name_of(spec);
            (name, spec[name.len()..].trim_start_matches('@'))
        }
    }
}

/// Pinned where the range is one version and no other.
pub(super) fn component(ecosystem: &str, name: String, range: &str) -> Component {
    let exact = exact(ecosystem, range);
    let reference = exact.unwrap_or(range);
    Component {
        kind: Kind::Package,
        name,
        reference: (!reference.is_empty()).then(|| reference.to_owned()),
        pinned: if exact.is_some() { Pinned::Version } else { Pinned::No },
        verified: Verified::No,
    }
}

fn exact<'r>(ecosystem: &str, range: &'r str) -> Option<&'r str> {
    match ecosystem {
        "pypi" => requirements::exact(range).or_else(|| full(range)),
        // In `Cargo.toml` a bare version is a range.
        "cargo" => full(range.strip_prefix('=')?.trim()),
        _ => full(range.trim_start_matches(['=', ' ', 'v'])).or_else(|| full(range)),
    }
}

/// Three numbers at least, and nothing that could be a condition.
fn full(text: &str) -> Option<&str> {
    let bare = text.strip_prefix('v').unwrap_or(text);
    let core = bare.split(['-', '+']).next().unwrap_or_default();
    let numbers = core
        .split('.')
        .filter(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let parts = core.split('.').count();
    let plain = bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+._".contains(&b));
    (plain && parts >= 3 && numbers.count() == parts).then_some(text)
}

/// Tools that bring nothing with them.
pub(super) fn stands_alone(ecosystem: &str, name: &str) -> bool {
    let tools: &[&str] = match ecosystem {
        "pypi" => &["pip", "setuptools", "wheel", "uv"],
        "npm" => &["npm", "yarn", "pnpm", "corepack", "typescript", "prettier"],
        _ => &[],
    };
    tools.contains(&name)
}

/// Whether a range of npm takes in a version; one that is no range (a tag, a URL) is taken to.
pub(super) fn takes(range: &str, version: &str) -> bool {
    let (Ok(range), Ok(version)) =
        (nodejs_semver::Range::parse(range), nodejs_semver::Version::parse(version))
    else {
        return true;
    };
    range.satisfies(&version)
}

#[cfg(test)]
mod tests {
    use super::{component, split};
    use crate::ci::model::Pinned;

    #[test]
    fn specifications() {
        for (ecosystem, spec, name, range, pinned) in [
            ("npm", "axios", "axios", "", Pinned::No),
            ("npm", "axios@1.14.1", "axios", "1.14.1", Pinned::Version),
            ("npm", "@s/x@1.14", "@s/x", "1.14", Pinned::No),
            ("npm", "axios@latest", "axios", "latest", Pinned::No),
            ("pypi", "litellm==1.82.7", "litellm", "==1.82.7", Pinned::Version),
            ("pypi", "litellm[proxy]>=1", "litellm", ">=1", Pinned::No),
            ("pypi", "ruff@0.4.1", "ruff", "0.4.1", Pinned::Version),
            ("cargo", "xz@1.2.3", "xz", "1.2.3", Pinned::No),
            ("cargo", "xz@=1.2.3", "xz", "=1.2.3", Pinned::Version),
            ("packagist", "a/b:^2", "a/b", "^2", Pinned::No),
        ] {
            assert_eq!(split(ecosystem, spec), (name, range), "{spec}");
            assert_eq!(component(ecosystem, String::new(), range).pinned, pinned, "{spec}");
        }
    }
}
