//! Names of container images: `[registry[:port]/]name[:tag][@digest]`.

/// An image as it is written, in its parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Image<'t> {
    pub(crate) name: &'t str,
    pub(crate) tag: Option<&'t str>,
    /// What stands after `@`: see [`is_digest`].
    pub(crate) digest: Option<&'t str>,
}

pub(crate) fn parse(text: &str) -> Image<'_> {
    let text = text.trim();
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    // A colon before the last slash is the registry's port.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    Image { name, tag, digest }
}

/// Whether it fixes the content; an unknown part (`$DIGEST`) may become any.
pub(crate) fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty() && hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::{Image, is_digest, parse};

    #[test]
    fn parts() {
        let image = |name, tag, digest| Image { name, tag, digest };
        assert_eq!(parse("localhost:5000/a/b:1.2"), image("localhost:5000/a/b", Some("1.2"), None));
        assert_eq!(parse("localhost:5000/a"), image("localhost:5000/a", None, None));
        assert_eq!(parse("a:1@sha256:00"), image("a", Some("1"), Some("sha256:00")));
    }

    #[test]
    fn only_a_whole_digest_is_one() {
        assert!(is_digest(&format!("sha256:{}", "0a".repeat(32))));
        for text in ["$DIGEST", "sha256:$D", "sha256:00", "registry.example.org/img:1", ""] {
            assert!(!is_digest(text), "{text}");
        }
    }
}
