//! Words: quoting, expansions, substitutions, assignments and here-document bodies.

use std::rc::Rc;

use super::{
    super::ast::{Assign, AssignValue, Expansion, Operator, Part, Word},
    Parse, Parser, Pending,
};

impl Parser<'_> {
    pub(super) fn word(&mut self) -> Parse<Word> {
        let mut word = Word { parts: Vec::new(), at: self.pos };
        while self.pos < self.end && !self.at_word_end() {
            let parts = self.nested(Self::word_piece)?;
            for part in parts {
                push_part(&mut word.parts, part);
            }
        }
        Ok(word)
    }

    fn at_word_end(&self) -> bool {
        match self.peek() {
            b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b')' | b'(' => true,
            b'<' | b'>' => self.peek_at(1) != b'(',
            _ => false,
        }
    }

    /// One quoted string, expansion or run of plain text.
    pub(super) fn word_piece(&mut self) -> Parse<Vec<Part>> {
        let start = self.pos;
        match self.peek() {
            b'\'' => {
                self.pos += 1;
                let Some(length) = self.text[self.pos..self.end].find('\'') else {
                    return self.fail("unclosed quote");
                };
                let text = self.text[self.pos..self.pos + length].to_owned();
                self.pos += length + 1;
                Ok(vec![Part::Literal { text, at: start + 1, quoted: true }])
            }
            b'"' => {
                self.pos += 1;
                self.double_quoted(true)
            }
            b'$' if self.peek_at(1) == b'\'' => self.ansi_c_string(),
            b'$' if self.peek_at(1) == b'"' => {
                self.pos += 2;
                self.double_quoted(true)
            }
            b'$' => Ok(vec![self.dollar(false)?]),
            b'`' => Ok(vec![self.backticks(false)?]),
            b'<' | b'>' => {
                let input = self.peek() == b'<';
                self.pos += 2;
                let body = self.block(&[")"])?;
                self.pos += 1;
                Ok(vec![Part::Process { body: Rc::new(body), input }])
            }
            _ => Ok(vec![self.plain()]),
        }
    }

    fn plain(&mut self) -> Part {
        let at = self.pos;
        if self.peek() == b'\\' {
            return self.escaped();
        }
        while self.pos < self.end {
            match self.peek() {
                b'\'' | b'"' | b'$' | b'`' | b'\\' => break,
                // An extended glob is text: `!(a|b)`.
                b'@' | b'!' | b'?' | b'*' | b'+' if self.peek_at(1) == b'(' => {
                    match self.text[self.pos..self.end].find([')', '\n']) {
                        Some(length) if self.bytes[self.pos + length] == b')' => {
                            self.pos += length + 1;
                        }
                        _ => self.pos += 1,
                    }
                }
                _ if self.at_word_end() => break,
                b'<' | b'>' if self.pos > at => break,
                _ => self.pos += 1,
            }
        }
        if self.pos == at {
            self.pos += 1;
        }
        Part::Literal { text: self.text[at..self.pos].to_owned(), at, quoted: false }
    }

    fn escaped(&mut self) -> Part {
        self.pos += 1;
        let at = self.pos;
        if self.eat("\n") || self.pos >= self.end {
            return Part::Literal { text: String::new(), at, quoted: true };
        }
        self.bump();
        Part::Literal { text: self.text[at..self.pos].to_owned(), at, quoted: true }
    }

    /// Goes on by one character.
    fn bump(&mut self) {
        self.pos += 1;
        while self.pos < self.end && !self.text.is_char_boundary(self.pos) {
            self.pos += 1;
        }
    }

    fn ansi_c_string(&mut self) -> Parse<Vec<Part>> {
        self.pos += 2;
        let at = self.pos;
        let mut text = String::new();
        while self.pos < self.end {
            match self.peek() {
                b'\'' => {
                    self.pos += 1;
                    return Ok(vec![Part::Literal { text, at, quoted: true }]);
                }
                b'\\' => {
                    text.push(match self.peek_at(1) {
                        b'n' => '\n',
                        b't' => '\t',
                        b'r' => '\r',
                        other if other.is_ascii() => char::from(other),
                        _ => ' ',
                    });
                    self.pos += 1;
                    self.bump();
                }
                _ => {
                    let from = self.pos;
                    self.bump();
                    text.push_str(&self.text[from..self.pos]);
                }
            }
        }
        self.fail("unclosed quote")
    }

    /// The inside of double quotes, or of a here-document (`until_quote` false: up to `end`).
    fn double_quoted(&mut self, until_quote: bool) -> Parse<Vec<Part>> {
        let mut parts = Vec::new();
        let mut from = self.pos;
        loop {
            if self.pos >= self.end {
                if until_quote {
                    return self.fail("unclosed quote");
                }
                self.literal_run(from, &mut parts);
                return Ok(parts);
            }
            match self.peek() {
                b'"' if until_quote => {
                    self.literal_run(from, &mut parts);
                    if parts.is_empty() {
                        parts.push(Part::Literal {
                            text: String::new(),
                            at: self.pos,
                            quoted: true,
                        });
                    }
                    self.pos += 1;
                    return Ok(parts);
                }
                b'\\' => {
                    let next = self.peek_at(1);
                    if matches!(next, b'$' | b'`' | b'\\') || (next == b'"' && until_quote) {
                        self.literal_run(from, &mut parts);
                        from = self.pos + 1;
                        self.pos += 2;
                    } else if next == b'\n' {
                        self.literal_run(from, &mut parts);
                        self.pos += 2;
                        from = self.pos;
                    } else {
                        self.pos += 1;
                        if self.pos < self.end {
                            self.bump();
                        }
                    }
                }
                b'$' => {
                    self.literal_run(from, &mut parts);
                    parts.push(self.nested(|parser| parser.dollar(true))?);
                    from = self.pos;
                }
                b'`' => {
                    self.literal_run(from, &mut parts);
                    parts.push(self.nested(|parser| parser.backticks(true))?);
                    from = self.pos;
                }
                _ => self.bump(),
            }
        }
    }

    fn literal_run(&self, from: usize, parts: &mut Vec<Part>) {
        let to = self.pos.min(self.end);
        if from < to {
            let text = self.text[from..to].to_owned();
            parts.push(Part::Literal { text, at: from, quoted: true });
        }
    }

    fn dollar(&mut self, quoted: bool) -> Parse<Part> {
        let at = self.pos;
        self.pos += 1;
        match self.peek() {
            b'(' if self.peek_at(1) == b'(' => {
                if let Some(length) = self.arithmetic_length(self.pos + 2) {
                    self.pos += 2 + length + 2;
                    return Ok(Part::Arithmetic);
                }
                self.command_substitution(quoted)
            }
            b'(' => self.command_substitution(quoted),
            b'{' => self.braced(quoted),
            b'[' => {
                // `$[1 + 2]`, the old arithmetic
                match self.text[self.pos..self.end].find(']') {
                    Some(length) => {
                        self.pos += length + 1;
                        Ok(Part::Arithmetic)
                    }
                    None => Ok(Part::Literal { text: "$".to_owned(), at, quoted }),
                }
            }
            byte if byte == b'_' || byte.is_ascii_alphabetic() => {
                let name = self.name();
                Ok(parameter(name, quoted))
            }
            byte if byte.is_ascii_digit() || b"@*#?$!-".contains(&byte) => {
                self.pos += 1;
                Ok(parameter(char::from(byte).to_string(), quoted))
            }
            _ => Ok(Part::Literal { text: "$".to_owned(), at, quoted }),
        }
    }

    fn command_substitution(&mut self, quoted: bool) -> Parse<Part> {
        self.pos += 1;
        let body = self.block(&[")"])?;
        self.pos += 1;
        Ok(Part::Command { body: Rc::new(body), quoted })
    }

    fn backticks(&mut self, quoted: bool) -> Parse<Part> {
        self.pos += 1;
        let start = self.pos;
        let mut escaped = false;
        loop {
            match self.peek() {
                _ if self.pos >= self.end => return self.fail("unclosed backtick"),
                b'`' => break,
                b'\\' => {
                    escaped = true;
                    self.pos += 1;
                    if self.pos < self.end {
                        self.bump();
                    }
                }
                _ => self.bump(),
            }
        }
        let end = self.pos;
        self.pos += 1;
        // An unescaped text keeps its length, so that offsets stay those of the source.
        let padded = escaped.then(|| unescape_backticks(&self.text[start..end], start));
        let text = padded.as_deref().unwrap_or(self.text);
        let mut inner = Parser::new(text, start, end);
        inner.depth = self.depth;
        let mut body = Vec::new();
        inner.skip_separators()?;
        while inner.pos < inner.end {
            let from = inner.pos;
            body.push(inner.and_or()?);
            inner.skip_separators()?;
            if inner.pos == from {
                return inner.fail("unexpected token");
            }
        }
        // Bodies of here-documents inside backticks are not kept: nobody writes them.
        if !inner.docs.is_empty() {
            return self.fail("here-document inside backticks");
        }
        Ok(Part::Command { body: Rc::new(body), quoted })
    }

    fn braced(&mut self, quoted: bool) -> Parse<Part> {
        self.pos += 1;
        let mut operator = Operator::None;
        if self.peek() == b'!' && (self.peek_at(1) == b'_' || self.peek_at(1).is_ascii_alphabetic())
        {
            operator = Operator::Indirect;
            self.pos += 1;
        } else if self.peek() == b'#' && self.peek_at(1) != b'}' {
            operator = Operator::Length;
            self.pos += 1;
        }
        let mut name = self.name();
        if name.is_empty() && self.pos < self.end && self.peek() != b'}' {
            let from = self.pos;
            self.bump();
            while self.peek().is_ascii_digit() {
                self.pos += 1;
            }
            name = self.text[from..self.pos].to_owned();
        }
        let index = self.subscript()?;
        if operator == Operator::None {
            operator = self.operator();
        }
        let argument = self.braced_argument()?;
        self.pos += 1;
        let expansion = Rc::new(Expansion { name, index, operator, argument });
        Ok(Part::Parameter { expansion, quoted })
    }

    fn subscript(&mut self) -> Parse<Option<String>> {
        if self.peek() != b'[' {
            return Ok(None);
        }
        let Some(length) = self.text[self.pos..self.end].find(']') else {
            return self.fail("unclosed subscript");
        };
        let index = self.text[self.pos + 1..self.pos + length].to_owned();
        self.pos += length + 1;
        Ok(Some(index))
    }

    fn operator(&mut self) -> Operator {
        const OPERATORS: [(&str, Operator); 15] = [
            (":-", Operator::Default),
            (":=", Operator::Default),
            (":+", Operator::Alternative),
            (":?", Operator::Require),
            ("##", Operator::TrimPrefix { longest: true }),
            ("#", Operator::TrimPrefix { longest: false }),
            ("%%", Operator::TrimSuffix { longest: true }),
            ("%", Operator::TrimSuffix { longest: false }),
            ("//", Operator::Replace { all: true }),
            ("/", Operator::Replace { all: false }),
            ("-", Operator::Default),
            ("=", Operator::Default),
            ("+", Operator::Alternative),
            ("?", Operator::Require),
            ("", Operator::None),
        ];
        for (token, operator) in OPERATORS {
            if self.eat(token) {
                return match operator {
                    Operator::None if self.peek() != b'}' => Operator::Other,
                    found => found,
                };
            }
        }
        Operator::None
    }

    /// The word of `${name:-word}`, up to its closing brace.
    fn braced_argument(&mut self) -> Parse<Word> {
        let mut word = Word { parts: Vec::new(), at: self.pos };
        loop {
            if self.pos >= self.end {
                return self.fail("unclosed `${`");
            }
            match self.peek() {
                b'}' => return Ok(word),
                b'\'' | b'"' | b'$' | b'`' => {
                    let quote = self.peek() == b'\'';
                    // A lone apostrophe in `${x:-don't}` inside double quotes is text.
                    if quote && !self.text[self.pos + 1..self.end].contains('\'') {
                        self.bump();
                        continue;
                    }
                    for part in self.nested(Self::word_piece)? {
                        word.parts.push(part);
                    }
                }
                b'\\' => {
                    let part = self.escaped();
                    push_part(&mut word.parts, part);
                }
                _ => {
                    let at = self.pos;
                    while self.pos < self.end
                        && !matches!(self.peek(), b'}' | b'\'' | b'"' | b'$' | b'`' | b'\\')
                    {
                        self.pos += 1;
                    }
                    let text = self.text[at..self.pos].to_owned();
                    push_part(&mut word.parts, Part::Literal { text, at, quoted: false });
                }
            }
        }
    }

    pub(super) fn name(&mut self) -> String {
        let start = self.pos;
        while self.peek() == b'_' || self.peek().is_ascii_alphanumeric() {
            self.pos += 1;
        }
        self.text[start..self.pos].to_owned()
    }

    /// `name=value`, `name+=value`, `name[i]=value`, `name=(…)` at the start of a command.
    pub(super) fn assignment(&mut self) -> Parse<Option<Assign>> {
        let start = self.pos;
        if self.peek().is_ascii_digit() {
            return Ok(None);
        }
        let name = self.name();
        if !name.is_empty()
            && self.peek() == b'['
            && let Some(length) = self.text[self.pos..self.end].find(']')
        {
            self.pos += length + 1;
        }
        let append = self.eat("+=");
        if name.is_empty() || !(append || self.eat("=")) {
            self.pos = start;
            return Ok(None);
        }
        let value = if self.peek() == b'(' {
            AssignValue::Array(self.array()?)
        } else {
            AssignValue::Scalar(self.word()?)
        };
        Ok(Some(Assign { name, append, value }))
    }

    /// `name=(…)` behind `export` and the like, as one word of its elements.
    pub(super) fn array_argument(&mut self) -> Parse<Option<Word>> {
        let start = self.pos;
        let name = self.name();
        if name.is_empty() || !self.starts_with("=(") {
            self.pos = start;
            return Ok(None);
        }
        self.pos += 1;
        let mut word = Word { parts: Vec::new(), at: start };
        word.parts.push(Part::Literal { text: format!("{name}="), at: start, quoted: false });
        for element in self.array()? {
            word.parts.extend(element.parts);
            word.parts.push(Part::Literal { text: " ".to_owned(), at: self.pos, quoted: true });
        }
        Ok(Some(word))
    }

    fn array(&mut self) -> Parse<Vec<Word>> {
        self.pos += 1;
        let mut words = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.pos >= self.end {
                return self.fail("unclosed array");
            }
            if self.eat(")") {
                return Ok(words);
            }
            let start = self.pos;
            words.push(self.word()?);
            if self.pos == start {
                return self.fail("unexpected token in an array");
            }
        }
    }

    /// Bodies of the here-documents announced on the line that just ended.
    pub(super) fn read_docs(&mut self) -> Parse<()> {
        for pending in std::mem::take(&mut self.pending) {
            let body = self.doc_range(&pending);
            let at = body.start;
            let parts = if pending.quoted {
                vec![Part::Literal { text: self.text[body].to_owned(), at, quoted: true }]
            } else {
                let (pos, end) = (self.pos, self.end);
                (self.pos, self.end) = (body.start, body.end);
                let parts = self.double_quoted(false);
                (self.pos, self.end) = (pos, end);
                parts?
            };
            self.docs[pending.doc] = Word { parts, at };
        }
        Ok(())
    }

    /// Finds the line with the delimiter and goes on behind it.
    fn doc_range(&mut self, pending: &Pending) -> std::ops::Range<usize> {
        let start = self.pos;
        loop {
            let line_start = self.pos;
            let rest = &self.text[line_start..self.end];
            let (line, next) = match rest.find('\n') {
                Some(length) => (&rest[..length], line_start + length + 1),
                None => (rest, self.end),
            };
            let line = line.strip_suffix('\r').unwrap_or(line);
            let line = if pending.strip_tabs { line.trim_start_matches('\t') } else { line };
            if line == pending.delimiter {
                // The newline behind the delimiter is left for the statement loop.
                self.pos = next;
                return start..line_start;
            }
            // The end of the text ends the document too, as in bash, and so does `EOF)`.
            let closed = line.strip_prefix(pending.delimiter.as_str());
            if closed.is_some_and(|rest| rest.trim_start().starts_with(')')) {
                self.pos = line_start + rest.find(')').unwrap_or(0);
                return start..line_start;
            }
            if next >= self.end {
                self.pos = self.end;
                return start..self.end;
            }
            self.pos = next;
        }
    }
}

fn parameter(name: String, quoted: bool) -> Part {
    let expansion =
        Expansion { name, index: None, operator: Operator::None, argument: Word::default() };
    Part::Parameter { expansion: Rc::new(expansion), quoted }
}

/// Joins neighbouring plain text that is one run in the source.
fn push_part(parts: &mut Vec<Part>, part: Part) {
    if let (
        Some(Part::Literal { text: before, at: start, quoted: false }),
        Part::Literal { text, at, quoted: false },
    ) = (parts.last_mut(), &part)
        && *start + before.len() == *at
    {
        before.push_str(text);
        return;
    }
    parts.push(part);
}

/// Removes the backslashes of a backtick body; spaces in front keep the offsets close.
fn unescape_backticks(body: &str, start: usize) -> String {
    let mut out = String::with_capacity(start + body.len());
    out.extend(std::iter::repeat_n(' ', start));
    let mut chars = body.chars().peekable();
    let mut dropped = 0;
    while let Some(c) = chars.next() {
        if c == '\\' && matches!(chars.peek(), Some('`' | '\\' | '$')) {
            dropped += 1;
            continue_with(&mut chars, &mut out);
            continue;
        }
        out.push(c);
    }
    out.extend(std::iter::repeat_n(' ', dropped));
    out
}

fn continue_with(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    if let Some(next) = chars.next() {
        out.push(next);
    }
}
