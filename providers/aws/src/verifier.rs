use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_smithy_async::rt::sleep::TokioSleep;
use keysweep_sdk::{
    Bundle, CredentialId, Cx, ErrorKind, Identity, Op, PrincipalId, Purpose, Result, Verdict,
    Verifier, VerifierLimits,
};

use crate::{
    Aws,
    answer::Answer,
    failure::{Call, Cause},
    issuer::{ID, SECRET},
    principal::Arn,
};

/// Beside the fields that IAM mints, for temporary keys.
const TOKEN: &str = "session_token";

#[async_trait]
impl Verifier for Aws {
    /// IAM is eventually consistent: one answer is that of one region's copy.
    fn limits(&self) -> VerifierLimits {
        VerifierLimits { spacing: Duration::from_secs(3), successes: 3, counts_as_use: true }
    }

    async fn verify(&self, _: &Cx, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict> {
        let call = Call::reads(Op::Verify, "sts:GetCallerIdentity", principal.as_str());
        let client = self.only(bundle, principal)?;
        match client.get_caller_identity().send().await {
            Ok(reply) => {
                let arn = reply.arn().and_then(Arn::parse);
                let arn = arn.ok_or_else(|| self.unexpected(call, "no identity"))?;
                let id = bundle.field(ID).map(|id| id.expose_for(Purpose::Verify));
                let scope = BTreeMap::from([("account".to_owned(), arn.account.to_owned())]);
                Ok(Verdict::Live(Identity {
                    principal: Some(arn.principal()),
                    credential: id.map(CredentialId::new),
                    scope,
                }))
            }
            Err(error) => {
                let cause = Cause::of(&error);
                match &cause {
                    Cause::Answer(answer) => {
                        verdict(answer).ok_or_else(|| self.of_cause(call, &cause))
                    }
                    _ => Err(self.of_cause(call, &cause)),
                }
            }
        }
    }
}

impl Aws {
    /// A client that has this value and nothing else to prove itself by.
    fn only(&self, bundle: &Bundle, principal: &PrincipalId) -> Result<aws_sdk_sts::Client> {
        let field = |name| {
            let value = bundle.field(name).map(|value| value.expose_for(Purpose::Verify));
            // What cannot stand in a header was never given out by AWS.
            value.filter(|value| !value.is_empty() && value.chars().all(|c| c.is_ascii_graphic()))
        };
        let (Some(id), Some(secret)) = (field(ID), field(SECRET)) else {
            let message = format!("`{ID}` and `{SECRET}` of `{principal}` are not both there");
            return Err(self.refuse(Op::Verify, ErrorKind::Invalid, message));
        };
        let token = field(TOKEN).map(str::to_owned);
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.region.clone()))
            .endpoint_url(&self.sts_endpoint)
            .http_client(self.http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(self.timeouts.clone())
            .sleep_impl(TokioSleep::new())
            .credentials_provider(Credentials::new(id, secret, token, None, "verified"))
            .build();
        Ok(aws_sdk_sts::Client::from_conf(config))
    }
}

/// `None`: it failed in a way that may pass.
///
/// `GetCallerIdentity` needs no permission and cannot be denied by a policy (API reference of STS), so a refusal is
/// about the credential.
fn verdict(answer: &Answer) -> Option<Verdict> {
    let code = answer.code.as_deref().unwrap_or("no AWS error code");
    let told =
        |why: &str| Some(Verdict::Unknown(format!("{why}: {code} (HTTP {})", answer.status)));
    if answer.status >= 500 || answer.is_throttled() {
        return None;
    }
    if answer.skewed || code == "RequestExpired" {
        return told("this machine's clock is minutes away from AWS's");
    }
    if answer.is_refused_credential() || answer.status == 403 && answer.of_aws {
        return Some(Verdict::Dead);
    }
    told("the answer is not about the credential")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_is_only_what_aws_refuses() {
        let answer = |status, code: Option<&str>, skewed, of_aws| Answer {
            status,
            code: code.map(str::to_owned),
            retry_after: None,
            skewed,
            of_aws,
        };
        for dead in [
            answer(403, Some("InvalidClientTokenId"), false, true),
            answer(403, Some("SignatureDoesNotMatch"), false, true),
            answer(400, Some("UnrecognizedClientException"), false, true),
            answer(403, None, false, true),
        ] {
            assert_eq!(verdict(&dead), Some(Verdict::Dead), "{dead:?}");
        }
        for unknown in [
            answer(403, Some("SignatureDoesNotMatch"), true, true),
            answer(403, None, false, false),
            answer(407, None, false, false),
            answer(404, None, false, false),
            answer(400, Some("ValidationError"), false, true),
        ] {
            assert!(matches!(verdict(&unknown), Some(Verdict::Unknown(_))), "{unknown:?}");
        }
        for passing in
            [answer(503, None, false, false), answer(400, Some("Throttling"), false, true)]
        {
            assert_eq!(verdict(&passing), None, "{passing:?}");
        }
    }
}
