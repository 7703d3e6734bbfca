use std::{fs, process::Command, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use keysweep_provider_mysql::Config;
use keysweep_sdk::{
    Bundle, Chosen, CredentialId, Cx, Effect, ErrorKind, LiveState, MintRequest, Mounting, Need,
    Network, PrincipalId, Provider, ProviderConfig, ProviderName, Purpose, Resolve, Result,
    SecretRef, SecretValue, Verdict,
};
use keysweep_testbed::{absent, mariadb::MariaDb, tool};

/// A password as a person chooses it.
const OLD: &str = "planted-Sommer2019";

#[derive(Debug)]
struct Given(String);

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
    config.mount(ProviderName::new("db"), &mounting).await.unwrap()
}

fn config(port: u16, more: &str) -> String {
    format!("host = \"127.0.0.1\"\nport = {port}\nuser = \"admin\"\npassword = \"env:DB\"\n{more}")
}

async fn provider(server: &MariaDb, more: &str) -> Provider {
    let network = Network { timeout: Some(10), ..Network::default() };
    mounted(&config(server.port, more), MariaDb::PASSWORD, network).await
}

fn started() -> Option<MariaDb> {
    let server = MariaDb::start();
    if server.is_none() {
        absent("mariadb-server");
    }
    server
}

/// Makes the account anew.
fn account(server: &MariaDb, name: &str, rest: &str) {
    server.admin(&format!("CREATE OR REPLACE USER {name} {rest}"));
}

fn by(plugin: &str, password: &str) -> String {
    format!("IDENTIFIED VIA {plugin} USING PASSWORD('{password}')")
}

const NATIVE: &str = "mysql_native_password";

fn user(name: &str) -> PrincipalId {
    PrincipalId::new(format!("user/{name}@%"))
}

async fn listed(provider: &Provider, principal: &PrincipalId) -> Vec<CredentialId> {
    let issuer = provider.issuer.as_ref().unwrap();
    let live = issuer.snapshot(&Cx::default(), principal).await.unwrap();
    live.into_iter().map(|live| live.id).collect()
}

async fn choose(provider: &Provider, principal: &PrincipalId, old: &CredentialId) -> Chosen {
    let issuer = provider.issuer.as_ref().unwrap();
    let live = issuer.snapshot(&Cx::default(), principal).await.unwrap();
    issuer.choose(&Cx::default(), principal, &live, Some(old)).await.unwrap().unwrap()
}

async fn mint(provider: &Provider, principal: &PrincipalId, chosen: &Chosen) -> Result<()> {
    let request = MintRequest { principal, marker: "m", replaces: None, chosen: Some(chosen) };
    provider.issuer.as_ref().unwrap().mint(&Cx::default(), &request).await.map(|_| ())
}

async fn destroy(provider: &Provider, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
    provider.revoker.as_ref().unwrap().destroy(&Cx::default(), principal, id).await
}

async fn verify(provider: &Provider, principal: &PrincipalId, bundle: &Bundle) -> Verdict {
    provider.verifier.as_ref().unwrap().verify(&Cx::default(), principal, bundle).await.unwrap()
}

fn password(chosen: &Chosen) -> String {
    chosen.bundle.field("password").unwrap().expose_for(Purpose::Verify).to_owned()
}

fn login(name: &str, password: &str) -> Bundle {
    Bundle::one("username", SecretValue::new(name)).with("password", SecretValue::new(password))
}

/// Three rotations in a row, each with an overlap, for each way that a password can be kept.
#[tokio::test]
async fn old_and_new_work_side_by_side_until_the_old_one_is_destroyed() {
    let Some(server) = started() else { return };
    for (plugin, more) in [
        (NATIVE, ""),
        ("ed25519", "successor = \"native\""),
        (NATIVE, "successor = \"alternate\""),
        ("ed25519", "successor = \"alternate\""),
    ] {
        account(&server, "app", &by(plugin, OLD));
        let (provider, app) = (provider(&server, more).await, user("app"));
        let (mut old, mut old_password) = (listed(&provider, &app).await.remove(0), OLD.to_owned());
        let mut gone = Vec::new();
        for round in 0..3 {
            let chosen = choose(&provider, &app, &old).await;
            mint(&provider, &app, &chosen).await.unwrap();
            mint(&provider, &app, &chosen).await.unwrap();
            let new = password(&chosen);
            assert!(server.lets_in("app", &old_password) && server.lets_in("app", &new));
            for bundle in [&chosen.bundle, &login("app", &old_password)] {
                match verify(&provider, &app, bundle).await {
                    Verdict::Live(who) => assert_eq!(who.principal, Some(app.clone())),
                    verdict => panic!("{plugin} {more} {round}: {verdict:?}"),
                }
            }
            destroy(&provider, &app, &old).await.unwrap();
            assert!(!server.lets_in("app", &old_password) && server.lets_in("app", &new));
            let dead = verify(&provider, &app, &login("app", &old_password)).await;
            assert_eq!(dead, Verdict::Dead);
            gone.push(old);
            // A call that comes late ends what it was for, and nothing that took its place.
            for id in &gone {
                destroy(&provider, &app, id).await.unwrap();
            }
            assert_eq!(listed(&provider, &app).await, std::slice::from_ref(&chosen.id));
            (old, old_password) = (chosen.id.clone(), new);
        }
        destroy(&provider, &app, &old).await.unwrap();
        assert!(!server.lets_in("app", &old_password) && !server.lets_in("app", ""));
        assert!(listed(&provider, &app).await.is_empty());
    }
}

#[tokio::test]
async fn what_clients_would_not_find_is_not_made() {
    let Some(server) = started() else { return };
    let (provider, app) = (provider(&server, "").await, user("app"));
    account(&server, "app", &by("ed25519", OLD));
    let issuer = provider.issuer.as_ref().unwrap();
    let live = issuer.snapshot(&Cx::default(), &app).await.unwrap();
    let error = issuer.choose(&Cx::default(), &app, &live, None).await.unwrap_err();
    assert!(error.hint().unwrap().contains("successor"), "{error}");

    account(&server, "app", &by(NATIVE, OLD));
    let old = listed(&provider, &app).await.remove(0);
    let first = choose(&provider, &app, &old).await;
    mint(&provider, &app, &first).await.unwrap();
    let third = choose(&provider, &app, &old).await;
    let error = mint(&provider, &app, &third).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::LimitReached, Effect::None));

    account(&server, "app", &format!("{} OR unix_socket", by(NATIVE, OLD)));
    let error = mint(&provider, &app, &third).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unsupported, Effect::None));
    destroy(&provider, &app, &old).await.unwrap();
    let left = server.admin("SHOW CREATE USER app");
    assert!(left.contains("VIA unix_socket") && !left.contains(NATIVE), "{left}");

    account(&server, "app", "");
    let error = issuer.snapshot(&Cx::default(), &app).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.message().contains("without a password"), "{error}");
    server.admin("CREATE ROLE team");
    let error = issuer.snapshot(&Cx::default(), &PrincipalId::new("user/team@%")).await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::NotFound);
}

/// Limits, requirements, a lock: what is not a password stays as it is.
#[tokio::test]
async fn the_rest_of_the_account_stays() {
    let Some(server) = started() else { return };
    let name = "`it's \\` app`@`%`".replace("\\`", "``");
    let rest =
        "REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 77 ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 5 DAY";
    account(&server, &name, &format!("{} {rest}", by(NATIVE, OLD)));
    server.admin(&format!("GRANT SELECT ON mysql.user TO {name}"));
    let (provider, odd) = (provider(&server, "").await, PrincipalId::new("user/it's ` app@%"));
    let issuer = provider.issuer.as_ref().unwrap();
    let live = issuer.snapshot(&Cx::default(), &odd).await.unwrap();
    assert_eq!(live[0].state, LiveState::Inactive);
    let chosen = choose(&provider, &odd, &live[0].id).await;
    mint(&provider, &odd, &chosen).await.unwrap();
    destroy(&provider, &odd, &live[0].id).await.unwrap();
    let shown = server.admin(&format!("SHOW CREATE USER {name}; SHOW GRANTS FOR {name}"));
    assert!(shown.contains(rest) && shown.contains("GRANT SELECT ON `mysql`.`user`"), "{shown}");
}

#[tokio::test]
async fn sessions_are_closed_and_those_of_others_are_not() {
    let Some(server) = started() else { return };
    account(&server, "app", &by(NATIVE, OLD));
    account(&server, "other", &by(NATIVE, "planted-other"));
    let (provider, app) = (provider(&server, "").await, user("app"));
    let (mut one, mut two) = (server.session("app", OLD), server.session("app", OLD));
    let mut other = server.session("other", "planted-other");
    let id = listed(&provider, &app).await.remove(0);
    destroy(&provider, &app, &id).await.unwrap();
    assert!(one.is_alive() && two.is_alive(), "the server ended them of its own accord");
    let revoker = provider.revoker.as_ref().unwrap();
    for _ in 0..2 {
        revoker.end_sessions(&Cx::default(), &app, &id, Timestamp::now()).await.unwrap();
    }
    assert!(one.ends() && two.ends() && other.is_alive());
}

/// `'app'@'localhost'` and `''@'localhost'` are asked before `'app'@'%'`.
#[tokio::test]
async fn a_refusal_by_another_account_is_no_death() {
    let Some(server) = started() else { return };
    account(&server, "app", &by(NATIVE, OLD));
    let (provider, app) = (provider(&server, "").await, user("app"));
    let bundle = login("app", OLD);
    assert!(matches!(verify(&provider, &app, &bundle).await, Verdict::Live(_)));
    // The nobody of `localhost` would be asked in place of the administrator, too.
    server.admin(&format!(
        "CREATE USER admin@localhost IDENTIFIED BY '{}'; GRANT ALL ON *.* TO admin@localhost",
        MariaDb::PASSWORD
    ));
    for before in ["app@localhost", "''@localhost"] {
        account(&server, before, &by(NATIVE, "planted-another"));
        let verdict = verify(&provider, &app, &bundle).await;
        assert!(matches!(&verdict, Verdict::Unknown(_)), "{before}: {verdict:?}");
        server.admin(&format!("DROP USER {before}"));
    }
    account(&server, "app@'10.1.2.%'", &by(NATIVE, "planted-another"));
    assert_eq!(verify(&provider, &app, &login("app", "wrong")).await, Verdict::Dead);
    let far = PrincipalId::new("user/app@10.1.2.%");
    let verdict = verify(&provider, &far, &login("app", "wrong")).await;
    assert!(matches!(&verdict, Verdict::Unknown(_)), "{verdict:?}");
    account(&server, "app", &format!("{} ACCOUNT LOCK", by(NATIVE, OLD)));
    let verdict = verify(&provider, &app, &bundle).await;
    assert!(matches!(&verdict, Verdict::Unknown(why) if why.contains("locked")), "{verdict:?}");
}

#[tokio::test]
async fn the_printed_statements_are_enough_and_each_is_needed() {
    let Some(server) = started() else { return };
    account(&server, "app", &by(NATIVE, OLD));
    account(&server, "keysweep", &by(NATIVE, "planted-own"));
    let toml = config(server.port, "").replace("\"admin\"", "\"keysweep\"");
    let provider = mounted(&toml, "planted-own", Network::default()).await;
    let (access, app) = (provider.access.as_ref().unwrap(), user("app"));
    let needs = [Need::Snapshot(app.clone()), Need::Rotate(app.clone())];
    let grants = access.check(&Cx::default(), &needs).await.unwrap();
    assert!(grants.iter().all(|grant| grant.held == Some(false)), "{grants:?}");

    let policy = access.policy(&needs).replace("<host>", "%");
    server.admin(&policy);
    let grants = access.check(&Cx::default(), &needs).await.unwrap();
    assert!(grants.iter().all(|grant| grant.held == Some(true)), "{grants:?}");
    let old = listed(&provider, &app).await.remove(0);
    let chosen = choose(&provider, &app, &old).await;
    mint(&provider, &app, &chosen).await.unwrap();
    let mut consumer = server.session("app", OLD);
    destroy(&provider, &app, &old).await.unwrap();
    let revoker = provider.revoker.as_ref().unwrap();
    revoker.end_sessions(&Cx::default(), &app, &old, Timestamp::now()).await.unwrap();
    assert!(consumer.ends());

    let mut other = server.session("app", &password(&chosen));
    server.admin("REVOKE PROCESS ON *.* FROM keysweep");
    let error = revoker.end_sessions(&Cx::default(), &app, &old, Timestamp::now()).await;
    let error = error.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::None));
    server.admin("GRANT PROCESS ON *.* TO keysweep; REVOKE CONNECTION ADMIN ON *.* FROM keysweep");
    let error = revoker.end_sessions(&Cx::default(), &app, &old, Timestamp::now()).await;
    assert_eq!(error.unwrap_err().effect, Effect::None);
    assert!(other.is_alive());
    server.admin("REVOKE CREATE USER ON *.* FROM keysweep");
    let error = destroy(&provider, &app, &chosen.id).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::PermissionDenied, Effect::None));
    let lacks: Vec<_> = access.check(&Cx::default(), &needs).await.unwrap();
    let lacks: Vec<_> = lacks.into_iter().filter(|grant| grant.held != Some(true)).collect();
    let lacks: Vec<_> = lacks.iter().map(|grant| grant.permission.as_str()).collect();
    assert_eq!(lacks, ["CREATE USER", "CONNECTION ADMIN"]);
}

/// Two at once: each takes its turn, or is told that it is not its turn.
#[tokio::test]
async fn two_at_once_do_not_undo_each_other() {
    let Some(server) = started() else { return };
    account(&server, "app", &by(NATIVE, OLD));
    let (provider, app) = (provider(&server, "").await, user("app"));
    let old = listed(&provider, &app).await.remove(0);
    let (one, two) = (choose(&provider, &app, &old).await, choose(&provider, &app, &old).await);
    let (first, second) = tokio::join!(mint(&provider, &app, &one), mint(&provider, &app, &two));
    let (done, refused) = if first.is_ok() { (&one, second) } else { (&two, first) };
    let error = refused.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::LimitReached | ErrorKind::Conflict), "{error}");
    assert_eq!(error.effect, Effect::None);
    assert!(server.lets_in("app", OLD) && server.lets_in("app", &password(done)));

    // The refused one's connection is closed by a task of its own, which needs a turn.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let lock = "SELECT GET_LOCK(CONCAT('keysweep ', SHA1('app@%')), 10)";
    let _other = server.session_with(MariaDb::ADMIN, MariaDb::PASSWORD, lock);
    let error = destroy(&provider, &app, &old).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::None));
    assert!(server.lets_in("app", OLD));
}

/// No statement has a password, nor has any file of the server.
#[tokio::test]
async fn the_server_hears_of_no_password() {
    let Some(server) = started() else { return };
    let hash = "*B1461C9C608D6A5D9FF1DC0F67D5A7B5D1B1F5F1";
    account(&server, "app", &format!("IDENTIFIED VIA {NATIVE} USING '{hash}'"));
    let (provider, app) = (provider(&server, "successor = \"alternate\"").await, user("app"));
    let old = listed(&provider, &app).await.remove(0);
    let mut values = Vec::new();
    let mut last = old;
    for _ in 0..2 {
        let chosen = choose(&provider, &app, &last).await;
        mint(&provider, &app, &chosen).await.unwrap();
        assert!(matches!(verify(&provider, &app, &chosen.bundle).await, Verdict::Live(_)));
        destroy(&provider, &app, &last).await.unwrap();
        values.push(password(&chosen));
        last = chosen.id;
    }
    let mut heard = fs::read_to_string(server.general_log()).unwrap();
    assert!(heard.matches("ALTER USER `app`").count() >= 4, "{heard}");
    heard.push_str(&server.log());
    heard.push_str(&server.admin("SELECT * FROM mysql.global_priv"));
    for value in &values {
        assert!(!heard.contains(value.as_str()));
    }
    // The administrator's was given in clear by the test itself, which shows that the search finds.
    server.admin("CREATE USER shown IDENTIFIED BY 'planted-shown'");
    assert!(fs::read_to_string(server.general_log()).unwrap().contains("planted-shown"));
}

#[tokio::test]
async fn what_the_server_forbids_is_named_with_its_way_out() {
    let Some(server) = MariaDb::start_with(&[
        "--plugin-load-add=simple_password_check",
        "--strict-password-validation=1",
    ]) else {
        return absent("mariadb-server");
    };
    account(&server, "app", "IDENTIFIED BY 'Planted-2019-Sommer'");
    let (provider, app) = (provider(&server, "").await, user("app"));
    let old = listed(&provider, &app).await.remove(0);
    let chosen = choose(&provider, &app, &old).await;
    let error = mint(&provider, &app, &chosen).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unsupported, Effect::None));
    assert!(error.hint().unwrap().contains("strict_password_validation"), "{error}");
    server.admin("SET GLOBAL strict_password_validation = 0");
    mint(&provider, &app, &chosen).await.unwrap();
    assert!(server.lets_in("app", &password(&chosen)));
}

/// A server that says of itself that it is a MySQL.
#[tokio::test]
async fn a_mysql_is_refused_before_anything() {
    let Some(server) = MariaDb::start_with(&["--version=8.4.3"]) else {
        return absent("mariadb-server");
    };
    let provider = provider(&server, "").await;
    let issuer = provider.issuer.as_ref().unwrap();
    let error = issuer.snapshot(&Cx::default(), &user("app")).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unsupported, Effect::None));
    assert!(error.message().contains("MySQL is not served yet"), "{error}");
}

#[tokio::test]
async fn over_tls_only_with_the_authority_that_is_given() {
    if tool("openssl").is_none() || tool("mariadbd").is_none() {
        return absent("openssl or mariadb-server");
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
    run(format!("openssl req {key} -keyout key.pem -out csr.pem -subj /CN=db"));
    run("openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile san \
         -out cert.pem -days 2"
        .into());
    run("chmod -R a+rX .".into());
    run("chmod a+r key.pem".into());
    let path = |name: &str| at.join(name).display().to_string();
    let options =
        [format!("--ssl-cert={}", path("cert.pem")), format!("--ssl-key={}", path("key.pem"))];
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let Some(server) = MariaDb::start_with(&options) else { return };
    account(&server, "app", &format!("{} REQUIRE SSL", by(NATIVE, OLD)));
    let app = user("app");
    let toml = config(server.port, "tls = true");
    let trusting = Network { ca: Some(path("ca.pem").into()), ..Network::default() };
    let trusting = mounted(&toml, MariaDb::PASSWORD, trusting).await;
    let old = listed(&trusting, &app).await.remove(0);
    let chosen = choose(&trusting, &app, &old).await;
    mint(&trusting, &app, &chosen).await.unwrap();
    assert!(matches!(verify(&trusting, &app, &chosen.bundle).await, Verdict::Live(_)));

    let doubting = mounted(&toml, MariaDb::PASSWORD, Network::default()).await;
    let error = mint(&doubting, &app, &chosen).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::None));
    assert!(error.hint().unwrap().contains("ca"), "{error} {:?}", error.hint());
}
