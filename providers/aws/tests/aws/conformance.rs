use std::time::Duration;

use async_trait::async_trait;
use keysweep_conformance::{
    Bench, Credentials, Excuse, Fault, Injected, NotPossible, Own, Placements, Start, run,
};
use keysweep_sdk::{
    Bundle, CredentialId, Op, Payload, PlacementId, PrincipalId, Provider, Purpose,
};
use keysweep_testbed::{
    absent,
    aws::{AwsServer, Deviation, Key},
    faults::{FaultProxy, Mode, When},
    ministack, moto,
};
use serde_json::{Value, json};

use crate::world::{at, bundle, key, mounted_for, user};

/// What is stored where.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kept {
    Secret,
    Object,
    Parameter,
}

struct AwsBench {
    server: AwsServer,
    proxy: FaultProxy,
    kept: Kept,
    /// The store alone; the other parts are held to the contract once for each server.
    store_only: bool,
    turn: usize,
}

impl AwsBench {
    fn new(server: AwsServer, kept: Kept, store_only: bool) -> Self {
        let proxy = FaultProxy::before(server.port());
        Self { server, proxy, kept, store_only, turn: 0 }
    }

    fn name(&self) -> String {
        format!("app-{}", self.turn)
    }

    fn make(&self) -> Placements {
        let name = self.name();
        let (at_, absent) = match self.kept {
            Kept::Secret | Kept::Object => {
                let text = if self.kept == Kept::Object { "{}" } else { "made" };
                let secret = json!({ "Name": name, "SecretString": text });
                self.server.admin_call("secretsmanager", "CreateSecret", secret);
                (format!("sm:{name}"), "sm:none")
            }
            Kept::Parameter => {
                let made = json!({ "Name": name, "Value": "made", "Type": "SecureString" });
                self.server.admin_call("ssm", "PutParameter", made);
                (format!("ssm:{name}"), "ssm:none")
            }
        };
        let names = match self.kept {
            Kept::Object => vec!["ID".to_owned(), "SECRET".to_owned()],
            Kept::Secret | Kept::Parameter => Vec::new(),
        };
        Placements { at: at(&at_), absent: at(absent), bad: Some(at("sm:a b")), names }
    }

    /// What the operation sends that does it, and what it may not do without it.
    fn call(&self, op: Op) -> (&'static str, &'static str) {
        let secret = self.kept != Kept::Parameter;
        match op {
            Op::Snapshot => ("Action=ListAccessKeys", "iam:ListAccessKeys"),
            Op::Mint => ("Action=CreateAccessKey", "iam:CreateAccessKey"),
            Op::Disable | Op::Enable => ("Action=UpdateAccessKey", "iam:UpdateAccessKey"),
            Op::Destroy => ("Action=DeleteAccessKey", "iam:DeleteAccessKey"),
            Op::EndSessions => ("Action=PutUserPolicy", "iam:PutUserPolicy"),
            Op::LastUse => ("Action=GetAccessKeyLastUsed", "iam:GetAccessKeyLastUsed"),
            Op::Verify | Op::Check => ("Action=GetCallerIdentity", "*"),
            Op::Stat if secret => {
                ("secretsmanager.DescribeSecret", "secretsmanager:DescribeSecret")
            }
            Op::Read if secret => {
                ("secretsmanager.GetSecretValue", "secretsmanager:GetSecretValue")
            }
            Op::Remove if self.kept == Kept::Secret => {
                ("secretsmanager.DeleteSecret", "secretsmanager:DeleteSecret")
            }
            Op::Place | Op::Remove if secret => {
                ("secretsmanager.PutSecretValue", "secretsmanager:PutSecretValue")
            }
            Op::Stat => ("AmazonSSM.DescribeParameters", "ssm:DescribeParameters"),
            Op::Read => ("AmazonSSM.GetParameter", "ssm:GetParameter"),
            Op::Remove => ("AmazonSSM.DeleteParameter", "ssm:DeleteParameter"),
            Op::Place => ("AmazonSSM.PutParameter", "ssm:PutParameter"),
            Op::Mount | Op::Choose => panic!("no call does {op}"),
        }
    }

    /// Somebody who may do anything but this.
    fn weak(&self, op: Op) -> Key {
        let name = format!("weak-{}", self.turn);
        let weak = self.server.user(&name, &[("*", "*")]);
        let (_, action) = self.call(op);
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Deny", "Action": action, "Resource": "*" }],
        });
        let put = json!({
            "UserName": name, "PolicyName": "not", "PolicyDocument": document.to_string(),
        });
        self.server.admin_call("iam", "PutUserPolicy", put);
        weak
    }
}

#[async_trait(?Send)]
impl Bench for AwsBench {
    async fn reset(&mut self) -> Start {
        self.turn += 1;
        let placements = Some(self.make());
        if self.store_only {
            return Start { placements, ..Start::default() };
        }
        let old = self.server.user(&self.name(), &[]);
        let credentials = Some(Credentials {
            principal: user(&self.name()),
            absent: Some(user("nobody")),
            old: CredentialId::new(old.id.clone()),
            bundle: bundle(&old),
        });
        Start { credentials, placements }
    }

    async fn provider(&mut self, own: Own) -> Result<Provider, NotPossible> {
        let own = match own {
            Own::Good => self.server.admin.clone(),
            Own::Wrong => {
                Key::new(&self.server.admin.id, "plantedplantedplantedplantedplantedplante")
            }
            Own::Weak(op) => self.weak(op),
        };
        let mut provider = mounted_for(&self.proxy.url(), &own, 2).await;
        if self.store_only {
            provider.issuer = None;
            provider.verifier = None;
            provider.revoker = None;
            provider.usage = None;
        }
        Ok(provider)
    }

    async fn inject(&mut self, fault: &Fault) -> Injected {
        let sent = self.call(fault.op).0.as_bytes().to_vec();
        self.proxy.set(fault.mode(When::Sends(sent)));
        Injected::Yes
    }

    async fn lift(&mut self) {
        self.proxy.set(Mode::Pass);
    }

    fn struck(&mut self) -> Option<usize> {
        Some(self.proxy.struck())
    }

    async fn count(&mut self, principal: &PrincipalId) -> Option<usize> {
        let name = principal.as_str().strip_prefix("user/")?;
        Some(self.server.keys(name).len())
    }

    async fn works(&mut self, _: &PrincipalId, bundle: &Bundle) -> Option<bool> {
        Some(self.server.works(&key(bundle)))
    }

    async fn holds(&mut self, at: &PlacementId, payload: &Payload) -> Option<bool> {
        let name = at.as_str().split_once(':')?.1;
        let text = match self.kept {
            Kept::Secret | Kept::Object => self.server.secret(name),
            Kept::Parameter => self.server.parameter(name),
        };
        let Some(text) = text else { return Some(false) };
        match payload {
            Payload::One(value) => Some(value.expose_for(Purpose::Place) == text),
            Payload::Named(values) => {
                let held: Value = serde_json::from_str(&text).ok()?;
                let same = |(name, value): (&str, &keysweep_sdk::SecretValue)| {
                    held[name] == value.expose_for(Purpose::Place)
                };
                Some(values.iter().all(same))
            }
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(200)
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.server.admin.secret.clone(), "plantedplantedplanted".to_owned()]
    }

    fn endpoints(&self) -> Vec<String> {
        vec![self.proxy.host()]
    }

    fn excuse(&self, check: &str) -> Option<Excuse> {
        let deviation = |what: Deviation, why: &str| {
            self.server.deviates(what).then(|| Excuse::Deviation(why.to_owned()))
        };
        match check {
            // What was removed is not made again: who may read it is not the store's choice.
            "remove/twice" | "remove/reply-lost" if self.kept != Kept::Object => {
                Some(Excuse::NotPossible("a secret or parameter that is removed stays so".into()))
            }
            "snapshot/absent-principal" => {
                deviation(Deviation::AbsentUserHasNoKeys, "an absent user has no keys")
            }
            "mint/never-more-than-allowed" => {
                deviation(Deviation::NoKeyLimit, "a third key is made")
            }
            "last-use/moves-with-a-use" if self.server.deviates(Deviation::LastUseNeverMoves) => {
                Some(Excuse::NotPossible("the last use never moves, and the wait is hours".into()))
            }
            _ => None,
        }
    }
}

async fn on(server: Option<AwsServer>, kept: Kept, store_only: bool) {
    let Some(server) = server else { return absent("an AWS server") };
    run(&mut AwsBench::new(server, kept, store_only)).await.assert_conforms();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_secrets_on_moto() {
    on(moto::start(), Kept::Secret, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_secrets_on_ministack() {
    on(ministack::start(), Kept::Secret, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_on_moto() {
    on(moto::start(), Kept::Object, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_on_ministack() {
    on(ministack::start(), Kept::Parameter, true).await;
}
