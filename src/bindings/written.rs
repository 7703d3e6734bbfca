//! A binding as a block of the book.

use std::fmt::Write;

use super::Binding;

/// `[[bindings]]` and its keys, with a line feed at its end. Appended to a book, it leaves comments where they are.
pub fn block(binding: &Binding) -> String {
    let mut text = "[[bindings]]\n".to_owned();
    for (key, value) in fields(binding) {
        if let Some(value) = value {
            let value = toml::Value::String(value);
            writeln!(text, "{key} = {value}").expect("writing to a string does not fail");
        }
    }
    text
}

/// The keys in their order, which is that of the columns of a table, too.
pub(super) const KEYS: [&str; 11] = [
    "placement",
    "credential",
    "issuer",
    "account",
    "owner",
    "runbook",
    "source_of_truth",
    "class",
    "known_by",
    "confirmed_by",
    "confirmed",
];

pub(super) fn fields(binding: &Binding) -> impl Iterator<Item = (&'static str, Option<String>)> {
    let values = [
        Some(binding.placement.clone()),
        binding.credential.as_ref().map(ToString::to_string),
        binding.issuer.clone(),
        binding.account.clone(),
        binding.owner.clone(),
        binding.runbook.clone(),
        binding.source_of_truth.clone(),
        binding.class.clone(),
        binding.known_by.clone(),
        binding.confirmed_by.clone(),
        binding.confirmed.map(|day| day.to_string()),
    ];
    KEYS.into_iter().zip(values)
}
