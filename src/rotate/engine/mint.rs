//! Acts from the intent to a new credential that works.

use std::collections::BTreeSet;

use keysweep_sdk::{
    Bundle, Chooser, Chosen, CredentialId, Live, LiveState, MintRequest, Minted, Style, Verdict,
};

use super::{Did, RotateError, Run, said};
use crate::rotate::event::{Event, Step};

impl Run<'_> {
    /// The issuer and the stores are as the plan saw them; every store can be written, as far as it tells.
    pub(super) async fn intent(&mut self) -> Result<Did, RotateError> {
        let live = match self.live().await? {
            Ok(live) => live,
            Err(error) => return self.failed(Step::Intent, &error),
        };
        let again = !self.state.orphans.is_empty();
        let mut drift = self.drift(&live, again);
        if !again {
            match self.preflight().await? {
                Ok(changed) => drift.extend(changed),
                Err(error) => return self.failed(Step::Intent, &error),
            }
        }
        if !drift.is_empty() {
            if again {
                let event = Event::Failed {
                    step: Step::Intent,
                    why: drift.join("; "),
                    doubt: false,
                    hopeless: true,
                };
                return self.written(event);
            }
            return Err(RotateError::Stale(drift));
        }
        let marker = (self.engine.mark)();
        self.written(Event::Intent { marker, known: live.into_iter().map(|l| l.id).collect() })
    }

    /// How the issuer's list differs from the plan's. After a mint was cleaned up only the ids count: we may have
    /// disabled the old one ourselves.
    fn drift(&self, live: &[Live], again: bool) -> Vec<String> {
        let mut drift = Vec::new();
        let freed = |id: &CredentialId| again && self.rotation.free.as_ref() == Some(id);
        for seen in &self.rotation.observed {
            match live.iter().find(|l| l.id == seen.id) {
                None if freed(&seen.id) => {}
                None => drift.push(format!("{} is not there any more", seen.id)),
                Some(now) if !again && now.state != seen.state => {
                    drift.push(format!("{} is {:?} and was {:?}", seen.id, now.state, seen.state));
                }
                Some(_) => {}
            }
        }
        let planned: BTreeSet<_> = self.rotation.observed.iter().map(|l| &l.id).collect();
        let new = live.iter().filter(|l| !planned.contains(&l.id));
        drift.extend(new.map(|l| format!("{} is new", l.id)));
        drift
    }

    async fn preflight(&self) -> Result<Result<Vec<String>, keysweep_sdk::Error>, RotateError> {
        let mut drift = Vec::new();
        for delivery in &self.rotation.deliveries {
            let store = self.calls(&delivery.provider)?;
            for place in &delivery.places {
                let slot = match store.stat(&place.at).await {
                    Ok(slot) => slot,
                    Err(error) if delivery.required => return Ok(Err(error)),
                    Err(_) => continue,
                };
                let mark = |slot: &Option<keysweep_sdk::Slot>| {
                    slot.as_ref().map(|slot| (slot.version.clone(), slot.updated))
                };
                if mark(&slot) != mark(&place.before) {
                    drift.push(format!("{}:{} was written since", delivery.provider, place.at));
                }
            }
        }
        Ok(Ok(drift))
    }

    /// Destroys the disabled one in the slot that is needed, if it is still what the plan saw.
    pub(super) async fn free(&mut self, id: &CredentialId) -> Result<Did, RotateError> {
        let live = match self.live().await? {
            Ok(live) => live,
            Err(error) => return self.failed(Step::Free, &error),
        };
        let disabled =
            live.iter().find(|l| l.id == *id).is_none_or(|l| l.state == LiveState::Inactive);
        let known: BTreeSet<_> = self.state.known.iter().collect();
        if !disabled || live.iter().any(|l| !known.contains(&l.id)) {
            let why = format!("the credentials of {} have changed: {id} is kept", self.rotation.id);
            return self.written(Event::Failed {
                step: Step::Free,
                why,
                doubt: false,
                hopeless: true,
            });
        }
        self.write(Event::Started { step: Step::Free })?;
        let destroyed = self.revoker()?.destroy(&self.rotation.principal, id).await;
        self.outcome(Step::Free, destroyed)
    }

    pub(super) async fn choose(&mut self) -> Result<Did, RotateError> {
        let issuer = self.calls(&self.rotation.provider)?;
        let principal = &self.rotation.principal;
        let live = match self.live().await? {
            Ok(live) => live,
            Err(error) => return self.failed(Step::Choose, &error),
        };
        match issuer.choose(principal, &live, self.rotation.old.as_ref()).await {
            Ok(Some(chosen)) => self.seal(chosen.id, &chosen.bundle, |id| Event::Chose { id }),
            Ok(None) => self.written(Event::Failed {
                step: Step::Choose,
                why: format!("{} makes up no value", self.rotation.provider),
                doubt: false,
                hopeless: true,
            }),
            Err(error) => self.failed(Step::Choose, &error),
        }
    }

    pub(super) async fn ask_value(&mut self) -> Result<Did, RotateError> {
        let Some(minted) = self.engine.operator.value(self.rotation).await else {
            return self.written(Event::Failed {
                step: Step::Mint,
                why: "a person has to mint it and give its value".into(),
                doubt: false,
                hopeless: true,
            });
        };
        self.write(Event::Started { step: Step::Mint })?;
        self.seal(minted.id, &minted.bundle, |id| Event::Minted { id })
    }

    pub(super) async fn mint(&mut self) -> Result<Did, RotateError> {
        let issuer = self.calls(&self.rotation.provider)?;
        let chosen = match self.rotation.issuer.chooser {
            Chooser::Caller => self.bundle()?.map(|(id, bundle)| Chosen { id, bundle }),
            Chooser::Issuer => None,
        };
        let marker = self.state.marker.clone().unwrap_or_default();
        let rolled = self.state.successor.as_ref().or(self.rotation.old.as_ref()).cloned();
        self.write(Event::Started { step: Step::Mint })?;
        let request = MintRequest {
            principal: &self.rotation.principal,
            marker: &marker,
            replaces: rolled.as_ref(),
            chosen: chosen.as_ref(),
        };
        match issuer.mint(&request).await {
            Ok(Minted { id, bundle, .. }) if chosen.is_none() => {
                self.seal(id, &bundle, |id| Event::Minted { id })
            }
            Ok(Minted { id, .. }) => self.written(Event::Minted { id }),
            Err(error) => self.failed(Step::Mint, &error),
        }
    }

    /// The line and the sealed value in one: there is no moment with an id and without its value.
    fn seal(
        &mut self,
        id: CredentialId,
        bundle: &Bundle,
        event: impl FnOnce(CredentialId) -> Event,
    ) -> Result<Did, RotateError> {
        let sealed = self.engine.sealer.seal(bundle)?;
        self.write_with(event(id.clone()), Some((&id, &sealed)))?;
        Ok(Did::Written)
    }

    /// After a lost reply: what the issuer lists that was not there.
    pub(super) async fn look(&mut self) -> Result<Did, RotateError> {
        let live = match self.live().await? {
            Ok(live) => live,
            Err(error) => return Ok(Did::Unanswered(said(&error))),
        };
        let new = live.iter().filter(|l| !self.state.known.contains(&l.id));
        let (new, ours): (Vec<_>, bool) = if self.rotation.issuer.marker {
            // A stranger's has another mark, or none, and is left alone.
            let marked = new.filter(|l| l.marker.is_some() && l.marker == self.state.marker);
            (marked.map(|l| l.id.clone()).collect(), true)
        } else {
            (new.map(|l| l.id.clone()).collect(), self.rotation.sole_writer)
        };
        let ours = ours && new.len() == 1;
        self.written(Event::Looked { new, ours })
    }

    pub(super) fn disown(&mut self, id: CredentialId) -> Result<Did, RotateError> {
        self.written(Event::Orphan { id, why: "the reply of its mint was lost".into() })
    }

    pub(super) async fn disable_orphan(&mut self, id: CredentialId) -> Result<Did, RotateError> {
        match self.revoker()?.disable(&self.rotation.principal, &id).await {
            Ok(()) => self.written(Event::OrphanDisabled { id }),
            Err(error) => Ok(Did::Unanswered(said(&error))),
        }
    }

    pub(super) async fn destroy_orphan(&mut self, id: CredentialId) -> Result<Did, RotateError> {
        if let Err(error) = self.revoker()?.destroy(&self.rotation.principal, &id).await {
            return Ok(Did::Unanswered(said(&error)));
        }
        // It is told of until it is seen to be gone.
        match self.live().await? {
            Ok(live) if live.iter().any(|l| l.id == id) => {
                Ok(Did::Unanswered(format!("{id} was destroyed and is still listed")))
            }
            Ok(_) => self.written(Event::OrphanGone { id }),
            Err(error) => Ok(Did::Unanswered(said(&error))),
        }
    }

    /// Asks the issuer with the new value. "Cannot tell" is not "no".
    pub(super) async fn verify(&mut self) -> Result<Did, RotateError> {
        let Some((_, bundle)) = self.bundle()? else {
            return Ok(Did::Unanswered("the sealed value is not there".into()));
        };
        let Some(part) = &self.rotation.verifier else {
            return self.written(Event::Done { step: Step::Verify });
        };
        let verifier = self.calls(&part.provider)?;
        let (good, why) = match verifier.verify(&self.rotation.principal, &bundle).await {
            Ok(Verdict::Live(identity)) => match identity.principal {
                Some(other) if other != self.rotation.principal && !self.alternates() => {
                    (false, format!("it belongs to {other}"))
                }
                Some(_) | None => (true, String::new()),
            },
            Ok(Verdict::Dead) => (false, "its issuer refuses it".into()),
            Ok(Verdict::Unknown(why)) => return Ok(Did::Unanswered(why)),
            Err(error) => return Ok(Did::Unanswered(said(&error))),
        };
        self.written(Event::Tried { step: Step::Verify, good, why })
    }

    /// One principal of the plan may stand for several at its issuer, of which one rests.
    fn alternates(&self) -> bool {
        self.rotation.style == Style::CallerChosen
    }

    pub(super) async fn discard(&mut self, id: &CredentialId) -> Result<Did, RotateError> {
        self.write(Event::Started { step: Step::Discard })?;
        let destroyed = self.revoker()?.destroy(&self.rotation.principal, id).await;
        self.outcome(Step::Discard, destroyed)
    }
}
