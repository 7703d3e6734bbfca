//! A file of a host that ssh reaches.

use keysweep_atomic_file::Trouble;
use keysweep_sdk::{Effect, ErrorKind, PrincipalId};

use crate::{
    login::Login,
    script::{self, Answer, Read, Sum},
    target::{Accounts, Edit, File},
};

/// What runs there; everything else comes on its standard input.
const SHELL: &str = "sh -s";

#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) accounts: Accounts,
    pub(crate) login: Login,
    /// Who keysweep logs in as.
    pub(crate) user: String,
}

impl Remote {
    pub(crate) async fn read(&self, principal: &PrincipalId) -> Result<(File, Sum), Trouble> {
        let (_, path) = self.accounts.of(principal)?;
        let (script, nonce) = script::read(&path);
        let reply = self.login.run(&self.user, SHELL, script.as_bytes()).await;
        // To read changes nothing, however it ended.
        let reply = reply.map_err(|trouble| Trouble { effect: Effect::None, ..trouble })?;
        match Read::of(&reply.stdout, &nonce)? {
            Read::File { text, writable, sum } => {
                Ok((File { text, writable, own: reply.told.own }, sum))
            }
            Read::Refused(why) => Err(self.refused(&path, why)),
        }
    }

    pub(crate) async fn change(
        &self,
        principal: &PrincipalId,
        edit: Edit<'_>,
    ) -> Result<(), Trouble> {
        let (_, path) = self.accounts.of(principal)?;
        let (file, sum) = self.read(principal).await?;
        let Some(new) = edit(&file.text, &file.own)? else { return Ok(()) };
        let (script, nonce) = script::write(&path, &sum, &new)?;
        let reply = self.login.run(&self.user, SHELL, script.as_bytes()).await?;
        match Answer::of(&reply.stdout, &nonce) {
            Some(Answer::Done) => Ok(()),
            Some(Answer::Refused(why)) => Err(self.refused(&path, why)),
            None => {
                let message =
                    format!("`{}` did not say whether it changed `{path}`", self.login.host);
                let trouble = Trouble::new(ErrorKind::Unexpected, message)
                    .with_hint("look at the file, then do it again");
                Err(Trouble { effect: Effect::Unknown, ..trouble })
            }
        }
    }

    fn refused(&self, path: &str, (kind, what, hint): (ErrorKind, &str, &str)) -> Trouble {
        Trouble::new(kind, format!("`{path}` on `{}` {what}", self.login.host)).with_hint(hint)
    }
}
