//! Which credentials could a compromised CI component have taken, how do we know, and are they dead yet?
//!
//! Modules stand in the order of the data: see `ARCHITECTURE.md`.

pub mod assess;
pub mod ci;
