//! A file of this machine.

use std::{path::Path, time::Duration};

use keysweep_atomic_file::{Content, Target, Trouble};
use keysweep_sdk::{ErrorKind, PrincipalId};

use crate::target::{Accounts, Edit, File, Own};

/// How long another keysweep may hold the folder.
const LOCK: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) accounts: Accounts,
}

impl Local {
    pub(crate) fn read(&self, principal: &PrincipalId) -> Result<File, Trouble> {
        let target = self.file(principal)?;
        let content = target.read()?;
        let text = content.as_ref().map_or(Ok(""), text)?.to_owned();
        Ok(File { text, writable: target.check_writable().is_ok(), own: Own::None })
    }

    pub(crate) async fn change(
        &self,
        principal: &PrincipalId,
        edit: Edit<'_>,
    ) -> Result<(), Trouble> {
        let target = self.file(principal)?;
        let locked = target.lock(LOCK).await?;
        let content = target.read()?;
        let old = content.as_ref().map_or(Ok(""), text)?;
        if let Some(new) = edit(old, &Own::None)? {
            let version = content.as_ref().map(|content| content.seen.version);
            locked.write(version, new.as_bytes())?;
        }
        Ok(())
    }

    fn file(&self, principal: &PrincipalId) -> Result<Target, Trouble> {
        let (_, path) = self.accounts.of(principal)?;
        Target::resolve(Path::new(&path))
    }
}

fn text(content: &Content) -> Result<&str, Trouble> {
    std::str::from_utf8(&content.bytes).map_err(|_| {
        Trouble::new(ErrorKind::Invalid, "the authorized_keys file is no UTF-8 text")
            .with_hint("mend the comments in it")
    })
}
