use std::time::Duration;

use keysweep_sdk::{
    Bundle, Delivery, ErrorKind, Held, Op, Payload, PlacementId, Purpose, Readable, Result,
    SecretValue, Slot, StoreLimits, WriteMode,
};

use crate::suite::{Checked, Suite, checks, ensure, excuse, fail, refused};

const ALWAYS: &[&str] = &[
    "store/limits-agree",
    "stat/absent-and-twice",
    "stat/bad-name",
    "place/advances-the-slot",
    "place/twice-is-once",
    "place/bad-name",
    "remove/twice",
];

pub(crate) fn demanded(limits: &StoreLimits) -> Vec<&'static str> {
    let mut names = ALWAYS.to_vec();
    match limits.readable {
        Readable::Value => names.extend(["read/same-as-placed", "read/absent"]),
        Readable::Metadata => names.push("read/unsupported"),
    }
    if limits.named != Some(false) {
        names.extend(["place/keeps-neighbours", "remove/keeps-neighbours"]);
    }
    if limits.write == WriteMode::CompareAndSet {
        names.push("place/conflict");
    }
    if limits.max_bytes.is_some() {
        names.push("place/too-big");
    }
    names
}

pub(crate) async fn run(suite: &mut Suite<'_>) {
    let Some(limits) = suite.capabilities().store.clone() else { return };
    checks!(suite;
        "store/limits-agree" => limits_agree,
        "stat/absent-and-twice" => stat_absent,
        "stat/bad-name" => stat_bad_name,
        "place/advances-the-slot" => place_advances,
        "place/twice-is-once" => place_twice,
        "place/bad-name" => place_bad_name,
        "remove/twice" => remove_twice,
    );
    match limits.readable {
        Readable::Value => checks!(suite;
            "read/same-as-placed" => read_same,
            "read/absent" => read_absent,
        ),
        Readable::Metadata => checks!(suite; "read/unsupported" => read_unsupported),
    }
    if limits.named != Some(false) {
        checks!(suite;
            "place/keeps-neighbours" => place_keeps_neighbours,
            "remove/keeps-neighbours" => remove_keeps_neighbours,
        );
    }
    if limits.write == WriteMode::CompareAndSet {
        checks!(suite; "place/conflict" => place_conflict);
    }
    if limits.max_bytes.is_some() {
        checks!(suite; "place/too-big" => place_too_big);
    }
}

pub(crate) async fn stat(suite: &mut Suite<'_>, at: &PlacementId) -> Checked<Option<Slot>> {
    let (store, cx) = (suite.store()?, suite.cx.clone());
    Ok(suite.call(Op::Stat, store.stat(&cx, at)).await??)
}

/// Placed as the engine places it: with the version that was seen, where the store compares.
pub(crate) async fn place(
    suite: &mut Suite<'_>,
    at: &PlacementId,
    payload: &Payload,
) -> Checked<Slot> {
    let seen = match suite.store()?.limits().write {
        WriteMode::CompareAndSet => stat(suite, at).await?.and_then(|slot| slot.version),
        WriteMode::Upsert | WriteMode::Whole => None,
    };
    Ok(place_over(suite, at, payload, seen.as_deref()).await??)
}

pub(crate) async fn place_over(
    suite: &mut Suite<'_>,
    at: &PlacementId,
    payload: &Payload,
    expect: Option<&str>,
) -> Checked<Result<Slot>> {
    let (store, cx) = (suite.store()?, suite.cx.clone());
    let delivery = Delivery { expect, ..Delivery::new(at, payload) };
    suite.call(Op::Place, store.place(&cx, &delivery)).await
}

pub(crate) async fn remove(suite: &mut Suite<'_>, at: &PlacementId, named: &[String]) -> Checked {
    let (store, cx) = (suite.store()?, suite.cx.clone());
    Ok(suite.call(Op::Remove, store.remove(&cx, at, named)).await??)
}

/// That the placement holds this, by reading it back and around the provider; an excuse when neither can be told.
pub(crate) async fn holds(
    suite: &mut Suite<'_>,
    at: &PlacementId,
    payload: &Payload,
) -> Checked<bool> {
    let (store, cx) = (suite.store()?, suite.cx.clone());
    let around = suite.bench.holds(at, payload).await;
    if store.limits().readable == Readable::Metadata {
        return around.map_or_else(|| excuse("what a write-only store holds cannot be told"), Ok);
    }
    let held = suite.call(Op::Read, store.read(&cx, at, &names(payload))).await??;
    let read = matches!(&held, Held::Value(value) if value.same(payload));
    match around {
        Some(around) if around != read => {
            fail(format!("read back same: {read}, at the server: {around}"))
        }
        _ => Ok(read),
    }
}

pub(crate) fn names(payload: &Payload) -> Vec<String> {
    match payload {
        Payload::One(_) => Vec::new(),
        Payload::Named(named) => named.names().map(str::to_owned).collect(),
    }
}

async fn limits_agree(suite: &mut Suite<'_>) -> Checked {
    let (limits, at) = (suite.store()?.limits(), suite.placements()?);
    ensure(limits.named != Some(true) || at.names.len() >= 2, || "the bench has no names".into())?;
    ensure(limits.named != Some(false) || at.names.is_empty(), || {
        format!("the store takes one value, the bench has the names {:?}", at.names)
    })?;
    ensure(limits.max_bytes != Some(0), || "nothing fits".into())
}

async fn stat_absent(suite: &mut Suite<'_>) -> Checked {
    let at = suite.placements()?;
    for _ in 0..2 {
        let slot = stat(suite, &at.absent).await?;
        ensure(slot.is_none(), || format!("`{}` is there: {slot:?}", at.absent))?;
    }
    let payload = suite.payload(&at.names, 1);
    place(suite, &at.at, &payload).await?;
    let first = stat(suite, &at.at).await?;
    let second = stat(suite, &at.at).await?;
    ensure(first.is_some() && first == second, || format!("{first:?}, then {second:?}"))
}

async fn stat_bad_name(suite: &mut Suite<'_>) -> Checked {
    let (store, cx, at) = (suite.store()?, suite.cx.clone(), suite.placements()?);
    let Some(bad) = &at.bad else { return excuse("any name is taken") };
    refused(suite.call(Op::Stat, store.stat(&cx, bad)).await?, &[ErrorKind::Invalid])
}

async fn place_bad_name(suite: &mut Suite<'_>) -> Checked {
    let at = suite.placements()?;
    let Some(bad) = &at.bad else { return excuse("any name is taken") };
    let payload = suite.payload(&at.names, 1);
    refused(place_over(suite, bad, &payload, None).await?, &[ErrorKind::Invalid])
}

async fn place_advances(suite: &mut Suite<'_>) -> Checked {
    let at = suite.placements()?;
    let first = suite.payload(&at.names, 1);
    place(suite, &at.at, &first).await?;
    let before = stat(suite, &at.at).await?;
    // Beyond the resolution of a store that tells its times in seconds.
    suite.bench.wait(Duration::from_millis(1100)).await;
    let second = suite.payload(&at.names, 2);
    let told = place(suite, &at.at, &second).await?;
    let after = stat(suite, &at.at).await?;
    let (Some(before), Some(after)) = (before, after) else { return fail("not there") };
    ensure(before.version.is_some() || before.updated.is_some(), || {
        format!("neither a version nor a time: {before:?}")
    })?;
    let version = before.version.is_none() || before.version != after.version;
    let updated = before.updated.is_none() || before.updated < after.updated;
    ensure(version && updated, || format!("{before:?}, then {after:?}"))?;
    ensure(told.version.is_none() || told.version == after.version, || {
        format!("told {told:?}, then {after:?}")
    })?;
    ensure(before.seen_by == after.seen_by, || format!("{before:?}, then {after:?}"))
}

async fn place_twice(suite: &mut Suite<'_>) -> Checked {
    let at = suite.placements()?;
    let payload = suite.payload(&at.names, 1);
    for _ in 0..2 {
        place(suite, &at.at, &payload).await?;
        ensure(holds(suite, &at.at, &payload).await?, || "it holds something else".into())?;
    }
    Ok(())
}

async fn read_same(suite: &mut Suite<'_>) -> Checked {
    let at = suite.placements()?;
    for number in 1..=2 {
        let payload = suite.payload(&at.names, number);
        place(suite, &at.at, &payload).await?;
        ensure(holds(suite, &at.at, &payload).await?, || format!("of payload {number}"))?;
        let other = suite.payload(&at.names, number + 1);
        ensure(!holds(suite, &at.at, &other).await?, || "whatever is asked is held".into())?;
    }
    Ok(())
}

async fn read_absent(suite: &mut Suite<'_>) -> Checked {
    let (store, cx, at) = (suite.store()?, suite.cx.clone(), suite.placements()?);
    let held = suite.call(Op::Read, store.read(&cx, &at.absent, &at.names)).await??;
    ensure(matches!(held, Held::Nothing), || format!("{held:?}"))
}

async fn read_unsupported(suite: &mut Suite<'_>) -> Checked {
    let (store, cx, at) = (suite.store()?, suite.cx.clone(), suite.placements()?);
    let payload = suite.payload(&at.names, 1);
    place(suite, &at.at, &payload).await?;
    refused(
        suite.call(Op::Read, store.read(&cx, &at.at, &at.names)).await?,
        &[ErrorKind::Unsupported],
    )
}

/// Two named values there, one written: the other one stays.
async fn place_keeps_neighbours(suite: &mut Suite<'_>) -> Checked {
    let (at, first) = two_named(suite).await?;
    let mine = &at.names[..1];
    let changed = suite.payload(mine, 2);
    place(suite, &at.at, &changed).await?;
    ensure(holds(suite, &at.at, &changed).await?, || "what was written is not there".into())?;
    let neighbour = only(&first, &at.names[1]);
    ensure(holds(suite, &at.at, &neighbour).await?, || "the neighbour is lost".into())
}

async fn remove_keeps_neighbours(suite: &mut Suite<'_>) -> Checked {
    let (at, first) = two_named(suite).await?;
    for _ in 0..2 {
        remove(suite, &at.at, &at.names[..1]).await?;
    }
    let (mine, neighbour) = (only(&first, &at.names[0]), only(&first, &at.names[1]));
    ensure(!holds(suite, &at.at, &mine).await?, || "it is still there".into())?;
    ensure(holds(suite, &at.at, &neighbour).await?, || "the neighbour is lost".into())
}

async fn two_named(suite: &mut Suite<'_>) -> Checked<(std::rc::Rc<crate::Placements>, Payload)> {
    let at = suite.placements()?;
    if at.names.len() < 2 {
        return excuse("the bench's placement holds one value");
    }
    let names = at.names[..2].to_vec();
    let payload = suite.payload(&names, 1);
    place(suite, &at.at, &payload).await?;
    ensure(holds(suite, &at.at, &payload).await?, || "what was written is not there".into())?;
    Ok((at, payload))
}

fn only(payload: &Payload, name: &str) -> Payload {
    let Payload::Named(named) = payload else { return Payload::Named(Bundle::default()) };
    let kept = named.iter().filter(|(there, _)| *there == name).map(|(there, value)| {
        (there.to_owned(), SecretValue::new(value.expose_for(Purpose::Place).to_owned()))
    });
    Payload::Named(kept.collect())
}

/// Somebody writes between the look and the write: refused, and theirs stays.
async fn place_conflict(suite: &mut Suite<'_>) -> Checked {
    let at = suite.placements()?;
    let first = suite.payload(&at.names, 1);
    place(suite, &at.at, &first).await?;
    let seen = stat(suite, &at.at).await?.and_then(|slot| slot.version);
    let Some(seen) = seen else { return fail("a store that compares tells no version") };
    let theirs = suite.payload(&at.names, 2);
    place(suite, &at.at, &theirs).await?;
    let before = stat(suite, &at.at).await?;
    let mine = suite.payload(&at.names, 3);
    refused(place_over(suite, &at.at, &mine, Some(&seen)).await?, &[ErrorKind::Conflict])?;
    let after = stat(suite, &at.at).await?;
    ensure(before == after, || format!("{before:?}, then {after:?}"))?;
    ensure(holds(suite, &at.at, &theirs).await?, || "theirs is lost".into())?;
    let now = before.and_then(|slot| slot.version);
    place_over(suite, &at.at, &mine, now.as_deref()).await??;
    ensure(holds(suite, &at.at, &mine).await?, || "it was not written".into())
}

async fn place_too_big(suite: &mut Suite<'_>) -> Checked {
    let (limits, at) = (suite.store()?.limits(), suite.placements()?);
    let Some(most) = limits.max_bytes else { return Ok(()) };
    if most > 64 << 20 {
        return excuse(format!("{most} bytes are too many for a test"));
    }
    let small = suite.payload(&at.names, 1);
    place(suite, &at.at, &small).await?;
    let before = stat(suite, &at.at).await?;
    let big = || SecretValue::new("b".repeat(most + 1));
    let payload = match at.names.first() {
        None => Payload::One(big()),
        Some(name) => Payload::Named(Bundle::one(name.clone(), big())),
    };
    let version = before.as_ref().and_then(|slot| slot.version.clone());
    let result = place_over(suite, &at.at, &payload, version.as_deref()).await?;
    refused(result, &[ErrorKind::Invalid])?;
    let after = stat(suite, &at.at).await?;
    ensure(before == after, || format!("{before:?}, then {after:?}"))
}

async fn remove_twice(suite: &mut Suite<'_>) -> Checked {
    let at = suite.placements()?;
    remove(suite, &at.absent, &at.names).await?;
    let payload = suite.payload(&at.names, 1);
    place(suite, &at.at, &payload).await?;
    for _ in 0..2 {
        remove(suite, &at.at, &at.names).await?;
        gone(suite, &at.at, &payload).await?;
    }
    place(suite, &at.at, &payload).await?;
    Ok(())
}

/// That nothing of the payload is there.
pub(crate) async fn gone(suite: &mut Suite<'_>, at: &PlacementId, payload: &Payload) -> Checked {
    let slot = stat(suite, at).await?;
    if names(payload).is_empty() && slot.is_some() {
        // A store may keep the empty placement, as a soft deletion does; then it holds nothing.
        return ensure(!holds(suite, at, payload).await?, || format!("it is there: {slot:?}"));
    }
    if slot.is_none() {
        return Ok(());
    }
    for name in names(payload) {
        let mine = only(payload, &name);
        ensure(!holds(suite, at, &mine).await?, || format!("`{name}` is there"))?;
    }
    Ok(())
}
