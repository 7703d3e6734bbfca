//! The store: read the file, change one place, write it whole.

use std::time::Duration;

use async_trait::async_trait;
use keysweep_atomic_file::{Content, Trouble};
use keysweep_sdk::{
    Bundle, Cx, Delivery, ErrorKind, Held, Op, Payload, PlacementId, ProviderName, Purpose, ReadAt,
    Readable, Result, SecretValue, Slot, Store, StoreLimits, WriteMode,
};
use zeroize::Zeroizing;

use crate::{
    format::{Leaf, Leaves, Rules, Text, here},
    locate::{Files, Located},
    located::named_only,
    surroundings::encrypted_by,
};

/// How long another keysweep may hold the folder: it writes a few small files.
const LOCK: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct FileStore {
    name: ProviderName,
    files: Files,
    read_at: ReadAt,
    rules: Rules,
}

impl FileStore {
    pub(crate) fn new(
        name: ProviderName,
        files: Files,
        read_at: Option<ReadAt>,
        quotes: bool,
    ) -> Self {
        let read_at = read_at.unwrap_or(ReadAt::ProcessStart);
        Self { name, files, read_at, rules: Rules { quotes } }
    }

    fn look(&self, at: &PlacementId) -> Result<Option<Slot>, Trouble> {
        let found = self.files.locate(at)?;
        found.target.check_writable()?;
        let Some(content) = found.target.read()? else { return Ok(None) };
        let slot = found.slot(&content.seen, encrypted_by(text(&content)?));
        if slot.managed_by.is_some() && encrypted_by(text(&content)?).is_some() {
            return Ok(Some(slot));
        }
        let leaves = found.format.leaves(text(&content)?).map_err(|t| found.named(t))?;
        let there =
            found.place.is_empty() || leaves.iter().any(|(at, _)| at.starts_with(&found.place));
        if !there && found.takes_one() {
            // Whether it could be put there is only known by trying, on the text alone.
            let tried = found.format.set(text(&content)?, &found.place, "x", self.rules);
            tried.map_err(|trouble| found.named(trouble))?;
        }
        Ok(there.then_some(slot))
    }

    async fn write(&self, delivery: &Delivery<'_>) -> Result<Slot, Trouble> {
        let found = self.files.locate(delivery.at)?;
        let locked = found.target.lock(LOCK).await?;
        let content = found.target.read()?;
        let seen = content.as_ref().map(|content| &content.seen);
        let version = seen.map(|seen| seen.version);
        if delivery
            .expect
            .is_some_and(|expect| version.map(|v| v.to_string()).as_deref() != Some(expect))
        {
            let message = format!("`{}` was changed meanwhile", found.target.path().display());
            return Err(Trouble::new(ErrorKind::Conflict, message)
                .with_hint("look at it again, and find out who else writes it"));
        }
        let old = content.as_ref().map_or(Ok(""), text)?;
        let new = self.changed(&found, old, delivery.payload).map_err(|t| found.named(t))?;
        if let Some(seen) = seen.filter(|_| *old == **new) {
            return Ok(found.slot(seen, None));
        }
        let seen = locked.write(version, new.as_bytes())?;
        Ok(found.slot(&seen, None))
    }

    fn changed(&self, found: &Located, old: &str, payload: &Payload) -> Result<Text, Trouble> {
        found.check_plain(old)?;
        check_size(payload)?;
        match payload {
            Payload::One(_) if !found.takes_one() => Err(named_only()),
            Payload::One(value) if found.place.is_empty() => {
                let new = Zeroizing::new(value.expose_for(Purpose::Place).to_owned());
                found.format.leaves(&new)?;
                Ok(new)
            }
            Payload::One(value) => {
                let value = value.expose_for(Purpose::Place);
                found.format.set(old, &found.place, value, self.rules)
            }
            Payload::Named(bundle) => {
                found.check_named(&found.format.leaves(old)?, bundle)?;
                let mut new = Zeroizing::new(old.to_owned());
                for (name, value) in bundle.iter() {
                    let value = value.expose_for(Purpose::Place);
                    new = found.format.set(&new, &found.inner(name)?, value, self.rules)?;
                }
                Ok(new)
            }
        }
    }

    fn held(&self, at: &PlacementId, named: &[String]) -> Result<Held, Trouble> {
        let found = self.files.locate(at)?;
        let Some(content) = found.target.read()? else { return Ok(Held::Nothing) };
        let text = text(&content)?;
        if found.place.is_empty() && named.is_empty() {
            return Ok(Held::Value(Payload::One(SecretValue::new(text))));
        }
        let read = || {
            found.check_plain(text)?;
            let leaves = found.format.leaves(text)?;
            if named.is_empty() && found.takes_one() {
                let value = value(&leaves, &found.place)?;
                return Ok(value.map_or(Held::Nothing, |value| Held::Value(Payload::One(value))));
            }
            let names = if named.is_empty() { found.names(&leaves) } else { named.to_vec() };
            let mut bundle = Bundle::default();
            for name in names {
                if let Some(value) = value(&leaves, &found.inner(&name)?)? {
                    bundle = bundle.with(name, value);
                }
            }
            let nothing = bundle.is_empty();
            Ok(if nothing { Held::Nothing } else { Held::Value(Payload::Named(bundle)) })
        };
        read().map_err(|trouble| found.named(trouble))
    }

    async fn take_away(&self, at: &PlacementId, named: &[String]) -> Result<(), Trouble> {
        let found = self.files.locate(at)?;
        if found.target.look()?.is_none() {
            return Ok(());
        }
        let locked = found.target.lock(LOCK).await?;
        let Some(content) = found.target.read()? else { return Ok(()) };
        let version = content.seen.version;
        if found.place.is_empty() && named.is_empty() {
            return locked.remove(version);
        }
        let old = text(&content)?;
        let changed = || {
            found.check_plain(old)?;
            if named.is_empty() {
                return found.format.unset(old, &found.place);
            }
            let mut new = Zeroizing::new(old.to_owned());
            for name in named {
                new = found.format.unset(&new, &found.inner(name)?)?;
            }
            Ok(new)
        };
        let new = changed().map_err(|trouble| found.named(trouble))?;
        if *old != **new {
            locked.write(Some(version), new.as_bytes())?;
        }
        Ok(())
    }
}

#[async_trait]
impl Store for FileStore {
    fn limits(&self) -> StoreLimits {
        StoreLimits {
            readable: Readable::Value,
            write: WriteMode::Whole,
            read_at: self.read_at,
            min_gap: Duration::ZERO,
            max_bytes: Some(MAX_BYTES),
            named: None,
        }
    }

    async fn stat(&self, _: &Cx, at: &PlacementId) -> Result<Option<Slot>> {
        self.look(at).map_err(|trouble| trouble.at(&self.name, Op::Stat))
    }

    /// An expected version is kept to, though the write is of the whole file.
    async fn place(&self, _: &Cx, delivery: &Delivery<'_>) -> Result<Slot> {
        self.write(delivery).await.map_err(|trouble| trouble.at(&self.name, Op::Place))
    }

    async fn read(&self, _: &Cx, at: &PlacementId, named: &[String]) -> Result<Held> {
        self.held(at, named).map_err(|trouble| trouble.at(&self.name, Op::Read))
    }

    async fn remove(&self, _: &Cx, at: &PlacementId, named: &[String]) -> Result<()> {
        self.take_away(at, named).await.map_err(|trouble| trouble.at(&self.name, Op::Remove))
    }
}

fn check_size(payload: &Payload) -> Result<(), Trouble> {
    let size = |value: &SecretValue| value.expose_for(Purpose::Place).len();
    let largest = match payload {
        Payload::One(value) => size(value),
        Payload::Named(bundle) => bundle.iter().map(|(_, value)| size(value)).max().unwrap_or(0),
    };
    if largest <= MAX_BYTES {
        return Ok(());
    }
    Err(Trouble::new(ErrorKind::Invalid, format!("the value has more than {MAX_BYTES} bytes"))
        .with_hint("is it the value that is meant?"))
}

fn text(content: &Content) -> Result<&str, Trouble> {
    std::str::from_utf8(&content.bytes).map_err(|_| {
        Trouble::new(ErrorKind::Invalid, "the file is no UTF-8 text")
            .with_hint("binary files are not written: keep the secret in base64 or PEM")
    })
}

fn value(leaves: &Leaves, place: &[String]) -> Result<Option<SecretValue>, Trouble> {
    let refuse = |what: &str| {
        let message = format!("`{}` {what}", place.join("/"));
        Err(Trouble::new(ErrorKind::Invalid, message)
            .with_hint("is it the right place? a secret is a text there"))
    };
    match here(leaves, place)? {
        Some(Leaf::Text(text)) if text.is_empty() => Ok(None),
        Some(Leaf::Text(text)) => Ok(Some(SecretValue::new(text.as_str()))),
        Some(Leaf::Null) | None => {
            match leaves.iter().any(|(at, _)| at.len() > place.len() && at.starts_with(place)) {
                true => refuse("is not one value"),
                false => Ok(None),
            }
        }
        Some(Leaf::Unclear(_)) => refuse("is written so that its readers do not read it alike"),
        Some(Leaf::Other(_)) => refuse("holds something else than a text"),
    }
}
