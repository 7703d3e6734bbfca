//! `keysweep incidents`

use clap::Args as ClapArgs;

use super::{Exit, ExitError, Stages, Streams, output::Target};
use crate::report;

/// List the incidents that are known
#[derive(ClapArgs, Debug)]
pub(super) struct Args {}

pub(super) fn run(
    _args: Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let page = report::incidents(&stages.incidents());
    Target::Stdout.deliver(&page, None, streams)?;
    Ok(Exit::Done)
}
