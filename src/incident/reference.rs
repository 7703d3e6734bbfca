//! Refs: patterns, version ranges, and what is a commit id.

/// `*` stands for any characters, everything else for itself.
///
/// Two pointers with one backtrack: linear for one star, never exponential.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// All 40 hex digits: the only form in which the platform takes a ref for a commit.
pub(super) fn is_commit(reference: &str) -> bool {
    reference.len() == 40 && is_hex(reference)
}

pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

/// Looks like a commit id cut short: hex, with a digit and a letter in it.
pub(super) fn is_abbreviated(reference: &str) -> bool {
    (7..40).contains(&reference.len())
        && is_hex(reference)
        && reference.bytes().any(|byte| byte.is_ascii_digit())
        && reference.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `v1.4.0`, `1.4`, `v35.7.7-sec`: what a ref says about versions.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Version {
    /// As many as are written, at most three.
    parts: Vec<u64>,
    suffix: bool,
}

impl Version {
    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (numbers, suffix) = match text.find(['-', '+']) {
            Some(at) => (&text[..at], true),
            None => (text, false),
        };
        let parts: Vec<u64> = numbers.split('.').map(number).collect::<Option<_>>()?;
        (parts.len() <= 3).then_some(Self { parts, suffix })
    }

    fn low(&self) -> [u64; 3] {
        let mut low = [0; 3];
        low[..self.parts.len()].copy_from_slice(&self.parts);
        low
    }

    /// The first version beyond all that a short tag can stand for; `None` for a full version.
    fn beyond(&self) -> Option<[u64; 3]> {
        let last = self.parts.len().checked_sub(1).filter(|last| *last < 2)?;
        let mut beyond = self.low();
        beyond[last] = beyond[last].saturating_add(1);
        Some(beyond)
    }
}

fn number(text: &str) -> Option<u64> {
    let well_formed = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| text.parse().ok()).flatten()
}

/// Comparisons that all have to hold: `>=1.4.0, <1.5.0`.
#[derive(Clone, Debug)]
pub(super) struct Range(Vec<(Comparison, [u64; 3])>);

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
}

impl Range {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| comparison(part.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether everything that the ref can stand for is in the range. `v1` is all of 1.x; what carries a
    /// suffix (`-rc1`, `-sec`) is near its version but not it, so it is in only where that makes no difference.
    pub(super) fn holds(&self, reference: &str) -> bool {
        let Some(version) = Version::read(reference) else { return false };
        self.0.iter().all(|(comparison, bound)| version.satisfies(*comparison, *bound))
    }
}

impl Version {
    fn satisfies(&self, comparison: Comparison, bound: [u64; 3]) -> bool {
        let low = self.low();
        let short = self.beyond();
        let at_bound = low == bound;
        match comparison {
            Comparison::Less => short.map_or(low < bound, |beyond| beyond <= bound),
            Comparison::AtMost => short.map_or(low <= bound, |beyond| beyond <= bound),
            Comparison::Equal => short.is_none() && at_bound && !self.suffix,
            Comparison::AtLeast => low > bound || (at_bound && !self.suffix),
            Comparison::Greater => low > bound,
        }
    }
}

fn comparison(text: &str) -> Result<(Comparison, [u64; 3]), String> {
    let signs = [
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
        ("=", Comparison::Equal),
    ];
    let found = signs.into_iter().find_map(|(sign, kind)| Some((text.strip_prefix(sign)?, kind)));
    let (version, kind) =
        found.ok_or_else(|| format!("`{text}` has no `<`, `<=`, `=`, `>=`, `>`"))?;
    let version = Version::read(version.trim());
    let bound = version.filter(|v| v.parts.len() == 3 && !v.suffix).map(|v| v.low());
    Ok((kind, bound.ok_or_else(|| format!("`{text}` does not name a version `1.2.3`"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, text, expected) in [
            ("v1", "v1", true),
            ("v1", "v1.0", false),
            ("*", "", true),
            ("v*", "v", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcdf", false),
            ("dev:*", "dev:abc", true),
            ("https://a/*/b", "https://a/x/y/b", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_short_tag_is_in_a_range_only_with_all_it_can_name() {
        for (range, reference, expected) in [
            ("<1.4.0", "v1.3.2", true),
            ("<1.4.0", "1.3", true),
            ("<1.4.0", "v1.4.0", false),
            ("<1.4.0", "v1", false),
            ("<2.0.0", "v1", true),
            (">=1.4.0", "v1", false),
            (">=1.4.0", "v2", true),
            (">=46.0.1", "v46", false),
            (">=46.0.1", "v47", true),
            (">=1.4.0, <1.5.0", "v1.4.1", true),
            (">=1.4.0, <1.5.0", "v1.4", true),
            (">=1.4.0", "v1.4.0-rc1", false),
            ("<45.0.8", "v35.7.7-sec", true),
            ("<1.4.0", "main", false),
            ("<1.4.0", "v", false),
            ("<1.4.0", "1.2.3.4", false),
            ("<1.4.0", "99999999999999999999", false),
        ] {
            let parsed = Range::read(range).expect("written well");
            assert_eq!(parsed.holds(reference), expected, "{range} {reference}");
        }
    }

    #[test]
    fn a_range_needs_a_sign_and_a_full_version() {
        for text in ["1.4.0", "<1.4", "<=", "<1.4.0-rc", "", "<1.4.0,,"] {
            assert!(Range::read(text).is_err(), "{text}");
        }
    }
}
