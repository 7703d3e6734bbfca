//! Literal text that looks like a credential. Its place and kind are reported, never the text.

mod masking;
mod rules;

pub(crate) use masking::masked;
pub(crate) use rules::find;

/// Words in the name of a variable or input that say its value is secret.
const WORDS: [&str; 13] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "api_key",
    "api-key",
    "private_key",
    "private-key",
    "access_key",
    "access-key",
    "credential",
];

/// Last words of names that speak of a secret and hold something else: `TOKEN_URL`, `secret-name`.
const OTHER_THINGS: [&str; 22] = [
    "name", "file", "path", "dir", "url", "uri", "host", "endpoint", "arn", "version", "type",
    "scope", "scopes", "region", "ttl", "expiry", "duration", "length", "header", "prefix",
    "format", "env",
];

/// What people write where a secret is to be put in.
const PLACEHOLDERS: [&str; 13] = [
    "example",
    "${",
    "$(",
    "{{",
    "0000000000",
    "dummy",
    "placeholder",
    "changeme",
    "change-me",
    "change_me",
    "your",
    "xxxx",
    "insert",
];

/// Whether a variable of this name is meant to hold a secret.
pub(crate) fn name_is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let last = lower.rsplit(['_', '-', '.']).next().unwrap_or_default();
    WORDS.iter().any(|word| lower.contains(word)) && !OTHER_THINGS.contains(&last)
}

/// Whether `NAME: value` is a credential written into the file.
///
/// Throw-away values of test services (`postgres`, `changeme`) are short words; what an issuer hands out
/// is long and mixes letters with digits.
pub(crate) fn is_credential(name: &str, value: &str) -> bool {
    let value = value.trim();
    let real = !is_placeholder(value);
    real && (!find(value).is_empty() || name_is_secret(name) && is_random_looking(value))
}

/// The kind of the first credential of a known format in a text.
pub(crate) fn kind_of(value: &str) -> Option<&'static str> {
    find(value).first().map(|found| found.kind)
}

/// The text, with what stands before an `@` in the addresses of URLs taken out: a user's name and password.
pub(crate) fn without_userinfo(text: &str) -> String {
    let mut parts = text.split("://");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ends = |c: char| "/?#`'\")]}<>".contains(c) || c.is_whitespace();
        let authority = &part[..part.find(ends).unwrap_or(part.len())];
        let start = authority.rfind('@').map_or(0, |at| at + 1);
        out.push_str("://");
        out.push_str(&part[start..]);
    }
    out
}

fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

fn is_one_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.=+/".contains(&b))
}

fn is_random_looking(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let path_or_url = value.contains("://") || value.starts_with(['/', '.', '~', '$', '%']);
    value.len() >= 16 && is_one_word(value) && !path_or_url && digits >= 3 && letters >= 3
}

#[cfg(test)]
mod tests {
    use super::{is_credential, without_userinfo};

    #[test]
    fn an_address_keeps_no_password() {
        for (text, expected) in [
            ("`https://u:p@host/a@v1` is odd", "`https://host/a@v1` is odd"),
            ("git+ssh://u@a@host http://x", "git+ssh://host http://x"),
            ("mail a@b, see https://host/a@b", "mail a@b, see https://host/a@b"),
            ("://@", "://"),
        ] {
            assert_eq!(without_userinfo(text), expected);
        }
    }

    #[test]
    fn tells_credentials_from_settings() {
        for (name, value, expected) in [
            ("CODECOV_TOKEN", "1f0c2a8e-94f1-4f7e-9d2c-2f5b6a7c8d9e", true),
            ("ANY", "ghp_0123456789abcdefghijklmnopqrstuvwxyz", true),
            ("DEPLOY_KEY", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA", true),
            ("POSTGRES_PASSWORD", "postgres", false),
            ("TOKEN_FILE", "/run/secrets/token-0123456789", false),
            ("API_KEY", "${API_KEY_FROM_VAULT_12345}", false),
            ("GO_VERSION", "1.15.3", false),
            ("SECRET_NAME", "my-secret-name-for-staging", false),
            ("SECRET_NAME", "projects/123456789/secrets/a1b2c3", false),
            ("api-key-version", "2024-01-15-preview-12", false),
            ("aws-access-key-id", "AKIAIOSFODNN7EXAMPLE", false),
            ("aws-access-key-id", "AKIAZZ5FODNN7QXKWPLE", true),
            ("token", "your-token-goes-here-0123456789", false),
            ("api_token", "xxxxxxxxxxxxxxxx1234567890", false),
            ("private-key", "~/.ssh/id_ed25519_20240101", false),
        ] {
            assert_eq!(is_credential(name, value), expected, "{name}={value}");
        }
    }
}
