//! What a placement is beside its name: who owns it, and what writes it. Pure.

pub mod managed;
pub mod owner;
