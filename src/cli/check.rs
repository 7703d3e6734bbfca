//! `keysweep check [PATH]…`

use clap::Args as ClapArgs;

use super::{
    Exit, ExitError, Progress, Stages, Streams,
    args::{Format, OutputArgs, SourceArgs},
    known::Known,
    output::Target,
    settings,
};
use crate::{
    assess::{CheckReport, Verdict},
    report,
};

/// Check all known incidents at once, and say what falls if third-party code turned bad today
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
    let known = Known::load(stages);
    known.tell(streams);
    let report = {
        let progress = Progress::new(streams.watched && !args.sources.no_progress);
        stages.check(&known.in_force(), &sources, &progress)?
    };
    let page = match args.output.format {
        Format::Table => report::check(&report),
        Format::Json => {
            report::json(&report).map_err(|error| ExitError::failed("report", error))?
        }
    };
    target.deliver(&page, None, streams)?;
    // A pack that could not be read may have been the one that counts.
    match exit(&report) {
        Exit::Done if !known.broken.is_empty() => Ok(Exit::Unknown),
        exit => Ok(exit),
    }
}

fn exit(report: &CheckReport) -> Exit {
    match report.verdict {
        Verdict::Exposed => Exit::Exposed,
        Verdict::Unknown => Exit::Unknown,
        Verdict::Cleared | Verdict::NotFound => Exit::of_list(&report.coverage),
    }
}
