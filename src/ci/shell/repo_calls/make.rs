//! Makefiles: targets, prerequisites, variables and recipe lines.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::ci::shell::{
    machine::{Effect, Frame, Machine},
    options::Grammar,
    value::{Text, Value, has_marks},
    world::resolve,
    wrappers::{exported, leading_assignments},
};

const MAX_INCLUDES: usize = 16;
const MAX_EXPANSION: usize = 64 << 10;

#[derive(Debug, Default)]
struct Makefile {
    variables: HashMap<String, String>,
    exports: Vec<String>,
    rules: Vec<Rule>,
    /// Set on the command line, which wins.
    assigned: HashSet<String>,
}

#[derive(Debug)]
struct Rule {
    targets: Vec<String>,
    prerequisites: Vec<String>,
    recipe: Vec<Line>,
    file: Arc<str>,
}

/// One logical line: its physical lines, each with its number.
#[derive(Clone, Debug, Default)]
struct Line(Vec<(String, u32)>);

impl Line {
    fn joined(&self) -> String {
        let parts: Vec<&str> = self.0.iter().map(|(text, _)| text.as_str()).collect();
        parts.join(" ")
    }
}

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Effect {
    const GRAMMAR: Grammar = Grammar {
        short: "CfIoW",
        long: "directory file makefile jobs-limit",
        stop: false,
        single_dash: false,
    };
    let parsed = GRAMMAR.parse(&argv[1..]);
    let mut inner = frame.child();
    for dir in parsed.values(&["C", "directory"]) {
        inner.cwd = machine.path(&inner, dir.first());
    }
    let mut targets = Vec::new();
    let mut assigned = HashMap::new();
    for operand in &parsed.operands {
        let one = [operand.clone()];
        match leading_assignments(&one).0.pop() {
            Some((name, value)) => {
                assigned.insert(name.clone(), value.clone());
                inner.vars.insert(name, exported(value));
            }
            None if operand.first().parse::<u32>().is_err() => {
                targets.push(operand.first().to_owned());
            }
            None => {}
        }
    }
    let names: Vec<String> = match parsed.value(&["f", "file", "makefile"]) {
        Some(file) => vec![file.first().to_owned()],
        None => ["GNUmakefile", "makefile", "Makefile"].map(str::to_owned).into(),
    };
    let assigned_names = assigned.keys().cloned().collect();
    let mut makefile = Makefile { assigned: assigned_names, ..Makefile::default() };
    let paths: Vec<String> = names.iter().map(|name| machine.path(&inner, name)).collect();
    let mut paths = paths.into_iter();
    let Some(path) = paths.find(|path| load(machine, path, &mut makefile, 0)) else {
        return Effect::default();
    };
    for name in &makefile.exports {
        if let Some(text) = makefile.variables.get(name)
            && !inner.vars.contains_key(name)
        {
            let value = Value::plain(makefile.expand(text, None, 0));
            inner.vars.insert(name.clone(), exported(value));
        }
    }
    if targets.is_empty() {
        targets.extend(makefile.default_target());
    }
    let mut build = Build { makefile: &makefile, assigned, done: Vec::new() };
    for target in targets {
        // A recipe may call `make` for another target of the same file, but not for its own.
        if machine.enter(&inner, &format!("{path}:{target}"), argv, at) {
            build.target(machine, &inner, &target, at, 0);
            machine.calls.pop();
        }
    }
    Effect::default()
}

/// Reads a makefile and what it includes.
fn load(machine: &mut Machine<'_, '_>, path: &str, makefile: &mut Makefile, depth: usize) -> bool {
    let Some(value) = machine.repository_text(path) else { return false };
    let Some(text) = value.texts.first() else { return false };
    let file = text.file.clone().unwrap_or_default();
    let mut included = Vec::new();
    let mut open = false;
    for (line, recipe) in logical_lines(&text.s) {
        if recipe && open {
            if let Some(rule) = makefile.rules.last_mut() {
                rule.recipe.push(line);
            }
            continue;
        }
        let joined = line.joined();
        let statement = joined.split(" #").next().unwrap_or(&joined).trim();
        if statement.is_empty() || statement.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.first().copied() {
            Some("include" | "-include" | "sinclude") => {
                included.extend(words[1..].iter().map(|word| makefile.expand(word, None, 0)));
            }
            Some(
                "ifeq" | "ifneq" | "ifdef" | "ifndef" | "else" | "endif" | "define" | "endef"
                | "vpath",
            ) => {}
            Some("export") if !statement.contains('=') => {
                makefile.exports.extend(words[1..].iter().map(|word| (*word).to_owned()));
            }
            _ => open = makefile.statement(statement, &line, &file),
        }
    }
    if depth < MAX_INCLUDES {
        let dir = crate::ci::shell::world::dirname(path).to_owned();
        for name in included.into_iter().take(50) {
            let path = resolve(&dir, &name);
            load(machine, &path, makefile, depth + 1);
        }
    }
    true
}

/// Lines with their continuations; `true` for a line of a recipe.
fn logical_lines(text: &str) -> Vec<(Line, bool)> {
    let mut lines = Vec::new();
    let mut current = Line::default();
    let mut recipe = false;
    for (number, raw) in (1..).zip(text.lines()) {
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        if current.0.is_empty() {
            recipe = raw.starts_with('\t');
        }
        let continued = raw.ends_with('\\');
        let body = if recipe { raw.strip_prefix('\t').unwrap_or(raw) } else { raw };
        // A recipe keeps the backslash: the shell joins the lines.
        let body = if continued && !recipe { &body[..body.len() - 1] } else { body };
        current.0.push((body.to_owned(), number));
        if !continued {
            lines.push((std::mem::take(&mut current), recipe));
        }
    }
    if !current.0.is_empty() {
        lines.push((current, recipe));
    }
    lines
}

impl Makefile {
    /// A variable or a rule; `true` where a recipe may follow.
    fn statement(&mut self, statement: &str, line: &Line, file: &Arc<str>) -> bool {
        let (exports, statement) = match statement.strip_prefix("export ") {
            Some(rest) => (true, rest.trim()),
            None => (false, statement.strip_prefix("override ").unwrap_or(statement)),
        };
        let colon = statement.find(':');
        let equals = statement.find('=');
        let assigns = match (colon, equals) {
            (_, None) => false,
            (None, Some(_)) => true,
            // `X := y`, `X ::= y`; but `target: X = y` belongs to a target.
            (Some(colon), Some(equals)) => {
                equals < colon || statement[colon..].trim_start_matches(':').starts_with('=')
            }
        };
        if assigns {
            let (name, value) = statement.split_once('=').unwrap_or((statement, ""));
            let append = name.ends_with('+');
            let default = name.ends_with('?');
            let name = name.trim_end_matches([':', '?', '+', '!']).trim().to_owned();
            if exports {
                self.exports.push(name.clone());
            }
            let value = value.trim();
            match self.variables.get_mut(&name) {
                Some(before) if append && before.len() < MAX_EXPANSION => {
                    before.push(' ');
                    before.push_str(value);
                }
                Some(_) if default || append => {}
                _ => {
                    self.variables.insert(name, value.to_owned());
                }
            }
            return false;
        }
        let Some(colon) = colon else { return false };
        let (targets, rest) = statement.split_at(colon);
        let rest = rest.trim_start_matches(':');
        let (prerequisites, inline) = match rest.split_once(';') {
            Some((prerequisites, recipe)) => (prerequisites, Some(recipe.trim().to_owned())),
            None => (rest, None),
        };
        if prerequisites.contains('=') {
            return false;
        }
        let words = |text: &str| -> Vec<String> {
            let words = split_words(text).into_iter().filter(|word| *word != "|");
            words
                .flat_map(|word| {
                    let expanded = self.expand(word, None, 0);
                    // A list in a variable is several words; a command is none.
                    if expanded.contains("$(") {
                        vec![expanded]
                    } else {
                        expanded.split_whitespace().map(str::to_owned).collect()
                    }
                })
                .collect()
        };
        let number = line.0.first().map_or(1, |(_, number)| *number);
        let rule = Rule {
            targets: words(targets),
            prerequisites: words(prerequisites),
            recipe: inline.map(|text| Line(vec![(text, number)])).into_iter().collect(),
            file: Arc::clone(file),
        };
        self.rules.push(rule);
        true
    }

    fn default_target(&self) -> Option<String> {
        if let Some(goal) = self.variables.get(".DEFAULT_GOAL") {
            return Some(goal.clone());
        }
        let mut targets = self.rules.iter().flat_map(|rule| &rule.targets);
        targets.find(|target| !target.starts_with('.') && !target.contains('%')).cloned()
    }

    /// Replaces `$(NAME)`; what make does not know is left to the shell.
    fn expand(&self, text: &str, rule: Option<(&Rule, &str)>, depth: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(next) = rest.chars().next() else { break };
            let (name, after) = match next {
                '$' => {
                    out.push('$');
                    rest = &rest[1..];
                    continue;
                }
                '(' | '{' => match closing(rest) {
                    Some(end) => (&rest[1..end], &rest[end + 1..]),
                    None => break,
                },
                other => rest.split_at(other.len_utf8()),
            };
            rest = after;
            if out.len() < MAX_EXPANSION {
                out.push_str(&self.reference(name, rule, depth));
            }
        }
        out.push_str(rest);
        out
    }

    fn reference(&self, name: &str, rule: Option<(&Rule, &str)>, depth: usize) -> String {
        if depth > 16 {
            return String::new();
        }
        match (name, rule) {
            ("@", Some((_, target))) => return target.to_owned(),
            ("<", Some((rule, _))) => {
                return rule.prerequisites.first().cloned().unwrap_or_default();
            }
            ("^" | "+", Some((rule, _))) => return rule.prerequisites.join(" "),
            ("*", Some(_)) => return "$*".to_owned(),
            ("MAKE", _) => return "make".to_owned(),
            ("CURDIR" | "PWD", _) => return "${PWD}".to_owned(),
            ("SHELL", _) if !self.variables.contains_key("SHELL") => return "sh".to_owned(),
            _ => {}
        }
        if let Some((function, rest)) = name.split_once([' ', '\t'])
            && function.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        {
            return self.function(function, rest.trim_start(), rule, depth);
        }
        // `$(NAME:a=b)` keeps the name.
        let plain = name.split(':').next().unwrap_or(name);
        // Set on the command line: it is in the environment of the recipe, too.
        if self.assigned.contains(plain) {
            return format!("${{{plain}}}");
        }
        match self.variables.get(plain) {
            Some(value) => self.expand(value, rule, depth + 1),
            None if crate::ci::shell::wrappers::is_name(plain) => format!("${{{plain}}}"),
            None => String::new(),
        }
    }
}

impl Makefile {
    /// Functions as far as they make recipe text; what only rewrites text gives that text.
    fn function(
        &self,
        function: &str,
        rest: &str,
        rule: Option<(&Rule, &str)>,
        depth: usize,
    ) -> String {
        let arguments = split_arguments(rest);
        let argument = |number: usize| {
            arguments.get(number).map(|text| self.expand(text, rule, depth + 1)).unwrap_or_default()
        };
        match function {
            "shell" => format!("$({})", self.expand(rest, rule, depth + 1)),
            "foreach" => {
                let variable = argument(0);
                let list = argument(1);
                let body = arguments.get(2).copied().unwrap_or_default();
                let item = list.split_whitespace().next().unwrap_or("item");
                let body = body
                    .replace(&format!("$({variable})"), item)
                    .replace(&format!("${{{variable}}}"), item);
                self.expand(&body, rule, depth + 1)
            }
            "if" => argument(1),
            "or" => argument(0),
            "call" => {
                let name = argument(0);
                let mut body = self.variables.get(name.trim()).cloned().unwrap_or_default();
                for number in 1..arguments.len().min(10) {
                    let value = argument(number);
                    body = body
                        .replace(&format!("$({number})"), &value)
                        .replace(&format!("${{{number}}}"), &value);
                }
                self.expand(&body, rule, depth + 1)
            }
            "subst" | "patsubst" | "filter" | "filter-out" | "addprefix" | "addsuffix" | "word" => {
                argument(arguments.len().saturating_sub(1))
            }
            "wildcard" | "strip" | "abspath" | "realpath" | "dir" | "notdir" | "basename"
            | "sort" | "firstword" | "lastword" => argument(0),
            _ => String::new(),
        }
    }
}

/// Words, where a reference with blanks in it is part of one.
fn split_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = None;
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            c if c.is_whitespace() && depth == 0 => {
                words.extend(start.take().map(|start: usize| &text[start..at]));
                continue;
            }
            _ => {}
        }
        start.get_or_insert(at);
    }
    words.extend(start.map(|start| &text[start..]));
    words
}

/// Arguments of a function, split at commas outside of brackets.
fn split_arguments(text: &str) -> Vec<&str> {
    let mut arguments = Vec::new();
    let (mut start, mut depth) = (0, 0usize);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                arguments.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    arguments.push(&text[start..]);
    arguments
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

struct Build<'m> {
    makefile: &'m Makefile,
    assigned: HashMap<String, Value>,
    done: Vec<String>,
}

impl Build<'_> {
    fn target(
        &mut self,
        machine: &mut Machine<'_, '_>,
        frame: &Frame,
        target: &str,
        at: usize,
        depth: u32,
    ) {
        if depth > 24 || self.done.len() > 2_000 || self.done.iter().any(|done| done == target) {
            return;
        }
        self.done.push(target.to_owned());
        // A recipe that calls make for its own target never ends.
        let key = format!("make {} {target}", frame.cwd);
        if !machine.enter(frame, &key, &[], at) {
            return;
        }
        let makefile = self.makefile;
        let exact =
            makefile.rules.iter().any(|rule| rule.targets.iter().any(|name| name == target));
        for rule in &makefile.rules {
            let stem = rule.targets.iter().find_map(|name| match exact {
                true => (name == target).then_some(""),
                false => stem(name, target),
            });
            let Some(stem) = stem else { continue };
            for prerequisite in &rule.prerequisites {
                let prerequisite = prerequisite.replace('%', stem);
                self.target(machine, frame, &prerequisite, at, depth + 1);
            }
            for line in &rule.recipe {
                self.line(machine, frame, (rule, target), line, at);
            }
        }
        machine.calls.pop();
    }

    fn line(
        &self,
        machine: &mut Machine<'_, '_>,
        frame: &Frame,
        rule: (&Rule, &str),
        line: &Line,
        at: usize,
    ) {
        let mut joined = String::new();
        let mut checked = true;
        for (number, (physical, _)) in line.0.iter().enumerate() {
            if number == 0 {
                let bare = physical.trim_start_matches(['@', '+', '-', ' ', '\t']);
                checked = !physical[..physical.len() - bare.len()].contains('-');
                joined.push_str(bare);
            } else {
                joined.push('\n');
                joined.push(LINE_MARK);
                joined.push_str(physical);
            }
        }
        let expanded = self.makefile.expand(&joined, Some(rule), 0);
        let text = marked_lines(&expanded, line, &rule.0.file);
        let mut inner = frame.clone();
        inner.errexit = checked;
        for (name, value) in &self.assigned {
            inner.vars.insert(name.clone(), exported(value.clone()));
        }
        if !has_marks(&text.s) {
            let value = Value { texts: vec![text], flows: Vec::new() };
            machine.text(&mut inner, &value, at);
        }
    }
}

/// Stands in front of each physical line while references are replaced, so that lines can be told after.
const LINE_MARK: char = '\u{1}';

fn marked_lines(expanded: &str, line: &Line, file: &Arc<str>) -> Text {
    let mut text = Text { file: Some(Arc::clone(file)), ..Text::default() };
    let numbers = line.0.iter().map(|(_, number)| *number);
    for (piece, number) in expanded.split(LINE_MARK).zip(numbers) {
        text.lines.push((text.s.len(), number));
        text.s.push_str(piece);
    }
    text
}

/// What `%` stands for where a pattern rule makes the target.
fn stem<'t>(pattern: &str, target: &'t str) -> Option<&'t str> {
    let (before, after) = pattern.split_once('%')?;
    let stem = target.strip_prefix(before)?.strip_suffix(after)?;
    let any = before.is_empty() && after.is_empty();
    (!any && !stem.is_empty()).then_some(stem)
}
