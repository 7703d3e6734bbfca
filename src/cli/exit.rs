//! How a run ends: the documented exit codes, and errors that name the way out.

use std::{
    fmt,
    panic::{self, AssertUnwindSafe, Location},
};

use anstyle::{AnsiColor, Style};

use crate::{assess::Coverage, report::clean};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The exit codes of the product; scripts rely on them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    Done,
    Failed,
    Usage,
    Exposed,
    Unknown,
    RolledBack,
    Parked,
    StalePlan,
    Bug,
}

impl Exit {
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Exposed,
        Self::Unknown,
        Self::RolledBack,
        Self::Parked,
        Self::StalePlan,
        Self::Bug,
    ];

    /// A list is incomplete where something that matters to it was not read.
    pub(super) fn of_list(coverage: &[Coverage]) -> Self {
        if coverage.iter().any(|entry| entry.matters) { Self::Unknown } else { Self::Done }
    }

    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Exposed => 10,
            Self::Unknown => 20,
            Self::RolledBack => 30,
            Self::Parked => 31,
            Self::StalePlan => 32,
            Self::Bug => 101,
        }
    }

    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "nothing exposed (cleared or not found), or done",
            Self::Failed => "failed, with a named cause",
            Self::Usage => "usage or configuration",
            Self::Exposed => "exposed",
            Self::Unknown => "unknown: something that was not read could change the result",
            Self::RolledBack => "rolled back",
            Self::Parked => "parked, needs an operator",
            Self::StalePlan => "the plan is stale",
            Self::Bug => "a bug in keysweep",
        }
    }
}

/// The exit codes, for `--help`.
pub(super) fn table() -> String {
    let lines: Vec<String> =
        Exit::ALL.iter().map(|exit| format!("  {:>3}  {}", exit.code(), exit.meaning())).collect();
    format!("Exit codes:\n{}", lines.join("\n"))
}

/// Why a run ended without its report, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExitError {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl ExitError {
    /// The run failed: `thing` is what it was about, `trouble` what is wrong with it.
    pub fn failed(thing: impl fmt::Display, trouble: impl fmt::Display) -> Self {
        Self { exit: Exit::Failed, message: format!("{thing}: {trouble}"), hint: None }
    }

    /// What was asked for makes no sense.
    pub fn usage(thing: impl fmt::Display, trouble: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, ..Self::failed(thing, trouble) }
    }

    #[must_use]
    pub fn hint(mut self, way_out: impl Into<String>) -> Self {
        self.hint = Some(way_out.into());
        self
    }

    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for ExitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{ERROR}error{ERROR:#}: {}", clean(&self.message))?;
        match &self.hint {
            Some(hint) => writeln!(f, "{HINT}hint{HINT:#}: {}", clean(hint)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ExitError {}

/// Lets a panic say that it is a bug, where it is, and nothing of what was being read.
pub(super) fn report_bugs() {
    panic::set_hook(Box::new(|panic| {
        anstream::eprint!("{}", bug(panic.location()));
    }));
}

fn bug(location: Option<&Location<'_>>) -> ExitError {
    let place = location.map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    let version = env!("CARGO_PKG_VERSION");
    ExitError {
        exit: Exit::Bug,
        message: format!("keysweep {version}: this is a bug{place}"),
        hint: Some(format!(
            "nothing was changed; report the line above to {}/issues",
            env!("CARGO_PKG_REPOSITORY")
        )),
    }
}

/// What `run` ends with; a panic in it is a bug.
pub(super) fn guard(run: impl FnOnce() -> Exit) -> Exit {
    // What a broken run leaves behind is not looked at again.
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or(Exit::Bug)
}

#[cfg(test)]
mod tests {
    use std::panic::Location;

    use anstream::adapter::strip_str;

    use super::{Exit, ExitError, bug, guard, table};

    #[test]
    fn codes_are_those_that_are_documented() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 10, 20, 30, 31, 32, 101]);
        assert!(table().lines().count() == codes.len() + 1);
    }

    #[test]
    fn an_error_names_the_thing_the_trouble_and_the_way_out() {
        let error = ExitError::usage("`x\u{1b}[2J`", "no such folder").hint("name a checkout");
        assert_eq!(
            strip_str(&error.to_string()).to_string(),
            "error: `x\u{fffd}[2J`: no such folder\nhint: name a checkout\n"
        );
    }

    #[test]
    fn a_panic_is_a_bug_with_its_own_code() {
        assert_eq!(guard(|| panic!("value of a secret")), Exit::Bug);
        assert_eq!(guard(|| Exit::Exposed), Exit::Exposed);
    }

    #[test]
    fn a_bug_names_its_place() {
        let text = bug(Some(Location::caller())).to_string();
        assert!(text.contains("this is a bug at src/cli/exit.rs:"), "{text}");
    }
}
