//! What stops while a credential is rotated, in words.

use std::collections::BTreeSet;

use keysweep_sdk::Style;

use super::{Mode, Rotation};
use crate::config::Credential;

/// The outage that the style and the mode mean, and what the configuration says of it.
pub(super) fn breaks(rotation: &Rotation, credential: &Credential) -> Vec<String> {
    let mut breaks: Vec<String> = outage(rotation, credential).into_iter().collect();
    if !breaks.is_empty() {
        breaks.extend(credential.breaks.iter().cloned());
    }
    breaks
}

fn outage(rotation: &Rotation, credential: &Credential) -> Option<String> {
    let who = consumers(credential);
    if rotation.style == Style::Retire {
        return Some(format!("{who} lose it for good: it has no successor"));
    }
    if !rotation.overlaps() {
        let how = match rotation.style {
            Style::AtomicRoll => "its roll kills the old one in the same call",
            _ => "it has one slot: the old one dies when the new one is set",
        };
        return Some(format!("{how}; {who} fail until each has read the new one"));
    }
    let contained = rotation.mode == Mode::ContainFirst && rotation.style != Style::Ephemeral;
    (contained && rotation.old.is_some())
        .then(|| format!("the old one is ended first; {who} fail until each has read the new one"))
}

fn consumers(credential: &Credential) -> String {
    let named: BTreeSet<&str> =
        credential.stores.iter().flat_map(|s| &s.consumers).map(String::as_str).collect();
    if named.is_empty() || credential.stores.iter().any(|s| s.consumers.is_empty()) {
        let stores: Vec<String> = credential.stores.iter().map(|s| s.at.to_string()).collect();
        return match &stores[..] {
            [] => "all consumers".to_owned(),
            stores => format!("all that read {}", stores.join(", ")),
        };
    }
    named.into_iter().collect::<Vec<_>>().join(", ")
}
