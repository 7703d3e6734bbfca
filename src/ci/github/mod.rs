//! GitHub Actions front end.

pub mod expr;
