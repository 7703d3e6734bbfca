use std::time::Duration;

use keysweep_sdk::{CredentialId, Effect, ErrorKind, LiveState, Minted, Op, RevokerLimits};

use crate::matrix::Seen;
use crate::suite::{Checked, Suite, active, checks, ensure, excuse, listed, refused};

const ALWAYS: &[&str] = &[
    "destroy/ends-it-and-no-other",
    "destroy/what-was-replaced-and-is-gone",
    "destroy/what-never-was",
];
const REVERSIBLE: &[&str] = &["disable/reversible", "disable/gone", "enable/gone"];

pub(crate) fn demanded(limits: &RevokerLimits) -> Vec<&'static str> {
    let mut names = ALWAYS.to_vec();
    if limits.reversible {
        names.extend(REVERSIBLE);
    } else {
        names.push("disable/unsupported");
    }
    if limits.sessions.as_ref().is_some_and(|sessions| sessions.can_end) {
        names.push("end-sessions/twice");
    }
    names
}

pub(crate) async fn run(suite: &mut Suite<'_>) {
    let Some(limits) = suite.capabilities().revoker.clone() else { return };
    checks!(suite;
        "destroy/ends-it-and-no-other" => destroy_ends_it,
        "destroy/what-was-replaced-and-is-gone" => destroy_replaced,
        "destroy/what-never-was" => destroy_never_was,
    );
    if limits.reversible {
        checks!(suite;
            "disable/reversible" => disable_reversible,
            "disable/gone" => disable_gone,
            "enable/gone" => enable_gone,
        );
    } else {
        checks!(suite; "disable/unsupported" => disable_unsupported);
    }
    if limits.sessions.is_some_and(|sessions| sessions.can_end) {
        checks!(suite; "end-sessions/twice" => end_sessions_twice);
    }
}

async fn destroy(suite: &mut Suite<'_>, id: &CredentialId) -> Checked {
    let (revoker, cx, start) = (suite.revoker()?, suite.cx.clone(), suite.credentials()?);
    Ok(suite.call(Op::Destroy, revoker.destroy(&cx, &start.principal, id)).await??)
}

/// A successor where there can be one, which has to go on through whatever happens to the old one.
async fn successor(suite: &mut Suite<'_>) -> Checked<Option<Minted>> {
    if !suite.mints() {
        return Ok(None);
    }
    let minted = suite.mint().await?;
    let within = suite.visible_within();
    suite.becomes_live(&minted.bundle, within).await?;
    Ok(Some(minted))
}

async fn goes_on(suite: &mut Suite<'_>, successor: Option<&Minted>) -> Checked {
    match successor {
        Some(minted) => suite.stays_live(&minted.bundle).await,
        None => Ok(()),
    }
}

async fn destroy_ends_it(suite: &mut Suite<'_>) -> Checked {
    let (limits, start) = (suite.revoker()?.limits(), suite.credentials()?);
    let new = successor(suite).await?;
    let issuer = suite.provider.issuer.is_some();
    let before = if issuer { suite.snapshot(&start.principal).await? } else { Vec::new() };
    for _ in 0..2 {
        destroy(suite, &start.old).await?;
    }
    suite.becomes_dead(&start.bundle, limits.dead_within).await?;
    goes_on(suite, new.as_ref()).await?;
    if issuer {
        let after =
            suite.lists(&start.principal, |live| listed(live, &start.old).is_none()).await?;
        let rest: Vec<_> = before.into_iter().filter(|live| live.id != start.old).collect();
        ensure(rest == after, || format!("{rest:?} should be left, {after:?} is"))?;
    }
    Ok(())
}

/// A credential that its successor replaced in the same slot is gone; to destroy it must not destroy the successor.
async fn destroy_replaced(suite: &mut Suite<'_>) -> Checked {
    let start = suite.credentials()?;
    let Some(mut new) = successor(suite).await? else { return excuse("nothing is issued") };
    let mut gone = vec![start.old.clone()];
    // With two slots it takes two mints until the first one's slot is used again.
    for _ in 0..3 {
        let live = suite.snapshot(&start.principal).await?;
        if gone.iter().any(|id| listed(&live, id).is_none()) {
            break;
        }
        if suite.issuer()?.limits().chooser == keysweep_sdk::Chooser::Issuer {
            break;
        }
        gone.push(new.id.clone());
        let last = new.id.clone();
        match suite.try_mint(&start.principal, &last).await? {
            Ok(minted) => new = minted,
            Err(error) => {
                refused::<()>(Err(error), &[ErrorKind::LimitReached])?;
                break;
            }
        }
    }
    let live = suite.snapshot(&start.principal).await?;
    gone.retain(|id| listed(&live, id).is_none());
    if gone.is_empty() {
        return excuse("nothing is replaced by its successor");
    }
    for id in &gone {
        destroy(suite, id).await?;
    }
    suite.stays_live(&new.bundle).await?;
    let after = suite.snapshot(&start.principal).await?;
    ensure(live == after, || format!("{live:?}, then {after:?}"))
}

async fn destroy_never_was(suite: &mut Suite<'_>) -> Checked {
    let start = suite.credentials()?;
    let before = Seen::of(suite).await?;
    let never = never(&start.old);
    destroy(suite, &never).await?;
    suite.stays_live(&start.bundle).await?;
    let after = Seen::of(suite).await?;
    ensure(before == after, || format!("{before:?}, then {after:?}"))
}

/// The id with its last letter or digit changed: well-formed, and nobody's.
fn never(id: &CredentialId) -> CredentialId {
    let mut chars: Vec<char> = id.as_str().chars().collect();
    if let Some(last) = chars.iter_mut().rev().find(|c| c.is_ascii_alphanumeric()) {
        *last = match *last {
            '0'..='8' | 'a'..='y' | 'A'..='Y' => char::from(*last as u8 + 1),
            '9' => '0',
            'z' => 'a',
            _ => 'A',
        };
    }
    CredentialId::new(chars.into_iter().collect::<String>())
}

async fn disable_reversible(suite: &mut Suite<'_>) -> Checked {
    let (revoker, cx, start) = (suite.revoker()?, suite.cx.clone(), suite.credentials()?);
    let limits = revoker.limits();
    let new = successor(suite).await?;
    let target = match &new {
        // What replaced the old one at once leaves nothing of it to disable.
        Some(minted) => {
            let live = suite.snapshot(&start.principal).await?;
            if active(&live, &start.old) { None } else { Some(minted) }
        }
        None => None,
    };
    let (id, bundle) = target.map_or((&start.old, &start.bundle), |new| (&new.id, &new.bundle));
    for _ in 0..2 {
        suite.call(Op::Disable, revoker.disable(&cx, &start.principal, id)).await??;
    }
    suite.becomes_dead(bundle, limits.dead_within).await?;
    if target.is_none() {
        goes_on(suite, new.as_ref()).await?;
    }
    if suite.provider.issuer.is_some() {
        let live = suite.lists(&start.principal, |live| !active(live, id)).await?;
        let state = listed(&live, id).map(|live| live.state);
        ensure(state == Some(LiveState::Inactive), || format!("`{id}` in {live:?}"))?;
    }
    for _ in 0..2 {
        suite.call(Op::Enable, revoker.enable(&cx, &start.principal, id)).await??;
    }
    let within = suite.visible_within().max(limits.dead_within);
    suite.becomes_live(bundle, within).await?;
    if suite.provider.issuer.is_some() {
        let live = suite.lists(&start.principal, |live| active(live, id)).await?;
        ensure(active(&live, id), || format!("`{id}` in {live:?}"))?;
    }
    Ok(())
}

async fn disable_gone(suite: &mut Suite<'_>) -> Checked {
    let (revoker, cx, start) = (suite.revoker()?, suite.cx.clone(), suite.credentials()?);
    successor(suite).await?;
    destroy(suite, &start.old).await?;
    Ok(suite.call(Op::Disable, revoker.disable(&cx, &start.principal, &start.old)).await??)
}

async fn enable_gone(suite: &mut Suite<'_>) -> Checked {
    let (revoker, cx, start) = (suite.revoker()?, suite.cx.clone(), suite.credentials()?);
    successor(suite).await?;
    destroy(suite, &start.old).await?;
    let call = revoker.enable(&cx, &start.principal, &start.old);
    refused(suite.call(Op::Enable, call).await?, &[ErrorKind::NotFound])?;
    suite.becomes_dead(&start.bundle, revoker.limits().dead_within).await
}

async fn disable_unsupported(suite: &mut Suite<'_>) -> Checked {
    let (revoker, cx, start) = (suite.revoker()?, suite.cx.clone(), suite.credentials()?);
    let (principal, id) = (&start.principal, &start.old);
    let result = suite.call(Op::Disable, revoker.disable(&cx, principal, id)).await?;
    refused(result, &[ErrorKind::Unsupported])?;
    let result = suite.call(Op::Enable, revoker.enable(&cx, principal, id)).await?;
    refused(result, &[ErrorKind::Unsupported])?;
    suite.becomes_live(&start.bundle, Duration::ZERO).await
}

async fn end_sessions_twice(suite: &mut Suite<'_>) -> Checked {
    let (revoker, cx, start) = (suite.revoker()?, suite.cx.clone(), suite.credentials()?);
    let before = suite.bench.now();
    for _ in 0..2 {
        let call = revoker.end_sessions(&cx, &start.principal, &start.old, before);
        if let Err(error) = suite.call(Op::EndSessions, call).await? {
            ensure(error.effect == Effect::Unknown || error.is_retryable(), || format!("{error}"))?;
            return Err(error.into());
        }
    }
    Ok(())
}
