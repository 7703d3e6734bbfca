//! Versions of one line become one line.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{Consumer, Exposure, Live, Site, SiteStatus, Span};
use crate::{
    ci::model::{Component, Place},
    incident::{Meeting, Window, meet},
};

/// One exposure per id: the surest of its versions, with the times of all.
pub(super) fn exposures(all: Vec<Exposure>) -> Vec<Exposure> {
    let mut by_id: BTreeMap<String, Vec<Exposure>> = BTreeMap::new();
    for next in all {
        by_id.entry(next.id.clone()).or_default().push(next);
    }
    let mut merged: Vec<Exposure> = by_id.into_values().filter_map(one_exposure).collect();
    merged.sort_by(|a, b| key(a).cmp(&key(b)));
    merged
}

fn one_exposure(versions: Vec<Exposure>) -> Option<Exposure> {
    let live = lives(versions.iter().flat_map(|version| &version.live));
    let overlap = versions.iter().filter_map(|version| version.overlap).reduce(hull);
    let surest = versions.into_iter().min_by_key(rank)?;
    Some(Exposure { live, overlap, ..surest })
}

/// Lower is stronger: the payload's reach, then confidence, then the newer version.
fn rank(exposure: &Exposure) -> impl Ord + use<> {
    (exposure.reach, Reverse(exposure.confidence), Reverse(newest(&exposure.live)))
}

fn key(e: &Exposure) -> impl Ord + '_ {
    let consumer = e.consumer.as_ref();
    let at = consumer.map(|c| (c.file.as_str(), c.line));
    (e.repository.as_str(), e.reach, Reverse(e.confidence), &e.placement, at, e.id.as_str())
}

/// A site as one definition has it.
#[derive(Clone, Debug)]
pub(super) struct Version<'p> {
    pub(super) site: Site,
    /// Those of the component; empty where the incident does not touch it.
    pub(super) windows: Vec<&'p Window>,
    /// Cleared by nothing but its dates.
    pub(super) by_date: bool,
}

/// The sites of one repository, given by definition: one per place, component and status, with the
/// times of all its versions.
///
/// A place that was exposed in one version and cleared in another is both, if the cleared version was in
/// force in the window: it tells how long the place was safe. What stood there at other times says
/// nothing more and is left out.
pub(super) fn sites(definitions: Vec<Vec<Version<'_>>>) -> Vec<Site> {
    let mut by_key: BTreeMap<Key, Vec<Version<'_>>> = BTreeMap::new();
    for definition in definitions {
        let mut numbers = Numbers::default();
        for version in definition {
            by_key.entry(numbers.key(&version.site)).or_default().push(version);
        }
    }
    let merged: Vec<(Key, Version<'_>)> =
        by_key.into_iter().filter_map(|(key, versions)| Some((key, one_site(versions)?))).collect();
    let open = |(key, _): &&(Key, Version<'_>)| key.status != SiteStatus::Cleared;
    let open: Vec<&Spot> = merged.iter().filter(open).map(|(key, _)| &key.spot).collect();
    let says_nothing =
        |key: &Key, version: &Version<'_>| is_outside(version) && open.contains(&&key.spot);
    let keep: Vec<bool> = merged.iter().map(|(key, site)| !says_nothing(key, site)).collect();
    let kept = merged.into_iter().zip(keep).filter(|(_, keep)| *keep);
    let mut kept: Vec<(Key, Site)> = kept.map(|((key, version), _)| (key, version.site)).collect();
    kept.sort_by(|(a, _), (b, _)| (a.status, a).cmp(&(b.status, b)));
    kept.into_iter().map(|(_, site)| site).collect()
}

/// The newest of the versions, with the times of all.
fn one_site(versions: Vec<Version<'_>>) -> Option<Version<'_>> {
    let live = lives(versions.iter().flat_map(|version| &version.site.live));
    let mut one = versions.into_iter().max_by_key(|version| newest(&version.site.live))?;
    one.site.live = live;
    if one.by_date
        && let Meeting::Outside { reason } = meet(&one.windows, &one.site.live)
    {
        one.site.reason = by_date(&reason);
    }
    Some(one)
}

fn is_outside(version: &Version<'_>) -> bool {
    let cleared = version.site.status == SiteStatus::Cleared;
    cleared && matches!(meet(&version.windows, &version.site.live), Meeting::Outside { .. })
}

/// Why a definition is cleared that was never in force in the window.
pub(super) fn by_date(times: &str) -> String {
    format!("outside the window: {times}")
}

/// What makes two versions of a site one: nothing that an edit around it changes.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    spot: Spot,
    component: Component,
    /// Where a step runs the same component twice.
    number: usize,
    status: SiteStatus,
}

/// A place in a pipeline and what stands there, at whatever ref.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Spot {
    component: String,
    file: Option<String>,
    job: Option<String>,
    step: Option<String>,
}

/// Tells the mentions of one component in one step apart, by their order in the definition.
#[derive(Debug, Default)]
struct Numbers(BTreeMap<(Spot, Component), Vec<Mentioned>>);

/// Line, and the calls that lead there.
type Mentioned = (Option<u32>, Vec<Place>);

impl Numbers {
    fn key(&mut self, site: &Site) -> Key {
        let consumer = site.consumer.as_ref();
        let spot = Spot {
            component: site.component.name.clone(),
            file: consumer.map(|c| c.file.clone()),
            job: consumer.and_then(|c| c.job.clone()),
            step: consumer.and_then(|c| c.step.clone()),
        };
        let component = site.component.clone();
        let known = self.0.entry((spot.clone(), component.clone())).or_default();
        let at = (consumer.map(line), site.via.clone());
        let number = known.iter().position(|known| *known == at).unwrap_or_else(|| {
            known.push(at);
            known.len() - 1
        });
        Key { spot, component, number, status: site.status }
    }
}

fn line(consumer: &Consumer) -> u32 {
    consumer.line
}

fn newest(live: &[Live]) -> Option<jiff::Timestamp> {
    live.iter().filter_map(|live| live.from).max()
}

/// Joins half-open intervals that touch; the earliest commit of each names it.
fn lives<'l>(all: impl Iterator<Item = &'l Live>) -> Vec<Live> {
    let mut all: Vec<Live> = all.cloned().collect();
    // `None` is the beginning of time in `from`, and sorts so.
    all.sort();
    let mut joined: Vec<Live> = Vec::new();
    for next in all {
        match joined.last_mut() {
            Some(last) if last.to.is_none_or(|to| next.from.is_none_or(|from| from <= to)) => {
                if last.from == next.from && last.commit.is_none() {
                    last.commit = next.commit;
                }
                last.to = last.to.zip(next.to).map(|(a, b)| a.max(b));
            }
            _ => joined.push(next),
        }
    }
    joined
}

pub(super) fn hull(a: Span, b: Span) -> Span {
    Span {
        from: a.from.zip(b.from).map(|(a, b)| a.min(b)),
        to: a.to.zip(b.to).map(|(a, b)| a.max(b)),
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
