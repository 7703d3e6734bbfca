//! Signs from command lines.

use std::sync::Arc;

use super::{
    Sign,
    clue::{Clues, Key, Seen},
    collect::{Together, account},
    table::{self, CommandRow, Is},
};
use crate::ci::model::{Command, Secret, Word};

pub(super) fn read(
    clues: &mut Clues,
    command: &Command,
    _settings: &[(String, Arc<str>)],
    uses: &mut Together,
) {
    let Some(first) = command.words.first() else { return };
    let program = first.text.rsplit('/').next().unwrap_or_default();
    let mut told = false;
    for row in table::commands(program).iter().filter(|row| has_verb(row, &command.words)) {
        told |= by_row(clues, command, row, uses);
    }
    if !told {
        by_host(clues, command);
    }
}

fn has_verb(row: &CommandRow, words: &[Word]) -> bool {
    let mut words = words.iter().skip(1);
    row.verb.split_whitespace().all(|verb| words.any(|word| word.text == verb))
}

fn by_row(clues: &mut Clues, command: &Command, row: &CommandRow, uses: &mut Together) -> bool {
    let registry = row.host.then(|| registry(&command.words)).flatten();
    let user = value_of(&command.words, &["-u", "--username"]);
    let account = account(registry.as_deref().or(user));
    let mut told = false;
    let mut tell = |secrets: &[Secret], is: &Is| {
        let is = is.at(registry.as_deref());
        for secret in secrets {
            told = true;
            clues.add(
                secret,
                &Seen {
                    how: Sign::Command,
                    is: &is,
                    place: &command.place,
                    row: format!("command:{}", row.id),
                    account: account.clone(),
                },
            );
            if let Some(field) = &is.field {
                uses.push((Key::of(secret), is.kind.clone(), field.clone()));
            }
        }
    };
    let last = command.words.len() - 1;
    for (number, word) in command.words.iter().enumerate().skip(1) {
        if word.secrets.is_empty() {
            continue;
        }
        let before = command.words[number - 1].text.as_str();
        let option = word.text.split_once('=').map_or(before, |(name, _)| name);
        let by_position = || {
            let last = row.options.get("@last").filter(|_| number == last);
            last.or_else(|| row.options.get("@any"))
        };
        if let Some(is) = row.options.get(option).or_else(by_position) {
            tell(&word.secrets, is);
        } else if let (Some(part), Some(is)) = (&row.contains, &row.is)
            && (word.text.contains(part.as_str()) || before.contains(part.as_str()))
        {
            tell(&word.secrets, is);
        }
    }
    if let Some(is) = &row.stdin {
        tell(&command.stdin, is);
    }
    told
}

fn value_of<'w>(words: &'w [Word], options: &[&str]) -> Option<&'w str> {
    let at = words.iter().position(|word| options.contains(&word.text.as_str()))?;
    let value = words.get(at + 1)?;
    value.secrets.is_empty().then_some(value.text.as_str())
}

/// The word that is neither an option nor the value of one, and has a dot as hosts have.
fn registry(words: &[Word]) -> Option<String> {
    let is_host = |(number, word): &(usize, &Word)| {
        let before = &words[number - 1].text;
        let value =
            before.starts_with('-') && !before.contains('=') && before != "--password-stdin";
        let plain = word.secrets.is_empty() && !word.text.starts_with('-');
        plain
            && !value
            && (word.text.contains('.') || word.text.contains(':') || word.text.contains('$'))
    };
    let found = words.iter().enumerate().skip(2).find(is_host);
    found.map(|(_, word)| word.text.clone())
}

/// `curl -H "Authorization: Bearer $X" https://api.example.com`, `git clone https://x:$T@github.com/…`.
fn by_host(clues: &mut Clues, command: &Command) {
    let secrets = command.words.iter().flat_map(|word| &word.secrets).chain(&command.stdin);
    let secrets: Vec<&Secret> = secrets.collect();
    let mut rows: Vec<(&str, &str)> = command
        .words
        .iter()
        .flat_map(|word| hosts(&word.text))
        .filter_map(table::host_row)
        .collect();
    rows.sort_unstable();
    rows.dedup();
    for (host, kind) in rows {
        let is = Is::from(kind.to_owned());
        for secret in &secrets {
            let row = format!("host:{host}");
            let (how, account) = (Sign::Command, Some(host.to_owned()));
            clues.add(secret, &Seen { how, is: &is, place: &command.place, row, account });
        }
    }
}

/// Hosts of the addresses in a text.
fn hosts(text: &str) -> impl Iterator<Item = &str> {
    text.split("://").skip(1).map(|rest| {
        let ends = |c: char| "/?#\"'` ".contains(c);
        let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
        authority.rsplit('@').next().unwrap_or(authority)
    })
}
