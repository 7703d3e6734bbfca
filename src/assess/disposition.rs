//! What has to happen to an exposed thing. Doubt falls to *rotate*.

use super::{Disposition, Placement};

/// Last words of names that hold no secret: who, where, which.
const NOT_CREDENTIALS: [&str; 12] = [
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
];

pub(super) fn of(placement: &Placement) -> Disposition {
    let name = placement.name.to_ascii_uppercase();
    if name == "GITHUB_TOKEN" && placement.scope == "job" {
        return Disposition::AuditOnly;
    }
    if placement.scope == "job" {
        return Disposition::RevokeSession;
    }
    if placement.scope != "literal"
        && NOT_CREDENTIALS.iter().any(|word| ends_with_word(&name, word))
    {
        return Disposition::NotACredential;
    }
    let signs = ["GPG", "PGP", "SIGNING", "COSIGN", "MINISIGN", "CODESIGN"];
    if signs.iter().any(|word| name.contains(word)) {
        return Disposition::SigningKey;
    }
    Disposition::Rotate
}

fn ends_with_word(name: &str, word: &str) -> bool {
    name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with(['_', '-', '.']))
}

#[cfg(test)]
mod tests {
    use super::{Disposition, Placement, of};
    use crate::ci::model::Platform;

    #[test]
    fn doubt_falls_to_rotate() {
        for (scope, name, expected) in [
            ("unknown", "CODECOV_TOKEN", Disposition::Rotate),
            ("unknown", "WEBHOOK_URL", Disposition::Rotate),
            ("unknown", "USERNAME_TOKEN", Disposition::Rotate),
            ("unknown", "*", Disposition::Rotate),
            ("unknown", "GPG_PRIVATE_KEY", Disposition::SigningKey),
            ("unknown", "AWS_ROLE_ARN", Disposition::NotACredential),
            ("unknown", "GHCR_USERNAME", Disposition::NotACredential),
            ("unknown", "GHOST", Disposition::Rotate),
            ("job", "GITHUB_TOKEN", Disposition::AuditOnly),
            ("job", "steps.app.outputs.token", Disposition::RevokeSession),
        ] {
            let placement = Placement {
                platform: Platform::Github,
                scope: scope.into(),
                name: name.into(),
                whole_context: false,
                scope_candidates: Vec::new(),
            };
            assert_eq!(of(&placement), expected, "{name}");
        }
    }
}
