//! Commands that install what a manifest, a lock file or their arguments name.
//!
//! They are noted beside the mentions: which packages they take is asked later, and only for the packages
//! that somebody looks for (`ci::lock`).

use std::sync::Arc;

use super::{
    machine::{Frame, Machine},
    options::{Grammar, Parsed, listed},
    value::{Value, has_marks},
};
use crate::ci::model::{Install, Manager};

/// A script with more of them is no script.
const MOST: usize = 1_000;

const GRAMMAR: Grammar = Grammar {
    short: "",
    long: "prefix dir cwd directory project working-dir manifest-path gemfile requirement constraint \
           editable workspace filter registry index-url extra-index-url find-links target python group \
           extra with only-binary no-binary features package version vers git branch tag rev path root \
           bin example profile target-dir jobs color config index cache userconfig loglevel log-level \
           omit include only without with-requirements with-editable from spec upgrade-package \
           platform cache-dir proxy timeout retries trusted-host jobs retry source test bench",
    stop: false,
    single_dash: false,
};

/// Letters that take a value.
fn short(tool: &str) -> &'static str {
    match tool {
        "npm" | "npx" | "pnpm" | "pnpx" => "Cwp",
        "yarn" => "w",
        "uv" | "uvx" | "pipx" => "pwrec",
        "poetry" => "CPG",
        "pdm" => "pG",
        "cargo" => "pjFZ",
        "go" => "Cpo",
        "bundle" | "bundler" => "j",
        "gem" => "vi",
        "composer" => "d",
        "bun" | "bunx" | "pipenv" => "",
        _ => "receitfd",
    }
}

/// What a command line says.
#[derive(Default)]
struct Told {
    project: bool,
    /// A folder that it names.
    folder: Option<String>,
    files: Vec<String>,
    named: Vec<String>,
    mentioned: bool,
    renewed: bool,
    closed: bool,
    scripts: Option<bool>,
}

pub(super) fn note(
    machine: &mut Machine<'_, '_>,
    frame: &Frame,
    tool: &str,
    argv: &[Value],
    at: usize,
) {
    if !is_manager(tool) || machine.out.installs.len() >= MOST {
        return;
    }
    let grammar = Grammar { short: short(tool), single_dash: tool == "go", ..GRAMMAR };
    let parsed = grammar.parse(&argv[1..]);
    let shown: Vec<String> =
        parsed.operands.iter().map(|value| machine.world.unknowns.show(value.first())).collect();
    let operands: Vec<&str> =
        shown.iter().map(String::as_str).filter(|word| !word.starts_with('+')).collect();
    let Some((manager, mut told)) = told(tool, &operands, &parsed) else { return };
    if !told.project && told.files.is_empty() && told.named.is_empty() {
        return;
    }
    let folder = told.folder.take().unwrap_or_else(|| ".".to_owned());
    let folder = machine.path(frame, &folder);
    let foreign = !machine.world.tree_holding(&folder).is_empty();
    let known = !has_marks(&folder) && !foreign;
    let relative = |machine: &Machine<'_, '_>, path: &str| {
        let path = machine.path(frame, path);
        machine.world.repository_folder(&path).filter(|path| !has_marks(path))
    };
    let files: Vec<Option<String>> =
        told.files.iter().map(|path| relative(machine, path)).collect();
    let lost = files.iter().any(Option::is_none);
    let folder = machine.world.repository_folder(&folder).filter(|_| known && !lost);
    let install = Install {
        manager,
        folder: folder.map(Arc::from),
        project: told.project,
        files: files.into_iter().flatten().map(Arc::from).collect(),
        named: told.named.into_iter().map(Arc::from).collect(),
        mentioned: told.mentioned,
        locked: !told.renewed,
        closed: told.closed,
        install_scripts: told.scripts,
        place: frame.place(at),
        via: frame.via.clone(),
        env: machine.environment(frame),
        certainty: frame.certainty,
        found: Vec::new(),
    };
    machine.out.installs.push(install);
}

fn is_manager(tool: &str) -> bool {
    const TOOLS: &str = "npm npx bunx pnpx yarn pnpm bun pip pip3 uv uvx pipx poetry pipenv pdm cargo go \
                         bundle bundler gem composer";
    listed(TOOLS, tool) || tool.starts_with("pip3.") || tool.starts_with("pip2")
}

fn told(tool: &str, operands: &[&str], parsed: &Parsed) -> Option<(Manager, Told)> {
    let word = |number: usize| operands.get(number).copied().unwrap_or_default();
    let rest = operands.get(1..).unwrap_or_default();
    Some(match tool {
        "npm" | "npx" => (Manager::Npm, node(tool, word(0), rest, operands, parsed)?),
        "yarn" => (Manager::Yarn, node(tool, word(0), rest, operands, parsed)?),
        "pnpm" | "pnpx" => (Manager::Pnpm, node(tool, word(0), rest, operands, parsed)?),
        "bun" | "bunx" => (Manager::Bun, node(tool, word(0), rest, operands, parsed)?),
        "uv" => uv(operands, parsed)?,
        "uvx" | "pipx" => {
            let spec = if tool == "uvx" { word(0) } else { word(1) };
            let runs = tool == "uvx" || matches!(word(0), "run" | "install");
            let spec = text(parsed, &["from", "spec"]).unwrap_or(spec.to_owned());
            (Manager::Pip, mentioned(&[&spec]).filter(|_| runs)?)
        }
        "poetry" | "pdm" | "pipenv" => python_project(tool, word(0), rest, parsed)?,
        "cargo" => (Manager::Cargo, cargo(word(0), rest, parsed)?),
        "go" => (Manager::Go, go(word(0), rest, parsed)?),
        "bundle" | "bundler" => (Manager::Bundler, bundle(word(0), parsed)?),
        "gem" if matches!(word(0), "install" | "i") => {
            let version = text(parsed, &["v", "version"]);
            let spec = |name: &&str| match &version {
                Some(version) => format!("{name}@{version}"),
                None => (*name).to_owned(),
            };
            let named = rest.iter().map(spec).collect();
            (Manager::Bundler, Told { named, scripts: Some(true), ..Told::default() })
        }
        "composer" => (Manager::Composer, composer(operands, parsed)?),
        _ if word(0) == "install" => (Manager::Pip, pip(rest, parsed)),
        _ => return None,
    })
}

fn text(parsed: &Parsed, names: &[&str]) -> Option<String> {
    parsed.value(names).map(|value| value.first().to_owned())
}

/// Packages that a registry serves: no path, no URL, no option.
fn served(specs: &[&str]) -> Vec<String> {
    let outside = |spec: &str| {
        spec.is_empty()
            || spec.starts_with(['.', '/', '~', '-'])
            || spec.contains("://")
            || spec.starts_with("git+")
            || spec.starts_with("git@")
            || spec.ends_with(".tgz")
            || spec.ends_with(".whl")
    };
    specs.iter().filter(|spec| !outside(spec)).map(|spec| (*spec).to_owned()).collect()
}

/// One package that stands as a mention already: what it depends on is not known all the same.
fn mentioned(specs: &[&str]) -> Option<Told> {
    let named = served(specs);
    let told = Told { named, mentioned: true, scripts: Some(true), ..Told::default() };
    (!told.named.is_empty()).then_some(told)
}

fn node(tool: &str, verb: &str, rest: &[&str], operands: &[&str], parsed: &Parsed) -> Option<Told> {
    let off = |name: &str| {
        parsed.has(&[&format!("no-{name}")]) || text(parsed, &[name]).as_deref() == Some("false")
    };
    let global = parsed.has(&["g", "global"]) || verb == "global";
    let rest = if verb == "global" { rest.get(1..).unwrap_or_default() } else { rest };
    let verb = if verb == "global" { operands.get(1).copied().unwrap_or_default() } else { verb };
    let scripts = if parsed.has(&["ignore-scripts"]) {
        Some(false)
    } else {
        // Newer releases of both run only what the project allows.
        (!matches!(tool, "pnpm" | "bun")).then_some(true)
    };
    let told = Told {
        folder: text(parsed, &["prefix", "C", "dir", "cwd"]),
        renewed: off("package-lock") || off("lockfile"),
        scripts,
        ..Told::default()
    };
    let with = |names: &[&str], renewed: bool| {
        let named = served(names);
        let project = !global;
        Some(Told { project, named, renewed: told.renewed || renewed, ..told })
    };
    match (tool, verb) {
        ("npx" | "bunx" | "pnpx", _) => {
            let package = text(parsed, &["p", "package"]);
            mentioned(&[package.as_deref().unwrap_or(verb)])
        }
        (_, "dlx") | ("npm" | "bun", "x") | ("npm", "exec") => {
            let package = text(parsed, &["p", "package"]);
            mentioned(&[package.as_deref().or(rest.first().copied())?])
        }
        ("npm", "install-test" | "it" | "cit" | "clean-install" | "install-clean")
        | (_, "ci" | "install" | "i") => with(rest, false),
        ("yarn", "") => with(&[], false),
        (_, "add") => with(rest, false),
        (_, "update" | "up" | "upgrade") => with(&[], true),
        _ => None,
    }
}

fn binaries_only(parsed: &Parsed) -> Option<bool> {
    Some(text(parsed, &["only-binary"]).as_deref() != Some(":all:"))
}

/// `pip install -r FILE NAME .`
fn pip(specs: &[&str], parsed: &Parsed) -> Told {
    let list = |names: &[&str]| parsed.values(names).map(|v| v.first().to_owned()).collect();
    let editable: Vec<String> = list(&["e", "editable"]);
    let is_folder = |spec: &str| spec.starts_with(['.', '/']) && !spec.ends_with(".whl");
    let folder =
        specs.iter().copied().chain(editable.iter().map(String::as_str)).find(|s| is_folder(s));
    Told {
        project: folder.is_some(),
        folder: folder.map(|folder| folder.split('[').next().unwrap_or(folder).to_owned()),
        files: list(&["r", "requirement"]),
        named: served(specs),
        // What `pip` takes of a project is never in a lock file.
        renewed: true,
        closed: parsed.has(&["no-deps", "require-hashes"]),
        scripts: binaries_only(parsed),
        ..Told::default()
    }
}

fn uv(operands: &[&str], parsed: &Parsed) -> Option<(Manager, Told)> {
    let word = |number: usize| operands.get(number).copied().unwrap_or_default();
    let from = |number: usize| operands.get(number..).unwrap_or_default();
    let scripts = Some(!parsed.has(&["no-build"]));
    let project = Told {
        project: true,
        folder: text(parsed, &["directory", "project"]),
        renewed: parsed.has(&["U", "upgrade"]),
        scripts,
        ..Told::default()
    };
    Some(match (word(0), word(1)) {
        ("pip", "install") => (Manager::Pip, pip(from(2), parsed)),
        ("pip", "sync") => {
            let files = from(2).iter().map(|file| (*file).to_owned()).collect();
            (Manager::Pip, Told { files, closed: true, scripts, ..Told::default() })
        }
        ("tool", "run" | "install") => {
            let spec = text(parsed, &["from"]).unwrap_or_else(|| word(2).to_owned());
            (Manager::Pip, mentioned(&[&spec])?)
        }
        ("sync", _) => (Manager::Uv, project),
        ("run", _) if !parsed.has(&["no-project", "no-sync"]) => {
            let with: Vec<String> =
                parsed.values(&["with", "w"]).map(|value| value.first().to_owned()).collect();
            let with: Vec<&str> = with.iter().map(String::as_str).collect();
            (Manager::Uv, Told { named: served(&with), ..project })
        }
        ("add", _) => (Manager::Uv, Told { named: served(from(1)), ..project }),
        ("lock", _) if project.renewed => (Manager::Uv, project),
        _ => return None,
    })
}

fn python_project(
    tool: &str,
    verb: &str,
    rest: &[&str],
    parsed: &Parsed,
) -> Option<(Manager, Told)> {
    let manager = match tool {
        "poetry" => Manager::Poetry,
        "pdm" => Manager::Pdm,
        _ => Manager::Pipenv,
    };
    let named = match verb {
        "install" if tool == "pipenv" => served(rest),
        "add" => served(rest),
        "install" | "sync" | "update" | "upgrade" => Vec::new(),
        _ => return None,
    };
    let told = Told {
        project: true,
        folder: text(parsed, &["C", "directory", "project", "p"]),
        named,
        renewed: matches!(verb, "update" | "upgrade") || parsed.has(&["skip-lock", "no-lock"]),
        scripts: Some(true),
        ..Told::default()
    };
    Some((manager, told))
}

fn cargo(verb: &str, rest: &[&str], parsed: &Parsed) -> Option<Told> {
    const BUILDS: &str = "build b test t run r check c clippy doc d rustdoc rustc bench fetch nextest publish \
                          package tarpaulin llvm-cov hack miri fix vendor udeps deb generate-rpm dist zigbuild \
                          component make cross expand audit deny outdated semver-checks criterion ndk xtask";
    let manifest = text(parsed, &["manifest-path"]);
    let folder = manifest.map(|path| {
        let folder = path.strip_suffix("Cargo.toml").unwrap_or(&path);
        if folder.is_empty() { ".".to_owned() } else { folder.to_owned() }
    });
    let told = Told { scripts: Some(true), ..Told::default() };
    match verb {
        "install" | "binstall" => match text(parsed, &["path"]) {
            // Without `--locked` it takes newer versions than the lock file holds.
            Some(path) => Some(Told {
                project: true,
                folder: Some(path),
                renewed: !parsed.has(&["locked", "frozen"]),
                ..told
            }),
            None => mentioned(rest),
        },
        "update" | "upgrade" | "generate-lockfile" => {
            Some(Told { project: true, folder, renewed: true, ..told })
        }
        _ if listed(BUILDS, verb) => Some(Told { project: true, folder, ..told }),
        _ => None,
    }
}

fn go(verb: &str, rest: &[&str], parsed: &Parsed) -> Option<Told> {
    let module = |spec: &&&str| {
        let host = spec.split('/').next().unwrap_or_default();
        spec.contains('/') && host.contains('.') && !host.starts_with('.') && spec.contains('@')
    };
    // `run` takes one package; what follows is for the program.
    let specs = if verb == "run" { rest.get(..1).unwrap_or_default() } else { rest };
    let modules: Vec<&str> = specs.iter().filter(module).copied().collect();
    let project = Told {
        project: true,
        folder: text(parsed, &["C"]),
        scripts: Some(false),
        renewed: verb == "get" && parsed.has(&["u"]),
        ..Told::default()
    };
    match verb {
        "install" | "run" | "get" if !modules.is_empty() => {
            Some(Told { scripts: Some(false), ..mentioned(&modules)? })
        }
        "build" | "test" | "run" | "vet" | "generate" | "install" | "get" => Some(project),
        "mod" if matches!(rest.first(), Some(&("download" | "tidy" | "vendor"))) => Some(project),
        _ => None,
    }
}

fn bundle(verb: &str, parsed: &Parsed) -> Option<Told> {
    let gemfile = text(parsed, &["gemfile"]);
    let folder = gemfile.map(|path| match path.rsplit_once('/') {
        Some((folder, _)) => folder.to_owned(),
        None => ".".to_owned(),
    });
    let told = Told { project: true, folder, scripts: Some(true), ..Told::default() };
    match verb {
        "" | "install" | "i" | "package" | "cache" => Some(told),
        "update" => Some(Told { renewed: true, ..told }),
        _ => None,
    }
}

fn composer(operands: &[&str], parsed: &Parsed) -> Option<Told> {
    let global = operands.first() == Some(&"global");
    let operands = operands.get(usize::from(global)..).unwrap_or_default();
    let (verb, rest) = operands.split_first()?;
    let told = Told {
        project: !global,
        folder: text(parsed, &["d", "working-dir"]),
        // Only plug-ins run while they are installed.
        scripts: if parsed.has(&["no-plugins"]) { Some(false) } else { None },
        ..Told::default()
    };
    match *verb {
        "install" | "i" => Some(told),
        "update" | "u" | "upgrade" => Some(Told { renewed: true, ..told }),
        "require" | "r" => Some(Told { named: served(rest), renewed: true, ..told }),
        _ => None,
    }
}
