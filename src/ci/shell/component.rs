//! What a URL names: a script, a release asset, a repository, a program.

use super::options::listed;
use crate::ci::model::{Component, Kind, Pinned, Verified};

/// How the fetched bytes are run; it decides between a script and a program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Use {
    /// Read by an interpreter.
    Interpreted,
    /// Started by the system.
    Started,
    /// Not run.
    Kept,
}

/// `url` as written, unknown parts as `$NAME`.
pub(super) fn of_url(url: &str, using: Use) -> Component {
    let url = clean(url);
    let path = Address::new(&url);
    if let Some(component) = path.release_asset().or_else(|| path.source_archive()) {
        return component;
    }
    let (reference, pinned) = path.reference();
    let script = using == Use::Interpreted || path.looks_like_script();
    let kind = if script { Kind::ScriptUrl } else { Kind::Binary };
    Component { kind, name: url.clone(), reference, pinned, verified: Verified::No }
}

/// A repository by its clone URL.
pub(super) fn repository(url: &str, reference: Option<&str>) -> Component {
    let url = clean(url);
    let trimmed = url.trim_end_matches('/');
    let trimmed = trimmed.strip_suffix(".git").unwrap_or(trimmed);
    let short = ["https://github.com/", "http://github.com/", "git://github.com/", "github.com/"]
        .iter()
        .find_map(|prefix| trimmed.strip_prefix(prefix))
        .or_else(|| trimmed.strip_prefix("git@github.com:"))
        .or_else(|| trimmed.strip_prefix("ssh://git@github.com/"))
        .unwrap_or(trimmed);
    let reference = reference.filter(|reference| !reference.is_empty());
    Component {
        kind: Kind::Repository,
        name: short.to_owned(),
        reference: reference.map(str::to_owned),
        pinned: reference.map_or(Pinned::No, pinned_by_git),
        verified: Verified::No,
    }
}

pub(super) fn package(name: String, version: Option<&str>) -> Component {
    let version = version.filter(|version| !version.is_empty());
    let pinned = match version {
        Some(version) if is_commit(version) => Pinned::Sha,
        Some(version) if is_version(version) => Pinned::Version,
        Some(_) => Pinned::Tag,
        None => Pinned::No,
    };
    let reference = version.map(str::to_owned);
    Component { kind: Kind::Package, name, reference, pinned, verified: Verified::No }
}

/// An image as `docker run` takes it: `name[:tag][@digest]`.
pub(super) fn image(text: &str) -> Component {
    let text = text.strip_prefix("docker://").unwrap_or(text);
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    // The port of a registry is no tag.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    let pinned = match (digest, tag) {
        (Some(_), _) => Pinned::Digest,
        (None, Some(tag)) if is_version(tag) => Pinned::Version,
        (None, Some(_)) => Pinned::Tag,
        (None, None) => Pinned::No,
    };
    Component {
        kind: Kind::Image,
        name: name.to_owned(),
        reference: digest.or(tag).map(str::to_owned),
        pinned,
        verified: Verified::No,
    }
}

pub(super) fn pinned_by_git(reference: &str) -> Pinned {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if is_commit(reference) {
        Pinned::Sha
    } else if is_version(name) {
        Pinned::Tag
    } else {
        Pinned::Branch
    }
}

pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A number with a dot in it, `v` in front or not; an unknown part (`$VERSION`) is none.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0
        && text[digits..].strip_prefix('.').is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.contains(['$', '{'])
        })
}

/// Drops fragment, credentials and secret query values.
pub(super) fn clean(url: &str) -> String {
    let url = url.trim();
    let url = url.split('#').next().unwrap_or(url);
    let (address, query) = match url.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (url, None),
    };
    let mut out = without_credentials(address);
    if let Some(query) = query {
        out.push('?');
        let parts: Vec<String> = query.split('&').map(clean_parameter).collect();
        out.push_str(&parts.join("&"));
    }
    out
}

fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{}://{}{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
}

fn clean_parameter(parameter: &str) -> String {
    let Some((name, value)) = parameter.split_once('=') else {
        return parameter.to_owned();
    };
    let lower = name.to_ascii_lowercase();
    let secret = ["token", "key", "sig", "secret", "password", "auth", "credential"]
        .iter()
        .any(|word| lower.contains(word));
    if secret && !value.starts_with('$') { format!("{name}=…") } else { parameter.to_owned() }
}

/// A URL in its parts.
struct Address<'a> {
    host: &'a str,
    parts: Vec<&'a str>,
}

impl<'a> Address<'a> {
    fn new(url: &'a str) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = rest.split('?').next().unwrap_or(rest);
        let mut parts = rest.split('/');
        let host = parts.next().unwrap_or_default();
        Self { host, parts: parts.filter(|part| !part.is_empty()).collect() }
    }

    fn release_asset(&self) -> Option<Component> {
        if self.host != "github.com" && self.host != "www.github.com" {
            return None;
        }
        let (owner, repo, reference) = match self.parts.as_slice() {
            [owner, repo, "releases", "download", tag @ .., _file] if !tag.is_empty() => {
                (owner, repo, Some(tag.join("/")))
            }
            [owner, repo, "releases", "latest", "download", ..] => (owner, repo, None),
            _ => return None,
        };
        let pinned = if reference.is_some() { Pinned::Tag } else { Pinned::No };
        let name = format!("{owner}/{repo}");
        Some(Component {
            kind: Kind::ReleaseAsset,
            name,
            reference,
            pinned,
            verified: Verified::No,
        })
    }

    /// `github.com/o/r/archive/REF.tar.gz` and its like are the repository at a ref.
    fn source_archive(&self) -> Option<Component> {
        let (owner, repo, reference) = match (self.host, self.parts.as_slice()) {
            (
                "github.com" | "www.github.com",
                [owner, repo, "archive" | "tarball" | "zipball", rest @ ..],
            ) => (owner, repo, rest),
            ("codeload.github.com", [owner, repo, _format, rest @ ..]) => (owner, repo, rest),
            ("api.github.com", ["repos", owner, repo, "tarball" | "zipball", rest @ ..]) => {
                (owner, repo, rest)
            }
            _ => return None,
        };
        let reference = reference.join("/");
        let reference = [".tar.gz", ".tgz", ".zip"]
            .iter()
            .find_map(|suffix| reference.strip_suffix(suffix))
            .unwrap_or(&reference);
        let reference = reference
            .strip_prefix("refs/heads/")
            .or_else(|| reference.strip_prefix("refs/tags/"))
            .unwrap_or(reference);
        Some(repository(&format!("https://github.com/{owner}/{repo}"), Some(reference)))
    }

    /// The ref of a raw file, or a version somewhere in the path.
    fn reference(&self) -> (Option<String>, Pinned) {
        let raw = match (self.host, self.parts.as_slice()) {
            ("raw.githubusercontent.com", [_, _, "refs", "heads" | "tags", reference, ..])
            | ("raw.githubusercontent.com", [_, _, reference, ..])
            | ("github.com", [_, _, "raw", "refs", "heads" | "tags", reference, ..])
            | ("github.com", [_, _, "raw" | "blob", reference, ..])
            | ("gitlab.com", [_, _, "-", "raw", reference, ..])
            | ("gist.githubusercontent.com", [_, _, "raw", reference, _, ..]) => Some(*reference),
            _ => None,
        };
        if let Some(reference) = raw {
            return (Some(reference.to_owned()), pinned_by_git(reference));
        }
        if let Some(commit) = self.parts.iter().find(|part| is_commit(part)) {
            return (Some((*commit).to_owned()), Pinned::Sha);
        }
        let version = self.parts.iter().find_map(|part| {
            let part = part.rsplit('@').next().unwrap_or(part);
            is_version(part).then_some(part)
        });
        let inside = || {
            let last = self.parts.last()?;
            last.split(['-', '_']).find(|piece| is_version(piece))
        };
        match version.or_else(inside) {
            Some(version) => (Some(version.to_owned()), Pinned::Version),
            None => (None, Pinned::No),
        }
    }

    fn looks_like_script(&self) -> bool {
        const EXTENSIONS: &str = "sh bash zsh py ps1 psm1 pl rb js mjs bat cmd";
        const NAMES: &str = "bash sh install setup bootstrap";
        match self.parts.last() {
            Some(last) => {
                listed(NAMES, last)
                    || last.rsplit_once('.').is_some_and(|(_, end)| listed(EXTENSIONS, end))
                    || matches!(
                        self.host,
                        "raw.githubusercontent.com" | "gist.githubusercontent.com"
                    )
            }
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Use, clean, image, of_url, repository};
    use crate::ci::model::{Kind, Pinned};

    #[test]
    fn urls_name_components() {
        let cases = [
            ("https://codecov.io/bash", Kind::ScriptUrl, "https://codecov.io/bash", Pinned::No),
            (
                "https://github.com/o/r/releases/download/v1.2.3/tool_linux",
                Kind::ReleaseAsset,
                "o/r",
                Pinned::Tag,
            ),
            (
                "https://raw.githubusercontent.com/o/r/0123456789012345678901234567890123456789/i.sh",
                Kind::ScriptUrl,
                "https://raw.githubusercontent.com/o/r/0123456789012345678901234567890123456789/i.sh",
                Pinned::Sha,
            ),
            ("https://github.com/o/r/archive/v1.0.tar.gz", Kind::Repository, "o/r", Pinned::Tag),
            (
                "https://dl.example.com/tool/v1.2.3/tool",
                Kind::Binary,
                "https://dl.example.com/tool/v1.2.3/tool",
                Pinned::Version,
            ),
        ];
        for (url, kind, name, pinned) in cases {
            let component = of_url(url, Use::Started);
            assert_eq!(
                (component.kind, component.name.as_str(), component.pinned),
                (kind, name, pinned),
                "{url}"
            );
        }
    }

    #[test]
    fn no_credential_survives() {
        assert_eq!(clean("https://me:pw@Host/x?token=abc&v=1#f"), "https://host/x?token=…&v=1");
    }

    #[test]
    fn images_and_repositories() {
        assert_eq!(image("localhost:5000/a/b").reference, None);
        assert_eq!(image("a/b:v1.2@sha256:00").pinned, Pinned::Digest);
        assert_eq!(repository("git@github.com:o/r.git", None).name, "o/r");
    }
}
