//! ministack, with authentication on.

use std::process::Command;

use crate::{
    Server,
    aws::{AwsServer, Key, Kind},
    free_port, tool,
};

/// `None`: not installed.
pub fn start() -> Option<AwsServer> {
    let program = tool("ministack")?;
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut command = Command::new(&program);
    command
        .env("AUTH", "true")
        .env("CLOUDTRAIL_RECORDING", "1")
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .current_dir(dir.path());
    let server = Server::start(command, dir, port);
    let python = program.with_file_name("python");
    // Its root user.
    Some(AwsServer::with_admin(Kind::Ministack, server, &python, &Key::new("test", "test")))
}
