//! After a mutation took effect and its reply was lost: the way back that the contract promises has to be there.

use std::time::Duration;

use keysweep_sdk::{LostReply, Op, Style};

use crate::{
    matrix::{Done, Prepared, Seen, call},
    store,
    suite::{Checked, Stop, Suite, active, ensure, fail, listed},
};

pub(crate) async fn after(suite: &mut Suite<'_>, prepared: &Prepared, before: &Seen) -> Checked {
    if prepared.op == Op::Mint {
        return match suite.issuer()?.limits().lost_reply {
            LostReply::Repeat => repeated_mint(suite, prepared, before).await,
            LostReply::Reconcile => one_new(suite, prepared, before).await.map(|_| ()),
            LostReply::RollSuccessor => rolled_successor(suite, prepared, before).await,
        };
    }
    // Idempotent: the same again succeeds, and the end is the same as if nothing had been lost.
    let provider = suite.provider.clone();
    let done = match prepared.op {
        Op::Place => {
            let at = suite.placements()?;
            let Some(payload) = &prepared.payload else { return fail("nothing to place") };
            store::place(suite, &at.at, payload).await.map(|_| Done::Nothing)?
        }
        _ => call(suite, &provider, prepared).await??,
    };
    let _ = done;
    match prepared.op {
        Op::Place | Op::Remove => in_store(suite, prepared).await,
        Op::EndSessions => Ok(()),
        op => at_issuer(suite, op).await,
    }
}

async fn in_store(suite: &mut Suite<'_>, prepared: &Prepared) -> Checked {
    let at = suite.placements()?;
    let Some(payload) = &prepared.payload else { return fail("nothing was placed") };
    if prepared.op == Op::Remove {
        return store::gone(suite, &at.at, payload).await;
    }
    match store::holds(suite, &at.at, payload).await {
        Ok(held) => ensure(held, || "it holds something else".into()),
        // Write-only, and the bench cannot look: the repeated write succeeded, which is what there is.
        Err(Stop::Excused(_)) => Ok(()),
        Err(failed) => Err(failed),
    }
}

async fn at_issuer(suite: &mut Suite<'_>, op: Op) -> Checked {
    let (limits, start) = (suite.revoker()?.limits(), suite.credentials()?);
    if op == Op::Enable {
        let within = suite.visible_within().max(limits.dead_within);
        return suite.becomes_live(&start.bundle, within).await;
    }
    suite.becomes_dead(&start.bundle, limits.dead_within).await?;
    if suite.provider.issuer.is_some() {
        let live = suite.lists(&start.principal, |live| !active(live, &start.old)).await?;
        let gone = if op == Op::Destroy {
            listed(&live, &start.old).is_none()
        } else {
            !active(&live, &start.old)
        };
        ensure(gone, || format!("`{}` in {live:?}", start.old))?;
    }
    Ok(())
}

/// The caller chose it: minted again, it is the same credential.
async fn repeated_mint(suite: &mut Suite<'_>, prepared: &Prepared, before: &Seen) -> Checked {
    let Some(chosen) = &prepared.chosen else { return fail("nothing was chosen") };
    let start = suite.credentials()?;
    let provider = suite.provider.clone();
    let Done::Minted(minted) = call(suite, &provider, prepared).await?? else {
        return fail("nothing was minted");
    };
    ensure(minted.id == chosen.id && minted.bundle.same(&chosen.bundle), || {
        format!("chosen `{}`, minted `{}`", chosen.id, minted.id)
    })?;
    let live = suite.lists(&start.principal, |live| listed(live, &chosen.id).is_some()).await?;
    let new: Vec<_> = live.iter().filter(|l| listed(&before.live, &l.id).is_none()).collect();
    ensure(new.len() == 1 && new[0].id == chosen.id, || format!("new are {new:?}"))?;
    let within = suite.visible_within();
    suite.becomes_live(&chosen.bundle, within).await
}

/// Exactly one is new within `visible_within`, with the marker where the issuer keeps it.
async fn one_new(
    suite: &mut Suite<'_>,
    prepared: &Prepared,
    before: &Seen,
) -> Checked<Option<keysweep_sdk::CredentialId>> {
    let (limits, start) = (suite.issuer()?.limits(), suite.credentials()?);
    if limits.style == Style::Ephemeral {
        return Ok(None);
    }
    let fresh = |live: &keysweep_sdk::Live| listed(&before.live, &live.id).is_none();
    let live = suite.lists(&start.principal, |live| live.iter().any(fresh)).await?;
    let new: Vec<_> = live.iter().filter(|live| fresh(live)).collect();
    let [one] = new[..] else {
        return fail(format!("new are {new:?}: the lost mint has to be listed once"));
    };
    ensure(!limits.marker || one.marker.as_deref() == Some(prepared.marker.as_str()), || {
        format!("the marker was `{}`, listed is {one:?}", prepared.marker)
    })?;
    Ok(Some(one.id.clone()))
}

/// The new one's id is the next to be rolled; that gives a credential that works.
async fn rolled_successor(suite: &mut Suite<'_>, prepared: &Prepared, before: &Seen) -> Checked {
    let start = suite.credentials()?;
    let Some(lost) = one_new(suite, prepared, before).await? else { return Ok(()) };
    let live = suite.snapshot(&start.principal).await?;
    ensure(!active(&live, &start.old), || format!("the old one is active: {live:?}"))?;
    let minted = suite.mint_for(&start.principal, &lost).await?;
    let within = suite.visible_within().max(Duration::from_millis(1));
    suite.becomes_live(&minted.bundle, within).await
}
