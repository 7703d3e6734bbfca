//! Rows of the record, and the two SHA-256 chains over them. Pure.
//!
//! `link` chains the rows of one campaign, and goes with it to another host. `hash` chains all rows of one file.
//! Nothing here is keyed: damage and careless edits are found, not somebody who computes the chains anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a row says.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The first of each campaign: the digest of its plan.
    Plan,
    /// An entry of a rotation.
    Entry,
    /// An entry with which the sealed value of the rotation went.
    Shred,
    /// A lease that was taken from a holder who still had it.
    TakeOver,
    /// The campaign belongs to another host from here on.
    Sent,
    /// The campaign belongs to this host from here on.
    Received,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// From 1, without a gap, in one file.
    #[serde(skip)]
    pub(super) seq: i64,
    pub(super) kind: Kind,
    pub(super) campaign: String,
    /// Empty when the row is about the campaign.
    pub(super) rotation: String,
    pub(super) at: String,
    pub(super) body: String,
    pub(super) credential: Option<String>,
    /// SHA-256 of the sealed value that was written with the row.
    pub(super) sealed: Option<String>,
    pub(super) link: String,
    #[serde(skip)]
    pub(super) hash: String,
}

/// The sealed value of a rotation, as it has to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Kept {
    pub(super) credential: String,
    pub(super) sha256: String,
}

pub(super) type Escrow = BTreeMap<(String, String), Kept>;

const KINDS: [(Kind, &str); 6] = [
    (Kind::Plan, "plan"),
    (Kind::Entry, "entry"),
    (Kind::Shred, "shred"),
    (Kind::TakeOver, "take_over"),
    (Kind::Sent, "sent"),
    (Kind::Received, "received"),
];

impl Kind {
    pub(super) fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, own)| *own == name).map(|(kind, _)| *kind)
    }
}

impl Row {
    /// The link of this row after one that ends in `before`.
    pub(super) fn link_after(&self, before: &str) -> String {
        let optional =
            |text: &Option<String>| text.as_ref().map_or("-".into(), |t| format!("+{t}"));
        digest(&[
            before,
            self.kind.name(),
            &self.campaign,
            &self.rotation,
            &self.at,
            &self.body,
            &optional(&self.credential),
            &optional(&self.sealed),
        ])
    }

    /// The hash of this row in a file that ended in `before`.
    pub(super) fn hash_after(&self, before: &str) -> String {
        digest(&[before, &self.seq.to_string(), &self.link])
    }
}

/// SHA-256 in hexadecimal over parts, each after its length, so that no two lists give the same bytes.
pub(super) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Checks the chain of one campaign from its first row.
///
/// # Errors
///
/// The first row that is not what was written.
pub(super) fn check_links<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Result<(), String> {
    let mut before = "";
    for (i, row) in rows.into_iter().enumerate() {
        if (i == 0) != (row.kind == Kind::Plan) {
            return Err(format!("row {} of `{}` is out of its place", row.seq, row.campaign));
        }
        if row.link != row.link_after(before) {
            return Err(format!("row {} of `{}` does not match its hash", row.seq, row.campaign));
        }
        before = &row.link;
    }
    Ok(())
}

/// Checks the chain of a whole file, whose head says how many rows it has and how the last one ends.
///
/// # Errors
///
/// The first row that is not what was written.
pub(super) fn check_file(rows: &[Row], count: i64, head: &str) -> Result<(), String> {
    let mut before = "";
    for (place, row) in (1..).zip(rows) {
        if row.seq != place {
            return Err(format!("row {place} is missing"));
        }
        if row.hash != row.hash_after(before) {
            return Err(format!("row {place} does not follow the row before it"));
        }
        before = &row.hash;
    }
    if i64::try_from(rows.len()) != Ok(count) || before != head {
        return Err(format!("there are {} rows, and the head names {count}", rows.len()));
    }
    let mut campaigns: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        campaigns.entry(&row.campaign).or_default().push(row);
    }
    campaigns.into_values().try_for_each(check_links)
}

/// The sealed values that have to be there after these rows.
pub(super) fn escrow<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Escrow {
    let mut kept = Escrow::new();
    for row in rows {
        let key = (row.campaign.clone(), row.rotation.clone());
        if row.kind == Kind::Shred {
            kept.remove(&key);
        } else if let (Some(credential), Some(sha256)) = (&row.credential, &row.sealed) {
            let (credential, sha256) = (credential.clone(), sha256.clone());
            kept.insert(key, Kept { credential, sha256 });
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: i64) -> Vec<Row> {
        let (mut link, mut hash) = (String::new(), String::new());
        (1..=count)
            .map(|seq| {
                let mut row = Row {
                    seq,
                    kind: if seq == 1 { Kind::Plan } else { Kind::Entry },
                    campaign: "c".into(),
                    rotation: "r".into(),
                    at: "2026-01-01T00:00:00Z".into(),
                    body: format!("{seq}"),
                    credential: None,
                    sealed: None,
                    link: String::new(),
                    hash: String::new(),
                };
                row.link = row.link_after(&link);
                row.hash = row.hash_after(&hash);
                (link, hash) = (row.link.clone(), row.hash.clone());
                row
            })
            .collect()
    }

    #[test]
    fn a_changed_a_missing_and_a_swapped_row_are_found() {
        let good = rows(5);
        let head = good[4].hash.clone();
        assert_eq!(check_file(&good, 5, &head), Ok(()));
        assert!(check_file(&good[..4], 5, &head).is_err());
        assert!(check_file(&good[..4], 4, &head).is_err());
        assert!(check_file(&[], 5, &head).is_err());
        for i in 0..5 {
            let mut bad = good.clone();
            bad[i].body.push('x');
            assert!(check_file(&bad, 5, &head).unwrap_err().contains(&format!("row {}", i + 1)));
            let mut bad = good.clone();
            bad.remove(i);
            assert!(check_file(&bad, 4, &head).is_err());
        }
        let mut bad = good;
        bad.swap(1, 2);
        assert!(check_file(&bad, 5, &head).is_err());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }
}
