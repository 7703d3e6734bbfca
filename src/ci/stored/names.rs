//! Names of variables that a file uses without setting them.

use std::collections::{BTreeMap, HashSet};

use super::each_entry;
use crate::ci::yaml::Node;

/// Set by the system, the shell or the machine: never stored.
const GIVEN: [&str; 38] = [
    "BASH_ENV",
    "CI",
    "CWD",
    "DISPLAY",
    "EDITOR",
    "EUID",
    "GEM_HOME",
    "GOBIN",
    "GOPATH",
    "GOROOT",
    "HOME",
    "HOSTNAME",
    "IFS",
    "JAVA_HOME",
    "LANG",
    "LC_ALL",
    "LINENO",
    "LOGNAME",
    "MAKEFLAGS",
    "NVM_DIR",
    "OLDPWD",
    "OPTARG",
    "OPTIND",
    "OSTYPE",
    "PATH",
    "PIPESTATUS",
    "PPID",
    "PWD",
    "PYTHONPATH",
    "RANDOM",
    "REPLY",
    "SECONDS",
    "SHELL",
    "SHELLOPTS",
    "TERM",
    "TMPDIR",
    "UID",
    "USER",
];

const GIVEN_PREFIXES: [&str; 3] = ["CIRCLE_", "TRAVIS", "BASH_"];

/// Each name with the first line that uses it, in the order of the names.
pub(super) fn used(root: Option<&Node>, bytes: &[u8]) -> Vec<(String, u32)> {
    let text = String::from_utf8_lossy(bytes);
    let mut uses: BTreeMap<&str, u32> = BTreeMap::new();
    let mut set: BTreeMap<&str, u32> = BTreeMap::new();
    for (line, number) in text.lines().zip(1..) {
        if line.trim_start().starts_with('#') {
            continue;
        }
        for name in expanded(line) {
            uses.entry(name).or_insert(number);
        }
        for name in assigned(line) {
            set.entry(name).or_insert(number);
        }
    }
    let keys = root.map(environment_keys).unwrap_or_default();
    let stored = |name: &&str, used: u32| {
        // What is used before it is set came from somewhere else.
        set.get(name).is_none_or(|set| used < *set)
            && !keys.contains(*name)
            && !GIVEN.contains(name)
            && !GIVEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    };
    uses.into_iter()
        .filter(|(name, line)| stored(name, *line))
        .map(|(name, line)| (name.to_owned(), line))
        .collect()
}

/// `$NAME` and `${NAME…}`, upper case as variables of a CI system are written.
fn expanded(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices('$').filter_map(|(at, _)| {
        let rest = &line[at + 1..];
        name_at_start(rest.strip_prefix('{').unwrap_or(rest))
    })
}

/// `NAME=`, also behind `export`; `read NAME`, `for NAME in`. `NAME=$NAME` sets nothing new.
fn assigned(line: &str) -> Vec<&str> {
    let words: Vec<&str> = line.split([' ', '\t', ';', '(', '"', '\'']).collect();
    let mut set = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let Some(name) = name_at_start(word) else { continue };
        let rest = &word[name.len()..];
        let before = at.checked_sub(1).map_or("", |before| words[before]);
        let by_value = rest.strip_prefix("+=").or(rest.strip_prefix('=')).filter(|value| {
            let itself = value.trim_start_matches(['$', '{']);
            !value.starts_with('$') || name_at_start(itself) != Some(name)
        });
        if by_value.is_some() || (rest.is_empty() && matches!(before, "read" | "-r" | "for")) {
            set.push(name);
        }
    }
    set
}

fn name_at_start(text: &str) -> Option<&str> {
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let end = text.find(|c: char| !upper(c)).unwrap_or(text.len());
    // A lower case letter behind it: `$Path`, not a name of this kind.
    let whole = !text[end..].starts_with(|c: char| c.is_ascii_lowercase());
    let name = &text[..end];
    let starts = name.starts_with(|c: char| c.is_ascii_uppercase());
    (whole && starts && name.len() > 2).then_some(name)
}

/// Keys of `environment:` and `env:` mappings: their values stand in the file.
fn environment_keys(root: &Node) -> HashSet<String> {
    let mut keys = HashSet::new();
    each_entry(root, &mut |entry| {
        if !matches!(&*entry.key.text, "environment" | "env" | "global") {
            return;
        }
        let maps = std::iter::once(&*entry.value).chain(entry.value.items().iter().map(|i| &**i));
        for one in maps.flat_map(Node::entries) {
            // `AWS_KEY: $PROD_AWS_KEY` renames a stored one: the other name is found by its use.
            keys.insert(one.key.text.to_string());
        }
    });
    keys
}
