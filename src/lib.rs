//! Which credentials could a compromised CI component have taken, how do we know, and are they dead yet?
//!
//! Modules stand in the order of the data: see `ARCHITECTURE.md`.

pub mod ci;
pub mod incident;

pub mod discover;

pub mod reach;

pub mod resolve;

pub mod assess;

pub mod report;

#[cfg(feature = "rotate")]
pub mod config;

#[cfg(feature = "rotate")]
pub mod bindings;

#[cfg(feature = "rotate")]
pub mod registry;

#[cfg(feature = "rotate")]
pub mod plan;

#[cfg(feature = "rotate")]
pub mod invoke;

#[cfg(feature = "rotate")]
pub mod rotate;

pub mod cli;
