//! Literal text that looks like a credential. Its place and kind are reported, never the text.

/// Prefixes that issuers give their tokens, as their documentation states them.
const PREFIXES: [&str; 20] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "AKIA",
    "ASIA",
    "sk_live_",
    "rk_live_",
    "SG.",
    "npm_",
    "pypi-",
    "dckr_pat_",
    "hvs.",
    "AIza",
];

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
const PLACEHOLDERS: [&str; 9] = [
    "example",
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
    let prefixed = PREFIXES.iter().any(|prefix| {
        value.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 12 && is_one_word(rest))
    });
    let key_block = value.starts_with("-----BEGIN ") && value.contains("PRIVATE KEY");
    let real = !is_placeholder(value);
    real && (prefixed || key_block || name_is_secret(name) && is_random_looking(value))
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
    use super::is_credential;

    #[test]
    fn tells_credentials_from_settings() {
        for (name, value, expected) in [
            ("CODECOV_TOKEN", "1f0c2a8e-94f1-4f7e-9d2c-2f5b6a7c8d9e", true),
            ("ANY", "ghp_0123456789abcdefghijklmnopqrstuvwxyz", true),
            ("DEPLOY_KEY", "-----BEGIN OPENSSH PRIVATE KEY-----\nx", true),
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
