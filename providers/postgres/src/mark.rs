//! Which password a role has: a mark in its comment, beside what people wrote there.

use keysweep_sdk::CredentialId;

const OPEN: &str = "[keysweep:";
const GONE: &str = "gone";
/// The generation in the id of a password that keysweep did not set.
pub(crate) const UNMARKED: &str = "unmarked";

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    /// keysweep never set a password.
    None,
    /// The password that it set last.
    Generation(String),
    /// It took the password away.
    Gone,
}

impl Mark {
    pub(crate) fn read(comment: Option<&str>) -> Self {
        let Some((_, inner, _)) = comment.and_then(split) else { return Self::None };
        if inner == GONE { Self::Gone } else { Self::Generation(inner.to_owned()) }
    }

    /// The mark of a password that keysweep chose; `None` for ids that it would not give.
    pub(crate) fn of(id: &CredentialId) -> Option<Self> {
        let (_, generation) = id.as_str().rsplit_once('@')?;
        let given = generation.len() == 8 && generation.bytes().all(|b| b.is_ascii_hexdigit());
        given.then(|| Self::Generation(generation.to_owned()))
    }

    /// The comment with this mark instead of the one that it had.
    pub(crate) fn written(&self, comment: Option<&str>) -> String {
        let (before, after) = match comment.map(|text| (text, split(text))) {
            None => ("", ""),
            Some((text, None)) => (text, ""),
            Some((_, Some((before, _, after)))) => (before, after),
        };
        let inner = match self {
            Self::None => return format!("{before}{after}").trim().to_owned(),
            Self::Generation(generation) => generation,
            Self::Gone => GONE,
        };
        let gap = if before.is_empty() || before.ends_with(char::is_whitespace) { "" } else { " " };
        format!("{before}{gap}{OPEN}{inner}]{after}")
    }
}

/// What is before, in and after the mark.
fn split(comment: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = comment.split_once(OPEN)?;
    let (inner, after) = rest.split_once(']')?;
    let marks = !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_alphanumeric());
    marks.then_some((before, inner, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_kept_beside_what_people_wrote() {
        let first = Mark::Generation("1f2e3d4c".into());
        let comment = first.written(Some("Billing. Ask Ann."));
        assert_eq!(comment, "Billing. Ask Ann. [keysweep:1f2e3d4c]");
        assert_eq!(Mark::read(Some(&comment)), first);
        let gone = Mark::Gone.written(Some("a [keysweep:1f2e3d4c] b"));
        assert_eq!(gone, "a [keysweep:gone] b");
        assert_eq!(Mark::read(Some(&gone)), Mark::Gone);
        assert_eq!(Mark::Gone.written(None), "[keysweep:gone]");
    }

    #[test]
    fn what_is_no_mark_is_none() {
        for comment in ["", "[keysweep:]", "[keysweep:1f2e", "[keysweep:a b]", "keysweep:1f2e"] {
            assert_eq!(Mark::read(Some(comment)), Mark::None, "{comment}");
        }
        assert_eq!(Mark::read(None), Mark::None);
        assert_eq!(
            Mark::of(&CredentialId::new("a@b@1f2e3d4c")),
            Some(Mark::Generation("1f2e3d4c".into()))
        );
        for id in ["app@unmarked", "app@gone", "app", "app@1f2e3d4c]"] {
            assert_eq!(Mark::of(&CredentialId::new(id)), None, "{id}");
        }
    }
}
