//! `keysweep incident add FILE…`

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args as ClapArgs;

use super::lint;
use crate::{
    cli::{
        Exit, ExitError, Stages, Streams, home,
        known::{KeptPack, Known, is_called, parse},
        output::write_private,
        settings::plain,
        signature::{self, Key, Signed},
    },
    incident::{self, Pack},
};

/// Judge packs and keep them beside the built-in ones; a higher revision takes the place of a lower one
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    /// Files of packs
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Verify FILE.minisig with this minisign key: a file, or the key itself
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// Keep a pack even if one of the same or a higher revision is known
    #[arg(long)]
    force: bool,
}

pub(super) fn run(
    args: &Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let home = home::required(stages.home())?;
    let key = args.key.as_deref().map(Key::read).transpose()?;
    let mut worst = Exit::Done;
    for path in &args.files {
        // Read again for each: two files of one run may hold one id.
        let known = Known::load(stages);
        match add(path, key.as_ref(), args.force, &home, &known) {
            Ok(said) => {
                let _ = writeln!(streams.err, "{}", crate::report::clean(&said));
            }
            Err(error) => {
                let _ = write!(streams.err, "{error}");
                worst = error.exit();
            }
        }
    }
    Ok(worst)
}

fn add(
    path: &Path,
    key: Option<&Key>,
    force: bool,
    home: &Path,
    known: &Known,
) -> Result<String, ExitError> {
    let text = home::read(path)?;
    if let Some(error) = lint::findings(path, &text, known).into_iter().next() {
        return Err(error);
    }
    let pack = parse(&text, path)?;
    let signed = signature::check(path, &text, key, &signature::trusted(home)?)?;
    if !force {
        newer(path, &pack, known)?;
    }
    let kept = home::incidents(home).join(format!("{}.toml", pack.id()));
    let folder = home::incidents(home);
    fs::create_dir_all(&folder)
        .map_err(|error| ExitError::failed(format!("`{}`", folder.display()), plain(&error)))?;
    let beside = signature::beside(&kept);
    if signed == Signed::No {
        remove(&beside)?;
        write_private(&kept, &text)?;
    } else {
        let signature = home::read(&signature::beside(path))?;
        write_private(&kept, &text)?;
        write_private(&beside, &signature)?;
    }
    let revision = pack.document().revision;
    Ok(format!(
        "kept `{}` revision {revision}, {}, in `{}`",
        pack.id(),
        signed.words(),
        kept.display()
    ))
}

/// A lower revision must not bring back what a higher one corrected.
fn newer(path: &Path, pack: &Pack, known: &Known) -> Result<(), ExitError> {
    let same = |known: &&Pack| known.id() == pack.id();
    let builtin = incident::builtin().iter().find(same).map(|known| (known, "built-in"));
    let kept = known.kept.iter().map(|KeptPack { pack, .. }| pack).find(same).map(|k| (k, "kept"));
    let revision = pack.document().revision;
    let beaten = |(known, _): &(&Pack, &str)| known.document().revision >= revision;
    match [kept, builtin].into_iter().flatten().find(beaten) {
        None => Ok(()),
        Some((known, what)) => {
            let trouble = format!(
                "revision {revision} of `{}`, and the {what} one is revision {}",
                pack.id(),
                known.document().revision
            );
            Err(ExitError::usage(format!("`{}`", path.display()), trouble)
                .hint("count `revision` up, or keep it with `--force`"))
        }
    }
}

pub(super) fn remove(path: &Path) -> Result<(), ExitError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ExitError::failed(format!("`{}`", path.display()), plain(&error)))
        }
        _ => Ok(()),
    }
}

/// Of a kept pack or a built-in one, by id or alias.
pub(super) fn builtin(id: &str) -> Option<&'static Pack> {
    incident::builtin().iter().find(|pack| is_called(pack, id))
}
