use std::time::Duration;

use keysweep_sdk::{Bundle, Op, Verdict};

use crate::suite::{Checked, Suite, checks, ensure, excuse};

pub(crate) const NAMES: &[&str] = &[
    "verify/old-is-live",
    "verify/new-is-live-and-its-own",
    "verify/garbage-is-dead",
    "verify/half-a-bundle-is-not-live",
    "verify/changes-nothing",
];

pub(crate) async fn run(suite: &mut Suite<'_>) {
    if suite.capabilities().verifier.is_none() {
        return;
    }
    checks!(suite;
        "verify/old-is-live" => old_is_live,
        "verify/new-is-live-and-its-own" => new_is_live,
        "verify/garbage-is-dead" => garbage_is_dead,
        "verify/half-a-bundle-is-not-live" => half_is_not_live,
        "verify/changes-nothing" => changes_nothing,
    );
}

async fn old_is_live(suite: &mut Suite<'_>) -> Checked {
    let (limits, start) = (suite.verifier()?.limits(), suite.credentials()?);
    ensure(limits.successes >= 1, || "no success is proof".into())?;
    let first = suite.verify(&start.bundle).await?;
    let second = suite.verify(&start.bundle).await?;
    ensure(first == second, || format!("{first:?}, then {second:?}"))?;
    suite.becomes_live(&start.bundle, Duration::ZERO).await
}

async fn new_is_live(suite: &mut Suite<'_>) -> Checked {
    let start = suite.credentials()?;
    if !suite.mints() {
        return excuse("nothing is minted");
    }
    let minted = suite.mint().await?;
    let within = suite.visible_within();
    suite.becomes_live(&minted.bundle, within).await?;
    let verdict = suite.verify(&minted.bundle).await?;
    let Verdict::Live(identity) = &verdict else {
        return ensure(false, || format!("live, then {verdict:?}"));
    };
    ensure(identity.principal.as_ref().is_none_or(|named| *named == start.principal), || {
        format!("of `{}`, told {identity:?}", start.principal)
    })?;
    ensure(identity.credential.as_ref().is_none_or(|named| *named == minted.id), || {
        format!("it is `{}`, told {identity:?}", minted.id)
    })
}

async fn garbage_is_dead(suite: &mut Suite<'_>) -> Checked {
    let start = suite.credentials()?;
    let garbage = suite.bench.garbage(&start);
    ensure(!garbage.same(&start.bundle), || "the bench's garbage is the real one".into())?;
    for _ in 0..2 {
        let verdict = suite.verify(&garbage).await?;
        ensure(verdict == Verdict::Dead, || format!("{verdict:?}"))?;
    }
    suite.becomes_live(&start.bundle, Duration::ZERO).await
}

async fn half_is_not_live(suite: &mut Suite<'_>) -> Checked {
    let (verifier, cx, start) = (suite.verifier()?, suite.cx.clone(), suite.credentials()?);
    let nothing = Bundle::default();
    let call = verifier.verify(&cx, &start.principal, &nothing);
    match suite.call(Op::Verify, call).await? {
        Ok(Verdict::Live(identity)) => ensure(false, || format!("nothing is live: {identity:?}")),
        Ok(Verdict::Dead | Verdict::Unknown(_)) | Err(_) => Ok(()),
    }
}

async fn changes_nothing(suite: &mut Suite<'_>) -> Checked {
    let start = suite.credentials()?;
    if suite.provider.issuer.is_none() {
        suite.verify(&start.bundle).await?;
        return suite.becomes_live(&start.bundle, Duration::ZERO).await;
    }
    let before = suite.snapshot(&start.principal).await?;
    suite.verify(&start.bundle).await?;
    let garbage = suite.bench.garbage(&start);
    suite.verify(&garbage).await?;
    let after = suite.snapshot(&start.principal).await?;
    ensure(before == after, || format!("{before:?}, then {after:?}"))
}
