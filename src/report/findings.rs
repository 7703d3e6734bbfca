//! What somebody has to look at, for people.

use super::grid::{Grid, Line, bold, faint, plain};

/// One finding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FindingLine {
    /// `conflict`, `stale`.
    pub kind: &'static str,
    /// Whether something is wrong, and not only missing.
    pub fault: bool,
    /// `bindings.toml:7`, or nothing.
    pub place: String,
    pub about: String,
    pub message: String,
    pub hint: String,
}

pub fn findings(found: &[FindingLine]) -> String {
    let mut grid = Grid::new(&["WHAT", "PLACEMENT", "WHY"]);
    for finding in found {
        let kind = if finding.fault { bold(finding.kind) } else { plain(finding.kind) };
        let mut about: Vec<Line> = vec![plain(finding.about.clone())];
        if !finding.place.is_empty() {
            about.push(faint(finding.place.clone()));
        }
        grid.entry(vec![
            vec![kind],
            about,
            vec![plain(finding.message.clone()), faint(finding.hint.clone())],
        ]);
    }
    grid.render()
}
