//! Where the pieces of a decoded scalar stand in the source.

use granit_parser::{ScalarStyle, Span};

use crate::ci::shell::LineMap;

const BLANKS: [char; 2] = [' ', '\t'];

/// The line map of a decoded scalar.
pub(super) fn of_scalar(source: &str, text: &str, style: ScalarStyle, span: &Span) -> LineMap {
    let first = line(span.start.line());
    let raw = span.slice(source).unwrap_or_default();
    match style {
        ScalarStyle::Literal => literal(text, first),
        ScalarStyle::Folded => folded(raw, text, first),
        _ if !raw.contains(['\n', '\r']) => LineMap::new(vec![(0, first)]),
        ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            let (starts, length) = unfold(raw, style, first);
            if length == text.len() { LineMap::new(starts) } else { folded(raw, text, first) }
        }
    }
}

fn literal(text: &str, first: u32) -> LineMap {
    LineMap::plain(text, first.saturating_sub(line(leading_breaks(text))).max(1))
}

/// The span of a block scalar starts at its first text; each empty line above it is one break.
fn leading_breaks(text: &str) -> usize {
    text.bytes().take_while(|byte| *byte == b'\n').count()
}

/// Folding joins lines and changes nothing in them, so each stands in the text as it is.
fn folded(raw: &str, text: &str, first: u32) -> LineMap {
    let mut at = leading_breaks(text);
    let above = first.saturating_sub(line(at)).max(1);
    let mut starts: Vec<_> = (0..at).zip(above..).collect();
    starts.push((at, first));
    for (i, piece) in lines(raw).enumerate() {
        let piece = piece.trim_matches(BLANKS);
        if piece.is_empty() {
            continue;
        }
        let Some(gap) = text[at..].find(piece) else { break };
        if i > 0 {
            // Deeper indentation is part of its line.
            let indented = text[at..at + gap].rfind('\n').map_or(gap, |end| end + 1);
            starts.push((at + indented, first + line(i)));
        }
        at += gap + piece.len();
    }
    LineMap::new(starts)
}

/// A scalar that is no block: its lines are trimmed and joined by one space, or by as many breaks as
/// there are empty lines between. Where each line's text starts, and the length of the whole.
fn unfold(raw: &str, style: ScalarStyle, first: u32) -> (Vec<(usize, u32)>, usize) {
    let quoted = style != ScalarStyle::Plain;
    let inner =
        if quoted { raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default() } else { raw };
    let last = lines(inner).count() - 1;
    let mut starts = vec![(0, first)];
    let (mut length, mut breaks, mut continued) = (0, 0, false);
    for (i, piece) in lines(inner).enumerate() {
        let ends = i == last && quoted;
        let piece = if i > 0 { piece.trim_start_matches(BLANKS) } else { piece };
        let piece = Piece::measure(piece, style, !ends);
        if i > 0 {
            breaks += 1;
            if piece.length == 0 && !piece.continued && i < last {
                continue;
            }
            length += if breaks == 1 && !continued { 1 } else { breaks - 1 };
            breaks = 0;
            starts.push((length, first + line(i)));
        }
        length += piece.length;
        continued = piece.continued;
    }
    (starts, length)
}

/// One source line of a scalar, decoded.
struct Piece {
    /// In bytes.
    length: usize,
    /// A backslash at its end takes the break away.
    continued: bool,
}

impl Piece {
    fn measure(piece: &str, style: ScalarStyle, trim: bool) -> Self {
        if style == ScalarStyle::DoubleQuoted {
            return Self::measure_escaped(piece, trim);
        }
        let piece = if trim { piece.trim_end_matches(BLANKS) } else { piece };
        let escapes = match style {
            ScalarStyle::SingleQuoted => piece.matches("''").count(),
            _ => 0,
        };
        Self { length: piece.len() - escapes, continued: false }
    }

    fn measure_escaped(piece: &str, trim: bool) -> Self {
        let mut length = 0;
        // Without the blanks at the end, unless an escape wrote them.
        let mut trimmed = 0;
        let mut chars = piece.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => {
                    let Some(escape) = chars.next() else {
                        return Self { length, continued: true };
                    };
                    length += escape_length(escape, &mut chars);
                    trimmed = length;
                }
                ' ' | '\t' => length += 1,
                c => {
                    length += c.len_utf8();
                    trimmed = length;
                }
            }
        }
        Self { length: if trim { trimmed } else { length }, continued: false }
    }
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
    // Not a character: one half of a surrogate pair, which is four bytes.
    char::from_u32(code).map_or(2, char::len_utf8)
}

/// YAML's line breaks; `str::lines` does not know a lone carriage return.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.find(['\n', '\r']);
        rest = end.map(|end| {
            let after = &text[end..];
            after.strip_prefix("\r\n").unwrap_or(&after[1..])
        });
        Some(&text[..end.unwrap_or(text.len())])
    })
}

fn line(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}
