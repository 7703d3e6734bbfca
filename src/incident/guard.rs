//! Guards: what a payload tested, or needed, before it took anything.

use super::{
    Capabilities, Context, Hit, Standing,
    document::{Effect, Guard, Needs},
    examine::cleared,
};
use crate::ci::model::{Certainty, Os};

impl<'p> Hit<'p> {
    pub(super) fn apply(&mut self, guard: &'p Guard, context: &Context) {
        match (guard.effect, is_met(&guard.needs, context)) {
            (_, Some(true)) => {}
            (Effect::NotRun, Some(false)) => self.standing = cleared(&guard.why),
            (Effect::NotRun, None) => {
                let reason = format!("{}; whether that holds here is not known", guard.why);
                if matches!(self.standing, Standing::Bad { .. }) {
                    self.standing = Standing::Unknown { reason };
                }
            }
            (Effect::TookNothing, Some(false)) => {
                self.payload = Capabilities::none();
                self.notes.push(&guard.why);
            }
            (Effect::InDoubt, Some(false)) => {
                self.payload_certainty = Certainty::Possible;
                self.notes.push(&guard.why);
            }
            // Doubt about the runner is no reason to believe that nothing was taken.
            (Effect::TookNothing | Effect::InDoubt, None) => {}
        }
    }
}

/// `None`: cannot be told.
fn is_met(needs: &Needs, context: &Context) -> Option<bool> {
    match needs {
        Needs::Owner(owners) => {
            let owner = context.repository_owner.as_deref()?;
            Some(owners.iter().any(|listed| listed.eq_ignore_ascii_case(owner)))
        }
        Needs::Os(listed) => {
            (context.os != Os::Unknown).then(|| listed.iter().any(|name| name.is(context.os)))
        }
        Needs::Hosted(wanted) => context.self_hosted.map(|self_hosted| self_hosted != *wanted),
        Needs::Public(wanted) => context.public.map(|public| public == *wanted),
        Needs::InstallScripts(wanted) => context.install_scripts.map(|on| on == *wanted),
    }
}
