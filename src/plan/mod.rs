//! From what is exposed and what the configuration binds to a plan that `rotate` can follow without a choice of its own.

mod approval;
mod build;
mod by_hand;
mod exposed;
mod grouping;
mod harm;
mod lint;
mod model;
mod observed;
mod old;
mod order;
mod parts;
mod slots;
mod split;
mod timing;
mod units;
mod words;

pub use approval::{
    Approved, Evidence, NAMESPACE, NotApproved, approved, find_principals, message, sign, verify,
};
pub use build::{Input, Select, plan};
pub use lint::{Finding, Level, lint};
pub use model::{
    Bounds, Delivery, Mode, Part, Place, Plan, Proof, Purpose, Recovery, Refused, Reload, Rotation,
    Task, TaskKind, VERSION,
};
pub use observed::{Listing, Observed, SeenCredential, SeenPlacement, SeenProvider};
pub use split::{By, Slice, split, waves};
pub use timing::{until_drained, until_refused, waits_for_people};
pub use words::{delivery, duration, mode, proof, read_at, style};
