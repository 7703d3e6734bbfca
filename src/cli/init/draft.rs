//! A first configuration as text.

use super::look::Found;
use crate::report::clean;

/// More of one kind are counted, not listed.
const MOST_NAMES: usize = 6;

const HEAD: &str = "\
# Where credentials live, and how they are rotated. `keysweep doctor` says what is missing.
# No value stands here: keysweep's own credentials are given as `env:NAME`, `cmd:PROGRAM …`, `gh` or
# `keychain:SERVICE/ACCOUNT`.

[providers.files] # dotenv, ~/.aws/credentials, JSON, YAML and TOML files below this folder
type = \"file\"

[providers.console] # what only a person can make, in a vendor's console
type = \"manual\"
where = \"https://console.example.com/keys\"
steps = [\"make a new key with the rights of the old one\"]
revoke_steps = [\"delete the old key\"]
fields = [\"token\"]
";

const POLICY: &str = "
[policy]
purpose = \"periodic\" # after a breach: \"post-breach\"
deadline.default = \"24h\" # the old one is dead by then
";

/// `kinds` are the types of provider that this program has: no other is written down as one.
pub(super) fn toml(found: &Found, kinds: &[&str]) -> String {
    let mut text = HEAD.to_owned();
    text.push_str(&credential(found));
    text.push_str(POLICY);
    let seen = seen(found, kinds);
    if !seen.is_empty() {
        text.push_str("\n# Seen here, by name only:\n");
        for line in seen {
            text.push_str(&format!("# {}\n", clean(&line)));
        }
    }
    text
}

/// For the page that says what was written.
pub(super) fn summary(found: &Found) -> String {
    let names = found.dotenv.values().map(Vec::len).sum::<usize>();
    let secrets = found.ci.values().map(std::collections::BTreeSet::len).sum::<usize>();
    format!(
        "{names} in dotenv files, {secrets} in CI files, {} of AWS seen",
        match found.aws_profiles.len() {
            1 => "1 profile".to_owned(),
            some => format!("{some} profiles"),
        }
    )
}

/// The first secret of a dotenv file, as an example that works; without one, an example to fill in.
fn credential(found: &Found) -> String {
    let first = found.dotenv.iter().find_map(|(file, names)| Some((file, names.first()?)));
    let (file, name, mark) = match first {
        Some((file, name)) => (file.as_str(), name.as_str(), ""),
        None => (".env", "API_TOKEN", "# "),
    };
    let id = toml::Value::String(format!("console:{name}"));
    let at = toml::Value::String(format!("files:{file}#{name}"));
    [
        "[[credentials]]".to_owned(),
        format!("id = {id} # PROVIDER:WHOM, who it speaks for at its issuer"),
        "fields = [\"token\"]".to_owned(),
        format!("stores = [{{ at = {at} }}] # every slot that holds a copy; of several fields: `field = …`"),
    ]
    .iter()
    .fold("\n".to_owned(), |text, line| format!("{text}{mark}{line}\n"))
}

fn seen(found: &Found, kinds: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for (file, names) in &found.dotenv {
        lines.push(format!("{file}: {}", listed(names.iter().map(String::as_str))));
    }
    for (kind, names) in &found.ci {
        lines.push(format!("CI, {kind}: {}", listed(names.iter().map(String::as_str))));
    }
    if let Some(profile) = found.aws_profiles.first() {
        let region =
            found.aws_region.as_ref().map(|at| format!(", region {at}")).unwrap_or_default();
        let profiles = listed(found.aws_profiles.iter().map(String::as_str));
        lines.push(format!("AWS profiles: {profiles}{region}"));
        if kinds.contains(&"aws") {
            lines.extend(table("prod", "aws", &[("profile", profile)]));
        }
    }
    if let Some(address) = &found.vault {
        lines.push(format!("VAULT_ADDR: {address}"));
        if kinds.contains(&"vault") {
            let keys = [("address", address.as_str()), ("token", "env:VAULT_TOKEN")];
            lines.extend(table("vault", "vault", &keys));
        }
    }
    if found.gh {
        lines.push("the GitHub CLI: `token = \"gh\"` is what `gh auth token` prints".to_owned());
    }
    lines
}

/// A provider, to be used by taking the marks away.
fn table(name: &str, kind: &str, keys: &[(&str, &str)]) -> Vec<String> {
    let key = |(key, value): &(&str, &str)| format!("{key} = {}", toml::Value::from(*value));
    let head = [format!("[providers.{name}]"), key(&("type", kind))];
    head.into_iter().chain(keys.iter().map(key)).collect()
}

fn listed<'n>(names: impl Iterator<Item = &'n str> + Clone) -> String {
    let all = names.clone().count();
    let shown: Vec<&str> = names.take(MOST_NAMES).collect();
    match all - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, toml};
    use crate::config;

    #[test]
    fn only_a_type_that_is_there_is_written_down() {
        let found = Found {
            aws_profiles: ["prod".to_owned()].into(),
            vault: Some("https://vault.example:8200".to_owned()),
            ..Found::default()
        };
        assert!(!toml(&found, &["file"]).contains("[providers.prod]"));
        let text = toml(&found, &["aws", "vault"]);
        // What is a comment is right once its marks are gone.
        let (above, below) = text.split_once("# Seen here").expect("something was seen");
        let wanted = |line: &&str| line.starts_with("# [") || line.contains(" = \"");
        let below: Vec<&str> =
            below.lines().filter(wanted).map(|line| line.trim_start_matches("# ")).collect();
        let filled = format!("{above}\n{}", below.join("\n"));
        let config = config::parse("x", &filled).expect(&filled);
        let kinds: Vec<_> = config.providers.values().map(|entry| entry.kind.as_str()).collect();
        assert_eq!(kinds, ["manual", "file", "aws", "vault"]);
    }
}
