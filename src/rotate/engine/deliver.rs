//! Acts on stores and consumers.

use keysweep_sdk::{Delivery as Write, Held, Shape};

use super::{Did, RotateError, Run, said};
use crate::{
    plan::{Delivery, Proof, Reload},
    rotate::event::{Event, Step},
};

impl<'a> Run<'a> {
    /// Writes all placements of the unit, in their order. Cut short, all are written again.
    pub(super) async fn deliver(&mut self, i: usize) -> Result<Did, RotateError> {
        let step = Step::Deliver(i);
        let delivery = self.delivery(i);
        let Some((_, bundle)) = self.bundle()? else {
            return Ok(Did::Unanswered("the sealed value is not there".into()));
        };
        let store = self.calls(&delivery.provider)?;
        self.write(Event::Started { step })?;
        for place in &delivery.places {
            let payload = match bundle.shaped(&place.shape) {
                Ok(payload) => payload,
                Err(why) => {
                    let why = format!("{}:{}: {why}", delivery.provider, place.at);
                    return self.written(Event::Failed { step, why, doubt: false, hopeless: true });
                }
            };
            let slot = match store.stat(&place.at).await {
                Ok(slot) => slot,
                Err(error) => return self.failed(step, &error),
            };
            let expect = slot.as_ref().and_then(|slot| slot.version.as_deref());
            let write = Write { at: &place.at, payload: &payload, expect };
            if let Err(error) = store.place(&write).await {
                return self.failed(step, &error);
            }
        }
        self.written(Event::Done { step })
    }

    pub(super) async fn reload(&mut self, i: usize) -> Result<Did, RotateError> {
        let step = Step::Reload(i);
        let Some(Reload::Hook(argv)) = &self.delivery(i).reload else {
            return self.written(Event::Done { step });
        };
        self.write(Event::Started { step })?;
        match self.engine.hooks.run(argv).await {
            Ok(()) => self.written(Event::Done { step }),
            Err(why) => self.written(Event::Failed { step, why, doubt: false, hopeless: false }),
        }
    }

    pub(super) async fn prove(&mut self, i: usize) -> Result<Did, RotateError> {
        let delivery = self.delivery(i);
        let proved = match &delivery.proof {
            Proof::ReadBack => self.read_back(delivery).await?,
            Proof::Advanced => self.advanced(i).await?,
            Proof::Used => self.used(i).await?,
            Proof::Hook(argv) => self.engine.hooks.run(argv).await,
            Proof::Attested => Err("a person has to say so".into()),
        };
        let (good, why) = proved.map_or_else(|why| (false, why), |()| (true, String::new()));
        self.written(Event::Tried { step: Step::Prove(i), good, why })
    }

    async fn read_back(&self, delivery: &Delivery) -> Result<Result<(), String>, RotateError> {
        let Some((_, bundle)) = self.bundle()? else {
            return Ok(Err("the sealed value is not there".into()));
        };
        let store = self.calls(&delivery.provider)?;
        for place in &delivery.places {
            let at = format!("{}:{}", delivery.provider, place.at);
            let Ok(payload) = bundle.shaped(&place.shape) else {
                return Ok(Err(format!("{at}: a field is missing")));
            };
            match store.read(&place.at, &named(&place.shape)).await {
                Ok(Held::Value(held)) if held.same(&payload) => {}
                Ok(Held::Value(_)) => return Ok(Err(format!("{at} holds another value"))),
                Ok(Held::Nothing) => return Ok(Err(format!("{at} holds nothing"))),
                Err(error) => return Ok(Err(said(&error))),
            }
        }
        Ok(Ok(()))
    }

    /// A store that does not give values back says at least that it was written.
    async fn advanced(&self, i: usize) -> Result<Result<(), String>, RotateError> {
        let delivery = self.delivery(i);
        let store = self.calls(&delivery.provider)?;
        for place in &delivery.places {
            let at = format!("{}:{}", delivery.provider, place.at);
            let slot = match store.stat(&place.at).await {
                Ok(Some(slot)) => slot,
                Ok(None) => return Ok(Err(format!("{at} is not there"))),
                Err(error) => return Ok(Err(said(&error))),
            };
            let before = place.before.clone().unwrap_or_default();
            if (&slot.version, slot.updated) == (&before.version, before.updated) {
                return Ok(Err(format!("{at} does not say that it was written")));
            }
        }
        Ok(Ok(()))
    }

    /// Somebody used the new one after it was delivered. Our own verification came before that.
    async fn used(&self, i: usize) -> Result<Result<(), String>, RotateError> {
        let (Some(part), Some(new)) = (&self.rotation.usage, &self.state.new) else {
            return Ok(Err("nobody tells whether the new one is used".into()));
        };
        let usage = self.calls(&part.provider)?;
        let delivered = self.state.done_at(Step::Deliver(i));
        match usage.last_use(&self.rotation.principal, new).await {
            Ok(last) if last.at > delivered => Ok(Ok(())),
            Ok(_) => Ok(Err("the new one was not used yet".into())),
            Err(error) => Ok(Err(said(&error))),
        }
    }

    pub(super) async fn remove(&mut self, i: usize) -> Result<Did, RotateError> {
        let step = Step::Remove(i);
        let delivery = self.delivery(i);
        let store = self.calls(&delivery.provider)?;
        self.write(Event::Started { step })?;
        for place in &delivery.places {
            if let Err(error) = store.remove(&place.at, &named(&place.shape)).await {
                return self.failed(step, &error);
            }
        }
        self.written(Event::Done { step })
    }

    fn delivery(&self, i: usize) -> &'a Delivery {
        &self.rotation.deliveries[i]
    }
}

/// The names that a placement has for what it holds.
fn named(shape: &Shape) -> Vec<String> {
    match shape {
        Shape::Named(names) => names.keys().cloned().collect(),
        Shape::Field(_) | Shape::Template(_) => Vec::new(),
    }
}
