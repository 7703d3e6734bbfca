//! What has to happen to an exposed thing, and the rule that says so. Doubt falls to *rotate*.

use super::{Disposition, Placement};
use crate::resolve::{
    Issuer, IssuerConfidence, Sign,
    issuer::{IDENTIFIER, UNKNOWN},
};

/// Last words of names that hold no secret: who, where, which.
const NOT_CREDENTIALS: [&str; 14] = [
    "ROLE",
    "ROLE_ARN",
    "ROLE_TO_ASSUME",
    "ARN",
    "HOST",
    "HOSTNAME",
    "USER",
    "USERNAME",
    "REGION",
    "ACCOUNT_ID",
    "PROJECT_ID",
    "TENANT_ID",
    "ORG_ID",
    "SUBSCRIPTION_ID",
];

/// Words of names that speak of a secret, whatever the name ends with.
const SECRET_WORDS: [&str; 8] =
    ["TOKEN", "SECRET", "PASSWORD", "PASSPHRASE", "PRIVATE", "CREDENTIAL", "PASS", "PAT"];

/// Kinds whose loss lets others sign in one's name.
const SIGNING: [&str; 7] = [
    "gpg-key",
    "cosign-key",
    "code-signing-key",
    "android-signing-key",
    "tauri-signing-key",
    "cachix-signing-key",
    "app-store-connect-key",
];

/// Parts of credentials that say who, and are no secret alone.
const PUBLIC: [&str; 3] = ["username", "email", "alias"];

pub(super) struct Judged {
    pub(super) disposition: Disposition,
    pub(super) rule: &'static str,
}

/// `part`: it is one part of a credential whose other parts are placements too.
pub(super) fn of(placement: &Placement, issuer: Option<&Issuer>, part: bool) -> Judged {
    let judged = |disposition, rule| Judged { disposition, rule };
    let name = placement.name.to_ascii_uppercase();
    if name == "GITHUB_TOKEN" && placement.scope == "job" {
        return judged(Disposition::AuditOnly, "D1 job-token-died-with-its-job");
    }
    if placement.scope == "job" {
        return judged(Disposition::RevokeSession, "D2 session-made-for-the-job");
    }
    if signs(&name, issuer) {
        return judged(Disposition::SigningKey, "D4 signing-key");
    }
    if part {
        return judged(Disposition::Rotate, "D5 part-of-a-credential");
    }
    if placement.scope != "literal" && opens_nothing(&name, issuer) {
        return judged(Disposition::NotACredential, "D3 name-is-an-identifier");
    }
    match issuer {
        Some(issuer) if issuer.confidence >= IssuerConfidence::Likely => {
            judged(Disposition::Rotate, "D6 credential-by-use")
        }
        _ => judged(Disposition::Rotate, "D7 doubt-is-rotated"),
    }
}

fn signs(name: &str, issuer: Option<&Issuer>) -> bool {
    if let Some(issuer) = issuer
        && issuer.confidence >= IssuerConfidence::Likely
    {
        return SIGNING.contains(&issuer.kind.as_str());
    }
    let words = ["GPG", "PGP", "SIGNING", "COSIGN", "MINISIGN", "CODESIGN"];
    words.iter().any(|word| name.contains(word))
}

/// The name says who or where, and no use of it contradicts; a use alone is not enough.
fn opens_nothing(name: &str, issuer: Option<&Issuer>) -> bool {
    let by_name = NOT_CREDENTIALS.iter().any(|word| ends_with_word(name, word));
    let mut parts = name.split(['_', '-', '.']);
    if parts.any(|part| SECRET_WORDS.contains(&part) && part != "SECRETS") {
        return false;
    }
    let Some(issuer) = issuer else { return by_name };
    let public = |kind: &str, field: Option<&str>| {
        kind == IDENTIFIER || kind == UNKNOWN || field.is_some_and(|field| PUBLIC.contains(&field))
    };
    let used = |how: Sign| how >= Sign::Variable;
    let says_so = issuer.kind == IDENTIFIER && issuer.evidence.iter().any(|sign| used(sign.how));
    let contradicts = !public(&issuer.kind, issuer.field.as_deref())
        || issuer.also.iter().any(|kind| kind != IDENTIFIER);
    (by_name || says_so) && !contradicts
}

fn ends_with_word(name: &str, word: &str) -> bool {
    name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with(['_', '-', '.']))
}

#[cfg(test)]
mod tests {
    use super::{Disposition, Placement, of};
    use crate::{
        ci::model::Platform,
        resolve::{Issuer, IssuerConfidence},
    };

    fn placement(scope: &str, name: &str) -> Placement {
        Placement {
            platform: Platform::Github,
            scope: scope.into(),
            name: name.into(),
            whole_context: false,
            scope_candidates: Vec::new(),
        }
    }

    #[test]
    fn doubt_falls_to_rotate() {
        for (scope, name, expected) in [
            ("unknown", "CODECOV_TOKEN", Disposition::Rotate),
            ("unknown", "WEBHOOK_URL", Disposition::Rotate),
            ("unknown", "USERNAME_TOKEN", Disposition::Rotate),
            ("unknown", "TOKEN_OF_USER", Disposition::Rotate),
            ("unknown", "*", Disposition::Rotate),
            ("unknown", "GPG_PRIVATE_KEY", Disposition::SigningKey),
            ("unknown", "AWS_ROLE_ARN", Disposition::NotACredential),
            ("unknown", "GHCR_USERNAME", Disposition::NotACredential),
            ("unknown", "GHOST", Disposition::Rotate),
            ("job", "GITHUB_TOKEN", Disposition::AuditOnly),
            ("job", "steps.app.outputs.token", Disposition::RevokeSession),
        ] {
            assert_eq!(of(&placement(scope, name), None, false).disposition, expected, "{name}");
        }
    }

    #[test]
    fn a_use_that_contradicts_the_name_wins() {
        let issuer = |kind: &str, confidence| Issuer {
            kind: kind.to_owned(),
            field: None,
            confidence,
            account: None,
            also: Vec::new(),
            scopes: Vec::new(),
            evidence: Vec::new(),
        };
        let npm = issuer("npm-token", IssuerConfidence::Certain);
        let user = placement("unknown", "NPM_USER");
        assert_eq!(of(&user, Some(&npm), false).disposition, Disposition::Rotate);
        assert_eq!(of(&user, None, false).disposition, Disposition::NotACredential);
        assert_eq!(of(&user, None, true).disposition, Disposition::Rotate);
        let key = issuer("gpg-key", IssuerConfidence::Certain);
        let passphrase = placement("unknown", "PASSPHRASE");
        assert_eq!(of(&passphrase, Some(&key), true).disposition, Disposition::SigningKey);
    }
}
