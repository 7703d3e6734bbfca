//! The calls to Secrets Manager: what is there, and how one version takes the place of another.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use keysweep_sdk::{Error, ErrorKind, Op, Purpose, Result, SecretValue, Slot};
use serde_json::Value;

use crate::{
    Aws,
    failure::{Call, Cause},
    timestamp,
};

const CURRENT: &str = "AWSCURRENT";
/// On a version that is not current yet. It moves on with the next one.
const STAGED: &str = "KEYSWEEP";

/// What is current.
pub(crate) struct Now {
    pub(crate) version: Option<String>,
    /// It holds what is to be written.
    pub(crate) holds: bool,
    pub(crate) slot: Slot,
    labelled: Vec<String>,
}

/// How a write meets others: by replacing what is there, or only the version that was looked at.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Write {
    Replace,
    Compare,
}

impl Now {
    pub(crate) fn of(secret: &DescribeSecretOutput) -> Self {
        let versions = secret.version_ids_to_stages();
        let current = versions.and_then(|all| {
            all.iter().find(|(_, labels)| labels.iter().any(|label| label == CURRENT))
        });
        let version = current.map(|(id, _)| id.clone());
        let rotated = secret.rotation_enabled() == Some(true);
        let owner = secret.owning_service().map(|service| format!("AWS service `{service}`"));
        let replicas = secret.replication_status().iter().filter_map(|replica| replica.region());
        Self {
            labelled: versions.map(|all| all.keys().cloned().collect()).unwrap_or_default(),
            slot: Slot {
                version: version.clone(),
                updated: secret.last_changed_date().and_then(timestamp),
                seen_by: replicas.map(|region| format!("its replica in `{region}`")).collect(),
                managed_by: owner.or_else(|| rotated.then(|| "Secrets Manager rotation".into())),
                shadowed_by: None,
            },
            holds: false,
            version,
        }
    }
}

impl Aws {
    /// `None`: it is not there, or is scheduled for deletion, and so neither read nor written.
    pub(crate) async fn described(&self, op: Op, id: &str) -> Result<Option<DescribeSecretOutput>> {
        let call = Call::reads(op, "secretsmanager:DescribeSecret", id);
        let described = self.secrets.describe_secret().secret_id(id).send().await;
        match described.map_err(|error| self.failed(call, &error)) {
            Ok(secret) => Ok(secret.deleted_date().is_none().then_some(secret)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is current, and its version. `None`: nothing.
    pub(crate) async fn text(
        &self,
        op: Op,
        id: &str,
    ) -> Result<(Option<SecretValue>, Option<String>)> {
        let call = Call::reads(op, "secretsmanager:GetSecretValue", id);
        let get = self.secrets.get_secret_value().secret_id(id).version_stage(CURRENT);
        match get.send().await.map_err(|error| self.failed(call, &error)) {
            Ok(reply) => match (reply.secret_string, reply.secret_binary) {
                (Some(text), _) => Ok((Some(SecretValue::new(text)), reply.version_id)),
                (None, None) => Ok((None, reply.version_id)),
                (None, Some(_)) => {
                    let message =
                        format!("the secret `{id}` is binary, and text is dealt with here");
                    Err(self.refuse(op, ErrorKind::Invalid, message))
                }
            },
            Err(error) if error.kind == ErrorKind::NotFound => Ok((None, None)),
            // Of one that is to be deleted it says that the request is wrong.
            Err(error) if error.kind == ErrorKind::Invalid => match self.described(op, id).await? {
                None => Ok((None, None)),
                Some(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn write(
        &self,
        op: Op,
        id: &str,
        text: &SecretValue,
        token: &str,
        now: &Now,
        write: Write,
    ) -> Result<()> {
        if !now.labelled.iter().any(|version| version == token) {
            // Of a secret that holds nothing the first version is current at once.
            let label = match write {
                Write::Compare if now.version.is_some() => STAGED,
                Write::Compare | Write::Replace => CURRENT,
            };
            let call = Call::mutates(op, "secretsmanager:PutSecretValue", id);
            let put = self
                .secrets
                .put_secret_value()
                .secret_id(id)
                .secret_string(text.expose_for(Purpose::Place))
                .client_request_token(token)
                .version_stages(label);
            let done = put.send().await.map_err(|error| self.failed(call, &error))?;
            // An earlier version with this value is left as it is, and then its labels are as they were.
            if done.version_stages().iter().any(|label| label == CURRENT) {
                return Ok(());
            }
        }
        self.make_current(op, id, token, now.version.as_deref()).await
    }

    /// Moves the label, if it is still where it was.
    async fn make_current(&self, op: Op, id: &str, to: &str, from: Option<&str>) -> Result<()> {
        let call = Call::mutates(op, "secretsmanager:UpdateSecretVersionStage", id);
        let moved = self
            .secrets
            .update_secret_version_stage()
            .secret_id(id)
            .version_stage(CURRENT)
            .move_to_version_id(to)
            .set_remove_from_version_id(from.map(str::to_owned));
        let Err(error) = moved.send().await else { return Ok(()) };
        let cause = Cause::of(&error);
        if cause.code() != Some("InvalidParameterException") {
            return Err(self.of_cause(call, &cause));
        }
        let now = self.described(op, id).await?.map(|secret| Now::of(&secret));
        match now.and_then(|now| now.version) {
            Some(version) if version == to => Ok(()),
            _ => Err(self.changed(op, id)),
        }
    }

    pub(crate) fn changed(&self, op: Op, id: &str) -> Error {
        let message = format!("somebody else wrote the secret `{id}` meanwhile");
        self.refuse(op, ErrorKind::Conflict, message).with_hint("look at it again")
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<()> {
        let call = Call::mutates(Op::Remove, "secretsmanager:DeleteSecret", id);
        let deleted = self.secrets.delete_secret().secret_id(id).send().await;
        match deleted.map_err(|error| self.failed(call, &error)) {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind == ErrorKind::Invalid => {
                match self.described(Op::Remove, id).await? {
                    None => Ok(()),
                    Some(_) => Err(error.with_hint("a secret with replicas loses those first")),
                }
            }
            done => done.map(|_| ()),
        }
    }

    /// Whom the secret's own policy lets in, beside those whose policies do.
    pub(crate) async fn let_in(&self, id: &str) -> Result<Vec<String>> {
        let call = Call::reads(Op::Stat, "secretsmanager:GetResourcePolicy", id);
        let asked = self.secrets.get_resource_policy().secret_id(id).send().await;
        match asked.map_err(|error| self.failed(call, &error)) {
            Ok(reply) => Ok(reply.resource_policy().map(principals).unwrap_or_default()),
            Err(error) if error.kind == ErrorKind::PermissionDenied => {
                Ok(vec!["whom its resource policy lets in, which may not be read".to_owned()])
            }
            Err(error) => Err(error),
        }
    }
}

/// The principals that a resource policy allows anything. A policy that is not understood is told as such.
fn principals(policy: &str) -> Vec<String> {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return vec!["whom its resource policy lets in, which is not understood".to_owned()];
    };
    let mut all = Vec::new();
    for statement in listed(&policy["Statement"]) {
        if statement["Effect"] != "Allow" {
            continue;
        }
        match &statement["Principal"] {
            Value::Object(kinds) => {
                all.extend(kinds.values().flat_map(listed).filter_map(Value::as_str));
            }
            Value::String(one) => all.push(one.as_str()),
            _ => all.push("others by `NotPrincipal`"),
        }
    }
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|who| format!("{who}, by its resource policy")).collect()
}

fn listed(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |all| all.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_policy_tells_whom_it_lets_in() {
        let policy = r#"{"Statement":[
            {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::1:root","arn:aws:iam::2:role/a"]},"Action":"*"},
            {"Effect":"Deny","Principal":"*","Action":"*"},
            {"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com"},"Action":"*"}]}"#;
        assert_eq!(
            principals(policy),
            [
                "arn:aws:iam::1:root, by its resource policy",
                "arn:aws:iam::2:role/a, by its resource policy",
                "ecs.amazonaws.com, by its resource policy",
            ]
        );
        assert_eq!(principals(r#"{"Statement":{"Effect":"Allow","Principal":"*"}}"#).len(), 1);
        assert!(principals("planted")[0].contains("not understood"));
    }
}
