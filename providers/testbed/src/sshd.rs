//! OpenSSH's server, with one account that is let in by an authorized_keys file of its own.
//!
//! The account is the user that runs the tests: without root no other could be logged in. As root it needs
//! `/run/sshd`, which is made. `StrictModes` is off, since the folder of the test may be below a world-writable one.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Server, free_port, tool};

#[derive(Debug)]
pub struct Sshd {
    server: Server,
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// The file that lets in; at first with `identity` alone. `home/.ssh/authorized_keys`.
    pub authorized_keys: PathBuf,
    /// The host key, for clients: `[127.0.0.1]:PORT …`.
    pub known_hosts: PathBuf,
    /// A private key that the file has, its public half in `identity.pub`.
    pub identity: PathBuf,
}

impl Sshd {
    /// `None`: not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(|_| String::new())
    }

    /// With further lines of sshd_config, made for the server's folder. Of a keyword that is there twice the first counts.
    pub fn start_with(more: impl FnOnce(&Path) -> String) -> Option<Self> {
        let sshd = tool("sshd")?;
        let dir = tempfile::Builder::new().prefix("sshd-").tempdir().unwrap();
        let (at, port) = (dir.path().to_owned(), free_port());
        for key in ["host", "identity"] {
            keygen(&at.join(key), key)?;
        }
        let home = at.join("home/.ssh");
        fs::create_dir_all(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        let authorized_keys = home.join("authorized_keys");
        fs::copy(at.join("identity.pub"), &authorized_keys).unwrap();
        fs::set_permissions(&authorized_keys, fs::Permissions::from_mode(0o600)).unwrap();
        let known_hosts = at.join("known_hosts");
        let host = fs::read_to_string(at.join("host.pub")).unwrap();
        fs::write(&known_hosts, format!("[127.0.0.1]:{port} {host}")).unwrap();

        let config = at.join("sshd_config");
        let shown = |path: &Path| path.display().to_string();
        let text = format!(
            "{}Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nAuthorizedKeysFile {}\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PubkeyAuthentication yes\nPermitRootLogin prohibit-password\nLogLevel VERBOSE\n\
             PermitUserEnvironment yes\nMaxStartups 100\n",
            more(&at),
            shown(&at.join("host")),
            shown(&authorized_keys),
        );
        fs::File::create(&config).unwrap().write_all(text.as_bytes()).unwrap();
        let _ = fs::create_dir_all("/run/sshd");
        let mut command = Command::new(sshd);
        command.arg("-D").arg("-e").arg("-f").arg(&config);
        let (identity, user) = (at.join("identity"), who()?);
        let server = Server::start(command, dir, port);
        Some(Self { server, port, user, authorized_keys, known_hosts, identity })
    }

    pub fn folder(&self) -> &Path {
        self.server.dir.path()
    }

    /// What it said: `Accepted publickey for … SHA256:…`.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Logs in by hand, with a private key file, and runs `command`.
    pub fn lets_in(&self, key: &Path, command: &str) -> bool {
        let known = format!("UserKnownHostsFile={}", self.known_hosts.display());
        let status = Command::new("ssh")
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", &known])
            .args(["-o", "IdentityAgent=none", "-p", &self.port.to_string(), "-l", &self.user])
            .arg("-i")
            .arg(key)
            .args(["--", "127.0.0.1", command])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }
}

/// Makes an ed25519 pair at `path`. `None`: no `ssh-keygen`.
pub fn keygen(path: &Path, comment: &str) -> Option<()> {
    let run = Command::new(tool("ssh-keygen")?)
        .args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"])
        .arg(path)
        .status()
        .unwrap();
    assert!(run.success(), "ssh-keygen fails");
    Some(())
}

fn who() -> Option<String> {
    let output = Command::new("id").arg("-un").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
