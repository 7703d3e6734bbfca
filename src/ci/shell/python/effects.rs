//! Calls that reach outside: requests, processes, files.

use tree_sitter::Node;

use super::{Arguments, Program};
use crate::ci::shell::{machine::Effect, syntax::children, value::Value, world::resolve};

impl<'t> Program<'_, '_, '_> {
    pub(super) fn fetch(
        &mut self,
        name: &str,
        method: &str,
        arguments: &Arguments<'t>,
        node: Node<'t>,
    ) -> Option<Value> {
        let saves = matches!(method, "urlretrieve") || name == "wget.download";
        let requests = matches!(method, "get" | "post" | "request" | "urlopen" | "stream");
        if !saves && !requests {
            return None;
        }
        let url = arguments.positional.iter().copied().chain(arguments.named.get("url").copied());
        let urls: Vec<Node<'t>> = url.collect();
        let mut found = None;
        for url in urls {
            let value = self.value(url);
            let looks = value.first().starts_with("http")
                || ["requests.", "httpx.", "urllib", "urlopen"]
                    .iter()
                    .any(|word| name.starts_with(word));
            if looks && !value.is_empty() && !matches!(value.first(), "GET" | "POST") {
                found = Some(value);
                break;
            }
        }
        let url = found?;
        let blobs = self.machine.fetch(self.frame, &url, node.start_byte());
        let content = self.machine.world.bytes_of(blobs, "urlopen(…)");
        if saves {
            let target = arguments.positional.get(1).copied().or_else(|| {
                arguments.named.get("filename").or(arguments.named.get("out")).copied()
            });
            if let Some(target) = target {
                let path = self.value(target);
                self.machine.write_paths(self.frame, &path, &content, false);
            }
        }
        Some(content)
    }

    pub(super) fn process(
        &mut self,
        name: &str,
        method: &str,
        arguments: &Arguments<'t>,
        node: Node<'t>,
    ) -> Option<Value> {
        let runs = matches!(
            name,
            "os.system"
                | "os.popen"
                | "system"
                | "popen"
                | "run"
                | "Popen"
                | "check_call"
                | "check_output"
        ) || name.starts_with("subprocess.")
            || name.starts_with("sp.")
            || name.starts_with("asyncio.create_subprocess");
        let replaces =
            method.starts_with("exec") && name.starts_with("os.") || method.starts_with("spawn");
        let module = method == "run_path" && name.starts_with("runpy");
        if !runs && !replaces && !module {
            return None;
        }
        let first = arguments.positional.first().or(arguments.named.get("args")).copied()?;
        let at = node.start_byte();
        if let Some(input) = arguments.named.get("input").or(arguments.named.get("stdin")).copied()
        {
            self.frame.stdin = self.value(input);
        }
        let mut inner = self.frame.child();
        inner.errexit = false;
        if module {
            let path = self.value(first);
            if let Some(content) = self.machine.outside_content(&inner, &path) {
                self.machine.runs_stream(&inner, &content, &[], at);
            }
            return Some(Value::default());
        }
        let effect = if matches!(first.kind(), "list" | "tuple") || replaces {
            let argv = self.argv(first, arguments, replaces);
            if argv.is_empty() {
                Effect::default()
            } else {
                self.machine.command(&mut inner, argv, at)
            }
        } else {
            let text = self.value(first);
            self.machine.text(&mut inner, &text, at)
        };
        self.frame.stdin = Value::default();
        Some(effect.out)
    }

    fn argv(&mut self, first: Node<'t>, arguments: &Arguments<'t>, replaces: bool) -> Vec<Value> {
        if matches!(first.kind(), "list" | "tuple") {
            return children(first).into_iter().map(|element| self.value(element)).collect();
        }
        let mut argv = vec![self.value(first)];
        if replaces {
            let rest: Vec<Node<'t>> = arguments.positional.iter().skip(1).copied().collect();
            for (number, node) in rest.into_iter().enumerate() {
                let elements: Vec<Node<'t>> =
                    if node.kind() == "list" { children(node) } else { vec![node] };
                for (inner, element) in elements.into_iter().enumerate() {
                    // `argv[0]` is the name again.
                    if number + inner > 0 {
                        argv.push(self.value(element));
                    }
                }
            }
        }
        argv
    }

    pub(super) fn write(
        &mut self,
        method: &str,
        function: Node<'t>,
        arguments: &Arguments<'t>,
    ) -> Option<Value> {
        if method == "print" {
            let file = arguments.named.get("file").copied()?;
            let path = self.files.get(self.source(file)).cloned()?;
            let mut content = Value::default();
            for argument in &arguments.positional {
                let part = self.value(*argument);
                content.append(&part);
            }
            content.append(&Value::plain("\n"));
            self.machine.write_paths(self.frame, &path, &content, true);
            return Some(Value::default());
        }
        if method == "copyfileobj" {
            let [from, to] = arguments.positional.as_slice() else { return None };
            let path = self.files.get(self.source(*to)).cloned()?;
            let content = self.value(*from);
            self.machine.write_paths(self.frame, &path, &content, false);
            return Some(Value::default());
        }
        if !matches!(method, "write" | "writelines" | "write_bytes" | "write_text") {
            return None;
        }
        let object = function.child_by_field_name("object")?;
        let name = self.source(object).to_owned();
        let path = match self.files.get(&name) {
            Some(path) => path.clone(),
            None => self.opened(object)?,
        };
        let content = self.value(arguments.positional.first().copied()?);
        let path = path.map(|text| resolve(&self.frame.cwd, text));
        self.machine.write_paths(self.frame, &path, &content, true);
        Some(Value::default())
    }
}
