//! Package runners and installs that fetch from outside a lockfile.

use super::{
    component::{self, Use},
    machine::{Effect, Frame, Machine, Started},
    options::{Grammar, Parsed},
    value::{Text, Value},
    world::{What, basename},
};
use crate::ci::model::{Component, Kind};

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    let word = |number: usize| argv.get(number).map_or("", Value::first);
    let from = |number: usize| argv.get(number..).unwrap_or_default();
    let mut run = Run { machine, frame, at };
    let done = match (tool, word(1)) {
        ("npx" | "bunx" | "pnpx", _) => run.node(from(1)),
        ("npm" | "pnpm", "exec" | "x" | "dlx") | ("yarn", "dlx") | ("bun", "x") => {
            run.node(from(2))
        }
        ("npm", "init" | "create" | "innit") | ("yarn" | "pnpm" | "bun", "create") => {
            run.create(from(2))
        }
        ("npm", "install" | "i" | "add") | ("yarn" | "pnpm" | "bun", "add") => {
            run.node_install(from(2))
        }
        ("uvx", _) => run.python_tool(from(1)),
        ("uv", "tool") if word(2) == "run" => run.python_tool(from(3)),
        ("uv", "tool") if word(2) == "install" => run.python_install(from(3)),
        ("pipx", "run") => run.python_tool(from(2)),
        ("pipx", "install") => run.python_install(from(2)),
        ("uv", "pip") if word(2) == "install" => run.pip(from(3)),
        ("pip" | "pip3", "install") => run.pip(from(2)),
        (pip, "install") if pip.starts_with("pip3.") || pip.starts_with("pip2") => run.pip(from(2)),
        ("poetry", "add") => run.pip(from(2)),
        ("go", "run") => run.go_run(from(2)),
        ("go", "install" | "get") => run.go_install(from(2)),
        ("cargo", "install" | "binstall") => run.cargo(word(1), from(2)),
        ("nix", "run" | "build" | "shell") => run.nix(from(2)),
        ("helm", "plugin") | ("asdf", "plugin") => run.plugin(from(2)),
        ("deno", "run") => run.deno(from(2)),
        ("deno", "install") => run.deno(from(2)),
        _ => return None,
    };
    done.then(Effect::default)
}

struct Run<'r, 's, 'a> {
    machine: &'r mut Machine<'s, 'a>,
    frame: &'r mut Frame,
    at: usize,
}

impl Run<'_, '_, '_> {
    fn shown(&self, text: &Text) -> String {
        self.machine.world.unknowns.show(&text.s)
    }

    fn start(&mut self, component: Component, arguments: &[Value], guessed: bool) {
        let blob = self.machine.fetched(self.frame, What::Component(component), self.at, guessed);
        let started =
            Started { frame: self.frame, at: self.at, argv: arguments, reads_stdin: true };
        self.machine.runs(started, &[blob], Use::Started);
    }

    fn install(&mut self, component: Component, program: &str, runs_now: bool) {
        if runs_now {
            self.start(component.clone(), &[], false);
        }
        let blob = self.machine.fetched(self.frame, What::Component(component), self.at, false);
        self.machine.world.install(program, blob);
        // The install itself was mentioned already.
        self.machine.world.fetches[blob.fetch].reported = runs_now;
    }

    fn each(&mut self, spec: &Value, arguments: &[Value], name: impl Fn(&str) -> Component) {
        for text in &spec.texts {
            let component = name(&self.shown(text));
            self.start(component, arguments, spec.texts.len() > 1);
        }
    }

    /// `npx [options] NAME[@VERSION] arguments`
    fn node(&mut self, rest: &[Value]) -> bool {
        const GRAMMAR: Grammar = Grammar {
            short: "pcw",
            long: "package call workspace registry prefix cache userconfig",
            stop: true,
            single_dash: false,
        };
        let parsed = GRAMMAR.parse(rest);
        let packages: Vec<Value> = parsed.values(&["p", "package"]).cloned().collect();
        let arguments = parsed.operands.get(1..).unwrap_or_default();
        if packages.is_empty() {
            match parsed.operands.first() {
                Some(spec) if is_local(spec.first()) => {}
                Some(spec) => self.each(spec, arguments, node_component),
                None => {}
            }
        }
        for spec in &packages {
            self.each(spec, arguments, node_component);
        }
        true
    }

    /// `npm create NAME` runs the package `create-NAME`.
    fn create(&mut self, rest: &[Value]) -> bool {
        let parsed = Grammar { stop: true, ..Grammar::default() }.parse(rest);
        let Some(spec) = parsed.operands.first() else { return false };
        let arguments = parsed.operands.get(1..).unwrap_or_default();
        self.each(spec, arguments, |spec| match spec.strip_prefix('@') {
            None => node_component(&format!("create-{spec}")),
            Some(scoped) => match scoped.split_once('/') {
                Some((scope, name)) => node_component(&format!("@{scope}/create-{name}")),
                None => node_component(&format!("@{scoped}/create")),
            },
        });
        true
    }

    /// Only what no registry serves: a git or tarball URL.
    fn node_install(&mut self, rest: &[Value]) -> bool {
        let mut found = false;
        for spec in operands(rest) {
            let text = spec.first();
            let address = text.split_once('@').map_or(text, |(name, rest)| {
                if name.is_empty() || !rest.contains(['/', ':']) { text } else { rest }
            });
            let outside = ["git+", "git:", "github:", "gitlab:", "https://", "http://", "git@"]
                .iter()
                .any(|prefix| address.starts_with(prefix))
                || is_shorthand(text);
            if outside {
                found = true;
                self.each(&spec, &[], node_component);
            }
        }
        found
    }

    /// `uvx [--from SPEC] NAME`, `pipx run [--spec SPEC] NAME`
    fn python_tool(&mut self, rest: &[Value]) -> bool {
        let parsed = PYTHON_TOOL.parse(rest);
        let spec = parsed.value(&["from", "spec"]).or(parsed.operands.first()).cloned();
        let arguments = parsed.operands.get(1..).unwrap_or_default();
        let extras: Vec<Value> = parsed.values(&["with", "w"]).cloned().collect();
        if let Some(spec) = spec.filter(|spec| !is_local(spec.first())) {
            self.each(&spec, arguments, python_component);
        }
        for extra in extras {
            self.each(&extra, arguments, python_component);
        }
        true
    }

    fn python_install(&mut self, rest: &[Value]) -> bool {
        let parsed = PYTHON_TOOL.parse(rest);
        for spec in parsed.operands.iter().filter(|spec| !is_local(spec.first())) {
            let component = python_component(&self.machine.world.unknowns.show(spec.first()));
            let program = basename(component.name.trim_start_matches("pypi:")).to_owned();
            self.install(component, &program, false);
        }
        true
    }

    /// `pip install` of a URL; names are the lockfile's affair.
    fn pip(&mut self, rest: &[Value]) -> bool {
        let parsed = PIP.parse(rest);
        let editable = parsed.values(&["e", "editable"]);
        let specs: Vec<Value> = parsed.operands.iter().chain(editable).cloned().collect();
        for spec in specs {
            let text = spec.first();
            let url = text.split_once(" @ ").map_or(text, |(_, url)| url);
            if ["git+", "https://", "http://", "hg+", "svn+"]
                .iter()
                .any(|prefix| url.starts_with(prefix))
            {
                self.each(&spec, &[], python_component);
            }
        }
        true
    }

    fn go_run(&mut self, rest: &[Value]) -> bool {
        let parsed = GO.parse(rest);
        if let Some(spec) = parsed.operands.first()
            && is_module(spec.first())
        {
            let arguments = parsed.operands.get(1..).unwrap_or_default();
            self.each(spec, arguments, go_component);
        }
        true
    }

    fn go_install(&mut self, rest: &[Value]) -> bool {
        let parsed = GO.parse(rest);
        for spec in parsed.operands.iter().filter(|spec| is_module(spec.first())) {
            let component = go_component(&self.machine.world.unknowns.show(spec.first()));
            let path = component.name.trim_end_matches("/...");
            let mut program = basename(path);
            // `…/tool/v2` installs `tool`.
            if program.len() > 1 && program.starts_with('v') && program[1..].parse::<u32>().is_ok()
            {
                program = basename(path.strip_suffix(program).unwrap_or(path));
            }
            let program = program.to_owned();
            self.install(component, &program, false);
        }
        true
    }

    fn cargo(&mut self, verb: &str, rest: &[Value]) -> bool {
        const GRAMMAR: Grammar = Grammar {
            short: "jFZ",
            long: "version vers git branch tag rev path root registry index features target target-dir \
            profile bin example jobs config color",
            stop: false,
            single_dash: false,
        };
        let parsed = GRAMMAR.parse(rest);
        if parsed.has(&["path"]) {
            return true;
        }
        let show = |value: &Value, run: &Self| run.machine.world.unknowns.show(value.first());
        if let Some(git) = parsed.value(&["git"]) {
            let reference = parsed.value(&["rev", "tag", "branch"]).map(|value| show(value, self));
            let component = component::repository(&show(git, self), reference.as_deref());
            let program = parsed.operands.first().map_or_else(
                || basename(&component.name).to_owned(),
                |name| name.first().to_owned(),
            );
            self.install(component, &program, true);
            return true;
        }
        let version = parsed.value(&["version", "vers"]).map(|value| show(value, self));
        for spec in &parsed.operands {
            let spec = show(spec, self);
            let (name, inline) = match spec.split_once('@') {
                Some((name, version)) => (name, Some(version)),
                None => (spec.as_str(), None),
            };
            let component =
                component::package(format!("cargo:{name}"), inline.or(version.as_deref()));
            // Build scripts of the crate and of all below it run while it is installed.
            self.install(component, name, verb == "install");
        }
        true
    }

    fn nix(&mut self, rest: &[Value]) -> bool {
        let parsed = Grammar { stop: true, ..Grammar::default() }.parse(rest);
        for spec in parsed.operands.iter().take(1) {
            let text = spec.first();
            let Some(path) = text.strip_prefix("github:") else { continue };
            let path = self.machine.world.unknowns.show(path.split('#').next().unwrap_or(path));
            let parts: Vec<&str> = path.splitn(3, '/').collect();
            if let [owner, repo, reference @ ..] = parts.as_slice() {
                let url = format!("https://github.com/{owner}/{repo}");
                let component = component::repository(&url, reference.first().copied());
                self.start(component, &[], false);
            }
        }
        true
    }

    fn plugin(&mut self, rest: &[Value]) -> bool {
        let adds = rest.first().is_some_and(|verb| matches!(verb.first(), "install" | "add"));
        if !adds {
            return false;
        }
        let grammar = Grammar { long: "version", ..Grammar::default() };
        let parsed = grammar.parse(&rest[1..]);
        let version = parsed.value(&["version"]).map(|value| value.first().to_owned());
        for url in parsed.operands.iter().filter(|value| value.first().contains("://")) {
            let shown = self.machine.world.unknowns.show(url.first());
            let mut component = component::repository(&shown, version.as_deref());
            component.kind = Kind::Plugin;
            self.start(component, &[], false);
        }
        true
    }

    fn deno(&mut self, rest: &[Value]) -> bool {
        let parsed = Grammar { stop: true, ..Grammar::default() }.parse(rest);
        let Some(spec) = parsed.operands.first() else { return false };
        let text = spec.first();
        let arguments = parsed.operands.get(1..).unwrap_or_default();
        if let Some(name) = text.strip_prefix("npm:") {
            self.each(&Value::plain(name), arguments, node_component);
        } else if text.starts_with("jsr:") {
            self.each(spec, arguments, |spec| {
                let (name, version) = split_version(spec);
                component::package(name.to_owned(), version)
            });
        } else {
            return false;
        }
        true
    }
}

const PYTHON_TOOL: Grammar = Grammar {
    short: "pw",
    long: "from spec with python index-url pip-args index env-file suffix",
    stop: true,
    single_dash: false,
};

const PIP: Grammar = Grammar {
    short: "rceitd",
    long: "requirement constraint editable index-url extra-index-url find-links target prefix \
            root python trusted-host no-binary only-binary cache-dir proxy timeout retries",
    stop: false,
    single_dash: false,
};

const GO: Grammar = Grammar {
    short: "oCp",
    long: "tags ldflags gcflags mod modfile exec overlay asmflags buildmode",
    stop: true,
    single_dash: true,
};

fn operands(rest: &[Value]) -> Vec<Value> {
    let parsed: Parsed =
        Grammar { long: "prefix registry workspace", ..Grammar::default() }.parse(rest);
    parsed.operands
}

fn is_local(spec: &str) -> bool {
    spec.starts_with(['.', '/']) && !spec.starts_with("//")
}

/// `owner/repo`, which npm takes from GitHub.
fn is_shorthand(spec: &str) -> bool {
    !spec.starts_with(['@', '.', '/', '~', '-'])
        && spec.matches('/').count() == 1
        && !spec.contains([':', '\\', '$', '*'])
        && !spec.ends_with(".tgz")
        && !spec.ends_with('/')
        && spec.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./#".contains(&byte))
}

/// A module path begins with a host name.
fn is_module(spec: &str) -> bool {
    let host = spec.split('/').next().unwrap_or_default();
    spec.contains('/') && host.contains('.') && !host.starts_with('.') && !spec.ends_with(".go")
}

/// `name@version`, where a leading `@` is a scope.
fn split_version(spec: &str) -> (&str, Option<&str>) {
    match spec.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => (&spec[..at], Some(&spec[at + 1..])),
        None => (spec, None),
    }
}

fn node_component(spec: &str) -> Component {
    let url = spec.strip_prefix("git+").unwrap_or(spec);
    if let Some(path) = spec.strip_prefix("github:") {
        let (path, reference) = path.split_once('#').map_or((path, None), |(p, r)| (p, Some(r)));
        return component::repository(&format!("https://github.com/{path}"), reference);
    }
    if url.contains("://") || url.starts_with("git@") {
        let git = spec.starts_with("git") || url.contains(".git");
        if git {
            let (url, reference) = url.split_once('#').map_or((url, None), |(p, r)| (p, Some(r)));
            return component::repository(url, reference);
        }
        return component::of_url(url, Use::Started);
    }
    if is_shorthand(spec) {
        let (path, reference) = spec.split_once('#').map_or((spec, None), |(p, r)| (p, Some(r)));
        return component::repository(&format!("https://github.com/{path}"), reference);
    }
    let (name, version) = split_version(spec);
    component::package(format!("npm:{name}"), version)
}

fn python_component(spec: &str) -> Component {
    let url = spec.split_once(" @ ").map_or(spec, |(_, url)| url).trim();
    if let Some(git) = url.strip_prefix("git+") {
        let git = git.split('#').next().unwrap_or(git);
        // The user name of `ssh://git@host` is no ref.
        let path = git.find("://").map_or(0, |at| at + 3);
        let slash = git[path..].find('/').map_or(git.len(), |at| path + at);
        let (address, reference) = match git[slash..].rfind('@') {
            Some(at) => (&git[..slash + at], Some(&git[slash + at + 1..])),
            None => (git, None),
        };
        let repository = component::repository(address, reference);
        return Component {
            kind: Kind::Package,
            name: format!("pypi:git+{}", component::clean(address)),
            ..repository
        };
    }
    if url.contains("://") {
        let of_url = component::of_url(url, Use::Started);
        return Component {
            kind: Kind::Package,
            name: format!("pypi:{}", component::clean(url)),
            ..of_url
        };
    }
    let end = spec.find(['=', '<', '>', '~', '!', '@', '[', ' ']).unwrap_or(spec.len());
    let (name, rest) = spec.split_at(end);
    let version = rest.rsplit_once("==").map(|(_, v)| v).or_else(|| rest.strip_prefix('@'));
    component::package(format!("pypi:{}", name.to_lowercase()), version)
}

fn go_component(spec: &str) -> Component {
    let (name, version) = split_version(spec);
    component::package(format!("go:{name}"), version)
}

#[cfg(test)]
mod tests {
    use super::{go_component, node_component, python_component};
    use crate::ci::model::{Kind, Pinned};

    #[test]
    fn specifications_name_packages() {
        let cases = [
            (
                node_component("@scope/x@1.2.3"),
                Kind::Package,
                "npm:@scope/x",
                Some("1.2.3"),
                Pinned::Version,
            ),
            (node_component("x"), Kind::Package, "npm:x", None, Pinned::No),
            (
                node_component("github:o/r#main"),
                Kind::Repository,
                "o/r",
                Some("main"),
                Pinned::Branch,
            ),
            (
                python_component("ruff==0.4.1"),
                Kind::Package,
                "pypi:ruff",
                Some("0.4.1"),
                Pinned::Version,
            ),
            (
                python_component("git+https://github.com/o/r@v1.0#egg=x"),
                Kind::Package,
                "pypi:git+https://github.com/o/r",
                Some("v1.0"),
                Pinned::Tag,
            ),
            (
                go_component("example.com/m@latest"),
                Kind::Package,
                "go:example.com/m",
                Some("latest"),
                Pinned::Tag,
            ),
        ];
        for (component, kind, name, reference, pinned) in cases {
            assert_eq!(
                (
                    component.kind,
                    component.name.as_str(),
                    component.reference.as_deref(),
                    component.pinned
                ),
                (kind, name, reference, pinned)
            );
        }
    }
}
