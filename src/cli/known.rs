//! Every pack that is known: those that come with the program, and the user's own.

use std::path::{Path, PathBuf};

use super::{ExitError, Stages, Streams, home, signature};
use crate::{
    assess::Span,
    incident::{self, Pack},
    report::{self, IncidentLine},
};

/// A pack of the user.
#[derive(Debug)]
pub(super) struct KeptPack {
    pub(super) pack: Pack,
    pub(super) path: PathBuf,
    pub(super) origin: String,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) kept: Vec<KeptPack>,
    /// Files that hold no pack any more.
    pub(super) broken: Vec<ExitError>,
    /// The names of those files without their ending.
    broken_ids: Vec<String>,
}

impl Known {
    pub(super) fn load(stages: &dyn Stages) -> Self {
        let mut known = Self::default();
        let Some(home) = stages.home() else { return known };
        let files = match home::files(&home::incidents(&home), "toml") {
            Ok(files) => files,
            Err(error) => {
                known.broken.push(error);
                return known;
            }
        };
        for path in files {
            match keep(&home, &path) {
                Ok(kept) => known.kept.push(kept),
                Err(error) => {
                    known.broken.push(error);
                    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
                    known.broken_ids.extend(name);
                }
            }
        }
        known
    }

    /// A broken file never hides the others, and is never silent.
    pub(super) fn tell(&self, streams: &mut Streams<'_>) {
        for error in &self.broken {
            let _ = write!(streams.err, "{error}");
        }
    }

    /// A kept file of this name that holds no pack any more: the built-in one is no answer in its place.
    pub(super) fn broken_file_of(&self, id: &str) -> Option<ExitError> {
        let is_of = |file: &&String| file.eq_ignore_ascii_case(id);
        self.broken_ids.iter().find(is_of).map(|id| {
            ExitError::usage(format!("incident `{id}`"), "is kept, and its file is broken")
                .hint(format!("mend it, or remove it with `keysweep incident remove {id}`"))
        })
    }

    /// Of the user, by id or alias in any letter case.
    pub(super) fn find(&self, id: &str) -> Option<&KeptPack> {
        self.kept.iter().find(|kept| is_called(&kept.pack, id))
    }

    /// The kept packs in the place of the built-in ones of the same id.
    pub(super) fn lines(&self, stages: &dyn Stages) -> Vec<IncidentLine> {
        let mut lines = stages.incidents();
        for kept in &self.kept {
            let line = line(kept);
            match lines.iter_mut().find(|known| known.id == line.id) {
                Some(built_in) => *built_in = line,
                None => lines.push(line),
            }
        }
        lines.sort_by(|a, b| a.id.cmp(&b.id));
        lines
    }

    /// Every incident once: a kept pack stands in the place of the built-in one of its id.
    pub(super) fn in_force(&self) -> Vec<&Pack> {
        let kept = || self.kept.iter().map(|kept| &kept.pack);
        let replaced = |pack: &&Pack| kept().any(|other| other.id() == pack.id());
        incident::builtin().iter().filter(|pack| !replaced(pack)).chain(kept()).collect()
    }

    /// What another pack may not contradict.
    pub(super) fn packs(&self) -> Vec<&Pack> {
        incident::builtin().iter().chain(self.kept.iter().map(|kept| &kept.pack)).collect()
    }
}

pub(super) fn is_called(pack: &Pack, id: &str) -> bool {
    let names = pack.document().aliases.iter().map(String::as_str).chain([pack.id()]);
    names.into_iter().any(|name| name.eq_ignore_ascii_case(id))
}

fn line(kept: &KeptPack) -> IncidentLine {
    let (from, to) = kept.pack.hull();
    IncidentLine {
        id: kept.pack.id().to_owned(),
        title: kept.pack.title().to_owned(),
        window: Some(Span { from, to }),
        revision: kept.pack.document().revision,
        origin: kept.origin.clone(),
    }
}

fn keep(home: &Path, path: &Path) -> Result<KeptPack, ExitError> {
    let text = home::read(path)?;
    let pack = parse(&text, path)?;
    let signed = signature::of_kept(home, path, &text)?;
    Ok(KeptPack { pack, path: path.to_owned(), origin: format!("kept{signed}") })
}

/// The first finding, as an error that names the file.
pub(super) fn parse(text: &str, path: &Path) -> Result<Pack, ExitError> {
    let origin = path.display().to_string();
    incident::parse(text, &origin).map_err(|error| {
        let line = error.line.map_or_else(String::new, |line| format!(":{line}"));
        let key = if error.key.is_empty() { String::new() } else { format!("`{}` ", error.key) };
        ExitError::usage(format!("`{origin}`{line}"), format!("{key}{}", error.message))
            .hint(error.hint)
    })
}

/// A path, and not an id: it has a slash or ends like a pack.
pub(super) fn is_path(word: &str) -> bool {
    word.contains(['/', '\\']) || word.ends_with(".toml")
}

pub(super) fn heading(pack: &Pack) -> report::Heading {
    let (from, to) = pack.hull();
    let title = pack.title().to_owned();
    report::Heading { title, window: Some(Span { from, to }), repositories: 0 }
}
