use keysweep_sdk::{Need, Op};

use crate::suite::{Checked, Suite, checks, ensure};

pub(crate) const NAMES: &[&str] = &["check/tells-what-is-held", "check/changes-nothing"];

pub(crate) async fn run(suite: &mut Suite<'_>) {
    if !suite.capabilities().access {
        return;
    }
    checks!(suite;
        "check/tells-what-is-held" => tells,
        "check/changes-nothing" => changes_nothing,
    );
}

/// All that the provider's parts could be asked for.
pub(crate) fn needs(suite: &Suite<'_>) -> Checked<Vec<Need>> {
    let mut needs = Vec::new();
    if suite.provider.issuer.is_some() || suite.provider.revoker.is_some() {
        let principal = suite.credentials()?.principal.clone();
        needs.extend([Need::Snapshot(principal.clone()), Need::Rotate(principal)]);
    }
    if suite.provider.store.is_some() {
        let at = suite.placements()?.at.clone();
        needs.extend([Need::Stat(at.clone()), Need::Place(at)]);
    }
    Ok(needs)
}

async fn tells(suite: &mut Suite<'_>) -> Checked {
    let Some(access) = suite.provider.access.clone() else { return Ok(()) };
    let (cx, needs) = (suite.cx.clone(), needs(suite)?);
    let grants = suite.call(Op::Check, access.check(&cx, &needs)).await??;
    ensure(!grants.is_empty(), || "nothing is told".into())?;
    let lacking: Vec<_> = grants.iter().filter(|grant| grant.held == Some(false)).collect();
    ensure(lacking.is_empty(), || format!("the good credential lacks {lacking:?}"))?;
    ensure(!access.policy(&needs).trim().is_empty(), || "no policy".into())
}

async fn changes_nothing(suite: &mut Suite<'_>) -> Checked {
    let Some(access) = suite.provider.access.clone() else { return Ok(()) };
    let (cx, needs) = (suite.cx.clone(), needs(suite)?);
    let before = crate::matrix::Seen::of(suite).await?;
    suite.call(Op::Check, access.check(&cx, &needs)).await??;
    let after = crate::matrix::Seen::of(suite).await?;
    ensure(before == after, || format!("{before:?}, then {after:?}"))
}
