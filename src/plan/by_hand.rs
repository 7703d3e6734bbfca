//! What a person does where an issuer cannot be called for it.

use keysweep_sdk::{CredentialId, Instructions, ProviderName, Style};

use super::{Rotation, Task, TaskKind, build::Input};
use crate::config::Credential;

/// What a person does at an issuer that cannot be called for it.
pub(super) fn tasks(input: &Input<'_>, credential: &Credential, rotation: &Rotation) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut task = |kind, name: &str, about: String, clues: Vec<String>| {
        let id = format!("{name}:{}", credential.name);
        tasks.push(Task { id, kind, about, owner: credential.owner.clone(), clues });
    };
    if rotation.style == Style::Manual {
        let told = instructions(input, &credential.name.provider);
        let about = format!("make a new credential for {}", credential.name);
        task(TaskKind::Mint, "mint", about, steps(told, |told| &told.mint));
    }
    let ended = rotation.overlaps() || rotation.style == Style::Retire;
    if let (true, None, Some(old)) = (ended, &rotation.revoker, old_to_end(rotation)) {
        let told = instructions(input, credential.revoked_by());
        let about = format!("end {old} of {}, when `status` asks for it", credential.name);
        task(TaskKind::Revoke, "revoke", about, steps(told, |told| &told.revoke));
    }
    tasks
}

fn old_to_end(rotation: &Rotation) -> Option<&CredentialId> {
    rotation.old.as_ref().filter(|_| rotation.style != Style::Ephemeral)
}

fn instructions<'a>(input: &Input<'a>, provider: &ProviderName) -> Option<&'a Instructions> {
    input.observed.providers.get(provider).and_then(|seen| seen.instructions.as_ref())
}

fn steps(told: Option<&Instructions>, of: impl Fn(&Instructions) -> &Vec<String>) -> Vec<String> {
    let Some(told) = told else { return Vec::new() };
    told.at.iter().map(|at| format!("at {at}")).chain(of(told).iter().cloned()).collect()
}
