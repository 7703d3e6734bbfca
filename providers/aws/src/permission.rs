//! What each need takes, in IAM's words.

use std::collections::BTreeMap;

use keysweep_sdk::{Need, PlacementId, PrincipalId};
use serde_json::{Value, json};

/// What a permission is about.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum On {
    /// By its name.
    User(String),
    /// By its name or ARN.
    Secret(String),
    Parameter(String),
    /// `ssm:DescribeParameters` knows no single parameter.
    Parameters,
    /// `iam:GetAccessKeyLastUsed` is asked about a key, whoever's it is.
    Keys,
}

/// Where the things are, for their ARNs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    /// `*` where it is not known.
    pub(crate) account: &'a str,
}

/// Mint, disable, destroy, and end sessions, which is a statement of its own in the policy: who may write a user's
/// policies may give that user anything.
const ROTATE: [&str; 4] =
    ["iam:ListAccessKeys", "iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey"];
const SESSIONS: [&str; 2] = ["iam:GetUserPolicy", "iam:PutUserPolicy"];
const STAT_SECRET: [&str; 2] =
    ["secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"];
const PLACE_SECRET: [&str; 5] = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetResourcePolicy",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
];

/// Each thing with its permissions; what names nothing that AWS has is left out.
pub(crate) fn needed(needs: &[Need]) -> BTreeMap<On, Vec<&'static str>> {
    let mut all: BTreeMap<On, Vec<&'static str>> = BTreeMap::new();
    for need in needs {
        for (on, actions) in of(need) {
            let held = all.entry(on).or_default();
            held.extend(actions);
            held.sort_unstable();
            held.dedup();
        }
    }
    all
}

fn of(need: &Need) -> Vec<(On, Vec<&'static str>)> {
    match need {
        Need::Snapshot(principal) => {
            user(principal).map(|on| (on, vec!["iam:ListAccessKeys"])).into_iter().collect()
        }
        Need::Rotate(principal) => {
            let user = user(principal).map(|on| (on, [&ROTATE[..], &SESSIONS].concat()));
            user.into_iter().chain([(On::Keys, vec!["iam:GetAccessKeyLastUsed"])]).collect()
        }
        Need::Stat(at) => stored(at, &STAT_SECRET, &[]),
        Need::Place(at) => stored(at, &PLACE_SECRET, &["ssm:GetParameter", "ssm:PutParameter"]),
    }
}

fn user(principal: &PrincipalId) -> Option<On> {
    principal.as_str().strip_prefix("user/").map(|name| On::User(name.to_owned()))
}

fn stored(
    at: &PlacementId,
    secret: &[&'static str],
    parameter: &[&'static str],
) -> Vec<(On, Vec<&'static str>)> {
    let at = at.as_str();
    if let Some(name) = at.strip_prefix("ssm:") {
        let mut all = vec![(On::Parameters, vec!["ssm:DescribeParameters"])];
        if !parameter.is_empty() {
            all.push((On::Parameter(name.to_owned()), parameter.to_vec()));
        }
        return all;
    }
    let Some(rest) = at.strip_prefix("sm:") else { return Vec::new() };
    let (id, key) = rest.split_once('#').map_or((rest, None), |(id, key)| (id, Some(key)));
    let mut actions = secret.to_vec();
    if key.is_some() {
        actions.push("secretsmanager:GetSecretValue");
    }
    vec![(On::Secret(id.to_owned()), actions)]
}

impl On {
    /// For people: as principals and placements are named.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::User(name) => format!("user/{name}"),
            Self::Secret(id) => format!("sm:{id}"),
            Self::Parameter(name) => format!("ssm:{name}"),
            Self::Parameters => "all parameters".to_owned(),
            Self::Keys => "all access keys".to_owned(),
        }
    }

    /// `suffix`: what AWS appends to a secret's name, or `??????`.
    pub(crate) fn arn(&self, scope: Scope<'_>, suffix: &str) -> String {
        let Scope { partition, region, account } = scope;
        match self {
            Self::User(name) => format!("arn:{partition}:iam::{account}:user/{name}"),
            Self::Secret(arn) if arn.starts_with("arn:") => arn.clone(),
            Self::Secret(name) => {
                format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{suffix}")
            }
            Self::Parameter(name) => {
                let name = name.trim_start_matches('/');
                format!("arn:{partition}:ssm:{region}:{account}:parameter/{name}")
            }
            Self::Parameters | Self::Keys => "*".to_owned(),
        }
    }
}

/// The least policy: a statement for each thing, and further ones that not everybody needs.
pub(crate) fn policy(needs: &[Need], scope: Scope<'_>) -> String {
    let mut statements: Vec<Value> = Vec::new();
    let mut sessions: Vec<String> = Vec::new();
    let mut services: Vec<String> = Vec::new();
    for (on, actions) in needed(needs) {
        let arn = on.arn(scope, "??????");
        let (apart, usual): (Vec<_>, Vec<_>) =
            actions.into_iter().partition(|action| SESSIONS.contains(action));
        if !apart.is_empty() {
            sessions.push(arn.clone());
        }
        let service = match on {
            On::Secret(_) => Some("secretsmanager"),
            On::Parameter(_) => Some("ssm"),
            On::User(_) | On::Parameters | On::Keys => None,
        };
        services.extend(service.map(|service| format!("{service}.{}.amazonaws.com", scope.region)));
        statements.push(json!({ "Effect": "Allow", "Action": usual, "Resource": arn }));
    }
    if !sessions.is_empty() {
        statements.push(json!({
            "Sid": "ToEndSessions", "Effect": "Allow", "Action": SESSIONS, "Resource": sessions,
        }));
    }
    if !services.is_empty() {
        services.dedup();
        statements.push(json!({
            "Sid": "ForCustomerManagedKeys",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt"],
            "Resource": "*",
            "Condition": { "StringEquals": { "kms:ViaService": services } },
        }));
    }
    statements.push(json!({
        "Sid": "ToTellBeforehandWhatIsLacking",
        "Effect": "Allow",
        "Action": "iam:SimulatePrincipalPolicy",
        "Resource": "*",
    }));
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    format!("{policy:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_what_is_needed_and_nothing_more() {
        let needs = [
            Need::Rotate(PrincipalId::new("user/ci")),
            Need::Snapshot(PrincipalId::new("user/ci")),
            Need::Place(PlacementId::new("sm:app/db#password")),
            Need::Place(PlacementId::new("ssm:/app/key")),
            Need::Stat(PlacementId::new("elsewhere")),
        ];
        let scope = Scope { partition: "aws", region: "eu-west-1", account: "123456789012" };
        let text = policy(&needs, scope);
        let value: Value = serde_json::from_str(&text).unwrap();
        let statements = value["Statement"].as_array().unwrap();
        assert_eq!(statements[0]["Resource"], "arn:aws:iam::123456789012:user/ci");
        assert_eq!(statements[0]["Action"].as_array().unwrap().len(), ROTATE.len());
        assert_eq!(
            statements[1]["Resource"],
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-??????"
        );
        let parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/app/key";
        assert_eq!(statements[2]["Resource"], parameter);
        for statement in statements {
            let whole = statement["Resource"] == "*";
            let known = [
                "iam:GetAccessKeyLastUsed",
                "iam:SimulatePrincipalPolicy",
                "kms:Decrypt",
                "ssm:DescribeParameters",
            ];
            let action = statement["Action"].to_string();
            assert!(!whole || known.iter().any(|known| action.contains(known)), "{statement}");
        }
        assert!(!text.contains("iam:*") && !text.contains("DeleteSecret"));
    }
}
