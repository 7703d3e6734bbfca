//! A slot for the new credential, where its issuer has only so many.

use std::time::Duration;

use jiff::Timestamp;
use keysweep_sdk::{Chooser, CredentialId, IssuerLimits, Live, LiveState, Style, UsageLimits, Use};

use super::{build::Refusal, observed::SeenCredential, old::ids, timing::later};

/// What decides about slots.
pub(super) struct Slots<'a> {
    pub(super) style: Style,
    pub(super) issuer: &'a IssuerLimits,
    pub(super) usage: Option<&'a UsageLimits>,
    pub(super) live: &'a [Live],
    pub(super) old: Option<&'a CredentialId>,
    pub(super) seen: &'a SeenCredential,
    /// How long one has to be unused.
    pub(super) quiet: Duration,
    pub(super) now: Timestamp,
}

impl Slots<'_> {
    /// The disabled credential that has to go first; `None` where there is room.
    ///
    /// # Errors
    ///
    /// When all slots are taken by what somebody may still need. Then none is touched.
    pub(super) fn free(&self) -> Result<Option<CredentialId>, Refusal> {
        let minted_beside = matches!(self.style, Style::Overlap | Style::Ephemeral);
        let Some(most) = self.issuer.max_live.filter(|_| minted_beside) else { return Ok(None) };
        if self.issuer.chooser == Chooser::Caller || self.taken() < most as usize {
            return Ok(None);
        }
        let mut free: Vec<&Live> =
            self.live.iter().filter(|l| self.why_kept(l).is_none()).collect();
        // The one that nobody used for longest; one that was never used before all.
        free.sort_by_key(|l| (self.used(&l.id).and_then(|u| u.at), l.created, &l.id));
        match free.first() {
            Some(free) => Ok(Some(free.id.clone())),
            None => Err(self.refusal(most)),
        }
    }

    fn taken(&self) -> usize {
        let counts = |l: &&Live| self.issuer.inactive_count || l.state == LiveState::Active;
        self.live.iter().filter(counts).count()
    }

    fn used(&self, id: &CredentialId) -> Option<&Use> {
        self.seen.uses.get(id)
    }

    /// Why a credential may not lose its slot.
    fn why_kept(&self, live: &Live) -> Option<String> {
        if self.old == Some(&live.id) {
            return Some("its consumers use it".to_owned());
        }
        if live.state == LiveState::Active {
            return Some("it is active".to_owned());
        }
        if !self.issuer.inactive_count {
            return Some("it takes no slot".to_owned());
        }
        if self.seen.evidence.contains(&live.id) {
            return Some("it is kept as evidence".to_owned());
        }
        if let Some(place) = self.seen.named_in.get(&live.id).and_then(|places| places.first()) {
            return Some(format!("{place} names it"));
        }
        let (Some(limits), Some(used)) = (self.usage, self.used(&live.id)) else {
            return Some("nobody tells when it was last used".to_owned());
        };
        let blur = limits.granularity.saturating_add(limits.lag).saturating_add(self.quiet);
        let at = used.at.filter(|at| later(*at, blur) > self.now)?;
        Some(format!("it was used at {at}"))
    }

    fn refusal(&self, most: u32) -> Refusal {
        let kept = self.live.iter().filter_map(|l| {
            let why = self.why_kept(l)?;
            Some(format!("{}: {why}", l.id))
        });
        let kept: Vec<String> = kept.collect();
        let others = ids(self.live.iter().filter(|l| self.old != Some(&l.id)));
        Refusal::new(
            format!("all {most} slots are taken, and none may be freed ({})", kept.join("; ")),
            format!(
                "move every consumer of {others} to one credential and end the other; or make a second principal with \
                 the same permissions; or disable {others} by hand now and see who stops"
            ),
        )
    }
}
