//! One file per verb: arguments → settings → stages → report.

mod args;
mod check;
mod components;
mod exit;
mod expose;
mod incidents;
mod inventory;
mod output;
mod ownership;
mod progress;
mod schema;
mod settings;
mod stages;

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::Parser;

pub use exit::{Exit, ExitError};
pub use progress::Progress;
pub use settings::Sources;
pub use stages::{Checkout, Exposed, Stages};

use args::{Args, Verb};

/// Where a run writes to. Colour codes are the business of what is behind.
#[expect(missing_debug_implementations, reason = "holds a `dyn Write`")]
pub struct Streams<'a> {
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
    /// Whether somebody watches `err`.
    pub watched: bool,
}

/// The process: its arguments, its streams, its exit code.
pub fn main(stages: &dyn Stages) -> ExitCode {
    exit::report_bugs();
    let exit = exit::guard(|| {
        let mut streams = Streams {
            out: &mut anstream::stdout(),
            err: &mut anstream::stderr(),
            watched: io::stderr().is_terminal(),
        };
        run(std::env::args_os(), stages, &mut streams)
    });
    ExitCode::from(exit.code())
}

/// One run; `args` begin with the name of the program.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Exit {
    let outcome = match Args::try_parse_from(args) {
        Ok(args) => dispatch(args.verb, stages, streams),
        Err(answer) => output::answer(&answer, streams),
    };
    outcome.unwrap_or_else(|error| {
        // Nobody is left to tell if this cannot be written.
        let _ = write!(streams.err, "{error}");
        error.exit()
    })
}

fn dispatch(verb: Verb, stages: &dyn Stages, streams: &mut Streams<'_>) -> Result<Exit, ExitError> {
    match verb {
        Verb::Check(args) => check::run(args, stages, streams),
        Verb::Expose(args) => expose::run(args, stages, streams),
        Verb::Components(args) => components::run(args, stages, streams),
        Verb::Inventory(args) => inventory::run(args, stages, streams),
        Verb::Incidents(args) => incidents::run(args, stages, streams),
        Verb::Schema(args) => schema::run(args, stages, streams),
    }
}
