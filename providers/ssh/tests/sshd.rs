//! Against OpenSSH's server on loopback, and on local files.
#![expect(clippy::unwrap_used, reason = "for tests only")]

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use async_trait::async_trait;
use keysweep_provider_ssh::Config;
use keysweep_sdk::{
    Bundle, Chosen, Cx, Effect, Error, ErrorKind, LiveState, MintRequest, Minted, Mounting, Need,
    Network, Op, PrincipalId, Provider, ProviderConfig, ProviderName, Purpose, Resolve, Result,
    SecretRef, SecretValue, Verdict,
};
use keysweep_testbed::{
    absent,
    sshd::{Sshd, keygen},
};

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
    config.mount(ProviderName::new("hosts"), &mounting).await
}

/// A mounted provider and one principal of it.
struct World {
    provider: Provider,
    principal: PrincipalId,
}

impl World {
    async fn of(sshd: &Sshd) -> Self {
        Self::with(sshd, "").await
    }

    async fn with(sshd: &Sshd, more: &str) -> Self {
        let config = format!(
            "target = 'ssh'\nhost = '127.0.0.1'\nport = {}\nuser = '{}'\npath = '{}'\n\
             known_hosts = '{}'\n{more}\n{}",
            sshd.port,
            sshd.user,
            sshd.authorized_keys.display(),
            sshd.known_hosts.display(),
            if more.contains("identity") {
                String::new()
            } else {
                format!("identity = '{}'", sshd.identity.display())
            },
        );
        let provider = mount(sshd.folder(), &config).await.unwrap();
        Self { provider, principal: PrincipalId::new(format!("user/{}", sshd.user)) }
    }

    async fn live(&self) -> Vec<(String, LiveState)> {
        let issuer = self.provider.issuer.as_ref().unwrap();
        let live = issuer.snapshot(&Cx::default(), &self.principal).await.unwrap();
        live.into_iter().map(|l| (l.id.to_string(), l.state)).collect()
    }

    async fn choose(&self) -> Chosen {
        let issuer = self.provider.issuer.as_ref().unwrap();
        issuer.choose(&Cx::default(), &self.principal, &[], None).await.unwrap().unwrap()
    }

    async fn mint(&self, chosen: &Chosen, replaces: Option<&str>) -> Result<Minted> {
        let replaces = replaces.map(keysweep_sdk::CredentialId::new);
        let request = MintRequest {
            principal: &self.principal,
            marker: "keysweep-campaign-1",
            replaces: replaces.as_ref(),
            chosen: Some(chosen),
        };
        self.provider.issuer.as_ref().unwrap().mint(&Cx::default(), &request).await
    }

    async fn verify(&self, bundle: &Bundle) -> Verdict {
        let verifier = self.provider.verifier.as_ref().unwrap();
        verifier.verify(&Cx::default(), &self.principal, bundle).await.unwrap()
    }

    async fn disable(&self, id: &str) -> Result<()> {
        let id = keysweep_sdk::CredentialId::new(id);
        self.provider.revoker.as_ref().unwrap().disable(&Cx::default(), &self.principal, &id).await
    }

    async fn enable(&self, id: &str) -> Result<()> {
        let id = keysweep_sdk::CredentialId::new(id);
        self.provider.revoker.as_ref().unwrap().enable(&Cx::default(), &self.principal, &id).await
    }

    async fn destroy(&self, id: &str) -> Result<()> {
        let id = keysweep_sdk::CredentialId::new(id);
        self.provider.revoker.as_ref().unwrap().destroy(&Cx::default(), &self.principal, &id).await
    }
}

fn sshd() -> Option<Sshd> {
    let sshd = Sshd::start();
    if sshd.is_none() {
        absent("openssh-server");
    }
    sshd
}

fn is_live(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Live(_))
}

/// The part of a private key that is nowhere else.
fn canary(chosen: &Chosen) -> String {
    let private = chosen.bundle.field("private_key").unwrap().expose_for(Purpose::Verify);
    private.lines().nth(3).unwrap().to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

/// Lets keysweep in through a script, which gets the number of the connection.
fn wrap(sshd: &Sshd, script: &str) {
    let path = sshd.folder().join("wrap");
    let count = sshd.folder().join("count");
    fs::write(&count, "0").unwrap();
    let text = format!(
        "#!/bin/sh\nn=$(($(cat {count}) + 1)); echo $n > {count}\nfile={file}\n{script}\n",
        count = count.display(),
        file = sshd.authorized_keys.display(),
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let key = fs::read_to_string(sshd.identity.with_extension("pub")).unwrap();
    fs::write(&sshd.authorized_keys, format!("command=\"{}\" {key}", path.display())).unwrap();
}

fn harmless(error: &Error, chosen: &Chosen) {
    assert!(error.hint().is_some(), "{error:?} has no way out");
    assert!(!format!("{error:?} {error}").contains(&canary(chosen)), "{error:?}");
}

#[tokio::test]
async fn a_key_lives_and_dies() {
    let Some(sshd) = sshd() else { return };
    let world = World::of(&sshd).await;
    assert_eq!(world.provider.hosts, [format!("127.0.0.1:{}", sshd.port)]);
    let own = world.live().await.remove(0).0;
    let before = fs::metadata(&sshd.authorized_keys).unwrap().mode();

    let chosen = world.choose().await;
    assert_eq!(world.verify(&chosen.bundle).await, Verdict::Dead);
    for _ in 0..2 {
        let minted = world.mint(&chosen, Some(&own)).await.unwrap();
        assert!(minted.id == chosen.id && minted.bundle.same(&chosen.bundle));
    }
    let id = chosen.id.as_str();
    assert_eq!(
        world.live().await,
        [(own.clone(), LiveState::Active), (id.to_owned(), LiveState::Active)]
    );
    let Verdict::Live(identity) = world.verify(&chosen.bundle).await else { panic!("not live") };
    assert_eq!(
        (identity.principal.as_ref(), identity.credential.as_ref()),
        (Some(&world.principal), Some(&chosen.id))
    );

    for _ in 0..2 {
        world.disable(id).await.unwrap();
    }
    assert_eq!(world.live().await[1].1, LiveState::Inactive);
    assert_eq!(world.verify(&chosen.bundle).await, Verdict::Dead);
    let error = world.mint(&chosen, None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::None));
    world.enable(id).await.unwrap();
    assert!(is_live(&world.verify(&chosen.bundle).await));
    for _ in 0..2 {
        world.destroy(id).await.unwrap();
    }
    assert_eq!(world.verify(&chosen.bundle).await, Verdict::Dead);
    world.disable(id).await.unwrap();
    assert_eq!(world.enable(id).await.unwrap_err().kind, ErrorKind::NotFound);

    // Its own key it leaves alone.
    for refused in [world.disable(&own).await, world.destroy(&own).await] {
        let error = refused.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
        assert!(error.message().contains("itself"), "{error}");
    }
    assert_eq!(world.live().await, [(own, LiveState::Active)]);
    assert_eq!(fs::metadata(&sshd.authorized_keys).unwrap().mode(), before);
    assert_eq!(names(sshd.authorized_keys.parent().unwrap()), ["authorized_keys"]);
}

#[tokio::test]
async fn the_successor_may_what_the_old_one_may() {
    let Some(sshd) = sshd() else { return };
    let world = World::of(&sshd).await;
    let ran = sshd.folder().join("ran");
    keygen(&sshd.folder().join("old"), "old").unwrap();
    let old = fs::read_to_string(sshd.folder().join("old.pub")).unwrap();
    let own = fs::read_to_string(&sshd.authorized_keys).unwrap();
    let options = format!("from=\"127.0.0.1\",command=\"touch {}\",restrict", ran.display());
    fs::write(&sshd.authorized_keys, format!("{own}{options} {old}")).unwrap();
    let old = world.live().await[1].0.clone();

    let chosen = world.choose().await;
    let minted = world.mint(&chosen, Some(&old)).await.unwrap();
    assert_eq!(minted.scope["from"], "127.0.0.1");
    assert_eq!(minted.scope["command"], format!("touch {}", ran.display()));
    assert!(fs::read_to_string(&sshd.authorized_keys).unwrap().ends_with("keysweep-campaign-1\n"));
    let issuer = world.provider.issuer.as_ref().unwrap();
    let live = issuer.snapshot(&Cx::default(), &world.principal).await.unwrap();
    assert_eq!(
        (&live[1].scope, live[2].marker.as_deref()),
        (&live[2].scope, Some("keysweep-campaign-1"))
    );
    assert!(is_live(&world.verify(&chosen.bundle).await));
    assert!(!ran.exists(), "the verification ran the forced command");

    // The line is there, and the host refuses: it cannot be told from here.
    let text = fs::read_to_string(&sshd.authorized_keys).unwrap();
    fs::write(&sshd.authorized_keys, text.replace("from=\"127.0.0.1\"", "from=\"192.0.2.1\""))
        .unwrap();
    assert!(
        matches!(world.verify(&chosen.bundle).await, Verdict::Unknown(why) if why.contains("from="))
    );
}

#[tokio::test]
async fn another_writer_is_not_overwritten() {
    let Some(sshd) = sshd() else { return };
    wrap(&sshd, "echo \"# $n\" >> $file; exec sh -s");
    let (world, text) =
        (World::of(&sshd).await, || fs::read_to_string(&sshd.authorized_keys).unwrap());
    let chosen = world.choose().await;
    let error = world.mint(&chosen, None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::None));
    harmless(&error, &chosen);
    assert!(text().ends_with("# 1\n# 2\n") && !text().contains("keysweep-campaign"));
}

#[tokio::test]
async fn a_lost_reply_is_unknown_and_the_same_again_is_one_line() {
    let Some(sshd) = sshd() else { return };
    wrap(&sshd, "[ $n = 2 ] && exec sh -s > /dev/null; exec sh -s");
    let world = World::of(&sshd).await;
    let chosen = world.choose().await;
    let error = world.mint(&chosen, None).await.unwrap_err();
    assert_eq!(error.effect, Effect::Unknown);
    harmless(&error, &chosen);
    assert_eq!(world.live().await.len(), 2);
    world.mint(&chosen, None).await.unwrap();
    assert_eq!(fs::read_to_string(&sshd.authorized_keys).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn a_script_that_is_cut_off_does_nothing() {
    let Some(sshd) = sshd() else { return };
    for bytes in ["300", "1000", "-400", "-60", "-12", "-5"] {
        wrap(
            &sshd,
            &format!("[ $n = 2 ] && {{ head -c {bytes} | sh -s 2> /dev/null; exit; }}; exec sh -s"),
        );
        let world = World::of(&sshd).await;
        let before = fs::read_to_string(&sshd.authorized_keys).unwrap();
        let chosen = world.choose().await;
        let error = world.mint(&chosen, None).await.unwrap_err();
        assert_eq!(error.effect, Effect::Unknown);
        assert_eq!(fs::read_to_string(&sshd.authorized_keys).unwrap(), before);
        assert_eq!(names(sshd.authorized_keys.parent().unwrap()), ["authorized_keys"]);
    }
}

#[tokio::test]
async fn the_real_file_is_replaced_and_leftovers_go() {
    let Some(sshd) = sshd() else { return };
    let (world, folder) = (World::of(&sshd).await, sshd.authorized_keys.parent().unwrap());
    let real = sshd.folder().join("real file's");
    fs::rename(&sshd.authorized_keys, &real).unwrap();
    std::os::unix::fs::symlink(&real, &sshd.authorized_keys).unwrap();
    fs::write(sshd.folder().join(".real file's.keysweep-a1B2c3D4"), "left").unwrap();
    let chosen = world.choose().await;
    world.mint(&chosen, None).await.unwrap();
    assert!(fs::symlink_metadata(&sshd.authorized_keys).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap().lines().count(), 2);
    assert!(names(sshd.folder()).iter().all(|name| !name.contains(".keysweep-")));

    fs::hard_link(&real, folder.join("other")).unwrap();
    let error = world.destroy(chosen.id.as_str()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
    assert!(error.message().contains("hard links"), "{error}");
    assert_eq!(fs::read_to_string(&real).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    let Some(sshd) = sshd() else { return };
    let stranger = sshd.folder().join("stranger");
    keygen(&stranger, "stranger").unwrap();
    let unknown = sshd.folder().join("no_known_hosts");
    fs::write(&unknown, "").unwrap();
    let closed = keysweep_testbed::free_port();
    for (more, change, kind) in [
        (format!("identity = '{}'", stranger.display()), None, ErrorKind::Unauthenticated),
        (String::new(), Some(("known_hosts", unknown.display().to_string())), ErrorKind::Config),
        (String::new(), Some(("port", closed.to_string())), ErrorKind::Unavailable),
    ] {
        let mut world = World::with(&sshd, &more).await;
        if let Some((key, value)) = change {
            let port = if key == "port" { value.clone() } else { sshd.port.to_string() };
            let known =
                if key == "known_hosts" { PathBuf::from(&value) } else { sshd.known_hosts.clone() };
            let config = format!(
                "target = 'ssh'\nhost = '127.0.0.1'\nport = {port}\nuser = '{}'\npath = '{}'\nknown_hosts = '{}'\nidentity = '{}'",
                sshd.user,
                sshd.authorized_keys.display(),
                known.display(),
                sshd.identity.display(),
            );
            world.provider = mount(sshd.folder(), &config).await.unwrap();
        }
        let chosen = world.choose().await;
        let error = world.mint(&chosen, None).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::None), "{error:?}");
        harmless(&error, &chosen);
    }
    assert_eq!(fs::read_to_string(&sshd.authorized_keys).unwrap().lines().count(), 1);

    let world = World::of(&sshd).await;
    let needs = [Need::Rotate(world.principal.clone())];
    let access = world.provider.access.as_ref().unwrap();
    let grants = access.check(&Cx::default(), &needs).await.unwrap();
    assert!(grants.len() == 2 && grants.iter().all(|grant| grant.held == Some(true)), "{grants:?}");
    assert!(access.policy(&needs).contains("authorized_keys"));
    let other = World { principal: PrincipalId::new("user/-oProxyCommand=x"), ..world };
    let issuer = other.provider.issuer.as_ref().unwrap();
    let error = issuer.snapshot(&Cx::default(), &other.principal).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_private_key_is_in_no_argument_environment_or_file() {
    let Some(sshd) = sshd() else { return };
    let world = World::of(&sshd).await;
    let chosen = world.choose().await;
    let (canary, stop) = (canary(&chosen), Arc::new(AtomicBool::new(false)));
    assert!(canary.len() > 30 && !format!("{chosen:?} {:?}", world.provider).contains(&canary));
    let watch = thread::spawn({
        let (canary, stop) = (canary.clone(), stop.clone());
        move || {
            let (mut seen, mut agents) = (Vec::new(), 0);
            while !stop.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    for what in ["cmdline", "environ"] {
                        let text = fs::read(entry.path().join(what)).unwrap_or_default();
                        let text = String::from_utf8_lossy(&text).into_owned();
                        agents += usize::from(text.starts_with("ssh-agent"));
                        if text.contains(&canary) {
                            seen.push(text);
                        }
                    }
                }
            }
            (seen, agents)
        }
    });
    world.mint(&chosen, None).await.unwrap();
    for _ in 0..5 {
        assert!(is_live(&world.verify(&chosen.bundle).await));
    }
    world.destroy(chosen.id.as_str()).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let (seen, agents) = watch.join().unwrap();
    assert!(seen.is_empty(), "{seen:?}");
    assert!(agents > 0, "the watch saw no agent");
    assert!(!sshd.log().contains(&canary));
    let mut folders = vec![sshd.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => {
                    let text = fs::read(entry.path()).unwrap();
                    assert!(!String::from_utf8_lossy(&text).contains(&canary), "{entry:?}");
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_jump_host_is_not_taken_for_the_host() {
    let Some(sshd) = sshd() else { return };
    let known = fs::read_to_string(&sshd.known_hosts).unwrap();
    let other = known.replace("127.0.0.1", "localhost");
    fs::write(&sshd.known_hosts, format!("{known}{other}")).unwrap();
    let config = sshd.folder().join("ssh_config");
    let (identity, known) = (sshd.identity.display(), sshd.known_hosts.display());
    let jump = format!(
        "Host jump\n HostName 127.0.0.1\n Port {}\n User {}\n IdentityFile {identity}\n UserKnownHostsFile {known}\n LogLevel VERBOSE\n",
        sshd.port, sshd.user,
    );
    fs::write(&config, format!("Host 127.0.0.1\n HostName localhost\n ProxyJump jump\n{jump}"))
        .unwrap();
    let world = World::with(
        &sshd,
        &format!("ssh_config = '{}'\nidentity = '{identity}'", config.display()),
    )
    .await;
    let chosen = world.choose().await;
    assert_eq!(world.verify(&chosen.bundle).await, Verdict::Dead);
    world.mint(&chosen, None).await.unwrap();
    assert!(is_live(&world.verify(&chosen.bundle).await));
    let own = world.live().await.remove(0).0;
    assert!(world.destroy(&own).await.unwrap_err().message().contains("itself"));
    world.destroy(chosen.id.as_str()).await.unwrap();
    assert_eq!(world.verify(&chosen.bundle).await, Verdict::Dead);

    // The configuration brings a key that lets in: it is not taken for the one that was asked about.
    fs::write(&config, format!("Host 127.0.0.1\n IdentityFile {identity}\n")).unwrap();
    assert!(!is_live(&world.verify(&chosen.bundle).await));
}

#[tokio::test]
async fn a_key_with_a_passphrase_or_without_its_private_half_is_not_told() {
    let Some(sshd) = sshd() else { return };
    let world = World::of(&sshd).await;
    let broken = Bundle::one("private_key", SecretValue::new("no key"));
    assert!(matches!(world.verify(&broken).await, Verdict::Unknown(_)));
    assert!(matches!(world.verify(&Bundle::default()).await, Verdict::Unknown(_)));
}

#[tokio::test]
async fn a_local_file_tells_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("deploy")).unwrap();
    let file = dir.path().join("deploy/authorized_keys");
    let provider =
        mount(dir.path(), "target = 'local'\npath = '%u/authorized_keys'").await.unwrap();
    assert!(provider.hosts.is_empty());
    let world = World { provider, principal: PrincipalId::new("user/deploy") };
    assert!(world.live().await.is_empty());
    let chosen = world.choose().await;
    assert_eq!(world.verify(&chosen.bundle).await, Verdict::Dead);
    world.mint(&chosen, None).await.unwrap();
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert!(is_live(&world.verify(&chosen.bundle).await));
    let private = chosen.bundle.field("private_key").unwrap().expose_for(Purpose::Verify);
    let private = Bundle::one("private_key", SecretValue::new(private));
    assert!(is_live(&world.verify(&private).await));
    world.disable(chosen.id.as_str()).await.unwrap();
    assert_eq!(world.verify(&chosen.bundle).await, Verdict::Dead);
    world.destroy(chosen.id.as_str()).await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
    assert_eq!(names(&dir.path().join("deploy")), ["authorized_keys"]);

    let nobody = World { principal: PrincipalId::new("user/nobody"), ..world };
    let error = nobody.mint(&chosen, None).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::NotFound, Effect::None));
    harmless(&error, &chosen);
}

#[tokio::test]
async fn a_configuration_that_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (config, named) in [
        ("target = 'local'\npath = 'x'", "whose"),
        ("target = 'local'\nuser = 'a'", "path"),
        ("target = 'local'\nuser = 'a'\npath = 'x'\nhost = 'h'", "host"),
        ("target = 'ssh'\nuser = 'a'", "host"),
        ("target = 'ssh'\nhost = 'h'", "user"),
        ("target = 'ssh'\nhost = '-oProxyCommand=x'\nuser = 'a'", "host"),
        ("target = 'ssh'\nhost = 'h'\nuser = '-l'", "user"),
    ] {
        let error = mount(dir.path(), config).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config, "{config}");
        assert!(error.message().contains(named) && error.hint().is_some(), "{error}");
    }
    assert!(toml::from_str::<Config>("target = 'ssh'\nsurprise = 1").is_err());
}
