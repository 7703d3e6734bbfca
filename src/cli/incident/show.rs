//! `keysweep incident show ID`

use std::path::Path;

use clap::Args as ClapArgs;

use super::add::builtin;
use crate::{
    cli::{
        Exit, ExitError, Stages, Streams, home,
        known::{self, Known},
        output::Target,
        settings,
    },
    report::{self, Kept},
};

/// Show one incident: components, windows, guards, gates, guidance, sources
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    /// Id or alias of the incident, or the file of a pack
    #[arg(value_name = "ID")]
    id: String,
}

pub(super) fn run(
    args: &Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let id = args.id.as_str();
    let page = if known::is_path(id) {
        let path = Path::new(id);
        let pack = known::parse(&home::read(path)?, path)?;
        report::incident(&Kept { pack: &pack, origin: "a file" })
    } else {
        let known = Known::load(stages);
        known.tell(streams);
        match (known.find(id), builtin(id)) {
            (Some(kept), _) => report::incident(&Kept { pack: &kept.pack, origin: &kept.origin }),
            (None, Some(pack)) => report::incident(&Kept { pack, origin: "built in" }),
            (None, None) => {
                settings::incident(id, known.lines(stages))?;
                return Err(ExitError::usage(format!("incident `{id}`"), "not known"));
            }
        }
    };
    Target::Stdout.deliver(&page, None, streams)?;
    Ok(Exit::Done)
}
