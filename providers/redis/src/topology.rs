//! Whether there are nodes that the configuration does not list: Redis replicates data, not users.

use crate::{fault::Fault, session::Session};

/// What is not listed, if there is something. `listed`: how many nodes are.
pub(crate) async fn unlisted(session: &Session, listed: usize) -> Result<Option<String>, Fault> {
    let node = session.node();
    let number = |text: Option<String>| text.and_then(|text| text.parse::<usize>().ok());
    if session.info("cluster", "cluster_enabled").await?.as_deref() == Some("1") {
        let text = session.text(&["CLUSTER", "INFO"]).await?;
        let known = text.lines().find_map(|line| line.strip_prefix("cluster_known_nodes:"));
        let known = number(known.map(|known| known.trim().to_owned()))
            .ok_or(Fault::Odd("an answer to `CLUSTER INFO` that is not understood"))?;
        return Ok((known > listed).then(|| {
            format!("`{node}` is one of a cluster of {known} nodes, of which {listed} are listed")
        }));
    }
    let role = session.info("replication", "role").await?;
    if role.as_deref() == Some("slave") {
        return Ok(
            (listed < 2).then(|| format!("`{node}` is a replica, and its master is not listed"))
        );
    }
    let replicas = number(session.info("replication", "connected_slaves").await?)
        .ok_or(Fault::Odd("an answer to `INFO replication` that is not understood"))?;
    Ok((replicas + 1 > listed)
        .then(|| format!("`{node}` has {replicas} replicas, of which {} are listed", listed - 1)))
}
