//! The journal as one SQLite file: WAL, `synchronous=FULL`, and two hash chains over what it says.
//!
//! Several processes may use one file: each write is an immediate transaction that checks the lease's fence. The folder
//! must be on a local disk, since WAL needs memory that its users share. When an entry is committed, the log is folded
//! into the file, so that the log holds something only between those two instants.
//!
//! What the chains cannot show: a whole older copy that somebody put in the file's place, and a forger who computes them
//! anew. The file is kept from others by its mode and its folder's.

mod chain;
mod lease;
mod rows;
mod schema;
mod transfer;
mod trouble;

use std::path::Path;

use jiff::Timestamp;
use keysweep_sdk::CredentialId;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

pub use lease::{Lease, LeaseError};
pub use transfer::TransferError;

use self::{
    chain::{Kind, Row},
    trouble::{corrupt, unusable},
};
use super::{
    event::Entry,
    journal::{Journal, JournalError, Sealed},
    state::{Orphan, State},
};
use crate::plan::Plan;

/// The state file, with all of its campaigns.
#[derive(Debug)]
pub struct StateFile {
    connection: Connection,
}

/// The journal of one campaign.
#[derive(Debug)]
pub struct CampaignJournal {
    file: StateFile,
    campaign: String,
}

/// A credential whose value nobody has, and which its issuer may still accept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stray {
    pub campaign: String,
    pub rotation: String,
    pub id: CredentialId,
    pub orphan: Orphan,
}

impl StateFile {
    /// Opens the file, or makes it with its folder, and checks all of it.
    ///
    /// # Errors
    ///
    /// `Corrupt` says where it is not what was written; nothing was done on it then. `Unusable` says what to do.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let mut file = Self { connection: schema::open(path)? };
        {
            // One transaction, so that all parts are of one instant while another process writes.
            let tx = file.connection.transaction()?;
            rows::verify(&tx)?;
        }
        file.fold();
        Ok(file)
    }

    /// Keeps a plan, under the name of its campaign. The same plan may come again.
    ///
    /// # Errors
    ///
    /// `Unusable` when the campaign has another plan.
    pub fn add(&mut self, plan: &Plan, now: Timestamp) -> Result<(), JournalError> {
        let text = serde_json::to_string(plan).map_err(|error| unusable(error.to_string()))?;
        let digest = chain::sha256(text.as_bytes());
        let campaign = &plan.campaign;
        let tx = self.write()?;
        match digest_of(&tx, campaign)? {
            Some(found) if found == digest => return Ok(()),
            Some(found) => {
                return Err(unusable(format!(
                    "campaign `{campaign}` runs by plan {found} and not by {digest}; give the new plan a campaign of its own"
                )));
            }
            None => {}
        }
        tx.execute("INSERT INTO campaigns VALUES (?, ?, ?)", params![campaign, digest, text])?;
        rows::append(&tx, Row::new(Kind::Plan, campaign, "", now, digest))?;
        tx.commit()?;
        self.fold();
        Ok(())
    }

    /// The names of all campaigns.
    ///
    /// # Errors
    ///
    /// As the journal's.
    pub fn campaigns(&self) -> Result<Vec<String>, JournalError> {
        let mut statement =
            self.connection.prepare("SELECT campaign FROM campaigns ORDER BY campaign")?;
        let names = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(names)
    }

    /// The plan of a campaign, with the bytes that were kept.
    ///
    /// # Errors
    ///
    /// `Unusable` when there is no such campaign, `Corrupt` when its plan cannot be read.
    pub fn plan(&self, campaign: &str) -> Result<Plan, JournalError> {
        let (digest, text) = plan_text(&self.connection, campaign)?;
        if chain::sha256(text.as_bytes()) != digest {
            return Err(corrupt(format!("the plan of `{campaign}` does not match its digest")));
        }
        serde_json::from_str(&text).map_err(|error| corrupt(format!("`{campaign}`: {error}")))
    }

    /// The journal of a campaign that is in the file.
    ///
    /// # Errors
    ///
    /// `Unusable` when it is not.
    pub fn journal(self, campaign: &str) -> Result<CampaignJournal, JournalError> {
        plan_text(&self.connection, campaign)?;
        Ok(CampaignJournal { file: self, campaign: campaign.to_owned() })
    }

    /// All orphans of all campaigns that are this host's and that are not known to be gone.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the entries of a rotation do not add up.
    pub fn orphans(&self) -> Result<Vec<Stray>, JournalError> {
        let mut strays = Vec::new();
        for campaign in self.campaigns()? {
            if transfer::sent_to(&self.connection, &campaign)?.is_some() {
                continue;
            }
            for rotation in self.rotations(&campaign)? {
                let entries = entries(&self.connection, &campaign, &rotation)?;
                let state = State::replay(&entries)
                    .map_err(|error| corrupt(format!("`{rotation}`: {error}")))?;
                strays.extend(state.orphans.into_iter().filter(|(_, orphan)| !orphan.gone).map(
                    |(id, orphan)| {
                        let (campaign, rotation) = (campaign.clone(), rotation.clone());
                        Stray { campaign, rotation, id, orphan }
                    },
                ));
            }
        }
        Ok(strays)
    }

    /// The rotations of a campaign that have entries.
    ///
    /// # Errors
    ///
    /// As the journal's.
    pub fn rotations(&self, campaign: &str) -> Result<Vec<String>, JournalError> {
        let sql = "SELECT DISTINCT rotation FROM events WHERE campaign = ? AND rotation <> '' \
                   ORDER BY rotation";
        let mut statement = self.connection.prepare(sql)?;
        let names = statement.query_map([campaign], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(names)
    }

    fn write(&mut self) -> Result<Transaction<'_>, JournalError> {
        Ok(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// What was committed stays so when the log cannot be folded now; it is done with the next write.
    fn fold(&self) -> bool {
        schema::fold_log(&self.connection).unwrap_or(false)
    }
}

impl CampaignJournal {
    pub fn campaign(&self) -> &str {
        &self.campaign
    }

    /// For leases.
    pub fn file(&mut self) -> &mut StateFile {
        &mut self.file
    }

    pub fn into_file(self) -> StateFile {
        self.file
    }
}

impl Journal for CampaignJournal {
    fn entries(&self, rotation: &str) -> Result<Vec<Entry>, JournalError> {
        entries(&self.file.connection, &self.campaign, rotation)
    }

    fn append(
        &mut self,
        rotation: &str,
        fence: u64,
        entry: &Entry,
        sealed: Option<(&CredentialId, &Sealed)>,
    ) -> Result<(), JournalError> {
        let mut row = Row::entry(Kind::Entry, &self.campaign, rotation, entry)?;
        let tx = self.file.write()?;
        lease::check(&tx, &self.campaign, rotation, fence)?;
        if let Some((credential, Sealed(bytes))) = sealed {
            wipe(&tx, &self.campaign, rotation)?;
            tx.execute(
                "INSERT INTO escrow VALUES (?, ?, ?, ?)",
                params![self.campaign, rotation, credential.as_str(), bytes],
            )?;
            row.credential = Some(credential.as_str().to_owned());
            row.sealed = Some(chain::sha256(bytes));
        }
        rows::append(&tx, row)?;
        tx.commit()?;
        self.file.fold();
        Ok(())
    }

    fn sealed(&self, rotation: &str) -> Result<Option<(CredentialId, Sealed)>, JournalError> {
        let tx = self.file.connection.unchecked_transaction()?;
        let rows = rows::of_campaign(&tx, &self.campaign)?;
        let due = chain::escrow(&rows).remove(&(self.campaign.clone(), rotation.to_owned()));
        let found: Option<(String, Vec<u8>)> = tx
            .query_row(
                "SELECT credential, sealed FROM escrow WHERE campaign = ? AND rotation = ?",
                [&self.campaign, rotation],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        match (due, found) {
            (None, None) => Ok(None),
            (Some(due), Some((credential, bytes)))
                if due.credential == credential && due.sha256 == chain::sha256(&bytes) =>
            {
                Ok(Some((CredentialId::new(credential), Sealed(bytes))))
            }
            _ => Err(corrupt(format!("the sealed value of `{rotation}` is not the one written"))),
        }
    }

    /// Returns when the bytes are in no block of the file and of its log. What the disk keeps of blocks that it wrote
    /// anew, and what backups hold, is beyond reach.
    fn shred(&mut self, rotation: &str, fence: u64, entry: &Entry) -> Result<(), JournalError> {
        let row = Row::entry(Kind::Shred, &self.campaign, rotation, entry)?;
        let tx = self.file.write()?;
        lease::check(&tx, &self.campaign, rotation, fence)?;
        wipe(&tx, &self.campaign, rotation)?;
        rows::append(&tx, row)?;
        tx.commit()?;
        if self.file.fold() {
            return Ok(());
        }
        Err(unusable(
            "the sealed value is shredded, and its old bytes are in the log until other processes stop reading; open the file again then",
        ))
    }
}

impl Row {
    fn new(
        kind: Kind,
        campaign: &str,
        rotation: &str,
        at: Timestamp,
        body: impl Into<String>,
    ) -> Self {
        Self {
            seq: 0,
            kind,
            campaign: campaign.to_owned(),
            rotation: rotation.to_owned(),
            at: at.to_string(),
            body: body.into(),
            credential: None,
            sealed: None,
            link: String::new(),
            hash: String::new(),
        }
    }

    fn entry(
        kind: Kind,
        campaign: &str,
        rotation: &str,
        entry: &Entry,
    ) -> Result<Self, JournalError> {
        let body =
            serde_json::to_string(&entry.event).map_err(|error| unusable(error.to_string()))?;
        Ok(Self::new(kind, campaign, rotation, entry.at, body))
    }
}

/// The entries of a rotation, after the chain of its campaign was checked.
fn entries(
    connection: &Connection,
    campaign: &str,
    rotation: &str,
) -> Result<Vec<Entry>, JournalError> {
    let rows = rows::of_campaign(connection, campaign)?;
    let own = rows
        .iter()
        .filter(|row| row.rotation == rotation && matches!(row.kind, Kind::Entry | Kind::Shred));
    own.map(|row| {
        let unread = |why: String| corrupt(format!("row {} cannot be read: {why}", row.seq));
        let at = row.at.parse().map_err(|error: jiff::Error| unread(error.to_string()))?;
        let event = serde_json::from_str(&row.body).map_err(|error| unread(error.to_string()))?;
        Ok(Entry { at, event })
    })
    .collect()
}

/// Overwrites a sealed value and deletes it.
fn wipe(tx: &Transaction<'_>, campaign: &str, rotation: &str) -> Result<(), JournalError> {
    for sql in [
        "UPDATE escrow SET sealed = zeroblob(length(sealed)) WHERE campaign = ? AND rotation = ?",
        "DELETE FROM escrow WHERE campaign = ? AND rotation = ?",
    ] {
        tx.execute(sql, [campaign, rotation])?;
    }
    Ok(())
}

fn digest_of(connection: &Connection, campaign: &str) -> Result<Option<String>, JournalError> {
    Ok(connection
        .query_row("SELECT digest FROM campaigns WHERE campaign = ?", [campaign], |row| row.get(0))
        .optional()?)
}

/// The digest and the text of a campaign's plan.
fn plan_text(connection: &Connection, campaign: &str) -> Result<(String, String), JournalError> {
    connection
        .query_row("SELECT digest, plan FROM campaigns WHERE campaign = ?", [campaign], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?
        .ok_or_else(|| unusable(format!("no campaign `{campaign}` is in it")))
}
