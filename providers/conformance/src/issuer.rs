use keysweep_sdk::{
    Chooser, Effect, ErrorKind, IssuerLimits, LiveState, LostReply, MintRequest, Op, Style,
};

use crate::suite::{Checked, Suite, active, checks, ensure, excuse, fail, listed, refused};

pub(crate) fn demanded(limits: &IssuerLimits) -> Vec<&'static str> {
    if !crate::mints(limits) {
        return vec![
            "issuer/limits-agree",
            "snapshot/twice",
            "snapshot/absent-principal",
            "mint/unsupported",
        ];
    }
    let mut names = vec![
        "issuer/limits-agree",
        "snapshot/twice",
        "snapshot/absent-principal",
        "mint/makes-one-that-works",
        "mint/absent-principal",
        "mint/never-more-than-allowed",
    ];
    match limits.chooser {
        Chooser::Caller => names.extend(["choose/changes-nothing", "mint/twice-is-once"]),
        Chooser::Issuer => names.push("mint/twice-is-two"),
    }
    names
}

pub(crate) async fn run(suite: &mut Suite<'_>) {
    let Some(limits) = suite.capabilities().issuer.clone() else { return };
    checks!(suite;
        "issuer/limits-agree" => limits_agree,
        "snapshot/twice" => snapshot_twice,
        "snapshot/absent-principal" => snapshot_absent,
    );
    if !crate::mints(&limits) {
        checks!(suite; "mint/unsupported" => mint_unsupported);
        return;
    }
    checks!(suite;
        "mint/makes-one-that-works" => mint_works,
        "mint/absent-principal" => mint_absent,
        "mint/never-more-than-allowed" => mint_at_limit,
    );
    match limits.chooser {
        Chooser::Caller => checks!(suite;
            "choose/changes-nothing" => choose_changes_nothing,
            "mint/twice-is-once" => mint_twice_is_once,
        ),
        Chooser::Issuer => checks!(suite; "mint/twice-is-two" => mint_twice_is_two),
    }
}

async fn limits_agree(suite: &mut Suite<'_>) -> Checked {
    let limits = suite.issuer()?.limits();
    let caller = limits.chooser == Chooser::Caller;
    ensure(caller == (limits.lost_reply == LostReply::Repeat), || {
        format!("{:?} with {:?}", limits.chooser, limits.lost_reply)
    })?;
    // The other way round it need not be: who makes its own key pair overlaps, too.
    ensure(caller || limits.style != Style::CallerChosen, || {
        format!("{:?} with {:?}", limits.style, limits.chooser)
    })?;
    let rolls = limits.style == Style::AtomicRoll;
    ensure(!rolls || limits.lost_reply == LostReply::RollSuccessor, || {
        format!("{:?} with {:?}", limits.style, limits.lost_reply)
    })?;
    ensure(!limits.fields.is_empty(), || "no fields".into())?;
    let least = if limits.style == Style::Overlap { 2 } else { 1 };
    ensure(limits.max_live.is_none_or(|most| most >= least), || {
        format!("{:?} of at most {:?}", limits.style, limits.max_live)
    })
}

async fn snapshot_twice(suite: &mut Suite<'_>) -> Checked {
    let start = suite.credentials()?;
    let live = suite.snapshot(&start.principal).await?;
    ensure(active(&live, &start.old), || format!("`{}` not active in {live:?}", start.old))?;
    ensure(live.windows(2).all(|two| two[0].id != two[1].id), || format!("twice in {live:?}"))?;
    if let Some(count) = suite.bench.count(&start.principal).await {
        ensure(count == live.len(), || format!("{count} at the server, listed {live:?}"))?;
    }
    let again = suite.snapshot(&start.principal).await?;
    ensure(live == again, || format!("{live:?}, then {again:?}"))
}

async fn snapshot_absent(suite: &mut Suite<'_>) -> Checked {
    let (issuer, cx, start) = (suite.issuer()?, suite.cx.clone(), suite.credentials()?);
    let Some(absent) = &start.absent else { return excuse("any principal is there") };
    refused(suite.call(Op::Snapshot, issuer.snapshot(&cx, absent)).await?, &[ErrorKind::NotFound])
}

async fn mint_works(suite: &mut Suite<'_>) -> Checked {
    let (limits, start) = (suite.issuer()?.limits(), suite.credentials()?);
    let before = suite.snapshot(&start.principal).await?;
    let minted = suite.mint().await?;
    for field in &limits.fields {
        let there = minted.bundle.field(field).is_some_and(|value| !value.is_empty());
        ensure(there, || format!("no field `{field}` in what was minted"))?;
    }
    ensure(minted.id != start.old, || format!("the new one has the old id `{}`", minted.id))?;
    suite.becomes_live(&minted.bundle, limits.visible_within).await?;
    if limits.style == Style::Ephemeral {
        return Ok(());
    }
    let after = suite.lists(&start.principal, |live| active(live, &minted.id)).await?;
    let Some(new) = listed(&after, &minted.id).filter(|new| new.state == LiveState::Active) else {
        return fail(format!("`{}` is not active in {after:?}", minted.id));
    };
    let others = after.iter().filter(|a| a.id != minted.id && listed(&before, &a.id).is_none());
    ensure(others.count() == 0, || format!("more than one is new: {before:?}, then {after:?}"))?;
    ensure(new.scope == minted.scope, || format!("{:?}, listed {:?}", minted.scope, new.scope))?;
    if let Some(old) = listed(&before, &start.old) {
        ensure(old.scope == minted.scope, || {
            format!("the scope was {:?} and is {:?}", old.scope, minted.scope)
        })?;
    }
    ensure(!limits.marker || new.marker.as_deref() == Some(suite.last_marker().as_str()), || {
        format!("the marker is not listed: {new:?}")
    })?;
    match limits.style {
        Style::Overlap => suite.becomes_live(&start.bundle, std::time::Duration::ZERO).await,
        Style::AtomicRoll => {
            ensure(!active(&after, &start.old), || format!("the old one is active: {after:?}"))?;
            let dead_within = suite.provider.revoker.as_ref().map(|part| part.limits().dead_within);
            suite.becomes_dead(&start.bundle, dead_within.unwrap_or_default()).await
        }
        // Whether the old one goes on depends on the principal's slots: either is right, if the list tells it.
        _ if active(&after, &start.old) => {
            suite.becomes_live(&start.bundle, std::time::Duration::ZERO).await
        }
        _ => Ok(()),
    }
}

/// What only retires has no successor, and what a person mints is not minted by a call.
async fn mint_unsupported(suite: &mut Suite<'_>) -> Checked {
    let start = suite.credentials()?;
    let before = suite.snapshot(&start.principal).await?;
    let result = suite.try_mint(&start.principal, &start.old).await?;
    refused(result, &[ErrorKind::Unsupported])?;
    let after = suite.snapshot(&start.principal).await?;
    ensure(before == after, || format!("{before:?}, then {after:?}"))
}

async fn mint_absent(suite: &mut Suite<'_>) -> Checked {
    let (issuer, cx, start) = (suite.issuer()?, suite.cx.clone(), suite.credentials()?);
    let Some(absent) = &start.absent else { return excuse("any principal is there") };
    let (marker, old) = (suite.marker(), &start.old);
    // Chosen for the one that is there: that the other is not has to be noticed when it is set.
    let chosen = suite.choose(&start.principal, old).await?;
    let request =
        MintRequest { principal: absent, marker: &marker, replaces: None, chosen: chosen.as_ref() };
    let result = suite.call(Op::Mint, issuer.mint(&cx, &request)).await?;
    refused(result, &[ErrorKind::NotFound, ErrorKind::Invalid])
}

/// Mints until there are as many as allowed; the next is refused and changes nothing.
async fn mint_at_limit(suite: &mut Suite<'_>) -> Checked {
    let (issuer, cx, start) = (suite.issuer()?, suite.cx.clone(), suite.credentials()?);
    let limits = issuer.limits();
    let Some(most) = limits.max_live else { return excuse("no limit") };
    let most = most as usize;
    if limits.chooser == Chooser::Caller || limits.style == Style::AtomicRoll {
        let mut old = start.old.clone();
        for _ in 0..=most {
            match suite.try_mint(&start.principal, &old).await? {
                Ok(minted) => old = minted.id,
                Err(error) => refused::<()>(Err(error), &[ErrorKind::LimitReached])?,
            }
            let live = suite.snapshot(&start.principal).await?;
            ensure(live.len() <= most, || format!("more than {most}: {live:?}"))?;
        }
        return Ok(());
    }
    if most > 25 {
        return excuse(format!("{most} are too many for a test"));
    }
    let mut before = suite.snapshot(&start.principal).await?;
    while before.len() < most {
        let minted = suite.mint().await?;
        before = suite.lists(&start.principal, |live| listed(live, &minted.id).is_some()).await?;
    }
    let marker = suite.marker();
    let request = MintRequest {
        principal: &start.principal,
        marker: &marker,
        replaces: Some(&start.old),
        chosen: None,
    };
    let result = suite.call(Op::Mint, issuer.mint(&cx, &request)).await?;
    refused(result, &[ErrorKind::LimitReached])?;
    let after = suite.snapshot(&start.principal).await?;
    ensure(before == after, || format!("{before:?}, then {after:?}"))
}

async fn choose_changes_nothing(suite: &mut Suite<'_>) -> Checked {
    let start = suite.credentials()?;
    let before = suite.snapshot(&start.principal).await?;
    let first = suite.choose(&start.principal, &start.old).await?;
    let second = suite.choose(&start.principal, &start.old).await?;
    let (Some(first), Some(second)) = (first, second) else { return fail("nothing was chosen") };
    ensure(!first.bundle.same(&second.bundle), || "the same value was chosen twice".into())?;
    let after = suite.snapshot(&start.principal).await?;
    ensure(before == after, || format!("{before:?}, then {after:?}"))?;
    suite.becomes_live(&start.bundle, std::time::Duration::ZERO).await
}

async fn mint_twice_is_once(suite: &mut Suite<'_>) -> Checked {
    let (issuer, cx, start) = (suite.issuer()?, suite.cx.clone(), suite.credentials()?);
    let chosen = suite.choose(&start.principal, &start.old).await?;
    let Some(chosen) = chosen else { return fail("nothing was chosen") };
    let marker = suite.marker();
    let request = MintRequest {
        principal: &start.principal,
        marker: &marker,
        replaces: Some(&start.old),
        chosen: Some(&chosen),
    };
    let first = suite.call(Op::Mint, issuer.mint(&cx, &request)).await??;
    let once = suite.lists(&start.principal, |live| listed(live, &chosen.id).is_some()).await?;
    let second = suite.call(Op::Mint, issuer.mint(&cx, &request)).await??;
    let twice = suite.snapshot(&start.principal).await?;
    ensure(first.id == chosen.id && second.id == chosen.id, || {
        format!("chosen `{}`, minted `{}` and `{}`", chosen.id, first.id, second.id)
    })?;
    ensure(first.bundle.same(&chosen.bundle), || "what was minted is not what was chosen".into())?;
    ensure(second.bundle.same(&chosen.bundle), || "the second differs from the first".into())?;
    let ids = |live: &[keysweep_sdk::Live]| live.iter().map(|l| l.id.clone()).collect::<Vec<_>>();
    ensure(ids(&once) == ids(&twice), || format!("{once:?}, then {twice:?}"))?;
    let within = suite.visible_within();
    suite.becomes_live(&chosen.bundle, within).await
}

/// Two calls are two credentials, or the second is refused by the limit: never one call that is silently sent twice.
async fn mint_twice_is_two(suite: &mut Suite<'_>) -> Checked {
    let (issuer, cx, start) = (suite.issuer()?, suite.cx.clone(), suite.credentials()?);
    let before = suite.snapshot(&start.principal).await?;
    let first = suite.mint().await?;
    let marker = suite.marker();
    let rolls = issuer.limits().style == Style::AtomicRoll;
    let replaces = if rolls { &first.id } else { &start.old };
    let request = MintRequest {
        principal: &start.principal,
        marker: &marker,
        replaces: Some(replaces),
        chosen: None,
    };
    let made = match suite.call(Op::Mint, issuer.mint(&cx, &request)).await? {
        Ok(second) => {
            ensure(second.id != first.id, || format!("`{}` twice", first.id))?;
            ensure(!second.bundle.same(&first.bundle), || "the same value twice".into())?;
            2
        }
        Err(error) if error.kind == ErrorKind::LimitReached && error.effect == Effect::None => 1,
        Err(error) => return Err(error.into()),
    };
    if rolls || issuer.limits().style == Style::Ephemeral {
        return Ok(());
    }
    let all = before.len() + made;
    let after = suite.lists(&start.principal, |live| live.len() == all).await?;
    ensure(after.len() == all, || format!("{made} minted: {before:?}, then {after:?}"))
}
