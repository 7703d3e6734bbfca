//! Which provider does what for a credential, with the limits it states.

use std::time::Duration;

use keysweep_sdk::{
    Capabilities, IssuerLimits, ProviderName, RevokerLimits, UsageLimits, VerifierLimits,
};

use super::{Part, build::Refusal, observed::Observed};
use crate::config::Credential;

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) issuer: IssuerLimits,
    pub(super) verifier: Option<Part<VerifierLimits>>,
    pub(super) revoker: Option<Part<RevokerLimits>>,
    pub(super) usage: Option<Part<UsageLimits>>,
}

/// # Errors
///
/// When a provider was not seen, or lacks the part that the configuration wants of it.
pub(super) fn parts(credential: &Credential, observed: &Observed) -> Result<Parts, Refusal> {
    let issuing = capabilities(observed, &credential.name.provider)?;
    let verifying = capabilities(observed, credential.verified_by())?;
    let revoking = capabilities(observed, credential.revoked_by())?;
    let telling = capabilities(observed, credential.usage_told_by())?;
    Ok(Parts {
        issuer: issuing.issuer.clone().unwrap_or_else(|| {
            // Without an issuer that can be called, a person mints.
            IssuerLimits::by_hand(credential.fields.clone(), Duration::ZERO)
        }),
        verifier: part(
            &credential.verify,
            credential.verified_by(),
            &verifying.verifier,
            "verify",
        )?,
        revoker: part(&credential.revoke, credential.revoked_by(), &revoking.revoker, "revoke")?,
        usage: part(&credential.usage, credential.usage_told_by(), &telling.usage, "usage")?,
    })
}

fn capabilities<'o>(
    observed: &'o Observed,
    provider: &ProviderName,
) -> Result<&'o Capabilities, Refusal> {
    observed.capabilities(provider).ok_or_else(|| {
        Refusal::new(
            format!("the provider `{provider}` could not be asked what it can do"),
            "`keysweep doctor --for plan` says what lacks",
        )
    })
}

/// A part that nobody named may be lacking; one that is named may not.
fn part<L: Clone>(
    named: &Option<ProviderName>,
    provider: &ProviderName,
    limits: &Option<L>,
    key: &str,
) -> Result<Option<Part<L>>, Refusal> {
    match (limits, named) {
        (Some(limits), _) => Ok(Some(Part { provider: provider.clone(), limits: limits.clone() })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Refusal::new(
            format!("`{key}` names `{provider}`, which cannot do that"),
            format!("take `{key}` out, or name a provider that can"),
        )),
    }
}
