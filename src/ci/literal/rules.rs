//! The formats of credentials that `rules.toml` lists, looked for in plain text.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

use aho_corasick::AhoCorasick;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let file: RuleFile =
        toml::from_str(include_str!("rules.toml")).expect("the built-in rules are tested");
    file.rules.into_iter().map(Rule::new).collect()
});

/// Nearly every text holds no keyword: one pass over it tells.
static KEYWORDS: LazyLock<Keywords> = LazyLock::new(|| {
    let (mut words, mut rules) = (Vec::new(), Vec::new());
    for (at, rule) in RULES.iter().enumerate().take(MOST_RULES) {
        words.extend(rule.written.keywords.iter().map(String::as_str));
        rules.resize(words.len(), at);
    }
    let automaton = AhoCorasick::new(words).expect("the built-in rules are tested");
    Keywords { automaton, rules }
});

struct Keywords {
    automaton: AhoCorasick,
    /// Beside each keyword: the place of its rule.
    rules: Vec<usize>,
}

const MOST_RULES: usize = 128;
/// Shorter text holds none.
const SHORTEST: usize = 16;
/// Bytes of one text that are looked through; the rules read each a few times.
const LONGEST: usize = 4 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rules: Vec<Written>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    kind: String,
    regex: String,
    keywords: Vec<String>,
    #[serde(default)]
    entropy: f64,
    checksum: Option<Checksum>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the rules"))]
    source: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Checksum {
    GithubCrc32,
}

struct Rule {
    written: Written,
    regex: Regex,
}

/// Where a credential stands in a text, and what it is. Never what it says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    pub(crate) rule: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) range: Range<usize>,
    /// The format's own checksum is right: it is no made-up text.
    pub(crate) checked: bool,
}

impl Rule {
    fn new(written: Written) -> Self {
        let regex = RegexBuilder::new(&written.regex)
            .size_limit(1 << 22)
            .build()
            .expect("the built-in rules are tested");
        Self { written, regex }
    }

    fn find(&'static self, text: &str, into: &mut Vec<Found>) {
        for captures in self.regex.captures_iter(text) {
            let Some(secret) = captures.get(1).or_else(|| captures.get(0)) else { continue };
            let whole = captures.get(0).is_some_and(|whole| whole.range() == secret.range());
            if whole && !stands_alone(text, &secret.range()) {
                continue;
            }
            let value = secret.as_str();
            if super::is_placeholder(value) || entropy(value) < self.written.entropy {
                continue;
            }
            let checked = match self.written.checksum {
                Some(Checksum::GithubCrc32) => github_checksum(value),
                None => false,
            };
            let range = secret.range();
            if into
                .iter()
                .any(|known| known.range.start < range.end && range.start < known.range.end)
            {
                continue;
            }
            into.push(Found { rule: &self.written.id, kind: &self.written.kind, range, checked });
        }
    }
}

/// Every credential of a known format in a text, by place.
pub(crate) fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    if text.len() < SHORTEST {
        return found;
    }
    let end = (0..=LONGEST.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    let text = &text[..end.unwrap_or(0)];
    let mut wanted = [false; MOST_RULES];
    for keyword in KEYWORDS.automaton.find_overlapping_iter(text) {
        wanted[KEYWORDS.rules[keyword.pattern().as_usize()]] = true;
    }
    for (rule, _) in RULES.iter().zip(wanted).filter(|(_, wanted)| *wanted) {
        rule.find(text, &mut found);
    }
    found.sort_by_key(|one| one.range.start);
    found
}

fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let joins = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = text[..range.start].chars().next_back().is_some_and(joins);
    let starts_with_word = text[range.clone()].starts_with(joins);
    let after = text[range.end..].chars().next().is_some_and(joins);
    !(before && starts_with_word || after)
}

/// Shannon entropy, bits per character.
fn entropy(text: &str) -> f64 {
    let mut counts: HashMap<char, u32> = HashMap::new();
    let mut length = 0_u32;
    for c in text.chars() {
        *counts.entry(c).or_default() += 1;
        length += 1;
    }
    let share = |count: u32| f64::from(count) / f64::from(length.max(1));
    counts.into_values().map(|count| -share(count) * share(count).log2()).sum()
}

/// The last six characters of a GitHub token are the CRC-32 of the thirty before, in base 62.
fn github_checksum(token: &str) -> bool {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some(rest) = token.get(4..).filter(|rest| rest.len() == 36) else { return false };
    let (body, sum) = rest.split_at(30);
    let value = sum.bytes().try_fold(0_u64, |value, digit| {
        let digit = DIGITS.iter().position(|&known| known == digit)?;
        Some(value * 62 + u64::try_from(digit).ok()?)
    });
    value == Some(u64::from(crc32(body.as_bytes())))
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0_u32, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[cfg(test)]
mod tests {
    use super::{MOST_RULES, RULES, crc32, entropy, find, github_checksum};

    #[test]
    fn every_rule_has_keywords_and_a_source() {
        assert!((30..=MOST_RULES).contains(&RULES.len()));
        for rule in RULES.iter() {
            let written = &rule.written;
            assert!(!written.keywords.is_empty(), "{}", written.id);
            assert!(written.source.starts_with("https://"), "{}", written.id);
        }
    }

    #[test]
    fn the_checksum_of_github_is_a_crc() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert!(!github_checksum("ghp_0123456789abcdefghijklmnopqrstuvwxyz"));
        let body = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ";
        let mut sum = u64::from(crc32(body.as_bytes()));
        let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut text = [b'0'; 6];
        for digit in text.iter_mut().rev() {
            *digit = digits[(sum % 62) as usize];
            sum /= 62;
        }
        let token = format!("ghp_{body}{}", std::str::from_utf8(&text).unwrap());
        assert!(github_checksum(&token));
        assert!(find(&token)[0].checked);
    }

    #[test]
    fn placeholders_and_parts_of_words_are_none() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "my_ghp_0123456789abcdefghijklmnopqrstuvwxyz",
            "https://user:${PASSWORD}@host/",
            "https://user:<password>@host/",
            "postgres://postgres:postgres@localhost/test",
            "npm_config_registry_something_long_enough",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
        assert!(entropy("aaaa") < 0.1 && entropy("abcd") > 1.9);
    }
}
