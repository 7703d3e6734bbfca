//! One mention of a component of the incident: could its bad content have run, and what was in reach?

use std::collections::{HashMap, HashSet};

use super::{
    Basis, Confidence, Consumer, Exposure, ExposureVerdict, Live, Placement, Reach, Site,
    SiteStatus, Span, Subject, disposition, expose::Defined, identity, merge, merge::Version, why,
};
use crate::{
    ci::model::{Certainty, Install, Installed, Job, Kind, Mention, Os, Role, Secret, Step},
    incident::{Capabilities, Capability, Context, Hit, Meeting, Pack, Standing, meet},
    reach::{Reached, reached, rules},
};

/// Where a mention stands.
pub(super) struct Spot<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) defined: &'a Defined<'a>,
    pub(super) job: &'a Job,
    pub(super) step: Option<&'a Step>,
    pub(super) mention: &'a Mention,
}

pub(super) struct Found<'p> {
    pub(super) site: Version<'p>,
    pub(super) exposures: Vec<Exposure>,
}

/// What pack and dates say together.
pub(super) struct Judged {
    status: SiteStatus,
    reason: String,
    certainty: Certainty,
    overlap: Option<Span>,
    by_date: bool,
}

/// `None`: the component is none of the incident's. At most `room` exposures.
pub(super) fn assess<'p>(pack: &'p Pack, spot: &Spot<'_>, room: usize) -> Option<Found<'p>> {
    let (judged, hit) = worst(pack, spot)?;
    let site = Site {
        repository: spot.subject.identity.to_owned(),
        component: spot.mention.component.clone(),
        consumer: Some(consumer(spot)),
        via: spot.mention.via.clone(),
        status: judged.status,
        reason: judged.reason.clone(),
        live: spot.defined.live.to_vec(),
    };
    let exposures = match judged.status {
        SiteStatus::Cleared => Vec::new(),
        _ if room == 0 => Vec::new(),
        // What cannot be decided is listed too, as possible: a missed credential is worse than one more line.
        SiteStatus::Exposed | SiteStatus::Unknown => exposures(pack, spot, &hit, &judged, room),
    };
    let site = Version { site, windows: hit.windows, by_date: judged.by_date };
    Some(Found { site, exposures })
}

/// An incident may speak of one component several times (two phases, a second wave): each is judged with
/// its own windows, the worst counts, and those that say the same add their times and their reach.
fn worst<'p>(pack: &'p Pack, spot: &Spot<'_>) -> Option<(Judged, Hit<'p>)> {
    let hits = pack.examine_each(&spot.mention.component, &context(spot));
    let mut all: Vec<(Judged, Hit<'p>)> =
        hits.into_iter().map(|hit| (judge(spot, &hit), hit)).collect();
    all.sort_by_key(|(judged, hit)| (judged.status, judged.certainty, hit.standing.rank()));
    let mut all = all.into_iter();
    let (mut judged, mut hit) = all.next()?;
    let alike = (judged.status, judged.certainty);
    for (more, other) in all.filter(|(one, _)| (one.status, one.certainty) == alike) {
        judged.overlap = match (judged.overlap, more.overlap) {
            (Some(a), Some(b)) => Some(merge::hull(a, b)),
            (a, b) => a.or(b),
        };
        // Outside of one window says nothing of the others.
        judged.by_date |= more.by_date;
        hit.windows.extend(other.windows);
        hit.payload = hit.payload.union(&other.payload);
    }
    Some((judged, hit))
}

fn context(spot: &Spot<'_>) -> Context {
    let identity = spot.subject.identity;
    // Clones of one repository are told apart by their folder: `owner/repo (PATH)`.
    let identity = identity.split_once(" (").map_or(identity, |(identity, _)| identity);
    let owner = identity.rsplit_once('/').map(|(owner, _)| owner);
    Context {
        repository_owner: owner.map(|o| o.rsplit('/').next().unwrap_or(o).to_owned()),
        os: spot.job.runner.os,
        self_hosted: spot.job.runner.self_hosted,
        public: None,
        install_scripts: installed(spot).and_then(|(install, _)| install.install_scripts),
    }
}

/// The install that a mentioned package comes by.
fn installed<'a>(spot: &Spot<'a>) -> Option<(&'a Install, &'a Installed)> {
    let component = &spot.mention.component;
    let installs = spot.step.filter(|_| component.kind == Kind::Package)?.installs.iter();
    let of = |install: &'a Install| {
        let same = |one: &&Installed| {
            one.place == spot.mention.place
                && one.component.name == component.name
                && (install.mentioned || one.component.reference == component.reference)
        };
        let by = install.place == spot.mention.place || spot.mention.via.contains(&install.place);
        install.found.iter().find(same).filter(|_| by).map(|one| (install, one))
    };
    installs.filter_map(of).next()
}

fn judge(spot: &Spot<'_>, hit: &Hit<'_>) -> Judged {
    let judged = |status, reason, certainty, overlap| Judged {
        status,
        reason,
        certainty,
        overlap,
        by_date: false,
    };
    // How a package came by its version stands before what is said of it.
    let led = |reason: String| match installed(spot) {
        Some((_, installed)) => format!("{}; {reason}", installed.how),
        None => reason,
    };
    let cleared =
        |reason: String| judged(SiteStatus::Cleared, led(reason), Certainty::Inferred, None);
    if !spot.mention.runs {
        return cleared("fetched, and nothing was found that runs it".to_owned());
    }
    if let Some(condition) = never_runs(spot) {
        return cleared(format!("never runs: `if: {condition}`"));
    }
    let (windows, certainty) = match &hit.standing {
        Standing::Cleared { reason } => return cleared(reason.clone()),
        Standing::Unknown { reason } => {
            return unknown_content(spot, &hit.windows, &led(reason.clone()));
        }
        Standing::Bad { windows, certainty } => (windows, *certainty),
    };
    let exposed = |reason: String, certainty, overlap| {
        judged(SiteStatus::Exposed, led(reason), certainty, overlap)
    };
    let bad = hit.resolved_by.clone().unwrap_or_else(|| "its content was bad".to_owned());
    match meet(windows, dated(spot)) {
        Meeting::Served(span) => {
            exposed(format!("{bad}, and the definition was in force"), certainty, Some(span))
        }
        Meeting::AdvisedOnly(span) => exposed(
            "in force only in the wider window that the advisory tells to audit".to_owned(),
            Certainty::Possible,
            Some(span),
        ),
        Meeting::Undated => exposed(
            format!("{bad}; undated: no history tells whether it was in force in the window"),
            Certainty::Possible,
            None,
        ),
        Meeting::Outside { reason } => outside(spot, reason),
    }
}

/// A date clears only where history, and not the operator's word on one day, says so.
fn outside(spot: &Spot<'_>, reason: String) -> Judged {
    let by_date = spot.subject.basis == Basis::History;
    let (status, reason) = if by_date {
        (SiteStatus::Cleared, merge::by_date(&reason))
    } else {
        (SiteStatus::Unknown, format!("what stood here in the window is not known: {reason}"))
    };
    Judged { status, reason, certainty: Certainty::Possible, overlap: None, by_date }
}

fn unknown_content(spot: &Spot<'_>, windows: &[&crate::incident::Window], reason: &str) -> Judged {
    match meet(windows, dated(spot)) {
        Meeting::Outside { reason } => outside(spot, reason),
        Meeting::Served(span) | Meeting::AdvisedOnly(span) => Judged {
            status: SiteStatus::Unknown,
            reason: reason.to_owned(),
            certainty: Certainty::Possible,
            overlap: Some(span),
            by_date: false,
        },
        Meeting::Undated => Judged {
            status: SiteStatus::Unknown,
            reason: reason.to_owned(),
            certainty: Certainty::Possible,
            overlap: None,
            by_date: false,
        },
    }
}

fn dated<'a>(spot: &Spot<'a>) -> &'a [Live] {
    match spot.subject.basis {
        Basis::Undated => &[],
        Basis::History | Basis::AsOf(_) => spot.defined.live,
    }
}

fn never_runs<'a>(spot: &Spot<'a>) -> Option<&'a str> {
    let is_false = |condition: &&str| {
        let inner = condition.trim();
        let inner = inner.strip_prefix("${{").and_then(|c| c.strip_suffix("}}")).unwrap_or(inner);
        inner.trim().eq_ignore_ascii_case("false")
    };
    let conditions =
        [spot.job.condition.as_deref(), spot.step.and_then(|s| s.condition.as_deref())];
    conditions.into_iter().flatten().find(is_false)
}

fn consumer(spot: &Spot<'_>) -> Consumer {
    Consumer::new(&spot.mention.place, spot.job, spot.step)
}

fn exposures(
    pack: &Pack,
    spot: &Spot<'_>,
    hit: &Hit<'_>,
    judged: &Judged,
    room: usize,
) -> Vec<Exposure> {
    let ways = reached(spot.job, spot.step, spot.mention);
    let mut by_payload: HashMap<&Secret, &Reached<'_>> = HashMap::new();
    for way in ways.iter().filter(|way| takes(&hit.payload, way.capability)) {
        by_payload.entry(&way.flow.secret).or_insert(way);
    }
    let mut done: HashSet<&Secret> = HashSet::new();
    let firsts = ways.iter().filter(|way| done.insert(&way.flow.secret));
    let line = |first: &Reached<'_>| match by_payload.get(&first.flow.secret) {
        Some(way) => exposure(pack, spot, hit, judged, way, Reach::Payload),
        None => exposure(pack, spot, hit, judged, first, Reach::AnyCode),
    };
    firsts.take(room).map(line).collect()
}

/// Memory holds what the environment holds, but a payload that reads memory alone is one that needs K5.
fn takes(payload: &Capabilities, needed: Capability) -> bool {
    payload.has(needed)
}

fn exposure(
    pack: &Pack,
    spot: &Spot<'_>,
    hit: &Hit<'_>,
    judged: &Judged,
    way: &Reached<'_>,
    reach: Reach,
) -> Exposure {
    let certainty = chain(spot, hit, judged, way, reach);
    let placement = Placement::of(spot.defined.pipeline.platform, &way.flow.secret);
    let consumer = consumer(spot);
    let id = identity::of(&identity::Line {
        incident: pack.id(),
        repository: spot.subject.identity,
        component: &spot.mention.component,
        placement: &placement,
        file: &consumer.file,
        job: consumer.job.as_deref(),
        step: spot.step.map(|step| step.index),
        carrier: way.carrier,
    });
    Exposure {
        id,
        repository: spot.subject.identity.to_owned(),
        verdict: ExposureVerdict::Exposed,
        confidence: match certainty {
            Certainty::Inferred => Confidence::Inferred,
            Certainty::Possible => Confidence::Possible,
        },
        reach,
        capability: format!("{:?}", way.capability),
        carrier: way.carrier,
        component: spot.mention.component.clone(),
        via: spot.mention.via.clone(),
        live: spot.defined.live.to_vec(),
        overlap: judged.overlap,
        rules: way.rules.iter().map(|&rule| rule.to_owned()).collect(),
        disposition: disposition::of(&placement),
        why: why::sentence(&why::Chain { spot, hit, judged_reason: &judged.reason, way, reach }),
        placement,
        consumer: Some(consumer),
        owners: Vec::new(),
        author_unknown: None,
        managed_by: Vec::new(),
    }
}

/// A chain is as strong as its weakest link.
fn chain(
    spot: &Spot<'_>,
    hit: &Hit<'_>,
    judged: &Judged,
    way: &Reached<'_>,
    reach: Reach,
) -> Certainty {
    let payload = match reach {
        Reach::Payload => hit.payload_certainty,
        Reach::AnyCode => Certainty::Inferred,
    };
    let links = [
        judged.certainty,
        spot.mention.certainty,
        spot.defined.certainty,
        way.flow.certainty,
        payload,
        doubt(spot),
        rules::support(way.rules),
        root(spot, way),
    ];
    links.into_iter().max().unwrap_or(Certainty::Possible)
}

/// Rule G18: without a hosted Linux or macOS runner, memory needs more than is known of the place.
fn root(spot: &Spot<'_>, way: &Reached<'_>) -> Certainty {
    let runner = &spot.job.runner;
    let unlike = runner.os == Os::Windows || runner.self_hosted == Some(true);
    if way.capability == Capability::K5 && unlike {
        Certainty::Possible
    } else {
        Certainty::Inferred
    }
}

/// A file that the platform refuses, or refused then, may never have run.
fn doubt(spot: &Spot<'_>) -> Certainty {
    let in_doubt = spot.defined.pipeline.doubts.iter().any(|doubt| match doubt.until {
        None => true,
        Some(day) => spot
            .defined
            .live
            .iter()
            .any(|live| live.from.is_none_or(|from| from.to_string().as_str() < day)),
    });
    if in_doubt { Certainty::Possible } else { Certainty::Inferred }
}

/// Whether the line speaks of repositories that call this one.
pub(super) fn is_for_consumers(spot: &Spot<'_>) -> bool {
    spot.defined.pipeline.role == Role::Offered
}
