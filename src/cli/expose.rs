//! `keysweep expose INCIDENT [PATH]…`

use std::collections::BTreeSet;

use clap::Args as ClapArgs;

use super::{
    Exit, ExitError, Progress, Stages, Streams,
    args::{Format, OutputArgs, SourceArgs},
    output::Target,
    settings,
};
use crate::{
    assess::{Report, Verdict},
    report::{self, Heading, IncidentLine},
};

/// Say which credentials an incident could have taken, why, and what was not seen
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    /// Id of the incident, see `keysweep incidents`
    #[arg(value_name = "INCIDENT")]
    incident: String,

    #[command(flatten)]
    sources: SourceArgs,

    /// The folders stood so on DATE: YYYY-MM-DD (00:00 UTC) or RFC 3339
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,

    /// Derive one line of the report, link by link
    #[arg(long, value_name = "ID", conflicts_with = "format")]
    explain: Option<String>,

    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(
    args: Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let incident = settings::incident(&args.incident, stages.incidents())?;
    let sources = settings::sources(&args.sources, args.as_of.as_deref())?;
    let target = Target::new(args.output.output)?;
    let exposed = {
        let progress = Progress::new(streams.watched && !args.sources.no_progress);
        stages.expose(&incident.id, &sources, &progress)?
    };
    let heading = heading(incident, exposed.repositories);
    let report = exposed.report;
    let page = match (args.explain, args.output.format) {
        (Some(id), _) => explain(&report, &heading, &id)?,
        (None, Format::Table) => report::exposure(&report, &heading),
        (None, Format::Json) => {
            report::json(&report).map_err(|error| ExitError::failed("report", error))?
        }
    };
    let summary = report::verdict_line(&report, &heading);
    target.deliver(&page, Some(&summary), streams)?;
    Ok(exit(report.summary.verdict))
}

fn heading(incident: IncidentLine, repositories: usize) -> Heading {
    Heading { title: incident.title, window: incident.window, repositories }
}

fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Exposed => Exit::Exposed,
        Verdict::Unknown => Exit::Unknown,
        Verdict::Cleared | Verdict::NotFound => Exit::Done,
    }
}

/// The derivation of the one line whose id begins so.
fn explain(report: &Report, heading: &Heading, id: &str) -> Result<String, ExitError> {
    let wanted = id.to_lowercase();
    let known: BTreeSet<&str> = report.exposures.iter().map(|e| e.id.as_str()).collect();
    let begin_so: Vec<&str> =
        known.iter().copied().filter(|id| !wanted.is_empty() && id.starts_with(&wanted)).collect();
    let thing = format!("`--explain {id}`");
    match (&begin_so[..], known.first()) {
        ([found], _) => Ok(report::explain(report, heading, found).unwrap_or_default()),
        ([], None) => Err(ExitError::usage(thing, "no such line in this report")
            .hint("nothing is exposed, so there is nothing to derive")),
        ([], Some(one)) => Err(ExitError::usage(thing, "no such line in this report")
            .hint(format!("ids are those of the table, such as `{one}`"))),
        (_, _) => {
            Err(ExitError::usage(thing, "more than one line begins so").hint("give the whole id"))
        }
    }
}
