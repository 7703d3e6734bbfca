//! Words → values.

use std::rc::Rc;

use super::{
    ast::{Expansion, Operator, Part, Word},
    pattern,
};
use crate::ci::shell::{
    machine::{Frame, Machine, expand_braces, predefined},
    value::{Text, Unknown, Value, has_marks},
    world::{CHECKOUT, HOME, OUTPUT_FILE},
};

const MAX_WORDS: usize = 50_000;

impl Machine<'_, '_> {
    /// An argument list, split as the shell does.
    pub(in crate::ci::shell) fn words(&mut self, frame: &mut Frame, words: &[Word]) -> Vec<Value> {
        let mut argv = Vec::new();
        for word in words {
            if argv.len() > MAX_WORDS {
                break;
            }
            self.split_word(frame, word, &mut argv);
        }
        argv
    }

    fn split_word(&mut self, frame: &mut Frame, word: &Word, argv: &mut Vec<Value>) {
        if let Some(list) = self.list_word(frame, word) {
            argv.extend(list);
            return;
        }
        let split = word.parts.iter().any(|part| {
            matches!(
                part,
                Part::Parameter { quoted: false, .. } | Part::Command { quoted: false, .. }
            )
        });
        let value = self.single(frame, word);
        if !split {
            match braces(word, &value) {
                Some(expanded) => argv.extend(expanded),
                None => argv.push(value),
            }
            return;
        }
        // A value with quoted blanks in it is split too; only unquoted ones should be. Rare, and harmless.
        let quoted_blank = word.parts.iter().any(
            |part| matches!(part, Part::Literal { text, quoted: true, .. } if text.contains(char::is_whitespace)),
        );
        match value.texts.as_slice() {
            [text] if !quoted_blank => {
                for piece in text.s.split_whitespace() {
                    let text = Text {
                        s: piece.to_owned(),
                        lines: text.lines.first().copied().into_iter().collect(),
                        file: text.file.clone(),
                    };
                    argv.push(Value { texts: vec![text], flows: value.flows.clone() });
                }
            }
            _ if value.is_empty() && !quoted_blank => {}
            _ => argv.push(value),
        }
    }

    /// `$@`, `${list[@]}`: one word each.
    fn list_word(&mut self, frame: &Frame, word: &Word) -> Option<Vec<Value>> {
        let [Part::Parameter { expansion, .. }] = word.parts.as_slice() else { return None };
        if !matches!(expansion.operator, Operator::None | Operator::Alternative) {
            return None;
        }
        if matches!(expansion.name.as_str(), "@" | "*") {
            return Some(frame.args.iter().skip(1).cloned().collect());
        }
        // `${list[@]+"${list[@]}"}` is the list, too.
        let whole = matches!(expansion.index.as_deref(), Some("@" | "*"));
        let variable = frame.vars.get(&expansion.name).filter(|_| whole)?;
        Some(variable.values.clone())
    }

    /// One value, as in an assignment.
    pub(in crate::ci::shell) fn single(&mut self, frame: &mut Frame, word: &Word) -> Value {
        let mut value = Value::default();
        for (number, part) in word.parts.iter().enumerate() {
            let part = self.part(frame, part, number == 0, word.at);
            value.append(&part);
        }
        if value.texts.is_empty() {
            value.texts.push(Text::new(""));
        }
        self.spend_bytes(value.texts.iter().map(|text| text.s.len()).sum());
        value
    }

    fn part(&mut self, frame: &mut Frame, part: &Part, first: bool, at: usize) -> Value {
        match part {
            Part::Literal { text, at, quoted } => literal(frame, text, *at, first && !quoted),
            Part::Parameter { expansion, .. } => {
                let mut value = self.expansion(frame, expansion);
                if first {
                    anchor(frame, &mut value, at);
                }
                value
            }
            Part::Command { body, .. } => {
                let body = Rc::clone(body);
                let cwd = frame.cwd.clone();
                let effect = self.deeper(frame, at, |machine, frame| machine.block(frame, &body));
                frame.cwd = cwd;
                if effect.out.texts.is_empty() {
                    return self.unknown("$(…)");
                }
                let mut value = effect.out;
                for text in &mut value.texts {
                    text.s.truncate(text.s.trim_end_matches('\n').len());
                }
                if first {
                    anchor(frame, &mut value, at);
                }
                value
            }
            Part::Process { body, input } => self.process(frame, body, *input, at),
            Part::Arithmetic => self.unknown("$((…))"),
        }
    }

    fn process(
        &mut self,
        frame: &mut Frame,
        body: &Rc<Vec<super::ast::Stmt>>,
        input: bool,
        at: usize,
    ) -> Value {
        let body = Rc::clone(body);
        let cwd = frame.cwd.clone();
        let stdin = std::mem::take(&mut frame.stdin);
        let effect = self.deeper(frame, at, |machine, frame| machine.block(frame, &body));
        frame.cwd = cwd;
        frame.stdin = stdin;
        let content = if input { effect.out } else { Value::default() };
        let unknown = Unknown {
            shown: Rc::from("<(…)"),
            content: Some(Rc::new(content)),
            ..Unknown::default()
        };
        self.world.unknowns.value(unknown)
    }

    pub(in crate::ci::shell) fn unknown(&mut self, shown: &str) -> Value {
        Value::plain(self.world.unknowns.named(shown))
    }

    /// The value of a variable; `None` where nothing sets it.
    pub(in crate::ci::shell) fn variable(&mut self, frame: &Frame, name: &str) -> Option<Value> {
        match name {
            "@" | "*" => {
                let mut joined = Value::default();
                for (number, value) in frame.args.iter().skip(1).enumerate() {
                    if number > 0 {
                        joined.append(&Value::plain(" "));
                    }
                    joined.append(value);
                }
                return Some(joined);
            }
            "#" | "?" | "$" | "!" | "-" => return Some(self.unknown(&format!("${name}"))),
            _ => {}
        }
        if let Ok(number) = name.parse::<usize>() {
            return frame.args.get(number).cloned();
        }
        match frame.vars.get(name) {
            Some(variable) => variable.values.first().cloned().or_else(|| Some(Value::plain(""))),
            None => predefined(frame, name),
        }
    }

    fn expansion(&mut self, frame: &mut Frame, expansion: &Expansion) -> Value {
        let set = self.variable(frame, &expansion.name);
        let shown = || format!("${{{}}}", expansion.name);
        match expansion.operator {
            Operator::None | Operator::Require => match set {
                Some(_) if matches!(expansion.index.as_deref(), Some("@" | "*")) => {
                    let values = frame
                        .vars
                        .get(&expansion.name)
                        .map(|variable| variable.values.clone())
                        .unwrap_or_default();
                    let mut joined = Value::default();
                    for (number, value) in values.iter().enumerate() {
                        if number > 0 {
                            joined.append(&Value::plain(" "));
                        }
                        joined.append(value);
                    }
                    joined
                }
                Some(value) => match expansion.index.as_deref().and_then(|i| i.parse().ok()) {
                    Some(index) => {
                        let variable = frame.vars.get(&expansion.name);
                        let element: Option<&Value> =
                            variable.and_then(|variable| variable.values.get::<usize>(index));
                        element.cloned().unwrap_or(value)
                    }
                    None => value,
                },
                None if expansion.name.parse::<usize>().is_ok() => Value::plain(""),
                None => self.unknown(&format!("${}", expansion.name)),
            },
            Operator::Default => {
                let argument = expansion.argument.clone();
                match set {
                    Some(value) if !value.is_empty() => {
                        // A value that nothing tells may be empty.
                        if value.texts.iter().all(|text| has_marks(&text.s))
                            && self.world.unknowns.flows(&value).is_empty()
                        {
                            let mut either = value;
                            either.or(&self.single(frame, &argument));
                            return either;
                        }
                        value
                    }
                    _ => self.single(frame, &argument),
                }
            }
            Operator::Alternative => match set {
                Some(value) if value.is_empty() => Value::default(),
                Some(_) => self.single(frame, &expansion.argument.clone()),
                None => Value::default(),
            },
            Operator::TrimPrefix { longest } => {
                self.trimmed(frame, set, expansion, shown, |text, pattern| {
                    pattern::trim_prefix(text, pattern, longest)
                })
            }
            Operator::TrimSuffix { longest } => {
                self.trimmed(frame, set, expansion, shown, |text, pattern| {
                    pattern::trim_suffix(text, pattern, longest)
                })
            }
            Operator::Replace { all } => {
                let argument = self.single(frame, &expansion.argument.clone());
                let Some(value) = set else { return self.unknown(&shown()) };
                let (from, to) = match argument.first().split_once('/') {
                    Some((from, to)) => (from.to_owned(), to.to_owned()),
                    None => (argument.first().to_owned(), String::new()),
                };
                if from.is_empty() || from.contains(['*', '?', '[']) {
                    return self.derived(&value, &shown());
                }
                value.map(
                    |text| {
                        if all { text.replace(&from, &to) } else { text.replacen(&from, &to, 1) }
                    },
                )
            }
            Operator::Length => self.unknown(&shown()),
            Operator::Indirect => {
                let name = set.map(|value| value.first().to_owned()).unwrap_or_default();
                match self.variable(frame, &name) {
                    Some(value) => value,
                    None => self.unknown(&shown()),
                }
            }
            Operator::Other => match set {
                Some(value) => self.derived(&value, &shown()),
                None => self.unknown(&shown()),
            },
        }
    }

    fn trimmed(
        &mut self,
        frame: &mut Frame,
        set: Option<Value>,
        expansion: &Expansion,
        shown: impl Fn() -> String,
        trim: impl Fn(&str, &str) -> String,
    ) -> Value {
        let argument = self.single(frame, &expansion.argument.clone());
        match set {
            Some(value) if value.texts.iter().any(|text| has_marks(&text.s)) => {
                self.derived(&value, &shown())
            }
            Some(value) => value.map(|text| trim(text, argument.first())),
            None => self.unknown(&shown()),
        }
    }

    /// Unknown text made of `value`: its secrets and its fetched bytes stay in it.
    pub(in crate::ci::shell) fn derived(&mut self, value: &Value, shown: &str) -> Value {
        let flows = self.world.unknowns.flows(value);
        let blobs = self.world.unknowns.blobs(value);
        if flows.is_empty() && blobs.is_empty() {
            return self.unknown(shown);
        }
        self.world.unknowns.value(Unknown {
            shown: Rc::from(shown),
            flows,
            blobs,
            ..Unknown::default()
        })
    }

    /// `${{ github.workspace }}` and the like, which decide about paths.
    pub(in crate::ci::shell) fn known_context(expression: &str) -> Option<&'static str> {
        let inner = expression.strip_prefix("${{")?.strip_suffix("}}")?.trim();
        match inner.to_ascii_lowercase().as_str() {
            "github.workspace" => Some(CHECKOUT),
            "runner.temp" | "env.runner_temp" => Some("/home/runner/work/_temp"),
            "env.home" => Some(HOME),
            "env.github_output" => Some(OUTPUT_FILE),
            "github.server_url" => Some("https://github.com"),
            "github.env" => Some(crate::ci::shell::world::ENV_FILE),
            "github.path" => Some(crate::ci::shell::world::PATH_FILE),
            _ => None,
        }
    }
}

fn literal(frame: &Frame, text: &str, at: usize, tilde: bool) -> Value {
    let s = match text.strip_prefix('~') {
        Some(rest) if tilde && (rest.is_empty() || rest.starts_with('/')) => {
            format!("{HOME}{rest}")
        }
        _ => text.to_owned(),
    };
    let mut lines = vec![(0, frame.source.line(at))];
    for (offset, _) in text.match_indices('\n') {
        lines.push((offset + 1, frame.source.line(at + offset + 1)));
    }
    let file = Some(std::sync::Arc::clone(&frame.source.file));
    Value { texts: vec![Text { s, lines, file }], flows: Vec::new() }
}

/// Text without a line of its own stands where it is used.
fn anchor(frame: &Frame, value: &mut Value, at: usize) {
    for text in &mut value.texts {
        if text.lines.is_empty() {
            text.lines.push((0, frame.source.line(at)));
            text.file = Some(std::sync::Arc::clone(&frame.source.file));
        }
    }
}

/// Brace expansion of an unquoted word.
fn braces(word: &Word, value: &Value) -> Option<Vec<Value>> {
    let open = word.parts.iter().any(
        |part| matches!(part, Part::Literal { text, quoted: false, .. } if text.contains('{')),
    );
    let [text] = value.texts.as_slice() else { return None };
    if !open || !text.s.contains(',') {
        return None;
    }
    let expanded = expand_braces(&text.s);
    Some(expanded.into_iter().map(|s| value.map(|_| s.clone())).collect())
}
