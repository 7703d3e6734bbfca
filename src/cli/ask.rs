//! Questions to whoever sits there. Nobody is asked where nobody can answer.

use std::io::{BufRead, Read};

use super::{ExitError, Streams, settings::plain};

/// Lines longer than this are no answers.
const LONGEST: u64 = 4096;
/// Wrong answers to one question before it is given up.
const MOST_TRIES: usize = 5;

/// Asks until the answer can be read. `None`: nobody is there.
pub(super) fn ask<T>(
    streams: &mut Streams<'_>,
    question: &str,
    read: impl Fn(&str) -> Result<T, ExitError>,
) -> Result<Option<T>, ExitError> {
    let Some(input) = streams.input.as_deref_mut() else { return Ok(None) };
    for _ in 0..MOST_TRIES {
        let _ = write!(streams.err, "{question} ");
        let _ = streams.err.flush();
        match read(line(input)?.trim()) {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) => {
                let _ = write!(streams.err, "{error}");
            }
        }
    }
    Err(ExitError::usage(format!("`{question}`"), "no answer that can be read")
        .hint("give it as a flag, see `--help`"))
}

fn line(input: &mut dyn BufRead) -> Result<String, ExitError> {
    let mut bytes = Vec::new();
    let read = input.take(LONGEST).read_until(b'\n', &mut bytes);
    let read = read.map_err(|error| ExitError::failed("standard input", plain(&error)))?;
    if read == 0 {
        return Err(ExitError::usage("standard input", "ended before the last answer")
            .hint("give the answers as flags, see `--help`"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
