//! `keysweep bind check`

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde::Deserialize;

use super::BookArgs;
use crate::{
    assess::{InventoryReport, Report},
    bindings::{self, Finding, FindingKind, Seen},
    cli::{Exit, ExitError, Streams, configured, home, output::Target},
    report::{self, FindingLine},
};

/// Say which rows quarrel, are stale, or match nothing, and what no row speaks of
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    book: BookArgs,

    /// The configuration; `keysweep.toml` where it is there
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Reports of `inventory` or `expose`, as JSON, to hold the book against
    #[arg(long = "from", value_name = "REPORT")]
    reports: Vec<PathBuf>,
}

pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> Result<Exit, ExitError> {
    let (book, _) = super::book(&args.book.bindings, streams)?;
    let usual = Path::new("keysweep.toml");
    let config = match &args.config {
        Some(path) => Some(configured::load(path, streams)?),
        None if usual.is_file() => Some(configured::load(usual, streams)?),
        None => None,
    };
    let mut seen = Vec::new();
    for path in &args.reports {
        seen.extend(seen_in(path)?);
    }
    let found = bindings::judge(&book, config.as_ref(), &seen);
    let faults = found.iter().filter(|finding| finding.kind.is_fault()).count();
    let mut page = match found.len() {
        0 => format!("{}: nothing wrong\n", rows(book.bindings().len())),
        all => format!(
            "{}: {faults} wrong, {} to look at\n",
            rows(book.bindings().len()),
            all - faults
        ),
    };
    if !found.is_empty() {
        let book = args.book.bindings.display().to_string();
        page.push('\n');
        page.push_str(&report::findings(
            &found.iter().map(|finding| line(finding, &book)).collect::<Vec<_>>(),
        ));
    }
    Target::Stdout.deliver(&page, None, streams)?;
    Ok(if faults == 0 { Exit::Done } else { Exit::Failed })
}

fn rows(count: usize) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

fn line(finding: &Finding, book: &str) -> FindingLine {
    FindingLine {
        kind: match finding.kind {
            FindingKind::Conflict => "conflict",
            FindingKind::UnknownCredential => "unknown credential",
            FindingKind::Stale => "stale",
            FindingKind::Dead => "dead",
            FindingKind::Unconfirmed => "unconfirmed",
            FindingKind::Unbound => "unbound",
        },
        fault: finding.kind.is_fault(),
        place: if finding.line == 0 { String::new() } else { format!("{book}:{}", finding.line) },
        about: finding.placement.clone(),
        message: finding.message.clone(),
        hint: finding.hint.clone(),
    }
}

#[derive(Deserialize)]
struct Head {
    schema: String,
}

fn seen_in(path: &Path) -> Result<Vec<Seen>, ExitError> {
    let text = home::read(path)?;
    let wrong = || {
        ExitError::usage(format!("`{}`", path.display()), "no report of `inventory` or `expose`")
            .hint("make one: `keysweep inventory --format json -o FILE`")
    };
    let head: Head = serde_json::from_str(&text).map_err(|_| wrong())?;
    if head.schema == crate::assess::INVENTORY_SCHEMA {
        let report: InventoryReport = serde_json::from_str(&text).map_err(|_| wrong())?;
        return Ok(bindings::of_inventory(&report));
    }
    let report: Report = serde_json::from_str(&text).map_err(|_| wrong())?;
    Ok(bindings::of_exposures(&report))
}
