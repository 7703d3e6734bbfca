//! PostgreSQL: a cluster of its own on loopback, where every login is by SCRAM-SHA-256.

use std::{
    fs,
    io::{Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Server, free_port, tool};

/// The password of the superuser `postgres`, for tests to look for where it must not be.
pub const ADMIN_PASSWORD: &str = "adminPlantedKq3Zt81Lm";

/// A running cluster.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    psql: PathBuf,
    data: PathBuf,
}

/// What a cluster starts with.
#[derive(Debug, Default)]
pub struct Options {
    /// `pg_hba.conf` in place of "SCRAM for everybody".
    pub hba: Option<String>,
    /// Certificate and key, PEM: `ssl = on`.
    pub tls: Option<(String, String)>,
}

impl Postgres {
    /// `None`: not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&Options::default())
    }

    pub fn start_with(options: &Options) -> Option<Self> {
        let (initdb, postgres) = (tool("initdb")?, tool("postgres")?);
        let psql = tool("psql")?;
        let dir = tempfile::tempdir().unwrap();
        // The server refuses to run as root, so the folder and the process are its system user's.
        give(dir.path());
        let data = dir.path().join("data");
        init(&initdb, &dir, &data);
        let hba = options
            .hba
            .clone()
            .unwrap_or_else(|| "host all all 127.0.0.1/32 scram-sha-256\n".into());
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
        let port = free_port();
        let mut command = as_postgres(&postgres);
        command.current_dir(dir.path()).arg("-D").arg(&data);
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "unix_socket_directories=".to_owned(),
            "fsync=off".to_owned(),
            "log_statement=all".to_owned(),
        ];
        if let Some((certificate, key)) = &options.tls {
            fs::write(data.join("server.crt"), certificate).unwrap();
            fs::write(data.join("server.key"), key).unwrap();
            private(&data.join("server.key"));
            settings.push("ssl=on".to_owned());
        }
        settings.iter().for_each(|setting| {
            command.arg("-c").arg(setting);
        });
        let server = Server::start(command, dir, port);
        let postgres = Self { server, psql, data };
        postgres.await_login();
        Some(postgres)
    }

    /// The port is served before the server is ready.
    fn await_login(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        while self.try_sql("SELECT 1").is_err() {
            assert!(Instant::now() < end, "nobody can log in:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn port(&self) -> u16 {
        self.server.port
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.server.port))
    }

    /// What the server wrote: every statement that it got, among others.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Runs statements as the superuser, and gives their rows: columns by `|`, no header.
    pub fn sql(&self, statements: &str) -> String {
        self.try_sql(statements).unwrap_or_else(|error| panic!("{statements}: {error}"))
    }

    fn try_sql(&self, statements: &str) -> Result<String, String> {
        self.sql_as("postgres", ADMIN_PASSWORD, statements)
    }

    /// Runs statements as somebody else. `Err`: what `psql` says, also when the login is refused.
    pub fn sql_as(&self, user: &str, password: &str, statements: &str) -> Result<String, String> {
        let mut psql = self.psql(user, password);
        let mut child = psql.spawn().unwrap();
        // By its input: a statement is not to stand among the arguments.
        child.stdin.take().unwrap().write_all(statements.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn psql(&self, user: &str, password: &str) -> Command {
        let mut psql = Command::new(&self.psql);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"])
            .args(["-p", &self.server.port.to_string(), "-U", user, "-d", "postgres"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PGPASSWORD", password)
            .env("PGCONNECT_TIMEOUT", "10")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        psql
    }

    /// Makes a login role.
    pub fn role(&self, name: &str, password: &str) {
        self.sql(&format!("CREATE ROLE {} LOGIN PASSWORD '{password}'", quoted(name)));
    }

    /// Logs in as a consumer does, and keeps the session until the handle is dropped.
    pub fn session(&self, user: &str, password: &str) -> Consumer {
        let mut child = self.psql(user, password).spawn().unwrap();
        let input = child.stdin.take();
        let held = Consumer { child, input };
        let end = Instant::now() + Duration::from_secs(20);
        let count = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}'");
        while self.sql(&count) == "0" {
            assert!(Instant::now() < end, "`{user}` does not log in");
            thread::sleep(Duration::from_millis(20));
        }
        held
    }

    /// Takes `pg_hba.conf` in place of the one that it started with.
    pub fn reload_hba(&self, hba: &str) {
        fs::write(self.data.join("pg_hba.conf"), hba).unwrap();
        self.sql("SELECT pg_reload_conf()");
        thread::sleep(Duration::from_millis(200));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT: the postmaster takes its children along, which SIGKILL leaves to notice by themselves.
        let pid = self.server.child.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && matches!(self.server.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A session that somebody holds. It ends with this handle.
#[derive(Debug)]
pub struct Consumer {
    child: Child,
    input: Option<ChildStdin>,
}

impl Consumer {
    /// Whether a statement still comes through. The session is over then.
    pub fn works(mut self) -> bool {
        if let Some(mut input) = self.input.take() {
            let _ = input.write_all(b"SELECT 41 + 1;\n");
        }
        let mut answer = String::new();
        let _ = self.child.stdout.take().map(|mut out| out.read_to_string(&mut answer));
        self.child.wait().unwrap().success() && answer.trim() == "42"
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// An identifier as SQL writes it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn init(initdb: &Path, dir: &TempDir, data: &Path) {
    let password = dir.path().join("password");
    fs::write(&password, ADMIN_PASSWORD).unwrap();
    private(&password);
    let output = as_postgres(initdb)
        .current_dir(dir.path())
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"])
        .args(["--no-sync", "--pwfile=password", "-D"])
        .arg(data)
        .output()
        .unwrap();
    fs::remove_file(&password).unwrap();
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}

fn am_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

fn as_postgres(program: &Path) -> Command {
    if !am_root() {
        return Command::new(program);
    }
    // `setpriv` becomes the program, so that the process id is the server's.
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    command
}

fn give(path: &Path) {
    if am_root() {
        let status = Command::new("chown").arg("-R").arg("postgres:postgres").arg(path).status();
        assert!(status.unwrap().success(), "no system user `postgres`");
    }
}

/// Readable for the server's user alone, as it demands of its key.
fn private(path: &Path) {
    let status = Command::new("chmod").arg("600").arg(path).status().unwrap();
    assert!(status.success());
    give(path);
}
