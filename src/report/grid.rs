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

/// Text of one cell's line, with the colour it has.
pub(super) type Line = (String, Option<Color>);

/// Entries of equally many columns; what is too wide for the page is wrapped.
pub(super) struct Grid {
    columns: usize,
    /// Per entry and column the lines it consists of.
    entries: Vec<Vec<Vec<Line>>>,
}

impl Grid {
    pub(super) fn new(titles: &[&str]) -> Self {
        let columns = titles.len();
        let titles = titles.iter().map(|title| vec![faint(*title)]).collect();
        Self { columns, entries: vec![titles] }
    }

    pub(super) fn entry(&mut self, columns: Vec<Vec<Line>>) {
        debug_assert_eq!(columns.len(), self.columns);
        self.entries.push(columns);
    }

    pub(super) fn render(self) -> String {
        let widths = self.widths();
        let rows: Vec<Vec<Line>> =
            self.entries.into_iter().flat_map(|entry| rows(entry, &widths)).collect();
        let mut builder = Builder::with_capacity(rows.len(), self.columns);
        for row in &rows {
            builder.push_record(row.iter().map(|(line, _)| line.as_str()));
        }
        let mut table = builder.build();
        table.with(Style::empty()).with(Padding::new(0, GAP, 0, 0));
        table.modify(Columns::first(), Padding::new(INDENT, GAP, 0, 0));
        table.modify(Columns::last(), Padding::zero());
        colour(&mut table, &rows);
        trimmed(&table.to_string())
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
        let cells = self.entries.iter().filter_map(|entry| entry.get(column)).flatten();
        // Wider than the page is wide enough: it keeps the loop above short.
        cells.map(|(line, _)| text::width(&text::clean(line)).min(WIDTH)).max().unwrap_or(0)
    }
}

/// An entry as rows of one line each: its columns flow down independently.
fn rows(entry: Vec<Vec<Line>>, widths: &[usize]) -> Vec<Vec<Line>> {
    let columns: Vec<Vec<Line>> = entry
        .into_iter()
        .zip(widths)
        .map(|(lines, width)| {
            let wrapped = |(line, colour): Line| {
                text::wrap(&line, *width).into_iter().map(move |line| {
                    // Colour around blanks would keep them from being trimmed.
                    let line = line.trim_end().to_owned();
                    let colour = colour.clone().filter(|_| !line.is_empty());
                    (line, colour)
                })
            };
            lines.into_iter().flat_map(wrapped).collect()
        })
        .collect();
    let height = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    (0..height)
        .map(|_| columns.iter_mut().map(|lines| lines.next().unwrap_or_default()).collect())
        .collect()
}

fn colour(table: &mut Table, rows: &[Vec<Line>]) {
    for (at, row) in rows.iter().enumerate() {
        for (column, (_, colour)) in row.iter().enumerate() {
            if let Some(colour) = colour {
                table.modify(Cell::new(at, column), colour.clone());
            }
        }
    }
}

fn dim() -> Color {
    Color::new("\u{1b}[2m", "\u{1b}[22m")
}

pub(super) fn plain(text: impl Into<String>) -> Line {
    (text.into(), None)
}

pub(super) fn faint(text: impl Into<String>) -> Line {
    (text.into(), Some(dim()))
}

pub(super) fn bold(text: impl Into<String>) -> Line {
    (text.into(), Some(Color::BOLD))
}

/// A cell is padded to its column; at the end of a line that is only noise.
fn trimmed(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
