//! What the arguments mean, checked before anything is read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{ExitError, args::SourceArgs};
use crate::report::IncidentLine;

/// What a run reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sources {
    /// Folders that exist: checkouts, bare clones, or folders of clones.
    pub paths: Vec<PathBuf>,
    /// When the folders stood as they stand now.
    pub as_of: Option<Timestamp>,
    /// The clock, read once.
    pub now: Timestamp,
}

pub(super) fn sources(args: &SourceArgs, as_of: Option<&str>) -> Result<Sources, ExitError> {
    let paths = match &args.paths[..] {
        [] => vec![PathBuf::from(".")],
        paths => paths.to_vec(),
    };
    for path in &paths {
        check(path)?;
    }
    Ok(Sources { paths, as_of: as_of.map(moment).transpose()?, now: Timestamp::now() })
}

fn check(path: &Path) -> Result<(), ExitError> {
    let thing = format!("`{}`", path.display());
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(ExitError::usage(thing, "not a folder").hint("name the folder that holds it")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(ExitError::usage(thing, "no such folder")
                .hint("name a checkout, a bare clone, or a folder of clones"))
        }
        Err(error) => Err(ExitError::failed(thing, plain(&error))),
    }
}

/// A day is its first moment in UTC.
fn moment(text: &str) -> Result<Timestamp, ExitError> {
    let shape =
        |(at, c): (usize, char)| if matches!(at, 4 | 7) { c == '-' } else { c.is_ascii_digit() };
    let is_day = text.len() == "2021-01-31".len() && text.char_indices().all(shape);
    let day = || is_day.then(|| format!("{text}T00:00:00Z").parse().ok()).flatten();
    text.parse().ok().or_else(day).ok_or_else(|| {
        ExitError::usage(format!("`--as-of {text}`"), "not a date")
            .hint("write `2021-01-31` (00:00 UTC) or `2021-01-31T12:00:00Z`")
    })
}

/// The incident that is called `id`.
pub(super) fn incident(id: &str, known: Vec<IncidentLine>) -> Result<IncidentLine, ExitError> {
    let near = near(id, &known);
    known.into_iter().find(|incident| incident.id == id).ok_or_else(|| {
        let hint = match near {
            Some(near) => format!("did you mean `{near}`? `keysweep incidents` lists all"),
            None => "`keysweep incidents` lists all".to_owned(),
        };
        ExitError::usage(format!("incident `{id}`"), "not known").hint(hint)
    })
}

fn near(id: &str, known: &[IncidentLine]) -> Option<String> {
    let id = id.to_lowercase();
    let score = |known: &str| {
        if known.contains(&id) || id.contains(known) {
            1.0
        } else {
            strsim::jaro_winkler(known, &id)
        }
    };
    known
        .iter()
        .map(|incident| (score(&incident.id), &incident.id))
        .filter(|(score, _)| *score > 0.7 && !id.is_empty())
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, id)| id.clone())
}

/// An operating system's error without its number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::{incident, moment, plain};
    use crate::report::IncidentLine;

    #[test]
    fn a_day_is_its_first_moment() {
        let parsed = |text: &str| moment(text).map(|at| at.to_string());
        assert_eq!(parsed("2021-01-31").as_deref(), Ok("2021-01-31T00:00:00Z"));
        assert_eq!(parsed("2021-01-31T12:00:00+02:00").as_deref(), Ok("2021-01-31T10:00:00Z"));
        for bad in ["", "2021", "20210131", "2021-13-01", "2021-02-30", "yesterday", "9999-12-31é"]
        {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_misspelt_incident_meets_its_neighbour() {
        let known = || {
            let line = |id: &str| IncidentLine { id: id.to_owned(), ..IncidentLine::default() };
            vec![line("codecov-2021"), line("tj-actions-2025")]
        };
        let hint = |id: &str| incident(id, known()).expect_err(id).to_string();
        assert!(hint("codecov").contains("`codecov-2021`"));
        assert!(hint("Codecv-2021").contains("`codecov-2021`"));
        assert!(hint("changed-files").contains("`keysweep incidents` lists all"));
        assert!(!hint("").contains("did you mean"));
        assert_eq!(incident("codecov-2021", known()).map(|i| i.id).as_deref(), Ok("codecov-2021"));
    }

    #[test]
    fn an_error_of_the_system_is_a_phrase() {
        let error = std::io::Error::from_raw_os_error(13);
        assert_eq!(plain(&error), "permission denied");
    }
}
