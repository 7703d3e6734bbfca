//! `keysweep bind export`

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::BookArgs;
use crate::{
    bindings::exported,
    cli::{Exit, ExitError, Streams, output::Target},
};

/// Print the book as a table for spreadsheets
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    book: BookArgs,

    /// Write the table to FILE, readable by you only, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: Args, streams: &mut Streams<'_>) -> Result<Exit, ExitError> {
    let target = Target::new(args.output)?;
    let (book, _) = super::book(&args.book.bindings, streams)?;
    target.deliver(&exported(&book), Some("bindings as CSV"), streams)?;
    Ok(Exit::Done)
}
