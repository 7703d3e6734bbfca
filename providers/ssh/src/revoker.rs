//! Taking a key out of use.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_atomic_file::Trouble;
use keysweep_sdk::{
    CredentialId, Cx, ErrorKind, Op, PrincipalId, ProviderName, Result, Revoker, RevokerLimits,
    Sessions,
};

use crate::{
    keys,
    target::{Own, Target},
};

/// A session has no bound of its own; who plans has to take it for long.
const SESSIONS: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) name: ProviderName,
    pub(crate) target: Arc<Target>,
}

impl Lines {
    /// Takes `id` out by `change`, unless keysweep came in with it.
    async fn end(
        &self,
        op: Op,
        principal: &PrincipalId,
        id: &CredentialId,
        change: fn(&str, &CredentialId) -> Option<String>,
    ) -> Result<()> {
        let edit = |text: &str, own: &Own| -> Result<Option<String>, Trouble> {
            let changed = change(text, id);
            if changed.is_some() {
                check_other(own, id)?;
            }
            Ok(changed)
        };
        let changed = self.target.change(principal, &edit).await;
        changed.map_err(|trouble| trouble.at(&self.name, op))
    }
}

#[async_trait]
impl Revoker for Lines {
    fn limits(&self) -> RevokerLimits {
        RevokerLimits {
            reversible: true,
            dead_within: Duration::ZERO,
            sessions: Some(Sessions {
                survive: SESSIONS,
                can_end: false,
                ended_by: "ending the user's processes on the host (`pkill -u USER sshd`)".into(),
            }),
        }
    }

    async fn disable(&self, _: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        self.end(Op::Disable, principal, id, keys::disable).await
    }

    async fn enable(&self, _: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        let edit = |text: &str, _: &Own| -> Result<Option<String>, Trouble> {
            if keys::state(text, id).is_none() {
                let message = format!("`{id}` is not in the file");
                return Err(Trouble::new(ErrorKind::NotFound, message)
                    .with_hint("it was removed for good: make a new one"));
            }
            Ok(keys::enable(text, id))
        };
        let changed = self.target.change(principal, &edit).await;
        changed.map_err(|trouble| trouble.at(&self.name, Op::Enable))
    }

    async fn destroy(&self, _: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<()> {
        self.end(Op::Destroy, principal, id, keys::remove).await
    }
}

fn check_other(own: &Own, id: &CredentialId) -> Result<(), Trouble> {
    match own {
        Own::None => Ok(()),
        Own::Key(own) if own != id.as_str() => Ok(()),
        Own::Key(_) => {
            let message = format!("`{id}` is the key that keysweep itself logs in with");
            Err(Trouble::new(ErrorKind::Invalid, message).with_hint(
                "give this provider another `identity` first, then end the old one with it",
            ))
        }
        Own::Untold => {
            let message = "ssh does not tell which key keysweep itself logs in with";
            Err(Trouble::new(ErrorKind::Unexpected, message)
                .with_hint("give this provider an `identity` that is a plain key, with its public half beside it (`.pub`)"))
        }
    }
}
