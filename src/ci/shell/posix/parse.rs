//! Recursive-descent parser of POSIX shell and the parts of bash and zsh that scripts in CI use.
//!
//! Why not `tree-sitter-bash`: it is silently wrong on `time { … }`, `! { … }` and `cat <<E | a && b`, and fails on
//! `>f <<<x`; and `${{ … }}` is a part of a word here, whatever stands around it.

mod compound;
mod word;

use super::ast::{
    Assign, Block, Link, Node, Redirect, RedirectKind, Script, Stmt, SyntaxError, Word,
};

/// Nesting beyond this is reported, not followed: the stack is finite.
const MAX_DEPTH: u32 = 60;
/// After so many broken statements the rest of the text is one gap.
const MAX_ERRORS: usize = 40;

pub(in crate::ci::shell) fn parse(text: &str) -> Script {
    let mut parser = Parser::new(text, 0, text.len());
    let mut script = Script::default();
    parser.top_level(&mut script);
    script.docs = parser.docs;
    script
}

#[derive(Debug)]
struct Failure {
    at: usize,
    what: &'static str,
}

type Parse<T> = Result<T, Failure>;

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    end: usize,
    depth: u32,
    docs: Vec<Word>,
    /// Here-documents whose body starts at the next newline.
    pending: Vec<Pending>,
    /// Bytes that broken statements made it read twice.
    reread: usize,
}

struct Pending {
    doc: usize,
    delimiter: String,
    quoted: bool,
    strip_tabs: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, pos: usize, end: usize) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            pos,
            end,
            depth: 0,
            docs: Vec::new(),
            pending: Vec::new(),
            reread: 0,
        }
    }

    /// Parses what can be parsed: a broken statement costs its own lines only.
    fn top_level(&mut self, script: &mut Script) {
        loop {
            let start = match self.skip_separators() {
                Ok(()) => self.pos,
                Err(failure) => {
                    script.errors.push(SyntaxError {
                        at: failure.at,
                        end: self.end,
                        what: failure.what,
                    });
                    return;
                }
            };
            if start >= self.end {
                return;
            }
            match self.and_or() {
                Ok(stmt) if self.pos > start => script.body.push(stmt),
                Ok(_) => {
                    self.recover(start, Failure { at: start, what: "unexpected token" }, script)
                }
                Err(failure) => self.recover(start, failure, script),
            }
            if script.errors.len() >= MAX_ERRORS {
                script.errors.push(SyntaxError {
                    at: self.pos,
                    end: self.end,
                    what: "too many syntax errors",
                });
                return;
            }
        }
    }

    /// Goes on at the line after the one where the broken statement began, so that its inner lines are read.
    fn recover(&mut self, start: usize, failure: Failure, script: &mut Script) {
        self.pending.clear();
        self.depth = 0;
        // Reading on at the next line is reading again what was read; that has an end.
        self.reread += failure.at.saturating_sub(start);
        let again = self.reread < 4 * (self.end + 16_384);
        let line_end =
            self.text[start..self.end].find('\n').map_or(self.end, |length| start + length + 1);
        script.errors.push(SyntaxError {
            at: start,
            end: failure.at.max(line_end).min(self.end),
            what: failure.what,
        });
        self.pos = if again { line_end } else { failure.at.max(line_end).min(self.end) };
    }

    fn peek(&self) -> u8 {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> u8 {
        let at = self.pos + ahead;
        if at < self.end { self.bytes[at] } else { 0 }
    }

    fn starts_with(&self, token: &str) -> bool {
        self.bytes[self.pos..self.end].starts_with(token.as_bytes())
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.starts_with(token);
        if found {
            self.pos += token.len();
        }
        found
    }

    fn fail<T>(&self, what: &'static str) -> Parse<T> {
        Err(Failure { at: self.pos, what })
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= MAX_DEPTH {
            return self.fail("nested too deeply");
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Blanks, line continuations and comments, no newline.
    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                b' ' | b'\t' | b'\r' => self.pos += 1,
                b'\\' if self.peek_at(1) == b'\n' => self.pos += 2,
                b'\\' if self.peek_at(1) == b'\r' && self.peek_at(2) == b'\n' => self.pos += 3,
                b'#' => {
                    while self.pos < self.end && self.peek() != b'\n' {
                        self.pos += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn newline(&mut self) -> Parse<()> {
        self.pos += 1;
        self.read_docs()
    }

    fn skip_newlines(&mut self) -> Parse<()> {
        loop {
            self.skip_blanks();
            if self.pos >= self.end || self.peek() != b'\n' {
                return Ok(());
            }
            self.newline()?;
        }
    }

    fn skip_separators(&mut self) -> Parse<()> {
        loop {
            self.skip_newlines()?;
            match self.peek() {
                b';' if self.peek_at(1) != b';' => self.pos += 1,
                b'&' if self.peek_at(1) != b'&' => self.pos += 1,
                _ => return Ok(()),
            }
        }
    }

    /// Statements up to a reserved word or closing token of `closers`, which is left unread.
    fn block(&mut self, closers: &[&str]) -> Parse<Block> {
        let mut block = Block::new();
        loop {
            self.skip_separators()?;
            if self.pos >= self.end {
                return self.fail("unexpected end");
            }
            if closers.iter().any(|closer| self.at_closer(closer)) {
                return Ok(block);
            }
            let start = self.pos;
            block.push(self.and_or()?);
            if self.pos == start {
                return self.fail("unexpected token");
            }
        }
    }

    fn at_closer(&self, closer: &str) -> bool {
        match closer {
            ")" | ";;" | ";&" => self.starts_with(closer),
            _ => self.at_reserved(closer),
        }
    }

    fn at_reserved(&self, word: &str) -> bool {
        self.starts_with(word)
            && matches!(
                self.peek_at(word.len()),
                0 | b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>'
            )
    }

    fn expect_reserved(&mut self, word: &str, what: &'static str) -> Parse<()> {
        self.skip_separators()?;
        if !self.at_reserved(word) {
            return self.fail(what);
        }
        self.pos += word.len();
        Ok(())
    }

    fn and_or(&mut self) -> Parse<Stmt> {
        let at = self.pos;
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.skip_blanks();
            let link = if self.eat("&&") {
                Link::And
            } else if self.eat("||") {
                Link::Or
            } else {
                break;
            };
            self.skip_newlines()?;
            rest.push((link, self.pipeline()?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let node = Node::AndOr { first: Box::new(first), rest };
        Ok(Stmt { node, redirects: Vec::new(), at })
    }

    fn pipeline(&mut self) -> Parse<Stmt> {
        self.skip_blanks();
        let at = self.pos;
        let mut negated = false;
        loop {
            if self.at_reserved("!") {
                self.pos += 1;
                negated = !negated;
            } else if self.at_reserved("time") {
                self.pos += 4;
                self.skip_blanks();
                if self.at_reserved("-p") {
                    self.pos += 2;
                }
            } else if self.at_reserved("coproc") {
                self.pos += 6;
            } else {
                break;
            }
            self.skip_blanks();
        }
        let mut stages = vec![self.nested(Self::command)?];
        loop {
            self.skip_blanks();
            if self.peek() != b'|' || self.peek_at(1) == b'|' {
                break;
            }
            self.pos += if self.peek_at(1) == b'&' { 2 } else { 1 };
            self.skip_newlines()?;
            stages.push(self.nested(Self::command)?);
        }
        match (stages.len(), negated) {
            (1, false) => stages.pop().map_or_else(|| self.fail("empty pipeline"), Ok),
            _ => Ok(Stmt { node: Node::Pipeline { stages, negated }, redirects: Vec::new(), at }),
        }
    }

    fn command(&mut self) -> Parse<Stmt> {
        self.skip_blanks();
        let at = self.pos;
        match self.compound()? {
            Some(node) => {
                let mut redirects = Vec::new();
                self.skip_blanks();
                while let Some(redirect) = self.redirect()? {
                    redirects.push(redirect);
                    self.skip_blanks();
                }
                Ok(Stmt { node, redirects, at })
            }
            None => self.simple(at),
        }
    }

    fn simple(&mut self, at: usize) -> Parse<Stmt> {
        let mut assigns: Vec<Assign> = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut redirects = Vec::new();
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if self.pos >= self.end || self.at_terminator() {
                break;
            }
            if words.is_empty()
                && let Some(assign) = self.assignment()?
            {
                assigns.push(assign);
                continue;
            }
            if takes_assignments(&words)
                && let Some(word) = self.array_argument()?
            {
                words.push(word);
                continue;
            }
            let word = self.word()?;
            // `name ()` defines a function.
            if words.is_empty() && assigns.is_empty() && self.peek_function_parens() {
                return self.function_after(word, at);
            }
            words.push(word);
        }
        if words.is_empty() && assigns.is_empty() && redirects.is_empty() {
            return self.fail("command expected");
        }
        Ok(Stmt { node: Node::Simple { assigns, words }, redirects, at })
    }

    /// Whether what stands here ends a simple command.
    fn at_terminator(&self) -> bool {
        matches!(self.peek(), b'\n' | b';' | b'&' | b'|' | b')' | b'(')
    }

    fn redirect(&mut self) -> Parse<Option<Redirect>> {
        let start = self.pos;
        let fd = self.redirect_fd();
        let kind = match (self.peek(), self.peek_at(1)) {
            (b'&', b'>') => {
                self.pos += 2;
                let append = self.eat(">");
                RedirectKind::Both { target: self.redirect_target()?, append }
            }
            (b'<', b'(') | (b'>', b'(') => {
                self.pos = start;
                return Ok(None);
            }
            (b'<', b'<') => {
                self.pos += 2;
                if self.eat("<") {
                    RedirectKind::HereString(self.redirect_target()?)
                } else {
                    let strip_tabs = self.eat("-");
                    self.here_doc(strip_tabs)?
                }
            }
            (b'<' | b'>', b'&') => {
                self.pos += 2;
                let duplicated = matches!(self.peek(), b'0'..=b'9' | b'-');
                let target = self.redirect_target()?;
                if duplicated {
                    RedirectKind::Duplicate
                } else {
                    RedirectKind::Both { target, append: false }
                }
            }
            (b'<', b'>') => {
                self.pos += 2;
                RedirectKind::In(self.redirect_target()?)
            }
            (b'<', _) => {
                self.pos += 1;
                RedirectKind::In(self.redirect_target()?)
            }
            (b'>', _) => {
                self.pos += 1;
                let append = self.eat(">");
                let _clobber = self.eat("|");
                RedirectKind::Out { target: self.redirect_target()?, append }
            }
            _ => {
                self.pos = start;
                return Ok(None);
            }
        };
        Ok(Some(Redirect { fd, kind }))
    }

    /// `2` of `2>`; nothing is consumed where no redirection follows.
    fn redirect_fd(&mut self) -> Option<u32> {
        let mut length = 0;
        while self.peek_at(length).is_ascii_digit() && length < 4 {
            length += 1;
        }
        if length == 0 || !matches!(self.peek_at(length), b'<' | b'>') {
            return None;
        }
        let fd = self.text[self.pos..self.pos + length].parse().ok();
        self.pos += length;
        fd
    }

    fn redirect_target(&mut self) -> Parse<Word> {
        self.skip_blanks();
        let word = self.word()?;
        if word.parts.is_empty() && self.pos == word.at {
            return self.fail("redirection without a target");
        }
        Ok(word)
    }

    fn here_doc(&mut self, strip_tabs: bool) -> Parse<RedirectKind> {
        self.skip_blanks();
        let start = self.pos;
        let word = self.word()?;
        let raw = &self.text[start..self.pos];
        if raw.is_empty() {
            return self.fail("here-document without a delimiter");
        }
        let quoted = raw.contains(['\'', '"', '\\']);
        let delimiter: String = if quoted {
            raw.chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect()
        } else {
            raw.to_owned()
        };
        let doc = self.docs.len();
        self.docs.push(Word { parts: Vec::new(), at: word.at });
        self.pending.push(Pending { doc, delimiter, quoted, strip_tabs });
        Ok(RedirectKind::HereDoc(doc))
    }
}

/// `export`, `local` … take `name=(…)` as an argument.
fn takes_assignments(words: &[Word]) -> bool {
    words
        .first()
        .and_then(Word::bare)
        .is_some_and(|name| matches!(name, "export" | "local" | "declare" | "typeset" | "readonly"))
}

#[cfg(test)]
mod tests;
