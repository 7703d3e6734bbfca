//! GitHub Actions front end: workflows and actions → [`Pipeline`].
//!
//! Reusable workflows and composite actions are inlined where they can be read: those of the checkout
//! itself, and those of sibling checkouts. What cannot be read is a component.

mod action;
mod actions;
mod bindings;
mod budget;
mod build;
mod call;
mod context;
pub mod expr;
mod image;
mod job;
mod matrix;
mod names;
mod offered;
mod refused;
mod residue;
mod resolve;
mod step;
mod triggers;
mod uses;
mod using;
mod value;
mod workflow;

use std::sync::Arc;

use super::{
    Files, Siblings,
    catalog::Entry,
    model::{Gap, Hides, Pipeline, Place},
    yaml,
};

/// Reads one file. Whatever is wrong with it stands in the pipelines' gaps.
pub fn read(files: &dyn Files, siblings: &dyn Siblings, path: &str, kind: Entry) -> Vec<Pipeline> {
    let file: Arc<str> = Arc::from(path);
    let (root, gaps, doubts) = match load(files, path, &file) {
        Ok(loaded) => loaded,
        Err(gap) => return vec![workflow::unread(&file, gap)],
    };
    let Some(root) = root else { return vec![workflow::empty(&file, gaps)] };
    match kind {
        Entry::Workflow => workflow::read(files, siblings, &file, &root, gaps, doubts),
        Entry::Action => offered::read(files, siblings, &file, &root, gaps, doubts),
        Entry::Stored(_) | Entry::Lockfile => Vec::new(),
    }
}

type Loaded = (Option<Arc<yaml::Node>>, Vec<Gap>, Vec<super::model::Doubt>);

/// Reads and composes a YAML file; troubles become gaps and doubts.
fn load(files: &dyn Files, path: &str, file: &Arc<str>) -> Result<Loaded, Gap> {
    let gap = |line: u32, reason: String, hides: Hides| Gap {
        place: Place { file: Arc::clone(file), line },
        reason,
        hides,
    };
    let bytes = match files.read(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(gap(1, "there is no such file".to_owned(), Hides::Anything)),
        Err(trouble) => return Err(gap(1, trouble.reason.into_owned(), Hides::Anything)),
    };
    let parsed = yaml::parse(&bytes);
    let doubts = refused::by_reader(&parsed);
    let gaps = parsed.troubles.iter().map(|trouble| {
        let (reason, hides) = not_read(&bytes, trouble);
        gap(trouble.line, reason, hides)
    });
    let gaps = gaps.collect();
    Ok((parsed.root, gaps, doubts))
}

/// What a trouble of the YAML reader keeps from sight.
fn not_read(bytes: &[u8], trouble: &yaml::Trouble) -> (String, Hides) {
    let reason = trouble.reason.clone();
    match trouble.effect {
        yaml::Effect::Replaced | yaml::Effect::Refused => (reason, Hides::Nothing),
        yaml::Effect::Lost => (reason, Hides::Anything),
        // What stands behind the error may be any job; its text is all that is known of it.
        yaml::Effect::Ended => (
            format!("not read from line {} on: {reason}", trouble.line),
            Hides::Text(rest_of(bytes, trouble.line)),
        ),
    }
}

/// The text from a line on, the line before included: an error is often found a token late.
fn rest_of(bytes: &[u8], line: u32) -> Arc<str> {
    let skip = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(2);
    let text = String::from_utf8_lossy(bytes);
    Arc::from(text.split_inclusive('\n').skip(skip).collect::<String>())
}
