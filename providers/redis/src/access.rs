use std::{fmt::Write, sync::Arc};

use async_trait::async_trait;
use keysweep_sdk::{Access, Cx, Effect, Grant, Need, Op, PrincipalId, Result};

use crate::{
    Persistence, fault::Fault, nodes::Nodes, persistence::saving, session::Session,
    topology::unlisted,
};

/// Asked with `ACL DRYRUN` of keysweep's own user, which Redis 7 has.
#[derive(Debug)]
pub(crate) struct Permissions(pub(crate) Arc<Nodes>);

#[async_trait]
impl Access for Permissions {
    async fn check(&self, _: &Cx, needs: &[Need]) -> Result<Vec<Grant>> {
        let mut grants = Vec::new();
        for node in &self.0.nodes {
            let session = self.0.log_in(Op::Check, node).await?;
            let mut of_node = Vec::new();
            for need in needs {
                let told = match need {
                    Need::Snapshot(principal) => self.snapshot(&session, principal).await,
                    Need::Rotate(principal) => self.rotate(&session, principal).await,
                    Need::Stat(_) | Need::Place(_) => continue,
                };
                of_node.extend(
                    told.map_err(|fault| self.0.fault(Op::Check, node, &fault, Effect::None))?,
                );
            }
            of_node.dedup();
            grants.extend(of_node);
        }
        Ok(grants)
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
        if !rotates && !reads {
            return String::new();
        }
        let mut line = "ACL SETUSER keysweep on #<sha256 of its password> resetkeys resetchannels \
                        -@all +acl|whoami +acl|dryrun +acl|getuser"
            .to_owned();
        if rotates {
            line.push_str(" +acl|setuser +info +client|id +client|list +client|kill");
            if self.0.persistence == Persistence::Server {
                line.push_str(" +config|get +acl|save +config|rewrite");
            }
            line.push_str(
                "\n# in a cluster also +cluster|info. Who may `ACL SETUSER` can make himself anything:\n\
                 # guard this login like that of an administrator.",
            );
        }
        let _ = write!(line, "\n# on each node: users are not replicated");
        line
    }
}

impl Permissions {
    async fn snapshot(&self, session: &Session, on: &PrincipalId) -> Result<Vec<Grant>, Fault> {
        let user = on.as_str().trim_start_matches("user/");
        Ok(vec![self.may(session, "acl|getuser", &["ACL", "GETUSER", user]).await?])
    }

    async fn rotate(&self, session: &Session, on: &PrincipalId) -> Result<Vec<Grant>, Fault> {
        let user = on.as_str().trim_start_matches("user/");
        let mut grants = self.snapshot(session, on).await?;
        let info: &[&str] = &["INFO", "server"];
        let mut asked: Vec<(&str, &[&str])> = vec![
            ("info", info),
            ("client|id", &["CLIENT", "ID"]),
            ("client|list", &["CLIENT", "LIST"]),
            ("client|kill", &["CLIENT", "KILL", "ID", "0"]),
        ];
        let change = ["ACL", "SETUSER", user];
        asked.push(("acl|setuser", &change));
        if self.0.persistence == Persistence::Server {
            asked.push(("config|get", &["CONFIG", "GET", "aclfile"]));
            match told(saving(session).await)? {
                Some(Some(crate::persistence::Saving::ConfigFile)) => {
                    asked.push(("config|rewrite", &["CONFIG", "REWRITE"]));
                }
                _ => asked.push(("acl|save", &["ACL", "SAVE"])),
            }
        }
        for (permission, words) in asked {
            grants.push(self.may(session, permission, words).await?);
        }
        grants.extend(self.server(session).await?);
        Ok(grants)
    }

    /// What the server itself has to have.
    async fn server(&self, session: &Session) -> Result<Vec<Grant>, Fault> {
        let mut grants = Vec::new();
        let on = session.node().to_string();
        if self.0.persistence == Persistence::Server {
            let permission = "an `aclfile`, or a file that it was started from".into();
            let held = told(saving(session).await)?.map(|saving| saving.is_some());
            grants.push(Grant { permission, held, on: on.clone() });
        }
        if !self.0.other_nodes_elsewhere {
            let permission = "all its replicas and nodes are in `nodes`".into();
            let held =
                told(unlisted(session, self.0.nodes.len()).await)?.map(|what| what.is_none());
            grants.push(Grant { permission, held, on });
        }
        Ok(grants)
    }

    async fn may(
        &self,
        session: &Session,
        permission: &str,
        words: &[&str],
    ) -> Result<Grant, Fault> {
        let mut dry = vec!["ACL", "DRYRUN", self.0.own.user.as_str()];
        dry.extend(words);
        let held = told(session.text(&dry).await)?.map(|answer| answer == "OK");
        Ok(Grant { permission: permission.to_owned(), held, on: session.node().to_string() })
    }
}

/// `None`: the server refuses to tell.
fn told<T>(answer: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Fault::Refused(..)) => Ok(None),
        Err(fault) => Err(fault),
    }
}
