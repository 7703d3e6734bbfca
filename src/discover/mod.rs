//! I/O: folders and git history → definitions with the time they were in force, and coverage.
//!
//! A [`Definition`] is one content of one CI file together with everything its lowering read. Where
//! git knows its past, it carries the intervals in which it was in force.

mod attribution;
mod clone;
mod folder;
mod graph;
mod history;
mod identity;
mod objects;
mod outside;
mod present;
mod recorded;
mod refs;
mod remembered;
mod roots;
mod standing;
mod states;
mod survey;
mod tree;
mod versions;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use thiserror::Error;

pub use crate::assess::{CoverageState, Live};
use crate::ci::{
    Files,
    catalog::Entry,
    model::{Certainty, Pipeline},
};
pub use attribution::{Answer, Author, MOST_OBJECTS, NO_HISTORY, Question, first_named};
pub use folder::Folder;
pub use present::{Managed, Placed, Present};
pub use roots::{Checkouts, identity, names, roots};

/// One checkout, read.
#[derive(Clone, Debug)]
pub struct Repository {
    /// `owner/repo` on github.com, `host/owner/repo` elsewhere, the folder's name where no remote tells.
    pub identity: String,
    pub root: PathBuf,
    pub kind: RootKind,
    /// Short name; `None` for a plain folder.
    pub default_branch: Option<String>,
    pub definitions: Vec<Definition>,
    pub coverage: Vec<Coverage>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RootKind {
    /// The top of a git work tree.
    WorkTree,
    /// A git repository without files: a bare clone or mirror.
    Bare,
    /// Anything else: there is no history.
    Folder,
}

/// One version of one CI file: its content, and that of everything read for it.
///
/// A version may stand here twice: once for the time on the default branch's history, once for the
/// time beyond that on other refs.
#[derive(Clone, Debug)]
pub struct Definition {
    pub pipeline: Arc<Pipeline>,
    pub entry: Entry,
    /// When it was in force, earliest first; not empty where `dated`.
    pub live: Vec<Live>,
    /// `Inferred` on the default branch's history, `Possible` where only other refs hold it, or where
    /// the dates of commits contradict each other.
    pub certainty: Certainty,
    /// Whether `live` says anything: `false` for a plain folder without a date.
    pub dated: bool,
}

/// What was looked at and what was not; whether it matters is for the one who asks to decide.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Coverage {
    /// `file:PATH`, `dialect:NAME`, `history:REF`.
    pub scope: String,
    pub state: CoverageState,
    pub reason: String,
    pub file: Option<String>,
    /// When the file was there, if git knows it; empty is always.
    pub live: Vec<Live>,
    pub hides: Hidden,
}

/// What could be behind a coverage entry.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Hidden {
    Nothing,
    /// Packages of this ecosystem.
    Packages(&'static str),
    /// Any component and any secret.
    Anything,
    /// Anything that was in force before this time.
    Before(Timestamp),
}

/// The time that is asked about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Query {
    /// Each of them is asked about; none: only the present state.
    pub windows: Vec<Hull>,
    /// The files stood so on this day and are in force from then on, whatever git knows.
    pub as_of: Option<Timestamp>,
    /// Changes that are not committed count from here on; `None` leaves them out.
    pub now: Option<Timestamp>,
}

/// From the earliest start to the latest end of all windows asked about; `None` is an open end.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Hull {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

impl Hull {
    pub fn of(
        windows: impl IntoIterator<Item = (Option<Timestamp>, Option<Timestamp>)>,
    ) -> Option<Self> {
        windows.into_iter().map(|(from, to)| Self { from, to }).reduce(|a, b| Self {
            from: a.from.zip(b.from).map(|(a, b)| a.min(b)),
            to: a.to.zip(b.to).map(|(a, b)| a.max(b)),
        })
    }
}

/// Turns one CI file into pipelines.
///
/// It is told the checkout's files, the path and what it is. It must ask in the same order when the
/// answers are the same, and depend on nothing else that changes in a run: its result is used again for
/// every commit that answers alike.
pub type Lower<'a> = dyn Fn(&dyn Files, &str, Entry) -> Vec<Pipeline> + Sync + 'a;

/// Whether a text could name what is asked about.
pub type CouldName<'a> = dyn Fn(&[u8]) -> bool + Sync + 'a;

#[derive(Debug, Error)]
pub enum DiscoverError {
    #[error("does not exist")]
    NotFound { path: PathBuf },
    #[error("a file, not a checkout")]
    NotAFolder { path: PathBuf },
    #[error("cannot be read: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("is empty")]
    Empty { path: PathBuf },
}

impl DiscoverError {
    /// What it is about; the text leaves it out.
    pub fn path(&self) -> &Path {
        match self {
            Self::NotFound { path }
            | Self::NotAFolder { path }
            | Self::Unreadable { path, .. }
            | Self::Empty { path } => path,
        }
    }
}

/// Reads one root, as [`roots`] gives it.
///
/// With `as_of`, or without any window, the present files are the definitions; with a window it is
/// every version that git's history shows in force then. With `could_name`, these are joined by the
/// versions that were in force before or after the window only, as far as their text could name it and
/// the default branch's history holds them.
pub fn scan(
    root: &Path,
    query: &Query,
    lower: &Lower<'_>,
    could_name: Option<&CouldName<'_>>,
) -> Result<Repository, DiscoverError> {
    let opened = match clone::open(root) {
        Ok(opened) => opened,
        // One of many that cannot be read says nothing of the others.
        Err(DiscoverError::Unreadable { reason, .. }) => return Ok(closed(root, &reason)),
        Err(error) => return Err(error),
    };
    let mut coverage = Vec::new();
    let mut repository = Repository {
        identity: roots::identity_of(root, &opened),
        root: root.to_owned(),
        kind: opened.kind(),
        default_branch: None,
        definitions: Vec::new(),
        coverage: Vec::new(),
    };
    match opened {
        clone::Opened::Folder(folder) => {
            let when = standing::When::from_query(query);
            repository.definitions = standing::folder(&folder, &when, lower, &mut coverage);
            // A file may be there and say nothing of what is asked for.
            let none = !survey::has_ci(folder.root()).unwrap_or(false);
            if repository.definitions.is_empty() && coverage.is_empty() && none {
                coverage.extend(roots::part_of_checkout(folder.root()));
            }
        }
        clone::Opened::Damaged { folder, reason } => {
            coverage.push(Coverage {
                scope: "history:HEAD".to_owned(),
                state: CoverageState::Failed,
                reason: format!("the repository cannot be opened: {reason}"),
                file: None,
                live: Vec::new(),
                hides: Hidden::Anything,
            });
            let when = standing::When::from_query(query);
            repository.definitions = standing::folder(&folder, &when, lower, &mut coverage);
        }
        clone::Opened::Git(clone) => {
            repository.default_branch = clone.refs.default_branch.clone();
            repository.definitions = match query.windows.as_slice() {
                [] => standing::clone(&clone, query, lower, &mut coverage),
                _ if query.as_of.is_some() || clone.refs.is_empty() => {
                    standing::clone(&clone, query, lower, &mut coverage)
                }
                windows => {
                    let now = query.now;
                    history::definitions(&clone, windows, now, lower, could_name, &mut coverage)
                }
            };
        }
    }
    coverage.sort_by(|a, b| (&a.scope, &a.file).cmp(&(&b.scope, &b.file)));
    repository.coverage = coverage;
    Ok(repository)
}

/// A root that is there and cannot be looked into.
fn closed(root: &Path, reason: &str) -> Repository {
    let coverage = Coverage {
        scope: "history:HEAD".to_owned(),
        state: CoverageState::Denied,
        reason: format!("the folder cannot be read: {reason}"),
        file: None,
        live: Vec::new(),
        hides: Hidden::Anything,
    };
    Repository {
        identity: clone::folder_name(root),
        root: root.to_owned(),
        kind: RootKind::Folder,
        default_branch: None,
        definitions: Vec::new(),
        coverage: vec![coverage],
    }
}
