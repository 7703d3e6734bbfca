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
    pub revision: u32,
    /// `built in`, or what is known of a kept pack.
    pub origin: String,
}

pub fn incidents(known: &[IncidentLine]) -> String {
    let mut grid = Grid::new(&["INCIDENT", "WINDOW", "REV", "FROM", "WHAT HAPPENED"]);
    for incident in known {
        let window = incident.window.map(|window| match (window.from, window.to) {
            (None, None) => "open".to_owned(),
            _ => dates::span(&window),
        });
        grid.entry(vec![
            vec![bold(incident.id.clone())],
            vec![plain(window.unwrap_or_default())],
            vec![plain(incident.revision.to_string())],
            vec![plain(incident.origin.clone())],
            vec![plain(incident.title.clone())],
        ]);
    }
    grid.render()
}
