//! `tox`: the commands of the environments it is asked for, each with the variables that are passed to it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::ci::{
    model::Certainty,
    shell::{
        machine::{Effect, Frame, Machine, Variable},
        options::Grammar,
        posix::pattern,
        value::{Text, Value, without_marks},
        world::{dirname, resolve},
        wrappers::exported,
    },
};

const MAX_ENVIRONMENTS: usize = 200;
/// Of a name with alternatives in braces.
const MAX_NAME: usize = 400;
const MAX_FILE: usize = 1 << 20;
/// `{posargs}` and `{env:…}` of one line.
const MAX_BRACES: usize = 20;

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    const GRAMMAR: Grammar = Grammar {
        short: "ecnip",
        long: "env conf workdir root parallel index-url installpkg result-json hashseed discover",
        stop: false,
        single_dash: false,
    };
    let split = argv.iter().position(|value| value.first() == "--").unwrap_or(argv.len());
    let parsed = GRAMMAR.parse(&argv[1..split]);
    let rest = argv.get(split + 1..).unwrap_or_default();
    let named = parsed.value(&["c", "conf"]).map(|file| file.first().to_owned());
    let config = Config::load(machine, frame, named.as_deref())?;
    let mut asked: Vec<String> = Vec::new();
    for value in parsed.values(&["e", "env"]) {
        asked.extend(value.texts.iter().flat_map(|text| list(&text.s)));
    }
    let variable = frame.vars.get("TOXENV").filter(|_| asked.is_empty());
    for value in variable.iter().flat_map(|variable| &variable.values) {
        asked.extend(value.texts.iter().flat_map(|text| list(&text.s)));
    }
    // An environment that is not known by name may be any of the file's.
    let guessed = asked.iter().any(|name| !is_name(name));
    if guessed || asked.is_empty() || asked.iter().any(|name| name == "ALL") {
        asked.retain(|name| is_name(name));
        asked.extend(config.listed());
    }
    if asked.is_empty() {
        asked.push("python".to_owned());
    }
    asked.truncate(MAX_ENVIRONMENTS);
    let mut inner = frame.clone();
    if guessed {
        inner.certainty = inner.certainty.max(Certainty::Possible);
    }
    for environment in asked {
        config.run(machine, &inner, &environment, rest, at);
    }
    Some(Effect::default())
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Environments of a list: `a,b`, `{py36,py37}-cov`.
fn list(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut from) = (0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' | '\n' | ' ' | '\t' if depth == 0 => {
                names.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    names.push(&text[from..]);
    let names = names.into_iter().map(str::trim).filter(|name| !name.is_empty());
    let mut expanded = Vec::new();
    for name in names {
        expand(name, &mut expanded);
    }
    expanded
}

fn expand(name: &str, out: &mut Vec<String>) {
    if out.len() >= MAX_ENVIRONMENTS {
        return;
    }
    let short = Some(name).filter(|name| name.len() <= MAX_NAME);
    let inner = short.and_then(|name| name.split_once('{')).and_then(|(before, rest)| {
        let (inside, after) = rest.split_once('}')?;
        Some((before, inside, after))
    });
    match inner {
        Some((before, inside, after)) => {
            for one in inside.split(',') {
                expand(&format!("{before}{}{after}", one.trim()), out);
            }
        }
        None => out.push(name.to_owned()),
    }
}

/// One key's lines, each with its number.
type Lines = Vec<(u32, String)>;
/// Keys with their lines.
type Section = HashMap<String, Lines>;

struct Config {
    file: Arc<str>,
    dir: String,
    sections: BTreeMap<String, Section>,
    /// `[testenv:…]` by the environments it is for.
    environments: HashMap<String, String>,
}

impl Config {
    fn load(machine: &mut Machine<'_, '_>, frame: &Frame, named: Option<&str>) -> Option<Self> {
        let names = named.map_or_else(|| vec!["tox.ini", "setup.cfg"], |name| vec![name]);
        names.into_iter().find_map(|name| {
            let path = resolve(&machine.path(frame, "."), name);
            let (file, bytes) = machine.world.repository_file(&path)?.ok()?;
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_FILE)]);
            let sections = sections(&without_marks(&text));
            let mut environments = HashMap::new();
            for name in sections.keys() {
                for environment in name.strip_prefix("testenv:").map(list).into_iter().flatten() {
                    environments.insert(environment, name.clone());
                }
            }
            let tox = sections.contains_key("testenv") || !environments.is_empty();
            tox.then(|| Self { file, dir: dirname(&path).to_owned(), sections, environments })
        })
    }

    fn key(&self, section: &str, key: &str) -> Option<&Lines> {
        self.sections.get(section)?.get(key)
    }

    fn listed(&self) -> Vec<String> {
        let sections = ["tox", "tox:tox"].into_iter();
        let keys = sections.flat_map(|name| ["envlist", "env_list"].map(|key| self.key(name, key)));
        keys.flatten().flatten().flat_map(|(_, line)| list(line)).collect()
    }

    /// The lines of a key, as this environment has them: its own section's, else those of `[testenv]`.
    fn lines(&self, environment: &str, key: &str) -> Lines {
        let own = self.environments.get(environment).and_then(|section| self.key(section, key));
        let lines = own.or_else(|| self.key("testenv", key)).into_iter().flatten();
        let lines = lines.filter_map(|(number, line)| {
            Some((*number, in_environment(line, environment)?.to_owned()))
        });
        lines.flat_map(|line| self.referred(line)).collect()
    }

    /// `{[section]key}` is that key's text, which stands on lines of its own.
    fn referred(&self, (number, line): (u32, String)) -> Lines {
        let found = line.split_once("{[").and_then(|(before, rest)| {
            let (section, rest) = rest.split_once(']')?;
            let (key, after) = rest.split_once('}')?;
            let lines = self.key(section, key)?;
            let around =
                |(number, line): &(u32, String)| (*number, format!("{before}{line}{after}"));
            Some(lines.iter().map(around).collect())
        });
        found.unwrap_or_else(|| vec![(number, line)])
    }

    fn run(
        &self,
        machine: &mut Machine<'_, '_>,
        frame: &Frame,
        environment: &str,
        rest: &[Value],
        at: usize,
    ) {
        let key = format!("{}#{environment}", self.file);
        if !machine.enter(frame, &key, rest, at) {
            return;
        }
        let mut inner = frame.cut_to(self.passed(frame, environment));
        inner.via.push(frame.place(at));
        inner.cwd.clone_from(&self.dir);
        for key in ["commands_pre", "commands", "commands_post"] {
            for (number, line) in self.lines(environment, key) {
                let value = self.command(&line, number, rest);
                machine.text(&mut inner, &value, at);
            }
        }
        machine.calls.pop();
    }

    /// What the commands see: `passenv` by pattern, and `setenv`.
    fn passed(&self, frame: &Frame, environment: &str) -> HashMap<String, Variable> {
        let lines = |names: [&str; 2]| names.map(|key| self.lines(environment, key)).concat();
        let patterns: Vec<String> = lines(["passenv", "pass_env"])
            .iter()
            .flat_map(|(_, line)| line.split([',', ' ', '\t', '\n']))
            .filter(|pattern| !pattern.is_empty())
            .map(str::to_ascii_uppercase)
            .collect();
        let is_passed = |name: &str| {
            let name = name.to_ascii_uppercase();
            patterns.iter().any(|p| pattern::matches(p, &name))
        };
        let variables = frame.vars.iter().filter(|(_, variable)| variable.exported);
        let mut passed: HashMap<String, Variable> = variables
            .filter(|(name, _)| is_passed(name))
            .map(|(name, variable)| (name.clone(), variable.clone()))
            .collect();
        for (_, line) in lines(["setenv", "set_env"]) {
            let Some((name, text)) = line.split_once('=') else { continue };
            let (name, text) = (name.trim(), text.trim());
            let inherited = text.strip_prefix("{env:").and_then(|rest| rest.split_once([':', '}']));
            let value = match inherited {
                Some((from, _)) => frame.vars.get(from).cloned(),
                None => Some(exported(Value::plain(text))),
            };
            if let Some(value) = value {
                passed.insert(name.to_owned(), value);
            }
        }
        passed
    }

    fn command(&self, line: &str, number: u32, rest: &[Value]) -> Value {
        let mut line = line.trim_start_matches(['-', '!', ' ']).to_owned();
        for (name, text) in
            [("{envpython}", "python"), ("{toxinidir}", &*self.dir), ("{tox_root}", &*self.dir)]
        {
            line = line.replace(name, text);
        }
        let given: Vec<&str> = rest.iter().map(Value::first).collect();
        for _ in 0..MAX_BRACES {
            let Some((before, inner, after)) = braces(&line, "{posargs") else { break };
            let otherwise = inner.trim_start_matches(':');
            let text = if given.is_empty() { otherwise.to_owned() } else { given.join(" ") };
            line = format!("{before}{text}{after}");
        }
        for _ in 0..MAX_BRACES {
            let Some((before, inner, after)) = braces(&line, "{env:") else { break };
            let name = inner.split(':').next().unwrap_or_default();
            line = format!("{before}${name}{after}");
        }
        let mut text = Text::new(line);
        text.lines.push((0, number));
        text.file = Some(Arc::clone(&self.file));
        let flows = rest.iter().flat_map(|value| value.flows.iter().cloned()).collect();
        Value { texts: vec![text], flows }
    }
}

/// `before {open inner} after`
fn braces<'l>(line: &'l str, open: &str) -> Option<(&'l str, &'l str, &'l str)> {
    let (before, rest) = line.split_once(open)?;
    let (inner, after) = rest.split_once('}')?;
    Some((before, inner, after))
}

/// A line without its condition (`cov,py37-x: command`); `None` where the environment does not meet it.
fn in_environment<'l>(line: &'l str, environment: &str) -> Option<&'l str> {
    let conditional = line.split_once(':').filter(|(factors, rest)| {
        let named = |c: char| c.is_ascii_alphanumeric() || "_.,!{}-".contains(c);
        !factors.is_empty() && factors.chars().all(named) && rest.starts_with([' ', '\t'])
    });
    let Some((condition, rest)) = conditional else { return Some(line) };
    let factors: Vec<&str> = environment.split('-').collect();
    let meets = |alternative: &String| {
        alternative.split('-').all(|factor| match factor.strip_prefix('!') {
            Some(other) => !factors.contains(&other),
            None => factors.contains(&factor),
        })
    };
    list(condition).iter().any(meets).then(|| rest.trim_start())
}

fn sections(text: &str) -> BTreeMap<String, Section> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let mut current: Option<Section> = None;
    let mut name = String::new();
    let mut key = String::new();
    let mut joined = false;
    for (number, raw) in (1..).zip(text.lines()) {
        let line = raw.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some((next, _)) = raw.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let done = current.replace(Section::new());
            sections.extend(done.map(|done| (name, done)));
            (name, key, joined) = (next.trim().to_owned(), String::new(), false);
            continue;
        }
        let Some(section) = &mut current else { continue };
        let value = if raw.starts_with([' ', '\t']) {
            line
        } else {
            let Some((name, value)) = raw.split_once(['=', ':']) else { continue };
            key = name.trim().to_owned();
            joined = false;
            value.trim()
        };
        // An empty key is one that was emptied.
        let lines = section.entry(key.clone()).or_default();
        if value.is_empty() {
            continue;
        }
        let goes_on = value.ends_with('\\');
        let value = value.trim_end_matches('\\').trim_end();
        match lines.last_mut() {
            Some((_, last)) if joined => {
                last.push(' ');
                last.push_str(value);
            }
            _ => lines.push((number, value.to_owned())),
        }
        joined = goes_on;
    }
    sections.extend(current.map(|done| (name, done)));
    sections
}
