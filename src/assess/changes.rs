//! Two reports of one incident: what the newer one adds, drops and re-opens, and why.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Consumer, Exposure, Report, Site, SiteStatus};
use crate::ci::model::{Component, Kind};

/// How a report differs from an earlier one of the same incident.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Changes {
    /// Revision of the pack of the earlier report, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_revision: Option<u32>,
    /// At places of which the earlier report said nothing.
    pub added: Vec<Change>,
    /// At places that the earlier report had looked at, and called cleared, not settled, or out of reach
    /// of this credential: whoever closed them has to open them again.
    pub reopened: Vec<Change>,
    /// In the earlier report and no longer in this one.
    pub dropped: Vec<Change>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.reopened.is_empty() && self.dropped.is_empty()
    }
}

/// One line that came or went, or one place without a line.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Change {
    /// Of the line; `None` for a place without a credential in reach.
    pub id: Option<String>,
    pub repository: String,
    pub component: Component,
    pub placement: Option<String>,
    pub consumer: Option<Consumer>,
    /// What the earlier report said of the place.
    pub was: Was,
    pub reason: String,
}

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Was {
    /// Nothing: the place was not in it.
    Absent,
    Cleared,
    Unknown,
    Exposed,
}

/// What makes two places of two reports one: nothing that an edit around it changes, and not the ref,
/// for a place whose ref was changed is the same place.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Spot {
    repository: String,
    kind: Kind,
    name: String,
    file: Option<String>,
    job: Option<String>,
    step: Option<String>,
}

impl Spot {
    fn new(repository: &str, component: &Component, consumer: Option<&Consumer>) -> Self {
        Self {
            repository: repository.to_owned(),
            kind: component.kind,
            name: component.name.to_ascii_lowercase(),
            file: consumer.map(|c| c.file.clone()),
            job: consumer.and_then(|c| c.job.clone()),
            step: consumer.and_then(|c| c.step.clone()),
        }
    }

    fn of_site(site: &Site) -> Self {
        Self::new(&site.repository, &site.component, site.consumer.as_ref())
    }

    fn of_line(line: &Exposure) -> Self {
        Self::new(&line.repository, &line.component, line.consumer.as_ref())
    }
}

/// A report, by places and ids. A place that stands at several statuses counts as the worst of them.
struct View<'r> {
    report: &'r Report,
    places: BTreeMap<Spot, &'r Site>,
    ids: BTreeMap<&'r str, &'r Exposure>,
}

impl<'r> View<'r> {
    fn new(report: &'r Report) -> Self {
        let mut places: BTreeMap<Spot, &Site> = BTreeMap::new();
        for site in &report.sites {
            let known = places.entry(Spot::of_site(site)).or_insert(site);
            if site.status < known.status {
                *known = site;
            }
        }
        let ids = report.exposures.iter().map(|line| (line.id.as_str(), line)).collect();
        Self { report, places, ids }
    }

    fn status(&self, spot: &Spot) -> Was {
        match self.places.get(spot).map(|site| site.status) {
            None => Was::Absent,
            Some(SiteStatus::Cleared) => Was::Cleared,
            Some(SiteStatus::Unknown) => Was::Unknown,
            Some(SiteStatus::Exposed) => Was::Exposed,
        }
    }

    /// Whether anything at all is said of a repository.
    fn names(&self, repository: &str) -> bool {
        let sites = self.report.sites.iter().map(|site| &site.repository);
        let coverage = self.report.coverage.iter().map(|entry| &entry.repository);
        let lines = self.report.exposures.iter().map(|line| &line.repository);
        sites.chain(coverage).chain(lines).any(|name| name == repository)
    }
}

/// What `new` says otherwise than `old`. Both are of one incident: the ids of lines are made of it.
pub fn against(old: &Report, new: &Report) -> Changes {
    let (before, after) = (View::new(old), View::new(new));
    let mut changes = Changes { old_revision: old.revision, ..Changes::default() };
    let mut told: BTreeSet<Spot> = BTreeSet::new();
    for line in &new.exposures {
        let spot = Spot::of_line(line);
        let (was, now) = (before.status(&spot), after.status(&spot));
        let opened = was != Was::Absent && was != Was::Exposed && now == Was::Exposed;
        if before.ids.contains_key(line.id.as_str()) && !opened {
            continue;
        }
        let change = came(line, was, &after, &spot);
        told.insert(spot);
        match was {
            Was::Absent => changes.added.push(change),
            Was::Cleared | Was::Unknown | Was::Exposed => changes.reopened.push(change),
        }
    }
    for (spot, site) in &after.places {
        let (was, now) = (before.status(spot), after.status(spot));
        if told.contains(spot) || now == Was::Cleared || was == now || was == Was::Exposed {
            continue;
        }
        let change = of_site(site, was, site.reason.clone());
        match was {
            Was::Absent => changes.added.push(change),
            _ => changes.reopened.push(change),
        }
    }
    gone(&before, &after, &mut changes.dropped);
    changes
}

fn came(line: &Exposure, was: Was, after: &View<'_>, spot: &Spot) -> Change {
    let now = after.places.get(spot).map_or(line.why.as_str(), |site| site.reason.as_str());
    let reason = match was {
        Was::Absent => now.to_owned(),
        Was::Cleared => format!("was cleared; now {now}"),
        Was::Unknown => format!("was not settled; now {now}"),
        Was::Exposed => {
            "the place was exposed before, and this credential was out of reach".to_owned()
        }
    };
    of_line(line, was, reason)
}

fn gone(before: &View<'_>, after: &View<'_>, dropped: &mut Vec<Change>) {
    let mut told: BTreeSet<Spot> = BTreeSet::new();
    for line in before.ids.values().filter(|line| !after.ids.contains_key(line.id.as_str())) {
        let spot = Spot::of_line(line);
        let was = before.status(&spot);
        dropped.push(of_line(line, was, why_gone(&spot, after)));
        told.insert(spot);
    }
    for (spot, site) in &before.places {
        let open = site.status != SiteStatus::Cleared && !told.contains(spot);
        if open && matches!(after.status(spot), Was::Absent | Was::Cleared) {
            dropped.push(of_site(site, before.status(spot), why_gone(spot, after)));
        }
    }
}

/// That a line is gone is no proof that it is harmless: the reason says which it is.
fn why_gone(spot: &Spot, after: &View<'_>) -> String {
    match after.places.get(spot) {
        Some(site) if site.status == SiteStatus::Cleared => format!("now cleared: {}", site.reason),
        Some(site) => {
            let same = site.consumer.as_ref().map_or("", |consumer| consumer.file.as_str());
            format!(
                "the place in {same} is still there, at another ref or without this credential in reach"
            )
        }
        None if after.names(&spot.repository) => {
            "the place is not there any more: changed, or no longer one of the incident's"
                .to_owned()
        }
        None => {
            "nothing of this repository is in the new report: it may not have been read".to_owned()
        }
    }
}

fn of_line(line: &Exposure, was: Was, reason: String) -> Change {
    Change {
        id: Some(line.id.clone()),
        repository: line.repository.clone(),
        component: line.component.clone(),
        placement: Some(line.placement.name.clone()),
        consumer: line.consumer.clone(),
        was,
        reason,
    }
}

fn of_site(site: &Site, was: Was, reason: String) -> Change {
    Change {
        id: None,
        repository: site.repository.clone(),
        component: site.component.clone(),
        placement: None,
        consumer: site.consumer.clone(),
        was,
        reason,
    }
}
