//! Redis, with ACL users.
//!
//! The administrator is `admin`; `default` is off. Users are kept where [`Users`] says, which decides what a restart
//! does to them.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{Server, free_port, tool};

/// Where the server keeps its users.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Users {
    /// `aclfile`: `ACL SAVE` writes it.
    AclFile,
    /// In the file that it was started from: `CONFIG REWRITE` writes it.
    ConfigFile,
    /// Nowhere: a restart forgets every change.
    Memory,
}

/// A server, its files, and an administrator's way in.
#[derive(Debug)]
pub struct Redis {
    server: Option<Server>,
    folder: TempDir,
    arguments: Vec<String>,
    pub port: u16,
}

/// An answer. An error of the server is one, too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    Text(String),
    Number(i64),
    Nil,
    List(Vec<Reply>),
    Error(String),
}

/// A connection that speaks plain RESP2, as a consumer would.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Redis {
    pub const ADMIN: &str = "admin";
    pub const PASSWORD: &str = "testbed-admin-Uq81LmZ";

    /// `None`: not installed.
    pub fn start(users: Users) -> Option<Self> {
        Self::start_with(users, &[])
    }

    /// With further options of the command line: `["--replicaof", "127.0.0.1 6379"]`.
    pub fn start_with(users: Users, options: &[&str]) -> Option<Self> {
        tool("redis-server")?;
        let folder = tempfile::Builder::new().prefix("redis-").tempdir().unwrap();
        let (at, port) = (folder.path(), free_port());
        let lines =
            format!("user default off\nuser {} on >{} ~* &* +@all\n", Self::ADMIN, Self::PASSWORD);
        let fixed = format!(
            "bind 127.0.0.1\nport {port}\ndir {}\nsave \"\"\nslowlog-log-slower-than 0\nacllog-max-len 128\n",
            at.display()
        );
        let (config, acl) = (at.join("redis.conf"), at.join("users.acl"));
        let shown = |path: &Path| path.display().to_string();
        let mut arguments = vec![shown(&config)];
        match users {
            Users::AclFile => {
                fs::write(&acl, &lines).unwrap();
                fs::write(&config, format!("{fixed}aclfile {}\n", shown(&acl))).unwrap();
            }
            Users::ConfigFile => fs::write(&config, format!("{fixed}{lines}")).unwrap(),
            Users::Memory => {
                arguments = fixed
                    .lines()
                    .chain(lines.lines())
                    .filter_map(|line| line.split_once(' '))
                    .flat_map(|(name, value)| {
                        let words: Vec<_> = match name {
                            "user" => value.split(' ').collect(),
                            _ => vec![value.trim_matches('"')],
                        };
                        let words = words.into_iter().map(str::to_owned).collect::<Vec<_>>();
                        [vec![format!("--{name}")], words].concat()
                    })
                    .collect();
            }
        }
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        let mut redis = Self { server: None, folder, arguments, port };
        redis.restart();
        Some(redis)
    }

    /// Killed and started again, on the same port with the same files.
    pub fn restart(&mut self) {
        self.server = None;
        let mut command = Command::new(tool("redis-server").unwrap());
        command.args(&self.arguments);
        let dir = tempfile::Builder::new().prefix("redis-log-").tempdir().unwrap();
        self.server = Some(Server::start(command, dir, self.port));
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn log(&self) -> String {
        self.server.as_ref().map(Server::log).unwrap_or_default()
    }

    /// The `aclfile`.
    pub fn acl_file(&self) -> PathBuf {
        self.folder().join("users.acl")
    }

    /// A connection that nobody logged in on.
    pub fn connect(&self) -> Connection {
        Connection::to(self.port)
    }

    /// Asked as the administrator. An error of the server is a panic.
    pub fn admin(&self, words: &[&str]) -> Reply {
        let mut connection = self.connect();
        assert!(connection.log_in(Self::ADMIN, Self::PASSWORD), "the administrator is not let in");
        match connection.call(words) {
            Reply::Error(error) => panic!("{words:?}: {error}"),
            reply => reply,
        }
    }

    /// Makes a user anew, whatever it was: `["on", ">password", "~*", "+@all"]`.
    pub fn user(&self, name: &str, rules: &[&str]) {
        self.admin(&[&["ACL", "SETUSER", name, "reset"], rules].concat());
    }

    /// Whether the password is let in.
    pub fn lets_in(&self, user: &str, password: &str) -> bool {
        self.connect().log_in(user, password)
    }

    /// The hashes of the passwords of a user; `None`: no such user.
    pub fn hashes(&self, user: &str) -> Option<Vec<String>> {
        let Reply::List(fields) = self.admin(&["ACL", "GETUSER", user]) else { return None };
        let at = fields.iter().position(|field| *field == Reply::Text("passwords".into()))?;
        let Reply::List(hashes) = &fields[at + 1] else { return None };
        Some(hashes.iter().map(Reply::to_string).collect())
    }
}

impl Connection {
    pub fn to(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    pub fn log_in(&mut self, user: &str, password: &str) -> bool {
        self.call(&["AUTH", user, password]) == Reply::Text("OK".into())
    }

    /// Whether it is still open and let do what needs a login.
    pub fn is_alive(&mut self) -> bool {
        self.call(&["PING"]) == Reply::Text("PONG".into())
    }

    /// A closed connection is an error, too.
    pub fn call(&mut self, words: &[&str]) -> Reply {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
        }
        if self.0.get_mut().write_all(&request).is_err() {
            return Reply::Error("closed".into());
        }
        self.read().unwrap_or_else(|| Reply::Error("closed".into()))
    }

    /// The next that comes: of `MONITOR` a line.
    pub fn read(&mut self) -> Option<Reply> {
        let mut line = String::new();
        if self.0.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let (kind, rest) = line.trim_end().split_at_checked(1)?;
        Some(match kind {
            "+" => Reply::Text(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Number(rest.parse().ok()?),
            "$" => {
                let Ok(length) = rest.parse::<usize>() else { return Some(Reply::Nil) };
                let mut bytes = vec![0; length + 2];
                self.0.read_exact(&mut bytes).ok()?;
                bytes.truncate(length);
                Reply::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
            "*" => {
                let Ok(length) = rest.parse::<usize>() else { return Some(Reply::Nil) };
                Reply::List((0..length).map(|_| self.read()).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) | Self::Error(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Nil => Ok(()),
            Self::List(items) => items.iter().try_for_each(|item| writeln!(f, "{item}")),
        }
    }
}
