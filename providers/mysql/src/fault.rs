use std::io;

use keysweep_sdk::{Effect, Error, ErrorKind, Op, ProviderName};
use mysql_async::{DriverError, IoError};

/// Why a statement or a login failed. It holds no text of the server: MariaDB repeats statements in its errors.
#[derive(Debug)]
pub(crate) enum Fault {
    /// No connection was made, so nothing was sent.
    Unreached(io::ErrorKind),
    /// TLS was not agreed on. Nothing but the greeting was sent.
    Untrusted,
    TimedOut,
    /// The connection broke.
    Broken,
    /// The server answered with an error of this number.
    Refused(u16),
    /// keysweep's own login was refused.
    OwnLogin,
    /// An answer that is not understood, and what it was.
    Odd(&'static str),
}

/// Numbers of errors: <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
pub(crate) mod code {
    pub(crate) const TOO_MANY_CONNECTIONS: u16 = 1040;
    pub(crate) const ACCESS_DENIED: u16 = 1045;
    pub(crate) const SHUTTING_DOWN: u16 = 1053;
    pub(crate) const NO_SUCH_THREAD: u16 = 1094;
    pub(crate) const KILL_DENIED: u16 = 1095;
    pub(crate) const HOST_BLOCKED: u16 = 1129;
    pub(crate) const HOST_NOT_ALLOWED: u16 = 1130;
    pub(crate) const TABLE_DENIED: u16 = 1142;
    pub(crate) const NO_SUCH_TABLE: u16 = 1146;
    pub(crate) const LOCK_WAIT: u16 = 1205;
    pub(crate) const TOO_MANY_OF_USER: u16 = 1226;
    pub(crate) const PRIVILEGE_LACKING: u16 = 1227;
    pub(crate) const OPTION_PREVENTS: u16 = 1290;
    pub(crate) const CANNOT_USER: u16 = 1396;
    /// What `ALTER USER` says beside it of an account that is not there.
    pub(crate) const CREATES_NONE: u16 = 1410;
    pub(crate) const PLUGIN_NOT_LOADED: u16 = 1524;
    pub(crate) const DENIED_WITHOUT_PASSWORD: u16 = 1698;
    pub(crate) const PASSWORD_EXPIRED: u16 = 1862;
    pub(crate) const USER_BLOCKED: u16 = 4150;
    pub(crate) const ACCOUNT_LOCKED: u16 = 4151;
}

impl Fault {
    /// Of a connection that is being made: an error of the system is one of reaching it.
    pub(crate) fn of_opening(error: mysql_async::Error) -> Self {
        match error {
            mysql_async::Error::Io(IoError::Io(error)) => match error.kind() {
                io::ErrorKind::InvalidData => Self::Untrusted,
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe => Self::Broken,
                kind => Self::Unreached(kind),
            },
            mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer) => Self::Untrusted,
            other => other.into(),
        }
    }

    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Refused(code) => Some(*code),
            _ => None,
        }
    }

    /// The refusal of a login is one of keysweep's own.
    pub(crate) fn of_own_login(self) -> Self {
        match self.code() {
            Some(
                code::ACCESS_DENIED
                | code::DENIED_WITHOUT_PASSWORD
                | code::ACCOUNT_LOCKED
                | code::PASSWORD_EXPIRED
                | code::HOST_NOT_ALLOWED,
            ) => Self::OwnLogin,
            _ => self,
        }
    }

    /// `effect`: what is known of the other side, unless it refused or was not reached.
    pub(crate) fn error(
        &self,
        provider: &ProviderName,
        op: Op,
        server: &str,
        effect: Effect,
    ) -> Error {
        let effect = match self {
            Self::Unreached(_) | Self::Untrusted | Self::Refused(_) | Self::OwnLogin => {
                Effect::None
            }
            Self::TimedOut | Self::Broken | Self::Odd(_) => effect,
        };
        let (kind, message, hint) = self.told(server);
        let error = Error::new(provider.clone(), op, kind, effect, message);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn told(&self, server: &str) -> (ErrorKind, String, Option<&'static str>) {
        use ErrorKind::{Unauthenticated, Unavailable, Unexpected};
        match self {
            Self::Unreached(kind) => (
                Unavailable,
                format!("`{server}` is not reached: {kind}"),
                Some("look at `host` and `port`, and whether the server runs"),
            ),
            Self::Untrusted => (
                Unavailable,
                format!(
                    "TLS with `{server}` fails: it has none, or its certificate is not accepted"
                ),
                Some("give the certificate authority as `ca` of `[network]`"),
            ),
            Self::TimedOut => (
                Unavailable,
                format!("`{server}` did not answer in time"),
                Some("`timeout` of `[network]` gives it longer"),
            ),
            Self::Broken => (Unavailable, format!("the connection to `{server}` broke"), None),
            Self::OwnLogin => (
                Unauthenticated,
                format!("`{server}` does not take keysweep's own login"),
                Some("look at `user` and `password` of the provider"),
            ),
            Self::Odd(what) => (
                Unexpected,
                format!("`{server}` gives {what}"),
                Some("look whether it is a MariaDB server"),
            ),
            Self::Refused(code) => refusal(*code, server),
        }
    }
}

fn refusal(number: u16, server: &str) -> (ErrorKind, String, Option<&'static str>) {
    use ErrorKind::{Conflict, PermissionDenied, Unavailable, Unexpected, Unsupported};
    match number {
        code::PRIVILEGE_LACKING | code::TABLE_DENIED | code::ACCESS_DENIED | code::KILL_DENIED => (
            PermissionDenied,
            format!("keysweep's account may not do that on `{server}` (error {number})"),
            Some("`keysweep doctor` prints the GRANT statements to ask for"),
        ),
        code::CANNOT_USER | code::CREATES_NONE => (
            Conflict,
            format!("`{server}` does not change the account: it is gone (error {number})"),
            Some("look again"),
        ),
        code::OPTION_PREVENTS => (
            Unsupported,
            format!("an option of `{server}` forbids it (error {number})"),
            Some(
                "a server that is `read_only` is a replica: name its primary. With a plugin that judges \
                 passwords, `strict_password_validation` has to be off: only their hashes are sent",
            ),
        ),
        code::PLUGIN_NOT_LOADED => (
            Unsupported,
            format!("`{server}` has not loaded the authentication plugin (error {number})"),
            Some("`INSTALL SONAME 'auth_ed25519'`, or say `successor = \"native\"`"),
        ),
        code::NO_SUCH_TABLE => (
            Unsupported,
            format!("`{server}` has no `mysql.global_priv` (error {number})"),
            Some("it takes MariaDB 10.4 or later"),
        ),
        code::TOO_MANY_CONNECTIONS
        | code::SHUTTING_DOWN
        | code::HOST_BLOCKED
        | code::LOCK_WAIT
        | code::USER_BLOCKED
        | code::TOO_MANY_OF_USER => {
            (Unavailable, format!("`{server}` cannot now (error {number})"), None)
        }
        number => (Unexpected, format!("`{server}` answers with error {number}"), None),
    }
}

impl From<mysql_async::Error> for Fault {
    fn from(error: mysql_async::Error) -> Self {
        match error {
            mysql_async::Error::Server(error) => Self::Refused(error.code),
            mysql_async::Error::Io(IoError::Tls(_)) => Self::Untrusted,
            mysql_async::Error::Io(_)
            | mysql_async::Error::Driver(DriverError::ConnectionClosed) => Self::Broken,
            mysql_async::Error::Driver(DriverError::UnknownAuthPlugin { .. }) => {
                Self::Odd("a request to log in by a plugin that is not known here")
            }
            _ => Self::Odd("an answer that is not understood"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_refused_or_never_sent_changed_nothing() {
        let name = ProviderName::new("db");
        let effect = |fault: Fault| fault.error(&name, Op::Mint, "db:1", Effect::Unknown).effect;
        assert_eq!(effect(Fault::Unreached(io::ErrorKind::ConnectionRefused)), Effect::None);
        assert_eq!(effect(Fault::Refused(code::PRIVILEGE_LACKING)), Effect::None);
        assert_eq!(effect(Fault::TimedOut), Effect::Unknown);
        assert_eq!(effect(Fault::Broken), Effect::Unknown);
        assert_eq!(effect(Fault::Odd("that")), Effect::Unknown);
    }
}
