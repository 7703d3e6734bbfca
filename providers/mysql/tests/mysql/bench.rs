use async_trait::async_trait;
use keysweep_conformance::{
    Bench, Credentials, Fault, FaultKind, Injected, NotPossible, Own, Start, run,
};
use keysweep_sdk::{Bundle, Cx, Network, Op, PrincipalId, Provider, Purpose, SecretValue};
use keysweep_testbed::{
    absent,
    faults::{FaultProxy, Mode, When},
    mariadb::{MariaDb, Session},
};

use crate::server::mounted;

const PASSWORD: &str = "planted1Kd83hsLq02mVbZ";
const OWN: &str = "planted2Own7xWq51Lm";

struct Database {
    server: MariaDb,
    proxy: FaultProxy,
    consumer: Option<Session>,
}

impl Database {
    fn weak(&self, op: Op) {
        let mut lines = format!("CREATE OR REPLACE USER weak IDENTIFIED BY '{OWN}';");
        let mut grant = |what: &str| lines.push_str(&format!("GRANT {what} TO weak;"));
        match op {
            Op::Check => {}
            Op::Snapshot => grant("CREATE USER, PROCESS, CONNECTION ADMIN ON *.*"),
            Op::EndSessions => {
                grant("CREATE USER, PROCESS ON *.*");
                grant("SELECT ON mysql.global_priv");
            }
            _ => {
                grant("PROCESS, CONNECTION ADMIN ON *.*");
                grant("SELECT ON mysql.global_priv");
            }
        }
        self.server.admin(&lines);
    }
}

#[async_trait(?Send)]
impl Bench for Database {
    async fn reset(&mut self) -> Start {
        self.consumer = None;
        self.server.admin(&format!("CREATE OR REPLACE USER app IDENTIFIED BY '{PASSWORD}'"));
        self.consumer = Some(self.server.session("app", PASSWORD));
        let provider = self.provider(Own::Good).await.unwrap();
        let principal = PrincipalId::new("user/app@%");
        let live = provider.issuer.unwrap().snapshot(&Cx::default(), &principal).await.unwrap();
        let credentials = Credentials {
            principal,
            absent: Some(PrincipalId::new("user/nobody@%")),
            old: live[0].id.clone(),
            bundle: Bundle::one("username", SecretValue::new("app"))
                .with("password", SecretValue::new(PASSWORD)),
        };
        Start { credentials: Some(credentials), placements: None }
    }

    async fn provider(&mut self, own: Own) -> Result<Provider, NotPossible> {
        let (user, password) = match own {
            Own::Good => (MariaDb::ADMIN, MariaDb::PASSWORD),
            Own::Wrong => (MariaDb::ADMIN, OWN),
            Own::Weak(op) => {
                self.weak(op);
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
            (_, FaultKind::Status(_)) => return Injected::NotPossible("it is not HTTP".into()),
            (Op::Snapshot, _) => b"global_priv",
            (Op::EndSessions, _) => b"KILL",
            (Op::Verify, _) => b"app\0",
            (Op::Check, _) => b"SHOW GRANTS",
            _ => b"ALTER USER",
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
        let name = principal.as_str()[5..].trim_end_matches("@%");
        let rows = self.server.admin(&format!(
            "SELECT Priv FROM mysql.global_priv WHERE User = '{name}' AND Host = '%'"
        ));
        Some(rows.matches("\"authentication_string\":\"*").count())
    }

    async fn works(&mut self, _: &PrincipalId, bundle: &Bundle) -> Option<bool> {
        let field = |name| bundle.field(name).map(|value| value.expose_for(Purpose::Verify));
        Some(self.server.lets_in(field("username")?, field("password")?))
    }

    fn canaries(&self) -> Vec<String> {
        vec![MariaDb::PASSWORD.to_owned(), OWN.to_owned()]
    }

    fn endpoints(&self) -> Vec<String> {
        vec![self.proxy.host()]
    }
}

#[tokio::test]
async fn conforms() {
    let Some(server) = MariaDb::start() else { return absent("mariadb-server") };
    let proxy = FaultProxy::before(server.port);
    let report = run(&mut Database { server, proxy, consumer: None }).await;
    report.assert_conforms();
}
