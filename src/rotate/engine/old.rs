//! Acts on the old credential.

use keysweep_sdk::{CredentialId, LiveState};

use super::{Did, RotateError, Run, said};
use crate::{
    invoke::Calls,
    rotate::{
        decide::moved_on,
        event::{Event, Step},
    },
};

impl Run<'_> {
    pub(super) fn revoker(&self) -> Result<Calls, RotateError> {
        let part = self.rotation.revoker.as_ref();
        self.calls(part.map_or(&self.rotation.provider, |part| &part.provider))
    }

    /// When the old one was last used, and a finding when that was after everybody had moved on.
    pub(super) async fn look_at_use(&mut self) -> Result<Did, RotateError> {
        let (Some(part), Some(old)) = (&self.rotation.usage, &self.rotation.old) else {
            return self.written(Event::Used { at: None, source: None });
        };
        let usage = self.calls(&part.provider)?;
        let last = match usage.last_use(&self.rotation.principal, old).await {
            Ok(last) => last,
            Err(error) => return Ok(Did::Unanswered(said(&error))),
        };
        let moved = moved_on(self.rotation, self.purpose(), &self.state, self.now());
        let late = moved.zip(last.at).filter(|(moved, at)| at > moved);
        let seen = self.state.last_use.as_ref().and_then(|(_, known)| known.at);
        if let Some((_, at)) = late.filter(|_| seen != last.at) {
            let source = last.source.clone().unwrap_or_else(|| "an unknown consumer".into());
            self.write(Event::Finding {
                what: format!(
                    "{source} used {old} at {at}, after all known consumers had moved on"
                ),
            })?;
        }
        self.written(Event::Used { at: last.at, source: last.source })
    }

    pub(super) async fn ask(&mut self, why: String) -> Result<Did, RotateError> {
        self.write(Event::Asked { why: why.clone() })?;
        let reply = self.engine.operator.contain(self.rotation, &why).await;
        self.written(Event::Answered { go: reply.go, by: reply.by, why: reply.why })
    }

    pub(super) async fn disable(&mut self) -> Result<Did, RotateError> {
        if let Some(did) = self.guard(Step::Disable).await? {
            return Ok(did);
        }
        let Some(old) = &self.rotation.old else {
            return self.written(Event::Done { step: Step::Disable });
        };
        self.write(Event::Started { step: Step::Disable })?;
        let disabled = self.revoker()?.disable(&self.rotation.principal, old).await;
        self.outcome(Step::Disable, disabled)
    }

    pub(super) async fn end_sessions(&mut self) -> Result<Did, RotateError> {
        let Some(old) = &self.rotation.old else {
            return self.written(Event::Done { step: Step::EndSessions });
        };
        self.write(Event::Started { step: Step::EndSessions })?;
        let before = self.now();
        let ended = self.revoker()?.end_sessions(&self.rotation.principal, old, before).await;
        self.outcome(Step::EndSessions, ended)
    }

    pub(super) async fn destroy(&mut self) -> Result<Did, RotateError> {
        if let Some(did) = self.guard(Step::Destroy).await? {
            return Ok(did);
        }
        let Some(old) = &self.rotation.old else {
            return self.written(Event::Done { step: Step::Destroy });
        };
        self.write(Event::Started { step: Step::Destroy })?;
        let destroyed = self.revoker()?.destroy(&self.rotation.principal, old).await;
        self.outcome(Step::Destroy, destroyed)
    }

    /// Where consumers have moved to the new one it has to be there, or the old one is kept: somebody else may have
    /// ended it meanwhile. A credential that nobody planned is told.
    async fn guard(&mut self, step: Step) -> Result<Option<Did>, RotateError> {
        let Some(new) = self.state.new.clone().filter(|_| self.state.delivered()) else {
            return Ok(None);
        };
        let contained = self.state.answer.as_ref().is_some_and(|answer| answer.go);
        let live = match self.live().await? {
            Ok(live) => live,
            // Containment does not wait for a list.
            Err(_) if contained => return Ok(None),
            Err(error) => return Ok(Some(Did::Unanswered(said(&error)))),
        };
        let strangers = live.iter().filter(|l| l.id != new && !self.state.known.contains(&l.id));
        let strangers: Vec<_> = strangers.map(|l| l.id.to_string()).collect();
        if !strangers.is_empty() {
            self.find(format!("{} appeared meanwhile, and is not ours", strangers.join(", ")))?;
        }
        let listed = !self.unlisted();
        let works = live.iter().any(|l| l.id == new && l.state == LiveState::Active);
        if !listed || works || contained || self.state.done(Step::Disable) {
            return Ok(None);
        }
        let why = format!("{new} does not work any more, so the old one is kept");
        self.written(Event::Failed { step, why, doubt: false, hopeless: true }).map(Some)
    }

    pub(super) async fn see_old(&mut self, step: Step) -> Result<Did, RotateError> {
        match &self.rotation.old {
            Some(old) => self.see(step, old).await,
            None => self.written(Event::Tried { step, good: true, why: String::new() }),
        }
    }

    /// Whether the issuer has ended a credential; at the end also whether the new one works.
    pub(super) async fn see(&mut self, step: Step, id: &CredentialId) -> Result<Did, RotateError> {
        let live = match self.live().await? {
            Ok(live) => live,
            Err(error) => return Ok(Did::Unanswered(said(&error))),
        };
        if self.unlisted() {
            let provider = &self.rotation.provider;
            self.find(format!("{provider} does not list: that {id} is dead rests on its answer"))?;
            return self.written(Event::Tried { step, good: true, why: String::new() });
        }
        let active =
            |id: &CredentialId| live.iter().any(|l| l.id == *id && l.state == LiveState::Active);
        let trouble = match &self.state.new {
            _ if active(id) => Some(format!("{id} is still active")),
            // The end that is told is the one that was seen.
            Some(new) if step == Step::Dead && !active(new) => Some(format!(
                "{id} is dead, and {new} does not work any more: somebody replaced it"
            )),
            Some(_) | None => None,
        };
        let good = trouble.is_none();
        self.written(Event::Tried { step, good, why: trouble.unwrap_or_default() })
    }

    /// Something a person should look at; told once.
    fn find(&mut self, what: String) -> Result<(), RotateError> {
        if self.state.findings.contains(&what) {
            return Ok(());
        }
        self.write(Event::Finding { what })
    }
}
