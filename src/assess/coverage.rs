//! What a pipeline could not read, as coverage of a report that lists things.

use std::sync::Arc;

use super::{Coverage, CoverageState};
use crate::ci::{
    literal::without_userinfo,
    model::{Gap, Hides, Pipeline},
};

/// Coverage of every gap; `hides` says whether such a gap could keep a line of this report from sight.
pub(super) fn of_gaps(
    repository: &str,
    pipelines: &[Arc<Pipeline>],
    hides: fn(&Hides) -> bool,
) -> Vec<Coverage> {
    let gaps = pipelines.iter().flat_map(|pipeline| &pipeline.gaps);
    gaps.map(|gap| of_gap(repository, gap, hides(&gap.hides))).collect()
}

pub(super) fn of_gap(repository: &str, gap: &Gap, matters: bool) -> Coverage {
    Coverage {
        repository: repository.to_owned(),
        scope: format!("file:{}:{}", gap.place.file, gap.place.line),
        state: CoverageState::Failed,
        // It may quote the file.
        reason: without_userinfo(&gap.reason),
        matters,
        file: Some(gap.place.file.to_string()),
        line: Some(gap.place.line),
    }
}

/// Two pipelines that call the same broken file report its gap twice.
pub(super) fn tidy(mut coverage: Vec<Coverage>) -> Vec<Coverage> {
    coverage.sort();
    coverage.dedup();
    coverage
}
