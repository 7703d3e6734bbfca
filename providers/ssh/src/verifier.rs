//! Whether a key lets in.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_atomic_file::Trouble;
use keysweep_sdk::{
    Bundle, CredentialId, Cx, Identity, LiveState, Op, PrincipalId, ProviderName, Purpose, Result,
    Verdict, Verifier, VerifierLimits,
};
use ssh_key::PrivateKey;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{
    agent::Agent,
    issuer::{PRIVATE, PUBLIC},
    keys, line,
    login::{IN, Told, no_program},
    remote::Remote,
    target::{Own, Target},
};

#[derive(Debug)]
pub(crate) struct Logins {
    pub(crate) name: ProviderName,
    pub(crate) target: Arc<Target>,
}

#[async_trait]
impl Verifier for Logins {
    fn limits(&self) -> VerifierLimits {
        let spacing = Duration::from_secs(1);
        VerifierLimits { spacing, successes: 2, counts_as_use: true }
    }

    /// On a host: logs in with the key, from an agent of its own, and runs nothing there. For a local file: reads it.
    async fn verify(&self, _: &Cx, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict> {
        let verdict = match &*self.target {
            Target::Local(_) => self.by_file(principal, bundle).await,
            Target::Remote(remote) => self.by_login(remote, principal, bundle).await,
        };
        verdict.map_err(|trouble| trouble.at(&self.name, Op::Verify))
    }
}

impl Logins {
    async fn by_file(&self, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict, Trouble> {
        let Some(id) = fingerprint(bundle) else {
            return Ok(Verdict::Unknown(
                "it has no `public_key`, and its `private_key` is not in OpenSSH's form".into(),
            ));
        };
        let file = self.target.read(principal).await?;
        Ok(match keys::state(&file.text, &id) {
            Some(LiveState::Active) => live(principal, id, &file.text),
            Some(LiveState::Inactive) | None => Verdict::Dead,
        })
    }

    async fn by_login(
        &self,
        remote: &Remote,
        principal: &PrincipalId,
        bundle: &Bundle,
    ) -> Result<Verdict, Trouble> {
        let (user, _) = remote.accounts.of(principal)?;
        let Some(key) = bundle.field(PRIVATE) else {
            return Ok(Verdict::Unknown(
                "without the field `private_key` nobody can log in".into(),
            ));
        };
        let agent = Agent::start().await?;
        let told = match agent.add(key).await? {
            None => None,
            Some(()) => {
                let (text, path) = agent.public().await?;
                let login = log_in(remote, &user, &agent, &path);
                Some((text, tokio::time::timeout(remote.login.timeout, login).await))
            }
        };
        agent.end().await;
        let Some((public, told)) = told else {
            return Ok(Verdict::Unknown(
                "ssh cannot read the private key, or it has a passphrase".into(),
            ));
        };
        let Ok(told) = told else {
            return Ok(Verdict::Unknown(format!("`{}` did not answer in time", remote.login.host)));
        };
        let (told, id) = (told?, line::key(public.trim()).map(|(id, _)| CredentialId::new(id)));
        match id {
            None => Ok(Verdict::Unknown("the key has no fingerprint".into())),
            // A configuration of ssh may bring keys of its own.
            Some(id) if told.own == Own::Key(id.to_string()) && told.authenticated => {
                Ok(live(principal, id, ""))
            }
            Some(_) if told.authenticated => {
                Ok(Verdict::Unknown("the host took another key, which `ssh_config` brought".into()))
            }
            Some(id) if told.refused() => Ok(self.refused(principal, &id).await),
            Some(_) => Err(remote.login.not_in(&user, &told)),
        }
    }

    /// A key is refused when it is not there, and also when the line says `from=` elsewhere.
    async fn refused(&self, principal: &PrincipalId, id: &CredentialId) -> Verdict {
        match self.target.read(principal).await.map(|file| keys::state(&file.text, id)) {
            Ok(None | Some(LiveState::Inactive)) => Verdict::Dead,
            Ok(Some(LiveState::Active)) => Verdict::Unknown(
                "the host refuses it, though its line is in use: look at `from=` and `expiry-time=`, and at sshd's log"
                    .into(),
            ),
            Err(trouble) => Verdict::Unknown(format!(
                "the host refuses it, and the file could not be looked at: {}",
                trouble.message
            )),
        }
    }
}

fn live(principal: &PrincipalId, id: CredentialId, text: &str) -> Verdict {
    let scope = keys::list(text).into_iter().find(|live| live.id == id).map(|live| live.scope);
    Verdict::Live(Identity {
        principal: Some(principal.clone()),
        credential: Some(id),
        scope: scope.unwrap_or_default(),
    })
}

/// Logs in, with no command and no session, and leaves as soon as the host took the key.
async fn log_in(
    remote: &Remote,
    user: &str,
    agent: &Agent,
    public: &Path,
) -> Result<Told, Trouble> {
    let mut ssh = remote.login.command(user);
    ssh.arg("-N")
        .arg("-o")
        .arg(format!("IdentityAgent=\"{}\"", agent.socket().display()))
        .args(["-o", "IdentitiesOnly=yes", "-i"])
        .arg(public)
        .args(["--", &remote.login.host]);
    let mut child = ssh.spawn().map_err(|error| no_program("ssh", &error))?;
    let mut told = String::new();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            told.push_str(&line);
            told.push('\n');
            if line.starts_with(IN) && remote.login.told(&told).authenticated {
                break;
            }
        }
    }
    let _ = child.kill().await;
    Ok(remote.login.told(&told))
}

fn fingerprint(bundle: &Bundle) -> Option<CredentialId> {
    let text = |name| bundle.field(name).map(|value| value.expose_for(Purpose::Verify));
    let public = match (text(PUBLIC), text(PRIVATE)) {
        (Some(public), _) => public.trim().to_owned(),
        (None, Some(private)) => {
            PrivateKey::from_openssh(private).ok()?.public_key().to_openssh().ok()?
        }
        (None, None) => return None,
    };
    line::key(&public).map(|(id, _)| CredentialId::new(id))
}
