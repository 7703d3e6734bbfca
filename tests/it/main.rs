//! Integration tests, one binary: cheaper to link than one per file.

mod cli;
mod corpus;
mod expose;
mod expressions;
mod history;
mod hostile;
mod offline;
mod packs;
mod peers;
mod readme;
mod report;
mod shell;
mod tidy;
mod yaml;
