//! `keysweep bind import CSV`

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::BookArgs;
use crate::{
    bindings::{Book, block, imported},
    cli::{Exit, ExitError, Streams, configured, home, output},
};

/// Add the rows of a table to the book; what is there stays as it is
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    /// A table with a header: placement,credential,issuer,account,owner,runbook,source_of_truth,class,known_by,
    /// confirmed_by,confirmed
    #[arg(value_name = "CSV")]
    table: PathBuf,

    #[command(flatten)]
    book: BookArgs,
}

pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> Result<Exit, ExitError> {
    let path = &args.book.bindings;
    let (book, mut text) = if path.exists() {
        let (book, text) = super::book(path, streams)?;
        (Some(book), text)
    } else {
        (None, String::new())
    };
    let table = home::read(&args.table)?;
    let imported = imported(table.as_bytes(), book.as_ref()).map_err(|errors| {
        let of_table = |error: crate::bindings::RowError| {
            let place = format!("`{}:{}`", args.table.display(), error.line);
            ExitError::usage(place, error.message).hint(error.hint)
        };
        configured::last(errors.into_iter().map(of_table).collect(), streams)
    })?;
    for binding in &imported.bindings {
        if !text.is_empty() && !text.ends_with("\n\n") {
            text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        text.push_str(&block(binding));
    }
    // A pattern that is no glob is told before it is in the book.
    Book::parse(path, &text).map_err(|errors| configured::told(&errors, streams))?;
    if !imported.bindings.is_empty() {
        output::write_private(path, &text)?;
    }
    let line = format!("{} new, {} known already", imported.bindings.len(), imported.known);
    output::Target::Stdout.deliver(&format!("{line}\n"), None, streams)?;
    Ok(Exit::Done)
}
