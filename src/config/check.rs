//! What one part of a configuration says of another.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use keysweep_sdk::{ProviderName, Shape};
use toml::Spanned;

use super::{
    ConfigError, CredentialName, PlacementName, ProviderEntry, Source, document, suggestion,
};

/// Gathers mistakes while a document is lowered.
pub(super) struct Checked<'a> {
    pub(super) source: &'a Source,
    pub(super) providers: &'a BTreeMap<ProviderName, ProviderEntry>,
    pub(super) errors: &'a mut Vec<ConfigError>,
    names: BTreeMap<CredentialName, u32>,
    placements: BTreeMap<PlacementName, Vec<(Shape, u32)>>,
}

impl<'a> Checked<'a> {
    pub(super) fn new(
        source: &'a Source,
        providers: &'a BTreeMap<ProviderName, ProviderEntry>,
        errors: &'a mut Vec<ConfigError>,
    ) -> Self {
        Self { source, providers, errors, names: BTreeMap::new(), placements: BTreeMap::new() }
    }

    pub(super) fn error(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.errors.push(self.source.error(span, message, hint));
    }

    /// Takes up the names of all credentials; two of one name are refused.
    pub(super) fn names(&mut self, credentials: &[document::Credential]) {
        for credential in credentials {
            let (name, span) = (credential.id.get_ref(), credential.id.span());
            let line = self.source.line(span.start);
            match self.names.get(name) {
                Some(first) => {
                    let message = format!("`{name}` is described in line {first} already");
                    self.error(span, message, "keep one; a credential may have many stores");
                }
                None => {
                    self.names.insert(name.clone(), line);
                }
            }
        }
    }

    pub(super) fn provider(&mut self, name: &ProviderName, span: Range<usize>) {
        if self.providers.contains_key(name) {
            return;
        }
        let known = self.providers.keys().map(ProviderName::as_str);
        let hint = match known.clone().next() {
            Some(_) => suggestion(name.as_str(), known, "providers"),
            None => format!("describe it: `[providers.{name}]` with its `type`"),
        };
        self.error(span, format!("no provider is called `{name}`"), hint);
    }

    pub(super) fn fields(&mut self, written: &Spanned<Vec<Spanned<String>>>) -> Vec<String> {
        if written.get_ref().is_empty() {
            let hint = "say what it consists of: `fields = [\"token\"]`";
            self.error(written.span(), "a credential has at least one field", hint);
        }
        let mut fields: Vec<String> = Vec::new();
        for field in written.get_ref() {
            if fields.contains(field.get_ref()) {
                self.error(field.span(), "this field stands here twice", "keep one of them");
            }
            fields.push(field.get_ref().clone());
        }
        fields
    }

    pub(super) fn field(&mut self, field: &str, span: Range<usize>, fields: &[String]) {
        if !fields.iter().any(|known| known == field) {
            let hint = suggestion(field, fields.iter().map(String::as_str), "fields");
            self.error(span, format!("the credential has no field `{field}`"), hint);
        }
    }

    pub(super) fn template(&mut self, written: &Spanned<String>, shape: &Shape, fields: &[String]) {
        let named = shape.fields();
        if named.is_empty() {
            let hint = "name fields in it: `{{ username }}:{{ password | urlencode }}`";
            self.error(written.span(), "no template that names a field", hint);
        }
        for field in named {
            self.field(&field, written.span(), fields);
        }
    }

    /// Two values in one placement would overwrite each other.
    pub(super) fn placement(&mut self, at: &Spanned<PlacementName>, shape: &Shape) {
        let line = self.source.line(at.span().start);
        let others = self.placements.entry(at.get_ref().clone()).or_default();
        let taken = others.iter().find(|(other, _)| overlap(other, shape)).map(|(_, line)| *line);
        others.push((shape.clone(), line));
        if let Some(first) = taken {
            let message = format!("line {first} puts a value there already");
            let hint =
                "one placement holds one value: drop one, or name what each writes with `fields`";
            self.error(at.span(), message, hint);
        }
    }

    pub(super) fn can_change(&mut self, from: &CredentialName, target: &Spanned<CredentialName>) {
        if target.get_ref() == from {
            let hint = "mark the credential that keysweep itself works with by `own = true`";
            self.error(target.span(), "a credential changes others, not itself", hint);
        } else if !self.names.contains_key(target.get_ref()) {
            let typed = target.get_ref().to_string();
            let known: Vec<String> = self.names.keys().map(ToString::to_string).collect();
            let hint = suggestion(&typed, known.iter().map(String::as_str), "credentials");
            self.error(target.span(), format!("no credential is called `{typed}`"), hint);
        }
    }

    pub(super) fn argv(&mut self, argv: &[String], span: Range<usize>) {
        if argv.first().is_none_or(|program| program.trim().is_empty()) {
            let hint =
                "write the program and its arguments: `[\"systemctl\", \"reload\", \"app\"]`";
            self.error(span, "no program", hint);
        }
    }

    pub(super) fn recipient(&mut self, recipient: &Spanned<String>) {
        let public = ["age1", "ssh-ed25519 ", "ssh-rsa "];
        if !public.iter().any(|start| recipient.get_ref().starts_with(start)) {
            let hint =
                "write a public key, `age1…` or `ssh-ed25519 …`; `keysweep keys new` makes one";
            self.error(recipient.span(), "no public key of a recipient", hint);
        }
    }

    pub(super) fn attempts(&mut self, attempts: &Spanned<u32>) {
        if !(1..=10).contains(attempts.get_ref()) {
            self.error(attempts.span(), "1 to 10 attempts", "3 is the default");
        }
    }

    pub(super) fn waves(&mut self, waves: &[Spanned<String>]) {
        let mut seen = BTreeSet::new();
        for wave in waves {
            if !seen.insert(wave.get_ref()) {
                self.error(
                    wave.span(),
                    "this environment is in the list twice",
                    "keep one of them",
                );
            }
        }
    }
}

fn overlap(one: &Shape, other: &Shape) -> bool {
    match (one, other) {
        (Shape::Named(one), Shape::Named(other)) => one.keys().any(|name| other.contains_key(name)),
        _ => true,
    }
}
