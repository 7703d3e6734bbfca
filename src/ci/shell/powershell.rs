//! PowerShell: scripts, `pwsh -Command`. Commands are cmdlets, their aliases, or programs.

mod commands;

use tree_sitter::Node;

use super::{
    component::Use,
    interpreters::lines_only,
    machine::{Effect, Frame, Machine, Started},
    options::listed,
    syntax::{MAX_NESTING, children, parse},
    value::{Text, Value, is_mark},
    verify,
};
use crate::ci::model::Verified;

/// `pwsh [-Command TEXT | -File PATH | -EncodedCommand B64] arguments`
pub(super) fn start(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Effect {
    let mut inner = frame.child();
    let mut rest = argv[1..].iter().enumerate();
    while let Some((number, argument)) = rest.next() {
        let lower = argument.first().to_ascii_lowercase();
        match lower.trim_start_matches(['-', '/']) {
            "command" | "c" => {
                let words = &argv[number + 2..];
                if words.first().is_some_and(|value| value.first() == "-") {
                    let stdin = frame.stdin.clone();
                    if !machine.runs_stream(&inner, &stdin, argv, at) {
                        text(machine, &mut inner, &stdin, at);
                    }
                } else {
                    let command = joined(words);
                    text(machine, &mut inner, &command, at);
                }
                return machine.passed_through(frame);
            }
            "file" | "f" => {
                file(machine, &mut inner, &argv[number + 2..], at);
                return machine.passed_through(frame);
            }
            "executionpolicy" | "ep" | "ex" | "version" | "windowstyle" | "inputformat"
            | "outputformat" | "workingdirectory" | "encodedcommand" | "e" | "ec"
            | "configurationname" => {
                let _value = rest.next();
            }
            _ if lower.starts_with('-') => {}
            _ => {
                let words = &argv[number + 1..];
                let script = lower.ends_with(".ps1")
                    || argument.first().starts_with(is_mark) && words.len() == 1;
                if script {
                    file(machine, &mut inner, words, at);
                } else {
                    let command = joined(words);
                    text(machine, &mut inner, &command, at);
                }
                return machine.passed_through(frame);
            }
        }
    }
    let stdin = frame.stdin.clone();
    if !machine.runs_stream(&inner, &stdin, argv, at) {
        text(machine, &mut inner, &stdin, at);
    }
    machine.passed_through(frame)
}

fn joined(words: &[Value]) -> Value {
    let mut text = Value::default();
    for (number, word) in words.iter().enumerate() {
        if number > 0 {
            text.append(&Value::plain(" "));
        }
        text.append(word);
    }
    text
}

fn file(machine: &mut Machine<'_, '_>, inner: &mut Frame, argv: &[Value], at: usize) {
    let Some(path) = argv.first() else { return };
    let path = path.map(slashes);
    match machine.outside_content(inner, &path) {
        Some(content) => {
            if !machine.runs_stream(inner, &content, argv, at) {
                text(machine, inner, &content, at);
            }
        }
        None => {
            let mut argv = argv.to_vec();
            argv[0] = path;
            machine.repository_powershell(inner, &argv, at);
        }
    }
}

/// `.\a\b` → `./a/b`
fn slashes(path: &str) -> String {
    if path.contains("://") { path.to_owned() } else { path.replace('\\', "/") }
}

pub(super) fn text(machine: &mut Machine<'_, '_>, frame: &mut Frame, value: &Value, at: usize) {
    let Some(text) = value.texts.first().cloned() else { return };
    if text.s.trim().is_empty() {
        return;
    }
    let Some(tree) = parse(&tree_sitter_powershell::LANGUAGE.into(), &text.s) else {
        machine.unparsed(frame, at, "PowerShell");
        return;
    };
    machine.deeper(frame, at, |machine, frame| {
        let caller = frame.place(at);
        let source = lines_only(frame, value, at);
        let outer = std::mem::replace(&mut frame.source, source);
        frame.via.push(caller);
        machine.tree_gaps(frame, tree.root_node(), &text.s, "PowerShell");
        let mut script = Script { machine, frame, text: &text.s, depth: 0 };
        script.run(tree.root_node());
        frame.via.pop();
        frame.source = outer;
    });
}

struct Script<'p, 's, 'a> {
    machine: &'p mut Machine<'s, 'a>,
    frame: &'p mut Frame,
    text: &'p str,
    depth: u32,
}

impl<'t> Script<'_, '_, '_> {
    fn source(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Runs a statement; gives what it writes to the pipe.
    fn run(&mut self, node: Node<'t>) -> Value {
        let node = inner_of(node);
        if self.depth > MAX_NESTING || !self.machine.spend(self.frame, node.start_byte()) {
            return Value::default();
        }
        self.depth += 1;
        let out = match node.kind() {
            "command" => self.command(node),
            "pipeline_chain" => self.pipe(node),
            "assignment_expression" => {
                self.assign(node);
                Value::default()
            }
            "if_statement" => self.condition(node),
            "comment" | "function_name" | "param_block" => Value::default(),
            kind if is_expression(kind) => self.value(node),
            _ => {
                let mut out = Value::default();
                for child in children(node) {
                    let part = self.run(child);
                    out.append(&part);
                }
                out
            }
        };
        self.depth -= 1;
        out
    }

    fn pipe(&mut self, node: Node<'t>) -> Value {
        let outer = std::mem::take(&mut self.frame.stdin);
        let mut out = Value::default();
        for stage in children(node) {
            match stage.kind() {
                "redirections" | "redirection" => {
                    self.redirect(stage, &out);
                    out = Value::default();
                }
                _ => {
                    self.frame.stdin = std::mem::take(&mut out);
                    out = self.run(stage);
                }
            }
        }
        self.frame.stdin = outer;
        out
    }

    fn redirect(&mut self, node: Node<'t>, content: &Value) {
        if node.kind() == "redirections" {
            for child in children(node) {
                self.redirect(child, content);
            }
            return;
        }
        let parts = children(node);
        let operator = parts.first().map(|part| self.source(*part).to_owned()).unwrap_or_default();
        // `2>` and `3>` are other streams.
        if operator.starts_with(|c: char| c.is_ascii_digit() && c != '1') {
            return;
        }
        if let Some(target) = parts.last().filter(|part| part.kind() == "redirected_file_name") {
            let target = *target;
            let path = children(target).last().map(|name| self.value(*name)).unwrap_or_default();
            let mut content = content.clone();
            content.append(&Value::plain("\n"));
            let append = operator.contains(">>");
            self.machine.write_paths(self.frame, &path.map(slashes), &content, append);
        }
    }

    fn assign(&mut self, node: Node<'t>) {
        let parts = children(node);
        let Some(left) = parts.first() else { return };
        let name = self.source(*left).trim().to_owned();
        let value = match node.child_by_field_name("value") {
            Some(value) => self.run(value),
            None => Value::default(),
        };
        let lower = name.to_ascii_lowercase();
        let appends = parts.iter().any(|part| self.source(*part) == "+=");
        let environment = lower.strip_prefix("$env:").map(|_| name[5..].to_owned());
        let exports = environment.is_some();
        let key = environment.unwrap_or_else(|| variable_key(&name));
        let mut value = value;
        if appends && let Some(before) = self.machine.variable(self.frame, &key) {
            let mut joined = before;
            joined.append(&value);
            value = joined;
        }
        self.frame.set(&key, value, exports);
    }

    /// A digest that is compared, with a branch that ends the script.
    fn condition(&mut self, node: Node<'t>) -> Value {
        let mut checks = Vec::new();
        if let Some(condition) = node.child_by_field_name("condition") {
            checks = self.comparison(condition);
            self.run(condition);
        }
        let mut out = Value::default();
        for child in children(node) {
            if Some(child) == node.child_by_field_name("condition") {
                continue;
            }
            let ends = self.source(child).to_ascii_lowercase();
            let part = self.run(child);
            out.append(&part);
            let stops = ["throw", "exit", "write-error"].iter().any(|word| ends.contains(word));
            if child.kind() == "statement_block" && stops {
                for path in std::mem::take(&mut checks) {
                    if let Some(state) = self.machine.world.states.get_mut(&path) {
                        state.verified = state.verified.max(Some(Verified::Checksum));
                    }
                }
            }
        }
        out
    }

    /// Files whose digest is compared with `-ne`.
    fn comparison(&mut self, node: Node<'t>) -> Vec<String> {
        let node = inner_of(node);
        let parts = children(node);
        let operator = parts.iter().position(|part| part.kind() == "comparison_operator");
        let Some(operator) = operator else {
            // `!($hash -eq $expected)` and the like are rare.
            return parts.first().map(|first| self.comparison(*first)).unwrap_or_default();
        };
        let name = self.source(parts[operator]).to_ascii_lowercase();
        if !matches!(name.trim(), "-ne" | "-cne" | "-ine") || operator == 0 {
            return Vec::new();
        }
        let left = self.value(parts[operator - 1]);
        let right = parts.get(operator + 1).map(|part| self.value(*part)).unwrap_or_default();
        verify::compared(self.machine, &left, &right)
    }

    fn value(&mut self, node: Node<'t>) -> Value {
        let node = inner_of(node);
        if self.depth > MAX_NESTING {
            return self.machine.unknown("…");
        }
        self.depth += 1;
        let value = match node.kind() {
            "verbatim_string_characters" => {
                let text = self.source(node).trim_matches('\'').replace("''", "'");
                self.literal(text, node.start_byte() + 1)
            }
            "verbatim_here_string_characters" => self.here_string(node),
            "expandable_string_literal" | "expandable_here_string_literal" => self.expandable(node),
            "string_literal" => self.all(node),
            "variable" | "braced_variable" => {
                let name = self.source(node).to_owned();
                self.variable(&name)
            }
            "generic_token"
            | "command_name"
            | "simple_name"
            | "decimal_integer_literal"
            | "path_command_name" => {
                let text = self.source(node).to_owned();
                self.literal(text, node.start_byte())
            }
            "parenthesized_expression" | "sub_expression" | "array_expression" => {
                let mut out = Value::default();
                for child in children(node) {
                    let part = self.run(child);
                    out.append(&part);
                }
                out
            }
            "invokation_expression" => self.call(node),
            "member_access" | "element_access" | "cast_expression" => {
                let index = usize::from(node.kind() == "cast_expression");
                children(node).get(index).map(|object| self.value(*object)).unwrap_or_default()
            }
            "additive_expression" | "additive_argument_expression" => self.all(node),
            "script_block_expression" | "script_block" => {
                self.run_children(node);
                Value::default()
            }
            "command" | "pipeline" | "pipeline_chain" | "assignment_expression" => self.run(node),
            _ => {
                let all = self.all(node);
                let shown: String = self.source(node).chars().take(60).collect();
                self.machine.derived(&all, &shown)
            }
        };
        self.depth -= 1;
        value
    }

    fn run_children(&mut self, node: Node<'t>) {
        for child in children(node) {
            self.run(child);
        }
    }

    fn all(&mut self, node: Node<'t>) -> Value {
        let mut all = Value::default();
        for child in children(node) {
            let part = self.value(child);
            all.append(&part);
        }
        all
    }

    fn literal(&self, s: String, at: usize) -> Value {
        let mut lines = vec![(0, self.frame.source.line(at))];
        for (offset, _) in s.match_indices('\n') {
            lines.push((offset + 1, self.frame.source.line(at + offset + 1)));
        }
        let file = Some(self.frame.source.file.clone());
        Value { texts: vec![Text { s, lines, file }], flows: Vec::new() }
    }

    fn here_string(&mut self, node: Node<'t>) -> Value {
        let text = self.source(node);
        let text = text.trim_start_matches("@'").trim_end_matches("'@").trim_matches(['\r', '\n']);
        let text = text.to_owned();
        self.literal(text, node.start_byte() + 3)
    }

    /// A string with `$name` and `$( … )` in it.
    fn expandable(&mut self, node: Node<'t>) -> Value {
        let here = node.kind() == "expandable_here_string_literal";
        let edge = if here { 2 } else { 1 };
        let (mut from, end) = (node.start_byte() + edge, node.end_byte().saturating_sub(edge));
        let mut value = Value::plain("");
        for child in children(node) {
            if !matches!(child.kind(), "variable" | "braced_variable" | "sub_expression") {
                continue;
            }
            self.piece(from, child.start_byte(), &mut value);
            let part = self.value(child);
            value.append(&part);
            from = child.end_byte();
        }
        self.piece(from, end, &mut value);
        value
    }

    fn piece(&self, from: usize, to: usize, value: &mut Value) {
        if let Some(text) = self.text.get(from..to).filter(|text| !text.is_empty()) {
            let text =
                text.replace("`n", "\n").replace("`\"", "\"").replace("`$", "$").replace("``", "`");
            value.append(&self.literal(text, from));
        }
    }

    fn variable(&mut self, name: &str) -> Value {
        let bare = name.trim_start_matches(['$', '@']).trim_matches(['{', '}']);
        let lower = bare.to_ascii_lowercase();
        if let Some(environment) = lower.strip_prefix("env:") {
            let name = &bare[bare.len() - environment.len()..];
            let known = match environment {
                "temp" | "tmp" => Some(Value::plain("/tmp")),
                "userprofile" => Some(Value::plain(super::world::HOME)),
                _ => self.environment(name),
            };
            return known.unwrap_or_else(|| self.machine.unknown(&format!("${name}")));
        }
        match lower.as_str() {
            "pwd" => return Value::plain(self.frame.cwd.clone()),
            "home" => return Value::plain(super::world::HOME),
            "_" | "input" => return self.frame.stdin.clone(),
            "psscriptroot" => {
                let file = self.frame.source.file.clone();
                let dir = super::world::dirname(&file);
                return Value::plain(format!("{}/{dir}", super::world::CHECKOUT));
            }
            _ => {}
        }
        match self.machine.variable(self.frame, &variable_key(name)) {
            Some(value) => value,
            None => self.machine.unknown(&format!("${bare}")),
        }
    }

    /// Names of environment variables have no case on Windows.
    fn environment(&mut self, name: &str) -> Option<Value> {
        if let Some(value) = self.machine.variable(self.frame, name) {
            return Some(value);
        }
        let known = self.frame.vars.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
        let known = known.unwrap_or_else(|| name.to_ascii_uppercase());
        self.machine.variable(self.frame, &known)
    }

    /// `object.Method(arguments)`, `[Type]::Method(arguments)`
    fn call(&mut self, node: Node<'t>) -> Value {
        let parts = children(node);
        let Some(object) = parts.first().copied() else { return Value::default() };
        let method = parts
            .iter()
            .find(|part| part.kind() == "member_name")
            .map(|part| self.source(*part).to_ascii_lowercase())
            .unwrap_or_default();
        let list = parts.iter().find(|part| part.kind() == "argument_list").copied();
        let mut arguments = Vec::new();
        if let Some(list) = list.and_then(|list| children(list).into_iter().next()) {
            for argument in children(list) {
                arguments.push(self.value(argument));
            }
        }
        let at = node.start_byte();
        let is_type = object.kind() == "type_literal";
        match (method.as_str(), arguments.as_slice()) {
            (
                "downloadstring" | "downloaddata" | "getstringasync" | "getstringasync().result",
                [url, ..],
            ) => {
                let blobs = self.machine.fetch(self.frame, url, at);
                return self.machine.world.bytes_of(blobs, "DownloadString(…)");
            }
            ("downloadfile" | "downloadfiletaskasync", [url, path, ..]) => {
                let blobs = self.machine.fetch(self.frame, url, at);
                let content = self.machine.world.bytes_of(blobs, "DownloadFile(…)");
                self.machine.write_paths(self.frame, &path.map(slashes), &content, false);
                return Value::default();
            }
            ("create", [body]) if is_type => return body.clone(),
            ("invoke" | "invokereturnasis" | "invokescript", _) => {
                let body = if method == "invokescript" {
                    arguments.first().cloned().unwrap_or_default()
                } else {
                    self.value(object)
                };
                self.execute(&body, &arguments, at);
                return Value::default();
            }
            ("start", [program, rest @ ..]) if is_type => {
                let mut argv = vec![program.map(slashes)];
                argv.extend(rest.iter().cloned());
                return self.machine.batch_command(self.frame, argv, at).out;
            }
            ("writealltext" | "writeallbytes" | "appendalltext", [path, content, ..]) => {
                let append = method == "appendalltext";
                self.machine.write_paths(self.frame, &path.map(slashes), content, append);
                return Value::default();
            }
            ("readalltext", [path, ..]) => {
                let path = path.map(slashes);
                return self.machine.file_content(self.frame, &path).unwrap_or_default();
            }
            ("combine", _) if is_type => {
                let mut path = Value::default();
                for (number, part) in arguments.iter().enumerate() {
                    if number > 0 {
                        path.append(&Value::plain("/"));
                    }
                    path.append(part);
                }
                return path;
            }
            ("getenvironmentvariable", [name, ..]) => {
                let name = name.first().to_owned();
                return match self.environment(&name) {
                    Some(value) => value,
                    None => self.machine.unknown(&format!("${name}")),
                };
            }
            ("setenvironmentvariable", [name, value, ..]) => {
                self.frame.set(name.first(), value.clone(), true);
                return Value::default();
            }
            _ => {}
        }
        let mut all = if is_type { Value::default() } else { self.value(object) };
        if matches!(
            method.as_str(),
            "tolower" | "toupper" | "trim" | "tostring" | "getstring" | "frombase64string"
        ) {
            return if all.texts.is_empty() {
                arguments.into_iter().next().unwrap_or_default()
            } else {
                all
            };
        }
        for argument in &arguments {
            all.append(argument);
        }
        let shown: String = self.source(node).chars().take(60).collect();
        self.machine.derived(&all, &shown)
    }

    /// Runs text as PowerShell, in this process.
    fn execute(&mut self, body: &Value, arguments: &[Value], at: usize) {
        // `iex "& { $(irm URL) } -Token $t"`: the fetched text stands inside.
        let blobs = self.machine.world.unknowns.blobs(body);
        if !blobs.is_empty() {
            let mut argv = arguments.to_vec();
            argv.push(body.clone());
            let started = Started { frame: self.frame, at, argv: &argv, reads_stdin: false };
            self.machine.runs(started, &blobs, Use::Interpreted);
            return;
        }
        text(self.machine, self.frame, body, at);
    }
}

/// Goes down through nodes that only wrap one other.
fn inner_of(mut node: Node<'_>) -> Node<'_> {
    const WRAPPERS: &str = "logical_expression bitwise_expression comparison_expression additive_expression \
            multiplicative_expression format_expression range_expression \
            array_literal_expression unary_expression string_literal argument_expression \
            logical_argument_expression bitwise_argument_expression \
            comparison_argument_expression additive_argument_expression \
            multiplicative_argument_expression format_argument_expression \
            range_argument_expression pipeline pipeline_chain statement_list command_name_expr \
            expression_with_unary_operator script_block_body integer_literal primary_expression \
            program statement_block script_block";
    while node.named_child_count() == 1 && listed(WRAPPERS, node.kind()) {
        match node.named_child(0) {
            Some(child) if child.byte_range() == node.byte_range() || is_block(node.kind()) => {
                node = child
            }
            _ => break,
        }
    }
    node
}

fn is_block(kind: &str) -> bool {
    matches!(
        kind,
        "statement_block" | "script_block" | "script_block_body" | "statement_list" | "program"
    )
}

fn is_expression(kind: &str) -> bool {
    kind.ends_with("_expression")
        && kind != "assignment_expression"
        && kind != "script_block_expression"
        || matches!(
            kind,
            "member_access"
                | "element_access"
                | "variable"
                | "string_literal"
                | "verbatim_string_characters"
                | "expandable_string_literal"
                | "expandable_here_string_literal"
                | "verbatim_here_string_characters"
        )
}

/// Variables have no case; they do not mix with the environment.
fn variable_key(name: &str) -> String {
    let bare = name.trim_start_matches(['$', '@']).trim_matches(['{', '}']);
    let bare = bare.rsplit(':').next().unwrap_or(bare);
    format!("${}", bare.to_ascii_lowercase())
}
