//! JSON as a stream of events with lines; nothing of it is kept.
//!
//! Lock files of 10 MB are common, and what is wanted of one is a handful of lines. Comments and commas
//! before a closing bracket are taken, as `bun.lock` has them.

use super::Trouble;

/// Deeper nesting is no lock file.
const DEEPEST: usize = 128;

/// Where a value stands in the document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Key(String),
    Index(usize),
}

impl Part {
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Key(key) => key,
            Self::Index(_) => "",
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Event<'t> {
    Object,
    Array,
    /// The object or array at this path is complete.
    Close,
    Text(&'t str),
    /// A number, `true`, `false`, `null`, as written.
    Word(&'t str),
}

/// Tells `visit` path, event and line of every value. Ends at the first error.
pub(super) fn walk(
    bytes: &[u8],
    visit: &mut dyn FnMut(&[Part], Event<'_>, u32),
) -> Result<(), Trouble> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = Reader { bytes, at: 0, line: 1 };
    let mut path: Vec<Part> = Vec::new();
    // Whether each open container is an object.
    let mut open: Vec<bool> = Vec::new();
    loop {
        // A value is next.
        reader.blank();
        let line = reader.line;
        let opened = match reader.peek() {
            Some(b'{') => Some(true),
            Some(b'[') => Some(false),
            _ => None,
        };
        if let Some(object) = opened {
            if open.len() >= DEEPEST {
                return Err(reader.trouble("brackets nest too deeply"));
            }
            reader.at += 1;
            visit(&path, if object { Event::Object } else { Event::Array }, line);
            open.push(object);
            path.push(if object { Part::Key(String::new()) } else { Part::Index(0) });
            reader.blank();
            if reader.peek() != Some(if object { b'}' } else { b']' }) {
                if object {
                    reader.key(&mut path)?;
                }
                continue;
            }
        } else if reader.peek() == Some(b'"') {
            let text = reader.string()?;
            visit(&path, Event::Text(&text), line);
        } else {
            let word = reader.word()?;
            visit(&path, Event::Word(word), line);
        }
        // A value is complete: close what ends here, up to the next value.
        loop {
            reader.blank();
            let Some(&object) = open.last() else {
                return match reader.peek() {
                    None => Ok(()),
                    Some(_) => Err(reader.trouble("text behind the end of the JSON")),
                };
            };
            let end = if object { b'}' } else { b']' };
            let comma = reader.take(b',');
            reader.blank();
            if reader.take(end) {
                open.pop();
                path.pop();
                visit(&path, Event::Close, reader.line);
                continue;
            }
            if !comma {
                return Err(reader.trouble(match reader.peek() {
                    None => "the JSON ends too early",
                    Some(_) => "a comma or a closing bracket is missing",
                }));
            }
            if object {
                reader.key(&mut path)?;
            } else if let Some(Part::Index(index)) = path.last_mut() {
                *index += 1;
            }
            break;
        }
    }
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
    line: u32,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn trouble(&self, reason: &str) -> Trouble {
        Trouble { line: self.line, reason: reason.to_owned() }
    }

    /// Skips white space and comments.
    fn blank(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => self.line = self.line.saturating_add(1),
                b' ' | b'\t' | b'\r' => {}
                b'/' if self.bytes.get(self.at + 1) == Some(&b'/') => {
                    let rest = &self.bytes[self.at..];
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    continue;
                }
                b'/' if self.bytes.get(self.at + 1) == Some(&b'*') => {
                    let rest = &self.bytes[self.at + 2..];
                    let end = rest.windows(2).position(|two| two == b"*/");
                    let skipped = end.map_or(rest.len(), |end| end + 2) + 2;
                    let text = &self.bytes[self.at..self.at + skipped];
                    let lines = text.iter().filter(|byte| **byte == b'\n').count();
                    self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
                    self.at += skipped;
                    continue;
                }
                _ => return,
            }
            self.at += 1;
        }
    }

    /// A key and its colon, as the last part of the path.
    fn key(&mut self, path: &mut [Part]) -> Result<(), Trouble> {
        self.blank();
        if self.peek() != Some(b'"') {
            return Err(self.trouble("a key is missing"));
        }
        let key = self.string()?;
        self.blank();
        if !self.take(b':') {
            return Err(self.trouble("a colon is missing"));
        }
        if let Some(last) = path.last_mut() {
            *last = Part::Key(key.into_owned());
        }
        Ok(())
    }

    fn word(&mut self) -> Result<&'t str, Trouble> {
        let rest = &self.bytes[self.at..];
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = rest.iter().take_while(|byte| is_part(byte)).count();
        let word = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        if word.is_empty() {
            return Err(self.trouble(match rest.first() {
                None => "the JSON ends too early",
                Some(_) => "a value is missing",
            }));
        }
        self.at += length;
        Ok(word)
    }

    fn string(&mut self) -> Result<std::borrow::Cow<'t, str>, Trouble> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(b'\n') | None => return Err(self.trouble("a text is not closed")),
                Some(_) => at += 1,
            }
        }
        let inside = &self.bytes[start..at];
        self.at = at + 1;
        if !escaped {
            return Ok(String::from_utf8_lossy(inside));
        }
        let quoted = &self.bytes[start - 1..=at];
        let decoded: Result<String, _> = serde_json::from_slice(quoted);
        decoded.map(Into::into).map_err(|_| self.trouble("a text with a broken escape"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Part, walk};

    fn events(text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        let end = walk(text.as_bytes(), &mut |path, event, line| {
            let path: Vec<String> = path
                .iter()
                .map(|part| match part {
                    Part::Key(key) => key.clone(),
                    Part::Index(index) => index.to_string(),
                })
                .collect();
            if let Event::Text(value) | Event::Word(value) = event {
                seen.push(format!("{line} {}={value}", path.join(".")));
            }
        });
        seen.extend(end.err().map(|trouble| format!("{}: {}", trouble.line, trouble.reason)));
        seen
    }

    #[test]
    fn paths_values_and_lines() {
        let text =
            "{\n \"a\": {\"b\": [1, \"x\\/y\"]},\n // no\n /* \n */ \"c\": {}, \"d\": [true,],\n}";
        assert_eq!(events(text), ["2 a.b.0=1", "2 a.b.1=x/y", "5 d.0=true"]);
    }

    #[test]
    fn what_is_broken_ends_with_its_line() {
        for (text, reason) in [
            ("{\n\"a\": 1", "2: the JSON ends too early"),
            ("", "1: the JSON ends too early"),
            ("{\n\"a\" 1}", "2: a colon is missing"),
            ("[1 2]", "1: a comma or a closing bracket is missing"),
            ("[1] x", "1: text behind the end of the JSON"),
            ("{\"a", "1: a text is not closed"),
            ("{,}", "1: a key is missing"),
            ("\"\\u12\"", "1: a text with a broken escape"),
        ] {
            assert_eq!(events(text).pop().as_deref(), Some(reason), "{text}");
        }
        let deep = "[".repeat(5_000_000);
        assert_eq!(events(&deep), ["1: brackets nest too deeply"]);
    }
}
