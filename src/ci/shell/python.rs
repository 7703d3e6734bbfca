//! Python: `python -c`, `shell: python`, scripts. Follows values from requests to `exec` and to subprocesses.

mod effects;

use std::collections::HashMap;

use tree_sitter::Node;

use super::{
    component::Use,
    interpreters::lines_only,
    machine::{Effect, Frame, Machine, Started},
    options::Grammar,
    syntax::{MAX_NESTING, children, parse},
    value::{Text, Value},
};

/// `python [options] (-c TEXT | -m MODULE | FILE | -) arguments`
pub(super) fn start(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Effect {
    const GRAMMAR: Grammar = Grammar { short: "cmWX", long: "", stop: true, single_dash: false };
    let parsed = GRAMMAR.parse(&argv[1..]);
    if let Some(program) = parsed.value(&["c"]).cloned() {
        let mut inner = frame.child();
        if !machine.runs_stream(&inner, &program, argv, at) {
            text(machine, &mut inner, &program, at);
        }
        return machine.passed_through(frame);
    }
    if let Some(module) = parsed.value(&["m"]) {
        let mut rest = vec![module.clone()];
        let after = argv.iter().position(|value| value.first() == module.first());
        rest.extend(argv[after.map_or(argv.len(), |number| number + 1)..].iter().cloned());
        return match module.first() {
            "pip" | "pipx" | "uv" | "tox" | "nox" | "invoke" => machine.command(frame, rest, at),
            _ => machine.passed_through(frame),
        };
    }
    let script = parsed.operands.first().filter(|value| value.first() != "-");
    let content = match script {
        None => Some(frame.stdin.clone()),
        Some(script) => machine.outside_content(frame, script),
    };
    let mut inner = frame.child();
    match content {
        Some(content) => {
            let arguments = parsed.operands.clone();
            let arguments = if arguments.is_empty() { argv.to_vec() } else { arguments };
            if !machine.runs_stream(&inner, &content, &arguments, at) {
                text(machine, &mut inner, &content, at);
            }
        }
        None => machine.repository_python(&mut inner, &parsed.operands, at),
    }
    machine.passed_through(frame)
}

pub(super) fn text(machine: &mut Machine<'_, '_>, frame: &mut Frame, value: &Value, at: usize) {
    let Some(text) = value.texts.first().cloned() else { return };
    if !worth_parsing(&text) {
        return;
    }
    let body = dedent(&text.s);
    let Some(tree) = parse(&tree_sitter_python::LANGUAGE.into(), &body) else {
        machine.unparsed(frame, at, "Python");
        return;
    };
    machine.deeper(frame, at, |machine, frame| {
        let caller = frame.place(at);
        let source = lines_only(frame, value, at);
        let outer = std::mem::replace(&mut frame.source, source);
        frame.via.push(caller);
        machine.tree_gaps(frame, tree.root_node(), &body, "Python");
        let mut program = Program {
            machine,
            frame,
            text: &body,
            names: HashMap::new(),
            files: HashMap::new(),
            depth: 0,
        };
        program.walk(tree.root_node());
        frame.via.pop();
        frame.source = outer;
    });
}

/// Without one of these words a program neither starts another nor leaves anything for later.
fn worth_parsing(text: &Text) -> bool {
    [
        "exec",
        "eval",
        "system",
        "subprocess",
        "popen",
        "spawn",
        "Popen",
        "GITHUB_",
        "urlretrieve",
        "write",
        "runpy",
        "check_",
        "sh.",
    ]
    .iter()
    .any(|word| text.s.contains(word))
}

/// `python -c "\n    code"` is indented as a whole; blanks are kept as long as the text is.
fn dedent(text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if !first.starts_with([' ', '\t']) {
        return text.to_owned();
    }
    // Offsets must stay: a condition around the block makes the indentation right.
    match text.find('\n') {
        Some(at) if at >= 5 || text[..at].trim().is_empty() => {
            let indent: String = first.chars().take_while(|c| c.is_whitespace()).collect();
            let mut out = String::with_capacity(text.len());
            for line in text.split_inclusive('\n') {
                match line.strip_prefix(indent.as_str()) {
                    // Blanks behind the line keep the offsets of the lines after it.
                    Some(rest) => {
                        let (body, end) = match rest.strip_suffix('\n') {
                            Some(body) => (body, "\n"),
                            None => (rest, ""),
                        };
                        out.push_str(body);
                        out.push_str(&indent);
                        out.push_str(end);
                    }
                    None => out.push_str(line),
                }
            }
            out
        }
        _ => text.to_owned(),
    }
}

struct Program<'p, 's, 'a> {
    machine: &'p mut Machine<'s, 'a>,
    frame: &'p mut Frame,
    text: &'p str,
    names: HashMap<String, Value>,
    /// Open files by the name of their variable.
    files: HashMap<String, Value>,
    depth: u32,
}

/// Positional and named arguments of a call.
#[derive(Default)]
struct Arguments<'t> {
    positional: Vec<Node<'t>>,
    named: HashMap<String, Node<'t>>,
}

impl<'t> Program<'_, '_, '_> {
    fn source(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn walk(&mut self, node: Node<'t>) {
        if self.depth > MAX_NESTING || !self.machine.spend(self.frame, node.start_byte()) {
            return;
        }
        self.depth += 1;
        match node.kind() {
            "assignment" => self.assignment(node),
            "with_item" => self.with_item(node),
            "call" => {
                self.value(node);
            }
            _ => {
                for child in children(node) {
                    self.walk(child);
                }
            }
        }
        self.depth -= 1;
    }

    fn assignment(&mut self, node: Node<'t>) {
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return;
        };
        let name = self.source(left).to_owned();
        if let Some(path) = self.opened(right) {
            self.files.insert(name, path);
            return;
        }
        let value = self.value(right);
        if let Some(variable) = name.strip_prefix("os.environ[") {
            let variable = variable.trim_end_matches(']').trim_matches(['"', '\'']);
            self.frame.set(variable, value, true);
            return;
        }
        if self.names.len() < 10_000 {
            self.names.insert(name, value);
        }
    }

    fn with_item(&mut self, node: Node<'t>) {
        let Some(inner) = children(node).into_iter().next() else { return };
        if inner.kind() != "as_pattern" {
            self.walk(inner);
            return;
        }
        let parts = children(inner);
        let (Some(value), Some(target)) = (parts.first(), parts.last()) else { return };
        let name = self.source(*target).to_owned();
        match self.opened(*value) {
            Some(path) => {
                self.files.insert(name, path);
            }
            None => {
                let value = self.value(*value);
                self.names.insert(name, value);
            }
        }
    }

    /// The path of `open(path, …)` or `Path(path)…open()`.
    fn opened(&mut self, node: Node<'t>) -> Option<Value> {
        if node.kind() != "call" {
            return None;
        }
        let function = node.child_by_field_name("function")?;
        let name = self.source(function).to_owned();
        if matches!(name.as_str(), "open" | "io.open" | "Path" | "pathlib.Path") {
            let path = self.arguments(node).positional.first().copied()?;
            return Some(self.value(path));
        }
        (name.ends_with(".open")).then(|| {
            let object = function.child_by_field_name("object")?;
            self.opened(object)
        })?
    }

    fn arguments(&self, call: Node<'t>) -> Arguments<'t> {
        let mut arguments = Arguments::default();
        let Some(list) = call.child_by_field_name("arguments") else { return arguments };
        for argument in children(list) {
            match argument.kind() {
                "keyword_argument" => {
                    let name = argument.child_by_field_name("name");
                    let value = argument.child_by_field_name("value");
                    if let (Some(name), Some(value)) = (name, value) {
                        arguments.named.insert(self.source(name).to_owned(), value);
                    }
                }
                "comment" => {}
                _ => arguments.positional.push(argument),
            }
        }
        arguments
    }

    fn value(&mut self, node: Node<'t>) -> Value {
        if self.depth > MAX_NESTING {
            return self.machine.unknown("…");
        }
        self.depth += 1;
        let value = self.value_inside(node);
        self.depth -= 1;
        value
    }

    fn value_inside(&mut self, node: Node<'t>) -> Value {
        match node.kind() {
            "string" => self.string(node),
            "concatenated_string" => self.joined(node),
            "binary_operator" => {
                let plus = node
                    .child_by_field_name("operator")
                    .is_some_and(|operator| matches!(self.source(operator), "+" | "/"));
                let slash = node
                    .child_by_field_name("operator")
                    .is_some_and(|operator| self.source(operator) == "/");
                if plus && !slash { self.joined(node) } else { self.mixed(node) }
            }
            "identifier" => {
                let name = self.source(node).to_owned();
                match self.names.get(&name).or_else(|| self.files.get(&name)) {
                    Some(value) => value.clone(),
                    None => self.machine.unknown(&name),
                }
            }
            "call" => self.call(node),
            "attribute" => match node.child_by_field_name("object") {
                Some(object) => self.value(object),
                None => Value::default(),
            },
            "subscript" => self.subscript(node),
            "parenthesized_expression" | "await" | "expression_statement" => self.joined(node),
            _ => self.mixed(node),
        }
    }

    fn joined(&mut self, node: Node<'t>) -> Value {
        let mut value = Value::default();
        for child in children(node) {
            let part = self.value(child);
            value.append(&part);
        }
        value
    }

    /// An expression whose text is not known; what is in its parts stays in it.
    fn mixed(&mut self, node: Node<'t>) -> Value {
        let mut all = Value::default();
        for child in children(node) {
            let part = self.value(child);
            all.append(&part);
        }
        let shown: String = self.source(node).chars().take(60).collect();
        self.machine.derived(&all, &shown)
    }

    fn string(&mut self, node: Node<'t>) -> Value {
        let mut value = Value::default();
        for child in children(node) {
            match child.kind() {
                "string_content" => {
                    let line = self.frame.source.line(child.start_byte());
                    let text = self.source(child).replace("\\n", "\n").replace("\\\"", "\"");
                    let mut lines = vec![(0, line)];
                    for (number, (offset, _)) in (1..).zip(text.match_indices('\n')) {
                        // Real newlines only: `\n` stays on its line.
                        if self.source(child).contains('\n') {
                            lines.push((offset + 1, line + number));
                        }
                    }
                    let file = Some(self.frame.source.file.clone());
                    value.append(&Value {
                        texts: vec![Text { s: text, lines, file }],
                        flows: Vec::new(),
                    });
                }
                "interpolation" => {
                    let inside = children(child).into_iter().next();
                    if let Some(inside) = inside {
                        let part = self.value(inside);
                        value.append(&part);
                    }
                }
                _ => {}
            }
        }
        if value.texts.is_empty() {
            value = Value::plain("");
        }
        value
    }

    fn subscript(&mut self, node: Node<'t>) -> Value {
        let parts = children(node);
        let (Some(object), Some(key)) = (parts.first(), parts.get(1)) else {
            return Value::default();
        };
        if matches!(self.source(*object), "os.environ" | "environ") {
            let key = self.value(*key);
            return self.environment(&key);
        }
        self.mixed(node)
    }

    fn environment(&mut self, key: &Value) -> Value {
        let name = key.first().to_owned();
        match self.machine.variable(self.frame, &name) {
            Some(value) => value,
            None => self.machine.unknown(&format!("${name}")),
        }
    }

    fn call(&mut self, node: Node<'t>) -> Value {
        let Some(function) = node.child_by_field_name("function") else { return Value::default() };
        let name = self.source(function).to_owned();
        let arguments = self.arguments(node);
        let method = name.rsplit('.').next().unwrap_or(&name).to_owned();
        let first = arguments.positional.first().copied();
        match method.as_str() {
            "exec" | "eval" if method == name => {
                if let Some(first) = first {
                    let code = self.value(first);
                    self.execute(&code, node.start_byte());
                }
                return Value::default();
            }
            "compile" if method == name => {
                return first.map(|first| self.value(first)).unwrap_or_default();
            }
            "getenv" => {
                return first
                    .map(|key| self.value(key))
                    .map(|key| self.environment(&key))
                    .unwrap_or_default();
            }
            "get" if name.ends_with("environ.get") => {
                return first
                    .map(|key| self.value(key))
                    .map(|key| self.environment(&key))
                    .unwrap_or_default();
            }
            "join" if name.ends_with("path.join") => return self.path_join(&arguments),
            _ => {}
        }
        if let Some(value) = self.fetch(&name, &method, &arguments, node) {
            return value;
        }
        if let Some(value) = self.process(&name, &method, &arguments, node) {
            return value;
        }
        if let Some(value) = self.write(&method, function, &arguments) {
            return value;
        }
        // `x.read().decode()`: still x. Anything else may hold what went in.
        let mut value = match function.child_by_field_name("object") {
            Some(object) if function.kind() == "attribute" => self.value(object),
            _ => Value::default(),
        };
        let passes = matches!(
            method.as_str(),
            "read"
                | "decode"
                | "strip"
                | "encode"
                | "text"
                | "getvalue"
                | "str"
                | "bytes"
                | "Request"
                | "readlines"
                | "splitlines"
                | "Path"
                | "loads"
                | "b64decode"
                | "decompress"
                | "BytesIO"
                | "StringIO"
                | "quote"
        );
        let mut all = Vec::new();
        for argument in arguments.positional.iter().chain(arguments.named.values()) {
            all.push(self.value(*argument));
        }
        if passes {
            if value.texts.is_empty()
                || matches!(method.as_str(), "loads" | "b64decode" | "decompress")
            {
                value = all.into_iter().next().unwrap_or(value);
            }
            return value;
        }
        for argument in &all {
            value.append(argument);
        }
        let shown = format!("{name}(…)");
        self.machine.derived(&value, &shown)
    }

    fn path_join(&mut self, arguments: &Arguments<'t>) -> Value {
        let mut value = Value::default();
        for (number, part) in arguments.positional.iter().enumerate() {
            if number > 0 {
                value.append(&Value::plain("/"));
            }
            let part = self.value(*part);
            value.append(&part);
        }
        value
    }

    fn execute(&mut self, code: &Value, at: usize) {
        let blobs = self.machine.world.unknowns.blobs(code);
        if !blobs.is_empty() {
            let started = Started { frame: self.frame, at, argv: &[], reads_stdin: false };
            self.machine.runs(started, &blobs, Use::Interpreted);
        }
    }
}
