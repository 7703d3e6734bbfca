//! Where the pieces of a decoded scalar stand in the source.

use granit_parser::{ScalarStyle, Span};

use crate::ci::shell::LineMap;

/// The line map of a decoded scalar.
pub(super) fn of_scalar(source: &str, text: &str, style: ScalarStyle, span: &Span) -> LineMap {
    let first = line(span.start.line());
    let raw = span.slice(source).unwrap_or_default();
    if !raw.contains(['\n', '\r']) {
        return LineMap::new(vec![(0, first)]);
    }
    match style {
        ScalarStyle::Literal => LineMap::plain(text, first - leading_breaks(text).min(first - 1)),
        ScalarStyle::Folded => folded(raw, text, first),
        ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            flow(raw, text, style, first)
        }
    }
}

/// The span of a block scalar starts at its first text; every empty line above it is a line break.
fn leading_breaks(text: &str) -> u32 {
    line(text.bytes().take_while(|byte| *byte == b'\n').count())
}

/// Folding joins lines and changes nothing in them, so each stands in the text as it is.
fn folded(raw: &str, text: &str, first: u32) -> LineMap {
    let mut starts = vec![(0, first)];
    let mut at = 0;
    for (i, piece) in raw.lines().enumerate() {
        let piece = piece.trim();
        if piece.is_empty() {
            continue;
        }
        let Some(found) = text[at..].find(piece) else { break };
        let place = first + line(i);
        if i > 0 {
            // Deeper indentation is part of the line.
            let gap = &text[at..at + found];
            starts.push((at + gap.rfind('\n').map_or(found, |end| end + 1), place));
        }
        at += found + piece.len();
    }
    LineMap::new(starts)
}

/// A scalar without a block: its lines are trimmed and joined by a space, or by the breaks between.
fn flow(raw: &str, text: &str, style: ScalarStyle, first: u32) -> LineMap {
    let (starts, _) = unfold(raw, style, first);
    debug_assert!(starts.iter().all(|(start, _)| *start <= text.len()), "{raw:?} {text:?}");
    LineMap::new(starts)
}

/// Decodes the lengths: where each source line's text starts, and the length of the whole.
fn unfold(raw: &str, style: ScalarStyle, first: u32) -> (Vec<(usize, u32)>, usize) {
    let mut starts = vec![(0, first)];
    let mut length = 0;
    let mut breaks = 0;
    let mut joined = false;
    let inner = match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default()
        }
        ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => raw,
    };
    let last = inner.lines().count().saturating_sub(1);
    let quoted = style != ScalarStyle::Plain;
    for (i, piece) in inner.split('\n').enumerate() {
        let piece = piece.strip_suffix('\r').unwrap_or(piece);
        let piece = if i > 0 || !quoted { piece.trim_start_matches([' ', '\t']) } else { piece };
        let (decoded, escaped_break) = measure(piece, style, i < last || !quoted);
        if i > 0 {
            breaks += 1;
            if decoded == 0 && !escaped_break && (i < last) {
                continue;
            }
            length += match (joined, breaks) {
                (true, breaks) => breaks - 1,
                (false, 1) => 1,
                (false, breaks) => breaks - 1,
            };
            breaks = 0;
            starts.push((length, first + line(i)));
        }
        joined = escaped_break;
        length += decoded;
    }
    (starts, length)
}

/// Decoded bytes of one source line, and whether its break is escaped.
fn measure(piece: &str, style: ScalarStyle, trim: bool) -> (usize, bool) {
    match style {
        ScalarStyle::DoubleQuoted => measure_escaped(piece, trim),
        ScalarStyle::SingleQuoted => {
            let piece = if trim { piece.trim_end_matches([' ', '\t']) } else { piece };
            (piece.len() - piece.matches("''").count(), false)
        }
        ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => {
            (piece.trim_end_matches([' ', '\t']).len(), false)
        }
    }
}

fn measure_escaped(piece: &str, trim: bool) -> (usize, bool) {
    let mut length = 0;
    // Without the white space at the end, unless an escape wrote it.
    let mut trimmed = 0;
    let mut chars = piece.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            length += c.len_utf8();
            if !matches!(c, ' ' | '\t') {
                trimmed = length;
            }
            continue;
        }
        match chars.next() {
            None if trim => return (length, true),
            None => {}
            Some(escape) => length += escape_length(escape, &mut chars),
        }
        trimmed = length;
    }
    (if trim { trimmed } else { length }, false)
}

fn escape_length(escape: char, chars: &mut std::str::Chars<'_>) -> usize {
    let digits = match escape {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        'N' => return '\u{85}'.len_utf8(),
        '_' => return '\u{a0}'.len_utf8(),
        'L' | 'P' => return '\u{2028}'.len_utf8(),
        _ => return 1,
    };
    let code: String = chars.by_ref().take(digits).collect();
    let code = u32::from_str_radix(&code, 16).unwrap_or(0);
    // A surrogate pair is four bytes of UTF-8: two for each half.
    char::from_u32(code).map_or(2, char::len_utf8)
}

fn line(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}
