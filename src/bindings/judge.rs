//! What is wrong with a book, held against the configuration and what was seen.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};

use super::{Binding, Book, Match, Seen};
use crate::config::{Config, Credential, CredentialName, StoreUse};

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum FindingKind {
    /// Two rows say different things of one placement.
    Conflict,
    /// It names a credential that the configuration does not have.
    UnknownCredential,
    /// The placement or the issuer is not what it was when somebody confirmed it.
    Stale,
    /// Nothing that is known matches it.
    Dead,
    /// Nobody has confirmed it.
    Unconfirmed,
    /// A placement that no row speaks of.
    Unbound,
}

/// One thing that somebody has to look at.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Finding {
    pub kind: FindingKind,
    /// Of the book; 0 where no row is meant.
    pub line: u32,
    /// The row's pattern, or the placement.
    pub placement: String,
    pub message: String,
    pub hint: String,
}

impl FindingKind {
    /// Whether the book is wrong, and not only short.
    pub fn is_fault(self) -> bool {
        match self {
            Self::Conflict | Self::UnknownCredential | Self::Stale | Self::Dead => true,
            Self::Unconfirmed | Self::Unbound => false,
        }
    }
}

/// All findings, the worst first, then by line. Whether a row is dead is told only where there is something to match.
pub fn judge(book: &Book, config: Option<&Config>, seen: &[Seen]) -> Vec<Finding> {
    let mut judge = Judge { book, config, findings: BTreeSet::new(), matched: BTreeSet::new() };
    for credential in config.map(|config| &config.credentials[..]).unwrap_or_default() {
        for store in &credential.stores {
            judge.store(credential, store);
        }
    }
    seen.iter().for_each(|seen| judge.seen(seen));
    for binding in book.bindings() {
        judge.binding(binding, config.is_some() || !seen.is_empty());
    }
    judge.findings.into_iter().collect()
}

struct Judge<'a> {
    book: &'a Book,
    config: Option<&'a Config>,
    findings: BTreeSet<Finding>,
    /// Lines of rows that something matches.
    matched: BTreeSet<u32>,
}

impl<'a> Judge<'a> {
    fn store(&mut self, credential: &Credential, store: &StoreUse) {
        let name = store.at.to_string();
        let Some(binding) = self.one(&[&name]) else { return };
        let moved = binding.credential.as_ref().filter(|bound| **bound != credential.name);
        if let Some(bound) = moved {
            let message = format!(
                "it says `{bound}`, and the configuration puts `{}` there (line {})",
                credential.name, store.line
            );
            let hint = "find out which is right, correct the other, and confirm the row again";
            self.found(FindingKind::Stale, binding, &name, message, hint);
        }
    }

    fn seen(&mut self, seen: &Seen) {
        let name = seen.names.first().cloned().unwrap_or_default();
        let Some(binding) = self.one(&seen.names) else { return };
        if let (Some(issuer), Some(bound)) = (&seen.issuer, &binding.issuer) {
            let other_account = issuer.account.as_ref().zip(binding.account.as_ref());
            if issuer.kind != *bound {
                let message = format!("it says `{bound}`, and its use tells `{}`", issuer.kind);
                let hint = "see what stands there now, and confirm the row again";
                self.found(FindingKind::Stale, binding, &name, message, hint);
            } else if let Some((now, then)) = other_account.filter(|(now, then)| now != then) {
                let message = format!("it says the account `{then}`, and its use tells `{now}`");
                let hint = "see what stands there now, and confirm the row again";
                self.found(FindingKind::Stale, binding, &name, message, hint);
            }
        }
        if let Some(updated) = seen.updated.filter(|updated| is_after(*updated, binding)) {
            let message = format!("it was written at {updated}, after the row was confirmed");
            let hint = "see whether the same credential stands there, and confirm the row again";
            self.found(FindingKind::Stale, binding, &name, message, hint);
        }
    }

    fn binding(&mut self, binding: &'a Binding, something_known: bool) {
        let at = binding.placement.clone();
        if let (Some(config), Some(name)) = (self.config, &binding.credential)
            && config.credential(name).is_none()
        {
            let message = format!("the configuration has no credential `{name}`");
            self.found(FindingKind::UnknownCredential, binding, &at, message, &near(config, name));
        }
        if something_known && !self.matched.contains(&binding.line) {
            let message = "no placement that is known has such a name".to_owned();
            let hint = "take the row out, or correct its pattern";
            self.found(FindingKind::Dead, binding, &at, message, hint);
        }
        if binding.confirmed.is_none() || binding.confirmed_by.is_none() {
            let message = "nobody has confirmed it".to_owned();
            let hint = "write `confirmed_by` and `confirmed` when somebody has looked";
            self.found(FindingKind::Unconfirmed, binding, &at, message, hint);
        }
    }

    /// The row that speaks for a placement, if there is one; no row and quarrelling rows are findings.
    fn one(&mut self, names: &[impl AsRef<str>]) -> Option<&'a Binding> {
        let shown = names.first().map(|name| name.as_ref().to_owned()).unwrap_or_default();
        match self.book.find_any(names) {
            Match::One(binding) => {
                self.mark(names);
                Some(binding)
            }
            Match::Unbound => {
                self.findings.insert(Finding {
                    kind: FindingKind::Unbound,
                    line: 0,
                    placement: shown,
                    message: "no row says what it holds".to_owned(),
                    hint: "find out, and add a row".to_owned(),
                });
                None
            }
            Match::Conflict(rows) => {
                self.mark(names);
                let lines: Vec<String> = rows.iter().map(|row| row.line.to_string()).collect();
                let message = format!("lines {} say different things of it", lines.join(", "));
                let hint = "make one of them narrower, or take it out";
                if let Some(first) = rows.first() {
                    self.found(FindingKind::Conflict, first, &shown, message, hint);
                }
                None
            }
        }
    }

    /// A row that agrees with the one that speaks is not dead.
    fn mark(&mut self, names: &[impl AsRef<str>]) {
        let lines = self.book.matcher.all(&self.book.bindings, names).map(|row| row.line);
        self.matched.extend(lines);
    }

    fn found(
        &mut self,
        kind: FindingKind,
        binding: &Binding,
        placement: &str,
        message: String,
        hint: &str,
    ) {
        self.findings.insert(Finding {
            kind,
            line: binding.line,
            placement: placement.to_owned(),
            message,
            hint: hint.to_owned(),
        });
    }
}

/// The day of a confirmation counts whole, in UTC.
fn is_after(updated: Timestamp, binding: &Binding) -> bool {
    let day = TimeZone::UTC.to_datetime(updated).date();
    binding.confirmed.is_some_and(|confirmed| day > confirmed)
}

fn near(config: &Config, name: &CredentialName) -> String {
    let known: Vec<String> =
        config.credentials.iter().map(|credential| credential.name.to_string()).collect();
    crate::config::suggestion(&name.to_string(), known.iter().map(String::as_str), "credentials")
}
