//! Versions of one line become one line.

use std::collections::BTreeMap;

use super::{Exposure, Live, Site, SiteStatus, Span};

/// One exposure per id: the surest of its versions, with the times of all.
pub(super) fn exposures(all: Vec<Exposure>) -> Vec<Exposure> {
    let mut by_id: BTreeMap<String, Exposure> = BTreeMap::new();
    for next in all {
        match by_id.get_mut(&next.id) {
            None => {
                by_id.insert(next.id.clone(), next);
            }
            Some(kept) => {
                let live = lives(std::mem::take(&mut kept.live), next.live.clone());
                let overlap = hull(kept.overlap, next.overlap);
                if rank(&next) < rank(kept) {
                    *kept = next;
                }
                kept.live = live;
                kept.overlap = overlap;
            }
        }
    }
    let mut merged: Vec<_> = by_id.into_values().collect();
    merged.sort_by(|a, b| key(a).cmp(&key(b)));
    merged
}

/// Lower is stronger: the payload's reach, then confidence, then the newer version.
fn rank(exposure: &Exposure) -> impl Ord + use<> {
    let newest = exposure.live.iter().filter_map(|live| live.from).max();
    (exposure.reach, std::cmp::Reverse(exposure.confidence), std::cmp::Reverse(newest))
}

fn key(e: &Exposure) -> impl Ord + '_ {
    let consumer = e.consumer.as_ref();
    let at = consumer.map(|c| (c.file.as_str(), c.line));
    (
        e.repository.as_str(),
        e.reach,
        std::cmp::Reverse(e.confidence),
        &e.placement,
        at,
        e.id.as_str(),
    )
}

/// One site per place and status: a place that was exposed in one version and cleared in another is both.
pub(super) fn sites(all: Vec<Site>) -> Vec<Site> {
    let mut merged: Vec<Site> = Vec::new();
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    for next in all {
        let consumer = next.consumer.as_ref().map(|c| (&c.file, &c.job, &c.step));
        let key = format!("{:?}", (&next.repository, &next.component, consumer, next.status));
        match index.get(&key) {
            None => {
                index.insert(key, merged.len());
                merged.push(next);
            }
            Some(&i) => {
                let live = lives(std::mem::take(&mut merged[i].live), next.live.clone());
                let newest = |site: &Site| site.live.iter().filter_map(|l| l.from).max();
                if newest(&next) > newest(&merged[i]) {
                    merged[i] = next;
                }
                merged[i].live = live;
            }
        }
    }
    let exposed: Vec<_> =
        merged.iter().filter(|s| s.status == SiteStatus::Exposed).map(place).collect();
    // Cleared versions of a place that is exposed in another say nothing more.
    let keep: Vec<bool> = merged
        .iter()
        .map(|site| site.status != SiteStatus::Cleared || !exposed.contains(&place(site)))
        .collect();
    let mut keep = keep.into_iter();
    merged.retain(|_| keep.next().unwrap_or(true));
    merged.sort_by(|a, b| (a.status, place(a)).cmp(&(b.status, place(b))));
    merged
}

fn place(site: &Site) -> (String, String, Option<String>, Option<String>) {
    let (file, job, step) = match &site.consumer {
        Some(c) => (c.file.clone(), c.job.clone(), c.step.clone()),
        None => Default::default(),
    };
    (format!("{} {}", site.repository, site.component.name), file, job, step)
}

fn lives(mut a: Vec<Live>, b: Vec<Live>) -> Vec<Live> {
    a.extend(b);
    a.sort();
    a.dedup();
    let mut out: Vec<Live> = Vec::new();
    for next in a {
        match out.last_mut() {
            // Half-open intervals that touch are one.
            Some(last) if last.to.is_none_or(|to| next.from.is_none_or(|from| from <= to)) => {
                last.to = last.to.zip(next.to).map(|(a, b)| a.max(b));
            }
            _ => out.push(next),
        }
    }
    out
}

fn hull(a: Option<Span>, b: Option<Span>) -> Option<Span> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Span {
            from: a.from.zip(b.from).map(|(a, b)| a.min(b)),
            to: a.to.zip(b.to).map(|(a, b)| a.max(b)),
        }),
        (a, b) => a.or(b),
    }
}
