//! The system's `ssh`, run so that it asks nobody, shares nothing, and ends.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use keysweep_atomic_file::Trouble;
use keysweep_sdk::{Effect, ErrorKind};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
};

use crate::target::Own;

/// Of what a host may say; an authorized_keys file is smaller.
const MAX_BYTES: u64 = 16 << 20;

#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) identity: Option<PathBuf>,
    pub(crate) known_hosts: Option<PathBuf>,
    pub(crate) ssh_config: Option<PathBuf>,
    /// For one connection with all that is done on it.
    pub(crate) timeout: Duration,
}

/// What came back from the host.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) stdout: Vec<u8>,
    pub(crate) told: Told,
}

/// What ssh told of the connection itself.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) authenticated: bool,
    pub(crate) own: Own,
    trouble: Option<(ErrorKind, &'static str, &'static str)>,
}

impl Login {
    /// Runs `command` there as `user`, with `input` on its standard input.
    ///
    /// A failure before the host let keysweep in changed nothing; one after it is `Unknown`.
    pub(crate) async fn run(
        &self,
        user: &str,
        command: &str,
        input: &[u8],
    ) -> Result<Reply, Trouble> {
        let mut ssh = self.command(user);
        self.own_identity(&mut ssh);
        ssh.args(["--", &self.host, command]).stdin(Stdio::piped());
        let mut child = ssh.spawn().map_err(|error| no_program("ssh", &error))?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let all = async {
            let write = async {
                if let Some(mut stdin) = stdin {
                    // What it cannot take it tells by its end.
                    let _ = stdin.write_all(input).await;
                }
            };
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let read_out = async {
                match stdout {
                    Some(stdout) => stdout.take(MAX_BYTES).read_to_end(&mut out).await.map(drop),
                    None => Ok(()),
                }
            };
            let read_err = async {
                match stderr {
                    Some(stderr) => stderr.take(MAX_BYTES).read_to_end(&mut err).await.map(drop),
                    None => Ok(()),
                }
            };
            let ((), _, _, _) = tokio::join!(write, read_out, read_err, child.wait());
            (out, err)
        };
        let (stdout, stderr) = tokio::time::timeout(self.timeout, all).await.map_err(|_| {
            let message = format!("`{}` did not answer within {:?}", self.host, self.timeout);
            let trouble = Trouble::new(ErrorKind::Unavailable, message)
                .with_hint("is it reachable, and quick? `timeout` of `[network]` gives it longer");
            Trouble { effect: Effect::Unknown, ..trouble }
        })?;
        let told = self.told(&String::from_utf8_lossy(&stderr));
        if !told.authenticated {
            return Err(self.not_in(user, &told));
        }
        Ok(Reply { stdout, told })
    }

    /// ssh with everything but who logs in and what runs.
    pub(crate) fn command(&self, user: &str) -> Command {
        let mut ssh = Command::new("ssh");
        let seconds = self.timeout.as_secs().clamp(1, 20);
        ssh.arg("-F").arg(self.ssh_config.as_deref().unwrap_or(Path::new("none")));
        for option in [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "UpdateHostKeys=no",
            "PreferredAuthentications=publickey",
            "ControlMaster=no",
            "ControlPath=none",
            "ConnectionAttempts=1",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=3",
            "ForwardAgent=no",
            "ForwardX11=no",
            "ClearAllForwardings=yes",
            "PermitLocalCommand=no",
            // It tells which key was taken.
            "LogLevel=DEBUG1",
            "RequestTTY=no",
        ] {
            ssh.args(["-o", option]);
        }
        ssh.args(["-o", &format!("ConnectTimeout={seconds}")]);
        if let Some(known) = &self.known_hosts {
            ssh.args(["-o", &format!("UserKnownHostsFile=\"{}\"", known.display())]);
            ssh.args(["-o", "GlobalKnownHostsFile=none"]);
        }
        // A jump host is not given these options; it is to ask nobody either.
        ssh.env("SSH_ASKPASS", "/bin/false").env("SSH_ASKPASS_REQUIRE", "force");
        ssh.args(["-p", &self.port.to_string(), "-l", user]);
        ssh.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        ssh
    }

    pub(crate) fn told(&self, stderr: &str) -> Told {
        let host = self.host.trim_matches(['[', ']']);
        Told::of(stderr, Some(host).filter(|_| self.ssh_config.is_none()))
    }

    fn own_identity(&self, ssh: &mut Command) {
        if let Some(identity) = &self.identity {
            ssh.arg("-i").arg(identity).args(["-o", "IdentitiesOnly=yes"]);
        }
    }

    /// Why the host did not let `user` in. Nothing was changed.
    pub(crate) fn not_in(&self, user: &str, told: &Told) -> Trouble {
        let (kind, what, hint) = told.trouble.unwrap_or((
            ErrorKind::Unavailable,
            "the connection failed",
            "try `ssh` by hand from here",
        ));
        Trouble::new(kind, format!("cannot log in to `{}` as `{user}`: {what}", self.host))
            .with_hint(hint)
    }
}

impl Told {
    /// Of ssh's own words, which are the same in every locale. `host`: unless its name may be another one to ssh.
    fn of(stderr: &str, host: Option<&str>) -> Self {
        let (mut own, mut authenticated) = (Own::Untold, false);
        for line in stderr.lines() {
            if line.contains("Server accepts key:") {
                let key = line.split(' ').find(|word| word.starts_with("SHA256:"));
                own = key.map_or(Own::Untold, |key| Own::Key(key.trim().to_owned()));
            }
            if let Some(rest) = line.strip_prefix(IN) {
                // A jump host on the way may say the same of itself, but tells no key.
                let name = rest.split(' ').next().unwrap_or_default();
                let named = host.is_some_and(|host| host.eq_ignore_ascii_case(name));
                authenticated |= named || own != Own::Untold;
            }
        }
        let trouble = TROUBLES.iter().find(|(words, ..)| words.iter().any(|w| stderr.contains(w)));
        let trouble = trouble.map(|(_, kind, what, hint)| (*kind, *what, *hint));
        Self { authenticated, own, trouble }
    }

    /// The host answered, and refuses the key.
    pub(crate) fn refused(&self) -> bool {
        !self.authenticated
            && self.trouble.is_some_and(|(kind, ..)| kind == ErrorKind::Unauthenticated)
    }
}

/// In front of ssh's word that it is in.
pub(crate) const IN: &str = "Authenticated to ";

type Known = (&'static [&'static str], ErrorKind, &'static str, &'static str);

const TROUBLES: &[Known] = &[
    (
        &[
            "Host key verification failed",
            "No ED25519 host key is known",
            "HOST IDENTIFICATION HAS CHANGED",
        ],
        ErrorKind::Config,
        "its host key is not the known one",
        "make sure that it is the right host, then put its key into the known hosts",
    ),
    (
        &["Permission denied (", "Too many authentication failures"],
        ErrorKind::Unauthenticated,
        "it does not take the key",
        "give this provider an `identity` that the host takes",
    ),
    (
        &[
            "Connection refused",
            "No route to host",
            "Network is unreachable",
            "Could not resolve hostname",
            "timed out",
        ],
        ErrorKind::Unavailable,
        "it is not reached",
        "is the host up, and the address and port right?",
    ),
];

pub(crate) fn no_program(program: &str, error: &std::io::Error) -> Trouble {
    let message = format!("`{program}` does not start: {}", error.kind());
    Trouble::new(ErrorKind::Config, message).with_hint("install the OpenSSH client")
}
