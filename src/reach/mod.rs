//! Capability × job → what can be obtained. Pure; each rule with its id.

pub mod rules;
