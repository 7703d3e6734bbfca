//! Cmdlets and programs.

use tree_sitter::Node;

use super::{Script, slashes};
use crate::ci::shell::{
    commands::digest,
    component::Use,
    file_tools,
    machine::Started,
    options::listed,
    syntax::children,
    value::Value,
    world::{Tree, basename, resolve},
};

/// The words of a command: parameters with the argument behind them, and the others.
#[derive(Default)]
struct Words {
    /// In order, as a program would get them.
    argv: Vec<Value>,
    parameters: Vec<(String, Option<Value>)>,
    positional: Vec<Value>,
}

/// Parameters that take no value, so that what follows is positional.
const SWITCHES: &str = "usebasicparsing append force recurse wait passthru nonewwindow noprofile verbose \
            asplaintext nonewline skipcertificatecheck raw nologo usedefaultcredentials confirm \
            resume allowclobber noninteractive whatif asjson disablekeepalive";

impl Words {
    fn parameter(&self, names: &[&str]) -> Option<&Value> {
        let found = self.parameters.iter().find(|(parameter, _)| {
            // An abbreviation is enough.
            names.iter().any(|name| name.starts_with(parameter.as_str()) && parameter.len() > 2)
                || names.contains(&parameter.as_str())
        });
        found.and_then(|(_, value)| value.as_ref())
    }

    fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(parameter, _)| parameter == name)
    }

    fn first(&self, names: &[&str]) -> Option<Value> {
        self.parameter(names).or(self.positional.first()).cloned()
    }
}

impl<'t> Script<'_, '_, '_> {
    pub(super) fn command(&mut self, node: Node<'t>) -> Value {
        let at = node.start_byte();
        let operator = children(node)
            .into_iter()
            .find(|part| part.kind() == "command_invokation_operator")
            .map(|part| self.source(part).trim().to_owned());
        let Some(name) = node.child_by_field_name("command_name") else { return Value::default() };
        let named = self.value(name);
        let mut words = Words::default();
        let mut redirections = Vec::new();
        if let Some(elements) = node.child_by_field_name("command_elements") {
            self.words(elements, &mut words, &mut redirections);
        }
        let out = match operator {
            Some(_) => self.invoke(&named, &words, at),
            None => self.named(&named, &words, at),
        };
        let redirected = !redirections.is_empty();
        for redirection in redirections {
            self.redirect(redirection, &out);
        }
        if redirected { Value::default() } else { out }
    }

    fn words(&mut self, elements: Node<'t>, words: &mut Words, redirections: &mut Vec<Node<'t>>) {
        let mut waiting = false;
        for element in children(elements) {
            match element.kind() {
                "command_argument_sep" => {}
                "redirection" | "redirections" => redirections.push(element),
                "command_parameter" => {
                    let text = self.source(element).to_owned();
                    words.argv.push(Value::plain(text.clone()));
                    let bare =
                        text.trim_start_matches('-').trim_end_matches(':').to_ascii_lowercase();
                    waiting = !listed(SWITCHES, bare.as_str());
                    words.parameters.push((bare, None));
                }
                _ => {
                    let value = self.value(element);
                    words.argv.push(value.clone());
                    match words.parameters.last_mut() {
                        Some((_, slot)) if waiting => *slot = Some(value),
                        _ => words.positional.push(value),
                    }
                    waiting = false;
                }
            }
        }
    }

    /// `& thing`, `. thing`: a program, a script, or a block of fetched code.
    fn invoke(&mut self, named: &Value, words: &Words, at: usize) -> Value {
        let blobs = self.machine.world.unknowns.blobs(named);
        if !blobs.is_empty() {
            let started = Started { frame: self.frame, at, argv: &words.argv, reads_stdin: true };
            self.machine.runs(started, &blobs, Use::Interpreted);
            return Value::default();
        }
        self.named(named, words, at)
    }

    fn named(&mut self, named: &Value, words: &Words, at: usize) -> Value {
        let name = named.first().to_ascii_lowercase();
        let name = name.as_str();
        let real_curl = matches!(name, "curl" | "wget") && looks_like_unix(words);
        match name {
            "invoke-expression" | "iex" => {
                let body = words.first(&["command"]).unwrap_or_else(|| self.frame.stdin.clone());
                let rest = words.positional.get(1..).unwrap_or_default();
                self.execute(&body, rest, at);
                Value::default()
            }
            "invoke-webrequest" | "iwr" | "invoke-restmethod" | "irm" => self.request(words, at),
            "curl" | "wget" if !real_curl => self.request(words, at),
            "start-bitstransfer" => {
                let Some(url) = words.first(&["source"]) else { return Value::default() };
                let target = words.parameter(&["destination"]).or(words.positional.get(1)).cloned();
                self.save(&url, target, at)
            }
            "start-process" | "saps" | "start" => {
                let Some(program) = words.first(&["filepath"]) else { return Value::default() };
                let mut argv = vec![program.map(slashes)];
                argv.extend(words.parameter(&["argumentlist", "args"]).cloned());
                argv.extend(words.positional.iter().skip(1).cloned());
                self.machine.batch_command(self.frame, argv, at).out
            }
            "invoke-command" | "icm" | "foreach-object" | "%" | "where-object" | "?" => {
                self.frame.stdin.clone()
            }
            "write-output" | "echo" | "write-host" | "write" => {
                let mut out = Value::default();
                for (number, word) in words.positional.iter().enumerate() {
                    if number > 0 {
                        out.append(&Value::plain(" "));
                    }
                    out.append(word);
                }
                if name == "write-host" { Value::default() } else { out }
            }
            "out-file" | "set-content" | "add-content" | "tee-object" | "sc" | "ac"
            | "new-item" => self.write(name, words),
            "get-content" | "gc" | "type" | "cat" => {
                let Some(path) = words.first(&["path", "literalpath"]) else {
                    return Value::default();
                };
                self.machine.file_content(self.frame, &path.map(slashes)).unwrap_or_default()
            }
            "get-filehash" => {
                let Some(path) = words.first(&["path", "literalpath"]) else {
                    return Value::default();
                };
                let path = self.machine.path(self.frame, &slashes(path.first()));
                digest(self.machine, vec![path])
            }
            "expand-archive" => {
                let Some(archive) = words.first(&["path", "literalpath"]) else {
                    return Value::default();
                };
                let target =
                    words.parameter(&["destinationpath"]).or(words.positional.get(1)).cloned();
                self.unpack(&archive.map(slashes), target, at);
                Value::default()
            }
            "copy-item" | "move-item" | "copy" | "move" | "cpi" | "mi" | "rename-item" | "ren" => {
                let source = words.first(&["path", "literalpath"]);
                let target =
                    words.parameter(&["destination", "newname"]).or(words.positional.get(1));
                if let (Some(source), Some(target)) = (source, target.cloned()) {
                    self.copy(&source, &target);
                }
                Value::default()
            }
            "set-location" | "sl" | "push-location" | "pushd" | "cd" | "chdir" => {
                if let Some(path) = words.first(&["path", "literalpath"]) {
                    self.frame.cwd = self.machine.path(self.frame, &slashes(path.first()));
                }
                Value::default()
            }
            "join-path" => {
                let mut path = words.first(&["path"]).unwrap_or_default();
                let child = words.parameter(&["childpath"]).or_else(|| words.positional.get(1));
                path.append(&Value::plain("/"));
                if let Some(child) = child {
                    path.append(child);
                }
                path.map(slashes)
            }
            "resolve-path" | "convert-path" | "out-string" | "out-null" | "select-object"
            | "select-string" | "convertfrom-json" => {
                words.positional.first().cloned().unwrap_or_else(|| self.frame.stdin.clone())
            }
            "new-object" | "set-executionpolicy" | "import-module" | "add-type" => Value::default(),
            _ => self.program(named, words, at),
        }
    }

    fn program(&mut self, named: &Value, words: &Words, at: usize) -> Value {
        let mut argv = vec![named.map(slashes)];
        argv.extend(words.argv.iter().cloned());
        if argv[0].first().to_ascii_lowercase().ends_with(".ps1") {
            let path = argv[0].clone();
            match self.machine.outside_content(self.frame, &path) {
                Some(content) => {
                    if !self.machine.runs_stream(self.frame, &content, &argv, at) {
                        super::text(self.machine, self.frame, &content, at);
                    }
                }
                None => {
                    let mut inner = self.frame.child();
                    self.machine.repository_powershell(&mut inner, &argv, at);
                }
            }
            return Value::default();
        }
        self.machine.batch_command(self.frame, argv, at).out
    }

    fn request(&mut self, words: &Words, at: usize) -> Value {
        let Some(url) = words.first(&["uri", "url"]) else { return Value::default() };
        let target = words.parameter(&["outfile", "o"]).cloned();
        self.save(&url, target, at)
    }

    /// Fetches into a file, or into the pipe where there is none.
    fn save(&mut self, url: &Value, target: Option<Value>, at: usize) -> Value {
        let blobs = self.machine.fetch(self.frame, url, at);
        let content = self.machine.world.bytes_of(blobs, "Invoke-WebRequest …");
        match target {
            Some(target) => {
                let target = target.map(slashes);
                self.machine.write_paths(self.frame, &target, &content, false);
                Value::default()
            }
            None => content,
        }
    }

    fn write(&mut self, name: &str, words: &Words) -> Value {
        let path = words.parameter(&["filepath", "path", "literalpath"]).cloned();
        let positional = usize::from(path.is_none());
        let Some(path) = path.or_else(|| words.positional.first().cloned()) else {
            return Value::default();
        };
        let value = words.parameter(&["value", "inputobject"]).or(words.positional.get(positional));
        let mut content = value.cloned().unwrap_or_else(|| self.frame.stdin.clone());
        content.append(&Value::plain("\n"));
        let append = name.starts_with("add") || name == "ac" || words.has("append");
        if name != "new-item" || value.is_some() {
            let path = path.map(slashes);
            let content = single_line(&content);
            self.machine.write_paths(self.frame, &path, &content, append);
        }
        Value::default()
    }

    fn unpack(&mut self, archive: &Value, target: Option<Value>, at: usize) {
        let _ = at;
        let Some(content) = self.machine.file_content(self.frame, archive) else { return };
        let blobs = self.machine.world.unknowns.blobs(&content);
        let dir = match target {
            Some(target) => self.machine.path(self.frame, &slashes(target.first())),
            None => {
                let name = basename(archive.first());
                resolve(&self.frame.cwd, name.strip_suffix(".zip").unwrap_or(name))
            }
        };
        if !blobs.is_empty() {
            let mut hint = self.machine.world.hint(&blobs);
            hint.push_str(&archive.first().to_lowercase());
            self.machine.world.unpack(Tree { dir, blobs, hint, clone: false });
        }
    }

    fn copy(&mut self, source: &Value, target: &Value) {
        let argv = [Value::plain("cp"), source.map(slashes), target.map(slashes)];
        file_tools::run(self.machine, self.frame, "cp", &argv, 0);
    }
}

/// A download keeps its bytes: the newline that PowerShell adds changes nothing.
fn single_line(content: &Value) -> Value {
    let trimmed = content.map(|text| text.trim_end().to_owned());
    let only_mark = trimmed.texts.iter().all(|text| {
        let mut chars = text.s.chars();
        chars.next().is_some_and(crate::ci::shell::value::is_mark) && chars.next().is_none()
    });
    if only_mark { trimmed } else { content.clone() }
}

/// `curl -L -o x`: the program, not the alias of `Invoke-WebRequest`.
fn looks_like_unix(words: &Words) -> bool {
    words.parameters.iter().any(|(name, _)| {
        name.starts_with('-')
            || (name.len() <= 5 && !matches!(name.as_str(), "uri" | "url" | "body" | "o"))
    }) || words.argv.iter().any(|value| {
        value.first().starts_with("--") || value.first() == "-o" || value.first() == "-O"
    })
}
