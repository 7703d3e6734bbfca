//! From a plan to dead old credentials: one journalled step at a time, resumable at every instant.

mod decide;
mod engine;
mod escrow;
mod event;
mod journal;
mod sqlite;
mod state;

pub use decide::{Act, Next, decide};
pub use engine::{Engine, Hooks, Operator, Reply, Rest, RotateError};
pub use escrow::{AgeSealer, keys_new};
pub use event::{Entry, Event, Outcome, Step};
pub use journal::{Journal, JournalError, SealError, Sealed, Sealer};
pub use sqlite::{CampaignJournal, Lease, LeaseError, StateFile, Stray, TransferError};
pub use state::{Answer, Illegal, Look, Orphan, Phase, State, Tries};
