//! The world itself: who has an outage when, what the attacker gets, what a death leaves.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use keysweep_provider_fake::{
    Act, By, CANARY, ConsumerSpec, Counts, End, Failure, Fake, Fuse, IssuerSpec, Rule, Slots,
    StoreSpec, When, is_death,
};
use keysweep_sdk::{
    Chosen, CredentialId, Cx, Delivery, Effect, ErrorKind, MintRequest, Minted, Op, PlacementId,
    PrincipalId, ProviderName, Result, Sessions, Shape, Slot,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// No call of a fake ever waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a fake waited"),
    }
}

fn mint(fake: &Fake, old: &CredentialId) -> Result<Minted> {
    let (cx, principal) = (Cx::default(), PrincipalId::new("user/ci"));
    let issuer = fake.provider("iss").issuer.unwrap();
    let live = now(issuer.snapshot(&cx, &principal))?;
    let chosen: Option<Chosen> = now(issuer.choose(&cx, &principal, &live, Some(old)))?;
    now(issuer.mint(
        &cx,
        &MintRequest {
            principal: &principal,
            marker: "m",
            replaces: Some(old),
            chosen: chosen.as_ref(),
        },
    ))
}

fn place(fake: &Fake, at: &str, minted: &Minted, shape: &Shape) -> Result<Slot> {
    let store = fake.provider("web").store.unwrap();
    let (at, payload) = (PlacementId::new(at), minted.bundle.shaped(shape).unwrap());
    now(store.place(&Cx::default(), &Delivery::new(&at, &payload)))
}

fn end(fake: &Fake, op: Op, id: &CredentialId) -> Result<()> {
    let (cx, principal) = (Cx::default(), PrincipalId::new("user/ci"));
    let revoker = fake.provider("iss").revoker.unwrap();
    match op {
        Op::Disable => now(revoker.disable(&cx, &principal, id)),
        Op::Enable => now(revoker.enable(&cx, &principal, id)),
        _ => now(revoker.destroy(&cx, &principal, id)),
    }
}

fn secret() -> Shape {
    Shape::Field("secret_access_key".into())
}

/// An overlap issuer, a store with one placement of the old value, and these consumers of it.
fn overlap(consumers: impl IntoIterator<Item = ConsumerSpec>) -> (Fake, CredentialId) {
    let fake = Fake::new(3);
    let mut world = fake.world();
    world.issuer("iss", IssuerSpec::overlap());
    world.store("web", StoreSpec::write_only());
    let old = world.principal("iss", "user/ci");
    world.put("web", "T", "iss", &old, &secret());
    for consumer in consumers {
        world.consumer(consumer.reads("web", "T", secret()));
    }
    drop(world);
    (fake, old)
}

#[test]
fn a_careful_rotation_has_no_outage_and_a_careless_one_has() {
    for careful in [true, false] {
        let jobs = ConsumerSpec::jobs("job", "iss", "user/ci", HOUR, 10 * MINUTE);
        let (fake, old) = overlap([
            ConsumerSpec::calls("calls", "iss", "user/ci"),
            jobs,
            ConsumerSpec::jobs("queued", "iss", "user/ci", HOUR, 10 * MINUTE).queued(5 * MINUTE),
            ConsumerSpec::process("process", "iss", "user/ci"),
        ]);
        let new = mint(&fake, &old).unwrap();
        if careful {
            fake.world().advance(MINUTE);
        }
        place(&fake, "T", &new, &secret()).unwrap();
        if careful {
            // The longest job and its queue are over, and the process is restarted.
            fake.world().advance(20 * MINUTE);
            fake.world().reload("process");
        }
        end(&fake, Op::Disable, &old).unwrap();
        fake.world().advance(3 * HOUR);
        let mut world = fake.world();
        let outages = world.outages().to_vec();
        let mut who: Vec<_> = outages.iter().map(|o| o.consumer.as_str()).collect();
        who.sort_unstable();
        who.dedup();
        if careful {
            assert_eq!(who, Vec::<&str>::new(), "{outages:?}");
            assert_eq!(world.holds("process"), Some(new.id.clone()));
        } else {
            assert_eq!(who, ["calls", "job", "process", "queued"], "{outages:?}");
            // Not yet visible: over when it is. Read once: never over.
            let of = |name: &str| outages.iter().find(|o| o.consumer == name).unwrap();
            assert!(of("calls").until.is_some() && of("process").until.is_none());
            assert_eq!(of("process").holds, Some(old.clone()));
        }
        assert_eq!(world.most_live("iss", "user/ci"), 2);
        assert_eq!(world.placed("web", "T", "iss", &secret()), Some(new.id));
    }
}

#[test]
fn an_attacker_succeeds_until_it_is_dead_and_longer_with_a_session() {
    let (fake, old) = overlap([]);
    let mut world = fake.world();
    let mut spec = IssuerSpec::overlap();
    spec.sessions = Some(Sessions { survive: HOUR, can_end: true, ended_by: "a deny".into() });
    world.issuer("iss", spec);
    world.attacker("iss", &old, MINUTE);
    world.advance(10 * MINUTE);
    let start = world.attackers()[0].successes;
    assert!((10..=11).contains(&start), "{start}");
    drop(world);
    end(&fake, Op::Disable, &old).unwrap();
    let mut world = fake.world();
    world.advance(HOUR / 2);
    let after = world.attackers()[0].clone();
    assert_eq!(after.successes, start + 1, "one more within `dead_after`: {after:?}");
    let fates = world.fates();
    assert!(after.last_success < fates[0].dead_at && after.last_session > fates[0].dead_at);
    let until = after.last_success.unwrap();
    world.advance(24 * HOUR);
    let later = world.attackers()[0].clone();
    assert!(later.last_session.unwrap().duration_since(until).unsigned_abs() <= HOUR, "{later:?}");
    assert_eq!(later.successes, after.successes);
}

#[test]
fn uses_are_told_by_usage() {
    let (fake, old) = overlap([ConsumerSpec::calls("calls", "iss", "user/ci")]);
    let (cx, principal) = (Cx::default(), PrincipalId::new("user/ci"));
    let usage = fake.provider("iss").usage.unwrap();
    fake.world().advance(HOUR);
    let told = now(usage.last_use(&cx, &principal, &old)).unwrap();
    assert_eq!(told.source.as_deref(), Some("calls"));
    let ago = fake.world().now().duration_since(told.at.unwrap()).unsigned_abs();
    assert!(ago <= MINUTE, "{ago:?}");
}

#[test]
fn a_death_is_before_or_after_the_effect_and_lasts_until_the_revival() {
    for lands in [false, true] {
        let (fake, old) = overlap([]);
        fake.world().fuse = Some(Fuse { left: 1, counts: Counts::Effects, lands });
        let error = mint(&fake, &old).unwrap_err();
        assert!(is_death(&error) && error.effect == Effect::Unknown);
        assert!(is_death(&end(&fake, Op::Destroy, &old).unwrap_err()));
        assert!(fake.world().is_dead());
        fake.world().revive();
        let fates = fake.world().fates();
        assert_eq!(fates.len(), if lands { 2 } else { 1 });
        assert!(fates.iter().all(|fate| fate.replied == (fate.by == By::Start)), "{fates:?}");
        end(&fake, Op::Destroy, &old).unwrap();
        assert_eq!(fake.world().fates()[0].end, End::Destroyed);
    }
}

#[test]
fn rules_strike_where_they_are_told() {
    let (fake, old) = overlap([]);
    fake.world().rule(Rule::next(Op::Mint, Failure::LoseReply).at("iss").on("user/ci"));
    let error = mint(&fake, &old).unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::Unknown));
    assert_eq!(mint(&fake, &old).unwrap_err().kind, ErrorKind::LimitReached);
    let fates = fake.world().fates();
    assert!(fates.len() == 2 && !fates[1].replied && fates[1].by == By::Engine);
    fake.world().rule(Rule::next(Op::Disable, Failure::Status(503)).after(1));
    end(&fake, Op::Disable, &old).unwrap();
    assert_eq!(end(&fake, Op::Enable, &old).map_err(|e| e.kind), Ok(()));
    assert_eq!(end(&fake, Op::Disable, &old).unwrap_err().effect, Effect::Unknown);
    fake.world().rule(Rule::next(Op::Destroy, Failure::Lie));
    end(&fake, Op::Destroy, &old).unwrap();
    assert_eq!(fake.world().fates()[0].end, End::Active);
    fake.world().deny("iss", Op::Destroy);
    assert_eq!(end(&fake, Op::Destroy, &old).unwrap_err().kind, ErrorKind::PermissionDenied);
}

#[test]
fn a_broken_or_wider_credential_is_minted_when_told() {
    let (fake, old) = overlap([]);
    fake.world().rule(Rule::next(Op::Mint, Failure::OtherScope));
    assert_eq!(mint(&fake, &old).unwrap().scope["scopes"], "admin");
    let (fake, old) = overlap([]);
    fake.world().rule(Rule::next(Op::Mint, Failure::Broken));
    let minted = mint(&fake, &old).unwrap();
    fake.world().advance(HOUR);
    assert_eq!(fake.world().takes("iss", &minted.bundle), None);
}

#[test]
fn rolling_the_old_one_again_kills_the_family() {
    let fake = Fake::new(1);
    fake.world().issuer("iss", IssuerSpec::atomic_roll());
    let old = fake.world().principal("iss", "user/ci");
    fake.world().rule(Rule::next(Op::Mint, Failure::LoseReply));
    mint(&fake, &old).unwrap_err();
    let error = mint(&fake, &old).unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::Unknown));
    let ends: Vec<_> = fake.world().fates().iter().map(|fate| fate.end).collect();
    assert_eq!(ends, [End::Replaced, End::FamilyRevoked]);
}

#[test]
fn strangers_come_when_they_are_scheduled() {
    let (fake, old) = overlap([ConsumerSpec::calls("calls", "iss", "user/ci")]);
    let (iss, web) = (ProviderName::new("iss"), ProviderName::new("web"));
    let (principal, at) = (PrincipalId::new("user/ci"), PlacementId::new("T"));
    fake.world().schedule(When::Effect(1), Act::Mint(iss, principal));
    assert_eq!(mint(&fake, &old).unwrap_err().kind, ErrorKind::LimitReached);
    let due = fake.world().now() + HOUR;
    fake.world().schedule(When::At(due), Act::Edit(web.clone(), at.clone()));
    fake.world().schedule(When::At(due + HOUR), Act::Delete(web, at));
    fake.world().advance(3 * HOUR);
    let mut world = fake.world();
    assert_eq!(world.outages()[0].from, due);
    assert_eq!(world.strange().len(), 3);
    assert_eq!(world.fates()[1].by, By::Stranger);
    drop(world);
    end(&fake, Op::Destroy, &old).unwrap();
    fake.world().advance(MINUTE);
    let new = mint(&fake, &old).unwrap();
    assert_eq!(place(&fake, "T", &new, &secret()).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn one_slot_has_the_outage_that_it_means_and_two_roles_have_none() {
    for slots in [Slots::One, Slots::Alternating] {
        let fake = Fake::new(5);
        let shape = Shape::Template("db://{{ username }}:{{ password }}@h/app".into());
        let mut world = fake.world();
        world.issuer("iss", IssuerSpec::caller_chosen(slots));
        world.store("web", StoreSpec::write_only());
        let old = world.principal("iss", "user/ci");
        world.put("web", "URL", "iss", &old, &shape);
        let calls = ConsumerSpec::calls("app", "iss", "user/ci");
        world.consumer(calls.reads("web", "URL", shape.clone()));
        drop(world);
        let new = mint(&fake, &old).unwrap();
        fake.world().advance(MINUTE);
        place(&fake, "URL", &new, &shape).unwrap();
        let outages = fake.world().outages().to_vec();
        match slots {
            Slots::One => {
                let [outage] = &outages[..] else { panic!("{outages:?}") };
                let lasted = outage.until.unwrap().duration_since(outage.from).unsigned_abs();
                assert!(lasted >= MINUTE && lasted < 2 * MINUTE);
            }
            _ => assert!(outages.is_empty(), "{outages:?}"),
        }
        end(&fake, Op::Disable, &old).unwrap();
        assert_eq!(fake.world().outages().len(), outages.len());
    }
}

#[test]
fn the_same_seed_is_the_same_world_and_values_stand_only_in_bundles() {
    let told = |seed| {
        let fake = Fake::new(seed);
        fake.world().issuer("iss", IssuerSpec::overlap());
        let old = fake.world().principal("iss", "user/ci");
        let minted = mint(&fake, &old).unwrap();
        let value = minted.bundle.field("secret_access_key").unwrap();
        let value = value.expose_for(keysweep_sdk::Purpose::Verify).to_owned();
        assert!(value.starts_with(CANARY));
        let provider = fake.provider("iss");
        let debug = format!("{:?} {provider:?} {minted:?}", fake.world());
        assert!(!debug.contains(CANARY), "{debug}");
        (value, debug)
    };
    assert_eq!(told(1), told(1));
    assert_ne!(told(1).0, told(2).0);
}
