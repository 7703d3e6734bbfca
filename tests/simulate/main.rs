//! The whole engine against a world in memory, thousands of seeded times: every style, readable and write-only stores,
//! one to twelve of them, deaths, lost replies, refusals, strangers, an attacker, consumers that keep what they read.
//!
//! `KEYSWEEP_RUNS` says how many, `KEYSWEEP_SEED` runs one and tells what happened.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod desk;
mod judge;
mod scenario;

use std::{
    collections::BTreeMap,
    env,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::SignedDuration;
use keysweep::{
    invoke::{Audit, Calls, Invoker, Rules},
    rotate::{Engine, Event, Outcome, Rest, RotateError, State},
};
use keysweep_sdk::ProviderName;

use desk::{Clock, Desk, Memory, Seal};
use scenario::Scenario;

/// What came of one run.
pub(crate) struct Story {
    pub(crate) scenario: Scenario,
    pub(crate) rest: Rest,
    pub(crate) journal: Memory,
    pub(crate) audit: Vec<String>,
    pub(crate) state: State,
    pub(crate) deaths: u32,
    pub(crate) stale: Option<String>,
}

/// A person resumes what parked so often; then it stays.
const RESUMES: u32 = 6;

/// What still waits then, waits for ever.
const PATIENCE: SignedDuration = SignedDuration::from_hours(3 * 24);

fn play(seed: u64) -> Result<Story, String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(story(Scenario::new(seed)))
}

async fn story(scenario: Scenario) -> Result<Story, String> {
    let clock = Arc::new(Clock(scenario.fake.clone()));
    let rules = Rules { timeout: Duration::from_secs(60), ..Rules::default() };
    let invoker = Invoker::new(rules, "simulation", Audit::memory(), clock.clone());
    let providers: BTreeMap<ProviderName, Calls> = ["issuer", "store"]
        .map(|name| (ProviderName::new(name), invoker.calls(&scenario.fake.provider(name))))
        .into();
    let mut journal = Memory::new(scenario.fake.clone(), scenario.journal_fuse);
    let (sealer, desk) = (Seal::default(), Desk(scenario.fake.clone(), scenario.reloads.clone()));
    let marks = AtomicU64::new(0);
    let mark = || format!("keysweep-{}", marks.fetch_add(1, Ordering::Relaxed));
    let engine = Engine {
        providers: &providers,
        sealer: &sealer,
        clock: clock.as_ref(),
        operator: &desk,
        hooks: &desk,
        holder: "simulation",
        mark: &mark,
    };
    let rotation = &scenario.plan.rotations[0];
    let (mut fence, mut deaths, mut resumed, mut stale) = (0, 0, 0, None);
    let rest = loop {
        fence += 1;
        let passed = scenario.fake.world().now().duration_since(scenario.plan.made);
        if passed > PATIENCE || fence > 5_000 {
            break Rest::Waiting { until: scenario.plan.made, why: "it never rests".into() };
        }
        if scenario.abort == Some(fence) {
            desk.abort(&mut journal, fence, rotation)?;
        }
        let ran = engine.run(&scenario.plan, rotation, &mut journal, fence).await;
        if journal.dead() {
            deaths += 1;
            journal.revive();
            continue;
        }
        match ran {
            Ok(rest @ Rest::Closed(_)) => break rest,
            Ok(Rest::Waiting { until, .. }) => {
                let mut world = scenario.fake.world();
                let soon = world.now() + Duration::from_secs(1);
                world.advance_to(until.max(soon));
            }
            Ok(rest @ Rest::Parked { .. }) => {
                if resumed == RESUMES {
                    break rest;
                }
                resumed += 1;
                scenario.fake.world().advance(Duration::from_secs(600));
                desk.resume(&mut journal, fence, rotation)?;
            }
            Err(RotateError::Stale(why)) => {
                stale = Some(why.join("; "));
                break Rest::Parked { why: "stale".into() };
            }
            Err(error) => return Err(error.to_string()),
        }
    };
    let state = State::replay(&journal.all()).map_err(|error| error.to_string())?;
    let audit = invoker.audit().lines();
    Ok(Story { scenario, rest, journal, audit, state, deaths, stale })
}

fn told(seed: u64, story: Option<&Story>, trouble: &str) -> String {
    let mut text = format!(
        "seed {seed}: {trouble}\nreplay: KEYSWEEP_SEED={seed} cargo test --test simulate\n"
    );
    let Some(story) = story else { return text };
    let _ = writeln!(text, "{:#?}", story.scenario.about);
    for entry in story.journal.all() {
        let _ = writeln!(text, "{} {:?}", entry.at, entry.event);
    }
    let _ = writeln!(text, "{:?}", story.rest);
    let mut world = story.scenario.fake.world();
    for fate in world.fates() {
        let _ = writeln!(text, "{fate:?}");
    }
    for outage in world.outages() {
        let _ = writeln!(text, "{outage:?}");
    }
    text
}

#[test]
fn nothing_is_lost_whatever_happens() {
    if let Some(seed) = env::var("KEYSWEEP_SEED").ok().and_then(|seed| seed.parse().ok()) {
        let story = play(seed).unwrap_or_else(|trouble| panic!("{}", told(seed, None, &trouble)));
        let verdict = judge::judge(&story).err().unwrap_or_else(|| "as it should be".into());
        println!("{}", told(seed, Some(&story), &verdict));
        assert_eq!(verdict, "as it should be");
        return;
    }
    let runs: u64 = env::var("KEYSWEEP_RUNS").map_or(1_500, |runs| runs.parse().unwrap());
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get() as u64);
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let run = |from: u64| move || tally((from..runs).step_by(threads as usize));
        let running: Vec<_> = (0..threads).map(|from| scope.spawn(run(from))).collect();
        running.into_iter().for_each(|thread| all.add(thread.join().unwrap()));
    });
    let mut text = String::new();
    for (seed, trouble) in &all.troubles {
        let _ = writeln!(text, "KEYSWEEP_SEED={seed} cargo test --test simulate: {trouble}");
    }
    all.troubles.clear();
    println!("{runs} runs: {all:?}");
    assert!(text.is_empty(), "{text}");
    // A net without fish proves nothing: every kind of ending and of trouble has to have occurred.
    assert!(all.done * 2 > runs, "{all:?}");
    assert!(all.parked > 0 && all.deaths > runs / 4, "{all:?}");
    assert!(
        all.orphans > 0 && all.rolled_back > 0 && all.contained > 0 && all.aborts > 0,
        "{all:?}"
    );
}

#[derive(Debug, Default)]
struct Tally {
    done: u64,
    rolled_back: u64,
    parked: u64,
    stale: u64,
    aborts: u64,
    deaths: u64,
    orphans: u64,
    contained: u64,
    findings: u64,
    troubles: Vec<(u64, String)>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.done += other.done;
        self.rolled_back += other.rolled_back;
        self.parked += other.parked;
        self.stale += other.stale;
        self.aborts += other.aborts;
        self.deaths += other.deaths;
        self.orphans += other.orphans;
        self.contained += other.contained;
        self.findings += other.findings;
        self.troubles.extend(other.troubles);
    }
}

fn tally(seeds: impl Iterator<Item = u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let story = match play(seed) {
            Ok(story) => story,
            Err(trouble) => {
                tally.troubles.push((seed, trouble));
                continue;
            }
        };
        tally.troubles.extend(judge::judge(&story).err().map(|trouble| (seed, trouble)));
        match story.rest {
            Rest::Closed(Outcome::Done) => tally.done += 1,
            Rest::Closed(Outcome::RolledBack) => tally.rolled_back += 1,
            Rest::Waiting { .. } | Rest::Parked { .. } if story.stale.is_some() => tally.stale += 1,
            Rest::Waiting { .. } | Rest::Parked { .. } => tally.parked += 1,
        }
        tally.aborts += u64::from(story.state.abort.is_some());
        tally.deaths += u64::from(story.deaths);
        tally.orphans += story.state.orphans.len() as u64;
        tally.contained += u64::from(story.state.answer.is_some());
        let found = |entry: &&keysweep::rotate::Entry| matches!(entry.event, Event::Finding { .. });
        tally.findings += story.journal.all().iter().filter(found).count() as u64;
    }
    tally
}
