//! `keysweep components [PATH]…`

use clap::Args as ClapArgs;

use super::{
    Exit, ExitError, Progress, Stages, Streams,
    args::{Format, OutputArgs, SourceArgs},
    output::Target,
    settings,
};
use crate::report;

/// List all third-party code that CI runs, how it is pinned, and which secrets reach it
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    sources: SourceArgs,

    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(
    args: Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let sources = settings::sources(&args.sources, None)?;
    let target = Target::new(args.output.output)?;
    let report = {
        let progress = Progress::new(streams.watched && !args.sources.no_progress);
        stages.components(&sources, &progress)?
    };
    let page = match args.output.format {
        Format::Table => report::components(&report),
        Format::Json => {
            report::json(&report).map_err(|error| ExitError::failed("report", error))?
        }
    };
    target.deliver(&page, None, streams)?;
    Ok(Exit::of_list(&report.coverage))
}
