//! What is to be allowed on the file, and whether it is.

use std::sync::Arc;

use async_trait::async_trait;
use keysweep_sdk::{Access, Cx, ErrorKind, Grant, Need, Op, PrincipalId, ProviderName, Result};

use crate::target::Target;

#[derive(Debug)]
pub(crate) struct Permissions {
    pub(crate) name: ProviderName,
    pub(crate) target: Arc<Target>,
}

impl Permissions {
    async fn grants(&self, principal: &PrincipalId, write: bool) -> Result<Vec<Grant>> {
        let shown = self.target.shown(principal);
        let grant = |what: &str, held| Grant {
            permission: format!("{what} {shown}"),
            held: Some(held),
            on: principal.to_string(),
        };
        let (read, may_write) = match self.target.read(principal).await {
            Ok(file) => (true, file.writable),
            Err(trouble)
                if matches!(
                    trouble.kind,
                    ErrorKind::Unauthenticated | ErrorKind::PermissionDenied | ErrorKind::NotFound
                ) =>
            {
                (false, false)
            }
            Err(trouble) => return Err(trouble.at(&self.name, Op::Check)),
        };
        let mut grants = vec![grant("read", read)];
        if write {
            grants.push(grant("replace", may_write));
        }
        Ok(grants)
    }
}

#[async_trait]
impl Access for Permissions {
    async fn check(&self, _: &Cx, needs: &[Need]) -> Result<Vec<Grant>> {
        let mut grants = Vec::new();
        for need in needs {
            match need {
                Need::Snapshot(principal) => grants.extend(self.grants(principal, false).await?),
                Need::Rotate(principal) => grants.extend(self.grants(principal, true).await?),
                Need::Stat(_) | Need::Place(_) => {}
            }
        }
        Ok(grants)
    }

    fn policy(&self, needs: &[Need]) -> String {
        let line = |need: &Need| match need {
            Need::Snapshot(principal) => {
                Some(format!("read permission on {}\n", self.target.shown(principal)))
            }
            Need::Rotate(principal) => Some(format!(
                "owner of {} (or root), with write permission on it and its folder\n",
                self.target.shown(principal)
            )),
            Need::Stat(_) | Need::Place(_) => None,
        };
        needs.iter().filter_map(line).collect()
    }
}
