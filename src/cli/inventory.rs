//! `keysweep inventory [PATH]…`

use clap::Args as ClapArgs;

use super::{
    Exit, ExitError, Progress, Stages, Streams,
    args::{Format, OutputArgs, SourceArgs},
    output::Target,
    settings,
};
use crate::report;

/// List the placements of credentials and the jobs that they are sent to
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
        stages.inventory(&sources, &progress)?
    };
    let page = match args.output.format {
        Format::Table => report::inventory(&report),
        Format::Json => {
            report::json(&report).map_err(|error| ExitError::failed("report", error))?
        }
    };
    target.deliver(&page, None, streams)?;
    Ok(Exit::of_list(&report.coverage))
}
