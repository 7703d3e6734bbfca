//! One file per verb: arguments → settings → stages → report.

mod args;
mod ask;
#[cfg(feature = "rotate")]
mod bind;
mod check;
mod components;
#[cfg(feature = "rotate")]
mod configured;
#[cfg(feature = "rotate")]
mod doctor;
mod exit;
mod expose;
mod facts;
mod home;
mod incident;
mod incidents;
#[cfg(feature = "rotate")]
mod init;
mod inventory;
mod known;
mod output;
mod ownership;
mod progress;
mod schema;
mod settings;
mod signature;
mod stages;

use std::{
    ffi::OsString,
    io::{self, BufRead, IsTerminal, Write},
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
    /// Somebody who answers; `None` where nobody is there to ask.
    pub input: Option<&'a mut dyn BufRead>,
}

/// The process: its arguments, its streams, its exit code.
pub fn main(stages: &dyn Stages) -> ExitCode {
    exit::report_bugs();
    let exit = exit::guard(|| {
        let mut input = io::stdin().lock();
        let answers = io::stdin().is_terminal() && io::stderr().is_terminal();
        let mut streams = Streams {
            out: &mut anstream::stdout(),
            err: &mut anstream::stderr(),
            watched: io::stderr().is_terminal(),
            input: answers.then_some(&mut input as &mut dyn BufRead),
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
        Verb::Incident(args) => incident::run(args, stages, streams),
        Verb::Incidents(args) => incidents::run(args, stages, streams),
        Verb::Schema(args) => schema::run(args, stages, streams),
        #[cfg(feature = "rotate")]
        Verb::Init(args) => init::run(args, stages, streams),
        #[cfg(feature = "rotate")]
        Verb::Bind(args) => bind::run(args, streams),
        #[cfg(feature = "rotate")]
        Verb::Doctor(args) => doctor::run(args, streams),
    }
}
