//! What a pack says otherwise than the packs that are known already.

use super::{
    Finding,
    hash::{TOO_ALIKE, commits},
};
use crate::incident::{Document, Pack};

/// Ids that belong to another incident, and commit ids that are nearly those of another pack. Revisions
/// of the same incident are not held against each other.
pub fn lint_beside(document: &Document, known: &[&Pack]) -> Vec<Finding> {
    let others = || known.iter().filter(|pack| pack.id() != document.id);
    let mut findings = Vec::new();
    for (i, alias) in document.aliases.iter().enumerate() {
        let owner = others().find(|pack| {
            pack.document().aliases.iter().any(|known| known.eq_ignore_ascii_case(alias))
        });
        if let Some(owner) = owner {
            findings.push(Finding {
                key: format!("aliases[{i}]"),
                message: format!("`{alias}` is the incident `{}`", owner.id()),
                hint: format!(
                    "drop it, or give this pack the id `{}` and a higher revision",
                    owner.id()
                ),
            });
        }
    }
    let own = commits(document);
    for pack in known {
        for (_, real) in commits(pack.document()) {
            let made_up = own.iter().filter(|(_, commit)| *commit != real && alike(commit, &real));
            for (key, commit) in made_up {
                findings.push(Finding {
                    key: key.clone(),
                    message: format!("`{commit}` is nearly {real} of the pack `{}`", pack.id()),
                    hint: "one of them is made up: compare both with a primary source".to_owned(),
                });
            }
        }
    }
    findings.sort_by(|a, b| a.key.cmp(&b.key));
    findings.dedup();
    findings
}

fn alike(a: &str, b: &str) -> bool {
    let same = |a: &mut dyn Iterator<Item = u8>, b: &mut dyn Iterator<Item = u8>| {
        a.zip(b).take_while(|(a, b)| a == b).count()
    };
    same(&mut a.bytes(), &mut b.bytes()) >= TOO_ALIKE
        || same(&mut a.bytes().rev(), &mut b.bytes().rev()) >= TOO_ALIKE
}
