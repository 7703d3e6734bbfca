//! A campaign goes from one host to another, as one file that only the other can open.
//!
//! The old host is fenced before the file is made: a file that was made twice is the same campaign handed to the same
//! host. The new host is named, and a host takes only what was sent to it; what it has taken once, it does not take
//! again. What cannot be noticed: the same file taken by two machines that say the same name of themselves and both have
//! its identity. To take back what nobody has taken, the old host imports the file under the name it was sent to.
//!
//! Sealed values go as they are: the new host needs an identity that they were sealed to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    StateFile,
    chain::{self, Kind, Row},
    lease::{self, Lease},
    rows,
    trouble::corrupt,
};
use crate::{
    plan::Plan,
    rotate::{
        escrow::AgeSealer,
        journal::{JournalError, SealError},
    },
};

/// Of the file. One of another version is refused by name.
const VERSION: u32 = 1;

#[derive(Debug, Error)]
pub enum TransferError {
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl From<rusqlite::Error> for TransferError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Journal(error.into())
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Parcel {
    v: u32,
    campaign: String,
    to: String,
    plan: String,
    rows: Vec<Row>,
    escrow: Vec<Piece>,
    fences: BTreeMap<String, u64>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Piece {
    rotation: String,
    credential: String,
    /// Hexadecimal.
    sealed: String,
}

/// The body of a `Sent` and of a `Received` row.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Handed {
    host: String,
}

impl StateFile {
    /// Hands a campaign to the host `to`: from here on every append to it fails with `Fenced`. The bytes can be
    /// opened by the recipients of `sealer`. May be repeated for the same host, when the first bytes were lost.
    ///
    /// # Errors
    ///
    /// `Refused` while a lease runs: its holder could be in the middle of a step.
    pub fn export(
        &mut self,
        campaign: &str,
        to: &str,
        sealer: &AgeSealer,
        now: Timestamp,
    ) -> Result<Vec<u8>, TransferError> {
        let tx = self.write()?;
        match sent_to(&tx, campaign)? {
            Some(host) if host == to => {}
            Some(host) => {
                return Err(TransferError::Refused(format!("`{campaign}` was sent to {host}")));
            }
            None => {
                let leases = lease::of_campaign(&tx, campaign)?;
                if let Some((rotation, held)) = leases.iter().find(|(_, held)| held.until > now) {
                    return Err(TransferError::Refused(format!(
                        "{rotation} is held by {} until {}; let it end, or take it over and release it",
                        held.holder, held.until
                    )));
                }
                let row = Row::new(Kind::Sent, campaign, "", now, handed(to)?);
                rows::append(&tx, row)?;
            }
        }
        let parcel = pack(&tx, campaign, to)?;
        let bytes = sealer.seal_bytes(&to_json(&parcel)?)?;
        tx.commit()?;
        self.fold();
        Ok(bytes)
    }

    /// Takes over a campaign that was sent to this host, `host`, and says which. Every fence grows.
    ///
    /// # Errors
    ///
    /// `Refused` when it was sent to another host, or is here already; `Corrupt` when its chain does not hold.
    pub fn import(
        &mut self,
        bytes: &[u8],
        host: &str,
        sealer: &AgeSealer,
        now: Timestamp,
    ) -> Result<String, TransferError> {
        let parcel: Parcel = serde_json::from_slice(&sealer.open_bytes(bytes)?)
            .map_err(|error| corrupt(format!("the campaign that was sent: {error}")))?;
        let escrow = check(&parcel, host)?;
        let campaign = parcel.campaign.clone();
        let tx = self.write()?;
        let known = rows::of_campaign(&tx, &campaign)?;
        if known.is_empty() {
            let digest = chain::sha256(parcel.plan.as_bytes());
            tx.execute(
                "INSERT INTO campaigns VALUES (?, ?, ?)",
                params![campaign, digest, parcel.plan],
            )?;
        } else if !continues(&known, &parcel.rows) {
            return Err(TransferError::Refused(format!(
                "`{campaign}` is here already, and went on since this file was made"
            )));
        }
        let fresh = parcel.rows.into_iter().skip(known.len());
        fresh.into_iter().try_for_each(|row| rows::append(&tx, row))?;
        rows::append(&tx, Row::new(Kind::Received, &campaign, "", now, handed(host)?))?;
        replace_escrow(&tx, &campaign, &escrow)?;
        for (rotation, fence) in parcel.fences {
            let own = lease::begun(&tx, &campaign, &rotation)?;
            let fence = fence.max(own).saturating_add(1);
            lease::put(
                &tx,
                &campaign,
                &rotation,
                &Lease { holder: host.to_owned(), fence, until: now },
            )?;
        }
        rows::verify(&tx)?;
        tx.commit()?;
        self.fold();
        Ok(campaign)
    }
}

/// The host that a campaign was sent to and has not come back from.
pub(super) fn sent_to(
    connection: &Connection,
    campaign: &str,
) -> Result<Option<String>, JournalError> {
    let rows = rows::of_campaign(connection, campaign)?;
    let last = rows.iter().rev().find(|row| matches!(row.kind, Kind::Sent | Kind::Received));
    match last.filter(|row| row.kind == Kind::Sent) {
        Some(row) => host_of(row).map(Some),
        None => Ok(None),
    }
}

/// Fails with the name of the host that a campaign was sent to.
pub(super) fn check_here(
    connection: &Connection,
    campaign: &str,
    rotation: &str,
) -> Result<(), JournalError> {
    match sent_to(connection, campaign)? {
        Some(holder) => Err(JournalError::Fenced { rotation: rotation.to_owned(), holder }),
        None => Ok(()),
    }
}

fn pack(tx: &Transaction<'_>, campaign: &str, to: &str) -> Result<Parcel, JournalError> {
    let (_, plan) = super::plan_text(tx, campaign)?;
    let sql =
        "SELECT rotation, credential, sealed FROM escrow WHERE campaign = ? ORDER BY rotation";
    let mut statement = tx.prepare(sql)?;
    let escrow = statement.query_map([campaign], |row| {
        let sealed: Vec<u8> = row.get(2)?;
        Ok(Piece { rotation: row.get(0)?, credential: row.get(1)?, sealed: hex::encode(sealed) })
    })?;
    let leases = lease::of_campaign(tx, campaign)?.into_iter();
    Ok(Parcel {
        v: VERSION,
        campaign: campaign.to_owned(),
        to: to.to_owned(),
        plan,
        rows: rows::of_campaign(tx, campaign)?,
        escrow: escrow.collect::<Result<_, _>>()?,
        fences: leases.map(|(rotation, lease)| (rotation, lease.fence)).collect(),
    })
}

type Blobs = Vec<(String, String, Vec<u8>)>;

/// Whether the parcel is whole and for this host.
fn check(parcel: &Parcel, host: &str) -> Result<Blobs, TransferError> {
    if parcel.v != VERSION {
        return Err(TransferError::Refused(format!(
            "the file has version {}, and this keysweep knows {VERSION}",
            parcel.v
        )));
    }
    if parcel.to != host {
        return Err(TransferError::Refused(format!(
            "the campaign was sent to {}, and this is {host}",
            parcel.to
        )));
    }
    chain::check_links(&parcel.rows).map_err(corrupt)?;
    let (Some(first), Some(last)) = (parcel.rows.first(), parcel.rows.last()) else {
        return Err(corrupt("the campaign that was sent has no rows").into());
    };
    if last.kind != Kind::Sent || host_of(last)? != host {
        return Err(corrupt("the campaign does not end with the row that sends it here").into());
    }
    let plan: Plan = serde_json::from_str(&parcel.plan)
        .map_err(|error| corrupt(format!("the plan that was sent: {error}")))?;
    if first.body != chain::sha256(parcel.plan.as_bytes())
        || parcel.rows.iter().any(|row| row.campaign != parcel.campaign)
        || plan.campaign != parcel.campaign
    {
        return Err(corrupt("the plan is not that of the campaign").into());
    }
    blobs(parcel)
}

/// The sealed values; that they are those of the rows is checked with the whole file, before anything is committed.
fn blobs(parcel: &Parcel) -> Result<Blobs, TransferError> {
    let pieces = parcel.escrow.iter();
    pieces
        .map(|piece| {
            let sealed = hex::decode(&piece.sealed)
                .map_err(|_| corrupt(format!("the sealed value of `{}`", piece.rotation)))?;
            Ok((piece.rotation.clone(), piece.credential.clone(), sealed))
        })
        .collect()
}

/// Whether what came begins with all that is here, which was sent away.
fn continues(known: &[Row], came: &[Row]) -> bool {
    known.last().is_some_and(|last| last.kind == Kind::Sent)
        && came.len() >= known.len()
        && known.iter().zip(came).all(|(own, other)| own.link == other.link)
}

fn replace_escrow(tx: &Transaction<'_>, campaign: &str, blobs: &Blobs) -> Result<(), JournalError> {
    tx.execute("DELETE FROM escrow WHERE campaign = ?", [campaign])?;
    for (rotation, credential, sealed) in blobs {
        tx.execute(
            "INSERT INTO escrow VALUES (?, ?, ?, ?)",
            params![campaign, rotation, credential, sealed],
        )?;
    }
    Ok(())
}

fn handed(host: &str) -> Result<String, JournalError> {
    let bytes = to_json(&Handed { host: host.to_owned() })?;
    String::from_utf8(bytes).map_err(|error| corrupt(error.to_string()))
}

fn host_of(row: &Row) -> Result<String, JournalError> {
    let handed: Handed = serde_json::from_str(&row.body)
        .map_err(|error| corrupt(format!("row {} cannot be read: {error}", row.seq)))?;
    Ok(handed.host)
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(value).map_err(|error| JournalError::Unusable(error.to_string()))
}
