use std::time::Duration;

use async_trait::async_trait;
use keysweep_sdk::{
    Cx, Delivery, ErrorKind, Held, Op, PlacementId, ReadAt, Readable, Result, Slot, Store,
    StoreLimits, WriteMode,
};

use crate::{Aws, place::Place};

#[async_trait]
impl Store for Aws {
    /// Secrets Manager takes 65,536 bytes; Parameter Store 4,096, or 8,192 where the parameter is an advanced one,
    /// which `place` refuses before it sends anything. Both are read when a process starts, as the usual extensions and
    /// agents do it.
    fn limits(&self) -> StoreLimits {
        StoreLimits {
            readable: Readable::Value,
            write: WriteMode::Whole,
            read_at: ReadAt::ProcessStart,
            min_gap: Duration::ZERO,
            max_bytes: Some(65_536),
            named: None,
        }
    }

    async fn stat(&self, _: &Cx, at: &PlacementId) -> Result<Option<Slot>> {
        match self.at(Op::Stat, at)? {
            Place::Secret { id, key } => self.stat_secret(id, key).await,
            Place::Parameter { name } => {
                let found = self.parameter(Op::Stat, name).await?;
                Ok(found.map(|parameter| parameter.slot()))
            }
        }
    }

    async fn place(&self, _: &Cx, delivery: &Delivery<'_>) -> Result<Slot> {
        match self.at(Op::Place, delivery.at)? {
            Place::Secret { id, key } => {
                self.place_secret(id, key, delivery.payload, delivery.expect).await
            }
            Place::Parameter { name } => {
                let value = delivery.one().ok_or_else(|| self.takes_one(Op::Place, delivery.at))?;
                self.place_parameter(name, value, delivery.expect).await
            }
        }
    }

    async fn read(&self, _: &Cx, at: &PlacementId, named: &[String]) -> Result<Held> {
        match self.at(Op::Read, at)? {
            Place::Secret { id, key } => self.read_secret(id, key, named).await,
            Place::Parameter { .. } if !named.is_empty() => Err(self.takes_one(Op::Read, at)),
            Place::Parameter { name } => self.read_parameter(Op::Read, name).await,
        }
    }

    /// A secret is scheduled for deletion, and can be restored for 30 days. A parameter is gone.
    async fn remove(&self, _: &Cx, at: &PlacementId, named: &[String]) -> Result<()> {
        match self.at(Op::Remove, at)? {
            Place::Secret { id, key } => self.remove_secret(id, key, named).await,
            Place::Parameter { .. } if !named.is_empty() => Err(self.takes_one(Op::Remove, at)),
            Place::Parameter { name } => self.remove_parameter(name).await,
        }
    }
}

impl Aws {
    pub(crate) fn takes_one(&self, op: Op, at: &PlacementId) -> keysweep_sdk::Error {
        self.refuse(op, ErrorKind::Invalid, format!("`{at}` holds one value"))
            .with_hint("deliver one field or a template; named values go to `sm:NAME`")
    }
}
