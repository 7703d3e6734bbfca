//! A rotation from the configuration to a dead old key, with nothing pretended: mounted providers, real files, the state
//! file, the escrow. An SSH key of an `authorized_keys` file, whose private half lies in one file of an application.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use keysweep::{
    config::{self, Config, reference::References},
    invoke::{Audit, Calls, Clock, Invoker, Rules},
    plan::{
        Input, Listing, Observed, Plan, Rotation, SeenCredential, SeenPlacement, SeenProvider,
        Select, plan,
    },
    registry,
    rotate::{
        AgeSealer, Engine, Hooks, Journal, Operator, Outcome, Reply, Rest, RotateError, StateFile,
        keys_new,
    },
};
use keysweep_sdk::{LiveState, Minted, PrincipalId, ProviderName, Purpose, Resolve};
use tempfile::TempDir;

const CONFIG: &str = r#"
[providers.host]
type = "ssh"
target = "local"
path = "authorized_keys"
user = "deploy"

[providers.app]
type = "file"
root = "."
read_at = "call"

[[credentials]]
id = "host:user/deploy"
fields = ["private_key", "public_key"]
stores = [{ at = "app:deploy_key#", field = "private_key" }]

[escrow]
identity = "identity"

[policy]
drain = "1m"
quiet = "1m"
soak = "1m"
"#;

/// The only clock of a test: it moves when the engine waits.
#[derive(Debug)]
struct Hands(Mutex<Timestamp>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

struct Nobody;

#[async_trait]
impl Operator for Nobody {
    async fn contain(&self, _: &Rotation, _: &str) -> Reply {
        Reply { go: true, by: "nobody".into(), why: String::new() }
    }

    async fn value(&self, _: &Rotation) -> Option<Minted> {
        None
    }
}

#[async_trait]
impl Hooks for Nobody {
    async fn run(&self, _: &[String]) -> Result<(), String> {
        Err("there is no hook".into())
    }
}

struct Desk {
    folder: TempDir,
    config: Config,
    clock: Arc<Hands>,
    invoker: Arc<Invoker>,
    calls: BTreeMap<ProviderName, Calls>,
}

async fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keysweep.toml");
    fs::write(&path, CONFIG).unwrap();
    fs::write(folder.path().join("authorized_keys"), "").unwrap();
    let config = config::load(&path).unwrap();
    let resolve: Arc<dyn Resolve> = Arc::new(References::of(&config));
    let mounted = registry::mount_all(&config, &resolve).await.unwrap();
    let clock = Arc::new(Hands(Mutex::new("2026-11-25T08:00:00Z".parse().unwrap())));
    let invoker = Invoker::new(Rules::of(&config), "spring", Audit::memory(), clock.clone());
    let calls = mounted.iter().map(|(name, p)| (name.clone(), invoker.calls(p))).collect();
    let desk = Desk { folder, config, clock, invoker, calls };
    desk.first_key().await;
    desk
}

impl Desk {
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn issuer(&self) -> &Calls {
        &self.calls[&ProviderName::new("host")]
    }

    /// What is there before: a key that lets `deploy` in, and its private half in the application's file.
    async fn first_key(&self) {
        let chosen = self.issuer().choose(&deploy(), &[], None).await.unwrap().unwrap();
        let field = |name: &str| chosen.bundle.field(name).unwrap().expose_for(Purpose::Place);
        let line = format!("restrict {} by hand\n", field("public_key").trim());
        fs::write(self.folder.path().join("authorized_keys"), line).unwrap();
        fs::write(self.folder.path().join("deploy_key"), field("private_key")).unwrap();
    }

    async fn plan(&self) -> Plan {
        let mut observed = Observed::default();
        for (name, calls) in &self.calls {
            let capabilities = calls.capabilities();
            let seen = SeenProvider { capabilities, ..SeenProvider::default() };
            observed.providers.insert(name.clone(), seen);
        }
        for credential in &self.config.credentials {
            let live = self.issuer().snapshot(&credential.name.principal).await.unwrap();
            let seen =
                SeenCredential { listing: Listing::Listed(live), ..SeenCredential::default() };
            observed.credentials.insert(credential.name.clone(), seen);
            for store in &credential.stores {
                let slot = self.calls[&store.at.provider].stat(&store.at.placement).await.unwrap();
                let seen = slot.map_or(SeenPlacement::Absent, SeenPlacement::There);
                observed.placements.insert(store.at.clone(), seen);
            }
        }
        plan(&Input {
            campaign: "spring",
            config: &self.config,
            observed: &observed,
            exposure: None,
            book: None,
            gates: &[],
            select: Select::All,
            now: self.clock.now(),
        })
    }

    /// Runs to the end; each turn is a process of its own: another lease, another look at the file.
    async fn rotate(&self, plan: &Plan) -> Result<Rest, RotateError> {
        let rotation = &plan.rotations[0];
        let identity = self.folder.path().join("identity");
        if !identity.exists() {
            keys_new(&identity).unwrap();
        }
        let sealer = AgeSealer::with_identity(&identity, []).unwrap();
        let engine = Engine {
            providers: &self.calls,
            sealer: &sealer,
            clock: self.clock.as_ref(),
            operator: &Nobody,
            hooks: &Nobody,
            holder: "test",
            mark: &keysweep_sdk::mark,
        };
        for _ in 0..20 {
            let mut file = StateFile::open(&self.state()).unwrap();
            file.add(plan, self.clock.now()).unwrap();
            let (now, term) = (self.clock.now(), Duration::from_secs(60));
            let lease = file.take(&plan.campaign, &rotation.id, "test", now, term).unwrap();
            let mut journal = file.journal(&plan.campaign).unwrap();
            match engine.run(plan, rotation, &mut journal, lease.fence).await? {
                Rest::Waiting { until, .. } => *self.clock.0.lock().unwrap() = until,
                rest => return Ok(rest),
            }
        }
        unreachable!("it never rests");
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state.sqlite")
    }
}

fn deploy() -> PrincipalId {
    PrincipalId::new("user/deploy")
}

fn bytes_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn a_key_is_rotated_from_the_configuration_to_its_end() {
    let desk = desk().await;
    let old = desk.issuer().snapshot(&deploy()).await.unwrap().remove(0);
    let before = desk.read("deploy_key");
    let plan = desk.plan().await;
    assert!(plan.refused.is_empty() && plan.rotations.len() == 1, "{plan:#?}");

    assert_eq!(desk.rotate(&plan).await.unwrap(), Rest::Closed(Outcome::Done));

    let live = desk.issuer().snapshot(&deploy()).await.unwrap();
    assert_eq!(live.len(), 1, "{live:?}");
    assert!(live[0].id != old.id && live[0].state == LiveState::Active, "{live:?}");
    assert_eq!(live[0].scope, old.scope, "the options of the old line are those of the new one");
    let after = desk.read("deploy_key");
    assert!(after != before && after.contains("OPENSSH PRIVATE KEY"));
    let journal = StateFile::open(&desk.state()).unwrap().journal("spring").unwrap();
    assert!(journal.sealed(&plan.rotations[0].id).unwrap().is_none(), "a sealed value is left");
    // The second line of the key is enough to know it by; only the application's file may hold it.
    let known: Vec<_> = [&before, &after].map(|key| key.lines().nth(2).unwrap().to_owned()).into();
    for (path, bytes) in bytes_below(desk.folder.path()) {
        let text = String::from_utf8_lossy(&bytes);
        let own = path.ends_with("/deploy_key");
        assert!(own || known.iter().all(|line| !text.contains(line.as_str())), "{path}");
    }
    let audit = desk.invoker.audit().lines().join("\n");
    assert!(audit.contains("\"mint\"") && known.iter().all(|line| !audit.contains(line.as_str())));
}

#[tokio::test(flavor = "current_thread")]
async fn a_world_that_changed_since_the_plan_is_left_alone() {
    let desk = desk().await;
    let plan = desk.plan().await;
    fs::write(desk.folder.path().join("deploy_key"), "somebody else's\n").unwrap();
    let listed = desk.read("authorized_keys");
    let error = desk.rotate(&plan).await.unwrap_err();
    assert!(matches!(error, RotateError::Stale(_)), "{error}");
    assert!(error.to_string().contains("app:deploy_key#"), "{error}");
    assert_eq!(desk.read("authorized_keys"), listed, "nothing was minted");
    assert_eq!(desk.read("deploy_key"), "somebody else's\n");
}
