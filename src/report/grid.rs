//! A grid of cells that fits the page.

use tabled::{
    Table,
    builder::Builder,
    settings::{
        Color, Padding, Style,
        object::{Cell, Columns},
    },
};

use super::{WIDTH, text};

const INDENT: usize = 2;
const GAP: usize = 2;

/// Rows of equally many cells; what is too wide for the page is wrapped.
pub(super) struct Grid {
    rows: Vec<Vec<(String, Option<Color>)>>,
    columns: usize,
}

impl Grid {
    pub(super) fn new(titles: &[&str]) -> Self {
        let dim = Some(dim());
        let row = titles.iter().map(|title| ((*title).to_owned(), dim.clone())).collect();
        Self { rows: vec![row], columns: titles.len() }
    }

    /// One entry of the grid: per column the lines it consists of, each on the height of its peers.
    pub(super) fn entry(&mut self, columns: Vec<Vec<(String, Option<Color>)>>) {
        debug_assert_eq!(columns.len(), self.columns);
        let height = columns.iter().map(Vec::len).max().unwrap_or(0);
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        for _ in 0..height {
            let row = columns.iter_mut().map(|lines| lines.next().unwrap_or_default()).collect();
            self.rows.push(row);
        }
    }

    pub(super) fn render(&self) -> String {
        let widths = self.widths();
        let mut builder = Builder::with_capacity(self.rows.len(), self.columns);
        for row in &self.rows {
            let cells = row.iter().zip(&widths);
            builder
                .push_record(cells.map(|((cell, _), width)| text::wrap(cell, *width).join("\n")));
        }
        let mut table = builder.build();
        table.with(Style::empty()).with(Padding::new(0, GAP, 0, 0));
        table.modify(Columns::first(), Padding::new(INDENT, GAP, 0, 0));
        table.modify(Columns::last(), Padding::zero());
        self.colour(&mut table);
        trimmed(&table.to_string())
    }

    fn colour(&self, table: &mut Table) {
        for (at, row) in self.rows.iter().enumerate() {
            for (column, (_, colour)) in row.iter().enumerate() {
                if let Some(colour) = colour {
                    table.modify(Cell::new(at, column), colour.clone());
                }
            }
        }
    }

    /// The width of each column: its own, with the widest made narrower until the page holds them.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns).map(|at| self.natural(at)).collect();
        let room = WIDTH - INDENT - GAP * self.columns.saturating_sub(1);
        while widths.iter().sum::<usize>() > room {
            match widths.iter_mut().max() {
                Some(widest) if *widest > 2 => *widest -= 1,
                _ => break,
            }
        }
        widths
    }

    fn natural(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        // Wider than the page is wide enough: it keeps the loop above short.
        cells.map(|(cell, _)| text::width(&text::clean(cell)).min(WIDTH)).max().unwrap_or(0)
    }
}

pub(super) fn dim() -> Color {
    Color::new("\u{1b}[2m", "\u{1b}[22m")
}

pub(super) fn plain(text: impl Into<String>) -> (String, Option<Color>) {
    (text.into(), None)
}

pub(super) fn faint(text: impl Into<String>) -> (String, Option<Color>) {
    (text.into(), Some(dim()))
}

pub(super) fn bold(text: impl Into<String>) -> (String, Option<Color>) {
    (text.into(), Some(Color::BOLD))
}

/// A cell is padded to its column; at the end of a line that is only noise.
fn trimmed(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
