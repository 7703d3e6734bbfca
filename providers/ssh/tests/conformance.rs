//! The suite that every provider passes: on a host through a proxy that breaks its connections, and on a local file.
#![expect(clippy::unwrap_used, reason = "for tests only")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use keysweep_conformance::{
    Bench, Credentials, Excuse, Fault, FaultKind, Injected, NotPossible, Own, Start, run,
};
use keysweep_provider_ssh::Config;
use keysweep_sdk::{
    Bundle, CredentialId, Effect, Error, ErrorKind, Mounting, Network, Op, PrincipalId, Provider,
    ProviderConfig, ProviderName, Purpose, Resolve, Result, SecretRef, SecretValue,
};
use keysweep_testbed::{
    absent,
    faults::{FaultProxy, Mode, When},
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

/// `timeout` in seconds, for one connection.
async fn mount(folder: &Path, config: &str, timeout: u64) -> Provider {
    let network = Network { timeout: Some(timeout), ..Network::default() };
    let mounting = Mounting { resolve: Arc::new(NoCredentials), network, folder: folder.into() };
    let config: Config = toml::from_str(config).expect("the configuration parses");
    config.mount(ProviderName::new("hosts"), &mounting).await.unwrap()
}

fn pair(at: &Path) -> Bundle {
    let text = |path: PathBuf| SecretValue::new(fs::read_to_string(path).unwrap());
    let public = fs::read_to_string(at.with_extension("pub")).unwrap();
    let public: Vec<_> = public.split_whitespace().take(2).collect();
    Bundle::one("private_key", text(at.to_owned()))
        .with("public_key", SecretValue::new(public.join(" ")))
}

/// The id of a key, as OpenSSH tells it.
fn id(public: &Path) -> CredentialId {
    let told = Command::new("ssh-keygen").arg("-lf").arg(public).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    CredentialId::new(told.split_whitespace().nth(1).unwrap())
}

const NO_HTTP: &str = "there is no HTTP between ssh and sshd";

/// A host. keysweep's own key has a forced command, which is where replies are lost: they are encrypted on the way.
struct Host {
    sshd: Sshd,
    proxy: FaultProxy,
    /// What the forced command does: `pass`, or `hang`, `lose` or `cut` with `-change` or `-look`.
    reply: PathBuf,
    struck: PathBuf,
}

impl Host {
    fn start() -> Option<Self> {
        let sshd = Sshd::start()?;
        for key in ["old", "stranger"] {
            keygen(&sshd.folder().join(key), key)?;
        }
        let proxy = FaultProxy::before(sshd.port);
        let known = fs::read_to_string(&sshd.known_hosts).unwrap();
        let through = known.replace(&format!(":{} ", sshd.port), &format!(":{} ", proxy.port()));
        fs::write(sshd.folder().join("known_through"), through).unwrap();
        let (reply, struck) = (sshd.folder().join("reply"), sshd.folder().join("struck"));
        let host = Self { sshd, proxy, reply, struck };
        host.write_command();
        Some(host)
    }

    /// The script that changes something is told by its `mktemp`.
    fn write_command(&self) {
        let path = self.sshd.folder().join("forced");
        let text = format!(
            "#!/bin/sh\nmode=$(cat {reply}); in=$(mktemp {folder}/in.XXXXXX); out=$in.out\n\
             cat > $in\nwhat=look; if grep -q mktemp $in; then what=change; fi\n\
             if [ $mode != pass ] && [ ${{mode#*-}} = $what ]; then mode=${{mode%-*}}; else mode=pass; fi\n\
             if [ $mode != pass ]; then echo struck >> {struck}; fi\n\
             if [ $mode = hang ]; then exec sleep 8; fi\n\
             sh -c \"$SSH_ORIGINAL_COMMAND\" < $in > $out; status=$?\n\
             case $mode in\npass) cat $out; exit $status;;\ncut) head -c 3 $out;;\nesac\n\
             kill -9 $PPID\n",
            reply = self.reply.display(),
            struck = self.struck.display(),
            folder = self.sshd.folder().display(),
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn config(&self, identity: &Path) -> String {
        format!(
            "target = 'ssh'\nhost = '127.0.0.1'\nport = {}\nuser = '{}'\npath = '{}'\n\
             known_hosts = '{}'\nidentity = '{}'\n",
            self.proxy.port(),
            self.sshd.user,
            self.sshd.authorized_keys.display(),
            self.sshd.folder().join("known_through").display(),
            identity.display(),
        )
    }
}

#[async_trait(?Send)]
impl Bench for Host {
    async fn reset(&mut self) -> Start {
        fs::write(&self.reply, "pass").unwrap();
        let own = fs::read_to_string(self.sshd.identity.with_extension("pub")).unwrap();
        let old = fs::read_to_string(self.sshd.folder().join("old.pub")).unwrap();
        let forced = self.sshd.folder().join("forced");
        let text = format!("command=\"{}\" {own}{old}", forced.display());
        fs::write(&self.sshd.authorized_keys, text).unwrap();
        let principal = PrincipalId::new(format!("user/{}", self.sshd.user));
        let old = id(&self.sshd.folder().join("old.pub"));
        let bundle = pair(&self.sshd.folder().join("old"));
        let absent = Some(PrincipalId::new("user/nobody-of-that-name"));
        Start {
            credentials: Some(Credentials { principal, absent, old, bundle }),
            placements: None,
        }
    }

    async fn provider(&mut self, own: Own) -> std::result::Result<Provider, NotPossible> {
        let identity = match own {
            Own::Good => self.sshd.identity.clone(),
            Own::Wrong => self.sshd.folder().join("stranger"),
            Own::Weak(_) => {
                return Err(NotPossible("who logs in owns the file, or is root".into()));
            }
        };
        Ok(mount(self.sshd.folder(), &self.config(&identity), 30).await)
    }

    async fn hasty(&mut self) -> std::result::Result<Provider, NotPossible> {
        Ok(mount(self.sshd.folder(), &self.config(&self.sshd.identity), 4).await)
    }

    async fn inject(&mut self, fault: &Fault) -> Injected {
        let _ = fs::remove_file(&self.struck);
        let changes = matches!(fault.op, Op::Mint | Op::Disable | Op::Enable | Op::Destroy);
        let lost = match fault.kind {
            // Before the change nothing is in doubt: it is the change that is to hang.
            FaultKind::Hang if changes => "hang",
            FaultKind::Refuse | FaultKind::Close | FaultKind::Hang => {
                self.proxy.set(fault.mode(When::Always));
                return Injected::Yes;
            }
            FaultKind::LoseReply | FaultKind::CutReply if fault.op == Op::Verify => {
                let why = "a verification is over with the login, which sshd answers whole";
                return Injected::NotPossible(why.into());
            }
            FaultKind::LoseReply => "lose",
            FaultKind::CutReply => "cut",
            FaultKind::Status(_) => return Injected::NotPossible(NO_HTTP.into()),
        };
        let what = if changes { "change" } else { "look" };
        fs::write(&self.reply, format!("{lost}-{what}")).unwrap();
        Injected::Yes
    }

    async fn lift(&mut self) {
        self.proxy.set(Mode::Pass);
        fs::write(&self.reply, "pass").unwrap();
    }

    fn struck(&mut self) -> Option<usize> {
        let lost = fs::read_to_string(&self.struck).map_or(0, |text| text.lines().count());
        Some(lost + self.proxy.struck())
    }

    async fn works(&mut self, _: &PrincipalId, bundle: &Bundle) -> Option<bool> {
        let key = self.sshd.folder().join("tried");
        let value = bundle.field("private_key")?.expose_for(Purpose::Verify);
        let _ = fs::remove_file(&key);
        fs::write(&key, value).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        Some(self.sshd.lets_in(&key, "true"))
    }

    fn excuse(&self, check: &str) -> Option<Excuse> {
        check.contains("/status-").then(|| Excuse::NotPossible(NO_HTTP.into()))
    }

    /// A pair that no file ever had.
    fn garbage(&mut self, _: &Credentials) -> Bundle {
        pair(&self.sshd.folder().join("stranger"))
    }

    fn canaries(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.sshd.identity).unwrap();
        text.lines().filter(|line| !line.starts_with('-')).map(str::to_owned).collect()
    }

    fn endpoints(&self) -> Vec<String> {
        vec![self.proxy.host()]
    }

    /// An operation is some connections.
    fn call_limit(&self) -> Duration {
        Duration::from_secs(100)
    }
}

#[tokio::test]
async fn keys_on_a_host() {
    let Some(mut host) = Host::start() else { return absent("openssh-server") };
    run(&mut host).await.assert_conforms();
}

/// A file of this machine: nothing is between it and the provider.
struct LocalFile {
    dir: tempfile::TempDir,
}

#[async_trait(?Send)]
impl Bench for LocalFile {
    async fn reset(&mut self) -> Start {
        let file = self.dir.path().join("authorized_keys");
        fs::copy(self.dir.path().join("old.pub"), file).unwrap();
        let principal = PrincipalId::new("user/deploy");
        let old = id(&self.dir.path().join("old.pub"));
        let bundle = pair(&self.dir.path().join("old"));
        let absent = Some(PrincipalId::new("user/nobody-of-that-name"));
        Start {
            credentials: Some(Credentials { principal, absent, old, bundle }),
            placements: None,
        }
    }

    async fn provider(&mut self, own: Own) -> std::result::Result<Provider, NotPossible> {
        if own != Own::Good {
            let why = "a file knows the process that opens it, which may be root's";
            return Err(NotPossible(why.into()));
        }
        let config = "target = 'local'\npath = 'authorized_keys'\nuser = 'deploy'";
        Ok(mount(self.dir.path(), config, 30).await)
    }

    async fn inject(&mut self, _: &Fault) -> Injected {
        Injected::NotPossible("nothing is between the process and its files".into())
    }

    async fn lift(&mut self) {}

    fn garbage(&mut self, _: &Credentials) -> Bundle {
        pair(&self.dir.path().join("stranger"))
    }

    fn endpoints(&self) -> Vec<String> {
        Vec::new()
    }
}

#[tokio::test]
async fn keys_in_a_local_file() {
    let dir = tempfile::tempdir().unwrap();
    for key in ["old", "stranger"] {
        if keygen(&dir.path().join(key), key).is_none() {
            return absent("openssh-client");
        }
    }
    run(&mut LocalFile { dir }).await.assert_conforms();
}
