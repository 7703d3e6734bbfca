use std::sync::Arc;

use async_trait::async_trait;
use keysweep_sdk::{Access, Cx, Effect, Grant, Need, Op, PrincipalId, Result};

use crate::{grants::Grants, server::Server};

/// Read from `SHOW GRANTS`.
#[derive(Debug)]
pub(crate) struct Permissions(pub(crate) Arc<Server>);

#[async_trait]
impl Access for Permissions {
    async fn check(&self, _: &Cx, needs: &[Need]) -> Result<Vec<Grant>> {
        let mut session = self.0.log_in(Op::Check).await?;
        let fault = |fault| self.0.fault(Op::Check, &fault, Effect::None);
        let grants = session.grants().await.map_err(fault)?;
        let read_only = session.one::<i64>("SELECT @@GLOBAL.read_only", ()).await.map_err(fault)?;
        session.close().await;
        let mut told = Vec::new();
        for need in needs {
            match need {
                Need::Snapshot(on) => told.push(read(&grants, on)),
                Need::Rotate(on) => {
                    told.push(read(&grants, on));
                    told.extend(write(&grants, on));
                    if read_only != Some(0) {
                        let permission = "a server that is not `read_only`".to_owned();
                        let held = Some(grants.has(&["READ ONLY ADMIN", "SUPER"], &["*.*"]));
                        told.push(Grant { permission, held, on: self.0.address() });
                    }
                }
                Need::Stat(_) | Need::Place(_) => {}
            }
        }
        told.dedup();
        Ok(told)
    }

    fn policy(&self, needs: &[Need]) -> String {
        let (mut rotates, mut reads) = (false, false);
        for need in needs {
            match need {
                Need::Rotate(_) => rotates = true,
                Need::Snapshot(_) => reads = true,
                Need::Stat(_) | Need::Place(_) => {}
            }
        }
        let user = format!("`{}`@`<host>`", self.0.own.user.replace('`', "``"));
        let mut lines = String::new();
        if rotates {
            lines.push_str(&format!(
                "GRANT CREATE USER, PROCESS, CONNECTION ADMIN ON *.* TO {user};\n"
            ));
        }
        if rotates || reads {
            lines.push_str(&format!("GRANT SELECT ON mysql.global_priv TO {user};\n"));
        }
        if rotates {
            lines.push_str(
                "-- MariaDB 10.4 has SUPER in place of CONNECTION ADMIN. Who has CREATE USER can become anybody:\n\
                 -- guard this login like that of an administrator.\n",
            );
        }
        lines
    }
}

fn read(grants: &Grants, on: &PrincipalId) -> Grant {
    let places = ["*.*", "mysql.*", "mysql.global_priv"];
    Grant {
        permission: "SELECT ON mysql.global_priv".into(),
        held: Some(grants.has(&["SELECT"], &places)),
        on: on.to_string(),
    }
}

fn write(grants: &Grants, on: &PrincipalId) -> [Grant; 3] {
    let held = |permission: &str, any: &[&str]| Grant {
        permission: permission.to_owned(),
        held: Some(grants.has(any, &["*.*"])),
        on: on.to_string(),
    };
    [
        held("CREATE USER", &["CREATE USER"]),
        held("PROCESS", &["PROCESS"]),
        held("CONNECTION ADMIN", &["CONNECTION ADMIN", "SUPER"]),
    ]
}
