//! The store on real files.
#![expect(clippy::unwrap_used, reason = "for tests only")]

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
    sync::Arc,
};

use async_trait::async_trait;
use keysweep_provider_file::Config;
use keysweep_sdk::{
    Bundle, Cx, Delivery, Effect, Error, ErrorKind, Held, Mounting, Need, Network, Op, Payload,
    PlacementId, Provider, ProviderConfig, ProviderName, Purpose, ReadAt, Resolve, Result,
    SecretRef, SecretValue, Slot, Store,
};
use tempfile::TempDir;

const PLANTED: &str = "planted-value-7";

#[derive(Debug)]
struct NoCredentials;

#[async_trait]
impl Resolve for NoCredentials {
    async fn resolve(&self, provider: &ProviderName, _: &SecretRef) -> Result<SecretValue> {
        let (kind, effect) = (ErrorKind::Config, Effect::None);
        Err(Error::new(provider.clone(), Op::Mount, kind, effect, "none is needed"))
    }
}

async fn mount(folder: &Path, config: &str) -> Result<Provider> {
    let mounting = Mounting {
        resolve: Arc::new(NoCredentials),
        network: Network::default(),
        folder: folder.to_owned(),
    };
    let config: Config = toml::from_str(config).expect("the configuration parses");
    config.mount(ProviderName::new("files"), &mounting).await
}

struct World {
    dir: TempDir,
    store: Arc<dyn Store>,
}

impl World {
    async fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = mount(dir.path(), config).await.unwrap().store.unwrap();
        Self { dir, store }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap()
    }

    async fn place(&self, at: &str, payload: &Payload) -> Result<Slot> {
        self.store.place(&Cx::default(), &Delivery::new(&PlacementId::new(at), payload)).await
    }

    async fn stat(&self, at: &str) -> Result<Option<Slot>> {
        self.store.stat(&Cx::default(), &PlacementId::new(at)).await
    }

    async fn read(&self, at: &str, named: &[&str]) -> Result<Option<Payload>> {
        let named: Vec<_> = named.iter().map(ToString::to_string).collect();
        Ok(match self.store.read(&Cx::default(), &PlacementId::new(at), &named).await? {
            Held::Value(payload) => Some(payload),
            Held::Nothing => None,
        })
    }

    async fn remove(&self, at: &str, named: &[&str]) -> Result<()> {
        let named: Vec<_> = named.iter().map(ToString::to_string).collect();
        self.store.remove(&Cx::default(), &PlacementId::new(at), &named).await
    }
}

fn one(value: &str) -> Payload {
    Payload::One(SecretValue::new(value))
}

fn named(fields: &[(&str, &str)]) -> Payload {
    let field = |(name, value): &(&str, &str)| ((*name).to_owned(), SecretValue::new(*value));
    Payload::Named(fields.iter().map(field).collect::<Bundle>())
}

fn shown(payload: &Payload) -> &str {
    payload.one().unwrap().expose_for(Purpose::Place)
}

fn harmless(error: &Error) {
    assert!(error.hint().is_some(), "{error:?} has no way out");
    assert!(!format!("{error:?} {error}").contains(PLANTED), "{error:?}");
}

#[tokio::test]
async fn a_value_goes_in_comes_back_and_goes_away() {
    let world = World::new("").await;
    world.write("config.json", "{\"db\": {\"password\": \"old\"}}\n");
    world.write("c.yaml", "db:\n  password: old\n  user: app\n");
    world.write("c.toml", "[db]\npassword = 'old'\n");
    world.write(".env", "A=1\n");
    for at in [
        ".env#TOKEN",
        "new.env#TOKEN",
        "config.json#/db/password",
        "c.yaml#db.password",
        "c.toml#db.password",
        "id_rsa#",
    ] {
        let cx = Cx::default();
        for _ in 0..2 {
            world.place(at, &one(PLANTED)).await.unwrap();
        }
        let first = world.stat(at).await.unwrap().unwrap();
        world.place(at, &one(PLANTED)).await.unwrap();
        assert_eq!(world.stat(at).await.unwrap().unwrap().version, first.version, "{at}");
        assert!(first.updated.is_some());
        assert_eq!(shown(&world.read(at, &[]).await.unwrap().unwrap()), PLANTED);
        let slot = world.place(at, &one("second")).await.unwrap();
        assert_ne!(slot.version, first.version, "{at}");

        let id = PlacementId::new(at);
        let payload = one("third");
        let stale = Delivery { expect: first.version.as_deref(), ..Delivery::new(&id, &payload) };
        let error = world.store.place(&cx, &stale).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::None), "{at}");

        if !at.starts_with("c.") && !at.starts_with("config") {
            world.remove(at, &[]).await.unwrap();
            world.remove(at, &[]).await.unwrap();
            assert!(
                world.read(at, &[]).await.unwrap().is_none()
                    && world.stat(at).await.unwrap().is_none()
            );
        }
    }
    assert_eq!(world.text(".env"), "A=1\n");
    assert_eq!(world.text("c.yaml"), "db:\n  password: \"second\"\n  user: app\n");
    let mode = fs::metadata(world.dir.path().join("new.env")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_profile_is_written_whole() {
    let world = World::new("").await;
    let at = ".aws/credentials#deploy";
    world.write(".aws/credentials", "[default]\nregion = eu\n[deploy]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old\nregion = us\n");
    let payload = named(&[("aws_access_key_id", "AKIANEW"), ("aws_secret_access_key", PLANTED)]);
    world.place(at, &payload).await.unwrap();
    assert_eq!(
        world.text(".aws/credentials"),
        format!(
            "[default]\nregion = eu\n[deploy]\naws_access_key_id = AKIANEW\naws_secret_access_key = {PLANTED}\nregion = us\n"
        )
    );
    let back = world.read(at, &["aws_access_key_id", "aws_secret_access_key"]).await.unwrap();
    assert!(back.unwrap().same(&payload));

    let error = world.place(at, &one(PLANTED)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
    harmless(&error);
    // Half of it cannot be written, so none of it is.
    let half = named(&[("aws_access_key_id", "AKIAHALF"), ("aws_secret_access_key", "two words")]);
    harmless(&world.place(at, &half).await.unwrap_err());
    assert!(!world.text(".aws/credentials").contains("AKIAHALF"));

    world.remove(at, &["aws_access_key_id", "aws_secret_access_key"]).await.unwrap();
    assert_eq!(world.text(".aws/credentials"), "[default]\nregion = eu\n[deploy]\nregion = us\n");
    world.write(".aws/credentials", "[deploy]\naws_session_token = t\n");
    let error = world.place(at, &payload).await.unwrap_err();
    assert!(error.message().contains("aws_session_token"), "{error}");
    harmless(&error);
}

#[tokio::test]
async fn named_values_are_written_together() {
    let world = World::new("").await;
    world.write(".env", "A=1\nB=2\n");
    world.write("c.json", "{\"db\": {\"a\": \"1\", \"b\": \"2\"}}");
    let payload = named(&[("A", PLANTED), ("B", "x")]);
    world.place(".env#", &payload).await.unwrap();
    assert_eq!(world.text(".env"), format!("A={PLANTED}\nB=x\n"));
    assert!(world.read(".env#", &["A", "B"]).await.unwrap().unwrap().same(&payload));
    world.place("c.json#/db", &named(&[("a", "x"), ("b", "y")])).await.unwrap();
    assert_eq!(world.text("c.json"), "{\"db\": {\"a\": \"x\", \"b\": \"y\"}}");
    harmless(&world.place(".env#A", &payload).await.unwrap_err());
    harmless(&world.place("id_rsa#", &payload).await.unwrap_err());
}

#[tokio::test]
async fn what_a_format_cannot_carry_is_refused() {
    let world = World::new("").await;
    let text = format!("A=1\nB={PLANTED}\n");
    world.write(".env", &text);
    for value in [format!("{PLANTED}\nB=2"), format!("{PLANTED}\0"), format!("$({PLANTED})")] {
        let error = world.place(".env#A", &one(&value)).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
        harmless(&error);
    }
    assert_eq!(world.text(".env"), text);
    for (name, text, at) in [
        ("broken.json", format!("{{\"a\": \"{PLANTED}\""), "broken.json#a"),
        ("broken.toml", format!("a = '{PLANTED}\n"), "broken.toml#a"),
        ("broken.yaml", format!("a: '{PLANTED}\n"), "broken.yaml#a"),
        ("broken.env", format!("A='{PLANTED}\n"), "broken.env#A"),
        ("number.json", "{\"a\": 1}".to_owned(), "number.json#a"),
    ] {
        world.write(name, &text);
        for error in [
            world.place(at, &one("new")).await.unwrap_err(),
            world.read(at, &[]).await.unwrap_err(),
        ] {
            assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None), "{at}");
            harmless(&error);
        }
        assert_eq!(world.text(name), text);
    }
    let quoting = World::new("quotes = true").await;
    quoting.place(".env#A", &one("a b&c#d")).await.unwrap();
    assert_eq!(quoting.text(".env"), "A='a b&c#d'\n");
    let sourced = Command::new("sh")
        .args(["-c", ". ./.env; printf %s \"$A\""])
        .current_dir(quoting.dir.path())
        .output()
        .unwrap();
    assert_eq!(sourced.stdout, b"a b&c#d");
}

#[tokio::test]
async fn files_outside_the_root_are_refused() {
    let world = World::new("").await;
    let other = tempfile::tempdir().unwrap();
    let outside = other.path().join(".env");
    fs::write(&outside, "A=1\n").unwrap();
    symlink(&outside, world.dir.path().join("link.env")).unwrap();
    let name = other.path().file_name().unwrap().to_str().unwrap();
    for at in
        ["link.env#A".to_owned(), format!("{}#A", outside.display()), format!("../{name}/.env#A")]
    {
        let error = world.place(&at, &one(PLANTED)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{at}");
        harmless(&error);
        assert!(world.stat(&at).await.is_err());
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "A=1\n");
    for at in ["no placement", "#A", ".env#1A", "no/folder/.env#A", "id_rsa#key"] {
        harmless(&world.stat(at).await.unwrap_err());
    }
    let allowed = mount(world.dir.path(), "absolute = true").await.unwrap().store.unwrap();
    let (at, payload) = (PlacementId::new("link.env#A"), one("2"));
    allowed.place(&Cx::default(), &Delivery::new(&at, &payload)).await.unwrap();
    assert_eq!(fs::read_to_string(&outside).unwrap(), "A=2\n");
    assert_eq!(mount(world.dir.path(), "root = 'none'").await.unwrap_err().kind, ErrorKind::Config);
}

#[tokio::test]
async fn who_else_sees_and_writes_it_is_told() {
    let world = World::new("").await;
    world.write(".env", "A=1\n");
    let path = world.dir.path().join(".env");
    for (mode, others) in [(0o600, 0), (0o640, 1), (0o644, 2)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let slot = world.stat(".env#A").await.unwrap().unwrap();
        assert_eq!(slot.seen_by.len(), others, "{:?}", slot.seen_by);
        assert_eq!(slot.managed_by, None);
    }
    world.write("s.yaml", "a: ENC[AES256_GCM,data:x]\nsops:\n  mac: y\n");
    world.write("v.yml", "$ANSIBLE_VAULT;1.1;AES256\n3938\n");
    assert_eq!(world.stat("s.yaml#a").await.unwrap().unwrap().managed_by.unwrap(), "SOPS");
    assert_eq!(world.stat("v.yml#a").await.unwrap().unwrap().managed_by.unwrap(), "ansible-vault");
    harmless(&world.place("s.yaml#a", &one(PLANTED)).await.unwrap_err());
    harmless(&world.place("v.yml#", &one(PLANTED)).await.unwrap_err());

    world.write(".env.local", "B=2\nA=3\n");
    let shadow = world.stat(".env#A").await.unwrap().unwrap().shadowed_by.unwrap();
    assert!(shadow.ends_with(".env.local#A"), "{shadow}");
    world.write("key.pem", "$ANSIBLE_VAULT;1.1;AES256\n3938\n");
    harmless(&world.place("key.pem#", &one(PLANTED)).await.unwrap_err());
    harmless(&world.place("big#", &one(&"x".repeat(2_000_000))).await.unwrap_err());

    let git = |args: &[&str]| {
        let run = Command::new("git").args(args).current_dir(world.dir.path()).output();
        run.is_ok_and(|run| run.status.success())
    };
    if git(&["init", "-q"]) {
        assert_eq!(world.stat(".env#A").await.unwrap().unwrap().managed_by, None);
        assert!(git(&["add", ".env"]));
        let slot = world.stat(".env#A").await.unwrap().unwrap();
        assert!(slot.managed_by.unwrap().starts_with("git ("));
        assert_eq!(world.stat("s.yaml#a").await.unwrap().unwrap().managed_by.unwrap(), "SOPS");
    }
}

#[tokio::test]
async fn it_says_what_it_is_and_what_it_may() {
    let world = World::new("").await;
    world.write(".env", "A=1\n");
    fs::hard_link(world.dir.path().join(".env"), world.dir.path().join("two.env")).unwrap();
    world.write("one.env", "A=1\n");
    let provider = mount(world.dir.path(), "read_at = 'call'\n[formats]\n'app.conf' = 'dotenv'")
        .await
        .unwrap();
    assert_eq!(provider.capabilities().store.unwrap().read_at, ReadAt::Call);
    assert!(provider.hosts.is_empty());
    let needs =
        [Need::Place(PlacementId::new("one.env#A")), Need::Place(PlacementId::new(".env#A"))];
    let access = provider.access.unwrap();
    let grants = access.check(&Cx::default(), &needs).await.unwrap();
    assert_eq!(grants.iter().map(|g| g.held).collect::<Vec<_>>(), [Some(true), Some(false)]);
    assert!(access.policy(&needs).contains("one.env#A"));
    world.write("app.conf", "A=1\n");
    let at = PlacementId::new("app.conf#A");
    let payload = one("2");
    let store = provider.store.unwrap();
    store.place(&Cx::default(), &Delivery::new(&at, &payload)).await.unwrap();
    assert_eq!(world.text("app.conf"), "A=2\n");
    assert!(toml::from_str::<Config>("surprise = 1").is_err());
}
