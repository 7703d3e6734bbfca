//! Compound commands: `if`, loops, `case`, groups, functions, `[[ … ]]`.

use std::rc::Rc;

use super::{
    super::ast::{Block, Node, Part, Stmt, Word},
    Parse, Parser,
};

impl Parser<'_> {
    /// A compound command, or `None` where a simple command stands.
    pub(super) fn compound(&mut self) -> Parse<Option<Node>> {
        let node = match self.peek() {
            b'(' => self.parenthesis()?,
            b'{' if self.at_reserved("{") => {
                self.pos += 1;
                let body = self.block(&["}"])?;
                self.pos += 1;
                Node::Group(body)
            }
            b'[' if self.at_reserved("[[") => self.double_brackets()?,
            b'i' if self.at_reserved("if") => self.if_clause()?,
            b'w' if self.at_reserved("while") => self.while_clause(5)?,
            b'u' if self.at_reserved("until") => self.while_clause(5)?,
            b'f' if self.at_reserved("for") => self.for_clause(3)?,
            b's' if self.at_reserved("select") => self.for_clause(6)?,
            b'c' if self.at_reserved("case") => self.case_clause()?,
            b'f' if self.at_reserved("function") => self.function_keyword()?,
            _ if ["then", "elif", "else", "fi", "do", "done", "esac", "}"]
                .iter()
                .any(|word| self.at_reserved(word)) =>
            {
                return self.fail("unexpected reserved word");
            }
            _ => return Ok(None),
        };
        Ok(Some(node))
    }

    fn parenthesis(&mut self) -> Parse<Node> {
        if self.starts_with("((")
            && let Some(length) = self.arithmetic_length(self.pos + 2)
        {
            self.pos += 2 + length + 2;
            return Ok(Node::Arithmetic);
        }
        self.pos += 1;
        let body = self.block(&[")"])?;
        self.pos += 1;
        Ok(Node::Subshell(body))
    }

    /// Length of an arithmetic text from `start` up to its `))`; `None` where the brackets are two subshells.
    pub(super) fn arithmetic_length(&self, start: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (offset, byte) in self.bytes[start..self.end].iter().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b')' => {
                    let closes = self.bytes[..self.end].get(start + offset + 1) == Some(&b')');
                    return closes.then_some(offset);
                }
                _ => {}
            }
        }
        None
    }

    fn if_clause(&mut self) -> Parse<Node> {
        let mut arms = Vec::new();
        self.pos += 2;
        loop {
            let condition = self.block(&["then"])?;
            self.pos += 4;
            let body = self.block(&["elif", "else", "fi"])?;
            arms.push((condition, body));
            if self.at_reserved("elif") {
                self.pos += 4;
                continue;
            }
            let otherwise = if self.at_reserved("else") {
                self.pos += 4;
                Some(self.block(&["fi"])?)
            } else {
                None
            };
            self.pos += 2;
            return Ok(Node::If { arms, otherwise });
        }
    }

    fn while_clause(&mut self, keyword: usize) -> Parse<Node> {
        self.pos += keyword;
        let condition = self.block(&["do"])?;
        let body = self.do_group()?;
        Ok(Node::While { condition, body })
    }

    fn do_group(&mut self) -> Parse<Block> {
        self.expect_reserved("do", "`do` expected")?;
        let body = self.block(&["done"])?;
        self.pos += 4;
        Ok(body)
    }

    fn for_clause(&mut self, keyword: usize) -> Parse<Node> {
        self.pos += keyword;
        self.skip_blanks();
        if self.starts_with("((") {
            let Some(length) = self.arithmetic_length(self.pos + 2) else {
                return self.fail("unclosed `for ((`");
            };
            self.pos += 2 + length + 2;
            let body = self.loop_body()?;
            return Ok(Node::For { variable: String::new(), words: Some(Vec::new()), body });
        }
        let variable = self.name();
        self.skip_newlines()?;
        let words = if self.at_reserved("in") {
            self.pos += 2;
            Some(self.words_until_terminator()?)
        } else {
            None
        };
        let body = self.loop_body()?;
        Ok(Node::For { variable, words, body })
    }

    fn loop_body(&mut self) -> Parse<Block> {
        self.skip_separators()?;
        if self.at_reserved("{") {
            self.pos += 1;
            let body = self.block(&["}"])?;
            self.pos += 1;
            return Ok(body);
        }
        self.do_group()
    }

    fn words_until_terminator(&mut self) -> Parse<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.skip_blanks();
            if self.pos >= self.end || self.at_terminator() {
                return Ok(words);
            }
            let start = self.pos;
            words.push(self.word()?);
            if self.pos == start {
                return self.fail("unexpected token");
            }
        }
    }

    fn case_clause(&mut self) -> Parse<Node> {
        self.pos += 4;
        self.skip_blanks();
        let subject = self.word()?;
        self.expect_reserved("in", "`in` expected")?;
        let mut arms = Vec::new();
        loop {
            self.skip_separators()?;
            if self.at_reserved("esac") {
                self.pos += 4;
                return Ok(Node::Case { subject, arms });
            }
            if self.pos >= self.end {
                return self.fail("unclosed `case`");
            }
            let patterns = self.case_patterns()?;
            let body = self.block(&[";;", ";&", "esac"])?;
            let _ended = self.eat(";;&") || self.eat(";;") || self.eat(";&");
            arms.push((patterns, body));
        }
    }

    fn case_patterns(&mut self) -> Parse<Vec<Word>> {
        self.skip_blanks();
        let _opened = self.eat("(");
        let mut patterns = Vec::new();
        loop {
            self.skip_blanks();
            let start = self.pos;
            patterns.push(self.word()?);
            self.skip_blanks();
            if self.eat(")") {
                return Ok(patterns);
            }
            if !self.eat("|") || self.pos == start {
                return self.fail("`)` expected after a case pattern");
            }
        }
    }

    fn function_keyword(&mut self) -> Parse<Node> {
        self.pos += 8;
        self.skip_blanks();
        let name = self.word()?;
        self.skip_blanks();
        if self.eat("(") {
            self.skip_blanks();
            let _closed = self.eat(")");
        }
        self.function_body(&name)
    }

    /// Whether `( )` stands here.
    pub(super) fn peek_function_parens(&self) -> bool {
        let rest = self.text[self.pos..self.end].trim_start_matches([' ', '\t']);
        rest.strip_prefix('(').is_some_and(|rest| rest.trim_start_matches(' ').starts_with(')'))
    }

    pub(super) fn function_after(&mut self, name: Word, at: usize) -> Parse<Stmt> {
        while self.peek() != b')' {
            self.pos += 1;
        }
        self.pos += 1;
        let node = self.function_body(&name)?;
        Ok(Stmt { node, redirects: Vec::new(), at })
    }

    fn function_body(&mut self, name: &Word) -> Parse<Node> {
        self.skip_newlines()?;
        let body = Rc::new(self.nested(Self::command)?);
        Ok(Node::Function { name: name.bare().unwrap_or_default().to_owned(), body })
    }

    fn double_brackets(&mut self) -> Parse<Node> {
        self.pos += 2;
        let mut words = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.pos >= self.end {
                return self.fail("unclosed `[[`");
            }
            if self.at_reserved("]]") {
                self.pos += 2;
                return Ok(Node::Test(words));
            }
            let start = self.pos;
            let operator = ["&&", "||", "(", ")", "<", ">"]
                .into_iter()
                .find(|operator| self.starts_with(operator));
            if let Some(operator) = operator {
                self.pos += operator.len();
                words.push(literal(operator, start));
                continue;
            }
            let after_match = words.last().and_then(Word::bare) == Some("=~");
            words.push(if after_match { self.regex()? } else { self.word()? });
            if self.pos == start {
                return self.fail("unexpected token in `[[`");
            }
        }
    }

    /// A pattern of `=~`: ends at a blank outside of brackets and quotes.
    fn regex(&mut self) -> Parse<Word> {
        let start = self.pos;
        let mut depth = 0usize;
        while self.pos < self.end {
            match self.peek() {
                b' ' | b'\t' | b'\n' if depth == 0 => break,
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                b'\\' => self.pos += 1,
                b'\'' | b'"' | b'$' => {
                    // Quotes and expansions have the rules of a word.
                    let _part = self.word_piece()?;
                    continue;
                }
                _ => {}
            }
            self.pos += 1;
        }
        self.pos = self.pos.min(self.end);
        while !self.text.is_char_boundary(self.pos) {
            self.pos += 1;
        }
        Ok(literal(&self.text[start..self.pos], start))
    }
}

fn literal(text: &str, at: usize) -> Word {
    Word { parts: vec![Part::Literal { text: text.to_owned(), at, quoted: false }], at }
}
