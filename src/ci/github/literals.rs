//! Credentials written into what was read: the file itself, and the actions and scripts it calls.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::bindings::literal_flow;
use crate::ci::{
    Files,
    files::Unreadable,
    literal,
    model::{Job, Pipeline, Place, Scope, Way},
};

/// Literal credentials of one file; a file with more holds a list of them.
const MOST: usize = 200;

/// Remembers what was read through it.
pub(super) struct Watched<'f> {
    files: &'f dyn Files,
    read: Mutex<BTreeMap<String, Arc<[u8]>>>,
}

impl<'f> Watched<'f> {
    pub(super) fn new(files: &'f dyn Files) -> Self {
        Self { files, read: Mutex::default() }
    }

    pub(super) fn texts(self) -> BTreeMap<String, Arc<[u8]>> {
        self.read.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for Watched<'_> {
    fn read(&self, path: &str) -> Result<Option<Arc<[u8]>>, Unreadable> {
        let content = self.files.read(path)?;
        if let Some(bytes) = &content {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.entry(path.to_owned()).or_insert_with(|| Arc::clone(bytes));
        }
        Ok(content)
    }

    fn list(&self, dir: &str) -> Vec<String> {
        self.files.list(dir)
    }
}

/// One credential in a text: what it is called there, its kind and its line.
struct Written {
    name: Arc<str>,
    kind: &'static str,
    place: Place,
    in_comment: bool,
}

/// Adds the literal credentials of the texts to the jobs they stand in.
pub(super) fn add(pipelines: &mut [Pipeline], texts: &BTreeMap<String, Arc<[u8]>>) {
    for (path, bytes) in texts {
        for written in written_in(path, bytes) {
            pipelines.iter_mut().for_each(|pipeline| place_in(pipeline, &written));
        }
    }
}

fn written_in(path: &str, bytes: &[u8]) -> Vec<Written> {
    let text = String::from_utf8_lossy(bytes);
    let file: Arc<str> = Arc::from(path);
    let (mut line, mut counted) = (1_u32, 0);
    let mut written: Vec<Written> = Vec::new();
    for found in literal::find(&text).into_iter().take(MOST) {
        let lines = text[counted..found.range.start].matches('\n').count();
        line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        counted = found.range.start;
        let start = text[..found.range.start].rfind('\n').map_or(0, |at| at + 1);
        let before = &text[start..found.range.start];
        written.push(Written {
            name: name_before(before).map_or_else(|| Arc::from(found.kind), Arc::from),
            kind: found.kind,
            place: Place { file: Arc::clone(&file), line },
            in_comment: before.trim_start().starts_with('#'),
        });
    }
    written
}

/// The variable, key or option that a value is given to: `NAME: `, `NAME=`, `--name `.
fn name_before(line: &str) -> Option<&str> {
    let line = line.trim_end_matches(['"', '\'', '|', '>', ' ']);
    let line = match line.strip_suffix([':', '=']) {
        Some(line) => line.trim_end_matches(['"', '\'', ' ']),
        None if line.rsplit(' ').next().is_some_and(|word| word.starts_with('-')) => line,
        None => return None,
    };
    let part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let before = line.char_indices().rfind(|(_, c)| !part(*c));
    let start = before.map_or(0, |(at, c)| at + c.len_utf8());
    let name = &line[start..];
    // What stands there may be another value, a user's name in an address among them.
    let in_address = line.rsplit([' ', '\t', '"', '\'']).next().is_some_and(|w| w.contains("://"));
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let is_name = name.contains(|c: char| c.is_ascii_alphabetic()) && digits < 3;
    (name.len() <= 48 && is_name && !in_address).then_some(name)
}

/// Into the job whose lines hold it; into every job where it stands above them all.
fn place_in(pipeline: &mut Pipeline, written: &Written) {
    let place = &written.place;
    let mut own: Vec<u32> = pipeline
        .jobs
        .iter()
        .filter(|job| job.place.file == place.file && job.place.line <= place.line)
        .map(|job| job.place.line)
        .collect();
    own.sort_unstable();
    let nearest = own.last().copied();
    let of_file = |job: &Job| job.place.file == place.file;
    let calls = |job: &Job| {
        of_file(job)
            || job.via.iter().any(|via| via.file == place.file)
            || job.steps.iter().any(|step| {
                step.place.file == place.file
                    || step.mentions.iter().any(|mention| mention.place.file == place.file)
                    || step.uses.commands.iter().any(|command| command.place.file == place.file)
            })
    };
    let known = pipeline.jobs.iter().any(calls);
    for job in &mut pipeline.jobs {
        let here = match nearest {
            Some(line) => of_file(job) && job.place.line == line,
            None => !known || calls(job),
        };
        if here {
            put(job, written);
        }
    }
}

fn put(job: &mut Job, written: &Written) {
    let literal = |flow: &crate::ci::model::Flow| {
        flow.secret.scope == Scope::Literal
            && (flow.secret.name == written.name || flow.place == written.place)
    };
    if !job.sent.iter().any(literal) {
        // A comment is in the repository and in no process.
        let way = if written.in_comment { Way::Other } else { Way::Script };
        job.sent.push(literal_flow(&written.name, written.place.clone(), way));
    }
    let known = |step: &crate::ci::model::Step| {
        step.uses.literals.iter().any(|(name, _)| *name == written.name)
    };
    if let Some(step) = job.steps.first_mut().filter(|step| !known(step)) {
        step.uses.literals.push((Arc::clone(&written.name), written.kind));
    }
}

#[cfg(test)]
mod tests {
    use super::name_before;

    #[test]
    fn a_value_has_the_name_of_what_it_is_given_to() {
        for (line, expected) in [
            ("      TOKEN: ", Some("TOKEN")),
            ("  \"token\": \"", Some("token")),
            ("export A=1 TOKEN='", Some("TOKEN")),
            ("curl --token ", Some("--token")),
            ("echo ", None),
            ("CANARY17a9f8e7d6c5b4: ", None),
            ("git clone https://user:", None),
            ("curl https://host/", None),
        ] {
            assert_eq!(name_before(line), expected, "{line}");
        }
    }
}
