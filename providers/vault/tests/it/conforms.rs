use async_trait::async_trait;
use keysweep_conformance::{
    Bench, Credentials, Excuse, Fault, Injected, NotPossible, Own, Placements, Start,
};
use keysweep_sdk::{Bundle, Op, Payload, PlacementId, PrincipalId, Provider, Purpose, SecretValue};
use keysweep_testbed::{
    absent,
    faults::{FaultProxy, Mode, When},
    openbao::{OpenBao, ROOT_TOKEN},
};
use serde_json::{Value, json};

use crate::bench::*;

const WRONG: &str = "s.wrongPlantedToken0123456789";

struct Bao {
    server: OpenBao,
    proxy: FaultProxy,
    weak: String,
    /// Each start has a role and a secret of its own.
    start: usize,
    /// Whether a placement is one field of a secret.
    one: bool,
}

impl Bao {
    fn start(one: bool) -> Option<Self> {
        let server = OpenBao::start()?;
        let proxy = FaultProxy::before(server.port());
        let weak = server.token("weak", "path \"none\" { capabilities = [\"read\"] }");
        Some(Self { server, proxy, weak, start: 0, one })
    }

    fn role(&self) -> String {
        format!("ci{}", self.start)
    }
}

#[async_trait(?Send)]
impl Bench for Bao {
    async fn reset(&mut self) -> Start {
        self.start += 1;
        let old = self.server.app_role(&self.role(), &json!({"token_policies": ["default"]}));
        let at = format!("secret/bench/{}", self.start);
        let (at, absent, names) = if self.one {
            (format!("{at}#token"), "secret/bench/none#token", Vec::new())
        } else {
            (at, "secret/bench/none", vec!["a/b~c".to_owned(), "two".to_owned()])
        };
        Start {
            credentials: Some(Credentials {
                principal: PrincipalId::new(format!("approle/approle/{}", self.role())),
                absent: Some(PrincipalId::new("approle/approle/nobody")),
                bundle: login(&old),
                old: id(&old.accessor),
            }),
            placements: Some(Placements {
                at: PlacementId::new(at),
                absent: PlacementId::new(absent),
                bad: Some(PlacementId::new("secret/a/../b")),
                names,
            }),
        }
    }

    async fn provider(&mut self, own: Own) -> Result<Provider, NotPossible> {
        let token = match own {
            Own::Good => ROOT_TOKEN,
            Own::Wrong => WRONG,
            Own::Weak(_) => &self.weak,
        };
        Ok(mounted_at(&self.proxy.url(), token, 2, "").await)
    }

    async fn inject(&mut self, fault: &Fault) -> Injected {
        let sends: &[u8] = match fault.op {
            Op::Snapshot => b"secret-id?list",
            Op::Mint => b"/secret-id HTTP",
            Op::Verify => b"/login HTTP",
            Op::Destroy => b"secret-id-accessor/destroy",
            Op::Stat => b"/v1/secret/metadata/",
            Op::Read => b"GET /v1/secret/data/",
            Op::Place => b"POST /v1/secret/data/",
            Op::Remove => b"POST /v1/secret/de",
            Op::Check => b"capabilities-self",
            _ => return Injected::NotPossible("no such request".into()),
        };
        self.proxy.set(fault.mode(When::Sends(sends.to_vec())));
        Injected::Yes
    }

    async fn lift(&mut self) {
        self.proxy.set(Mode::Pass);
    }

    fn struck(&mut self) -> Option<usize> {
        Some(self.proxy.struck())
    }

    async fn count(&mut self, principal: &PrincipalId) -> Option<usize> {
        let role = principal.as_str().rsplit('/').next()?;
        let path = format!("auth/approle/role/{role}/secret-id?list=true");
        let (_, list) = self.server.try_call(ROOT_TOKEN, "GET", &path, &Value::Null);
        Some(list.pointer("/data/keys").and_then(Value::as_array).map_or(0, Vec::len))
    }

    async fn works(&mut self, _: &PrincipalId, bundle: &Bundle) -> Option<bool> {
        // As the provider does, a value that is not there is not tried: it would lock the role out.
        let (role_id, secret_id) = (field(bundle, "role_id"), field(bundle, "secret_id"));
        let path = format!("auth/approle/role/{}/secret-id/lookup", self.role());
        let body = json!({"secret_id": secret_id});
        let there = self.server.try_call(ROOT_TOKEN, "POST", &path, &body).0 == 200;
        Some(there && self.server.login(role_id, secret_id).is_some())
    }

    async fn holds(&mut self, at: &PlacementId, payload: &Payload) -> Option<bool> {
        let (path, one) = match at.as_str().split_once('#') {
            Some((path, field)) => (path, Some(field)),
            None => (at.as_str(), None),
        };
        let path = path.replacen("secret/", "secret/data/", 1);
        let (_, answer) = self.server.try_call(ROOT_TOKEN, "GET", &path, &Value::Null);
        let held = |name: &str, value: &SecretValue| {
            answer["data"]["data"][name].as_str() == Some(value.expose_for(Purpose::Verify))
        };
        Some(match payload {
            Payload::One(value) => held(one?, value),
            Payload::Named(named) => named.iter().all(|(name, value)| held(name, value)),
        })
    }

    fn canaries(&self) -> Vec<String> {
        vec![ROOT_TOKEN.to_owned(), WRONG.to_owned(), self.weak.clone()]
    }

    fn endpoints(&self) -> Vec<String> {
        vec![self.proxy.host()]
    }

    fn excuse(&self, check: &str) -> Option<Excuse> {
        let neighbours = self.one && check.ends_with("/keeps-neighbours");
        neighbours.then(|| Excuse::NotPossible("the placement is one field".into()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_with_named_values() {
    let Some(mut bao) = Bao::start(false) else { return absent("OpenBao") };
    keysweep_conformance::run(&mut bao).await.assert_conforms();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_with_one_field() {
    let Some(mut bao) = Bao::start(true) else { return absent("OpenBao") };
    keysweep_conformance::run(&mut bao).await.assert_conforms();
}
