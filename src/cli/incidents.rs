//! `keysweep incidents`, `keysweep incident list`

use clap::Args as ClapArgs;

use super::{Exit, ExitError, Stages, Streams, known::Known, output::Target};
use crate::report;

/// List the incidents that are known, with revision and origin
#[derive(ClapArgs, Debug)]
pub(super) struct Args {}

pub(super) fn run(
    _args: Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let known = Known::load(stages);
    known.tell(streams);
    let page = report::incidents(&known.lines(stages));
    Target::Stdout.deliver(&page, None, streams)?;
    Ok(Exit::Done)
}
