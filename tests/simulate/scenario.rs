//! A world and a plan for it, from a seed.

use std::time::Duration;

use jiff::SignedDuration;
use keysweep::plan::{
    Bounds, Delivery, Mode, Part, Place, Plan, Proof, Purpose, Recovery, Reload, Rotation, VERSION,
};
use keysweep_provider_fake::{
    Act, ConsumerSpec, Counts, Failure, Fake, Fuse, IssuerSpec, Rule, Slots, StoreSpec, When,
};
use keysweep_sdk::{Op, PlacementId, PrincipalId, ProviderName, ReadAt, Readable, Shape, Style};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::desk::JournalFuse;

pub(super) struct Scenario {
    pub(super) fake: Fake,
    pub(super) plan: Plan,
    pub(super) journal_fuse: Option<JournalFuse>,
    /// The operator wants out when the engine is taken up for the so-manieth time.
    pub(super) abort: Option<u64>,
    /// Consumers that are restarted by a hook or by hand.
    pub(super) reloads: Vec<String>,
    pub(super) about: About,
}

/// What the judge needs to know of what was drawn.
#[derive(Debug)]
pub(super) struct About {
    pub(super) style: Style,
    pub(super) slots: Option<Slots>,
    pub(super) stores: usize,
    pub(super) purpose: Purpose,
    pub(super) mode: Mode,
    pub(super) attacker: bool,
    pub(super) stranger: bool,
    /// A store is deleted meanwhile.
    pub(super) deleted: bool,
    pub(super) rules: Vec<Rule>,
    pub(super) fuse: Option<Fuse>,
}

const PRINCIPAL: &str = "user/ci";

impl Scenario {
    pub(super) fn new(seed: u64) -> Self {
        let mut draw = StdRng::seed_from_u64(seed);
        let fake = Fake::new(seed);
        let (mut issuer, slots) = issuer(&mut draw);
        issuer.parts.usage &= draw.random_bool(0.7);
        let keeps = draw.random_bool(0.25);
        let store = match (draw.random_bool(0.5), keeps) {
            (true, false) => StoreSpec::readable(),
            (true, true) => StoreSpec::file(),
            (false, _) => StoreSpec::write_only(),
        };
        let stores = draw.random_range(1..=12);
        let read_at = store.limits.read_at;
        {
            let mut world = fake.world();
            world.keep_log(false);
            world.issuer("issuer", issuer);
            world.store("store", store);
        }
        let old = fake.world().principal("issuer", PRINCIPAL);
        let shape = shape(&fake);
        let mut reloads = Vec::new();
        for i in 0..stores {
            let (at, name) = (format!("repo{i}/TOKEN"), format!("consumer{i}"));
            let mut world = fake.world();
            world.put("store", &at, "issuer", &old, &shape);
            let spec = match read_at {
                ReadAt::Call | ReadAt::JobStart => ConsumerSpec::calls(&name, "issuer", PRINCIPAL),
                ReadAt::Queue => {
                    let (every, lasts) = (Duration::from_secs(1800), Duration::from_secs(1500));
                    ConsumerSpec::jobs(&name, "issuer", PRINCIPAL, every, lasts)
                        .queued(Duration::from_secs(60))
                        .first(Duration::from_secs(60 * i as u64))
                }
                ReadAt::ProcessStart | ReadAt::Deploy => {
                    reloads.push(name.clone());
                    ConsumerSpec::process(&name, "issuer", PRINCIPAL)
                }
            };
            world.consumer(spec.reads("store", &at, shape.clone()));
        }
        let purpose = *[Purpose::Periodic, Purpose::PostBreach].choose(&mut draw).unwrap();
        let contain = purpose == Purpose::PostBreach && draw.random_bool(0.3);
        let mode = if contain { Mode::ContainFirst } else { Mode::AvailabilityFirst };
        let retire = draw.random_bool(0.08);
        let mut rotation = rotation(&fake, stores, &shape, read_at, &mut draw);
        rotation.mode = mode;
        if retire {
            rotation.style = Style::Retire;
        }
        rotation.sole_writer = draw.random_bool(0.5);
        let now = fake.world().now();
        if purpose == Purpose::PostBreach {
            rotation.deadline = Some(now + SignedDuration::from_mins(draw.random_range(20..=240)));
        }
        let plan = Plan {
            v: VERSION,
            campaign: "simulation".into(),
            made: now,
            purpose,
            rotations: vec![rotation],
            tasks: Vec::new(),
            gates: Vec::new(),
            hosts: Vec::new(),
            refused: Vec::new(),
            recovery: Recovery::default(),
        };
        let mut scenario = Self {
            about: About {
                style: plan.rotations[0].style,
                slots,
                stores,
                purpose,
                mode,
                attacker: false,
                stranger: false,
                deleted: false,
                rules: Vec::new(),
                fuse: None,
            },
            fake,
            plan,
            journal_fuse: None,
            abort: None,
            reloads,
        };
        scenario.troubles(&mut draw);
        scenario
    }

    fn troubles(&mut self, draw: &mut StdRng) {
        let old = self.plan.rotations[0].old.clone().unwrap();
        let mut world = self.fake.world();
        if draw.random_bool(0.5) {
            let fuse = Fuse {
                left: draw.random_range(1..=30),
                counts: if draw.random_bool(0.5) { Counts::Effects } else { Counts::Calls },
                lands: draw.random_bool(0.5),
            };
            (world.fuse, self.about.fuse) = (Some(fuse), Some(fuse));
        }
        if draw.random_bool(0.5) {
            let (write, lands) = (draw.random_range(1..=60), draw.random_bool(0.5));
            self.journal_fuse = Some(JournalFuse { write, lands });
        }
        if draw.random_bool(0.15) {
            self.abort = Some(draw.random_range(1..=6));
            if draw.random_bool(0.3) {
                let lie = Rule::next(Op::Destroy, Failure::Lie);
                self.about.rules.push(lie.clone());
                world.rule(lie);
            }
        }
        if draw.random_bool(0.2) {
            let lost = Rule::next(Op::Mint, Failure::LoseReply);
            self.about.rules.push(lost.clone());
            world.rule(lost);
        }
        for _ in 0..draw.random_range(0..=2) {
            let rule = rule(draw, self.about.stores);
            self.about.rules.push(rule.clone());
            world.rule(rule);
        }
        if draw.random_bool(0.3) {
            self.about.attacker = true;
            world.attacker("issuer", &old, Duration::from_secs(60));
        }
        if draw.random_bool(0.1) {
            self.about.stranger = true;
            // Else the plan would have promised what is not so.
            self.plan.rotations[0].sole_writer = false;
            let act = Act::Mint(ProviderName::new("issuer"), PrincipalId::new(PRINCIPAL));
            world.schedule(When::Call(draw.random_range(1..=40)), act);
        }
        if draw.random_bool(0.1) {
            self.about.deleted = true;
            let at =
                PlacementId::new(format!("repo{}/TOKEN", draw.random_range(0..self.about.stores)));
            let act = Act::Delete(ProviderName::new("store"), at);
            world.schedule(When::Call(draw.random_range(1..=60)), act);
        }
    }
}

fn issuer(draw: &mut StdRng) -> (IssuerSpec, Option<Slots>) {
    let slots = *[Slots::One, Slots::Two, Slots::Alternating].choose(draw).unwrap();
    match draw.random_range(0..8) {
        0 | 1 => (IssuerSpec::overlap(), None),
        2 => (IssuerSpec::overlap_marked(), None),
        3 | 4 => (IssuerSpec::caller_chosen(slots), Some(slots)),
        5 => (IssuerSpec::atomic_roll(), None),
        6 => (IssuerSpec::ephemeral(Duration::from_secs(3600 * 12)), None),
        _ => (IssuerSpec::manual(), None),
    }
}

/// The whole credential in one placement, so that no consumer sees half of one.
fn shape(fake: &Fake) -> Shape {
    let limits = fake.provider("issuer").capabilities().issuer.unwrap();
    let fields: Vec<_> = limits.fields.iter().map(|field| format!("{{{{ {field} }}}}")).collect();
    match limits.fields.as_slice() {
        [one] => Shape::Field(one.clone()),
        _ => Shape::Template(fields.join(":")),
    }
}

fn rule(draw: &mut StdRng, stores: usize) -> Rule {
    let ops = [
        Op::Mint,
        Op::Mint,
        Op::Place,
        Op::Place,
        Op::Place,
        Op::Verify,
        Op::Disable,
        Op::Destroy,
        Op::Snapshot,
        Op::Stat,
        Op::LastUse,
        Op::Read,
        Op::Remove,
    ];
    let op = *ops.choose(draw).unwrap();
    let failures = [
        Failure::LoseReply,
        Failure::LoseReply,
        Failure::TimeOut,
        Failure::Refuse,
        Failure::Status(401),
        Failure::Status(403),
        Failure::Status(409),
        Failure::Status(422),
        Failure::Status(429),
        Failure::Status(500),
        Failure::Status(503),
        Failure::Broken,
        Failure::Lie,
        Failure::Lie,
    ];
    let failure = match *failures.choose(draw).unwrap() {
        Failure::Broken if op != Op::Mint => Failure::Status(500),
        Failure::Lie if !matches!(op, Op::Disable | Op::Destroy) => Failure::Status(500),
        failure => failure,
    };
    let rule =
        Rule::next(op, failure).times(draw.random_range(1..=6)).after(draw.random_range(0..=3));
    if op == Op::Place && draw.random_bool(0.5) {
        return rule.on(&format!("repo{}/TOKEN", draw.random_range(0..stores)));
    }
    rule
}

fn rotation(
    fake: &Fake,
    stores: usize,
    shape: &Shape,
    read_at: ReadAt,
    draw: &mut StdRng,
) -> Rotation {
    let (issuing, storing) =
        (fake.provider("issuer").capabilities(), fake.provider("store").capabilities());
    let limits = issuing.issuer.unwrap();
    let readable = storing.store.unwrap().readable == Readable::Value;
    let name = ProviderName::new("issuer");
    let world = fake.world();
    let observed = world.observed("issuer", PRINCIPAL);
    let old = world.first("issuer", PRINCIPAL);
    let keeps = matches!(read_at, ReadAt::ProcessStart | ReadAt::Deploy);
    let by_hand = draw.random_bool(0.3);
    let delivery = |i: usize| {
        let reload = match by_hand {
            true => Reload::Task("restart it".into()),
            false => Reload::Hook(vec![format!("consumer{i}")]),
        };
        let at = PlacementId::new(format!("repo{i}/TOKEN"));
        let before = world.slot(&ProviderName::new("store"), &at);
        Delivery {
            provider: ProviderName::new("store"),
            places: vec![Place { at, shape: shape.clone(), before }],
            read_at,
            reload: keeps.then_some(reload),
            proof: if readable { Proof::ReadBack } else { Proof::Advanced },
            required: true,
            environment: None,
        }
    };
    Rotation {
        id: format!("issuer:{PRINCIPAL}"),
        provider: name.clone(),
        principal: PrincipalId::new(PRINCIPAL),
        style: limits.style,
        mode: Mode::default(),
        old,
        observed,
        free: None,
        deliveries: (0..stores).map(delivery).collect(),
        deadline: None,
        sole_writer: false,
        end_sessions: false,
        issuer: limits,
        verifier: issuing.verifier.map(|limits| Part { provider: name.clone(), limits }),
        revoker: issuing.revoker.map(|limits| Part { provider: name.clone(), limits }),
        usage: issuing.usage.map(|limits| Part { provider: name.clone(), limits }),
        baseline: None,
        known_sources: (0..stores).map(|i| format!("consumer{i}")).collect(),
        bounds: Bounds {
            attempts: 4,
            backoff: Duration::from_secs(5),
            prove: Duration::from_secs(600),
            drain: Duration::from_secs(1800),
            quiet: Duration::from_secs(if draw.random_bool(0.5) { 3600 } else { 0 }),
            watch: Duration::from_secs(1800),
            soak: Duration::from_secs(3600),
        },
        owner: None,
        environment: None,
        class: None,
        breaks: Vec::new(),
        calls: 0,
        expected: Duration::ZERO,
        wave: 0,
        fields: Vec::new(),
        after: Vec::new(),
        exposures: Vec::new(),
    }
}
