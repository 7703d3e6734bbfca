//! The file of a principal, wherever it is.

use keysweep_atomic_file::Trouble;
use keysweep_sdk::{ErrorKind, PrincipalId};

use crate::{Wrong, local::Local, remote::Remote};

#[derive(Debug)]
pub(crate) enum Target {
    Local(Local),
    Remote(Remote),
}

/// What was read.
#[derive(Debug)]
pub(crate) struct File {
    /// Empty when the file is not there yet.
    pub(crate) text: String,
    pub(crate) writable: bool,
    pub(crate) own: Own,
}

/// The key that keysweep itself came in with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Own {
    /// It did not log in.
    None,
    Key(String),
    /// It logged in, and ssh did not tell with what.
    Untold,
}

/// The new text, or `None` when it is right as it is.
pub(crate) type Edit<'e> =
    &'e (dyn Fn(&str, &Own) -> Result<Option<String>, Trouble> + Send + Sync);

impl Target {
    /// Reads the file. An absent file in a folder that is there is an empty one.
    pub(crate) async fn read(&self, principal: &PrincipalId) -> Result<File, Trouble> {
        match self {
            Self::Local(local) => local.read(principal),
            Self::Remote(remote) => remote.read(principal).await.map(|(file, _)| file),
        }
    }

    /// Changes the file in one step, or not at all: `Conflict` when somebody else changed it meanwhile.
    pub(crate) async fn change(
        &self,
        principal: &PrincipalId,
        edit: Edit<'_>,
    ) -> Result<(), Trouble> {
        match self {
            Self::Local(local) => local.change(principal, edit).await,
            Self::Remote(remote) => remote.change(principal, edit).await,
        }
    }

    /// For people: the file, and where it is.
    pub(crate) fn shown(&self, principal: &PrincipalId) -> String {
        match self {
            Self::Local(Local { accounts }) => accounts.shown(principal),
            Self::Remote(Remote { accounts, login, .. }) => {
                format!("{} on {}", accounts.shown(principal), login.host)
            }
        }
    }
}

/// Which user has which file.
#[derive(Debug)]
pub(crate) struct Accounts {
    path: String,
    /// Whose file it is, when `path` has no `%u`.
    user: Option<String>,
}

impl Accounts {
    pub(crate) fn new(path: String, user: Option<String>) -> Result<Self, Wrong> {
        if path.is_empty() || path.chars().any(char::is_control) {
            return Err(("`path` is no path".into(), "name the authorized_keys file"));
        }
        if user.is_none() && !path.contains("%u") {
            return Err((
                "whose file it is is not said".into(),
                "give `user`, or write `%u` in `path` where the name of the user stands",
            ));
        }
        Ok(Self { path, user })
    }

    /// The user of a principal, and the file.
    pub(crate) fn of(&self, principal: &PrincipalId) -> Result<(String, String), Trouble> {
        let user = principal.as_str().strip_prefix("user/").filter(|user| is_name(user));
        let Some(user) = user else {
            let message = format!("`{principal}` is no principal of an authorized_keys file");
            return Err(Trouble::new(ErrorKind::NotFound, message).with_hint("write `user/NAME`"));
        };
        if !self.path.contains("%u") && self.user.as_deref() != Some(user) {
            let whose = self.user.as_deref().unwrap_or_default();
            let message =
                format!("`{}` is the file of `user/{whose}`, not of `{principal}`", self.path);
            return Err(Trouble::new(ErrorKind::NotFound, message)
                .with_hint("write `%u` in `path` where the name of the user stands"));
        }
        Ok((user.to_owned(), self.path.replace("%u", user)))
    }

    fn shown(&self, principal: &PrincipalId) -> String {
        self.of(principal).map_or_else(|_| self.path.clone(), |(_, path)| path)
    }
}

/// A name that is safe in a path and as an argument.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}
