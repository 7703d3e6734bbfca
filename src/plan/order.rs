//! Which credential comes first: what another can change goes before that other one, keysweep's own goes last.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Credential, CredentialName, Policy};

/// For each credential, those that have to be over before it begins.
pub(super) struct Order<'a> {
    before: BTreeMap<&'a CredentialName, BTreeSet<&'a CredentialName>>,
    /// Place in the configuration, and wave by its environments alone.
    own: BTreeMap<&'a CredentialName, (usize, u32)>,
}

/// One credential in its turn.
pub(super) struct Turn {
    pub(super) name: CredentialName,
    pub(super) wave: u32,
    pub(super) after: Vec<CredentialName>,
}

impl<'a> Order<'a> {
    pub(super) fn new(credentials: &[&'a Credential], policy: &Policy) -> Self {
        let names: BTreeSet<&CredentialName> = credentials.iter().map(|c| &c.name).collect();
        let mut before = BTreeMap::new();
        for credential in credentials {
            let changed = credential.can_change.iter().filter_map(|name| names.get(name).copied());
            let mut first: BTreeSet<&CredentialName> = changed.collect();
            if credential.own {
                first.extend(credentials.iter().filter(|c| !c.own).map(|c| &c.name));
            }
            before.insert(&credential.name, first);
        }
        let own = credentials
            .iter()
            .enumerate()
            .map(|(at, credential)| (&credential.name, (at, wave(credential, policy))));
        Self { own: own.collect(), before }
    }

    /// The credentials that could each change the next, in a circle with `name`; empty where there is none.
    pub(super) fn circle(&self, name: &CredentialName) -> Vec<&'a CredentialName> {
        let reached = self.reached(name);
        if !reached.contains(name) {
            return Vec::new();
        }
        reached.into_iter().filter(|other| self.reached(other).contains(name)).collect()
    }

    fn reached(&self, name: &CredentialName) -> BTreeSet<&'a CredentialName> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&CredentialName> = vec![name];
        while let Some(next) = open.pop() {
            for first in self.before.get(next).into_iter().flatten() {
                if reached.insert(*first) {
                    open.push(first);
                }
            }
        }
        reached
    }

    /// All of `planned` in their turn. A wave is never before that of a credential that has to be first.
    pub(super) fn turns(&self, planned: &BTreeSet<CredentialName>) -> Vec<Turn> {
        let mut done: BTreeMap<&CredentialName, u32> = BTreeMap::new();
        let mut turns = Vec::new();
        let first = |name: &CredentialName| {
            self.before[name].iter().copied().filter(|first| planned.contains(*first))
        };
        while let Some((wave, _, name)) = planned
            .iter()
            .filter(|name| !done.contains_key(*name))
            .filter(|name| first(name).all(|first| done.contains_key(first)))
            .map(|name| {
                let (at, own) = self.own[name];
                let wave = first(name).map(|first| done[first]).chain([own]).max().unwrap_or(own);
                (wave, at, name)
            })
            .min()
        {
            done.insert(name, wave);
            turns.push(Turn { name: name.clone(), wave, after: first(name).cloned().collect() });
        }
        dense(&mut turns);
        turns
    }
}

/// Waves are counted from 0 without a gap.
fn dense(turns: &mut [Turn]) {
    let used: BTreeSet<u32> = turns.iter().map(|turn| turn.wave).collect();
    let number: BTreeMap<u32, u32> = used.into_iter().zip(0..).collect();
    for turn in turns {
        turn.wave = number[&turn.wave];
    }
}

/// By the policy's list; without one, what is called production comes second, and what has no name as well.
fn wave(credential: &Credential, policy: &Policy) -> u32 {
    let mut environments: Vec<Option<&str>> = vec![credential.environment.as_deref()];
    if credential.environment.is_none() && !credential.stores.is_empty() {
        environments = credential.stores.iter().map(|s| s.environment.as_deref()).collect();
    }
    environments.into_iter().map(|environment| of(environment, policy)).max().unwrap_or_default()
}

fn of(environment: Option<&str>, policy: &Policy) -> u32 {
    let Some(environment) = environment else {
        return last(policy);
    };
    if policy.waves.is_empty() {
        let production = ["prod", "production", "live"].contains(&environment);
        return u32::from(production);
    }
    let at = policy.waves.iter().position(|wave| wave == environment);
    at.and_then(|at| u32::try_from(at).ok()).unwrap_or(last(policy))
}

fn last(policy: &Policy) -> u32 {
    u32::try_from(policy.waves.len().max(1)).unwrap_or(u32::MAX)
}
