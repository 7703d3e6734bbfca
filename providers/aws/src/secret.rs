//! Secrets Manager: secrets that are there already.
//!
//! A value that is the whole secret is put as the current version. Where only some values of a JSON object are ours, the
//! new object is put as a version that nobody reads, and the label `AWSCURRENT` is moved to it from the version that was
//! read: AWS refuses that if somebody has moved it meanwhile, so nobody's value is lost.

use keysweep_sdk::{Error, ErrorKind, Held, Op, Payload, Purpose, Result, SecretValue, Slot};

use crate::{
    Aws,
    object::{NotAnObject, Object},
    stamp,
    version::{Now, Write},
};

/// Bytes of a secret ("Secrets Manager quotas").
pub(crate) const MOST: usize = 65_536;

impl Aws {
    pub(crate) async fn stat_secret(&self, id: &str, key: Option<&str>) -> Result<Option<Slot>> {
        let Some(secret) = self.described(Op::Stat, id).await? else { return Ok(None) };
        if let Some(key) = key {
            // To write one key its neighbours are read: that this is possible is part of the preflight.
            let (text, _) = self.text(Op::Stat, id).await?;
            if !self.object(Op::Stat, id, text.as_ref())?.has(key) {
                return Ok(None);
            }
        }
        let mut slot = Now::of(&secret).slot;
        slot.seen_by.extend(self.let_in(id).await?);
        Ok(Some(slot))
    }

    pub(crate) async fn place_secret(
        &self,
        id: &str,
        key: Option<&str>,
        payload: &Payload,
        expect: Option<&str>,
    ) -> Result<Slot> {
        let Some(secret) = self.described(Op::Place, id).await? else {
            let message = format!("the secret `{id}` is not there, or is to be deleted");
            return Err(self.refuse(Op::Place, ErrorKind::NotFound, message).with_hint(
                "make or restore it first, with the KMS key and the readers that it is to have",
            ));
        };
        let mut now = Now::of(&secret);
        let merged;
        let (text, write) = match (key, payload) {
            (None, Payload::One(value)) if expect.is_none() => (value, Write::Replace),
            (None, Payload::One(value)) => (value, Write::Compare),
            (Some(key), Payload::One(value)) => {
                merged = self.merged(id, &mut now, |object| object.set(key, value)).await?;
                (&merged, Write::Compare)
            }
            (None, Payload::Named(values)) => {
                let mut all = values.iter();
                let set = |object: &mut Object| all.try_for_each(|(n, value)| object.set(n, value));
                merged = self.merged(id, &mut now, set).await?;
                (&merged, Write::Compare)
            }
            (Some(_), Payload::Named(_)) => {
                let message = format!("one key of `{id}` takes one value");
                return Err(self.refuse(Op::Place, ErrorKind::Invalid, message));
            }
        };
        self.fits(id, text)?;
        let token = stamp::token(id, text);
        if now.holds || now.version.as_deref() == Some(&token) {
            return Ok(now.slot);
        }
        if expect.is_some_and(|expected| now.version.as_deref() != Some(expected)) {
            return Err(self.changed(Op::Place, id));
        }
        self.write(Op::Place, id, text, &token, &now, write).await?;
        Ok(Slot { version: Some(token), updated: None, ..now.slot })
    }

    pub(crate) async fn read_secret(
        &self,
        id: &str,
        key: Option<&str>,
        named: &[String],
    ) -> Result<Held> {
        let (Some(text), _) = self.text(Op::Read, id).await? else { return Ok(Held::Nothing) };
        if key.is_none() && named.is_empty() {
            return Ok(Held::Value(Payload::One(text)));
        }
        let object = self.object(Op::Read, id, Some(&text))?;
        if let Some(key) = key {
            let value = object.value(key);
            return Ok(value.map_or(Held::Nothing, |v| Held::Value(Payload::One(v))));
        }
        let values = object.values(named);
        Ok(if values.is_empty() { Held::Nothing } else { Held::Value(Payload::Named(values)) })
    }

    pub(crate) async fn remove_secret(
        &self,
        id: &str,
        key: Option<&str>,
        named: &[String],
    ) -> Result<()> {
        let Some(secret) = self.described(Op::Remove, id).await? else { return Ok(()) };
        let names: Vec<&str> = key.into_iter().chain(named.iter().map(String::as_str)).collect();
        if names.is_empty() {
            return self.delete(id).await;
        }
        let mut now = Now::of(&secret);
        let (held, version) = self.text(Op::Remove, id).await?;
        let mut object = self.object(Op::Remove, id, held.as_ref())?;
        now.version = version.or(now.version);
        if names.into_iter().filter(|name| object.unset(name)).count() == 0 {
            return Ok(());
        }
        let text = object.text().map_err(|NotAnObject| self.no_object(Op::Remove, id))?;
        let token = stamp::token(id, &text);
        self.write(Op::Remove, id, &text, &token, &now, Write::Compare).await
    }

    /// The object as it is now, changed. `now` becomes the version that was read.
    async fn merged(
        &self,
        id: &str,
        now: &mut Now,
        change: impl FnOnce(&mut Object) -> std::result::Result<(), NotAnObject>,
    ) -> Result<SecretValue> {
        let (held, version) = self.text(Op::Place, id).await?;
        let mut object = self.object(Op::Place, id, held.as_ref())?;
        now.version = version;
        let text = change(&mut object).and_then(|()| object.text());
        let text = text.map_err(|NotAnObject| self.no_object(Op::Place, id))?;
        if held.is_some_and(|held| Object::parse(&held).is_ok_and(|held| held.same(&object))) {
            // Nothing changes: then what is current is what is to be written, whoever wrote it.
            now.holds = true;
        }
        Ok(text)
    }

    fn object(&self, op: Op, id: &str, text: Option<&SecretValue>) -> Result<Object> {
        text.map_or_else(
            || Ok(Object::default()),
            |text| Object::parse(text).map_err(|NotAnObject| self.no_object(op, id)),
        )
    }

    fn no_object(&self, op: Op, id: &str) -> Error {
        self.refuse(op, ErrorKind::Invalid, format!("the secret `{id}` is not a JSON object"))
            .with_hint("deliver one value to it, without a key")
    }

    fn fits(&self, id: &str, text: &SecretValue) -> Result<()> {
        let size = text.expose_for(Purpose::Place).len();
        if (1..=MOST).contains(&size) {
            return Ok(());
        }
        let message = format!("the secret `{id}` would have {size} bytes; it takes 1 to {MOST}");
        Err(self.refuse(Op::Place, ErrorKind::Invalid, message))
    }
}
