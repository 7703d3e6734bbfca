//! Real servers on loopback, for tests: each starts on a free port in a folder of its own and ends with its handle.
//!
//! `tests/servers/install` brings them. A test whose server is not installed says so and passes, unless
//! `KEYSWEEP_SERVERS_REQUIRED` is set, as it is in CI: there it fails.
#![expect(clippy::print_stderr, clippy::panic, clippy::unwrap_used, reason = "for tests only")]

pub mod aws;
pub mod faults;
pub mod mariadb;
pub mod microburst;
pub mod ministack;
pub mod moto;
pub mod openbao;
pub mod postgres;
pub mod recorder;
pub mod redis;
pub mod sshd;

use std::{
    env, fs,
    io::Read,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A process that ends with this handle, and its folder.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub dir: TempDir,
    pub port: u16,
}

impl Server {
    /// Starts `command` with its output in `dir/log`, and waits until `port` is served.
    pub fn start(mut command: Command, dir: TempDir, port: u16) -> Self {
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut server = Self { child, dir, port };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let gone = self.child.try_wait().unwrap().is_some();
            assert!(!gone && Instant::now() < end, "not served (ended: {gone}):\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn log(&self) -> String {
        let mut text = Vec::new();
        let _ = fs::File::open(self.dir.path().join("log")).map(|mut f| f.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Where a program is: in `KEYSWEEP_SERVERS/*/bin` (default `target/servers`), on the path, or where Debian puts servers.
pub fn tool(name: &str) -> Option<PathBuf> {
    let mut folders = Vec::new();
    let installed = env::var_os("KEYSWEEP_SERVERS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers"),
        PathBuf::from,
    );
    folders.extend(below(&installed));
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    folders.extend(below(Path::new("/usr/lib/postgresql")));
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders
}

/// Says that a test could not see its server; in CI that fails.
pub fn absent(what: &str) {
    let required = env::var_os("KEYSWEEP_SERVERS_REQUIRED").is_some();
    assert!(!required, "{what} is not installed: run tests/servers/install");
    eprintln!("skipped: {what} is not installed (tests/servers/install brings it)");
}
