//! One connection to one node.

use std::{io, time::Duration};

use keysweep_sdk::{Purpose, SecretValue};
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, Value, aio::MultiplexedConnection};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::AbortHandle,
    time,
};
use tokio_rustls::TlsConnector;

use crate::{
    acl::{Connection, User},
    fault::Fault,
    nodes::Node,
};

/// A connection that ends with this handle. It is never made again by itself, and nothing is sent twice.
#[derive(Debug)]
pub(crate) struct Session {
    node: Node,
    connection: MultiplexedConnection,
    driver: AbortHandle,
    timeout: Duration,
}

impl Session {
    pub(crate) async fn dial(
        node: &Node,
        tls: Option<&TlsConnector>,
        timeout: Duration,
    ) -> Result<Self, Fault> {
        time::timeout(timeout, Self::dialled(node, tls, timeout))
            .await
            .unwrap_or(Err(Fault::TimedOut))
    }

    async fn dialled(
        node: &Node,
        tls: Option<&TlsConnector>,
        timeout: Duration,
    ) -> Result<Self, Fault> {
        let stream =
            TcpStream::connect((node.host.as_str(), node.port)).await.map_err(Fault::unreached)?;
        stream.set_nodelay(true).map_err(Fault::unreached)?;
        match tls {
            None => Self::over(node, stream, timeout).await,
            Some(connector) => {
                let name = ServerName::try_from(node.host.clone())
                    .map_err(|_| Fault::unreached(io::Error::other("no name for TLS")))?;
                let stream = connector.connect(name, stream).await.map_err(Fault::untrusted)?;
                Self::over(node, stream, timeout).await
            }
        }
    }

    async fn over<S>(node: &Node, stream: S, timeout: Duration) -> Result<Self, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static,
    {
        // No password, no library name, database 0: nothing is sent by this.
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(timeout));
        let (connection, driver) =
            MultiplexedConnection::new_with_config(&info, stream, config).await?;
        let driver = tokio::spawn(driver).abort_handle();
        Ok(Self { node: node.clone(), connection, driver, timeout })
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// Sends one command, once.
    pub(crate) async fn call(&self, words: &[&str]) -> Result<Value, Fault> {
        let mut command = Cmd::new();
        for word in words {
            command.arg(*word);
        }
        let mut connection = self.connection.clone();
        let answer = time::timeout(self.timeout, connection.send_packed_command(&command));
        match answer.await {
            Err(_) => Err(Fault::TimedOut),
            Ok(Err(error)) => Err(error.into()),
            // An error inside a RESP2 reply is a value to this function of the client.
            Ok(Ok(Value::ServerError(error))) => Err(redis::RedisError::from(error).into()),
            Ok(Ok(value)) => Ok(value),
        }
    }

    pub(crate) async fn ok(&self, words: &[&str]) -> Result<(), Fault> {
        match self.call(words).await? {
            Value::Okay => Ok(()),
            _ => Err(Fault::Odd("an answer other than OK")),
        }
    }

    pub(crate) async fn text(&self, words: &[&str]) -> Result<String, Fault> {
        text(&self.call(words).await?).ok_or(Fault::Odd("an answer that is no text"))
    }

    pub(crate) async fn authenticate(
        &self,
        user: &str,
        password: &SecretValue,
    ) -> Result<(), Fault> {
        self.ok(&["AUTH", user, password.expose_for(Purpose::Authenticate)]).await
    }

    /// `None`: no such user.
    pub(crate) async fn user(&self, name: &str) -> Result<Option<User>, Fault> {
        match self.call(&["ACL", "GETUSER", name]).await? {
            Value::Nil => Ok(None),
            value => User::read(&value)
                .map(Some)
                .ok_or(Fault::Odd("an answer to `ACL GETUSER` that is not understood")),
        }
    }

    /// Everything that is connected.
    pub(crate) async fn connections(&self) -> Result<Vec<Connection>, Fault> {
        self.text(&["CLIENT", "LIST"])
            .await?
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| Connection::read(line).ok_or(Fault::Odd("a line of `CLIENT LIST`")))
            .collect()
    }

    /// `field` of a section of `INFO`.
    pub(crate) async fn info(&self, section: &str, field: &str) -> Result<Option<String>, Fault> {
        let text = self.text(&["INFO", section]).await?;
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(value.map(|value| value.trim().to_owned()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        Value::Okay => Some("OK".to_owned()),
        _ => None,
    }
}
