//! Integration tests, one binary: cheaper to link than one per file.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop where it stands, and says when it cannot run"
)]

#[cfg(feature = "rotate")]
mod bind;
mod check;
mod cli;
#[cfg(feature = "rotate")]
mod config;
mod contract;
mod corpus;
#[cfg(feature = "rotate")]
mod doctor;
mod expose;
mod expressions;
mod github;
mod history;
mod hostile;
mod import;
#[cfg(feature = "rotate")]
mod init;
mod inputs;
#[cfg(feature = "rotate")]
mod invoke;
mod issuer;
#[cfg(feature = "rotate")]
mod journal;
mod literals;
mod offline;
mod owners;
mod packages;
mod packs;
mod peers;
#[cfg(feature = "rotate")]
mod plan;
mod readme;
mod regressions;
mod replay;
mod report;
#[cfg(feature = "rotate")]
mod rotate;
mod shell;
mod tidy;
mod today;
mod vendor;
mod yaml;
