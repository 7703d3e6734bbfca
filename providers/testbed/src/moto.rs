//! moto, made strict, with authentication on.

use std::{path::Path, process::Command};

use crate::{
    Server,
    aws::{AwsServer, Key, Kind},
    free_port, tool,
};

/// `None`: not installed.
pub fn start() -> Option<AwsServer> {
    let python = tool("moto_server")?.with_file_name("python");
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut command = Command::new(&python);
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/moto_strict.py"))
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        // The calls that make the administrator; from then on each is authenticated.
        .env("INITIAL_NO_AUTH_ACTION_COUNT", "3")
        .current_dir(dir.path());
    let server = Server::start(command, dir, port);
    Some(AwsServer::with_admin(Kind::Moto, server, &python, &Key::new("AKIAFIRST", "first")))
}
