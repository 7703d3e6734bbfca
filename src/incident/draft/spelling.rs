//! Components as people write them: `owner/repo@v1`, `npm:axios@1.14.1`, `https://…`, `image:x/y:1`.

use super::super::{
    lint::name_trouble,
    reference::{Range, is_abbreviated, is_commit, is_sha256},
};
use crate::ci::{lock, model::Kind};

/// One component, and which of its contents were bad.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spelled {
    /// As it was written.
    pub written: String,
    pub kind: Kind,
    pub name: String,
    pub asked: Asked,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asked {
    /// Every ref, tag or version.
    All,
    /// A tag or branch; `*` stands for any characters.
    Ref(String),
    /// `<1.4.0`.
    Range(String),
    Commit(String),
    /// `sha256:…`
    Digest(String),
    /// Exact versions of a package.
    Releases(Vec<String>),
}

/// Why a spelling names no component, and the way out.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{trouble}")]
pub struct Unspelled {
    pub trouble: String,
    pub hint: String,
}

/// The prefix under which packages of an ecosystem stand in CI and in packs.
pub(in crate::incident) fn ecosystem(name: &str) -> Option<&'static str> {
    // No lock file of it is read; an install names it all the same.
    lock::ecosystem(name).or_else(|| name.eq_ignore_ascii_case("maven").then_some("maven"))
}

impl Spelled {
    /// The kind shows in the spelling; `kind` says it where it does not.
    ///
    /// # Errors
    ///
    /// When no component can be meant, or more than one.
    pub fn read(written: &str, kind: Option<Kind>) -> Result<Self, Unspelled> {
        let text = written.trim();
        let text = text.strip_suffix("@*").filter(|url| url.contains("://")).unwrap_or(text);
        let text = of_github(text).unwrap_or(text);
        if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(unspelled("is empty or has white space in it", FORMS));
        }
        let (kind, rest) = match kind {
            Some(kind) => (kind, without_prefix(text, kind)),
            None => kind_of(text)?,
        };
        let (name, asked) = match kind {
            Kind::Package => package(rest)?,
            Kind::Image => image(rest)?,
            Kind::Vendor => (vendor(rest)?.to_owned(), Asked::All),
            Kind::ScriptUrl
            | Kind::Binary
            | Kind::ReleaseAsset
            | Kind::Include
            | Kind::InjectedWorkflow => (rest.to_owned(), Asked::All),
            _ => versioned(rest)?,
        };
        if let Some(trouble) = name_trouble(kind, &name) {
            return Err(unspelled(&format!("its name `{name}` {trouble}"), FORMS));
        }
        Ok(Self { written: text.to_owned(), kind, name, asked })
    }
}

/// `https://github.com/owner/repo@v1` is what people copy; deeper paths are files.
fn of_github(text: &str) -> Option<&str> {
    let prefixes = ["https://github.com/", "http://github.com/", "github.com/"];
    let rest = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let name = rest.split('@').next().unwrap_or(rest);
    (name.trim_end_matches('/').split('/').count() == 2).then_some(rest)
}

/// The CI system's name as its files are known by.
fn vendor(written: &str) -> Result<&'static str, Unspelled> {
    match written.to_ascii_lowercase().as_str() {
        "circleci" | "circle-ci" | "circle" | "circleci.com" => Ok("circleci"),
        "travis" | "travis-ci" | "travisci" | "travis-ci.com" | "travis-ci.org" => Ok("travis"),
        _ => Err(unspelled(
            &format!("`{written}` is no vendor whose store a file tells of"),
            "write `vendor:circleci` or `vendor:travis`",
        )),
    }
}

const FORMS: &str = "write `owner/repo@v1` (`@*` for every ref), `https://host/path`, `npm:name@1.2.3`, \
                     `image:registry/name:tag`, `orb:namespace/orb@1.2.3` or `vendor:circleci`";

fn unspelled(trouble: &str, hint: &str) -> Unspelled {
    Unspelled { trouble: trouble.to_owned(), hint: hint.to_owned() }
}

fn kind_of(text: &str) -> Result<(Kind, &str), Unspelled> {
    if text.starts_with("https://") || text.starts_with("http://") {
        return Ok((Kind::ScriptUrl, text));
    }
    if let Some(image) = text.strip_prefix("docker://") {
        return Ok((Kind::Image, image));
    }
    if text.starts_with(".github/workflows/") {
        return Ok((Kind::InjectedWorkflow, text));
    }
    if let Some((prefix, rest)) = text.split_once(':') {
        let kind = match prefix {
            "image" => Some(Kind::Image),
            "action" => Some(Kind::Action),
            "workflow" => Some(Kind::Workflow),
            "orb" => Some(Kind::Orb),
            "vendor" => Some(Kind::Vendor),
            "plugin" | "extension" => {
                let kind = if prefix == "plugin" { Kind::Plugin } else { Kind::Extension };
                return Ok((kind, rest));
            }
            _ => None,
        };
        if let Some(kind) = kind {
            return Ok((kind, rest));
        }
        if ecosystem(prefix).is_some() {
            return Ok((Kind::Package, text));
        }
    }
    if text.contains("@sha256:") {
        return Ok((Kind::Image, text));
    }
    match text.split_once('@') {
        Some((name, _)) if name.split('/').next().and_then(ecosystem).is_some() => {
            Err(unspelled("looks like a package", "write `npm:name@1.2.3`"))
        }
        Some((name, _)) if name.contains('/') && !name.contains(':') => Ok((Kind::Action, text)),
        _ if text.contains('/') && !text.contains(':') => Err(unspelled(
            "could be an action or an image, at any ref",
            "write `owner/repo@*` for every ref of an action, `image:name` for an image",
        )),
        _ => Err(unspelled("names no kind of component", FORMS)),
    }
}

/// `--kind image image:x` says it twice.
fn without_prefix(text: &str, kind: Kind) -> &str {
    match kind_of(text) {
        Ok((seen, rest)) if seen == kind => rest,
        _ => text,
    }
}

/// `npm:@scope/name@1.2.3,1.2.4`
fn package(text: &str) -> Result<(String, Asked), Unspelled> {
    let none = || {
        let known: Vec<&str> = lock::ECOSYSTEMS.iter().map(|(name, _)| *name).collect();
        unspelled(
            "does not say its ecosystem",
            &format!("write `npm:name@1.2.3` (known: {})", known.join(", ")),
        )
    };
    let pinned = text.replacen("==", "@", usize::from(!text.contains('@')));
    let (prefix, rest) = pinned.split_once(':').ok_or_else(none)?;
    let prefix = ecosystem(prefix).ok_or_else(none)?;
    let (name, versions) = match rest.rfind('@').filter(|at| *at > 0) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, "*"),
    };
    if name.contains(['=', '<', '>', '~', '^', '*', ',']) {
        return Err(unspelled(
            &format!("`{name}` is not the name of a package"),
            "write `npm:name@1.2.3`, or `npm:name@<1.2.4` for a range",
        ));
    }
    let whole = |one: &str| {
        let numbers = one.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        let parts = || numbers.split('.');
        parts().count() == 3 && parts().all(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    let semver = matches!(prefix, "npm" | "cargo");
    let name = format!("{prefix}:{name}");
    if versions == "*" {
        return Ok((name, Asked::All));
    }
    if versions.starts_with(['<', '>', '=']) {
        return Ok((name, range(versions)?));
    }
    let versions: Vec<String> = versions.split(',').map(|one| one.trim().to_owned()).collect();
    let odd = |one: &&String| {
        !one.starts_with(|c: char| c.is_ascii_digit() || c == 'v')
            || one.contains(['*', '^', '~', '|'])
            || (semver && !whole(one))
    };
    match versions.iter().find(odd) {
        Some(one) => Err(unspelled(
            &format!("`{one}` is not an exact version"),
            "name each bad version (`@1.2.3,1.2.4`), or `@*` for all of them",
        )),
        None => Ok((name, Asked::Releases(versions))),
    }
}

/// `registry:5000/name:tag`, `name@sha256:…`
fn image(text: &str) -> Result<(String, Asked), Unspelled> {
    if let Some((name, digest)) = text.split_once('@') {
        let name = without_tag(name).0;
        return match digest.strip_prefix("sha256:") {
            Some(hex) if is_sha256(hex) => {
                Ok((name.to_owned(), Asked::Digest(digest.to_ascii_lowercase())))
            }
            _ if digest == "*" => Ok((name.to_owned(), Asked::All)),
            _ => Err(unspelled(
                &format!("`{digest}` is not a whole digest"),
                "write `sha256:` and all 64 hex digits; a shorter one is no key",
            )),
        };
    }
    let (name, tag) = without_tag(text);
    let asked = match tag {
        None | Some("*") => Asked::All,
        Some(tag) => Asked::Ref(tag.to_owned()),
    };
    Ok((name.to_owned(), asked))
}

/// A colon before the last slash is that of a port.
fn without_tag(text: &str) -> (&str, Option<&str>) {
    let from = text.rfind('/').map_or(0, |at| at + 1);
    match text[from..].find(':') {
        Some(at) => (&text[..from + at], Some(&text[from + at + 1..])),
        None => (text, None),
    }
}

fn versioned(text: &str) -> Result<(String, Asked), Unspelled> {
    let Some((name, reference)) = text.split_once('@') else {
        return Err(unspelled("has no ref", "write `@v1` for one, `@*` for every ref"));
    };
    let asked = match reference {
        "" => return Err(unspelled("has an empty ref", "write `@v1` for one, `@*` for every ref")),
        "*" => Asked::All,
        commit if is_commit(commit) => Asked::Commit(commit.to_ascii_lowercase()),
        range_ if range_.starts_with(['<', '>', '=']) => range(range_)?,
        cut if is_abbreviated(cut)
            || (cut.len() > 40 && cut.bytes().all(|b| b.is_ascii_hexdigit())) =>
        {
            return Err(unspelled(
                &format!("`{cut}` is not a whole commit id ({} hex digits)", cut.len()),
                "give all 40 hex digits; a shorter one is a lead, not a key",
            ));
        }
        odd if odd.contains([',', '@']) => {
            return Err(unspelled(
                &format!("`{odd}` is more than one ref"),
                "give `--component` once for each ref",
            ));
        }
        one => {
            let tag = one.strip_prefix("refs/tags/").or(one.strip_prefix("refs/heads/"));
            Asked::Ref(tag.unwrap_or(one).to_owned())
        }
    };
    if name.starts_with('/') || name.contains('*') {
        return Err(unspelled(
            &format!("`{name}` is not one repository"),
            "write `owner/repo@…`, once for each repository",
        ));
    }
    Ok((name.to_owned(), asked))
}

fn range(text: &str) -> Result<Asked, Unspelled> {
    match Range::read(text) {
        Ok(_) => Ok(Asked::Range(text.to_owned())),
        Err(trouble) => Err(unspelled(&trouble, "write `>=1.4.0,<1.5.0`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0e58ed8671d6b60d0890c21b07f8835ace038e67";

    #[test]
    fn the_kind_shows_in_the_spelling() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let by_digest = format!("aquasec/trivy@{digest}");
        for (written, kind, name, asked) in [
            ("owner/x@*", Kind::Action, "owner/x", Asked::All),
            ("owner/x/sub@v1", Kind::Action, "owner/x/sub", Asked::Ref("v1".into())),
            ("owner/x@<1.4.0", Kind::Action, "owner/x", Asked::Range("<1.4.0".into())),
            ("https://codecov.io/bash", Kind::ScriptUrl, "https://codecov.io/bash", Asked::All),
            (
                "npm:axios@1.14.1,0.30.4",
                Kind::Package,
                "npm:axios",
                Asked::Releases(vec!["1.14.1".into(), "0.30.4".into()]),
            ),
            ("npm:@scope/x", Kind::Package, "npm:@scope/x", Asked::All),
            ("gem:x@1.0", Kind::Package, "rubygems:x", Asked::Releases(vec!["1.0".into()])),
            ("image:ghcr.io:443/a/b:1.2", Kind::Image, "ghcr.io:443/a/b", Asked::Ref("1.2".into())),
            (&by_digest, Kind::Image, "aquasec/trivy", Asked::Digest(digest.clone())),
            ("orb:ns/orb@1.2.3", Kind::Orb, "ns/orb", Asked::Ref("1.2.3".into())),
            ("vendor:circleci", Kind::Vendor, "circleci", Asked::All),
            (&format!("owner/x@{COMMIT}"), Kind::Action, "owner/x", Asked::Commit(COMMIT.into())),
        ] {
            let read =
                Spelled::read(written, None).unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(
                (read.kind, read.name.as_str(), read.asked),
                (kind, name, asked),
                "{written}"
            );
        }
    }

    #[test]
    fn what_names_no_component_says_the_way_out() {
        for (written, trouble) in [
            ("", "white space"),
            ("owner/x", "an action or an image"),
            ("axios", "no kind"),
            ("owner/x@0e58ed8", "7 hex digits"),
            ("owner/x@0e58ed867288e6711d10da9293b8db84f3f3ed850a", "42 hex digits"),
            ("owner/x@", "empty ref"),
            ("npm:axios@^1.2", "not an exact version"),
            ("image:x@sha256:abcd", "not a whole digest"),
            ("orb:ns@1", "namespace/orb"),
            ("owner/x@<1.4", "1.2.3"),
        ] {
            let error = Spelled::read(written, None).expect_err(written);
            assert!(error.trouble.contains(trouble), "{written}: {}", error.trouble);
            assert!(!error.hint.is_empty());
        }
    }

    #[test]
    fn the_kind_may_be_said() {
        let read = Spelled::read("https://h.io/tool", Some(Kind::Binary)).expect("a URL");
        assert_eq!((read.kind, read.name.as_str()), (Kind::Binary, "https://h.io/tool"));
        let read = Spelled::read("a/b:1", Some(Kind::Image)).expect("an image");
        assert_eq!((read.name.as_str(), read.asked), ("a/b", Asked::Ref("1".into())));
    }
}
