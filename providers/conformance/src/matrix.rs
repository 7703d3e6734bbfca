//! Every operation under every fault, and who it is that asks.

use keysweep_sdk::{
    Capabilities, Chosen, Effect, Error, ErrorKind, Live, MintRequest, Minted, Op, Payload,
    Provider, Result, Slot, Verdict,
};

use crate::{
    Fault, FaultKind, Injected, Own, access, operations, reconcile, store,
    suite::{Checked, Stop, Suite, ensure, excuse, fail},
};

const FAULTS: &[FaultKind] = &[
    FaultKind::Refuse,
    FaultKind::Close,
    FaultKind::Hang,
    FaultKind::LoseReply,
    FaultKind::CutReply,
    FaultKind::Status(401),
    FaultKind::Status(403),
    FaultKind::Status(409),
    FaultKind::Status(422),
    FaultKind::Status(429),
    FaultKind::Status(500),
    FaultKind::Status(503),
];

/// What makes one check of the matrix.
#[derive(Clone, Copy, Debug)]
enum Row {
    Fault(FaultKind),
    Denied,
    Unauthenticated,
}

fn rows(op: Op) -> Vec<Row> {
    let mut rows: Vec<_> = FAULTS.iter().copied().map(Row::Fault).collect();
    // A verifier asks as the one whose credential it is.
    if op != Op::Verify {
        rows.extend([Row::Denied, Row::Unauthenticated]);
    }
    rows
}

fn name(op: Op, row: Row) -> String {
    let op = match op {
        Op::Snapshot => "snapshot",
        Op::Mint => "mint",
        Op::Verify => "verify",
        Op::Disable => "disable",
        Op::Enable => "enable",
        Op::Destroy => "destroy",
        Op::EndSessions => "end-sessions",
        Op::LastUse => "last-use",
        Op::Stat => "stat",
        Op::Place => "place",
        Op::Read => "read",
        Op::Remove => "remove",
        Op::Check => "check",
        Op::Mount | Op::Choose => "other",
    };
    match row {
        Row::Fault(kind) => format!("{op}/{kind}"),
        Row::Denied => format!("{op}/denied"),
        Row::Unauthenticated => format!("{op}/unauthenticated"),
    }
}

pub(crate) fn demanded(can: &Capabilities) -> Vec<String> {
    let ops = operations(can);
    ops.into_iter().flat_map(|op| rows(op).into_iter().map(move |row| name(op, row))).collect()
}

pub(crate) async fn run(suite: &mut Suite<'_>) {
    for op in operations(&suite.capabilities().clone()) {
        for row in rows(op) {
            if suite.begin(&name(op, row)).await {
                let outcome = match row {
                    Row::Fault(kind) => faulty(suite, &Fault { op, kind }).await,
                    Row::Denied => stranger(suite, op, Own::Weak(op)).await,
                    Row::Unauthenticated => stranger(suite, op, Own::Wrong).await,
                };
                suite.end(outcome).await;
            }
        }
    }
}

pub(crate) fn mutates(op: Op) -> bool {
    match op {
        Op::Mint
        | Op::Place
        | Op::Remove
        | Op::Disable
        | Op::Enable
        | Op::Destroy
        | Op::EndSessions => true,
        Op::Mount
        | Op::Snapshot
        | Op::Choose
        | Op::Stat
        | Op::Read
        | Op::Verify
        | Op::LastUse
        | Op::Check => false,
    }
}

/// What can be seen of the world through the provider.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) live: Vec<Live>,
    slot: Option<Slot>,
}

impl Seen {
    pub(crate) async fn of(suite: &mut Suite<'_>) -> Checked<Self> {
        let mut seen = Self { live: Vec::new(), slot: None };
        if suite.provider.issuer.is_some() {
            let start = suite.credentials()?;
            seen.live = suite.snapshot(&start.principal).await?;
        }
        if suite.provider.store.is_some() {
            let at = suite.placements()?;
            seen.slot = store::stat(suite, &at.at).await?;
        }
        Ok(seen)
    }
}

/// What an operation is called with, made before the fault.
pub(crate) struct Prepared {
    pub(crate) op: Op,
    pub(crate) marker: String,
    pub(crate) chosen: Option<Chosen>,
    pub(crate) payload: Option<Payload>,
    expect: Option<String>,
}

/// What the operation gave, if it is of interest.
#[derive(Debug)]
pub(crate) enum Done {
    Minted(Minted),
    Verdict(Verdict),
    Held(bool),
    Nothing,
}

pub(crate) async fn prepare(suite: &mut Suite<'_>, op: Op) -> Checked<Prepared> {
    let mut prepared =
        Prepared { op, marker: suite.marker(), chosen: None, payload: None, expect: None };
    match op {
        Op::Mint => {
            let start = suite.credentials()?;
            prepared.chosen = suite.choose(&start.principal, &start.old).await?;
        }
        Op::Enable => {
            let disable = Prepared { op: Op::Disable, marker: String::new(), ..empty() };
            let provider = suite.provider.clone();
            let _ = call(suite, &provider, &disable).await??;
        }
        Op::Place | Op::Remove | Op::Read | Op::Stat => {
            let at = suite.placements()?;
            let first = suite.payload(&at.names, 1);
            let slot = store::place(suite, &at.at, &first).await?;
            let number = if op == Op::Place { 2 } else { 1 };
            prepared.payload = Some(suite.payload(&at.names, number));
            prepared.expect = slot.version;
        }
        _ => {}
    }
    Ok(prepared)
}

fn empty() -> Prepared {
    let marker = String::new();
    Prepared { op: Op::Mount, marker, chosen: None, payload: None, expect: None }
}

/// The operation, once, as this provider does it.
pub(crate) async fn call(
    suite: &mut Suite<'_>,
    provider: &Provider,
    what: &Prepared,
) -> Checked<Result<Done>> {
    match what.op {
        Op::Stat | Op::Place | Op::Read | Op::Remove => call_store(suite, provider, what).await,
        Op::Check => {
            let (cx, needs) = (suite.cx.clone(), access::needs(suite)?);
            let Some(access) = provider.access.clone() else { return excuse("no access") };
            let result = suite.call(Op::Check, access.check(&cx, &needs)).await?;
            Ok(result.map(|grants| Done::Held(grants.iter().any(|g| g.held == Some(true)))))
        }
        _ => call_credential(suite, provider, what).await,
    }
}

async fn call_store(
    suite: &mut Suite<'_>,
    provider: &Provider,
    what: &Prepared,
) -> Checked<Result<Done>> {
    let (cx, at) = (suite.cx.clone(), suite.placements()?);
    let Some(store) = provider.store.clone() else { return excuse("no store") };
    Ok(match what.op {
        Op::Stat => suite.call(Op::Stat, store.stat(&cx, &at.at)).await?.map(|_| Done::Nothing),
        Op::Place => {
            let Some(payload) = &what.payload else { return fail("nothing to place") };
            let delivery = keysweep_sdk::Delivery {
                expect: match store.limits().write {
                    keysweep_sdk::WriteMode::CompareAndSet => what.expect.as_deref(),
                    _ => None,
                },
                ..keysweep_sdk::Delivery::new(&at.at, payload)
            };
            suite.call(Op::Place, store.place(&cx, &delivery)).await?.map(|_| Done::Nothing)
        }
        Op::Read => {
            let read = store.read(&cx, &at.at, &at.names);
            suite.call(Op::Read, read).await?.map(|_| Done::Nothing)
        }
        _ => {
            let remove = store.remove(&cx, &at.at, &at.names);
            suite.call(Op::Remove, remove).await?.map(|()| Done::Nothing)
        }
    })
}

async fn call_credential(
    suite: &mut Suite<'_>,
    provider: &Provider,
    what: &Prepared,
) -> Checked<Result<Done>> {
    let (cx, start) = (suite.cx.clone(), suite.credentials()?);
    let (principal, id) = (&start.principal, &start.old);
    let none = || Stop::Excused("no such part".into());
    Ok(match what.op {
        Op::Snapshot => {
            let part = provider.issuer.clone().ok_or_else(none)?;
            suite.call(what.op, part.snapshot(&cx, principal)).await?.map(|_| Done::Nothing)
        }
        Op::Mint => {
            let part = provider.issuer.clone().ok_or_else(none)?;
            let request = MintRequest {
                principal,
                marker: &what.marker,
                replaces: Some(id),
                chosen: what.chosen.as_ref(),
            };
            suite.call(what.op, part.mint(&cx, &request)).await?.map(Done::Minted)
        }
        Op::Verify => {
            let part = provider.verifier.clone().ok_or_else(none)?;
            let call = part.verify(&cx, principal, &start.bundle);
            suite.call(what.op, call).await?.map(Done::Verdict)
        }
        Op::LastUse => {
            let part = provider.usage.clone().ok_or_else(none)?;
            suite.call(what.op, part.last_use(&cx, principal, id)).await?.map(|_| Done::Nothing)
        }
        _ => {
            let part = provider.revoker.clone().ok_or_else(none)?;
            let now = suite.bench.now();
            let call = match what.op {
                Op::Disable => part.disable(&cx, principal, id),
                Op::Enable => part.enable(&cx, principal, id),
                Op::EndSessions => part.end_sessions(&cx, principal, id, now),
                _ => part.destroy(&cx, principal, id),
            };
            suite.call(what.op, call).await?.map(|()| Done::Nothing)
        }
    })
}

/// Asked by somebody who may not: refused, and nothing changes.
async fn stranger(suite: &mut Suite<'_>, op: Op, own: Own) -> Checked {
    let prepared = prepare(suite, op).await?;
    let before = Seen::of(suite).await?;
    let provider = match suite.bench.provider(own).await {
        Ok(provider) => provider,
        Err(why) => return excuse(why.0),
    };
    let result = call(suite, &provider, &prepared).await?;
    match (op, result) {
        (Op::Check, Ok(Done::Held(held))) => {
            ensure(!held, || "it says that something is held".into())?;
        }
        // Whether a look needs the permission to write is the store's business.
        (Op::Stat, Ok(_)) if own != Own::Wrong => {}
        (_, Ok(done)) => return fail(format!("it succeeded: {done:?}")),
        (_, Err(error)) => {
            let kinds: &[ErrorKind] = match own {
                Own::Wrong => &[ErrorKind::Unauthenticated, ErrorKind::PermissionDenied],
                _ => &[ErrorKind::PermissionDenied],
            };
            ensure(kinds.contains(&error.kind), || format!("{:?}: {error}", error.kind))?;
            ensure(error.effect == Effect::None, || format!("{:?}: {error}", error.effect))?;
        }
    }
    let after = Seen::of(suite).await?;
    ensure(before == after, || format!("{before:?}, then {after:?}"))
}

async fn faulty(suite: &mut Suite<'_>, fault: &Fault) -> Checked {
    let prepared = prepare(suite, fault.op).await?;
    let before = Seen::of(suite).await?;
    let mounted = match fault.kind {
        FaultKind::Hang => suite.bench.hasty().await,
        // It may keep to the wait that it is told; the looks afterwards are another mount's.
        FaultKind::Status(429) => suite.bench.provider(Own::Good).await,
        _ => Ok(suite.provider.clone()),
    };
    let provider = match mounted {
        Ok(provider) => provider,
        Err(why) => return excuse(why.0),
    };
    if let Injected::NotPossible(why) = suite.bench.inject(fault).await {
        return excuse(why);
    }
    let result = call(suite, &provider, &prepared).await?;
    let struck = suite.bench.struck();
    suite.bench.lift().await;
    match result {
        Ok(Done::Verdict(verdict)) => {
            let dead = matches!(fault.kind, FaultKind::Status(401..=422));
            let told = matches!(verdict, Verdict::Unknown(_)) || dead && verdict == Verdict::Dead;
            ensure(told, || format!("nobody said so: {verdict:?}"))?;
        }
        Ok(Done::Held(held)) => ensure(!held, || "it says that something is held".into())?,
        Ok(done) => return fail(format!("it succeeded: {done:?} (struck: {struck:?})")),
        Err(error) => judge(fault, &error)?,
    }
    // A connection that was closed at once may be made again as long as nothing was sent on it.
    if mutates(fault.op) && !matches!(fault.kind, FaultKind::Refuse | FaultKind::Close) {
        ensure(struck.is_none_or(|times| times <= 1), || {
            format!("it was sent {struck:?} times: a mutation is never sent twice")
        })?;
    }
    let lands = matches!(fault.kind, FaultKind::LoseReply | FaultKind::CutReply);
    if mutates(fault.op) && lands {
        ensure(struck != Some(0), || "the bench's fault did not strike".into())?;
        return reconcile::after(suite, &prepared, &before).await;
    }
    let after = Seen::of(suite).await?;
    ensure(before == after, || format!("it failed: {before:?}, then {after:?}"))
}

/// What an error has to say of itself under this fault.
fn judge(fault: &Fault, error: &Error) -> Checked {
    let mutates = mutates(fault.op);
    let unknown = match fault.kind {
        FaultKind::Refuse | FaultKind::Status(400..=499) => false,
        // The request may have been sent before the end of the connection was seen.
        FaultKind::Close => {
            return ensure(!matches!(error.kind, ErrorKind::NotFound), || told(error));
        }
        FaultKind::Hang | FaultKind::LoseReply | FaultKind::CutReply | FaultKind::Status(_) => {
            mutates
        }
    };
    if !matches!(fault.kind, FaultKind::Status(409 | 422)) {
        ensure((error.effect == Effect::Unknown) == unknown, || told(error))?;
    }
    let kinds: &[ErrorKind] = match fault.kind {
        FaultKind::Refuse => &[ErrorKind::Unavailable],
        FaultKind::Status(401) => &[ErrorKind::Unauthenticated],
        FaultKind::Status(403) => &[ErrorKind::PermissionDenied],
        FaultKind::Status(429) => {
            let limited = matches!(error.kind, ErrorKind::RateLimited { retry_after: Some(after) }
                if after.as_secs() == 7);
            return ensure(limited, || format!("`Retry-After: 7` was answered: {}", told(error)));
        }
        FaultKind::Status(409 | 422) => {
            return ensure(!error.is_retryable(), || told(error));
        }
        _ => &[ErrorKind::Unavailable, ErrorKind::Unexpected],
    };
    ensure(kinds.contains(&error.kind), || told(error))
}

fn told(error: &Error) -> String {
    format!("{:?} with effect {:?}: {error}", error.kind, error.effect)
}
