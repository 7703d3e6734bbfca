//! A credential that is written into the configuration, wherever it stands: refused, and not repeated.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{ConfigError, Source};
use crate::ci::literal;

/// Keys whose values are public names, though they have the format of a credential: `AKIA…`.
const PUBLIC: [&str; 4] = ["current", "id", "known", "recipients"];

pub(super) fn found(source: &Source, tree: &DeTable<'_>) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    table(source, tree, &mut errors);
    errors
}

fn table(source: &Source, tree: &DeTable<'_>, errors: &mut Vec<ConfigError>) {
    for (name, value) in tree {
        if !PUBLIC.contains(&name.get_ref().as_ref()) {
            one(source, name.get_ref(), value, errors);
        }
    }
}

fn one(source: &Source, name: &str, value: &Spanned<DeValue<'_>>, errors: &mut Vec<ConfigError>) {
    match value.get_ref() {
        DeValue::String(text) => {
            let reference = text.parse::<keysweep_sdk::SecretRef>().is_ok();
            let seen = literal::kind_of(text).is_some()
                || !reference && literal::is_credential(name, text);
            if seen || text.contains("AGE-SECRET-KEY-") {
                errors.push(source.error(
                    value.span(),
                    "a credential is written here",
                    "write where it is to be had: `env:NAME`, `cmd:…`, `gh`, `vault:PATH#FIELD` or \
                     `keychain:SERVICE/ACCOUNT`; and rotate it, if this file was ever shared",
                ));
            }
        }
        DeValue::Array(items) => items.iter().for_each(|item| one(source, name, item, errors)),
        DeValue::Table(below) => table(source, below, errors),
        _ => {}
    }
}
