//! `keysweep incident trust KEY`

use std::fs;

use clap::Args as ClapArgs;

use super::add::remove;
use crate::cli::{
    Exit, ExitError, Stages, Streams, home, output::write_private, settings::plain, signature::Key,
};

/// Keep a minisign key: signatures of packs are verified with it from now on
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    /// File of the public key, or the key itself
    #[arg(value_name = "KEY")]
    key: String,

    /// Trust it no longer
    #[arg(long)]
    remove: bool,
}

pub(super) fn run(
    args: &Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let home = home::required(stages.home())?;
    let key = Key::read(&args.key)?;
    let path = key.file(&home);
    let done = if args.remove {
        remove(&path)?;
        "no longer trusted"
    } else {
        let folder = home::keys(&home);
        fs::create_dir_all(&folder)
            .map_err(|error| ExitError::failed(format!("`{}`", folder.display()), plain(&error)))?;
        write_private(&path, &format!("untrusted comment: minisign public key\n{}\n", key.text))?;
        "trusted"
    };
    let _ = writeln!(streams.err, "key {}… {done}", key.name());
    Ok(Exit::Done)
}
