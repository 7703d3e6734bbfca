//! Slices of a plan: each a plan of its own, with its own digest to approve.

use std::collections::BTreeMap;

use super::{Plan, Rotation};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum By {
    Owner,
    Environment,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Slice {
    /// The owner or environment; `None`: those without one.
    pub key: Option<String>,
    pub plan: Plan,
}

/// Every rotation, task and refusal is in exactly one slice; gates and hosts are in each. Slices stand in the order in
/// which their first rotations would run; [`Rotation::after`] still names what has to be over in another slice.
pub fn split(plan: &Plan, by: By) -> Vec<Slice> {
    let mut slices: Vec<Slice> = Vec::new();
    let mut at: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for rotation in &plan.rotations {
        slice(plan, key(rotation, by), &mut slices, &mut at).rotations.push(rotation.clone());
    }
    for task in &plan.tasks {
        let owner = task.owner.clone().filter(|_| by == By::Owner);
        let key = of_task(plan, &task.id).map_or(owner, |rotation| key(rotation, by));
        slice(plan, key, &mut slices, &mut at).tasks.push(task.clone());
    }
    for refused in &plan.refused {
        slice(plan, None, &mut slices, &mut at).refused.push(refused.clone());
    }
    slices
}

/// The rotations of each wave, in their order. After each wave `rotate` stops.
pub fn waves(plan: &Plan) -> BTreeMap<u32, Vec<&Rotation>> {
    let mut waves: BTreeMap<u32, Vec<&Rotation>> = BTreeMap::new();
    for rotation in &plan.rotations {
        waves.entry(rotation.wave).or_default().push(rotation);
    }
    waves
}

fn key(rotation: &Rotation, by: By) -> Option<String> {
    match by {
        By::Owner => rotation.owner.clone(),
        By::Environment => rotation.environment.clone(),
    }
}

/// `mint:prod:user/x` and `reload:prod:user/x#web:a` belong to `prod:user/x`.
fn of_task<'p>(plan: &'p Plan, id: &str) -> Option<&'p Rotation> {
    let (_, about) = id.split_once(':')?;
    plan.rotations.iter().find(|rotation| {
        about
            .strip_prefix(&rotation.id)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
    })
}

fn slice<'s>(
    plan: &Plan,
    key: Option<String>,
    slices: &'s mut Vec<Slice>,
    at: &mut BTreeMap<Option<String>, usize>,
) -> &'s mut Plan {
    let index = *at.entry(key.clone()).or_insert_with(|| {
        // A campaign has one journal, so each slice is a campaign of its own.
        let name = key.as_deref().unwrap_or("-");
        slices.push(Slice {
            plan: Plan {
                campaign: format!("{}/{name}", plan.campaign),
                rotations: Vec::new(),
                tasks: Vec::new(),
                refused: Vec::new(),
                ..plan.clone()
            },
            key,
        });
        slices.len() - 1
    });
    &mut slices[index].plan
}
