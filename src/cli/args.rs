//! The words of the command line, as typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::{check, components, exit, expose, incident, incidents, inventory, schema};

/// Which credentials could a compromised CI component have taken?
///
/// Reads clones and folders on this machine; opens no connection.
#[derive(Debug, Parser)]
#[command(name = "keysweep", version, after_help = exit::table(), max_term_width = 100)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Check(check::Args),
    Expose(expose::Args),
    Components(components::Args),
    Inventory(inventory::Args),
    Incident(incident::Args),
    Incidents(incidents::Args),
    Schema(schema::Args),
}

#[derive(ClapArgs, Debug)]
pub(super) struct SourceArgs {
    /// Checkouts, bare clones, or folders of clones [default: .]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// Do not show progress on the terminal
    #[arg(long)]
    pub(super) no_progress: bool,
}

#[derive(ClapArgs, Debug)]
pub(super) struct OutputArgs {
    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,

    /// Write the report to FILE, readable by you only, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}
