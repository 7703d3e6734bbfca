//! Where the expressions of a scalar are.

use super::Part;

pub(super) const OPEN: &str = "${{";

/// Finds `${{ … }}` as GitHub does: the first `}}` outside a string literal closes.
pub fn split(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(OPEN).map(|found| at + found) {
        if start > at {
            parts.push(Part::Text(at..start));
        }
        let body = start + OPEN.len();
        let Some(end) = closing(&text.as_bytes()[body..]).map(|length| body + length) else {
            parts.push(Part::Unterminated { range: start..text.len(), body: body..text.len() });
            return parts;
        };
        parts.push(Part::Expression { range: start..end + 2, body: body..end });
        at = end + 2;
    }
    if at < text.len() {
        parts.push(Part::Text(at..text.len()));
    }
    parts
}

/// Offset of the `}}` that closes.
fn closing(body: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (i, byte) in body.iter().enumerate() {
        match byte {
            // An escaped quote (`''`) ends one literal and begins the next.
            b'\'' => quoted = !quoted,
            b'}' if !quoted && body.get(i + 1) == Some(&b'}') => return Some(i),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        split(text)
            .into_iter()
            .map(|part| match part {
                Part::Text(range) => format!("text {}", &text[range]),
                Part::Expression { range, body } => {
                    assert_eq!(&text[range], format!("${{{{{}}}}}", &text[body.clone()]));
                    format!("expr {}", &text[body])
                }
                Part::Unterminated { body, .. } => format!("open {}", &text[body]),
            })
            .collect()
    }

    #[test]
    fn braces_in_literals_do_not_close() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a", &["text a"]),
            ("${{ a }}", &["expr  a "]),
            ("${{a}}${{b}}", &["expr a", "expr b"]),
            ("x ${{ a }} y", &["text x ", "expr  a ", "text  y"]),
            ("${{ '}}' }}z", &["expr  '}}' ", "text z"]),
            ("${{ 'it''s }}' }}", &["expr  'it''s }}' "]),
            ("${{ a } }}", &["expr  a } "]),
            ("${{ a }}}", &["expr  a ", "text }"]),
            ("${{}}", &["expr "]),
            ("$ { { a } }", &["text $ { { a } }"]),
            ("${ a }", &["text ${ a }"]),
            ("a ${{ b", &["text a ", "open  b"]),
            ("${{ 'a }} b", &["open  'a }} b"]),
            ("${{ ${{ a }} }}", &["expr  ${{ a ", "text  }}"]),
            ("é${{ é }}é", &["text é", "expr  é ", "text é"]),
        ];
        for (text, parts) in table {
            assert_eq!(shown(text), *parts, "{text:?}");
        }
    }
}
