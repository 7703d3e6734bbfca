use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, Cx, Delivery, ErrorKind, Held, Op, Payload, PlacementId, Purpose, ReadAt, Readable,
    Result, Slot, Store, StoreLimits, WriteMode,
};

use crate::{address::Address, kv::Content, server::Vault};

/// Integrated storage takes 1 MiB for all fields of a version together; half of it for one leaves room for the rest.
/// <https://developer.hashicorp.com/vault/docs/internals/limits>
const MOST: usize = 512 << 10;

#[derive(Clone, Debug)]
pub(crate) struct KvStore(pub(crate) Arc<Vault>);

#[async_trait]
impl Store for KvStore {
    fn limits(&self) -> StoreLimits {
        StoreLimits {
            readable: Readable::Value,
            write: WriteMode::CompareAndSet,
            // An agent or an application that reads it once: of the ways it is used, the one that needs most proof.
            read_at: ReadAt::ProcessStart,
            min_gap: Duration::ZERO,
            max_bytes: Some(MOST),
            named: None,
        }
    }

    /// Who else may read it is told by the policies of all tokens, which nobody can list: `seen_by` stays empty.
    async fn stat(&self, _cx: &Cx, at: &PlacementId) -> Result<Option<Slot>> {
        let at = self.0.secret_at(Op::Stat, at)?;
        self.0.versioned(Op::Stat, &at.mount).await?;
        let slot = self.0.slot(Op::Stat, &at).await?;
        let write = if slot.is_some() { "update" } else { "create" };
        let path = format!("{}/data/{}", at.mount, at.path);
        let held = self.0.capabilities(Op::Stat, std::slice::from_ref(&path)).await?;
        // A secret whose versions are deleted is there for the policy, though it holds nothing.
        let held = held.first().is_some_and(|may| may.any(&[write, "update"]));
        if !held {
            let message = format!("the token's policies do not let it write `{path}`");
            let error = self.0.nothing(Op::Stat, ErrorKind::PermissionDenied, message);
            return Err(error.with_hint("`keysweep doctor` prints the policy to ask for"));
        }
        Ok(slot)
    }

    async fn place(&self, _cx: &Cx, delivery: &Delivery<'_>) -> Result<Slot> {
        let op = Op::Place;
        let at = self.0.secret_at(op, delivery.at)?;
        let invalid = |why| self.0.nothing(op, ErrorKind::Invalid, why);
        let new = at.fields(delivery.payload).map_err(invalid)?;
        let big = new.iter().find(|(_, value)| value.expose_for(Purpose::Place).len() > MOST);
        if let Some((name, _)) = big {
            return Err(invalid(format!("the value for `{name}` has more than {MOST} bytes")));
        }
        self.0.versioned(op, &at.mount).await?;
        let content = self.0.content(op, &at).await?;
        let held = content.fields.unwrap_or_default();
        // Placed by a call whose reply was lost: the version has moved on, and it is the one that was wanted.
        if new.iter().all(|(name, value)| held.get(*name).is_some_and(|h| h.is_text(value))) {
            let version = Some(content.version.to_string());
            return Ok(Slot { version, updated: content.updated, ..Slot::default() });
        }
        if let Some(expect) = delivery.expect.filter(|e| **e != content.version.to_string()) {
            let message =
                format!("`{at}` has version {}, not {expect}: somebody wrote it", content.version);
            return Err(self.0.nothing(op, ErrorKind::Conflict, message));
        }
        self.0.write(op, &at, content.version, &held, &new).await
    }

    async fn read(&self, _cx: &Cx, at: &PlacementId, named: &[String]) -> Result<Held> {
        let op = Op::Read;
        let at = self.0.secret_at(op, at)?;
        let asked = self.asked(op, &at, named)?;
        self.0.versioned(op, &at.mount).await?;
        let Content { fields, .. } = self.0.content(op, &at).await?;
        let fields = fields.unwrap_or_default();
        let found: Bundle = asked
            .iter()
            .filter_map(|name| Some((name.clone(), fields.get(name)?.copied())))
            .collect();
        Ok(match &at.field {
            _ if found.is_empty() => Held::Nothing,
            None => Held::Value(Payload::Named(found)),
            Some(field) => match fields.get(field) {
                Some(value) => Held::Value(Payload::One(value.copied())),
                None => Held::Nothing,
            },
        })
    }

    /// Takes the named fields out of the current version; when none is left, deletes it, which `undelete` undoes.
    async fn remove(&self, _cx: &Cx, at: &PlacementId, named: &[String]) -> Result<()> {
        let op = Op::Remove;
        let at = self.0.secret_at(op, at)?;
        let asked = self.asked(op, &at, named)?;
        self.0.versioned(op, &at.mount).await?;
        let content = self.0.content(op, &at).await?;
        let Some(mut kept) = content.fields else { return Ok(()) };
        let before = kept.len();
        kept.retain(|name, _| !asked.contains(name));
        if kept.len() == before {
            return Ok(());
        }
        if kept.is_empty() {
            return self.0.delete(op, &at, content.version).await;
        }
        self.0.write(op, &at, content.version, &kept, &[]).await.map(drop)
    }
}

impl KvStore {
    fn asked(&self, op: Op, at: &Address, named: &[String]) -> Result<Vec<String>> {
        at.asked(named).map_err(|why| self.0.nothing(op, ErrorKind::Invalid, why))
    }
}
