//! MariaDB, with an administrator who logs in over TCP and no anonymous user.
//!
//! As root the server runs as the system's user `mysql`, to whom its folder is given. All statements go to the general
//! log, so that a test can look whether a password does.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Server, free_port, tool};

#[derive(Debug)]
pub struct MariaDb {
    server: Option<Server>,
    folder: TempDir,
    options: Vec<String>,
    pub port: u16,
}

/// A session of a consumer, in a client of its own.
#[derive(Debug)]
pub struct Session(Child);

impl MariaDb {
    pub const ADMIN: &str = "admin";
    pub const PASSWORD: &str = "testbed-admin-Uq81LmZ";

    /// `None`: not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// With further options of the server.
    pub fn start_with(options: &[&str]) -> Option<Self> {
        let (install, _, _) = (tool("mariadb-install-db")?, tool("mariadbd")?, tool("mariadb")?);
        let folder = tempfile::Builder::new().prefix("mariadb-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let mut command = Command::new(install);
        command.args([
            "--no-defaults",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ]);
        command.arg(format!("--datadir={}", data.display()));
        // A server that starts takes away what is left of tables in its temporary folder, also those of another.
        command.arg(format!("--tmpdir={}", data.display()));
        if let Some(user) = Self::system_user() {
            let given = Command::new("chown").args(["-R", user]).arg(&data).status().unwrap();
            assert!(given.success(), "no system user `{user}`");
            command.arg(format!("--user={user}"));
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "mariadb-install-db: {said}");
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut server = Self { server: None, folder, options, port: free_port() };
        let make = format!(
            "USE mysql; DELETE FROM global_priv WHERE User = '' OR User = 'root' AND Host <> 'localhost'; \
             FLUSH PRIVILEGES; \
             CREATE USER {admin}@'%' IDENTIFIED BY '{password}'; \
             GRANT ALL PRIVILEGES ON *.* TO {admin}@'%' WITH GRANT OPTION; \
             ALTER USER root@localhost IDENTIFIED BY '{password}';",
            admin = Self::ADMIN,
            password = Self::PASSWORD,
        );
        let init = server.folder.path().join("init.sql");
        fs::write(&init, make.replace("; ", ";\n")).unwrap();
        server.run(&[format!("--init-file={}", init.display())]);
        fs::remove_file(init).unwrap();
        Some(server)
    }

    /// Killed and started again, on the same port with the same data.
    pub fn restart(&mut self) {
        self.run(&[]);
    }

    fn run(&mut self, more: &[String]) {
        self.server = None;
        let at = self.folder.path();
        let data = at.join("data");
        let mut command = Command::new(tool("mariadbd").unwrap());
        command
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--innodb-buffer-pool-size=8M"])
            .args(["--innodb-log-file-size=8M", "--skip-networking=0", "--general-log=1"])
            .args(["--plugin-load-add=auth_ed25519", "--skip-name-resolve=0"])
            .arg(format!("--port={}", self.port))
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--tmpdir={}", data.display()))
            .arg(format!("--socket={}", data.join("socket").display()))
            .arg(format!("--pid-file={}", data.join("pid").display()))
            .arg(format!("--general-log-file={}", self.general_log().display()))
            .args(&self.options)
            .args(more);
        if let Some(user) = Self::system_user() {
            command.arg(format!("--user={user}"));
        }
        let log = tempfile::Builder::new().prefix("mariadb-log-").tempdir().unwrap();
        self.server = Some(Server::start(command, log, self.port));
        // The port is bound before the server is ready, and before it reads the file.
        let end = Instant::now() + Duration::from_secs(60);
        while let Err(error) = self.query(Self::ADMIN, Self::PASSWORD, "DO 1") {
            assert!(Instant::now() < end, "not ready: {error}\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whom the server runs as, where this process is root.
    fn system_user() -> Option<&'static str> {
        let id = Command::new("id").arg("-u").output().unwrap();
        (id.stdout.trim_ascii() == b"0").then_some("mysql")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn log(&self) -> String {
        self.server.as_ref().map(Server::log).unwrap_or_default()
    }

    /// Where all statements are.
    pub fn general_log(&self) -> PathBuf {
        self.folder().join("data/general.log")
    }

    /// As the administrator: the rows, fields between tabs. A failure is a panic.
    pub fn admin(&self, statements: &str) -> String {
        self.query(Self::ADMIN, Self::PASSWORD, statements)
            .unwrap_or_else(|error| panic!("{statements}: {error}"))
    }

    /// As somebody.
    pub fn query(&self, user: &str, password: &str, statements: &str) -> Result<String, String> {
        let output = self.client(user, password).args(["-e", statements]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Whether the password is let in.
    pub fn lets_in(&self, user: &str, password: &str) -> bool {
        match self.query(user, password, "DO 1") {
            Ok(_) => true,
            Err(error) if error.contains("Access denied") => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// A session that stays, and is at work until it is ended.
    pub fn session(&self, user: &str, password: &str) -> Session {
        self.session_with(user, password, "")
    }

    /// One that first runs a statement.
    pub fn session_with(&self, user: &str, password: &str, first: &str) -> Session {
        let busy = "SELECT SLEEP(600)";
        let listed = format!(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '{user}' AND INFO = '{busy}'"
        );
        let before = self.admin(&listed);
        let mut command = self.client(user, password);
        let child = command
            .args(["-e", &format!("{first};{busy}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut session = Session(child.unwrap());
        while self.admin(&listed) == before {
            assert!(session.is_alive(), "`{user}` is not let in");
            thread::sleep(Duration::from_millis(20));
        }
        session
    }

    fn client(&self, user: &str, password: &str) -> Command {
        let mut command = Command::new(tool("mariadb").unwrap());
        command
            .args(["--no-defaults", "--skip-reconnect", "-N", "-B", "-h", "127.0.0.1"])
            .args(["-P", &self.port.to_string(), "-u", user])
            .env("MYSQL_PWD", password)
            .stdin(Stdio::null());
        command
    }
}

impl Session {
    pub fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Whether it ends by itself, in the time that a client needs to notice.
    pub fn ends(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(20);
        while self.is_alive() && Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
        !self.is_alive()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
