use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types::{EvaluationResult, PolicyEvaluationDecisionType as Decision};
use keysweep_sdk::{Access, ErrorKind, Grant, Need, Op, Result};

use crate::{
    Aws,
    failure::Call,
    permission::{self, On, Scope},
    principal::Arn,
};

#[async_trait]
impl Access for Aws {
    /// What only looks is tried; the rest is asked of `iam:SimulatePrincipalPolicy`, which knows the identity's
    /// policies, not those of keys and secrets. Where neither tells, nothing is claimed.
    async fn check(&self, _: &keysweep_sdk::Cx, needs: &[Need]) -> Result<Vec<Grant>> {
        let own = self.own().await?;
        let own = Arn::parse(&own).ok_or_else(|| self.unexpected(WHO, "no identity"))?;
        if let Some(account) = self.account.as_ref().filter(|account| *account != own.account) {
            let message = format!(
                "its credential is of account `{}`, and `account` says `{account}`",
                own.account
            );
            return Err(self.refuse(Op::Check, ErrorKind::Config, message));
        }
        let mut grants = Vec::new();
        for (on, actions) in permission::needed(needs) {
            let tried = self.tried(&on).await?;
            let told = self.simulated(&own, &on, &actions).await?;
            grants.extend(actions.into_iter().map(|action| {
                let held = match tried {
                    Some((looked, held)) if looked == action => Some(held),
                    _ => told.get(action).copied().flatten(),
                };
                Grant { permission: action.to_owned(), held, on: on.label() }
            }));
        }
        Ok(grants)
    }

    fn policy(&self, needs: &[Need]) -> String {
        let partition = match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let account = self.account.as_deref().unwrap_or("*");
        permission::policy(needs, Scope { partition, region: &self.region, account })
    }
}

const WHO: Call<'static> = Call {
    op: Op::Check,
    action: "sts:GetCallerIdentity",
    on: "its own credential",
    mutates: false,
};

impl Aws {
    async fn own(&self) -> Result<String> {
        let reply = self.sts.get_caller_identity().send().await;
        let reply = reply.map_err(|error| self.failed(WHO, &error))?;
        reply.arn.ok_or_else(|| self.unexpected(WHO, "no identity"))
    }

    /// The look that changes nothing, done: which permission it takes, and whether it is held.
    async fn tried(&self, on: &On) -> Result<Option<(&'static str, bool)>> {
        let (action, done) = match on {
            On::User(name) => {
                let action = "iam:ListAccessKeys";
                let call = Call::reads(Op::Check, action, name);
                let list = self.iam.list_access_keys().user_name(name).send().await;
                (action, list.map(|_| ()).map_err(|error| self.failed(call, &error)))
            }
            On::Secret(id) => {
                let done = self.described(Op::Check, id).await;
                ("secretsmanager:DescribeSecret", done.map(|_| ()))
            }
            On::Parameters => {
                let action = "ssm:DescribeParameters";
                let call = Call::reads(Op::Check, action, "all parameters");
                let list = self.parameters.describe_parameters().max_results(1).send().await;
                (action, list.map(|_| ()).map_err(|error| self.failed(call, &error)))
            }
            On::Parameter(_) | On::Keys => return Ok(None),
        };
        match done {
            Ok(()) => Ok(Some((action, true))),
            Err(error) if error.kind == ErrorKind::PermissionDenied => Ok(Some((action, false))),
            // It was let in to be told so.
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Some((action, true))),
            Err(error) => Err(error),
        }
    }

    /// What the identity's policies say. Empty: they cannot be asked.
    async fn simulated(
        &self,
        own: &Arn<'_>,
        on: &On,
        actions: &[&'static str],
    ) -> Result<BTreeMap<String, Option<bool>>> {
        let Some(source) = source(own) else { return Ok(BTreeMap::new()) };
        let scope = Scope { partition: own.partition, region: &self.region, account: own.account };
        let resource = on.arn(scope, "000000");
        let call = Call::reads(Op::Check, "iam:SimulatePrincipalPolicy", &source);
        let mut told = BTreeMap::new();
        let mut marker: Option<String> = None;
        loop {
            let ask = self
                .iam
                .simulate_principal_policy()
                .policy_source_arn(&source)
                .set_action_names(Some(actions.iter().map(|&action| action.to_owned()).collect()))
                .resource_arns(&resource)
                .set_marker(marker.clone());
            let page = match ask.send().await.map_err(|error| self.failed(call, &error)) {
                Ok(page) => page,
                // Not allowed, not known there, or broken there, as in test servers: then nothing is claimed.
                Err(error) if !error.is_retryable() || error.kind == ErrorKind::Unavailable => {
                    return Ok(BTreeMap::new());
                }
                Err(error) => return Err(error),
            };
            told.extend(page.evaluation_results().iter().map(decided));
            match page.marker().filter(|_| page.is_truncated()) {
                None => return Ok(told),
                next if next == marker.as_deref() => {
                    return Err(self.unexpected(call, "a list that has no end"));
                }
                next => marker = next.map(str::to_owned),
            }
        }
    }
}

fn decided(result: &EvaluationResult) -> (String, Option<bool>) {
    let held = match result.eval_decision() {
        // It may hang on what only the real call has: an address, a time.
        _ if !result.missing_context_values().is_empty() => None,
        Decision::Allowed => Some(true),
        Decision::ExplicitDeny | Decision::ImplicitDeny => Some(false),
        _ => None,
    };
    (result.eval_action_name().to_owned(), held)
}

/// Whose policies are to be asked: a user, or the role of a session, whose path is not told. The root user has none.
fn source(own: &Arn<'_>) -> Option<String> {
    let Arn { partition, account, resource } = own;
    if resource.starts_with("user/") {
        return Some(format!("arn:{partition}:iam::{account}:{resource}"));
    }
    let role = resource.strip_prefix("assumed-role/")?.split('/').next()?;
    Some(format!("arn:{partition}:iam::{account}:role/{role}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_asked_are_those_of_the_identity() {
        let source = |arn| source(&Arn::parse(arn).unwrap());
        let user = "arn:aws:iam::123456789012:user/team/ops";
        assert_eq!(source(user).as_deref(), Some(user));
        assert_eq!(
            source("arn:aws:sts::123456789012:assumed-role/ops/me").as_deref(),
            Some("arn:aws:iam::123456789012:role/ops")
        );
        assert_eq!(source("arn:aws:iam::123456789012:root"), None);
    }
}
