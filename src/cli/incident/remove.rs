//! `keysweep incident remove ID`

use clap::Args as ClapArgs;

use super::add::{builtin, remove};
use crate::cli::{Exit, ExitError, Stages, Streams, home, known::Known, signature};

/// Remove a kept pack; a built-in one of the same id counts again
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    /// Id of the incident
    #[arg(value_name = "ID")]
    id: String,
}

pub(super) fn run(
    args: &Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let home = home::required(stages.home())?;
    let id = args.id.as_str();
    let known = Known::load(stages);
    // A file that holds no pack any more can go, too: by its name.
    let files = home::files(&home::incidents(&home), "toml")?;
    let by_name = files.into_iter().find(|path| path.file_stem().is_some_and(|stem| stem == id));
    let path = known.find(id).map(|kept| kept.path.clone()).or(by_name);
    let Some(path) = path else {
        let hint = match builtin(id) {
            Some(_) => {
                "it comes with keysweep and stays; `keysweep incident list` shows what is kept"
            }
            None => "`keysweep incident list` shows what is kept",
        };
        return Err(
            ExitError::usage(format!("incident `{id}`"), "no pack of that id is kept").hint(hint)
        );
    };
    remove(&path)?;
    remove(&signature::beside(&path))?;
    let _ =
        writeln!(streams.err, "removed `{}`", crate::report::clean(&path.display().to_string()));
    Ok(Exit::Done)
}
