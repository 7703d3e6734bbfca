//! `keysweep init [PATH]… [-o FILE]`

mod draft;
mod look;

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args as ClapArgs;

use super::{
    Exit, ExitError, Progress, Stages, Streams, args::SourceArgs, output::Target, settings,
    settings::plain,
};
use crate::{assess, config, registry};

/// Look around, and write a first `keysweep.toml`
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    sources: SourceArgs,

    /// Where to write it; what is there is never overwritten
    #[arg(short, long, value_name = "FILE", default_value = "keysweep.toml")]
    output: PathBuf,
}

pub(super) fn run(
    args: Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let path = args.output;
    if path.symlink_metadata().is_ok() {
        return Err(taken(&path));
    }
    let sources = settings::sources(&args.sources, None)?;
    let inventory = {
        let progress = Progress::new(streams.watched && !args.sources.no_progress);
        stages.inventory(&sources, &progress)
    };
    // A first configuration can be written in an empty folder, too.
    let inventory = inventory.unwrap_or_else(|error| {
        let _ = write!(streams.err, "{error}");
        let _ = writeln!(streams.err, "CI files are left out");
        assess::inventory(&[], Vec::new())
    });
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let found = look::around(&sources.paths, folder, &inventory);
    let text = draft::toml(&found, &registry::kinds());
    // What cannot be read again is not written.
    config::parse(&path, &text).map_err(|errors| {
        super::configured::told(&errors, streams)
            .hint("this is a bug of keysweep: begin with a file of `examples/`")
    })?;
    write_new(&path, &text)?;
    let shown = crate::report::clean(&path.display().to_string());
    let page = format!(
        "wrote `{shown}`: {}\nread it, then ask `keysweep doctor --for plan -c {shown}`\n",
        draft::summary(&found)
    );
    Target::Stdout.deliver(&page, None, streams)?;
    Ok(Exit::Done)
}

fn taken(path: &Path) -> ExitError {
    ExitError::usage(format!("`{}`", path.display()), "is there already, and is not overwritten")
        .hint("name another file with `-o FILE`, and take from it what you need")
}

/// Made new, so that of two runs one wins.
fn write_new(path: &Path, text: &str) -> Result<(), ExitError> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let written = opened.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(path),
        _ => ExitError::failed(format!("`{}`", path.display()), plain(&error))
            .hint("name a file in a folder that you can write, with `-o FILE`"),
    })
}
