//! `keysweep bind check|import|export`: the binding book.

mod check;
mod export;
mod import;

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};

use super::{Exit, ExitError, Streams, configured, home};
use crate::bindings::Book;

/// Check, fill and list the binding book: which placement holds which credential
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Check(check::Args),
    Import(import::Args),
    Export(export::Args),
}

#[derive(ClapArgs, Debug)]
struct BookArgs {
    /// The binding book
    #[arg(short, long, value_name = "FILE", default_value = "bindings.toml")]
    bindings: PathBuf,
}

pub(super) fn run(args: Args, streams: &mut Streams<'_>) -> Result<Exit, ExitError> {
    match args.verb {
        Verb::Check(args) => check::run(&args, streams),
        Verb::Import(args) => import::run(&args, streams),
        Verb::Export(args) => export::run(args, streams),
    }
}

fn book(path: &Path, streams: &mut Streams<'_>) -> Result<(Book, String), ExitError> {
    let text = if path.exists() {
        home::read(path)?
    } else {
        return Err(ExitError::usage(format!("`{}`", path.display()), "no such file").hint(
            "begin one with `keysweep bind import TABLE.csv`, or name it with `--bindings`",
        ));
    };
    let book = Book::parse(path, &text).map_err(|errors| configured::told(&errors, streams))?;
    Ok((book, text))
}
