//! The plan: each credential by itself, then their order, then what a person has to do.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use keysweep_sdk::Style;

use super::{
    Bounds, Plan, Purpose, Recovery, Refused, Rotation, Task, VERSION, by_hand,
    exposed::{self, Answers},
    harm,
    observed::{Observed, SeenCredential},
    old,
    order::Order,
    parts::{self, Parts},
    slots::Slots,
    timing,
    units::{self, Units},
};
use crate::{
    assess::Report,
    bindings::Book,
    config::{Config, Credential, CredentialName, SessionsChoice},
};

/// After a breach nothing lives on without an end.
const LATEST: Duration = Duration::from_secs(24 * 3600);
/// Before a step is tried again the first time.
const BACKOFF: Duration = Duration::from_secs(10);

/// All that a plan is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub campaign: &'a str,
    pub config: &'a Config,
    pub observed: &'a Observed,
    /// What was exposed, as `expose` reports it.
    pub exposure: Option<&'a Report>,
    /// The binding book.
    pub book: Option<&'a Book>,
    /// What the incident's pack wants answered before anything is revoked.
    pub gates: &'a [String],
    pub select: Select<'a>,
    pub now: Timestamp,
}

/// Which credentials of the configuration are planned.
#[derive(Clone, Copy, Debug, Default)]
pub enum Select<'a> {
    #[default]
    All,
    /// Those that a row of the exposure report is bound to.
    Exposed,
    Only(&'a BTreeSet<CredentialName>),
}

/// Why a credential is left alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    what: String,
    way_out: String,
}

impl Refusal {
    pub(super) fn new(what: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { what: what.into(), way_out: way_out.into() }
    }

    fn of(self, name: &CredentialName, answers: &Answers) -> Refused {
        Refused {
            rotation: name.to_string(),
            what: self.what,
            way_out: self.way_out,
            exposures: answers.rows(name),
        }
    }
}

/// Makes the plan. Pure: the same bytes for the same input.
pub fn plan(input: &Input<'_>) -> Plan {
    let answers = exposed::answers(input);
    let selected: Vec<&Credential> =
        input.config.credentials.iter().filter(|c| is_selected(input, c, &answers)).collect();
    let order = Order::new(&selected, &input.config.policy);
    let (mut planned, mut refused) = (Vec::new(), Vec::new());
    for credential in &selected {
        let circle = order.circle(&credential.name);
        let made =
            if circle.is_empty() { rotation(input, credential) } else { Err(round(&circle)) };
        match made {
            Ok((mut rotation, tasks)) => {
                rotation.exposures = answers.rows(&credential.name);
                planned.push((credential.name.clone(), rotation, tasks));
            }
            Err(refusal) => refused.push(refusal.of(&credential.name, &answers)),
        }
    }
    let names = planned.iter().map(|(name, ..)| name.clone()).collect();
    let (mut rotations, mut tasks) = (Vec::new(), Vec::new());
    for turn in order.turns(&names) {
        let Some(at) = planned.iter().position(|(name, ..)| *name == turn.name) else { continue };
        let (_, mut rotation, its) = planned.swap_remove(at);
        rotation.wave = turn.wave;
        rotation.after = turn.after.iter().map(ToString::to_string).collect();
        rotations.push(rotation);
        tasks.extend(its);
    }
    tasks.extend(answers.tasks);
    Plan {
        v: VERSION,
        campaign: input.campaign.to_owned(),
        made: input.now,
        purpose: input.config.policy.purpose,
        hosts: hosts(input, &rotations),
        rotations,
        tasks,
        gates: distinct(input.gates),
        refused,
        recovery: recovery(input),
    }
}

fn is_selected(input: &Input<'_>, credential: &Credential, answers: &Answers) -> bool {
    match input.select {
        Select::All => true,
        Select::Exposed => answers.is_bound(&credential.name),
        Select::Only(names) => names.contains(&credential.name),
    }
}

fn round(circle: &[&CredentialName]) -> Refusal {
    let names: Vec<String> = circle.iter().map(ToString::to_string).collect();
    Refusal::new(
        format!("{} can change each other: none can be the last", names.join(", ")),
        "take one `can_change` out; what remains is rotated first",
    )
}

fn rotation(input: &Input<'_>, credential: &Credential) -> Result<(Rotation, Vec<Task>), Refusal> {
    let parts = parts::parts(credential, input.observed)?;
    let nobody = SeenCredential::default();
    let seen = input.observed.credentials.get(&credential.name).unwrap_or(&nobody);
    let style = credential.style.unwrap_or(parts.issuer.style);
    let unknown = credential.fields.iter().find(|field| !parts.issuer.fields.contains(field));
    if let Some(field) = unknown.filter(|_| style != Style::Retire) {
        return Err(Refusal::new(
            format!("its issuer makes no field `{field}`"),
            format!("its fields are {}", parts.issuer.fields.join(", ")),
        ));
    }
    let (live, old) = old::old(credential, style, &seen.listing)?;
    let slots = Slots {
        style,
        issuer: &parts.issuer,
        usage: parts.usage.as_ref().map(|part| &part.limits),
        live: &live,
        old: old.as_ref(),
        seen,
        quiet: input.config.policy.quiet,
        now: input.now,
    };
    let free = slots.free()?;
    let units = units::units(input, credential)?;
    let mut tasks = units.tasks.clone();
    let mut rotation = assembled(input, credential, parts, &units);
    rotation.style = style;
    rotation.baseline = old.as_ref().and_then(|old| seen.uses.get(old)).cloned();
    (rotation.old, rotation.observed, rotation.free) = (old, live, free);
    rotation.breaks = harm::breaks(&rotation, credential);
    rotation.calls = timing::calls(&rotation, input.now);
    rotation.expected = timing::expected(&rotation, input.now, units.writing);
    tasks.extend(by_hand::tasks(input, credential, &rotation));
    Ok((rotation, tasks))
}

fn assembled(input: &Input<'_>, credential: &Credential, parts: Parts, units: &Units) -> Rotation {
    let sessions = parts.revoker.as_ref().and_then(|part| part.limits.sessions.as_ref());
    let end_sessions = credential.sessions == SessionsChoice::End
        && sessions.is_some_and(|sessions| sessions.can_end);
    let sources: BTreeSet<String> =
        credential.stores.iter().flat_map(|store| store.consumers.iter().cloned()).collect();
    Rotation {
        id: credential.name.to_string(),
        provider: credential.name.provider.clone(),
        principal: credential.name.principal.clone(),
        style: parts.issuer.style,
        mode: credential.mode,
        old: None,
        observed: Vec::new(),
        free: None,
        deliveries: units.deliveries.clone(),
        deadline: deadline(input, credential),
        sole_writer: credential.sole_writer,
        end_sessions,
        issuer: parts.issuer,
        verifier: parts.verifier,
        revoker: parts.revoker,
        bounds: bounds(input.config, parts.usage.as_ref().map(|u| u.limits.granularity)),
        usage: parts.usage,
        baseline: None,
        known_sources: sources.into_iter().collect(),
        owner: credential.owner.clone(),
        environment: credential.environment.clone(),
        class: credential.class.clone(),
        breaks: Vec::new(),
        calls: 0,
        expected: Duration::ZERO,
        wave: 0,
        fields: credential.fields.clone(),
        after: Vec::new(),
        exposures: Vec::new(),
    }
}

fn deadline(input: &Input<'_>, credential: &Credential) -> Option<Timestamp> {
    let always = (input.config.policy.purpose == Purpose::PostBreach).then_some(LATEST);
    let within = input.config.deadline(credential).or(always)?;
    Some(timing::later(input.now, within))
}

fn bounds(config: &Config, granularity: Option<Duration>) -> Bounds {
    let policy = &config.policy;
    // A stranger is to be seen soon after a breach; a late consumer is in no hurry.
    let seldom = match config.policy.purpose {
        Purpose::Periodic => Duration::from_secs(3600),
        Purpose::PostBreach => Duration::from_secs(900),
    };
    let least = granularity.unwrap_or_default().max(Duration::from_secs(60)).min(seldom);
    Bounds {
        attempts: policy.attempts,
        backoff: BACKOFF,
        prove: policy.prove_within,
        drain: policy.drain,
        quiet: policy.quiet,
        watch: (policy.quiet / 4).clamp(least, seldom),
        soak: policy.soak,
    }
}

/// Of the providers that the rotations use, and of no other.
fn hosts(input: &Input<'_>, rotations: &[Rotation]) -> Vec<String> {
    let mut used = BTreeSet::new();
    for rotation in rotations {
        used.insert(&rotation.provider);
        used.extend(rotation.verifier.as_ref().map(|part| &part.provider));
        used.extend(rotation.revoker.as_ref().map(|part| &part.provider));
        used.extend(rotation.usage.as_ref().map(|part| &part.provider));
        used.extend(rotation.deliveries.iter().map(|delivery| &delivery.provider));
    }
    if let Some(transit) = &input.config.escrow.transit {
        used.insert(&transit.provider);
    }
    let hosts = used.iter().filter_map(|name| input.observed.providers.get(*name));
    let hosts: BTreeSet<&String> = hosts.flat_map(|seen| &seen.hosts).collect();
    hosts.into_iter().cloned().collect()
}

fn recovery(input: &Input<'_>) -> Recovery {
    let escrow = &input.config.escrow;
    let mut sealed_to = escrow.recipients.clone();
    sealed_to.extend(escrow.identity.iter().map(|file| format!("identity {}", file.display())));
    sealed_to.extend(escrow.keychain.then(|| "keychain".to_owned()));
    sealed_to.extend(escrow.transit.iter().map(|at| format!("transit {at}")));
    sealed_to.extend(input.observed.sealed_to.iter().cloned());
    Recovery {
        sealed_to: distinct(&sealed_to),
        danger_no_escrow: input.config.policy.danger_no_escrow,
    }
}

fn distinct(lines: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    lines.iter().filter(|line| seen.insert(*line)).cloned().collect()
}
