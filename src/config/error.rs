//! What is wrong with a configuration: file, line, key, trouble, way out. Values are not repeated.

use std::{fmt, path::PathBuf};

use thiserror::Error;

use crate::ci::literal::masked;

/// One mistake.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub struct ConfigError {
    pub file: PathBuf,
    pub line: Option<u32>,
    /// `credentials[0].stores[1].at`; empty where the whole file is meant.
    pub key: String,
    pub message: String,
    pub hint: String,
}

impl ConfigError {
    /// `keysweep.toml:12`
    pub fn place(&self) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}", self.file.display())
    }

    /// The key and its trouble.
    pub fn trouble(&self) -> String {
        match self.key.as_str() {
            "" => self.message.clone(),
            key => format!("`{key}`: {}", self.message),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.place(), self.trouble())
    }
}

/// The nearest of what is known: a slip of the finger, not another word.
pub(crate) fn nearest<'n>(
    typed: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let typed = typed.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &typed), name))
        .filter(|(likeness, _)| *likeness > 0.8 && !typed.is_empty())
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// "did you mean `x`?", or all that there are.
pub(crate) fn suggestion<'n>(
    typed: &str,
    known: impl IntoIterator<Item = &'n str> + Clone,
    what: &str,
) -> String {
    if let Some(near) = nearest(typed, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let all: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    if all.is_empty() {
        return format!("there are no {what} here");
    }
    format!("{what}: {}", all.join(", "))
}

/// serde's message and our hint for it. serde quotes the value it met; that is cut out.
pub(super) fn told(message: &str) -> (String, String) {
    let (what, expected) = match message.split_once(", expected ") {
        Some((what, expected)) => (what, expected),
        None => (message, ""),
    };
    let names = || quoted(expected);
    if let Some(name) = within(what, "unknown field `") {
        let known = names();
        let hint = suggestion(name, known.iter().copied(), "keys");
        return ("unknown key".to_owned(), hint);
    }
    if let Some(value) = within(what, "unknown variant `") {
        let known = names();
        return ("unknown value".to_owned(), suggestion(value, known.iter().copied(), "values"));
    }
    if let Some(name) = within(what, "missing field `") {
        return (format!("`{name}` is missing"), format!("write `{name} = …` there"));
    }
    for kind in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some(met) = what.strip_prefix(kind) {
            let met = met.split(['"', '`', '\'']).next().unwrap_or_default().trim();
            let wanted = if expected.is_empty() { "something else" } else { expected };
            return (format!("{met} where {wanted} is expected"), "correct the value".to_owned());
        }
    }
    (masked(message).into_owned(), "correct the value".to_owned())
}

fn within<'t>(text: &'t str, before: &str) -> Option<&'t str> {
    text.strip_prefix(before)?.split('`').next()
}

/// The names in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_value_that_serde_quotes_is_cut_out() {
        for message in [
            "invalid type: string \"planted\", expected a sequence",
            "invalid value: string \"planted\", expected a boolean",
            "unknown variant `planted`, expected `periodic` or `post-breach`",
        ] {
            let (message, hint) = told(message);
            assert!(!format!("{message} {hint}").contains("planted"), "{message} {hint}");
        }
        let (message, _) = told("invalid type: string \"planted\", expected a sequence");
        assert_eq!(message, "string where a sequence is expected");
    }

    #[test]
    fn a_slip_is_met_with_its_neighbour() {
        let (message, hint) = told("unknown field `filds`, expected one of `id`, `fields`");
        assert_eq!((message.as_str(), hint.as_str()), ("unknown key", "did you mean `fields`?"));
        let (_, hint) = told("unknown field `zzz`, expected `a` or `b`");
        assert_eq!(hint, "keys: `a`, `b`");
    }
}
