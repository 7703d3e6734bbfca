//! What PostgreSQL's refusals mean. The codes are those of its Appendix A.
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use std::error::Error as _;

use keysweep_sdk::{Effect, Error, ErrorKind, Op, ProviderName};
use tokio_postgres::error::{DbError, SqlState};

/// Who failed at what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Here<'a> {
    pub(crate) name: &'a ProviderName,
    pub(crate) op: Op,
}

impl Here<'_> {
    pub(crate) fn error(
        self,
        kind: ErrorKind,
        effect: Effect,
        message: impl Into<String>,
    ) -> Error {
        Error::new(self.name.clone(), self.op, kind, effect, message)
    }

    /// Certainly nothing was changed.
    pub(crate) fn nothing(self, kind: ErrorKind, message: impl Into<String>) -> Error {
        self.error(kind, Effect::None, message)
    }

    pub(crate) fn timed_out(self, effect: Effect, what: &str) -> Error {
        self.error(ErrorKind::Unavailable, effect, format!("{what} was not answered in time"))
    }

    /// A statement failed. The server's own words are left out: they may quote the statement, which may hold a verifier.
    pub(crate) fn statement(self, error: &tokio_postgres::Error, unanswered: Effect) -> Error {
        let Some(refusal) = error.as_db_error() else {
            let message = format!("the connection ended: {error}");
            return self.error(ErrorKind::Unavailable, unanswered, message);
        };
        let code = refusal.code();
        let effect = if may_have_committed(code) { unanswered } else { Effect::None };
        let (kind, why, hint) = meaning(code);
        let error = self.error(kind, effect, format!("{why} (SQLSTATE {})", code.code()));
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// keysweep's own login failed.
    pub(crate) fn own_login(self, user: &str, error: &tokio_postgres::Error) -> Error {
        let Some(refusal) = error.as_db_error() else {
            let error = self.nothing(ErrorKind::Unavailable, unreached(error));
            return error.with_hint("look at `host`, `port` and `sslmode`");
        };
        let code = refusal.code();
        let kind = match code.code() {
            "28P01" => ErrorKind::Unauthenticated,
            "28000" if is_no_login(refusal) => ErrorKind::Unauthenticated,
            "28000" => ErrorKind::PermissionDenied,
            "3D000" => ErrorKind::Config,
            _ => meaning(code).0,
        };
        let message = format!(
            "the login of `{user}` is refused: {} (SQLSTATE {})",
            told(refusal),
            code.code()
        );
        let error = self.nothing(kind, message);
        match kind {
            ErrorKind::Unauthenticated => error.with_hint("look at `user` and `password`"),
            ErrorKind::PermissionDenied => error.with_hint("look at the server's `pg_hba.conf`"),
            ErrorKind::Config => error.with_hint("look at `database`"),
            _ => error,
        }
    }
}

/// Of a login: the role is there and may not log in. The same code says that `pg_hba.conf` does not let it in from here,
/// which is no word about the password; and the text is in the server's language, so the routine has to tell.
pub(crate) fn is_no_login(refusal: &DbError) -> bool {
    refusal.routine() == Some("InitializeSessionUserId")
}

/// The server's words about a login: they hold names and addresses.
pub(crate) fn told(refusal: &DbError) -> &str {
    refusal.message()
}

/// Why nothing was answered.
pub(crate) fn unreached(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Whether the server may have come to say this after the commit.
fn may_have_committed(code: &SqlState) -> bool {
    let code = code.code();
    // A shutdown or a crash ends the session at any point; 40003 says itself that it does not know.
    code.starts_with("57P") || code.starts_with("58") || code.starts_with("08") || code == "40003"
}

fn meaning(code: &SqlState) -> (ErrorKind, &'static str, Option<&'static str>) {
    match code.code() {
        "42501" => (
            ErrorKind::PermissionDenied,
            "permission denied",
            Some("`keysweep doctor --for rotate` says what is lacking and how to grant it"),
        ),
        "42704" => (ErrorKind::NotFound, "the role is not there", None),
        "25006" => (
            ErrorKind::Config,
            "the server is read-only",
            Some("`host` has to be the primary, not a replica"),
        ),
        "22023" | "22021" => (ErrorKind::Invalid, "the server does not take the value", None),
        "55P03" | "57014" => (ErrorKind::Unavailable, "it took the server too long", None),
        // "tuple concurrently updated": internal errors are not told apart by their code.
        "40001" | "40P01" | "XX000" => (
            ErrorKind::Conflict,
            "the server rolled it back, perhaps since the role was changed at the same time",
            None,
        ),
        code if code.starts_with("53") => (ErrorKind::Unavailable, "the server is full", None),
        code if code.starts_with("57P") => {
            (ErrorKind::Unavailable, "the server starts or stops", None)
        }
        code if code.starts_with("08") || code.starts_with("58") => {
            (ErrorKind::Unavailable, "the server failed", None)
        }
        _ => (ErrorKind::Unexpected, "the server refused the statement", None),
    }
}
