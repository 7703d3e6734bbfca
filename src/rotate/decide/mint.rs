//! From the intent to a new credential that works and whose value is sealed.

use keysweep_sdk::{CredentialId, LostReply};

use super::{Act, Next, View, after, fan_out, old};
use crate::rotate::{
    event::{Outcome, Step},
    state::Phase,
};

/// The issuer holds what the plan says. Nothing before this.
pub(super) fn intent(view: &View<'_>) -> Option<Next> {
    // What a lost mint left is ended before the next begins: it holds a slot.
    orphans(view).or_else(|| view.step(Step::Intent, Act::Intent))
}

/// A slot for the new one, where all are taken.
pub(super) fn free(view: &View<'_>) -> Option<Next> {
    let id = view.plan.free.as_ref()?;
    view.step(Step::Free, Act::Free(id.clone()))
}

/// The issuer makes up the value: a call whose reply is lost has lost the value.
pub(super) fn mint(view: &View<'_>) -> Option<Next> {
    match view.state.phase(Step::Mint) {
        Phase::Done { .. } => None,
        Phase::Never => Some(Next::Do(Act::Mint)),
        Phase::Started { at } => Some(reconcile(view, *at)),
        Phase::Failed { at, doubt: true, .. } => Some(reconcile(view, *at)),
        Phase::Failed { doubt: false, .. } => view.step(Step::Mint, Act::Mint),
    }
}

/// What became of a mint without a reply. Never claims that nothing changed without a list that shows it.
fn reconcile(view: &View<'_>, asked: jiff::Timestamp) -> Next {
    let visible = after(asked, view.plan.issuer.visible_within);
    let Some(look) = view.state.look.as_ref().filter(|look| look.at >= asked) else {
        return Next::Do(Act::Look);
    };
    match look.new.as_slice() {
        [] if look.at >= visible => Next::Do(Act::Mint),
        [] if view.now >= visible => Next::Do(Act::Look),
        [] => Next::Wait {
            until: visible,
            why: "the reply of the mint was lost; its credential may still become visible".into(),
        },
        [id] if look.ours => Next::Do(Act::Disown(id.clone())),
        ids => {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            Next::Park {
                why: format!(
                    "the reply of the mint was lost, and {} may be ours or somebody else's: destroy it if it is nobody's, then resume",
                    ids.join(", ")
                ),
            }
        }
    }
}

/// Disable, wait until it is visible everywhere, destroy.
fn orphans(view: &View<'_>) -> Option<Next> {
    let (id, orphan) = view.state.orphans.iter().find(|(_, orphan)| !orphan.gone)?;
    if view.plan.revoker.is_none() {
        return Some(Next::Park {
            why: format!("{id} has to be destroyed by hand: {}", orphan.why),
        });
    }
    if view.reversible() && !orphan.disabled {
        return Some(Next::Do(Act::DisableOrphan(id.clone())));
    }
    let visible = after(orphan.found, view.plan.issuer.visible_within);
    view.wait(
        visible,
        "a credential whose value is lost is destroyed when it is visible everywhere",
    )
    .or_else(|| Some(Next::Do(Act::DestroyOrphan(id.clone()))))
}

/// The caller's value is sealed before it is set.
pub(super) fn choose(view: &View<'_>) -> Option<Next> {
    view.step(Step::Choose, Act::Choose)
}

/// Setting the same value again changes nothing, so a lost reply is repeated.
pub(super) fn set(view: &View<'_>) -> Option<Next> {
    view.step(Step::Mint, Act::Mint)
}

/// A roll whose reply is lost is repaired by rolling the successor; the old one is never rolled twice.
pub(super) fn roll(view: &View<'_>) -> Option<Next> {
    let asked = match view.state.phase(Step::Mint) {
        Phase::Done { .. } => return None,
        Phase::Never => return Some(Next::Do(Act::Mint)),
        Phase::Failed { doubt: false, .. } => return view.step(Step::Mint, Act::Mint),
        Phase::Started { at } | Phase::Failed { at, doubt: true, .. } => *at,
    };
    match view.plan.issuer.lost_reply {
        LostReply::Repeat => view.step(Step::Mint, Act::Mint),
        LostReply::RollSuccessor | LostReply::Reconcile => Some(match reconcile(view, asked) {
            // The old one is dead: what is there is not ended, its value is replaced.
            Next::Do(Act::Disown(id)) => Next::Do(Act::RollAgain(id)),
            next => next,
        }),
    }
}

/// A person mints it.
pub(super) fn ask_value(view: &View<'_>) -> Option<Next> {
    view.step(Step::Mint, Act::AskValue)
}

/// The issuer takes the new value, several times in a row. Until it has to be visible, a refusal means "not yet".
pub(super) fn verify(view: &View<'_>) -> Option<Next> {
    let verifier = view.plan.verifier.as_ref()?;
    if view.state.done(Step::Verify) {
        return None;
    }
    if view.state.delivered() {
        // Consumers have it: whatever it is, taking it back is no way out any more.
        return None;
    }
    let Some(tries) = view.state.tries(Step::Verify) else {
        return Some(Next::Do(Act::Verify));
    };
    if tries.streak >= verifier.limits.successes {
        return Some(Next::Do(Act::Pass(Step::Verify)));
    }
    let minted = view.state.minted.unwrap_or(tries.first);
    let late = after(minted, view.plan.issuer.visible_within);
    if tries.streak == 0 && tries.last >= late {
        return Some(refused(view, &tries.why));
    }
    view.wait(after(tries.last, verifier.limits.spacing), "the issuer is asked again")
        .or(Some(Next::Do(Act::Verify)))
}

/// A new one that does not work reaches nobody.
fn refused(view: &View<'_>, why: &str) -> Next {
    match (&view.state.new, view.plan.overlaps()) {
        (Some(id), true) => take_back(view, id.clone()),
        _ => Next::Park { why: format!("the issuer does not take the new one: {why}") },
    }
}

fn take_back(view: &View<'_>, id: CredentialId) -> Next {
    let discarded = match view.plan.revoker {
        Some(_) => view.step(Step::Discard, Act::Discard(id.clone())),
        None => fan_out::person(view, Step::Discard, &format!("{id} has to be revoked by hand")),
    };
    discarded.or_else(|| old::gone(view, id)).unwrap_or_else(|| rolled_back(view))
}

/// Never said of an old one that is not as it was.
fn rolled_back(view: &View<'_>) -> Next {
    view.step(Step::Shred, Act::Shred).unwrap_or_else(|| {
        if view.touched() {
            let why = "the new one did not work and is gone, and the old one is ended already: make a new plan";
            Next::Park { why: why.into() }
        } else {
            Next::Close(Outcome::RolledBack)
        }
    })
}

/// An operator wants out: possible until the first delivery, and where the old one still lives.
pub(super) fn abort(view: &View<'_>) -> Option<Next> {
    view.state.abort.as_ref()?;
    let rolled = view.state.successor.is_some();
    if view.state.delivered() || view.touched() || rolled {
        return None;
    }
    let untouched = !view.state.may_be_minted();
    match view.state.phase(Step::Mint) {
        Phase::Started { .. } | Phase::Failed { doubt: true, .. } if view.plan.overlaps() => {
            // Set by us under an id we know, or lost: the first can be taken back, the second is looked for.
            match &view.state.new {
                Some(id) => Some(take_back(view, id.clone())),
                None => gone_or_found(view),
            }
        }
        Phase::Done { .. } if view.plan.overlaps() => {
            let id = view.state.new.clone()?;
            Some(take_back(view, id))
        }
        Phase::Never | Phase::Failed { doubt: false, .. } if untouched || view.plan.overlaps() => {
            Some(rolled_back(view))
        }
        // The old one is dead or in doubt: forward is the only way.
        Phase::Never | Phase::Started { .. } | Phase::Failed { .. } | Phase::Done { .. } => None,
    }
}

fn gone_or_found(view: &View<'_>) -> Option<Next> {
    match mint(view) {
        // It is certain now that there is nothing.
        Some(Next::Do(Act::Mint)) => Some(rolled_back(view)),
        next => next,
    }
}
