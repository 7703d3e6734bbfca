//! `uses:` and image references → [`Component`].

use crate::ci::{
    image,
    model::{Component, Kind, Pinned, Verified},
};

/// What a `uses:` value names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Uses {
    /// `./path` in the checkout that the job stands in.
    Local(String),
    /// `owner/repo[/path]@ref`.
    Remote { owner_repo: String, path: String, reference: Option<String> },
    /// `docker://image`.
    Image(Component),
    /// Not a form that GitHub knows.
    Odd,
}

pub(super) fn parse(text: &str) -> Uses {
    let text = text.trim();
    if let Some(image) = text.strip_prefix("docker://") {
        return Uses::Image(image_component(image));
    }
    // Without `./` GitHub refuses it, but this is what was meant.
    let inner = text.starts_with(".github/") && !text.contains('@');
    if text == "." || text.starts_with("./") || text.starts_with(".\\") || inner {
        return Uses::Local(text.replace('\\', "/"));
    }
    let (name, reference) = match text.split_once('@') {
        Some((name, reference)) => (name.trim(), Some(reference.trim().to_owned())),
        None => (text, None),
    };
    let mut parts = name.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(owner), Some(repo), path) if !owner.is_empty() && !repo.is_empty() => Uses::Remote {
            owner_repo: format!("{owner}/{repo}"),
            path: path.unwrap_or_default().trim_matches('/').to_owned(),
            reference,
        },
        _ => Uses::Odd,
    }
}

pub(super) fn action_component(owner_repo: &str, path: &str, reference: Option<&str>) -> Component {
    let name = if path.is_empty() { owner_repo.to_owned() } else { format!("{owner_repo}/{path}") };
    let kind = if is_workflow_path(path) { Kind::Workflow } else { Kind::Action };
    let pinned = reference.map_or(Pinned::No, pin_of);
    Component {
        kind,
        name,
        reference: reference.map(str::to_owned),
        pinned,
        verified: Verified::No,
    }
}

pub(super) fn is_workflow_path(path: &str) -> bool {
    path.starts_with(".github/workflows/") && (path.ends_with(".yml") || path.ends_with(".yaml"))
}

/// A full commit id fixes the content; a name that looks like a version is taken for a tag.
fn pin_of(reference: &str) -> Pinned {
    let hex = reference.bytes().all(|b| b.is_ascii_hexdigit());
    if hex && reference.len() == 40 {
        return Pinned::Sha;
    }
    let version = reference.strip_prefix(['v', 'V']).unwrap_or(reference);
    let numbered = version.starts_with(|c: char| c.is_ascii_digit());
    // Seven and more hex digits are as likely an abbreviated commit, which GitHub takes for a branch.
    let commit_like = hex && version.len() >= 7;
    if numbered && !commit_like { Pinned::Tag } else { Pinned::Branch }
}

pub(super) fn image_component(text: &str) -> Component {
    let image = image::parse(text);
    let (reference, pinned) = match (image.digest, image.tag) {
        (Some(digest), _) if image::is_digest(digest) => (Some(digest), Pinned::Digest),
        (Some(unknown), _) => (Some(unknown), Pinned::No),
        (None, Some(tag)) => (Some(tag), Pinned::Tag),
        (None, None) => (None, Pinned::No),
    };
    Component {
        kind: Kind::Image,
        name: image.name.to_owned(),
        reference: reference.map(str::to_owned),
        pinned,
        verified: Verified::No,
    }
}

#[cfg(test)]
mod tests {
    use super::{Pinned, Uses, action_component, image_component, parse};

    #[test]
    fn forms() {
        assert_eq!(
            parse("a/b/c/d@v1"),
            Uses::Remote {
                owner_repo: "a/b".into(),
                path: "c/d".into(),
                reference: Some("v1".into())
            }
        );
        assert_eq!(parse("./.github/actions/x"), Uses::Local("./.github/actions/x".into()));
        assert_eq!(parse("checkout"), Uses::Odd);
        assert!(matches!(parse("docker://alpine:3"), Uses::Image(_)));
    }

    #[test]
    fn pins() {
        for (reference, pinned) in [
            ("v1", Pinned::Tag),
            ("1.2.3", Pinned::Tag),
            ("2024", Pinned::Tag),
            ("main", Pinned::Branch),
            ("releases/v1", Pinned::Branch),
            ("0e58ed8671d6b60d0890c21b07f8835ace038e67", Pinned::Sha),
            ("0e58ed8", Pinned::Branch),
        ] {
            assert_eq!(action_component("a/b", "", Some(reference)).pinned, pinned, "{reference}");
        }
    }

    #[test]
    fn images() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (text, reference, pinned) in [
            ("localhost:5000/a/b:1.2", Some("1.2"), Pinned::Tag),
            (&format!("a:1@{digest}"), Some(&*digest), Pinned::Digest),
            ("a:1@sha256:00", Some("sha256:00"), Pinned::No),
            ("localhost:5000/a", None, Pinned::No),
        ] {
            let image = image_component(text);
            assert_eq!((image.reference.as_deref(), image.pinned), (reference, pinned), "{text}");
        }
    }
}
