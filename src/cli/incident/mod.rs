//! `keysweep incident new|import|lint|add|list|show|remove|trust`: packs of one's own.

mod add;
mod import;
mod lint;
mod new;
mod remove;
mod show;
mod trust;

use clap::{Args as ClapArgs, Subcommand};

use super::{Exit, ExitError, Stages, Streams, incidents};

/// Write, import, judge and keep incident packs
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    New(new::Args),
    Import(import::Args),
    Lint(lint::Args),
    Add(add::Args),
    List(incidents::Args),
    Show(show::Args),
    Remove(remove::Args),
    Trust(trust::Args),
}

pub(super) fn run(
    args: Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    match args.verb {
        Verb::New(args) => new::run(args, streams),
        Verb::Import(args) => import::run(args, stages, streams),
        Verb::Lint(args) => lint::run(&args, stages, streams),
        Verb::Add(args) => add::run(&args, stages, streams),
        Verb::List(args) => incidents::run(args, stages, streams),
        Verb::Show(args) => show::run(&args, stages, streams),
        Verb::Remove(args) => remove::run(&args, stages, streams),
        Verb::Trust(args) => trust::run(&args, stages, streams),
    }
}
