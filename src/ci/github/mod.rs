//! GitHub Actions front end: workflows and actions → [`Pipeline`].
//!
//! Reusable workflows and composite actions are inlined where they can be read: those of the checkout
//! itself, and those of sibling checkouts. What cannot be read is a component.

mod action;
mod call;
pub mod expr;
mod job;
mod reading;
mod residue;
mod step;
mod triggers;
mod uses;
mod value;
mod workflow;

use std::sync::Arc;

use super::{
    Files, Siblings,
    catalog::Entry,
    model::{Gap, Hides, Pipeline, Place},
    yaml,
};
use call::Frame;
use reading::Reading;

/// Reads one file. Whatever is wrong with it stands in the pipelines' gaps.
pub fn read(files: &dyn Files, siblings: &dyn Siblings, path: &str, kind: Entry) -> Vec<Pipeline> {
    let file: Arc<str> = Arc::from(path);
    let reading = Reading::new();
    let (root, gaps, doubts) = match load(files, path, &file, &reading) {
        Ok(loaded) => loaded,
        Err(gap) => return vec![workflow::unread(&file, gap)],
    };
    let Some(root) = root else { return vec![workflow::empty(&file, gaps)] };
    let frame = Frame::top(files, siblings, &file, reading);
    match kind {
        Entry::Workflow => workflow::read(frame, &root, gaps, doubts),
        Entry::Action => action::read_offered(&frame, &root, gaps),
    }
}

type Loaded = (Option<Arc<yaml::Node>>, Vec<Gap>, Vec<super::model::Doubt>);

/// Reads and composes a YAML file; troubles become gaps and doubts.
fn load(files: &dyn Files, path: &str, file: &Arc<str>, reading: &Reading) -> Result<Loaded, Gap> {
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
    reading.spend(bytes.len());
    let parsed = yaml::parse(&bytes);
    let mut gaps = Vec::new();
    let mut doubts = workflow::doubts_of(&parsed);
    for trouble in parsed.troubles {
        if trouble.fatal {
            let reason = format!("not read from line {} on: {}", trouble.line, trouble.reason);
            // What stands behind the error may be any job; its text is all that is known of it.
            let rest = rest_of(&bytes, trouble.line);
            gaps.push(gap(trouble.line, reason, Hides::Text(rest)));
            doubts.push(workflow::refused(&trouble.reason));
        } else {
            gaps.push(gap(trouble.line, trouble.reason, Hides::Nothing));
        }
    }
    Ok((parsed.root, gaps, doubts))
}

/// The text from a line on, the line before included: an error is often found a token late.
fn rest_of(bytes: &[u8], line: u32) -> Arc<str> {
    let skip = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(2);
    let text = String::from_utf8_lossy(bytes);
    Arc::from(text.split_inclusive('\n').skip(skip).collect::<String>())
}
