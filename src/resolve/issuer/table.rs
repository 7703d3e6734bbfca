//! The tables as data.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use serde::Deserialize;

/// A kind that the registry decides.
const BY_REGISTRY: &str = "by-registry";
pub(super) const REGISTRY_LOGIN: &str = "registry-login";
const DOCKER_HUB: &str = "docker.io";

/// `kind` or `kind:field`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(from = "String")]
pub(super) struct Is {
    pub(super) kind: String,
    pub(super) field: Option<String>,
}

impl From<String> for Is {
    fn from(text: String) -> Self {
        match text.split_once(':') {
            Some((kind, field)) => Self { kind: kind.to_owned(), field: Some(field.to_owned()) },
            None => Self { kind: text, field: None },
        }
    }
}

impl Is {
    /// With the kind of login that the host has; none is Docker's own.
    pub(super) fn at(&self, host: Option<&str>) -> Is {
        if self.kind != BY_REGISTRY {
            return self.clone();
        }
        let kind = host_kind(host.unwrap_or(DOCKER_HUB)).unwrap_or(REGISTRY_LOGIN);
        Is { kind: kind.to_owned(), field: self.field.clone() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    pub(super) name: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    pub(super) source: String,
    pub(super) registry: Option<String>,
    pub(super) account: Option<String>,
    #[serde(default)]
    pub(super) inputs: BTreeMap<String, Is>,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Is>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variable {
    name: String,
    pub(super) is: Is,
    #[serde(default)]
    pub(super) tools: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandRow {
    pub(super) id: String,
    pub(super) program: String,
    /// Words that follow the program in this order, other words between them.
    #[serde(default)]
    pub(super) verb: String,
    /// Option → what the value behind it is; `@last` and `@any` are positions.
    #[serde(default)]
    pub(super) options: BTreeMap<String, Is>,
    pub(super) stdin: Option<Is>,
    /// A word with this in it, or the one behind it, holds the secret; `is` says what it is.
    pub(super) contains: Option<String>,
    pub(super) is: Option<Is>,
    /// A word that is no option names the registry.
    #[serde(default)]
    pub(super) host: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    name: String,
    is: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Name {
    pub(super) words: Vec<String>,
    pub(super) is: Is,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tables {
    action: Vec<Action>,
    variable: Vec<Variable>,
    command: Vec<CommandRow>,
    host: Vec<Host>,
    name: Vec<Name>,
}

fn read(text: &str) -> Tables {
    toml::from_str(text).expect("the built-in tables are tested")
}

/// By lower-case name.
static ACTIONS: LazyLock<HashMap<String, Action>> = LazyLock::new(|| {
    let rows = read(include_str!("actions.toml")).action;
    rows.into_iter().map(|row| (row.name.to_ascii_lowercase(), row)).collect()
});
static VARIABLES: LazyLock<HashMap<String, Variable>> = LazyLock::new(|| {
    let rows = read(include_str!("variables.toml")).variable;
    rows.into_iter().map(|row| (row.name.to_ascii_uppercase(), row)).collect()
});
static COMMANDS: LazyLock<HashMap<String, Vec<CommandRow>>> = LazyLock::new(|| {
    let mut found: HashMap<String, Vec<CommandRow>> = HashMap::new();
    for row in read(include_str!("commands.toml")).command {
        found.entry(row.program.clone()).or_default().push(row);
    }
    found
});
static HOSTS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let rows = read(include_str!("hosts.toml")).host;
    rows.into_iter().map(|row| (row.name, row.is)).collect()
});
static NAMES: LazyLock<Vec<Name>> = LazyLock::new(|| read(include_str!("names.toml")).name);

/// `owner/repo/path`, then `owner/repo`, then `owner/*`.
pub(super) fn action(name: &str) -> Option<&'static Action> {
    let name = name.to_ascii_lowercase();
    let mut parts = name.splitn(3, '/');
    let (owner, repo) = (parts.next()?, parts.next()?);
    [name.clone(), format!("{owner}/{repo}"), format!("{owner}/*")]
        .iter()
        .find_map(|name| ACTIONS.get(name))
}

pub(super) fn variable(name: &str) -> Option<&'static Variable> {
    VARIABLES.get(&name.to_ascii_uppercase())
}

pub(super) fn commands(program: &str) -> &'static [CommandRow] {
    COMMANDS.get(program).map_or(&[], Vec::as_slice)
}

/// What a login at the host is; any of its parents decides.
pub(super) fn host_kind(host: &str) -> Option<&'static str> {
    host_row(host).map(|(_, kind)| kind)
}

pub(super) fn host_row(host: &str) -> Option<(&'static str, &'static str)> {
    let host = host.trim_start_matches("https://").trim_start_matches("http://");
    let host = host.split(['/', ':']).next()?.to_ascii_lowercase();
    let mut rest = host.as_str();
    loop {
        if let Some((name, kind)) = HOSTS.get_key_value(rest) {
            return Some((name, kind));
        }
        rest = rest.split_once('.')?.1;
    }
}

/// By the parts of a name, which stand in the order of the row.
pub(super) fn by_name(name: &str) -> Option<&'static Name> {
    let upper = name.to_ascii_uppercase();
    let upper = upper.rsplit_once("SECRETS.").map_or(upper.as_str(), |(_, name)| name);
    let parts: Vec<&str> = upper.split(['_', '-', '.']).collect();
    NAMES.iter().find(|row| {
        let mut parts = parts.iter();
        row.words.iter().all(|word| parts.any(|part| part == word))
    })
}

#[cfg(test)]
mod tests {
    use super::{ACTIONS, COMMANDS, HOSTS, NAMES, VARIABLES, action, by_name, host_kind};

    #[test]
    fn the_tables_are_read_and_say_where_they_are_from() {
        assert!(ACTIONS.len() >= 80, "{} actions", ACTIONS.len());
        assert!(VARIABLES.len() >= 100 && COMMANDS.len() >= 30);
        assert!(HOSTS.len() >= 50 && NAMES.len() >= 80);
        for row in ACTIONS.values() {
            assert!(row.source.starts_with("https://"), "{}", row.name);
            assert!(!row.inputs.is_empty() || !row.variables.is_empty(), "{}", row.name);
        }
        for row in VARIABLES.values() {
            assert!(row.source.starts_with("https://"), "{}", row.name);
        }
    }

    #[test]
    fn rows_are_found_by_what_files_write() {
        assert!(action("Docker/Login-Action").is_some());
        assert_eq!(action("snyk/actions/node").unwrap().name, "snyk/actions");
        assert_eq!(host_kind("123.dkr.ecr.eu-west-1.amazonaws.com"), Some("aws-access-key"));
        assert_eq!(host_kind("https://ghcr.io/acme"), Some("github-token"));
        assert_eq!(host_kind("registry.acme.dev"), None);
        assert_eq!(by_name("PROD_AWS_SECRET_ACCESS_KEY").unwrap().is.kind, "aws-access-key");
        assert!(by_name("PATH_TO_NPMRC").is_none());
    }
}
