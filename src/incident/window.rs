//! Windows as instants, and where a definition's life meets them.
//!
//! All intervals are half open: `from` is in, `to` is not. A bound of a coarse precision covers its
//! whole unit, so that a window is never narrower than what its source says.

use jiff::{Span as Duration, Timestamp, civil, tz::TimeZone};

use super::document::{Bound, Precision, Window as Entry, WindowKind};
use crate::assess::{Live, Span};

/// A typed window with its bounds as instants; `None` is open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Window {
    pub kind: WindowKind,
    pub from: Option<Timestamp>,
    /// The first instant that is no longer in it.
    pub to: Option<Timestamp>,
}

impl Window {
    pub(super) fn read(entry: &Entry) -> Result<Self, String> {
        let from = entry.from.as_ref().map(|bound| edge(bound, bound.inclusive)).transpose()?;
        let to = entry.to.as_ref().map(|bound| edge(bound, !bound.inclusive)).transpose()?;
        Ok(Self { kind: entry.kind, from, to })
    }

    /// Whether bad content could run in it. `abuse-possible` and `secure-after` speak of credentials,
    /// not of the component.
    pub fn is_of_component(&self) -> bool {
        match self.kind {
            WindowKind::Served | WindowKind::AuditAdvised | WindowKind::Exfiltrated => true,
            WindowKind::AbusePossible | WindowKind::SecureAfter => false,
        }
    }

    fn overlap(&self, live: &Live) -> Option<Span> {
        let span = Span { from: later(self.from, live.from), to: earlier(self.to, live.to) };
        match (span.from, span.to) {
            (Some(from), Some(to)) if from >= to => None,
            _ => Some(span),
        }
    }
}

/// Where the life of a definition meets the windows of a component.
#[derive(Clone, Debug, PartialEq)]
pub enum Meeting {
    /// The bad content was served while the definition was in force.
    Served(Span),
    /// Only an authority's wider audit window is met.
    AdvisedOnly(Span),
    Outside {
        reason: String,
    },
    /// The definition's life is not known, or the window is not: neither can clear.
    Undated,
}

/// `live` empty: the definition's life is not known. The span runs from the first meeting to the last.
pub fn meet(windows: &[&Window], live: &[Live]) -> Meeting {
    let windows: Vec<_> = windows.iter().filter(|w| w.is_of_component()).collect();
    if live.is_empty() || windows.is_empty() {
        return Meeting::Undated;
    }
    let spans = |advised: bool| {
        windows
            .iter()
            .filter(move |w| (w.kind == WindowKind::AuditAdvised) == advised)
            .flat_map(|w| live.iter().filter_map(|l| w.overlap(l)))
            .reduce(hull)
    };
    match (spans(false), spans(true)) {
        (Some(span), _) => Meeting::Served(span),
        (None, Some(span)) => Meeting::AdvisedOnly(span),
        (None, None) => Meeting::Outside { reason: outside(&windows, live) },
    }
}

/// The union of two spans and what lies between them.
pub(super) fn hull(a: Span, b: Span) -> Span {
    let from = a.from.zip(b.from).map(|(a, b)| a.min(b));
    let to = a.to.zip(b.to).map(|(a, b)| a.max(b));
    Span { from, to }
}

fn outside(windows: &[&&Window], live: &[Live]) -> String {
    let whole = windows.iter().map(|w| Span { from: w.from, to: w.to }).reduce(hull);
    let window = whole.map_or_else(String::new, |span| phrase(span.from, span.to));
    let lives: Vec<_> = live.iter().take(3).map(|l| phrase(l.from, l.to)).collect();
    let more = if live.len() > 3 { " …" } else { "" };
    format!("in force {}{more}; the window is {window}", lives.join(", "))
}

fn phrase(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("{from} to {to}"),
        (Some(from), None) => format!("from {from} on"),
        (None, Some(to)) => format!("until {to}"),
        (None, None) => "at all times".to_owned(),
    }
}

fn later(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    // `None` is the beginning of time, which `Option`'s order has already.
    a.max(b)
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Why a bound cannot be read; empty-handed if it can.
pub(super) fn trouble(bound: &Bound) -> Option<String> {
    [true, false].into_iter().find_map(|start| edge(bound, start).err())
}

/// Which moment of a bound's unit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edge {
    First,
    /// The start of the unit before.
    Before,
}

/// `None`: the bound cannot be read.
pub(super) fn instant(bound: &Bound, edge: Edge) -> Option<Timestamp> {
    let first = first_instant(&bound.at, bound.precision).ok()?;
    match edge {
        Edge::First => Some(first),
        Edge::Before => {
            let unit = match bound.precision {
                Precision::Second => Duration::new().seconds(1),
                Precision::Minute => Duration::new().minutes(1),
                _ => Duration::new().hours(1),
            };
            first.checked_sub(unit).ok()
        }
    }
}

/// The start of the unit that a bound names, or its end.
fn edge(bound: &Bound, start: bool) -> Result<Timestamp, String> {
    let first = first_instant(&bound.at, bound.precision)?;
    if start {
        return Ok(first);
    }
    let unit = match bound.precision {
        Precision::Second => Duration::new().seconds(1),
        Precision::Minute => Duration::new().minutes(1),
        Precision::Hour => Duration::new().hours(1),
        Precision::Day => Duration::new().days(1),
        Precision::Month => Duration::new().months(1),
    };
    let end = first.to_zoned_datetime(TimeZone::UTC).checked_add(unit);
    end.map(|zoned| zoned.timestamp()).map_err(|error| error.to_string())
}

fn first_instant(at: &str, precision: Precision) -> Result<Timestamp, String> {
    let wrong = || format!("`{at}` is not of the form `{}`", form(precision));
    let Some((day, clock)) = at.split_once('T') else {
        let day = match precision {
            Precision::Day => at.to_owned(),
            Precision::Month => format!("{at}-01"),
            Precision::Second | Precision::Minute | Precision::Hour => return Err(wrong()),
        };
        return Ok(start_of(date(&day).ok_or_else(wrong)?));
    };
    let day = date(day).ok_or_else(wrong)?;
    let (clock, offset) = split_offset(clock).ok_or_else(wrong)?;
    let fields = match precision {
        Precision::Hour => 1,
        Precision::Minute => 2,
        Precision::Second => 3,
        Precision::Day | Precision::Month => return Err(wrong()),
    };
    let parts: Vec<i64> =
        clock.split(':').map(two_digits).collect::<Option<_>>().ok_or_else(wrong)?;
    if parts.len() != fields || parts[0] > 23 || parts[1..].iter().any(|part| *part > 59) {
        return Err(wrong());
    }
    let seconds = parts.iter().zip([3600, 60, 1]).map(|(part, unit)| part * unit).sum::<i64>();
    start_of(day)
        .checked_add(Duration::new().seconds(seconds - offset))
        .map_err(|error| error.to_string())
}

fn start_of(day: civil::Date) -> Timestamp {
    // UTC has no gaps, so the offset of a civil time in it is always known.
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

/// Whether the text is a day, `2021-01-31`.
pub(super) fn is_day(text: &str) -> bool {
    date(text).is_some()
}

/// `2021-01-31` and nothing else that a lenient parser would take.
fn date(text: &str) -> Option<civil::Date> {
    let well_formed = text.len() == 10
        && text.bytes().enumerate().all(|(i, byte)| match i {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    well_formed.then(|| text.parse().ok()).flatten()
}

/// A clock time without its offset, and the offset in seconds.
fn split_offset(clock: &str) -> Option<(&str, i64)> {
    if let Some(clock) = clock.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let sign_at = clock.rfind(['+', '-'])?;
    let (clock, offset) = clock.split_at(sign_at);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    (hours <= 14 && minutes <= 59).then_some((clock, sign * (hours * 3600 + minutes * 60)))
}

fn two_digits(text: &str) -> Option<i64> {
    let well_formed = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| text.parse().ok()).flatten()
}

fn form(precision: Precision) -> &'static str {
    match precision {
        Precision::Second => "2021-01-31T08:15:30Z",
        Precision::Minute => "2021-01-31T08:15Z",
        Precision::Hour => "2021-01-31T08Z",
        Precision::Day => "2021-01-31",
        Precision::Month => "2021-01",
    }
}
