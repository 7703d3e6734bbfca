//! Integration tests, one binary: cheaper to link than one per file.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop where it stands, and says when it cannot run"
)]

mod check;
mod cli;
mod contract;
mod corpus;
mod expose;
mod expressions;
mod github;
mod history;
mod hostile;
mod import;
mod inputs;
mod issuer;
mod journal;
mod literals;
mod offline;
mod owners;
mod packages;
mod packs;
mod peers;
mod readme;
mod regressions;
mod replay;
mod report;
mod shell;
mod tidy;
mod today;
mod vendor;
mod yaml;
