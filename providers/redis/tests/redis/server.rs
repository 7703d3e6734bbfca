use std::{fs, process::Command, sync::Arc};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keysweep_provider_redis::Config;
use keysweep_sdk::{
    Bundle, Chosen, CredentialId, Cx, Effect, ErrorKind, MintRequest, Mounting, Need, Network,
    PrincipalId, Provider, ProviderConfig, ProviderName, Purpose, Resolve, Result, SecretRef,
    SecretValue, Verdict,
};
use keysweep_testbed::{
    absent,
    redis::{Connection, Redis, Reply, Users},
    tool,
};

/// A password as a person chooses it.
const OLD: &str = "planted-Sommer2019";

#[derive(Debug)]
pub(crate) struct Given(pub(crate) String);

#[async_trait]
impl Resolve for Given {
    async fn resolve(&self, _: &ProviderName, _: &SecretRef) -> Result<SecretValue> {
        Ok(SecretValue::new(&*self.0))
    }
}

pub(crate) async fn mounted(toml: &str, password: &str, network: Network) -> Provider {
    let config: Config = toml::from_str(toml).unwrap();
    let resolve = Arc::new(Given(password.to_owned()));
    let mounting = Mounting { resolve, network, folder: "/".into() };
    config.mount(ProviderName::new("cache"), &mounting).await.unwrap()
}

fn config(port: u16, more: &str) -> String {
    format!(
        "host = \"127.0.0.1\"\nport = {port}\nuser = \"admin\"\npassword = \"env:REDIS\"\n{more}"
    )
}

async fn provider(redis: &Redis, more: &str) -> Provider {
    let network = Network { timeout: Some(10), ..Network::default() };
    mounted(&config(redis.port, more), Redis::PASSWORD, network).await
}

/// A server with the user `app`, who has one password.
fn started(users: Users) -> Option<Redis> {
    let Some(redis) = Redis::start(users) else {
        absent("redis-server");
        return None;
    };
    redis.user("app", &["on", &format!(">{OLD}"), "~app:*", "+@read", "+ping"]);
    match users {
        Users::AclFile => redis.admin(&["ACL", "SAVE"]),
        Users::ConfigFile => redis.admin(&["CONFIG", "REWRITE"]),
        Users::Memory => Reply::Nil,
    };
    Some(redis)
}

fn app() -> PrincipalId {
    PrincipalId::new("user/app")
}

async fn only(provider: &Provider) -> CredentialId {
    let issuer = provider.issuer.as_ref().unwrap();
    let live = issuer.snapshot(&Cx::default(), &app()).await.unwrap();
    assert_eq!(live.len(), 1, "{live:?}");
    live[0].id.clone()
}

async fn chosen(provider: &Provider) -> (CredentialId, Chosen) {
    let issuer = provider.issuer.as_ref().unwrap();
    let live = issuer.snapshot(&Cx::default(), &app()).await.unwrap();
    let old = live[0].id.clone();
    let chosen = issuer.choose(&Cx::default(), &app(), &live, Some(&old)).await.unwrap().unwrap();
    (old, chosen)
}

async fn mint(provider: &Provider, old: &CredentialId, chosen: &Chosen) -> Result<()> {
    let principal = app();
    let request = MintRequest {
        principal: &principal,
        marker: "m",
        replaces: Some(old),
        chosen: Some(chosen),
    };
    provider.issuer.as_ref().unwrap().mint(&Cx::default(), &request).await.map(|_| ())
}

async fn destroy(provider: &Provider, id: &CredentialId) -> Result<()> {
    provider.revoker.as_ref().unwrap().destroy(&Cx::default(), &app(), id).await
}

async fn verify(provider: &Provider, bundle: &Bundle) -> Verdict {
    provider.verifier.as_ref().unwrap().verify(&Cx::default(), &app(), bundle).await.unwrap()
}

fn password(chosen: &Chosen) -> String {
    chosen.bundle.field("password").unwrap().expose_for(Purpose::Verify).to_owned()
}

fn old_bundle() -> Bundle {
    Bundle::one("username", SecretValue::new("app")).with("password", SecretValue::new(OLD))
}

#[tokio::test]
async fn old_and_new_work_side_by_side_until_the_old_one_is_destroyed() {
    let Some(redis) = started(Users::AclFile) else { return };
    let provider = provider(&redis, "").await;
    let mut consumer = redis.connect();
    assert!(consumer.log_in("app", OLD));

    let (old, chosen) = chosen(&provider).await;
    let before = redis.hashes("app").unwrap();
    assert!(!before.iter().any(|hash| hash.contains(&old.as_str()[3..])), "{old} of {before:?}");
    mint(&provider, &old, &chosen).await.unwrap();
    let new = password(&chosen);
    assert!(redis.lets_in("app", OLD) && redis.lets_in("app", &new));
    match verify(&provider, &chosen.bundle).await {
        Verdict::Live(who) => {
            assert_eq!((who.credential, who.principal), (Some(chosen.id.clone()), Some(app())))
        }
        verdict => panic!("{verdict:?}"),
    }

    destroy(&provider, &old).await.unwrap();
    assert!(!redis.lets_in("app", OLD) && redis.lets_in("app", &new));
    assert_eq!(verify(&provider, &old_bundle()).await, Verdict::Dead);
    assert_eq!(only(&provider).await, chosen.id);
    assert!(consumer.is_alive(), "Redis ended a connection of its own accord");
}

#[tokio::test]
async fn connections_from_before_are_closed_and_no_others() {
    let Some(redis) = started(Users::AclFile) else { return };
    redis.user("other", &["on", ">planted-other", "+ping"]);
    let provider = provider(&redis, "").await;
    let id = only(&provider).await;
    let (mut consumer, mut other) = (redis.connect(), redis.connect());
    assert!(consumer.log_in("app", OLD) && other.log_in("other", "planted-other"));
    let revoker = provider.revoker.as_ref().unwrap();
    let now = Timestamp::now();

    let long_ago = now.checked_sub(SignedDuration::from_hours(1)).unwrap();
    revoker.end_sessions(&Cx::default(), &app(), &id, long_ago).await.unwrap();
    assert!(consumer.is_alive(), "it was made later than that");
    for _ in 0..2 {
        revoker.end_sessions(&Cx::default(), &app(), &id, now).await.unwrap();
    }
    assert!(!consumer.is_alive() && other.is_alive());
}

#[tokio::test]
async fn a_restart_brings_nothing_back() {
    for users in [Users::AclFile, Users::ConfigFile] {
        let Some(mut redis) = started(users) else { return };
        let provider = provider(&redis, "").await;
        let (old, chosen) = chosen(&provider).await;
        mint(&provider, &old, &chosen).await.unwrap();
        redis.restart();
        assert!(redis.lets_in("app", OLD) && redis.lets_in("app", &password(&chosen)));
        destroy(&provider, &old).await.unwrap();
        redis.restart();
        assert!(
            !redis.lets_in("app", OLD) && redis.lets_in("app", &password(&chosen)),
            "{users:?}"
        );
    }
}

#[tokio::test]
async fn what_was_changed_but_not_saved_is_saved_by_the_repeated_call() {
    let Some(mut redis) = started(Users::AclFile) else { return };
    let provider = provider(&redis, "").await;
    let (old, chosen) = chosen(&provider).await;
    mint(&provider, &old, &chosen).await.unwrap();
    // As if the call had been cut short between the two commands.
    let hash = redis.hashes("app").unwrap().remove(0);
    redis.admin(&["ACL", "SETUSER", "app", &format!("!{hash}")]);
    destroy(&provider, &old).await.unwrap();
    redis.restart();
    assert!(!redis.lets_in("app", OLD));
}

#[tokio::test]
async fn a_server_that_forgets_is_not_changed_unless_somebody_else_remembers() {
    let Some(redis) = started(Users::Memory) else { return };
    let plain = provider(&redis, "").await;
    let (old, chosen) = chosen(&plain).await;
    let error = mint(&plain, &old, &chosen).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Config, Effect::None));
    assert!(error.hint().unwrap().contains("persistence"), "{:?}", error.hint());
    assert!(!redis.lets_in("app", &password(&chosen)));
    let needs = [Need::Rotate(app())];
    let grants = plain.access.as_ref().unwrap().check(&Cx::default(), &needs).await.unwrap();
    assert!(grants.iter().any(|g| g.permission.contains("aclfile") && g.held == Some(false)));

    // After a breach it is refused at once, but not called done.
    for effect in [Effect::Unknown, Effect::None] {
        let error = destroy(&plain, &old).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Config, effect));
        assert!(!redis.lets_in("app", OLD));
    }
    let elsewhere = provider(&redis, "persistence = \"elsewhere\"").await;
    mint(&elsewhere, &old, &chosen).await.unwrap();
    destroy(&elsewhere, &old).await.unwrap();
    assert!(redis.lets_in("app", &password(&chosen)));
}

#[tokio::test]
async fn nodes_have_users_of_their_own() {
    let Some(master) = started(Users::AclFile) else { return };
    let at = format!("127.0.0.1 {}", master.port);
    let login = ["--masteruser", Redis::ADMIN, "--masterauth", Redis::PASSWORD];
    let options = [&["--replicaof", at.as_str()], &login[..]].concat();
    let Some(replica) = Redis::start_with(Users::AclFile, &options) else { return };
    while !master.admin(&["INFO", "replication"]).to_string().contains("connected_slaves:1") {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let alone = provider(&master, "").await;
    let (old, first) = chosen(&alone).await;
    let error = mint(&alone, &old, &first).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Config, Effect::None));
    assert!(error.hint().unwrap().contains("nodes"), "{error}");

    let both = provider(&master, &format!("nodes = [\"127.0.0.1:{}\"]", replica.port)).await;
    let issuer = both.issuer.as_ref().unwrap();
    let error = issuer.snapshot(&Cx::default(), &app()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "the replica has no `app`: {error}");
    replica.user("app", &["on", &format!(">{OLD}"), "+ping"]);
    mint(&both, &old, &first).await.unwrap();
    assert!(replica.lets_in("app", &password(&first)) && master.lets_in("app", &password(&first)));
    destroy(&both, &old).await.unwrap();
    assert!(!replica.lets_in("app", OLD) && !master.lets_in("app", OLD));

    // One that only a replica takes is live, and neither proved nor dead.
    replica.admin(&["ACL", "SETUSER", "app", &format!(">{OLD}")]);
    assert_eq!(issuer.snapshot(&Cx::default(), &app()).await.unwrap().len(), 2);
    assert!(matches!(verify(&both, &old_bundle()).await, Verdict::Unknown(_)));
}

#[tokio::test]
async fn a_user_who_takes_any_password_cannot_be_rotated() {
    let Some(redis) = started(Users::AclFile) else { return };
    redis.user("app", &["on", "nopass", "+ping"]);
    let provider = provider(&redis, "").await;
    let issuer = provider.issuer.as_ref().unwrap();
    let error = issuer.snapshot(&Cx::default(), &app()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.hint().unwrap().contains("nopass"));
}

#[tokio::test]
async fn the_printed_line_is_enough_and_no_more_is_needed() {
    for users in [Users::AclFile, Users::ConfigFile] {
        let Some(redis) = started(users) else { return };
        let needs = [Need::Snapshot(app()), Need::Rotate(app())];
        let asked = provider(&redis, "").await.access.unwrap().policy(&needs);
        let line = asked.lines().next().unwrap();
        let words: Vec<_> = line.split(' ').filter(|word| !word.is_empty()).collect();
        assert_eq!(words[..3], ["ACL", "SETUSER", "keysweep"]);
        let at = words.iter().position(|word| *word == "resetkeys").unwrap();
        redis.user("keysweep", &[&["on", ">planted-own"], &words[at..]].concat());

        let toml = config(redis.port, "").replace("\"admin\"", "\"keysweep\"");
        let provider = mounted(&toml, "planted-own", Network::default()).await;
        let access = provider.access.as_ref().unwrap();
        let grants = access.check(&Cx::default(), &needs).await.unwrap();
        assert!(grants.iter().all(|grant| grant.held == Some(true)), "{grants:?}");
        let (old, chosen) = chosen(&provider).await;
        mint(&provider, &old, &chosen).await.unwrap();
        let mut consumer = redis.connect();
        assert!(consumer.log_in("app", OLD));
        destroy(&provider, &old).await.unwrap();
        let revoker = provider.revoker.as_ref().unwrap();
        revoker.end_sessions(&Cx::default(), &app(), &old, Timestamp::now()).await.unwrap();
        assert!(!consumer.is_alive());

        // Each of them is needed: without it the check says so.
        for word in words[at..]
            .iter()
            .filter(|word| word.starts_with("+acl|setuser") || word.starts_with("+client|kill"))
        {
            redis.admin(&["ACL", "SETUSER", "keysweep", &word.replace('+', "-")]);
            let grants = access.check(&Cx::default(), &needs).await.unwrap();
            let lacks = grants.iter().find(|grant| grant.held == Some(false)).unwrap();
            assert_eq!(lacks.permission, word[1..]);
            redis.admin(&["ACL", "SETUSER", "keysweep", word]);
        }
    }
}

/// Neither `MONITOR` nor the slow log nor the log nor any file of the server has a password.
#[tokio::test]
async fn the_server_hears_of_no_password() {
    let Some(redis) = started(Users::AclFile) else { return };
    redis.admin(&["SLOWLOG", "RESET"]);
    let mut monitor = redis.connect();
    assert!(monitor.log_in(Redis::ADMIN, Redis::PASSWORD));
    assert_eq!(monitor.call(&["MONITOR"]), Reply::Text("OK".into()));
    let provider = provider(&redis, "").await;
    let (old, chosen) = chosen(&provider).await;
    mint(&provider, &old, &chosen).await.unwrap();
    let new_hash = redis.hashes("app").unwrap().remove(1);
    verify(&provider, &chosen.bundle).await;
    destroy(&provider, &old).await.unwrap();
    verify(&provider, &old_bundle()).await;
    let mut consumer = redis.connect();
    assert!(consumer.log_in("app", &password(&chosen)));
    consumer.call(&["GET", "app:the-end"]);

    let mut heard = String::new();
    while !heard.contains("app:the-end") {
        heard.push_str(&monitor.read().unwrap().to_string());
    }
    heard.push_str(&redis.admin(&["SLOWLOG", "GET", "-1"]).to_string());
    heard.push_str(&redis.log());
    assert!(heard.contains("the-end") && heard.contains("(redacted)"), "{heard}");
    for file in fs::read_dir(redis.folder()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        heard.push_str(&String::from_utf8_lossy(&bytes));
    }
    // The planted file shows that the search finds: Redis writes hashes there.
    assert!(heard.contains(&new_hash));
    for value in [OLD.to_owned(), password(&chosen)] {
        assert!(!heard.contains(&value));
    }
}

#[tokio::test]
async fn over_tls_only_with_the_authority_that_is_given() {
    if tool("openssl").is_none() || tool("redis-server").is_none() {
        return absent("openssl or redis-server");
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let run = |line: String| {
        let mut words = line.split(' ');
        let mut command = Command::new(tool(words.next().unwrap()).unwrap());
        let output = command.args(words).current_dir(at).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    fs::write(at.join("san"), "subjectAltName=IP:127.0.0.1").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    run(format!("openssl req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=ca -days 2"));
    run(format!("openssl req {key} -keyout key.pem -out csr.pem -subj /CN=redis"));
    run("openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile san \
         -out cert.pem -days 2"
        .into());
    let port = keysweep_testbed::free_port().to_string();
    let path = |name: &str| at.join(name).display().to_string();
    let (cert, key, ca) = (path("cert.pem"), path("key.pem"), path("ca.pem"));
    let options = [
        ["--tls-port", &port],
        ["--tls-cert-file", &cert],
        ["--tls-key-file", &key],
        ["--tls-ca-cert-file", &ca],
        ["--tls-auth-clients", "no"],
    ];
    let Some(redis) = Redis::start_with(Users::AclFile, &options.concat()) else { return };
    redis.user("app", &["on", &format!(">{OLD}"), "+ping"]);
    let toml = config(port.parse().unwrap(), "tls = true");
    let trusting = Network { ca: Some(ca.into()), ..Network::default() };
    let trusting = mounted(&toml, Redis::PASSWORD, trusting).await;
    let (old, chosen) = chosen(&trusting).await;
    mint(&trusting, &old, &chosen).await.unwrap();
    assert!(matches!(verify(&trusting, &chosen.bundle).await, Verdict::Live(_)));

    let doubting = mounted(&toml, Redis::PASSWORD, Network::default()).await;
    let error = mint(&doubting, &old, &chosen).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::None));
    assert!(error.hint().unwrap().contains("ca"), "{error} {:?}", error.hint());
    let _ = Connection::to(redis.port);
}
