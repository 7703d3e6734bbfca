//! The one way in which `ci` reads a checkout.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use thiserror::Error;

/// Read access to the files of one checkout: a folder, a git tree, memory.
///
/// Paths are relative to the checkout, with `/`, without `.` and `..` parts ([`normalise`]).
pub trait Files: Sync {
    /// `Ok(None)`: there is no such file. Idempotent.
    fn read(&self, path: &str) -> Result<Option<Arc<[u8]>>, Unreadable>;

    /// Names in a directory, folders with a `/` at the end; empty where there is none.
    fn list(&self, dir: &str) -> Vec<String>;
}

/// A file that is there and cannot be read.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("cannot read `{path}`: {reason}")]
pub struct Unreadable {
    pub path: String,
    pub reason: Cow<'static, str>,
}

/// Other checkouts of the same run, by `owner/repo`: reusable workflows and actions of theirs are followed.
pub trait Siblings: Sync {
    fn find(&self, owner_repo: &str) -> Option<&dyn Files>;
}

/// No other checkout is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSiblings;

impl Siblings for NoSiblings {
    fn find(&self, _owner_repo: &str) -> Option<&dyn Files> {
        None
    }
}

/// A checkout in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles(BTreeMap<String, Arc<[u8]>>);

impl MemoryFiles {
    #[must_use]
    pub fn with(mut self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.0.insert(path.to_owned(), Arc::from(text.as_ref()));
        self
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &str) -> Result<Option<Arc<[u8]>>, Unreadable> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, dir: &str) -> Vec<String> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let mut names: Vec<String> = self
            .0
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix))
            .map(|rest| match rest.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => rest.to_owned(),
            })
            .collect();
        names.dedup();
        names
    }
}

/// Resolves `path` against `base`; `None` if it leaves the checkout.
pub fn normalise(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{Files, MemoryFiles, normalise};

    #[test]
    fn paths_stay_inside() {
        assert_eq!(normalise("a/b", "../c.sh").as_deref(), Some("a/c.sh"));
        assert_eq!(normalise("", "./.github/actions/x").as_deref(), Some(".github/actions/x"));
        assert_eq!(normalise("a", "../../etc/passwd"), None);
    }

    #[test]
    fn memory_lists_one_level() {
        let files = MemoryFiles::default().with("a/b/c", "").with("a/d", "").with("e", "");
        assert_eq!(files.list("a"), ["b/", "d"]);
        assert_eq!(files.list(""), ["a/", "e"]);
    }
}
