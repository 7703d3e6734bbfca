//! Shell patterns: `*`, `?`, `[…]`.

/// Linear in pattern × text; a set is matched as any one character of it.
pub(in crate::ci::shell) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().take(1_000).collect();
    let text: Vec<char> = text.chars().take(10_000).collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match step(&pattern, p, text[t]) {
            Step::Star => {
                star = Some((p, t));
                p += 1;
            }
            Step::Match(next) => {
                p = next;
                t += 1;
            }
            Step::Mismatch => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

enum Step {
    Star,
    Match(usize),
    Mismatch,
}

fn step(pattern: &[char], p: usize, c: char) -> Step {
    match pattern.get(p) {
        Some('*') => Step::Star,
        Some('?') => Step::Match(p + 1),
        Some('[') => match pattern[p + 1..].iter().position(|c| *c == ']') {
            Some(length) if in_set(&pattern[p + 1..p + 1 + length], c) => {
                Step::Match(p + length + 2)
            }
            Some(_) => Step::Mismatch,
            None if c == '[' => Step::Match(p + 1),
            None => Step::Mismatch,
        },
        Some(expected) if *expected == c => Step::Match(p + 1),
        _ => Step::Mismatch,
    }
}

fn in_set(set: &[char], c: char) -> bool {
    let (negated, set) = match set {
        ['!' | '^', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let mut found = false;
    let mut at = 0;
    while at < set.len() {
        if set.get(at + 1) == Some(&'-') && at + 2 < set.len() {
            found |= set[at] <= c && c <= set[at + 2];
            at += 3;
        } else {
            found |= set[at] == c;
            at += 1;
        }
    }
    found != negated
}

/// `text` without the part at its start that `pattern` matches.
pub(super) fn trim_prefix(text: &str, pattern: &str, longest: bool) -> String {
    let mut cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    if longest {
        cuts.reverse();
    }
    match cuts.into_iter().take(2_000).find(|cut| matches(pattern, &text[..*cut])) {
        Some(cut) => text[cut..].to_owned(),
        None => text.to_owned(),
    }
}

pub(super) fn trim_suffix(text: &str, pattern: &str, longest: bool) -> String {
    let mut cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    if !longest {
        cuts.reverse();
    }
    match cuts.into_iter().take(2_000).find(|cut| matches(pattern, &text[*cut..])) {
        Some(cut) => text[..cut].to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{matches, trim_prefix, trim_suffix};

    #[test]
    fn patterns() {
        assert!(matches("*.s[hk]", "a.sh") && matches("a?c*", "abcd") && matches("[!a-c]", "d"));
        assert!(!matches("a*b", "ac") && !matches("", "a"));
        assert_eq!(trim_prefix("v1.2", "v", false), "1.2");
        assert_eq!(trim_prefix("a/b/c", "*/", true), "c");
        assert_eq!(trim_suffix("a.tar.gz", ".*", false), "a.tar");
        assert_eq!(trim_suffix("a.tar.gz", ".*", true), "a");
    }
}
