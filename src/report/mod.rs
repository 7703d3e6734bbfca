//! Reports for people and machines. Pure.
