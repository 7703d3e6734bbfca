//! Placements become units of delivery: what one consumer reads of one credential is written whole.

use std::{collections::BTreeSet, time::Duration};

use keysweep_sdk::{ReadAt, Readable, Shape, Slot, StoreLimits, Style};

use super::{
    Delivery, Place, Proof, Reload, Task, TaskKind,
    build::{Input, Refusal},
    grouping::grouped,
    observed::SeenPlacement,
};
use crate::{
    bindings::Match,
    config::{Credential, StoreUse},
};

#[derive(Debug, Default)]
pub(super) struct Units {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) tasks: Vec<Task>,
    /// That the stores want between two writes, in all.
    pub(super) writing: Duration,
}

/// A store of the configuration, with what was seen of it.
struct Seen<'a> {
    store: &'a StoreUse,
    /// Who writes it in truth.
    managed: Option<String>,
    limits: Option<&'a StoreLimits>,
    found: Found,
}

enum Found {
    Slot(Option<Slot>),
    Failed(String),
}

/// # Errors
///
/// When a store that is needed cannot be written, or a unit cannot be written whole.
pub(super) fn units(input: &Input<'_>, credential: &Credential) -> Result<Units, Refusal> {
    let mut units = Units::default();
    let mut seen = Vec::new();
    for store in &credential.stores {
        let one = look(input, store);
        match &one.found {
            Found::Failed(why) if one.managed.is_none() && store.required => {
                return Err(Refusal::new(
                    format!("{} cannot be written: {why}", store.at),
                    "`keysweep doctor --for rotate` says what lacks; or set `required = false`",
                ));
            }
            Found::Failed(why) if one.managed.is_none() => {
                units.tasks.push(unwritten(credential, store, why));
            }
            Found::Failed(_) | Found::Slot(_) => seen.push(one),
        }
    }
    let stores: Vec<&StoreUse> = seen.iter().map(|one| one.store).collect();
    for unit in grouped(&stores, &credential.fields) {
        let unit: Vec<&Seen<'_>> = unit.into_iter().map(|at| &seen[at]).collect();
        let delivery = match unit.iter().find_map(|one| one.managed.as_ref()) {
            Some(tool) => managed(&unit, tool, credential, &mut units.tasks)?,
            None => written(&unit)?,
        };
        people(&delivery, credential, &mut units.tasks);
        let gap = unit.iter().filter_map(|one| one.limits).map(|l| l.min_gap).max();
        let gaps = u32::try_from(delivery.places.len()).unwrap_or(u32::MAX);
        units.writing = units.writing.saturating_add(gap.unwrap_or_default().saturating_mul(gaps));
        units.deliveries.push(delivery);
    }
    Ok(units)
}

fn look<'a>(input: &Input<'a>, store: &'a StoreUse) -> Seen<'a> {
    let (provider, at) = (&store.at.provider, &store.at.placement);
    let limits = input.observed.capabilities(provider).and_then(|c| c.store.as_ref());
    let found = match input.observed.placement(provider, at) {
        _ if limits.is_none() => Found::Failed(format!("`{provider}` is no store")),
        Some(SeenPlacement::There(slot)) => Found::Slot(Some(slot.clone())),
        Some(SeenPlacement::Absent) => Found::Slot(None),
        Some(SeenPlacement::Failed(why)) => Found::Failed(why.clone()),
        None => Found::Failed("nobody looked at it".to_owned()),
    };
    let of_slot = match &found {
        Found::Slot(Some(slot)) => slot.managed_by.clone(),
        Found::Slot(None) | Found::Failed(_) => None,
    };
    let of_book = input.book.and_then(|book| match book.find(&store.at.to_string()) {
        Match::One(binding) => binding.source_of_truth.clone(),
        Match::Unbound | Match::Conflict(_) => None,
    });
    Seen { store, managed: store.managed_by.clone().or(of_slot).or(of_book), limits, found }
}

fn written(unit: &[&Seen<'_>]) -> Result<Delivery, Refusal> {
    let first = unit[0].store;
    for one in unit {
        shape_fits(one)?;
    }
    Ok(Delivery {
        provider: first.at.provider.clone(),
        places: unit
            .iter()
            .map(|one| Place {
                at: one.store.at.placement.clone(),
                shape: one.store.shape.clone(),
                before: match &one.found {
                    Found::Slot(slot) => slot.clone(),
                    Found::Failed(_) => None,
                },
            })
            .collect(),
        read_at: latest(unit),
        reload: same(unit, "reload", |one| one.store.reload.clone())?,
        proof: proved(unit)?,
        required: unit.iter().any(|one| one.store.required),
        environment: environment(unit),
    })
}

/// Another controller writes it: an API write would be undone. The old one waits for a person's word.
fn managed(
    unit: &[&Seen<'_>],
    tool: &str,
    credential: &Credential,
    tasks: &mut Vec<Task>,
) -> Result<Delivery, Refusal> {
    let places: Vec<String> = unit.iter().map(|one| one.store.at.to_string()).collect();
    let at = places.join(", ");
    let what = if credential.style == Some(Style::Retire) {
        format!("take {at} out where {tool} keeps it, and let {tool} remove it")
    } else {
        format!("change {at} where {tool} keeps it, and let {tool} write it")
    };
    let first = unit[0].store;
    tasks.push(Task {
        id: format!("change-source:{}#{}", credential.name, first.at),
        kind: TaskKind::ChangeSource,
        about: what.clone(),
        owner: owner(first, credential),
        clues: unit
            .iter()
            .map(|one| {
                let tool = one.managed.as_deref().unwrap_or(tool);
                format!(
                    "{} is written by {tool} and takes {}",
                    one.store.at,
                    shape(&one.store.shape)
                )
            })
            .collect(),
    });
    Ok(Delivery {
        provider: first.at.provider.clone(),
        places: Vec::new(),
        read_at: latest(unit),
        reload: Some(Reload::Task(what)),
        proof: Proof::Attested,
        required: unit.iter().any(|one| one.store.required),
        environment: environment(unit),
    })
}

fn shape_fits(one: &Seen<'_>) -> Result<(), Refusal> {
    let named = matches!(one.store.shape, Shape::Named(_));
    match one.limits.and_then(|limits| limits.named) {
        Some(true) if !named => Err(Refusal::new(
            format!("{} holds named values, and is given one", one.store.at),
            "name them: `fields = { NAME = \"field\" }`",
        )),
        Some(false) if named => Err(Refusal::new(
            format!("{} holds one value, and is given named ones", one.store.at),
            "write `field = \"…\"` or a `template`",
        )),
        Some(_) | None => Ok(()),
    }
}

/// What the configuration says, else the strongest that the store allows.
fn proved(unit: &[&Seen<'_>]) -> Result<Proof, Refusal> {
    let readable = unit.iter().all(|one| one.limits.is_some_and(|l| l.readable == Readable::Value));
    let strongest = if readable { Proof::ReadBack } else { Proof::Advanced };
    let proof = same(unit, "proof", |one| one.store.proof.clone())?.unwrap_or(strongest);
    if proof == Proof::ReadBack && !readable {
        return Err(Refusal::new(
            format!("{} does not give its value back", unit[0].store.at),
            "take `proof = \"read-back\"` out",
        ));
    }
    Ok(proof)
}

/// What the stores of a unit say, where they say one thing.
fn same<T: PartialEq>(
    unit: &[&Seen<'_>],
    key: &str,
    of: impl Fn(&Seen<'_>) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    let mut said: Vec<T> = Vec::new();
    for one in unit.iter().filter_map(|one| of(one)) {
        if !said.contains(&one) {
            said.push(one);
        }
    }
    if said.len() > 1 {
        let places: Vec<String> = unit.iter().map(|one| one.store.at.to_string()).collect();
        return Err(Refusal::new(
            format!("{} are written as one, and their `{key}` differ", places.join(", ")),
            format!("write one `{key}` for all, or name the `consumers` that tell them apart"),
        ));
    }
    Ok(said.pop())
}

/// The one that keeps an old value for longest counts.
fn latest(unit: &[&Seen<'_>]) -> ReadAt {
    let read_at = |one: &&Seen<'_>| one.store.read_at.or(one.limits.map(|l| l.read_at));
    let order = |read_at: &ReadAt| match read_at {
        ReadAt::Call => 0,
        ReadAt::JobStart => 1,
        ReadAt::Queue => 2,
        ReadAt::ProcessStart => 3,
        ReadAt::Deploy => 4,
    };
    unit.iter().filter_map(read_at).max_by_key(order).unwrap_or(ReadAt::Deploy)
}

fn environment(unit: &[&Seen<'_>]) -> Option<String> {
    let all: BTreeSet<_> = unit.iter().map(|one| one.store.environment.as_ref()).collect();
    if all.len() == 1 { all.into_iter().next().flatten().cloned() } else { None }
}

fn owner(store: &StoreUse, credential: &Credential) -> Option<String> {
    store.owner.clone().or_else(|| credential.owner.clone())
}

pub(super) fn shape(shape: &Shape) -> String {
    match shape {
        Shape::Field(field) => format!("`{field}`"),
        Shape::Named(names) => {
            let names: Vec<String> =
                names.iter().map(|(name, field)| format!("{name} = `{field}`")).collect();
            names.join(", ")
        }
        Shape::Template(_) => format!("a text of {}", shape.fields().join(", ")),
    }
}

fn unwritten(credential: &Credential, store: &StoreUse, why: &str) -> Task {
    Task {
        id: format!("find-out:{}#{}", credential.name, store.at),
        kind: TaskKind::FindOut,
        about: format!("{} is not written: {why}", store.at),
        owner: owner(store, credential),
        clues: vec![format!("it takes {}, and is not required", shape(&store.shape))],
    }
}

/// What a person does so that a delivery is proved.
fn people(delivery: &Delivery, credential: &Credential, tasks: &mut Vec<Task>) {
    let Some(first) = delivery.places.first() else { return };
    let at = format!("{}:{}", delivery.provider, first.at);
    let mut task = |kind, name: &str, about: String| {
        let id = format!("{name}:{}#{at}", credential.name);
        let owner = credential.owner.clone();
        tasks.push(Task { id, kind, about, owner, clues: vec![format!("after {at} is written")] });
    };
    if let Some(Reload::Task(what)) = &delivery.reload {
        task(TaskKind::Reload, "reload", what.clone());
    }
    if delivery.proof == Proof::Attested {
        let about = format!("see that the consumers of {at} work with the new one");
        task(TaskKind::Confirm, "confirm", about);
    }
}
