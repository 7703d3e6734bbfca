//! Halves of one credential: an id and its secret, a user's name and a password.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    IDENTIFIER, Issuer,
    clue::{Class, Clues, Key},
};

/// Last parts of names that say which half it is. Longest first.
const ENDS: [(&str, &str); 26] = [
    ("SECRET_ACCESS_KEY", "secret-access-key"),
    ("ACCESS_SECRET", "secret-access-key"),
    ("ACCESS_KEY_ID", "access-key-id"),
    ("ACCESS_KEY", "access-key-id"),
    ("SESSION_TOKEN", "session-token"),
    ("SECRET_KEY", "secret-access-key"),
    ("KEY_ID", "access-key-id"),
    ("CLIENT_SECRET", "client-secret"),
    ("CLIENT_ID", "client-id"),
    ("APP_PRIVATE_KEY", "app-private-key"),
    ("APP_KEY", "app-private-key"),
    ("APP_ID", "app-id"),
    ("PRIVATE_KEY", "private-key"),
    ("SIGNING_KEY", "private-key"),
    ("PASSPHRASE", "passphrase"),
    ("USERNAME", "username"),
    ("LOGIN", "username"),
    ("USER", "username"),
    ("PASSWORD", "password"),
    ("PASSWD", "password"),
    ("PASS", "password"),
    ("API_KEY", "password"),
    ("APIKEY", "password"),
    ("TOKEN", "password"),
    ("SECRET", "password"),
    ("KEY", "private-key"),
];

/// Halves that go together by name alone.
const COUPLES: [(&str, &str); 8] = [
    ("access-key-id", "secret-access-key"),
    ("session-token", "secret-access-key"),
    ("client-id", "client-secret"),
    ("app-id", "app-private-key"),
    ("app-id", "private-key"),
    ("passphrase", "private-key"),
    ("username", "password"),
    ("username", "private-key"),
];

/// Halves that say who: the other is the secret.
const PUBLIC: [&str; 9] = [
    "access-key-id",
    "client-id",
    "app-id",
    "username",
    "email",
    "key-id",
    "account-sid",
    "role-id",
    "alias",
];

/// The groups of more than one among the placements of one scope.
pub(super) fn groups(
    keys: &BTreeSet<Key>,
    issuers: &BTreeMap<Key, Issuer>,
    clues: &Clues,
) -> Vec<BTreeSet<Key>> {
    let mut groups: Vec<BTreeSet<Key>> = Vec::new();
    for (a, b) in by_name(keys, issuers).into_iter().chain(by_use(keys, clues)) {
        join(&mut groups, a, b);
    }
    groups
}

fn join(groups: &mut Vec<BTreeSet<Key>>, a: Key, b: Key) {
    let of = |key: &Key| groups.iter().position(|group| group.contains(key));
    match (of(&a), of(&b)) {
        (Some(one), Some(other)) if one == other => {}
        // Two credentials that share a half, a user's name, stay two.
        (Some(_), Some(_)) => {}
        (Some(at), None) | (None, Some(at)) => groups[at].extend([a, b]),
        (None, None) => groups.push(BTreeSet::from([a, b])),
    }
}

/// One step gives each of them to a field of its own, and no field twice.
fn by_use(keys: &BTreeSet<Key>, clues: &Clues) -> Vec<(Key, Key)> {
    let mut pairs = Vec::new();
    for uses in &clues.together {
        let mut kinds: BTreeMap<&str, BTreeMap<&str, BTreeSet<&Key>>> = BTreeMap::new();
        for (key, kind, field) in uses.iter().filter(|(key, ..)| keys.contains(key)) {
            kinds.entry(kind).or_default().entry(field).or_default().insert(key);
        }
        for fields in kinds.values() {
            if fields.values().any(|keys| keys.len() > 1) {
                continue;
            }
            let keys: BTreeSet<&Key> = fields.values().flatten().copied().collect();
            let mut keys = keys.into_iter();
            let Some(first) = keys.next() else { continue };
            pairs.extend(keys.map(|other| (first.clone(), other.clone())));
        }
    }
    pairs
}

/// `X_USER` with `X_PASSWORD`: the same name before, halves that go together, and no two kinds.
fn by_name(keys: &BTreeSet<Key>, issuers: &BTreeMap<Key, Issuer>) -> Vec<(Key, Key)> {
    let mut stems: BTreeMap<String, Vec<(&Key, &str)>> = BTreeMap::new();
    for key in keys.iter().filter(|key| key.class == Class::Stored) {
        if let Some((stem, half)) = split(&key.name) {
            stems.entry(stem).or_default().push((key, half));
        }
    }
    let mut pairs = Vec::new();
    for halves in stems.values() {
        for (public, secret) in COUPLES {
            let of = |half: &str| {
                let mut found = halves.iter().filter(|(_, own)| *own == half).map(|(key, _)| *key);
                // `X_PASSWORD` and `X_TOKEN`: which of them has the name of the user is not known.
                found.next().filter(|_| found.next().is_none())
            };
            if let (Some(a), Some(b)) = (of(public), of(secret))
                && agree(issuers.get(a), issuers.get(b))
            {
                pairs.push((b.clone(), a.clone()));
            }
        }
    }
    pairs
}

/// `PROD_AWS_ACCESS_KEY_ID` → `PROD_AWS`, access-key-id
fn split(name: &str) -> Option<(String, &'static str)> {
    let name = name.replace(['-', '.'], "_");
    ENDS.iter().find_map(|(end, half)| {
        let stem = name.strip_suffix(end)?;
        let whole = stem.is_empty() || stem.ends_with('_');
        whole.then(|| (stem.trim_end_matches('_').to_owned(), *half))
    })
}

fn agree(a: Option<&Issuer>, b: Option<&Issuer>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let weak = |issuer: &Issuer| issuer.confidence <= super::IssuerConfidence::Possible;
    a.kind == b.kind || weak(a) || weak(b) && a.kind != IDENTIFIER
}

pub(super) fn is_public(field: &str) -> bool {
    PUBLIC.contains(&field)
}

/// Of the secret half's name, so that it stays when a half is added.
pub(super) fn id(
    repository: &str,
    scope: &str,
    group: &BTreeSet<Key>,
    issuers: &BTreeMap<Key, Issuer>,
) -> String {
    let half = |key: &Key| {
        let field = issuers.get(key).and_then(|issuer| issuer.field.clone());
        field.or_else(|| split(&key.name).map(|(_, half)| half.to_owned())).unwrap_or_default()
    };
    let secret = group.iter().find(|key| !is_public(&half(key)));
    let name = secret.or_else(|| group.first()).map(|key| key.name.as_str());
    let parts = json!(["credential", repository, scope, name]);
    hex::encode(&Sha256::digest(parts.to_string())[..6])
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_name_says_which_half_it_is() {
        for (name, expected) in [
            ("PROD_AWS_ACCESS_KEY_ID", Some(("PROD_AWS", "access-key-id"))),
            ("DOCKER_USERNAME", Some(("DOCKER", "username"))),
            ("GPG_PASSPHRASE", Some(("GPG", "passphrase"))),
            ("SUPERUSER", None),
        ] {
            let expected = expected.map(|(stem, half)| (stem.to_owned(), half));
            assert_eq!(split(name), expected, "{name}");
        }
    }
}
