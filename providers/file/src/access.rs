//! What is to be allowed on the files, and whether it is.

use async_trait::async_trait;
use keysweep_sdk::{Access, Cx, Grant, Need, PlacementId, Result};

use crate::locate::Files;

#[derive(Debug)]
pub(crate) struct Permissions {
    pub(crate) files: Files,
}

#[async_trait]
impl Access for Permissions {
    async fn check(&self, _: &Cx, needs: &[Need]) -> Result<Vec<Grant>> {
        let grant = |permission: &str, at: &PlacementId, held| Grant {
            permission: permission.to_owned(),
            held: Some(held),
            on: at.to_string(),
        };
        let one = |need: &Need| match need {
            Need::Stat(at) => {
                let held = self.files.locate(at).is_ok_and(|found| found.target.read().is_ok());
                Some(grant("read the file", at, held))
            }
            Need::Place(at) => {
                let found = self.files.locate(at);
                let held = found.is_ok_and(|found| found.target.check_writable().is_ok());
                Some(grant("replace the file", at, held))
            }
            Need::Snapshot(_) | Need::Rotate(_) => None,
        };
        Ok(needs.iter().filter_map(one).collect())
    }

    fn policy(&self, needs: &[Need]) -> String {
        let line = |need: &Need| match need {
            Need::Stat(at) => Some(format!("{at}: read permission on the file\n")),
            Need::Place(at) => Some(format!(
                "{at}: owner of the file (or root), write permission on the file and on its folder\n"
            )),
            Need::Snapshot(_) | Need::Rotate(_) => None,
        };
        needs.iter().filter_map(line).collect()
    }
}
