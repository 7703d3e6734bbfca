//! The book as a table for spreadsheets, and back: CSV of RFC 4180 with a header.

use thiserror::Error;

use super::{
    Binding, Book,
    document::day,
    written::{KEYS, fields},
};
use crate::{ci::literal, config::suggestion};

/// What a spreadsheet takes for a formula when a cell begins with it.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What a table brings.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Imported {
    /// New to the book.
    pub bindings: Vec<Binding>,
    /// Rows that the book has already.
    pub known: usize,
}

/// A row that cannot be taken; then none is.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("line {line}: {message}")]
pub struct RowError {
    /// Of the table.
    pub line: u64,
    pub message: String,
    pub hint: String,
}

/// Reads a table; columns stand in any order, and `placement` is needed.
///
/// # Errors
///
/// Every row that is wrong, or says something else than the book.
pub fn imported(table: &[u8], book: Option<&Book>) -> Result<Imported, Vec<RowError>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(table);
    let columns = columns(&mut reader).map_err(|error| vec![error])?;
    let (mut imported, mut errors) = (Imported::default(), Vec::new());
    for row in reader.records() {
        let read = row.map_err(|error| broken(&error)).and_then(|row| binding(&row, &columns));
        match read {
            Err(error) => errors.push(error),
            Ok((line, binding)) => {
                let of_book = book.map(Book::bindings).unwrap_or_default().iter();
                let all = || of_book.clone().chain(&imported.bindings);
                match all().find(|other| other.placement == binding.placement) {
                    None => imported.bindings.push(binding),
                    Some(same) if same_row(same, &binding) => imported.known += 1,
                    Some(_) => errors.push(RowError {
                        line,
                        message: format!(
                            "`{}` is bound already, and the rows differ",
                            binding.placement
                        ),
                        hint: "correct the book or the table; nothing is overwritten".to_owned(),
                    }),
                }
            }
        }
    }
    if errors.is_empty() { Ok(imported) } else { Err(errors) }
}

/// The whole book as a table.
pub fn exported(book: &Book) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rows = book.bindings().iter().map(|binding| {
        fields(binding).map(|(_, value)| guarded(value.unwrap_or_default())).collect::<Vec<_>>()
    });
    let written = std::iter::once(KEYS.map(str::to_owned).to_vec())
        .chain(rows)
        .try_for_each(|row| writer.write_record(row));
    let bytes = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn columns(reader: &mut csv::Reader<&[u8]>) -> Result<Vec<&'static str>, RowError> {
    let header = reader.headers().map_err(|error| broken(&error))?;
    let error = |message, hint| RowError { line: 1, message, hint };
    let mut columns = Vec::new();
    for name in header {
        let written = name.trim_start_matches('\u{feff}').to_lowercase();
        let Some(key) = KEYS.into_iter().find(|key| *key == written) else {
            let message = format!("no column is called `{}`", literal::masked(name));
            return Err(error(message, suggestion(&written, KEYS, "columns")));
        };
        if columns.contains(&key) {
            return Err(error(format!("two columns are called `{key}`"), "keep one".to_owned()));
        }
        columns.push(key);
    }
    if columns.contains(&"placement") {
        Ok(columns)
    } else {
        let hint = format!("the first line names the columns: {}", KEYS.join(","));
        Err(error("no column `placement`".to_owned(), hint))
    }
}

fn binding(row: &csv::StringRecord, columns: &[&str]) -> Result<(u64, Binding), RowError> {
    let line = row.position().map_or(0, csv::Position::line);
    let wrong = |message: String, hint: &str| RowError { line, message, hint: hint.to_owned() };
    let mut binding = Binding::default();
    for (key, cell) in columns.iter().zip(row) {
        if literal::kind_of(cell).is_some() {
            let hint = "a book holds names only; and rotate it, if the table was ever shared";
            return Err(wrong(format!("a credential is written in `{key}`"), hint));
        }
        let text = unguarded(cell).to_owned();
        if text.is_empty() {
            continue;
        }
        match *key {
            "placement" => binding.placement = text,
            "credential" => {
                let name = text.parse().map_err(|error: crate::config::BadName| {
                    wrong(format!("`credential`: {error}"), "write `prod:user/ci-deployer`")
                })?;
                binding.credential = Some(name);
            }
            "confirmed" => {
                let confirmed = day(&text).ok_or_else(|| {
                    wrong("`confirmed` is no day".to_owned(), "write `2026-03-01`")
                })?;
                binding.confirmed = Some(confirmed);
            }
            "issuer" => binding.issuer = Some(text),
            "account" => binding.account = Some(text),
            "owner" => binding.owner = Some(text),
            "runbook" => binding.runbook = Some(text),
            "source_of_truth" => binding.source_of_truth = Some(text),
            "class" => binding.class = Some(text),
            "known_by" => binding.known_by = Some(text),
            _ => binding.confirmed_by = Some(text),
        }
    }
    if binding.placement.is_empty() {
        return Err(wrong("no placement".to_owned(), "write its name, or a glob over names"));
    }
    if binding.credential.is_none() && binding.issuer.is_none() {
        let hint = "name the `credential`, or at least its `issuer`";
        return Err(wrong(format!("`{}` is bound to nothing", binding.placement), hint));
    }
    Ok((line, binding))
}

fn same_row(one: &Binding, other: &Binding) -> bool {
    fields(one).eq(fields(other))
}

/// Only what csv says of the form: it never quotes a cell.
fn broken(error: &csv::Error) -> RowError {
    let line = error.position().map_or(0, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "no UTF-8 text".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells where the header has {expected_len}")
        }
        _ => "no CSV".to_owned(),
    };
    RowError { line, message, hint: "save the table as CSV in UTF-8, with commas".to_owned() }
}

/// A cell that a spreadsheet would run becomes text, by the quote that they all take for that.
fn guarded(cell: String) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell }
}

fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(cell)
}
