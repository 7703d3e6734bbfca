//! Who may work on a rotation. The fence grows with each holder, and `append` takes no older one: a holder whose lease
//! ran out, and does not know it, can write nothing.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use thiserror::Error;

use super::{
    StateFile,
    chain::{self, Kind, Row},
    rows,
    trouble::{corrupt, unusable},
};
use crate::rotate::{
    decide::after,
    event::{Entry, Event},
    journal::JournalError,
};

/// The right to work on a rotation until `until`, which a crash ends without anybody's help.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    pub holder: String,
    /// What `append` wants to see.
    pub fence: u64,
    pub until: Timestamp,
}

#[derive(Debug, Error)]
pub enum LeaseError {
    #[error("{rotation} is held by {holder} until {until}; wait, or take it over with a reason")]
    Held { rotation: String, holder: String, until: Timestamp },
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl From<rusqlite::Error> for LeaseError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Journal(error.into())
    }
}

impl StateFile {
    /// Takes a rotation for `term` from `now` on. The same holder may take it again, with a higher fence.
    ///
    /// # Errors
    ///
    /// `Held` while another one's lease has not run out.
    pub fn take(
        &mut self,
        campaign: &str,
        rotation: &str,
        holder: &str,
        now: Timestamp,
        term: Duration,
    ) -> Result<Lease, LeaseError> {
        let tx = self.write()?;
        let old = find(&tx, campaign, rotation)?;
        if let Some(old) = old.as_ref().filter(|old| old.until > now && old.holder != holder) {
            return Err(LeaseError::Held {
                rotation: rotation.to_owned(),
                holder: old.holder.clone(),
                until: old.until,
            });
        }
        let lease = next(&tx, campaign, rotation, old, holder, after(now, term))?;
        tx.commit().map_err(JournalError::from)?;
        self.fold();
        Ok(lease)
    }

    /// Takes a rotation from whoever has it. The reason and the former holder stand in the record.
    ///
    /// # Errors
    ///
    /// As the journal's.
    pub fn take_over(
        &mut self,
        campaign: &str,
        rotation: &str,
        holder: &str,
        reason: &str,
        now: Timestamp,
        term: Duration,
    ) -> Result<Lease, JournalError> {
        let tx = self.write()?;
        let old = find(&tx, campaign, rotation)?;
        let from = old.as_ref().map(|old| old.holder.clone());
        let lease = next(&tx, campaign, rotation, old, holder, after(now, term))?;
        let body = serde_json::json!({ "by": holder, "from": from, "why": reason });
        let row = Row::new(Kind::TakeOver, campaign, rotation, now, body.to_string());
        rows::append(&tx, row)?;
        tx.commit().map_err(JournalError::from)?;
        self.fold();
        Ok(lease)
    }

    /// Holds on to a lease for `term` from `now` on, also when it has run out and nobody took it.
    ///
    /// # Errors
    ///
    /// `Fenced` when somebody did.
    pub fn renew(
        &mut self,
        campaign: &str,
        rotation: &str,
        fence: u64,
        now: Timestamp,
        term: Duration,
    ) -> Result<Lease, JournalError> {
        self.change_until(campaign, rotation, fence, after(now, term))
    }

    /// Gives a lease back, so that another one need not wait for its end.
    ///
    /// # Errors
    ///
    /// `Fenced` when another one has it.
    pub fn release(
        &mut self,
        campaign: &str,
        rotation: &str,
        fence: u64,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.change_until(campaign, rotation, fence, now).map(|_| ())
    }

    /// The last lease of a rotation, whether it has run out or not.
    ///
    /// # Errors
    ///
    /// As the journal's.
    pub fn lease(&self, campaign: &str, rotation: &str) -> Result<Option<Lease>, JournalError> {
        find(&self.connection, campaign, rotation)
    }

    fn change_until(
        &mut self,
        campaign: &str,
        rotation: &str,
        fence: u64,
        until: Timestamp,
    ) -> Result<Lease, JournalError> {
        let tx = self.write()?;
        let mut lease = check(&tx, campaign, rotation, fence)?;
        lease.until = until;
        put(&tx, campaign, rotation, &lease)?;
        tx.commit().map_err(JournalError::from)?;
        self.fold();
        Ok(lease)
    }
}

/// The lease with this fence, when it is the newest one.
pub(super) fn check(
    tx: &Transaction<'_>,
    campaign: &str,
    rotation: &str,
    fence: u64,
) -> Result<Lease, JournalError> {
    super::transfer::check_here(tx, campaign, rotation)?;
    let Some(lease) = find(tx, campaign, rotation)? else {
        return Err(unusable(format!("nobody holds {rotation}; take it first")));
    };
    if lease.fence == fence {
        return Ok(lease);
    }
    Err(JournalError::Fenced { rotation: rotation.to_owned(), holder: lease.holder })
}

fn next(
    tx: &Transaction<'_>,
    campaign: &str,
    rotation: &str,
    old: Option<Lease>,
    holder: &str,
    until: Timestamp,
) -> Result<Lease, JournalError> {
    super::transfer::check_here(tx, campaign, rotation)?;
    let newest = old.map_or(0, |old| old.fence).max(begun(tx, campaign, rotation)?);
    let lease = Lease { holder: holder.to_owned(), fence: newest + 1, until };
    put(tx, campaign, rotation, &lease)?;
    Ok(lease)
}

/// The newest fence of which the entries tell, which holds even if the lease itself was lost.
pub(super) fn begun(
    connection: &Connection,
    campaign: &str,
    rotation: &str,
) -> Result<u64, JournalError> {
    let mut newest = 0;
    for Entry { event, .. } in super::entries(connection, campaign, rotation)? {
        if let Event::Began { fence, .. } = event {
            newest = newest.max(fence);
        }
    }
    Ok(newest)
}

pub(super) fn put(
    tx: &Transaction<'_>,
    campaign: &str,
    rotation: &str,
    lease: &Lease,
) -> Result<(), JournalError> {
    let fence = i64::try_from(lease.fence).map_err(|_| unusable("the fence is too large"))?;
    let until = lease.until.to_string();
    let sum = sum(campaign, rotation, &lease.holder, fence, &until);
    tx.execute(
        "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?)",
        params![campaign, rotation, lease.holder, fence, until, sum],
    )?;
    Ok(())
}

fn find(
    connection: &Connection,
    campaign: &str,
    rotation: &str,
) -> Result<Option<Lease>, JournalError> {
    let found = connection
        .query_row(
            "SELECT * FROM leases WHERE campaign = ? AND rotation = ?",
            [campaign, rotation],
            |row| Ok(read(row)),
        )
        .optional()?;
    found.transpose().map(|found| found.map(|(_, lease)| lease))
}

/// All leases of a campaign by rotation.
pub(super) fn of_campaign(
    connection: &Connection,
    campaign: &str,
) -> Result<Vec<(String, Lease)>, JournalError> {
    let sql = "SELECT * FROM leases WHERE campaign = ? ORDER BY rotation";
    let mut statement = connection.prepare(sql)?;
    let mut found = statement.query([campaign])?;
    let mut leases = Vec::new();
    while let Some(row) = found.next()? {
        leases.push(read(row)?);
    }
    Ok(leases)
}

pub(super) fn verify(connection: &Connection) -> Result<(), JournalError> {
    let mut statement = connection.prepare("SELECT * FROM leases")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        read(row)?;
    }
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> Result<(String, Lease), JournalError> {
    let (campaign, rotation, holder): (String, String, String) =
        (row.get(0)?, row.get(1)?, row.get(2)?);
    let (fence, until, said): (i64, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let good = sum(&campaign, &rotation, &holder, fence, &until) == said;
    match (good, u64::try_from(fence), until.parse()) {
        (true, Ok(fence), Ok(until)) => Ok((rotation, Lease { holder, fence, until })),
        _ => Err(corrupt(format!("the lease of `{rotation}` is not what was written"))),
    }
}

fn sum(campaign: &str, rotation: &str, holder: &str, fence: i64, until: &str) -> String {
    chain::digest(&[campaign, rotation, holder, &fence.to_string(), until])
}
