//! From what is exposed and what the configuration binds to a plan that `rotate` can follow without a choice of its own.

mod model;

pub use model::{
    Bounds, Delivery, Mode, Part, Place, Plan, Proof, Purpose, Reload, Rotation, Task, TaskKind,
    VERSION,
};
