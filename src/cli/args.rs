//! The words of the command line, as typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

#[cfg(feature = "rotate")]
use super::{bind, doctor, init};
use super::{check, components, exit, expose, incident, incidents, inventory, schema};

/// Which credentials could a compromised CI component have taken?
///
/// Reads clones and folders on this machine. What works with `keysweep.toml` dials the hosts that it prints beforehand;
/// nothing else opens a connection.
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
    #[cfg(feature = "rotate")]
    Init(init::Args),
    #[cfg(feature = "rotate")]
    Bind(bind::Args),
    #[cfg(feature = "rotate")]
    Doctor(doctor::Args),
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

#[cfg(feature = "rotate")]
#[derive(ClapArgs, Debug)]
pub(super) struct ConfigArgs {
    /// The configuration
    #[arg(short, long, value_name = "FILE", default_value = "keysweep.toml")]
    pub(super) config: PathBuf,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}
