//! Rows of the record in the file: written in the caller's transaction, read with all that can be checked.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{
    chain::{self, Escrow, Kind, Row},
    trouble::corrupt,
};
use crate::rotate::journal::JournalError;

const COLUMNS: &str = "seq, kind, campaign, rotation, at, body, credential, sealed, link, hash";

/// Appends a row, whose `seq`, `link` and `hash` are found here, and moves the head.
pub(super) fn append(tx: &Transaction<'_>, mut row: Row) -> Result<(), JournalError> {
    let (count, head) = head(tx)?;
    let last: Option<(i64, String)> = tx
        .query_row("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if last.unwrap_or_default() != (count, head.clone()) {
        return Err(corrupt(format!("the last row is not the one that the head names ({count})")));
    }
    let before: Option<String> = tx
        .query_row(
            "SELECT link FROM events WHERE campaign = ? ORDER BY seq DESC LIMIT 1",
            [&row.campaign],
            |row| row.get(0),
        )
        .optional()?;
    row.seq = count + 1;
    row.link = row.link_after(&before.unwrap_or_default());
    row.hash = row.hash_after(&head);
    tx.execute(
        &format!("INSERT INTO events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        params![
            row.seq,
            row.kind.name(),
            row.campaign,
            row.rotation,
            row.at,
            row.body,
            row.credential,
            row.sealed,
            row.link,
            row.hash
        ],
    )?;
    tx.execute("UPDATE meta SET count = ?, head = ? WHERE id = 1", params![row.seq, row.hash])?;
    Ok(())
}

pub(super) fn head(connection: &Connection) -> Result<(i64, String), JournalError> {
    let found = connection
        .query_row("SELECT count, head FROM meta WHERE id = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    found.ok_or_else(|| corrupt("the head is missing"))
}

/// All rows of the file.
pub(super) fn all(connection: &Connection) -> Result<Vec<Row>, JournalError> {
    let mut statement =
        connection.prepare(&format!("SELECT {COLUMNS} FROM events ORDER BY seq"))?;
    let mut found = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(read(row)?);
    }
    Ok(rows)
}

/// All rows of a campaign, after their chain was checked.
pub(super) fn of_campaign(
    connection: &Connection,
    campaign: &str,
) -> Result<Vec<Row>, JournalError> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE campaign = ? ORDER BY seq");
    let mut statement = connection.prepare(&sql)?;
    let mut found = statement.query([campaign])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(read(row)?);
    }
    chain::check_links(&rows).map_err(corrupt)?;
    Ok(rows)
}

fn read(row: &rusqlite::Row<'_>) -> Result<Row, JournalError> {
    let (seq, kind): (i64, String) = (row.get(0)?, row.get(1)?);
    let kind =
        Kind::named(&kind).ok_or_else(|| corrupt(format!("row {seq} is of no known kind")))?;
    Ok(Row {
        seq,
        kind,
        campaign: row.get(2)?,
        rotation: row.get(3)?,
        at: row.get(4)?,
        body: row.get(5)?,
        credential: row.get(6)?,
        sealed: row.get(7)?,
        link: row.get(8)?,
        hash: row.get(9)?,
    })
}

/// All of the file: SQLite's own check, both chains, plans, sealed values and leases.
pub(super) fn verify(connection: &Connection) -> Result<(), JournalError> {
    let answer: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if answer != "ok" {
        return Err(corrupt(answer));
    }
    let rows = all(connection)?;
    let (count, head) = head(connection)?;
    chain::check_file(&rows, count, &head).map_err(corrupt)?;
    verify_plans(connection, &rows)?;
    verify_escrow(connection, chain::escrow(&rows))?;
    super::lease::verify(connection)
}

fn verify_plans(connection: &Connection, rows: &[Row]) -> Result<(), JournalError> {
    let mut statement =
        connection.prepare("SELECT campaign, digest, plan FROM campaigns ORDER BY campaign")?;
    let mut found = statement.query([])?;
    let mut plans = 0;
    while let Some(row) = found.next()? {
        let (campaign, digest, plan): (String, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let said = rows.iter().find(|row| row.kind == Kind::Plan && row.campaign == campaign);
        if said.is_none_or(|said| said.body != digest) || chain::sha256(plan.as_bytes()) != digest {
            return Err(corrupt(format!("the plan of `{campaign}` does not match its digest")));
        }
        plans += 1;
    }
    if plans != rows.iter().filter(|row| row.kind == Kind::Plan).count() {
        return Err(corrupt("a plan is missing"));
    }
    Ok(())
}

fn verify_escrow(connection: &Connection, mut due: Escrow) -> Result<(), JournalError> {
    let mut statement =
        connection.prepare("SELECT campaign, rotation, credential, sealed FROM escrow")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let key: (String, String) = (row.get(0)?, row.get(1)?);
        let (credential, sealed): (String, Vec<u8>) = (row.get(2)?, row.get(3)?);
        let good = due.remove(&key).is_some_and(|kept| {
            kept.credential == credential && kept.sha256 == chain::sha256(&sealed)
        });
        if !good {
            return Err(corrupt(format!("the sealed value of `{}` is not the one written", key.1)));
        }
    }
    match due.into_keys().next() {
        Some((_, rotation)) => Err(corrupt(format!("the sealed value of `{rotation}` is missing"))),
        None => Ok(()),
    }
}
