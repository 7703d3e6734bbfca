//! An ssh-agent of our own: it holds one private key in memory for one login, and no file ever does.

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use keysweep_atomic_file::Trouble;
use keysweep_sdk::{ErrorKind, Purpose, SecretValue};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};

use crate::login::no_program;

/// How long it keeps the key, should keysweep be killed before it ends the agent. Seconds.
const LIFETIME: &str = "60";
const STEP: Duration = Duration::from_millis(10);
const START: Duration = Duration::from_secs(5);
/// For `ssh-add`, which talks to this machine alone.
const TOOL: Duration = Duration::from_secs(10);

/// Ends with this handle.
#[derive(Debug)]
pub(crate) struct Agent {
    child: Child,
    /// 0700: the socket, and the public half.
    dir: TempDir,
}

impl Agent {
    pub(crate) async fn start() -> Result<Self, Trouble> {
        let unusable = |what: &str| {
            Trouble::new(ErrorKind::Unavailable, format!("ssh-agent: {what}"))
                .with_hint("look at the temporary folder and the OpenSSH client of this machine")
        };
        let dir = tempfile::Builder::new()
            .prefix("keysweep-agent-")
            .tempdir()
            .map_err(|error| unusable(&format!("no folder for its socket: {}", error.kind())))?;
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(dir.path().join("socket"))
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| no_program("ssh-agent", &error))?;
        let agent = Self { child, dir };
        let mut waited = Duration::ZERO;
        while !agent.socket().exists() {
            if waited >= START {
                return Err(unusable("it does not start"));
            }
            tokio::time::sleep(STEP).await;
            waited += STEP;
        }
        Ok(agent)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    /// Takes the key. `None`: it is no private key that ssh reads, or it has a passphrase.
    pub(crate) async fn add(&self, key: &SecretValue) -> Result<Option<()>, Trouble> {
        let mut add = self.tool(&["-q", "-t", LIFETIME, "-"]);
        let mut add = add.stdin(Stdio::piped()).spawn().map_err(|e| no_program("ssh-add", &e))?;
        if let Some(mut stdin) = add.stdin.take() {
            let key = key.expose_for(Purpose::Verify).as_bytes();
            // What it cannot take it tells by its end.
            let _ = stdin.write_all(key).await;
            if !key.ends_with(b"\n") {
                let _ = stdin.write_all(b"\n").await;
            }
        }
        let ended = in_time(add.wait()).await?;
        Ok(ended.success().then_some(()))
    }

    /// The public half of what it holds: the text, and a file of it for ssh to choose the key by.
    pub(crate) async fn public(&self) -> Result<(String, PathBuf), Trouble> {
        let mut list = self.tool(&["-L"]);
        let list = in_time(list.stdout(Stdio::piped()).output()).await?;
        let text = String::from_utf8_lossy(&list.stdout).into_owned();
        let path = self.dir.path().join("key.pub");
        std::fs::write(&path, &text).map_err(|error| {
            let message = format!("cannot write a public key for ssh: {}", error.kind());
            Trouble::new(ErrorKind::Unavailable, message).with_hint("is there room?")
        })?;
        Ok((text, path))
    }

    pub(crate) async fn end(mut self) {
        // It is ours, and was not waited for: the id is still its own.
        let _ = self.child.kill().await;
    }

    fn tool(&self, args: &[&str]) -> Command {
        let mut add = Command::new("ssh-add");
        add.args(args)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("SSH_AUTH_SOCK", self.socket())
            // A passphrase is asked of nobody.
            .env("SSH_ASKPASS", Path::new("/bin/false"))
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        add
    }
}

async fn in_time<T>(run: impl Future<Output = io::Result<T>>) -> Result<T, Trouble> {
    match tokio::time::timeout(TOOL, run).await {
        Ok(ended) => ended.map_err(|error| no_program("ssh-add", &error)),
        Err(_) => Err(Trouble::new(ErrorKind::Unavailable, "ssh-add does not end")
            .with_hint("look at the OpenSSH client of this machine")),
    }
}
