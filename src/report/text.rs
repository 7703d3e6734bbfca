//! Text that fits a width and cannot harm a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::ci::literal::masked;

/// Longer names are cut in the middle: what is cut stands in the JSON.
const LONGEST_NAME: usize = 240;
const LONGEST_SENTENCE: usize = 2_000;

/// The text without anything that moves a cursor, rings a bell or turns the reading direction.
///
/// Names come from repositories that may be hostile. What has the format of a credential is taken out: people
/// write one where a name belongs.
pub fn clean(text: &str) -> String {
    masked(text)
        .chars()
        // Only the looks of an emoji depend on these.
        .filter(|c| !matches!(c, '\u{fe0e}' | '\u{fe0f}' | '\u{200d}'))
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if is_unsafe(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

pub(super) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

pub(super) fn width(text: &str) -> usize {
    // The sum of its characters: the most that any terminal makes of it.
    text.chars().map(char_width).sum::<usize>().max(text.width())
}

fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Lines no wider than `limit`, broken at spaces and after the joints of names, else anywhere.
pub(super) fn wrap(text: &str, limit: usize) -> Vec<String> {
    lines(&shorten(&clean(text), LONGEST_NAME), limit)
}

fn lines(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(2);
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while width(rest) > limit {
        let cut = cut_before(rest, limit);
        lines.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// Byte offset of the best break in what fits into `limit`.
fn cut_before(text: &str, limit: usize) -> usize {
    let mut used = 0;
    let (mut space, mut slash, mut joint, mut end) = (0, 0, 0, 0);
    for (at, c) in text.char_indices() {
        used += char_width(c);
        if used > limit {
            // A space right after the last word that fits is as good as one before it.
            space = if c == ' ' { at } else { space };
            break;
        }
        end = at + c.len_utf8();
        match c {
            ' ' => space = end,
            '/' => slash = end,
            '-' | '_' | '.' | '@' | ':' | ',' => joint = end,
            _ => {}
        }
    }
    let least = end / 3;
    let end = if end == 0 { text.chars().next().map_or(1, char::len_utf8) } else { end };
    [space, slash, joint].into_iter().find(|cut| *cut > least).unwrap_or(end)
}

fn shorten(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    if count <= longest {
        return text.to_owned();
    }
    let head: String = text.chars().take(longest * 2 / 3).collect();
    let tail: String = text.chars().skip(count - longest / 3).collect();
    format!("{head}…{tail}")
}

/// `text` wrapped to the page, its first line after `lead`, the others indented as far.
pub(super) fn hang(lead: &str, text: &str, page: usize) -> String {
    let indent = width(lead);
    let margin = " ".repeat(indent);
    lines(&shorten(&clean(text), LONGEST_SENTENCE), page.saturating_sub(indent))
        .iter()
        .enumerate()
        .map(|(index, line)| format!("{}{line}\n", if index == 0 { lead } else { &margin }))
        .collect()
}

/// `a · b · c`, broken between its parts where it can be; all lines but the first are indented.
pub(super) fn dotted(parts: &[String], page: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for part in parts.iter().map(|part| clean(part)).filter(|part| !part.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line) + 3 + width(&part) <= page => {
                line.push_str(" · ");
                line.push_str(&part);
            }
            Some(_) => lines.push(format!("  {part}")),
            None => lines.push(part),
        }
    }
    lines
        .iter()
        .map(|line| hang(if line.starts_with("  ") { "  " } else { "" }, line.trim_start(), page))
        .collect()
}

pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{clean, hang, width, wrap};

    #[test]
    fn words_and_names_break_at_their_joints() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("one two", 3), ["one", "two"]);
        assert_eq!(
            wrap(".github/workflows/release.yml:42", 20),
            [".github/workflows/", "release.yml:42"]
        );
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn nothing_that_drives_a_terminal_comes_through() {
        assert_eq!(
            clean("a\u{1b}[31mb\u{7}\u{202e}c\nd\u{9b}"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}c d\u{fffd}"
        );
    }

    #[test]
    fn a_lead_is_not_repeated() {
        assert_eq!(hang("G1  ", "aaa bbb", 8), "G1  aaa\n    bbb\n");
    }

    proptest! {
        #[test]
        fn lines_fit_and_nothing_short_is_lost(text in "\\PC{0,80}", limit in 2usize..40) {
            let lines = wrap(&text, limit);
            for line in &lines {
                prop_assert!(width(line) <= limit, "{line:?} is over {limit}");
            }
            let squeeze = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(squeeze(&lines.concat()), squeeze(&clean(&text)));
        }
    }
}
