//! Follows fetched bytes to where they run.
//!
//! A [`Session`] is one job: files, `PATH`, exported variables and the working directory live on from
//! step to step, so a download in one step and its execution in another are one finding.

mod builds;
mod cmd;
mod commands;
mod component;
mod containers;
mod fetch;
mod file_tools;
mod git;
mod installs;
mod interpreters;
mod machine;
mod options;
mod packages;
mod posix;
mod powershell;
mod python;
mod repo_calls;
mod session;
mod setting;
mod syntax;
mod value;
mod verify;
mod world;
mod wrappers;

use std::sync::Arc;

use super::model::{Binding, Flow, Gap, Install, Mention, Place};

pub use session::Session;

/// Which language a script is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shell {
    /// `sh`, `bash`, `zsh`, `dash`; and what cannot be told (GitHub's default on Linux and macOS).
    Posix,
    PowerShell,
    Cmd,
    Python,
    /// A program that is no shell (`perl`, `node` …): only the text is known.
    Other,
}

/// One script block of a step, or a script file of the repository.
#[derive(Debug)]
pub struct ScriptInput<'a> {
    pub file: &'a Arc<str>,
    /// Decoded text, every `${{ … }}` still in it.
    pub text: &'a str,
    pub lines: &'a LineMap,
    pub shell: Shell,
    /// Where the template of `shell:` passes the script to another program (`X {0}`): that command.
    pub template: Option<&'a str>,
    /// Environment at the start of the script.
    pub env: &'a [Binding],
    pub placeholders: &'a [Placeholder],
    /// Relative to the checkout; empty is its top.
    pub workdir: &'a str,
}

/// An image that an action builds from a Dockerfile of the repository.
#[derive(Debug)]
pub struct ImageBuild<'a> {
    pub place: &'a Place,
    /// Relative to the checkout, as is the context.
    pub file: &'a str,
    pub context: &'a str,
    /// All that the build is given.
    pub passed: &'a [Binding],
}

/// One `${{ … }}` of a script.
#[derive(Clone, Debug)]
pub struct Placeholder {
    /// Byte range in the decoded text, braces included.
    pub range: std::ops::Range<usize>,
    /// Secrets that its value may hold.
    pub flows: Vec<Flow>,
    /// The values it may take where the file tells (matrix, inputs, env); empty where unknown.
    pub values: Vec<Arc<str>>,
}

/// Decoded offset → line of the source file.
#[derive(Clone, Debug, Default)]
pub struct LineMap(Vec<(usize, u32)>);

impl LineMap {
    /// `starts`: rising offsets, each with the line from which the text from there on comes.
    pub fn new(starts: Vec<(usize, u32)>) -> Self {
        debug_assert!(starts.is_sorted());
        Self(starts)
    }

    /// A text that stands in its file unchanged, from `first` on.
    pub fn plain(text: &str, first: u32) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Self(std::iter::once(0).chain(starts).zip(first..).collect())
    }

    pub fn line_at(&self, offset: usize) -> u32 {
        match self.0.partition_point(|(start, _)| *start <= offset) {
            0 => 1,
            n => self.0[n - 1].1,
        }
    }
}

/// What one script does.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is fetched and kept has `runs: false` here even if a later script runs it: ask
    /// [`Session::ran`] once all scripts of the job were followed.
    pub mentions: Vec<Mention>,
    pub installs: Vec<Install>,
    /// Written to `$GITHUB_ENV` (or the platform's like): environment of the steps that follow.
    pub env_for_later_steps: Vec<Binding>,
    /// `NAME=value` written to `$GITHUB_OUTPUT`, with the secrets in the value.
    pub outputs: Vec<Binding>,
    pub gaps: Vec<Gap>,
}
