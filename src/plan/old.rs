//! Which credential of a principal the consumers hold now.

use keysweep_sdk::{CredentialId, Live, LiveState, Style};

use super::{build::Refusal, observed::Listing};
use crate::config::Credential;

/// What the issuer lists, and the one of it that is to be replaced.
///
/// # Errors
///
/// When more than one could be meant: a guess would end the wrong one.
pub(super) fn old(
    credential: &Credential,
    style: Style,
    listing: &Listing,
) -> Result<(Vec<Live>, Option<CredentialId>), Refusal> {
    let live = match listing {
        Listing::Listed(live) => sorted(live),
        Listing::Unlisted => Vec::new(),
        Listing::Failed(why) => {
            return Err(Refusal::new(
                format!("its issuer did not list its credentials: {why}"),
                "`keysweep doctor --for plan` says what lacks",
            ));
        }
    };
    let old = match (&credential.current, listing) {
        (Some(current), Listing::Listed(_)) if !live.iter().any(|l| l.id == *current) => {
            return Err(Refusal::new(
                format!("`current` is {current}, and its issuer does not list it"),
                format!("correct `current`; its issuer lists {}", ids(live.iter())),
            ));
        }
        (Some(current), _) => Some(current.clone()),
        (None, _) => only_active(&live)?,
    };
    if old.is_none() && matches!(style, Style::Retire | Style::AtomicRoll) {
        return Err(Refusal::new(
            "nobody says which credential is to be ended".to_owned(),
            "name it by `current`",
        ));
    }
    Ok((live, old))
}

fn only_active(live: &[Live]) -> Result<Option<CredentialId>, Refusal> {
    let active: Vec<&Live> = live.iter().filter(|l| l.state == LiveState::Active).collect();
    match active[..] {
        [] => Ok(None),
        [one] => Ok(Some(one.id.clone())),
        _ => Err(Refusal::new(
            format!("{} credentials are active: {}", active.len(), ids(active.iter().copied())),
            "name the one that consumers use by `current`; the last uses tell it",
        )),
    }
}

/// The order in which an issuer lists says nothing.
fn sorted(live: &[Live]) -> Vec<Live> {
    let mut live = live.to_vec();
    live.sort_by(|a, b| a.id.cmp(&b.id));
    live
}

pub(super) fn ids<'l>(live: impl Iterator<Item = &'l Live>) -> String {
    let ids: Vec<&str> = live.map(|l| l.id.as_str()).collect();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}
