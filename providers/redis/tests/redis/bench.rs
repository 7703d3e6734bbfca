use async_trait::async_trait;
use keysweep_conformance::{
    Bench, Credentials, Excuse, Fault, FaultKind, Injected, NotPossible, Own, Start, run,
};
use keysweep_sdk::{Bundle, Network, Op, PrincipalId, Provider, Purpose, SecretValue};
use keysweep_testbed::{
    absent,
    faults::{FaultProxy, Mode, When},
    redis::{Connection, Redis, Users},
};

use crate::server::mounted;

const PASSWORD: &str = "planted1Kd83hsLq02mVbZ";
const OWN: &str = "planted2Own7xWq51Lm";
const RULES: &[&str] = &[
    "+acl|whoami",
    "+acl|dryrun",
    "+acl|getuser",
    "+acl|setuser",
    "+acl|save",
    "+info",
    "+config|get",
    "+client|id",
    "+client|list",
    "+client|kill",
];

struct Cache {
    redis: Redis,
    proxy: FaultProxy,
    consumer: Option<Connection>,
}

impl Cache {
    fn rules(&self, without: &[&str]) {
        let rules = RULES.iter().filter(|rule| !without.contains(&&rule[1..]));
        let own = format!(">{OWN}");
        let all: Vec<_> = ["on", own.as_str()].into_iter().chain(rules.copied()).collect();
        self.redis.user("weak", &all);
    }
}

#[async_trait(?Send)]
impl Bench for Cache {
    async fn reset(&mut self) -> Start {
        let word = format!(">{PASSWORD}");
        self.redis.user("app", &["on", &word, "~app:*", "+@read", "+ping"]);
        let mut consumer = self.redis.connect();
        assert!(consumer.log_in("app", PASSWORD));
        self.consumer = Some(consumer);
        let provider = self.provider(Own::Good).await.unwrap();
        let principal = PrincipalId::new("user/app");
        let cx = keysweep_sdk::Cx::default();
        let live = provider.issuer.unwrap().snapshot(&cx, &principal).await.unwrap();
        let credentials = Credentials {
            principal,
            absent: Some(PrincipalId::new("user/nobody")),
            old: live[0].id.clone(),
            bundle: Bundle::one("username", SecretValue::new("app"))
                .with("password", SecretValue::new(PASSWORD)),
        };
        Start { credentials: Some(credentials), placements: None }
    }

    async fn provider(&mut self, own: Own) -> Result<Provider, NotPossible> {
        let (user, password) = match own {
            Own::Good => (Redis::ADMIN, Redis::PASSWORD),
            Own::Wrong => (Redis::ADMIN, OWN),
            Own::Weak(op) => {
                match op {
                    Op::Snapshot => self.rules(&["acl|getuser"]),
                    Op::EndSessions => self.rules(&["client|kill"]),
                    Op::Check => self.redis.user("weak", &["on", &format!(">{OWN}"), "+ping"]),
                    _ => self.rules(&["acl|setuser"]),
                }
                ("weak", OWN)
            }
        };
        let toml = format!(
            "host = \"127.0.0.1\"\nport = {}\nuser = \"{user}\"\npassword = \"env:X\"",
            self.proxy.port()
        );
        let network = Network { timeout: Some(1), ..Network::default() };
        Ok(mounted(&toml, password, network).await)
    }

    async fn inject(&mut self, fault: &Fault) -> Injected {
        let word: &[u8] = match (fault.op, fault.kind) {
            (_, FaultKind::Status(_)) => return Injected::NotPossible("Redis is not HTTP".into()),
            (Op::Snapshot, _) => b"GETUSER",
            (Op::EndSessions, _) => b"KILL",
            (Op::Verify, _) => b"AUTH",
            (Op::Check, _) => b"DRYRUN",
            _ => b"SETUSER",
        };
        self.proxy.set(fault.mode(When::Sends(word.to_vec())));
        Injected::Yes
    }

    async fn lift(&mut self) {
        self.proxy.set(Mode::Pass);
    }

    fn struck(&mut self) -> Option<usize> {
        Some(self.proxy.struck())
    }

    async fn count(&mut self, principal: &PrincipalId) -> Option<usize> {
        self.redis.hashes(&principal.as_str()[5..]).map(|hashes| hashes.len())
    }

    async fn works(&mut self, principal: &PrincipalId, bundle: &Bundle) -> Option<bool> {
        let password = bundle.field("password")?.expose_for(Purpose::Verify);
        Some(self.redis.lets_in(&principal.as_str()[5..], password))
    }

    fn canaries(&self) -> Vec<String> {
        vec![Redis::PASSWORD.to_owned(), OWN.to_owned()]
    }

    fn endpoints(&self) -> Vec<String> {
        vec![self.proxy.host()]
    }

    fn excuse(&self, check: &str) -> Option<Excuse> {
        let _ = check;
        None
    }
}

#[tokio::test]
async fn conforms() {
    let Some(redis) = Redis::start(Users::AclFile) else { return absent("redis-server") };
    let proxy = FaultProxy::before(redis.port);
    let report = run(&mut Cache { redis, proxy, consumer: None }).await;
    report.assert_conforms();
}
