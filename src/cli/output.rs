//! Where a report goes: standard output, or a file that only its owner can read.

use std::{
    borrow::Cow,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

use anstream::adapter::strip_str;
use serde_json::Value;

use super::{Exit, ExitError, Streams, settings::plain};
use crate::ci::literal::masked;

/// Where to write, checked before the work begins.
#[derive(Debug)]
pub(super) enum Target {
    Stdout,
    File(PathBuf),
}

impl Target {
    pub(super) fn new(output: Option<PathBuf>) -> Result<Self, ExitError> {
        let Some(path) = output else { return Ok(Self::Stdout) };
        refuse(&path)?;
        Ok(Self::File(path))
    }

    /// Writes the page; `summary` goes to whoever watches when the page itself goes to a file.
    pub(super) fn deliver(
        &self,
        page: &str,
        summary: Option<&str>,
        streams: &mut Streams<'_>,
    ) -> Result<(), ExitError> {
        let page = &*redacted(page);
        match self {
            Self::Stdout => print(page, streams),
            Self::File(path) => {
                write_private(path, &strip_str(page).to_string())?;
                if let Some(summary) = summary {
                    let line = format!("{summary}\nwritten to `{}`", path.display());
                    for line in line.lines() {
                        // The report is safe on disk: that nobody listens is no failure.
                        let _ = writeln!(streams.err, "{}", crate::report::clean(line));
                    }
                }
                Ok(())
            }
        }
    }
}

/// The last look at a page: a credential may stand where a name belongs (of a file, an environment, a key).
fn redacted(page: &str) -> Cow<'_, str> {
    match masked(page) {
        Cow::Borrowed(page) => Cow::Borrowed(page),
        Cow::Owned(text) => match serde_json::from_str::<Value>(page) {
            Ok(mut json) => {
                redact(&mut json);
                let page = serde_json::to_string_pretty(&json).unwrap_or(text);
                Cow::Owned(page + "\n")
            }
            Err(_) => Cow::Owned(text),
        },
    }
}

/// Text by text, so that what is left is JSON.
fn redact(json: &mut Value) {
    match json {
        Value::String(text) => {
            if let Cow::Owned(shown) = masked(text) {
                *text = shown;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => fields.values_mut().for_each(redact),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Help, version, or what is wrong with the arguments.
pub(super) fn answer(answer: &clap::Error, streams: &mut Streams<'_>) -> Result<Exit, ExitError> {
    let text = answer.render().ansi().to_string();
    if answer.use_stderr() {
        let _ = streams.err.write_all(text.as_bytes());
        return Ok(Exit::Usage);
    }
    print(&text, streams).map(|()| Exit::Done)
}

/// A reader that left early has read enough.
fn print(page: &str, streams: &mut Streams<'_>) -> Result<(), ExitError> {
    match streams.out.write_all(page.as_bytes()).and_then(|()| streams.out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(ExitError::failed("standard output", plain(&error))
                .hint("write the report to a file with `-o FILE`"))
        }
        _ => Ok(()),
    }
}

/// What must not be replaced by a report.
fn refuse(path: &Path) -> Result<(), ExitError> {
    let thing = format!("`-o {}`", path.display());
    if path.file_name().is_none() {
        return Err(ExitError::usage(thing, "not the name of a file"));
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(ExitError::usage(thing, "a symbolic link")
            .hint("name the file itself: a report is not written through a link")),
        Ok(found) if found.is_dir() => {
            Err(ExitError::usage(thing, "a folder").hint("name a file in it"))
        }
        Ok(found) if !found.is_file() => Err(ExitError::usage(thing, "not a regular file")
            .hint("leave `-o` out to write to standard output")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::metadata(folder(path)) {
            Ok(found) if found.is_dir() => Ok(()),
            _ => Err(ExitError::usage(thing, "no such folder").hint("make the folder first")),
        },
        Err(error) => Err(ExitError::failed(thing, plain(&error))),
    }
}

/// Replaces `path` in one move, so that it is never half a report, never a link followed, and at no
/// moment readable by others.
pub(super) fn write_private(path: &Path, page: &str) -> Result<(), ExitError> {
    let failed =
        |error: io::Error| ExitError::failed(format!("`{}`", path.display()), plain(&error));
    let (mut file, draft) = fresh(folder(path)).map_err(failed)?;
    let written = file
        .write_all(page.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        // What could not be written in full is no report.
        let _ = fs::remove_file(&draft);
        failed(error)
    })
}

/// A file that was not there before.
fn fresh(folder: &Path) -> io::Result<(File, PathBuf)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut attempt = 0;
    loop {
        let path = folder.join(format!(".keysweep-{}-{attempt}.tmp", process::id()));
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 64 => {
                attempt += 1;
            }
            opened => return Ok((opened?, path)),
        }
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
