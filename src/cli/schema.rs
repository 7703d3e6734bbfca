//! `keysweep schema check|exposure|components|inventory|pack`

use clap::{Args as ClapArgs, ValueEnum};

use super::{Exit, ExitError, Stages, Streams, output::Target};
use crate::report::{self, Schema};

/// Print the JSON schema of a report, or of an incident pack
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    #[arg(value_enum, value_name = "WHAT")]
    what: What,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    Check,
    Exposure,
    Components,
    Inventory,
    Pack,
    #[cfg(feature = "rotate")]
    Doctor,
}

pub(super) fn run(
    args: Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let schema = match args.what {
        What::Check => report::schema(Schema::Check),
        What::Exposure => report::schema(Schema::Exposure),
        What::Components => report::schema(Schema::Components),
        What::Inventory => report::schema(Schema::Inventory),
        What::Pack => stages.pack_schema(),
        #[cfg(feature = "rotate")]
        What::Doctor => report::schema(Schema::Doctor),
    };
    let page = report::json(&schema).map_err(|error| ExitError::failed("schema", error))?;
    Target::Stdout.deliver(&page, None, streams)?;
    Ok(Exit::Done)
}
