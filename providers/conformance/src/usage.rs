use std::time::Duration;

use keysweep_sdk::{ErrorKind, Op};

use crate::suite::{Checked, Suite, checks, ensure, excuse, refused};

pub(crate) const NAMES: &[&str] =
    &["last-use/twice", "last-use/moves-with-a-use", "last-use/absent-credential"];

pub(crate) async fn run(suite: &mut Suite<'_>) {
    if suite.capabilities().usage.is_none() {
        return;
    }
    checks!(suite;
        "last-use/twice" => twice,
        "last-use/moves-with-a-use" => moves,
        "last-use/absent-credential" => absent,
    );
}

async fn twice(suite: &mut Suite<'_>) -> Checked {
    let (usage, cx, start) = (suite.usage()?, suite.cx.clone(), suite.credentials()?);
    let call = usage.last_use(&cx, &start.principal, &start.old);
    let first = suite.call(Op::LastUse, call).await??;
    let call = usage.last_use(&cx, &start.principal, &start.old);
    let second = suite.call(Op::LastUse, call).await??;
    ensure(first == second, || format!("to ask is a use: {first:?}, then {second:?}"))
}

/// A consumer uses it: the issuer tells within its lag, and not of a time before.
async fn moves(suite: &mut Suite<'_>) -> Checked {
    let (usage, cx, start) = (suite.usage()?, suite.cx.clone(), suite.credentials()?);
    let limits = usage.limits();
    let since = suite.bench.now();
    if suite.bench.works(&start.principal, &start.bundle).await.is_none() {
        return excuse("the bench cannot use a credential as a consumer would");
    }
    let step = (limits.lag / 40).max(Duration::from_millis(20));
    let mut waited = Duration::ZERO;
    loop {
        let call = usage.last_use(&cx, &start.principal, &start.old);
        let last = suite.call(Op::LastUse, call).await??;
        let granularity = i64::try_from(limits.granularity.as_secs()).unwrap_or(i64::MAX);
        if last.at.is_some_and(|at| at.as_second() >= since.as_second() - granularity) {
            return ensure(!limits.tells_source || last.source.is_some(), || {
                format!("no source: {last:?}")
            });
        }
        ensure(waited < limits.lag, || format!("used at {since}, told {last:?}"))?;
        suite.bench.wait(step).await;
        waited += step;
    }
}

async fn absent(suite: &mut Suite<'_>) -> Checked {
    let (usage, cx, start) = (suite.usage()?, suite.cx.clone(), suite.credentials()?);
    let Some(absent) = &start.absent else { return excuse("any principal is there") };
    let call = usage.last_use(&cx, absent, &start.old);
    refused(suite.call(Op::LastUse, call).await?, &[ErrorKind::NotFound])
}
