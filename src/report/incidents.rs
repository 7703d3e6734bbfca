//! The incidents that are known, for people.

use super::{
    dates,
    grid::{Grid, bold, plain},
};
use crate::assess::Span;

/// One incident in a list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct IncidentLine {
    pub id: String,
    pub title: String,
    /// From the first to the last moment of any of its components.
    pub window: Option<Span>,
}

pub fn incidents(known: &[IncidentLine]) -> String {
    let mut grid = Grid::new(&["INCIDENT", "WINDOW", "WHAT HAPPENED"]);
    for incident in known {
        let window = incident.window.map(|window| dates::span(&window));
        grid.entry(vec![
            vec![bold(incident.id.clone())],
            vec![plain(window.unwrap_or_default())],
            vec![plain(incident.title.clone())],
        ]);
    }
    grid.render()
}
