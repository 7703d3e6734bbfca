//! Moments and spans, as short as they may be said.

use jiff::{SignedDuration, Timestamp};

use crate::assess::{Live, Span};

/// A span no longer than this is told by the minute.
const SHORT: SignedDuration = SignedDuration::from_hours(72);

pub(super) fn span(span: &Span) -> String {
    let minutes = match (span.from, span.to) {
        (Some(from), Some(to)) => to.duration_since(from) <= SHORT,
        _ => false,
    };
    let (from, to) = if minutes {
        (span.from.map(minute), span.to.map(minute))
    } else {
        (span.from.map(day), span.to.map(last_day))
    };
    match (from, to) {
        (Some(from), Some(to)) if minutes => format!("{from} … {to} UTC"),
        (Some(from), Some(to)) if from == to => from,
        (Some(from), Some(to)) => format!("{from} … {to}"),
        (Some(from), None) => format!("{from} … today"),
        (None, Some(to)) => format!("until {to}"),
        (None, None) => "undated".to_owned(),
    }
}

pub(super) fn live(live: &Live) -> String {
    let span = span(&Span { from: live.from, to: live.to });
    match &live.commit {
        Some(commit) => format!("{span} (commit {})", commit.chars().take(12).collect::<String>()),
        None => span,
    }
}

/// From the first beginning to the last end; `None` where one of them is not known to be dated.
pub(super) fn hull(spans: impl Iterator<Item = Option<Span>>) -> Option<Span> {
    let spans: Vec<Span> = spans.collect::<Option<_>>()?;
    let open = spans.iter().any(|span| span.to.is_none());
    let from = spans.iter().map(|span| span.from).min()?;
    let to = if open { None } else { spans.iter().filter_map(|span| span.to).max() };
    Some(Span { from, to })
}

fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M").to_string()
}

fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

/// The last day of a span that ends before `end`: midnight belongs to the day after.
fn last_day(end: Timestamp) -> String {
    day(end.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(end))
}

#[cfg(test)]
mod tests {
    use super::{Span, hull, span};

    fn of(from: Option<&str>, to: Option<&str>) -> Span {
        let moment = |text: &str| text.parse().expect("RFC 3339");
        Span { from: from.map(moment), to: to.map(moment) }
    }

    #[test]
    fn whole_days_end_on_their_last_day() {
        let window = of(Some("2021-01-31T00:00:00Z"), Some("2021-04-02T00:00:00Z"));
        assert_eq!(span(&window), "2021-01-31 … 2021-04-01");
    }

    #[test]
    fn short_spans_tell_the_minute_and_open_ones_say_so() {
        let short = of(Some("2025-03-14T16:00:00Z"), Some("2025-03-15T12:00:00Z"));
        assert_eq!(span(&short), "2025-03-14 16:00 … 2025-03-15 12:00 UTC");
        assert_eq!(span(&of(Some("2025-03-14T16:00:00Z"), None)), "2025-03-14 … today");
        assert_eq!(span(&of(None, Some("2025-03-14T00:00:00Z"))), "until 2025-03-13");
        assert_eq!(span(&of(None, None)), "undated");
    }

    #[test]
    fn one_undated_span_leaves_no_hull() {
        let first = of(Some("2021-02-01T00:00:00Z"), Some("2021-02-03T00:00:00Z"));
        let second = of(Some("2021-01-01T00:00:00Z"), None);
        assert_eq!(hull([Some(first), Some(second)].into_iter()), Some(second));
        assert_eq!(hull([Some(first), None].into_iter()), None);
    }
}
