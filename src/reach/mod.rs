//! Capability × job → what can be obtained. Pure; each rule with its id.
//!
//! Front ends have already inlined calls and put every secret where the platform puts it, so the rules
//! here are those of processes: what is in my environment, what lies on the disk, what stands in the
//! memory beside me.

mod reached;
pub mod rules;

pub use reached::{Reached, reached};
