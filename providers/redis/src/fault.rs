use std::io;

use keysweep_sdk::{Effect, Error, ErrorKind, Op, ProviderName};
use redis::RedisError;

use crate::nodes::Node;

/// Why a command failed. It holds no text of the server: Redis repeats arguments in its errors.
#[derive(Debug)]
pub(crate) enum Fault {
    /// No connection was made, so nothing was sent.
    Unreached(io::ErrorKind),
    /// The server has no certificate that is trusted, or the other way round. Nothing was sent.
    Untrusted,
    TimedOut,
    /// The connection broke.
    Broken,
    /// The server answered with an error of this code.
    Refused(String, Reason),
    /// keysweep's own login was refused.
    OwnLogin,
    /// A connection that was closed is still listed.
    StillConnected,
    /// An answer that is not understood, and what it was.
    Odd(&'static str),
}

/// What the text of an error of the general code `ERR` says, where that matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    None,
    /// The command or its subcommand is not known.
    UnknownCommand,
}

impl Fault {
    pub(crate) fn unreached(error: io::Error) -> Self {
        Self::Unreached(error.kind())
    }

    pub(crate) fn untrusted(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData => Self::Untrusted,
            kind => Self::Unreached(kind),
        }
    }

    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(code, _) => Some(code),
            _ => None,
        }
    }

    /// The refusal of a password is one of keysweep's own.
    pub(crate) fn of_own_login(self) -> Self {
        match self.code() {
            Some("WRONGPASS" | "NOAUTH" | "NOPERM") => Self::OwnLogin,
            _ => self,
        }
    }

    /// Whether the server itself said that it did not do it.
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(..) | Self::OwnLogin)
    }

    /// `effect`: what is known of the other side, unless it refused or was not reached.
    pub(crate) fn error(
        &self,
        provider: &ProviderName,
        op: Op,
        node: &Node,
        effect: Effect,
    ) -> Error {
        let unsent = matches!(self, Self::Unreached(_) | Self::Untrusted);
        let effect = if unsent || self.is_refusal() { Effect::None } else { effect };
        let (kind, message, hint) = self.told(node);
        let error = Error::new(provider.clone(), op, kind, effect, message);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn told(&self, node: &Node) -> (ErrorKind, String, Option<&'static str>) {
        use ErrorKind::{PermissionDenied, Unauthenticated, Unavailable, Unexpected, Unsupported};
        match self {
            Self::Unreached(kind) => (
                Unavailable,
                format!("`{node}` is not reached: {kind}"),
                Some("look at `host`, `port` and `tls`, and whether the server runs"),
            ),
            Self::Untrusted => (
                Unavailable,
                format!("TLS with `{node}` fails: its certificate or version is not accepted"),
                Some("give the certificate authority as `ca` of `[network]`"),
            ),
            Self::TimedOut => (
                Unavailable,
                format!("`{node}` did not answer in time"),
                Some("`timeout` of `[network]` gives it longer"),
            ),
            Self::Broken => (
                Unavailable,
                format!("the connection to `{node}` broke"),
                Some("a server that wants TLS breaks connections without it: look at `tls`"),
            ),
            Self::StillConnected => (
                Unavailable,
                format!("a connection to `{node}` goes on after it was closed"),
                Some("look at it with `CLIENT LIST`, then resume"),
            ),
            Self::OwnLogin => (
                Unauthenticated,
                format!("`{node}` does not take keysweep's own login"),
                Some("look at `user` and `password` of the provider"),
            ),
            Self::Refused(code, reason) => match (code.as_str(), reason) {
                ("NOPERM", _) => (
                    PermissionDenied,
                    format!("keysweep's user may not do that on `{node}`"),
                    Some("`keysweep doctor` prints the ACL line to ask for"),
                ),
                ("NOAUTH" | "WRONGPASS", _) => (
                    Unauthenticated,
                    format!("`{node}` does not take keysweep's own login any more"),
                    Some("look at `user` and `password` of the provider"),
                ),
                ("LOADING" | "BUSY" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "OOM", _) => {
                    (Unavailable, format!("`{node}` cannot now: {code}"), None)
                }
                (_, Reason::UnknownCommand) => (
                    Unsupported,
                    format!("`{node}` does not know the command"),
                    Some("ACL users need Redis 6; managed servers rename or hide commands"),
                ),
                _ => (Unexpected, format!("`{node}` answers with the error {code}"), None),
            },
            Self::Odd(what) => (
                Unexpected,
                format!("`{node}` gives {what}"),
                Some("look whether it is a Redis server"),
            ),
        }
    }
}

impl From<RedisError> for Fault {
    fn from(error: RedisError) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        if error.is_io_error() || error.is_connection_dropped() {
            return Self::Broken;
        }
        match error.code() {
            Some(code) => Self::Refused(shown(code), reason(error.detail().unwrap_or_default())),
            None => Self::Odd("an answer that is not understood"),
        }
    }
}

/// The code, if it is one: the first word of an error could be anything.
fn shown(code: &str) -> String {
    let code = if code == "ResponseError" { "ERR" } else { code };
    let is_code = code.len() <= 20 && code.bytes().all(|b| b.is_ascii_uppercase());
    if is_code { code.to_owned() } else { "unknown".to_owned() }
}

fn reason(detail: &str) -> Reason {
    let detail = detail.to_ascii_lowercase();
    if detail.contains("unknown command") || detail.contains("unknown subcommand") {
        Reason::UnknownCommand
    } else {
        Reason::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_refused_or_never_sent_changed_nothing() {
        let (name, node) = (ProviderName::new("r"), Node { host: "db".into(), port: 1 });
        let effect = |fault: Fault| fault.error(&name, Op::Mint, &node, Effect::Unknown).effect;
        assert_eq!(effect(Fault::Unreached(io::ErrorKind::ConnectionRefused)), Effect::None);
        assert_eq!(effect(Fault::Refused("NOPERM".into(), Reason::None)), Effect::None);
        assert_eq!(effect(Fault::TimedOut), Effect::Unknown);
        assert_eq!(effect(Fault::Broken), Effect::Unknown);
        assert_eq!(effect(Fault::Odd("that")), Effect::Unknown);
    }

    #[test]
    fn a_code_is_no_text() {
        assert_eq!(shown("NOPERM"), "NOPERM");
        assert_eq!(shown("ResponseError"), "ERR");
        assert_eq!(shown("planted#Value"), "unknown");
    }
}
