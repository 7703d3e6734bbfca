use std::time::{Duration, Instant};

use async_trait::async_trait;
use keysweep_conformance::{
    Bench, Credentials, Fault, FaultKind, Injected, NotPossible, Own, Start,
};
use keysweep_sdk::{Bundle, Op, PrincipalId, Provider, ProviderConfig, ProviderName};
use keysweep_testbed::{
    absent,
    faults::{FaultProxy, Mode, When},
    postgres::{ADMIN_PASSWORD, Consumer, Postgres},
};

use crate::bench::*;

const FIRST: &str = "firstPlantedPw0123456789";

struct Cluster {
    server: Postgres,
    proxy: FaultProxy,
    further: &'static str,
    /// The role that consumers use at the start.
    role: &'static str,
    /// A consumer with a pool, whose session is there to be seen.
    held: Option<Consumer>,
}

impl Cluster {
    fn start(further: &'static str, role: &'static str) -> Option<Self> {
        let server = Postgres::start()?;
        server.sql(
            "CREATE ROLE app; CREATE ROLE app_a; CREATE ROLE app_b; \
             CREATE ROLE weak LOGIN PASSWORD 'weakPlantedPw0123456789'",
        );
        let proxy = FaultProxy::before(server.port());
        Some(Self { server, proxy, further, role, held: None })
    }

    async fn mounted_as(&self, user: &str, password: &'static str) -> Provider {
        let text = format!(
            "host = \"127.0.0.1\"\nport = {}\nuser = \"{user}\"\npassword = \"env:X\"\n\
             sslmode = \"disable\"\n{}",
            self.proxy.port(),
            self.further
        );
        let config: keysweep_provider_postgres::Config = toml::from_str(&text).unwrap();
        config.mount(ProviderName::new("db"), &mounting(password, None, 2)).await.unwrap()
    }
}

#[async_trait(?Send)]
impl Bench for Cluster {
    async fn reset(&mut self) -> Start {
        self.held = None;
        let all = "'app', 'app_a', 'app_b'";
        self.server.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ({all}); \
             ALTER ROLE app NOLOGIN PASSWORD NULL; ALTER ROLE app_a NOLOGIN PASSWORD NULL; \
             ALTER ROLE app_b NOLOGIN PASSWORD NULL; COMMENT ON ROLE app IS NULL; \
             COMMENT ON ROLE app_a IS NULL; COMMENT ON ROLE app_b IS NULL; \
             ALTER ROLE {} LOGIN PASSWORD '{FIRST}'",
            self.role
        ));
        let count = format!("SELECT count(*) FROM pg_stat_activity WHERE usename IN ({all})");
        let end = Instant::now() + Duration::from_secs(20);
        while self.server.sql(&count) != "0" {
            assert!(Instant::now() < end, "sessions do not end");
        }
        Start {
            credentials: Some(Credentials {
                principal: principal(),
                absent: Some(PrincipalId::new("role/nobody")),
                old: id(&format!("{}@unmarked", self.role)),
                bundle: login(self.role, FIRST),
            }),
            placements: None,
        }
    }

    async fn provider(&mut self, own: Own) -> Result<Provider, NotPossible> {
        match own {
            Own::Good => Ok(self.mounted_as("postgres", ADMIN_PASSWORD).await),
            Own::Wrong => Ok(self.mounted_as("postgres", "wrongPlantedPw0123456789").await),
            Own::Weak(Op::Snapshot) => Err(NotPossible("every role may look at roles".into())),
            Own::Weak(_) => Ok(self.mounted_as("weak", "weakPlantedPw0123456789").await),
        }
    }

    async fn inject(&mut self, fault: &Fault) -> Injected {
        if matches!(fault.kind, FaultKind::Status(_)) {
            return Injected::NotPossible("it is not HTTP".into());
        }
        let when = match fault.op {
            Op::Verify => When::Always,
            Op::Snapshot => When::Sends(b"pg_auth_members".to_vec()),
            Op::LastUse => When::Sends(b"state_change".to_vec()),
            Op::Check => When::Sends(b"pg_read_all_stats".to_vec()),
            // What is sent first prepares it.
            Op::EndSessions => When::After(b"pg_terminate_backend(pid)".to_vec(), 1),
            _ => When::Sends(b"ALTER ROLE".to_vec()),
        };
        self.proxy.set(fault.mode(when));
        Injected::Yes
    }

    async fn lift(&mut self) {
        self.proxy.set(Mode::Pass);
    }

    fn struck(&mut self) -> Option<usize> {
        Some(self.proxy.struck())
    }

    async fn count(&mut self, _: &PrincipalId) -> Option<usize> {
        let count = "SELECT count(*) FROM pg_authid \
            WHERE rolname IN ('app', 'app_a', 'app_b') AND rolpassword IS NOT NULL";
        self.server.sql(count).parse().ok()
    }

    async fn works(&mut self, _: &PrincipalId, bundle: &Bundle) -> Option<bool> {
        let user = bundle.field("username")?.expose_for(keysweep_sdk::Purpose::Verify).to_owned();
        let works = self.server.sql_as(&user, password(bundle), "SELECT 1").is_ok();
        self.held = works.then(|| self.server.session(&user, password(bundle)));
        Some(works)
    }

    fn canaries(&self) -> Vec<String> {
        [ADMIN_PASSWORD, "wrongPlantedPw0123456789", "weakPlantedPw0123456789", "SCRAM-SHA-256$"]
            .map(str::to_owned)
            .into()
    }

    fn endpoints(&self) -> Vec<String> {
        vec![self.proxy.host()]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_conform() {
    let Some(mut cluster) = Cluster::start(PAIR, "app_a") else { return absent("PostgreSQL") };
    keysweep_conformance::run(&mut cluster).await.assert_conforms();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_single_role_conforms() {
    let Some(mut cluster) = Cluster::start("", "app") else { return absent("PostgreSQL") };
    keysweep_conformance::run(&mut cluster).await.assert_conforms();
}
