//! What the journal says. No event can hold a value: an id is the public half.

use jiff::Timestamp;
use keysweep_sdk::CredentialId;
use serde::{Deserialize, Serialize};

/// What an event is about. The order is that of a rotation.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The issuer's list is as the plan says.
    Intent,
    /// A slot is made free.
    Free,
    /// The caller's value is made up and sealed.
    Choose,
    Mint,
    Verify,
    /// All placements of delivery `i` are written.
    Deliver(usize),
    Reload(usize),
    Prove(usize),
    /// The old one is not used any more.
    Quiet,
    Disable,
    EndSessions,
    /// The issuer refuses the old one, which is disabled.
    Refused,
    Destroy,
    /// The issuer does not have the old one any more.
    Dead,
    /// The placements of delivery `i` are taken away.
    Remove(usize),
    /// The new one is taken back, before anybody has it.
    Discard,
    /// The issuer does not have the new one any more.
    Gone,
    Shred,
    Receipt,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event", deny_unknown_fields)]
pub enum Event {
    /// A holder takes the rotation up; `fence` grows with each.
    Began {
        plan: String,
        fence: u64,
        holder: String,
        approval: Option<String>,
    },
    /// The effect of a step is about to be asked for.
    Started {
        step: Step,
    },
    Done {
        step: Step,
    },
    /// `doubt`: it may have taken effect all the same.
    Failed {
        step: Step,
        why: String,
        doubt: bool,
        hopeless: bool,
    },
    /// A look that can be repeated, and whether it showed what was hoped for.
    Tried {
        step: Step,
        good: bool,
        why: String,
    },
    /// What the issuer held, and the mark of what will be minted.
    Intent {
        marker: String,
        known: Vec<CredentialId>,
    },
    /// A sealed value is in the escrow, and will be set under this id.
    Chose {
        id: CredentialId,
    },
    /// Sealed in the same transaction.
    Minted {
        id: CredentialId,
    },
    /// After a lost reply: what the issuer lists that was not there before.
    Looked {
        new: Vec<CredentialId>,
        ours: bool,
    },
    /// A roll whose value was lost: this one is rolled next.
    Successor {
        id: CredentialId,
    },
    /// A look was not answered.
    Missed {
        why: String,
    },
    /// A credential whose value nobody has.
    Orphan {
        id: CredentialId,
        why: String,
    },
    OrphanDisabled {
        id: CredentialId,
    },
    OrphanGone {
        id: CredentialId,
    },
    /// The last use of the old one, as far as its issuer tells.
    Used {
        at: Option<Timestamp>,
        source: Option<String>,
    },
    /// Something a person should look at.
    Finding {
        what: String,
    },
    Asked {
        why: String,
    },
    /// `go`: contain now. Otherwise `why` is the operator's reason to wait.
    Answered {
        go: bool,
        by: String,
        why: String,
    },
    /// A delivery that will not be made.
    Waived {
        delivery: usize,
        by: String,
        why: String,
    },
    /// A person says that it is done.
    Attested {
        step: Step,
        by: String,
    },
    AbortAsked {
        by: String,
        why: String,
    },
    Parked {
        why: String,
    },
    /// Taken up again by a person: what had run out of tries may be tried again.
    Resumed {
        by: String,
    },
    Closed {
        outcome: Outcome,
    },
}

/// How a rotation ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The old one is dead, and the new one where it should be.
    Done,
    /// The new one is gone, and the old one as it was.
    RolledBack,
}

/// An event and when it was written.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub at: Timestamp,
    pub event: Event,
}

impl Step {
    /// For people: "deliver 3".
    pub fn name(self) -> String {
        match self {
            Self::Intent => "compare with the plan".into(),
            Self::Free => "free a slot".into(),
            Self::Choose => "choose a value".into(),
            Self::Mint => "mint".into(),
            Self::Verify => "verify the new one".into(),
            Self::Deliver(i) => format!("deliver {}", i + 1),
            Self::Reload(i) => format!("reload {}", i + 1),
            Self::Prove(i) => format!("prove {}", i + 1),
            Self::Quiet => "quiet".into(),
            Self::Disable => "disable the old one".into(),
            Self::EndSessions => "end sessions of the old one".into(),
            Self::Refused => "see the old one refused".into(),
            Self::Destroy => "destroy the old one".into(),
            Self::Dead => "see the old one dead".into(),
            Self::Remove(i) => format!("remove {}", i + 1),
            Self::Discard => "take the new one back".into(),
            Self::Gone => "see the new one gone".into(),
            Self::Shred => "shred the sealed value".into(),
            Self::Receipt => "write the receipt".into(),
        }
    }
}
