//! The one path of every provider call, with a clock that stands still until somebody waits.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use keysweep::invoke::{Audit, Call, Clock, Invoker, Rules};
use keysweep_sdk::{
    Cx, Delivery, Effect, Error, ErrorKind, Held, Op, Payload, PlacementId, PrincipalId, Provider,
    ProviderName, ReadAt, Readable, SecretValue, Slot, Store, StoreLimits, WriteMode,
};
use tokio::time::{self, Instant};

#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }
}

fn invoker(rules: Rules) -> Arc<Invoker> {
    Invoker::new(rules, "c-1", Audit::memory(), Arc::new(Standing))
}

fn call(mutates: bool) -> Call {
    let op = if mutates { Op::Mint } else { Op::Snapshot };
    Call { provider: ProviderName::new("prod"), op, subject: "user/ci".into(), mutates }
}

fn error(kind: ErrorKind, effect: Effect) -> Error {
    Error::new(ProviderName::new("prod"), Op::Mint, kind, effect, "no")
}

/// How often a call that always fails is sent, and how long that takes.
async fn sent(mutates: bool, kind: ErrorKind, effect: Effect) -> (u32, Duration) {
    let (count, begun) = (AtomicU32::new(0), Instant::now());
    let result = invoker(Rules::default())
        .call(&call(mutates), || {
            count.fetch_add(1, Ordering::Relaxed);
            async move { Err::<(), _>(error(kind, effect)) }
        })
        .await;
    assert!(result.is_err());
    (count.into_inner(), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn only_what_certainly_changed_nothing_is_sent_again() {
    let asked =
        |seconds| ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(seconds)) };
    for mutates in [true, false] {
        for (kind, effect, times, seconds) in [
            (ErrorKind::Unavailable, Effect::None, 3, 1.5),
            (ErrorKind::RateLimited { retry_after: None }, Effect::None, 3, 1.5),
            (asked(9), Effect::None, 3, 18.0),
            // Longer than this program waits: the engine parks.
            (asked(3600), Effect::None, 1, 0.0),
            (ErrorKind::Unavailable, Effect::Unknown, 1, 0.0),
            (asked(9), Effect::Unknown, 1, 0.0),
            (ErrorKind::PermissionDenied, Effect::None, 1, 0.0),
            (ErrorKind::Conflict, Effect::None, 1, 0.0),
        ] {
            let (count, took) = sent(mutates, kind, effect).await;
            assert_eq!(
                (count, took),
                (times, Duration::from_secs_f64(seconds)),
                "{kind:?} {effect:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_mutation_that_is_too_late_is_unknown_and_not_repeated() {
    for (mutates, times, effect) in [(true, 1, Effect::Unknown), (false, 3, Effect::None)] {
        let count = AtomicU32::new(0);
        let late = invoker(Rules::default())
            .call(&call(mutates), || {
                count.fetch_add(1, Ordering::Relaxed);
                async {
                    time::sleep(Duration::from_hours(1)).await;
                    Ok(())
                }
            })
            .await
            .unwrap_err();
        assert_eq!((count.into_inner(), late.effect), (times, effect));
        assert_eq!(late.message(), "no answer within 120 s");
        assert!(late.hint().is_some());
    }
}

#[tokio::test]
async fn nothing_that_changes_something_passes_a_stop() {
    let dry = Rules { dry_run: true, ..Rules::default() };
    let read_only = Rules { read_only: true, ..Rules::default() };
    for (rules, word) in [(dry, "dry run"), (read_only, "read_only")] {
        let invoker = invoker(rules);
        let stopped = invoker
            .call(&call(true), || async { panic!("sent") as keysweep_sdk::Result<()> })
            .await
            .unwrap_err();
        assert_eq!(stopped.effect, Effect::None);
        assert!(stopped.message().contains(word), "{}", stopped.message());
        assert!(invoker.call(&call(false), || async { Ok(()) }).await.is_ok());
        assert!(invoker.audit().lines()[0].contains("\"event\":\"stopped\""));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_and_its_repetitions_hold_one_permit() {
    let invoker = invoker(Rules { at_once: 2, ..Rules::default() });
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let (invoker, now, most) = (Arc::clone(&invoker), Arc::clone(&now), Arc::clone(&most));
            tokio::spawn(async move {
                let attempt = AtomicU32::new(0);
                let result = invoker
                    .call(&call(false), || {
                        // Counted from the first attempt to the second, with the pause between them.
                        let first = attempt.fetch_add(1, Ordering::Relaxed) == 0;
                        if first {
                            let here = now.fetch_add(1, Ordering::Relaxed) + 1;
                            most.fetch_max(here, Ordering::Relaxed);
                        } else {
                            now.fetch_sub(1, Ordering::Relaxed);
                        }
                        async move {
                            if first {
                                Err(error(ErrorKind::Unavailable, Effect::None))
                            } else {
                                Ok(())
                            }
                        }
                    })
                    .await;
                assert!(result.is_ok());
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(most.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn the_log_tells_each_attempt_and_no_value() {
    let invoker = invoker(Rules::default());
    let count = AtomicU32::new(0);
    let value = SecretValue::new("planted-value");
    let minted = invoker
        .call(&call(true), || {
            let first = count.fetch_add(1, Ordering::Relaxed) == 0;
            let value = &value;
            async move {
                let _ = value;
                if first { Err(error(ErrorKind::Unavailable, Effect::None)) } else { Ok(()) }
            }
        })
        .await;
    assert!(minted.is_ok());
    let head = r#"{"v":1,"time":"2026-01-02T03:04:05Z","campaign":"c-1","provider":"prod","op":"mint","subject":"user/ci","mutates":true,"#;
    let tails = [
        r#""event":"asked","attempt":1}"#,
        r#""event":"again","attempt":1,"error":"unavailable","effect":"none","milliseconds":0}"#,
        r#""event":"asked","attempt":2}"#,
        r#""event":"ok","milliseconds":500}"#,
    ];
    assert_eq!(invoker.audit().lines(), tails.map(|tail| format!("{head}{tail}")));
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_is_private_and_only_grows() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/audit.jsonl");
    for lines in [2, 4] {
        let audit = Audit::open(&path).unwrap();
        let invoker = Invoker::new(Rules::default(), "c", audit, Arc::new(Standing));
        // On disk before it is sent.
        let before = || fs::read_to_string(&path).unwrap().lines().count();
        let seen = invoker.call(&call(true), || async { Ok(before()) }).await.unwrap();
        assert_eq!((seen, before()), (lines - 1, lines));
    }
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(Audit::open(&link).is_err());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_cannot_be_logged_is_not_sent() {
    // Writes to it fail with "no space left".
    let full = fs::OpenOptions::new().append(true).open("/dev/full").unwrap().into();
    let invoker = Invoker::new(Rules::default(), "c", full, Arc::new(Standing));
    let refused = invoker
        .call(&call(true), || async { panic!("sent") as keysweep_sdk::Result<()> })
        .await
        .unwrap_err();
    assert_eq!((refused.kind, refused.effect), (ErrorKind::Config, Effect::None));
}

/// A store that wants a second between two writes.
#[derive(Debug, Default)]
struct Slow {
    writes: Arc<Mutex<Vec<(Instant, Instant)>>>,
}

#[async_trait]
impl Store for Slow {
    fn limits(&self) -> StoreLimits {
        StoreLimits {
            readable: Readable::Metadata,
            write: WriteMode::Upsert,
            read_at: ReadAt::JobStart,
            min_gap: Duration::from_secs(1),
            max_bytes: None,
            named: Some(false),
        }
    }

    async fn stat(&self, _: &Cx, _: &PlacementId) -> keysweep_sdk::Result<Option<Slot>> {
        Ok(None)
    }

    async fn place(&self, cx: &Cx, _: &Delivery<'_>) -> keysweep_sdk::Result<Slot> {
        assert_eq!(cx.campaign, "c-1");
        let begun = Instant::now();
        time::sleep(Duration::from_millis(300)).await;
        self.writes.lock().unwrap().push((begun, Instant::now()));
        Ok(Slot::default())
    }

    async fn read(&self, _: &Cx, _: &PlacementId, _: &[String]) -> keysweep_sdk::Result<Held> {
        Ok(Held::Nothing)
    }

    async fn remove(&self, _: &Cx, _: &PlacementId, _: &[String]) -> keysweep_sdk::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn writes_keep_the_distance_that_their_store_wants() {
    let writes = Arc::default();
    let provider =
        Provider::new(ProviderName::new("web")).store(Slow { writes: Arc::clone(&writes) });
    let invoker = invoker(Rules::default());
    let tasks: Vec<_> = (0..3)
        .map(|at| {
            let calls = invoker.calls(&provider);
            tokio::spawn(async move {
                let (at, payload) =
                    (PlacementId::new(format!("a{at}")), Payload::One(SecretValue::new("v")));
                calls.place(&Delivery::new(&at, &payload)).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let writes = writes.lock().unwrap();
    let gaps: Vec<_> = writes.windows(2).map(|pair| pair[1].0 - pair[0].1).collect();
    assert_eq!(gaps, [Duration::from_secs(1); 2]);
}

#[tokio::test]
async fn a_missing_part_is_an_answer() {
    let calls = invoker(Rules::default()).calls(&Provider::new(ProviderName::new("web")));
    let missing = calls.snapshot(&PrincipalId::new("x")).await.unwrap_err();
    assert_eq!((missing.kind, missing.effect), (ErrorKind::Unsupported, Effect::None));
    assert_eq!(missing.to_string(), "web: list credentials failed: it has no issuer");
}
