#![doc = include_str!("../README.md")]

mod api;
mod change;
mod config;
mod file;
mod issuer;
mod lint;
mod list;
mod manifest;
mod outcome;
mod scope;
mod template;
mod verifier;

pub use config::Config;
pub use file::{BadManifest, check, shipped};
