//! `keysweep expose INCIDENT [PATH]…`, `keysweep expose --component … [PATH]…`

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::Args as ClapArgs;

use super::{
    Exit, ExitError, Exposed, Progress, Sources, Stages, Streams,
    args::{Format, OutputArgs, SourceArgs},
    facts::{self, FactArgs},
    home,
    known::{self, Known},
    output::Target,
    settings,
};
use crate::{
    assess::{self, Report, SCHEMA, Verdict},
    incident::{self, Pack},
    report::{self, Heading},
};

/// Say which credentials an incident could have taken, why, and what was not seen
#[derive(ClapArgs, Debug)]
#[command(after_help = "Without INCIDENT, --component and --from say what was bad:\n  \
    keysweep expose --component 'owner/x@*' --from 2025-03-14 --to 2025-03-15 [PATH]…")]
pub(super) struct Args {
    /// Id of the incident, see `keysweep incidents`; or the file of a pack (`./x.toml`)
    #[arg(value_name = "INCIDENT", required_unless_present = "components")]
    incident: Option<PathBuf>,

    #[command(flatten)]
    sources: SourceArgs,

    #[command(flatten)]
    facts: FactArgs,

    /// Id of the incident that --component makes, to hold its reports against each other
    #[arg(long, value_name = "ID", requires = "components")]
    id: Option<String>,

    /// An earlier JSON report of the same incident: show what is added, dropped and re-opened since
    #[arg(long, value_name = "OLD.json")]
    against: Option<PathBuf>,

    /// The folders stood so on DATE: YYYY-MM-DD (00:00 UTC) or RFC 3339
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,

    /// Derive one line of the report, link by link
    #[arg(long, value_name = "ID", conflicts_with = "format")]
    explain: Option<String>,

    #[command(flatten)]
    output: OutputArgs,
}

/// What is asked about.
enum Subject {
    /// Of [`Stages::incidents`].
    BuiltIn(String),
    Pack(Box<Pack>),
}

pub(super) fn run(
    mut args: Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let (subject, mut heading) = subject(&mut args, stages, streams)?;
    let sources = settings::sources(&args.sources, args.as_of.as_deref())?;
    let target = Target::new(args.output.output)?;
    let old = args.against.as_deref().map(|path| old(path, &subject)).transpose()?;
    let Exposed { mut report, repositories } = {
        let progress = Progress::new(streams.watched && !args.sources.no_progress);
        answer(&subject, stages, &sources, &progress)?
    };
    heading.repositories = repositories;
    report.changes = old.map(|old| assess::against(&old, &report));
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

fn answer(
    subject: &Subject,
    stages: &dyn Stages,
    sources: &Sources,
    progress: &Progress,
) -> Result<Exposed, ExitError> {
    match subject {
        Subject::BuiltIn(id) => stages.expose(id, sources, progress),
        Subject::Pack(pack) => stages.expose_pack(pack, sources, progress),
    }
}

/// The incident of the words; with `--component` what stands in its place is a path.
fn subject(
    args: &mut Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<(Subject, Heading), ExitError> {
    if !args.facts.components.is_empty() {
        if let Some(path) = args.incident.take() {
            args.sources.paths.insert(0, path);
        }
        let pack = args.facts.pack(args.id.take(), facts::today())?;
        let heading = known::heading(&pack);
        return Ok((Subject::Pack(Box::new(pack)), heading));
    }
    let incident = args.incident.take().unwrap_or_default();
    let name = incident.to_string_lossy();
    if !args.facts.is_empty() {
        return Err(ExitError::usage(format!("incident `{name}`"), "has facts of its own")
            .hint("`--from`, `--to`, `--kind` and `--payload` go with `--component`"));
    }
    if known::is_path(&name) {
        let pack = known::parse(&home::read(&incident)?, &incident)?;
        let heading = known::heading(&pack);
        return Ok((Subject::Pack(Box::new(pack)), heading));
    }
    let known = Known::load(stages);
    known.tell(streams);
    if let Some(broken) = known.broken_file_of(&name) {
        return Err(broken);
    }
    // The alias of a built-in pack is that of the one which stands in its place.
    let id_of_alias = incident::builtin().iter().find(|pack| known::is_called(pack, &name));
    let kept = known.find(&name).or_else(|| known.find(id_of_alias?.id()));
    if let Some(kept) = kept {
        let heading = known::heading(&kept.pack);
        return Ok((Subject::Pack(Box::new(kept.pack.clone())), heading));
    }
    let id = id_of_alias.map_or(&*name, |pack| pack.id());
    let found = settings::incident(id, known.lines(stages))?;
    let heading = Heading { title: found.title, window: found.window, repositories: 0 };
    Ok((Subject::BuiltIn(found.id), heading))
}

/// The earlier report, if it is one of the same incident.
fn old(path: &Path, subject: &Subject) -> Result<Report, ExitError> {
    let thing = || format!("`--against {}`", path.display());
    let text = home::read(path)?;
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|_| {
        ExitError::usage(thing(), "not JSON")
            .hint("name a report of `keysweep expose --format json`")
    })?;
    let schema = json.get("schema").and_then(serde_json::Value::as_str).unwrap_or("none");
    if schema != SCHEMA {
        return Err(ExitError::usage(thing(), format!("its schema is `{schema}`, not `{SCHEMA}`"))
            .hint("name a report of `keysweep expose --format json`"));
    }
    let report: Report = serde_json::from_value(json).map_err(|error| {
        ExitError::usage(thing(), format!("not a whole report: {error}"))
            .hint("make it again with `keysweep expose … --format json -o OLD.json`")
    })?;
    let id = match subject {
        Subject::BuiltIn(id) => id.as_str(),
        Subject::Pack(pack) => pack.id(),
    };
    if report.incident != id {
        let trouble = format!("a report of `{}`, and this run is of `{id}`", report.incident);
        return Err(ExitError::usage(thing(), trouble).hint(
            "name a report of the same incident; `--id` keeps one id while the components change",
        ));
    }
    Ok(report)
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
