//! From signs to an answer.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    CredentialPart, IDENTIFIER, Issuer, IssuerConfidence, IssuerEvidence, JOB_TOKEN, SESSION, Sign,
    UNKNOWN,
    clue::{Class, Clue, Clues, Key},
    pair,
    table::{self, REGISTRY_LOGIN},
};

/// Signs that are shown; the strongest of them.
const MOST_EVIDENCE: usize = 8;

/// Kinds that any nearer one is a case of.
const GENERAL: [&str; 4] = [REGISTRY_LOGIN, "url-password", "bearer-token", "json-web-token"];

/// What all placements of one repository are.
#[derive(Clone, Debug, Default)]
pub struct Identified {
    issuers: BTreeMap<Key, Issuer>,
    parts: BTreeMap<(String, Key), CredentialPart>,
}

impl Identified {
    /// `placements` are the scopes and names of the repository's report; a scope is told apart by its label
    /// and candidates.
    pub fn new<'p>(
        repository: &str,
        clues: &Clues,
        placements: impl IntoIterator<Item = (&'p str, &'p [String], &'p str)>,
    ) -> Self {
        let mut scopes: BTreeMap<String, BTreeSet<Key>> = BTreeMap::new();
        let mut found = Self::default();
        for (scope, candidates, name) in placements {
            let key = Key::named(scope, name);
            let issuer = || judge(clues, &key);
            found.issuers.entry(key.clone()).or_insert_with(issuer);
            scopes.entry(label(scope, candidates)).or_default().insert(key);
        }
        for (scope, keys) in scopes {
            for group in pair::groups(&keys, &found.issuers, clues) {
                found.join(repository, &scope, &group);
            }
        }
        found
    }

    pub fn issuer(&self, scope: &str, name: &str) -> Option<&Issuer> {
        self.issuers.get(&Key::named(scope, name))
    }

    pub fn part(&self, scope: &str, candidates: &[String], name: &str) -> Option<&CredentialPart> {
        self.parts.get(&(label(scope, candidates), Key::named(scope, name)))
    }

    fn join(&mut self, repository: &str, scope: &str, group: &BTreeSet<Key>) {
        let id = pair::id(repository, scope, group, &self.issuers);
        let best = group.iter().filter_map(|key| self.issuers.get(key)).max_by_key(|issuer| {
            (issuer.kind != UNKNOWN, issuer.kind != IDENTIFIER, issuer.confidence)
        });
        let best = best.map(|issuer| (issuer.kind.clone(), issuer.confidence));
        for key in group {
            let others = group.iter().filter(|other| *other != key);
            let part = CredentialPart {
                id: id.clone(),
                with: others.map(|other| other.name.clone()).collect(),
            };
            self.parts.insert((scope.to_owned(), key.clone()), part);
            // A user's name alone tells nothing: it is of the kind of its password.
            if let (Some(issuer), Some((kind, confidence))) = (self.issuers.get_mut(key), &best)
                && (issuer.kind == UNKNOWN || issuer.confidence == IssuerConfidence::Possible)
                && issuer.kind != *kind
            {
                issuer.kind.clone_from(kind);
                issuer.also.retain(|other| other != kind);
                issuer.confidence = (*confidence).min(IssuerConfidence::Likely);
            }
        }
    }
}

fn label(scope: &str, candidates: &[String]) -> String {
    format!("{scope} {}", candidates.join(" "))
}

fn judge(clues: &Clues, key: &Key) -> Issuer {
    let about = clues.of.get(key);
    if key.class == Class::Job {
        return of_platform(key);
    }
    let mut all: Vec<Clue> = about.map(|about| about.clues.clone()).unwrap_or_default();
    all.extend(by_own_name(key));
    let nearer = all.iter().any(|clue| !GENERAL.contains(&clue.evidence.kind.as_str()));
    if nearer {
        all.retain(|clue| !GENERAL.contains(&clue.evidence.kind.as_str()));
    }
    all.sort_by_key(|clue| Reverse(clue.evidence.how));
    let scopes = about.map(|about| about.scopes.iter().cloned().collect()).unwrap_or_default();
    let Some(kind) = strongest(&all) else {
        return Issuer { scopes, ..issuer(UNKNOWN, IssuerConfidence::Unknown) };
    };
    let mut also: Vec<String> = Vec::new();
    for clue in all.iter().filter(|clue| clue.evidence.how >= Sign::Variable) {
        let other = &clue.evidence.kind;
        if *other != kind && !also.contains(other) {
            also.push(other.clone());
        }
    }
    let own = || all.iter().filter(|clue| clue.evidence.kind == kind);
    let confidence = confidence(&all, &kind, !also.is_empty());
    Issuer {
        field: own().find_map(|clue| clue.field.clone()),
        account: own().find_map(|clue| clue.account.clone()),
        also,
        scopes,
        evidence: all.iter().take(MOST_EVIDENCE).map(|clue| clue.evidence.clone()).collect(),
        ..issuer(&kind, confidence)
    }
}

/// The kind of the weightiest sign; among equals the one that more signs speak for.
fn strongest(all: &[Clue]) -> Option<String> {
    let how = all.iter().map(|clue| clue.evidence.how).max()?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for clue in all.iter().filter(|clue| clue.evidence.how == how) {
        *counts.entry(&clue.evidence.kind).or_default() += 1;
    }
    let weight = |kind: &str| all.iter().filter(|clue| clue.evidence.kind == kind).count();
    let best = counts.into_iter().max_by_key(|(kind, count)| {
        // A name that only says where something is never hides a credential.
        (*kind != IDENTIFIER, *count, weight(kind))
    });
    best.map(|(kind, _)| kind.to_owned())
}

fn confidence(all: &[Clue], kind: &str, disputed: bool) -> IssuerConfidence {
    let sure = all
        .iter()
        .any(|clue| clue.evidence.kind == kind && clue.evidence.how >= Sign::VariableOfTool);
    let used =
        all.iter().any(|clue| clue.evidence.kind == kind && clue.evidence.how >= Sign::Variable);
    match (sure, used, disputed) {
        (true, _, false) => IssuerConfidence::Certain,
        (true, _, true) | (false, true, false) => IssuerConfidence::Likely,
        (false, true, true) | (false, false, _) => IssuerConfidence::Possible,
    }
}

fn by_own_name(key: &Key) -> Option<Clue> {
    let (is, row) = match table::variable(&key.name) {
        Some(known) => (&known.is, format!("variable:{}", key.name)),
        None => {
            let known = table::by_name(&key.name)?;
            (&known.is, format!("name:{}", known.words.join("-").to_ascii_lowercase()))
        }
    };
    let evidence = IssuerEvidence {
        how: Sign::Name,
        kind: is.kind.clone(),
        file: String::new(),
        line: 0,
        row,
    };
    Some(Clue { evidence, field: is.field.clone(), account: None })
}

fn of_platform(key: &Key) -> Issuer {
    let kind = if key.name == "GITHUB_TOKEN" { JOB_TOKEN } else { SESSION };
    issuer(kind, IssuerConfidence::Certain)
}

fn issuer(kind: &str, confidence: IssuerConfidence) -> Issuer {
    Issuer {
        kind: kind.to_owned(),
        field: None,
        confidence,
        account: None,
        also: Vec::new(),
        scopes: Vec::new(),
        evidence: Vec::new(),
    }
}
