//! What is changed in the text of a file, by its format: one value, and nothing else.
//!
//! Every edit is checked: the new text is read again, and what it says has to be what the old one said but for the
//! place that was meant. Otherwise nothing is written.

mod aws;
mod dotenv;
mod json;
mod toml;
mod yaml;

use std::path::Path;

use keysweep_atomic_file::Trouble;
use keysweep_sdk::ErrorKind;
use serde::Deserialize;
use zeroize::Zeroizing;

pub(crate) type Text = Zeroizing<String>;

/// How a file is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Lines `NAME=value`, as dotenv libraries, `docker --env-file` and shells read them.
    Dotenv,
    /// `~/.aws/credentials`: a profile is a placement.
    AwsCredentials,
    /// JSON, also with comments and trailing commas.
    Json,
    Yaml,
    Toml,
    /// The file is the value.
    Whole,
}

/// How a value may be written, where a format has several readers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// Every reader of the dotenv file takes quotes off.
    pub(crate) quotes: bool,
}

/// What stands at one place of a file.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Leaf {
    Text(Text),
    /// Nothing, where a text could stand.
    Null,
    /// A text that readers of the format do not read alike. As it is written.
    Unclear(Text),
    /// What is not a text: a number, an empty list, an alias. As it is written.
    Other(Text),
}

/// All that a file says, in the order of the file.
pub(crate) type Leaves = Vec<(Vec<String>, Leaf)>;

impl Format {
    /// By the name of the file.
    pub(crate) fn of(path: &Path) -> Self {
        let name = |path: &Path| {
            path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default()
        };
        let file = name(path);
        let end = path.extension().map(|end| end.to_string_lossy().to_lowercase());
        let in_aws = path.parent().is_some_and(|folder| name(folder) == ".aws");
        match end.as_deref() {
            _ if file == ".env" || file.starts_with(".env.") => Self::Dotenv,
            Some("env") => Self::Dotenv,
            _ if file == "credentials" && in_aws => Self::AwsCredentials,
            Some("json" | "jsonc") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            Some("toml") => Self::Toml,
            _ => Self::Whole,
        }
    }

    /// The place that the part after `#` names. Empty: the whole file.
    pub(crate) fn place(self, key: &str) -> Result<Vec<String>, Trouble> {
        let invalid = |message: &str, hint: &str| {
            Err(Trouble::new(ErrorKind::Invalid, message).with_hint(hint))
        };
        match self {
            _ if key.is_empty() => Ok(Vec::new()),
            Self::Whole => invalid(
                "it has no known format, so nothing in it can be named",
                "end the placement with `#` for the whole file, or name its format under `formats`",
            ),
            Self::Dotenv if !dotenv::is_name(key) => invalid(
                "that is not a name of an environment variable",
                "write letters, digits and `_`, no digit first",
            ),
            Self::Dotenv | Self::AwsCredentials => Ok(vec![key.to_owned()]),
            Self::Json | Self::Yaml | Self::Toml => match key.strip_prefix('/') {
                Some(pointer) => Ok(pointer.split('/').map(unescaped).collect()),
                None => Ok(key.split('.').map(str::to_owned).collect()),
            },
        }
    }

    pub(crate) fn leaves(self, text: &str) -> Result<Leaves, Trouble> {
        match self {
            Self::Dotenv => dotenv::leaves(text),
            Self::AwsCredentials => aws::leaves(text),
            Self::Json => json::leaves(text),
            Self::Yaml => yaml::leaves(text),
            Self::Toml => toml::leaves(text),
            Self::Whole => Ok(Vec::new()),
        }
    }

    /// The text with `value` at `place`.
    pub(crate) fn set(
        self,
        text: &str,
        place: &[String],
        value: &str,
        rules: Rules,
    ) -> Result<Text, Trouble> {
        if value.contains('\0') {
            let message = "the value has a NUL byte, which no reader of a text file takes";
            return Err(Trouble::new(ErrorKind::Invalid, message)
                .with_hint("was a binary key meant? give it in base64 or PEM"));
        }
        let old = self.leaves(text)?;
        match here(&old, place)? {
            Some(Leaf::Text(held)) if **held == *value => return Ok(Zeroizing::new(text.into())),
            Some(Leaf::Other(_)) => {
                let message = format!("`{}` holds something else than a text", place.join("/"));
                return Err(Trouble::new(ErrorKind::Invalid, message)
                    .with_hint("is it the right place? if so, make it a text in quotes first"));
            }
            Some(Leaf::Text(_) | Leaf::Null | Leaf::Unclear(_)) | None => {}
        }
        let new = match self {
            Self::Dotenv => dotenv::set(text, place, value, rules)?,
            Self::AwsCredentials => aws::set(text, place, value)?,
            Self::Json => json::set(text, place, value)?,
            Self::Yaml => yaml::set(text, place, value)?,
            Self::Toml => toml::set(text, place, value)?,
            Self::Whole => return Ok(Zeroizing::new(value.to_owned())),
        };
        self.check(&old, &new, place, Some(value))?;
        Ok(new)
    }

    /// The text without what stands at `place`.
    pub(crate) fn unset(self, text: &str, place: &[String]) -> Result<Text, Trouble> {
        let old = self.leaves(text)?;
        if !old.iter().any(|(at, _)| at.starts_with(place)) {
            return Ok(Zeroizing::new(text.to_owned()));
        }
        here(&old, place)?;
        let new = match self {
            Self::Dotenv => dotenv::unset(text, place)?,
            Self::AwsCredentials => aws::unset(text, place)?,
            Self::Json => json::unset(text, place)?,
            Self::Yaml => yaml::unset(text, place)?,
            Self::Toml => toml::unset(text, place)?,
            Self::Whole => Zeroizing::new(text.to_owned()),
        };
        self.check(&old, &new, place, None)?;
        Ok(new)
    }

    /// Whether `new` says what `old` says, but for `value` at `place`.
    fn check(
        self,
        old: &Leaves,
        new: &str,
        place: &[String],
        value: Option<&str>,
    ) -> Result<(), Trouble> {
        let new = self.leaves(new)?;
        let held = match (here(&new, place)?, value) {
            (Some(Leaf::Text(held)), Some(value)) => **held == *value,
            (None, None) => !new.iter().any(|(at, _)| at.starts_with(place)),
            _ => false,
        };
        // A list or mapping on the way may have been empty before, or is now.
        let others = |leaves: &'_ Leaves| -> Vec<usize> {
            (0..leaves.len())
                .filter(|i| !leaves[*i].0.starts_with(place) && !place.starts_with(&leaves[*i].0))
                .collect()
        };
        let (before, after) = (others(old), others(&new));
        let same = before.len() == after.len()
            && before.iter().zip(&after).all(|(b, a)| old[*b] == new[*a]);
        if held && same {
            return Ok(());
        }
        let message = "the value cannot be changed there without changing something else";
        Err(Trouble::new(ErrorKind::Invalid, message)
            .with_hint("change it by hand, or write that part of the file in a simpler way"))
    }
}

/// What stands at `place`; an error when it stands there twice.
pub(crate) fn here<'l>(leaves: &'l Leaves, place: &[String]) -> Result<Option<&'l Leaf>, Trouble> {
    let mut found = leaves.iter().filter(|(at, _)| at == place).map(|(_, leaf)| leaf);
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => {
            let message = format!("`{}` stands there more than once", place.join("/"));
            Err(Trouble::new(ErrorKind::Invalid, message)
                .with_hint("readers differ in which one they take: leave one of them"))
        }
    }
}

/// JSON pointer, RFC 6901.
fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn unreadable(what: &str, line: usize) -> Trouble {
    Trouble::new(ErrorKind::Invalid, format!("line {line} is no {what}"))
        .with_hint("mend the file, or name its format under `formats`")
}

fn no_parent(place: &[String]) -> Trouble {
    let message = format!("there is nothing to put `{}` in", place.join("/"));
    Trouble::new(ErrorKind::NotFound, message)
        .with_hint("write the key with an empty text into the file first")
}

#[cfg(test)]
mod tests;
