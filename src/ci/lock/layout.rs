//! Where each package manager looks for its files.

use crate::ci::model::Manager;

/// The files of one package manager.
pub(super) struct Layout {
    /// The first that is there.
    pub(super) manifests: &'static [&'static str],
    /// The first that is there counts.
    pub(super) locks: &'static [&'static str],
    /// Lock files that are not read.
    pub(super) closed: &'static [&'static str],
    /// A manifest further up holds the lock file if this stands in it.
    pub(super) workspace: Option<&'static str>,
    /// A file that makes its folder a workspace.
    pub(super) workspace_file: Option<&'static str>,
}

pub(super) fn of(manager: Manager) -> Layout {
    let layout = |manifests, locks| Layout {
        manifests,
        locks,
        closed: &[],
        workspace: None,
        workspace_file: None,
    };
    const NODE: &[&str] = &["package.json"];
    const PYTHON: &[&str] = &["pyproject.toml"];
    match manager {
        Manager::Npm => Layout {
            workspace: Some("\"workspaces\""),
            ..layout(NODE, &["npm-shrinkwrap.json", "package-lock.json"])
        },
        Manager::Yarn => {
            Layout { workspace: Some("\"workspaces\""), ..layout(NODE, &["yarn.lock"]) }
        }
        Manager::Pnpm => Layout {
            workspace_file: Some("pnpm-workspace.yaml"),
            ..layout(NODE, &["pnpm-lock.yaml"])
        },
        Manager::Bun => Layout {
            workspace: Some("\"workspaces\""),
            closed: &["bun.lockb"],
            ..layout(NODE, &["bun.lock"])
        },
        Manager::Pip => layout(&["pyproject.toml", "setup.py", "setup.cfg"], &[]),
        Manager::Uv => {
            Layout { workspace: Some("[tool.uv.workspace]"), ..layout(PYTHON, &["uv.lock"]) }
        }
        Manager::Poetry => layout(PYTHON, &["poetry.lock"]),
        Manager::Pdm => layout(PYTHON, &["pdm.lock", "pylock.toml"]),
        Manager::Pipenv => layout(&["Pipfile"], &["Pipfile.lock"]),
        Manager::Cargo => {
            Layout { workspace: Some("[workspace"), ..layout(&["Cargo.toml"], &["Cargo.lock"]) }
        }
        Manager::Go => layout(&["go.mod"], &["go.sum"]),
        Manager::Bundler => layout(&["Gemfile", "gems.rb"], &["Gemfile.lock", "gems.locked"]),
        Manager::Composer => layout(&["composer.json"], &["composer.lock"]),
    }
}

/// A folder and those above it, the checkout's top last.
pub(super) fn upward(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |folder| parent(folder))
}

fn parent(folder: &str) -> Option<&str> {
    match folder.rsplit_once('/') {
        Some((parent, _)) => Some(parent),
        None => (!folder.is_empty()).then_some(""),
    }
}

pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::upward;

    #[test]
    fn folders_end_at_the_top() {
        assert_eq!(upward("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(upward("").collect::<Vec<_>>(), [""]);
    }
}
